//! famalloc (documentation follows)
extern crate self as famalloc;

mod block;
pub mod boxed;
mod class;
mod error;
mod family;
mod heap;
mod lane;
mod os;
mod space;
mod spec;
mod sync;
mod table;
mod thread;

pub use boxed::FamilyBox;
pub use error::{AllocError, AllocErrorKind, FreeError};
pub use famalloc_macros::alloc_family;
pub use family::{Family, FamilyOf, FamilySet, InFamily};
pub use heap::alloc::{
    alloc_in, alloc_layout_in, alloc_zeroed_in, alloc_zeroed_layout_in, free_in, free_layout_in,
    try_free_in,
};
pub use heap::check::{Corruption, check};
pub use heap::query::{Query, QueryKind, query};
pub use heap::reclaim::{flush, reclaim};
pub use heap::resize::{
    grow_in_place_in, realloc_in, realloc_layout_in, realloc_zeroed_in, realloc_zeroed_layout_in,
};
pub use heap::snapshot::{ClassUse, FamilyUse, Snapshot};
pub use os::{PageError, PageSource, System};
pub use spec::FamilySpec;

/// What the expansion of the macros names; not part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::space::{SYSTEM_SPACE, SpaceCell};
    pub use crate::table::{FamilyCell, SetTable};
    pub use crate::thread::RowHome;
}
