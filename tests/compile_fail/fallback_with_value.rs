#[famalloc::alloc_family]
enum Lives {
    #[family(fallback = true)]
    General,
}

fn main() {}
