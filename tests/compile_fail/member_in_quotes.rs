#[famalloc::alloc_family]
enum Lives {
    Ast,
}

#[famalloc::alloc_family("Lives::Ast")]
struct Node;

fn main() {}
