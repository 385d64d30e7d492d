#[famalloc::alloc_family]
enum Lives {
    Ast,
    Object,
}

#[famalloc::alloc_family(Lives::Objct)]
struct Node;

fn main() {}
