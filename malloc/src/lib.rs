//! A C `malloc` over a famalloc family set.

pub mod calls;
mod errno;
pub mod exports;
mod families;
#[cfg(test)]
mod header;
mod interface;
pub mod names;
mod next;
pub mod operators;
pub mod standard;
pub mod stats;
mod text;
pub mod types;

pub use exports::{Exports, initialize};
pub use families::Families;

/// What the expansion of the macros names; not part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use core::sync::atomic::AtomicPtr;
    pub use famalloc::FamilySet;
}
