#[famalloc::alloc_family]
enum Lives {
    #[family(align = "page")]
    Ast,
    #[family(align = 16)]
    Object,
    #[family(align)]
    Token,
}

fn main() {}
