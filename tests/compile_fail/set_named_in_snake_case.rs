#![allow(non_camel_case_types)]

#[famalloc::alloc_family]
enum lives {
    Ast,
}

fn main() {}
