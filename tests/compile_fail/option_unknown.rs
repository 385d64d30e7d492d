#[famalloc::alloc_family(sauce = PAGES, name = "Lives")]
enum Lives {
    Ast,
}

fn main() {}
