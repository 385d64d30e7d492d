#[famalloc::alloc_family]
enum Super {
    Ast,
}

fn main() {}
