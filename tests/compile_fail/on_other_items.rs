#[famalloc::alloc_family]
fn function() {}

#[famalloc::alloc_family(Lives::Ast)]
trait Trait {}

struct Type;

#[famalloc::alloc_family]
impl Type {}

#[famalloc::alloc_family(Lives::Ast)]
mod module {}

struct Other;

impl Other {
    #[famalloc::alloc_family]
    fn method(&self) {}
}

fn main() {}
