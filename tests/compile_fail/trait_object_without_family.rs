use famalloc::{FamilyBox, alloc_family};

#[alloc_family]
enum Lives {
    Scene,
}

trait Shape {}

struct Picture {
    shapes: Vec<FamilyBox<dyn Shape>>,
}

fn main() {}
