use famalloc::{Family, FamilySet, alloc_family};

#[alloc_family]
enum Lives {
    #[family(limit = "1 KiB")]
    Ast,
}

#[alloc_family(Lives::Ast)]
struct Node;

fn main() {
    // All of this is right, and nothing is said of it.
    let _ = (Lives::Ast.index(), lives::Ast::SPEC, Node);
}
