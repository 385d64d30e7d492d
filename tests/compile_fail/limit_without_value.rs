#[famalloc::alloc_family]
enum Lives {
    #[family(limit)]
    Ast,
    #[family(limit("64 MiB"))]
    Object,
}

fn main() {}
