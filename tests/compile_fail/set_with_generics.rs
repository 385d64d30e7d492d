#[famalloc::alloc_family]
enum Lives<'a, T> {
    Ast,
}

fn main() {}
