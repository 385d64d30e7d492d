#[famalloc::alloc_family]
enum Lives {
    #[family]
    Ast,
    #[family()]
    Object,
    #[family = "isolate"]
    Token,
}

fn main() {}
