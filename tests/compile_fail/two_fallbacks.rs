#[famalloc::alloc_family]
enum Lives {
    #[cfg(any())]
    #[family(fallback)]
    Absent,
    #[family(fallback)]
    General,
    Ast,
    #[family(isolate, fallback)]
    Object,
    #[family(fallback)]
    Code,
}

fn main() {}
