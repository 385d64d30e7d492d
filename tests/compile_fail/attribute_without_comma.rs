#[famalloc::alloc_family]
enum Lives {
    #[family(isolate zero_on_free)]
    Ast,
}

fn main() {}
