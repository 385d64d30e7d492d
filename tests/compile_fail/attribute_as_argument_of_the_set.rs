#[famalloc::alloc_family(isolate)]
enum Lives {
    Ast,
}

fn main() {}
