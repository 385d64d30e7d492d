#[famalloc::alloc_family(crate = "no path", source = 3)]
enum Lives {
    Ast,
}

fn main() {}
