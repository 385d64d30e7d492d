#[famalloc::alloc_family]
enum Lives {
    #[family(limit = "")]
    Empty,
    #[family(limit = "-64 MiB")]
    Negative,
    #[family(limit = "1.5 GiB")]
    Fraction,
    #[family(limit = "a lot")]
    Words,
}

fn main() {}
