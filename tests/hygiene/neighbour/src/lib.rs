//! A library of the first edition with a family set, for a program that has one of the same name.

#![deny(warnings)]

extern crate famalloc;

use famalloc::alloc_family;

/// Named as the set of the program.
#[alloc_family]
#[derive(Debug, Clone, Copy)]
pub enum Lives {
    /// The first.
    Ast,
    /// The second, which the program has not.
    #[family(isolate)]
    Dyn,
    /// A keyword, and under a condition.
    #[expect(non_camel_case_types, reason = "a keyword, raw")]
    #[cfg(target_pointer_width = "64")]
    r#dyn,
    /// Never there.
    #[cfg(any())]
    Absent,
}

/// Whose module is a keyword of later editions.
#[alloc_family(thread_local = "initial-exec")]
#[derive(Debug, Clone, Copy)]
pub enum Async {
    /// The only one.
    A,
}

/// In a family of this crate.
#[alloc_family(Lives::Dyn)]
#[derive(Debug)]
pub struct Node(pub u64);

/// By the path of this edition, which starts at the crate's root.
#[alloc_family(::lives::Ast)]
#[derive(Debug)]
pub struct FromTheRoot<'a, T: 'a + ?Sized>(pub &'a T);

/// Among names that mean something else.
pub mod shadowed {
    #![allow(
        missing_docs,
        missing_debug_implementations,
        non_camel_case_types,
        reason = "only there to be in the way"
    )]

    pub mod core {}
    pub mod std {}
    pub struct usize;
    pub struct str;

    #[::famalloc::alloc_family]
    pub enum Lives {
        #[cfg(target_pointer_width = "64")]
        Ast,
    }
}
