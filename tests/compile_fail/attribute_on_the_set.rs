#[famalloc::alloc_family]
#[family(isolate)]
enum Lives {
    Ast,
}

fn main() {}
