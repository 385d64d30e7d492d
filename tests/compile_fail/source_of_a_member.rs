#[famalloc::alloc_family]
enum Lives {
    Ast,
}

#[famalloc::alloc_family(Lives::Ast, source = PAGES)]
struct Node;

fn main() {}
