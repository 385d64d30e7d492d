#[famalloc::alloc_family]
union Bits {
    number: f64,
    bytes: [u8; 8],
}

fn main() {}
