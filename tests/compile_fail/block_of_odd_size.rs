#[famalloc::alloc_family]
enum Lives {
    #[family(block = "96 KiB")]
    NoPower,
    #[family(block = "1 MB")]
    Decimal,
    #[family(block = "32 KiB")]
    Small,
    #[family(block = "4 MiB")]
    Large,
}

fn main() {}
