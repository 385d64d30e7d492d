#[famalloc::alloc_family(Lives<u8>::Ast)]
struct Node;

fn main() {}
