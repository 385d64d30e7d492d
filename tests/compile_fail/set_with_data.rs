#[famalloc::alloc_family]
enum Lives {
    Ast(u32),
    Token,
    Object { size: usize },
}

fn main() {}
