#[famalloc::alloc_family]
enum Lives {}

fn main() {}
