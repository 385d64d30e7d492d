#[famalloc::alloc_family]
enum Lives {
    #[family(limit = "60 KiB")]
    Ast,
}

fn main() {}
