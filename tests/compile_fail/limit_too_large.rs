#[famalloc::alloc_family]
enum Lives {
    #[family(limit = "8589934592 GiB")]
    Ast,
}

fn main() {}
