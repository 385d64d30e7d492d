#[famalloc::alloc_family(crate = famalloc, crate = famalloc)]
enum Lives {
    Ast,
}

fn main() {}
