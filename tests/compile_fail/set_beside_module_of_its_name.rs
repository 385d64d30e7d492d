mod lives {}

#[famalloc::alloc_family]
enum Lives {
    Ast,
}

fn main() {}
