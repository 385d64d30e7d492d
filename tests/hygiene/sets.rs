//! Sets in a library of an edition that has passed, named as the program's are, and as keywords of later
//! editions.

#![deny(warnings)]
#![allow(clippy::exhaustive_enums, reason = "they are the whole of it")]

use famalloc::alloc_family;

/// Named as the set of the program.
#[alloc_family]
#[derive(Debug, Clone, Copy)]
pub enum Lives {
    /// A keyword of the next edition.
    #[expect(non_camel_case_types, reason = "a keyword elsewhere")]
    gen,
    /// Under a condition.
    #[cfg(target_pointer_width = "64")]
    #[family(isolate, limit = "64 MiB")]
    Ast,
    /// Never there.
    #[cfg(any())]
    Absent,
}

/// Whose module is such a keyword.
#[alloc_family(thread_local = "initial-exec")]
#[derive(Debug, Clone, Copy)]
pub enum Gen {
    /// The only one.
    A,
}

/// In a family of this crate.
#[alloc_family(crate::Lives::gen)]
#[derive(Debug)]
pub struct Node(pub u64);

/// In a set that only this function has.
#[must_use]
pub fn families_of_a_body() -> usize {
    #[alloc_family]
    enum Lives {
        #[cfg(target_pointer_width = "64")]
        A,
        B,
    }
    use famalloc::Family;
    lives::B::INDEX + usize::from(lives::A::SPEC.is_isolated())
}
