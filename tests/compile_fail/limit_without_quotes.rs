#[famalloc::alloc_family]
enum Lives {
    #[family(limit = 64 MiB)]
    Ast,
    #[family(limit = 1.5)]
    Object,
}

fn main() {}
