#[famalloc::alloc_family("Lives::Ast")]
enum Expression {
    Number(f64),
    Name(String),
}

fn main() {}
