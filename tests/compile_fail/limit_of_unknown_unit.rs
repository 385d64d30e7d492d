#[famalloc::alloc_family]
enum Lives {
    #[family(limit = "64 M")]
    Ast,
    #[family(limit = "64 mib")]
    Object,
    #[family(limit = "64 parsecs")]
    Token,
}

fn main() {}
