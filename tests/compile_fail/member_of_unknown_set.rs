#[famalloc::alloc_family(Lifes::Ast)]
struct Node;

fn main() {}
