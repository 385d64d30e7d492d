#[famalloc::alloc_family]
enum Lives {
    Ast,
}

#[famalloc::alloc_family(Ast)]
struct Node;

#[famalloc::alloc_family(self::Ast)]
struct Leaf;

fn main() {}
