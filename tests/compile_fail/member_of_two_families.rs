#[famalloc::alloc_family]
enum Lives {
    Ast,
    Object,
}

#[famalloc::alloc_family(Lives::Ast, Lives::Object)]
struct Node;

fn main() {}
