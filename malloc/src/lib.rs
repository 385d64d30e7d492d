//! A C `malloc` over a famalloc family set.
//!
//! The package `libfamalloc` builds the library of that name from it, with families that programs name; the
//! README explains its use. With [`export_malloc!`] another crate exports one over families of its own.
//!
//! | module | what |
//! |---|---|
//! | [`standard`] | the functions of ISO C, POSIX and glibc's manual |
//! | [`libc_names`] | `__libc_malloc` and related names |
//! | [`operators`] | C++'s `operator new` and `operator delete` |
//! | [`calls`] | the calls of `famalloc.h`, which name a family |
//! | [`stats`] | `mallinfo`, `malloc_stats`, `malloc_info`, `mallopt` |
//! | [`types`] | the types of the calls |
//! | [`names`] | the names of families |
//! | [`exports`] | the macro that makes C functions of all of these |

pub mod calls;
mod cancel;
mod environment;
mod errno;
pub mod exports;
mod families;
mod first;
#[cfg(test)]
mod header;
mod interface;
pub mod libc_names;
pub mod names;
mod next;
mod objects;
pub mod operators;
mod replaced;
mod set;
pub mod standard;
pub mod stats;
mod text;
pub mod types;

pub use exports::initialize;
pub use families::Families;
pub use set::Exports;

/// What the expansion of the macros names; not part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use core::sync::atomic::AtomicPtr;
    pub use famalloc::FamilySet;
}

/// The README's snippets compile and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
