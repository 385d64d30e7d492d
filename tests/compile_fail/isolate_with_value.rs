#[famalloc::alloc_family]
enum Lives {
    #[family(isolate = true)]
    Ast,
    #[family(isolate = false)]
    Object,
    #[family(zero_on_free("yes"))]
    Token,
}

fn main() {}
