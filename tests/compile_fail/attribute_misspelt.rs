#[famalloc::alloc_family]
enum Lives {
    #[family(isolated, zero_of_free)]
    Ast,
}

fn main() {}
