#[famalloc::alloc_family]
enum Lives {
    #[family(limit = "512 KiB", block = "1 MiB")]
    Ast,
}

fn main() {}
