//! lox
fn main() {}
