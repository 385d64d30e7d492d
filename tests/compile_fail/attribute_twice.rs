#[famalloc::alloc_family]
enum Lives {
    #[family(isolate, limit = "1 MiB")]
    #[family(isolate, limit = "2 MiB")]
    Ast,
}

fn main() {}
