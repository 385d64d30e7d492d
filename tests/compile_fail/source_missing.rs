#[famalloc::alloc_family(source = PAGES)]
enum Lives {
    Ast,
}

fn main() {}
