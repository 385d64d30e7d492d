#[famalloc::alloc_family]
enum Lives {
    #[family(colour = "red")]
    Ast,
}

fn main() {}
