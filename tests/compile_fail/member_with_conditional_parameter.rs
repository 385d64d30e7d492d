use famalloc::alloc_family;

#[alloc_family]
enum Lives {
    Ast,
}

#[alloc_family(Lives::Ast)]
struct Node<'a, #[cfg(any())] T, #[cfg(not(any()))] const N: usize>(&'a [u8; N]);

fn main() {}
