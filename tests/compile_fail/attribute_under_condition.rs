#[famalloc::alloc_family]
enum Lives {
    #[cfg_attr(debug_assertions, family(isolate))]
    Ast,
}

fn main() {}
