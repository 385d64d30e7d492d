#[famalloc::alloc_family]
struct Node;

fn main() {}
