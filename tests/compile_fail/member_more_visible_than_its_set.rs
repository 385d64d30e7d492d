#[famalloc::alloc_family]
enum Lives {
    Ast,
}

#[famalloc::alloc_family(Lives::Ast)]
pub struct Node;

fn main() {}
