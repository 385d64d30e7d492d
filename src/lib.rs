//! famalloc (contract skeleton; the documentation comes with the core)
// So that `::famalloc` paths in macro expansions work inside this crate's own tests.
extern crate self as famalloc;

pub mod error;
pub mod family;
pub mod boxed;
pub mod heap;
mod shim;
pub use shim::{table, thread};

#[doc(hidden)]
pub mod __private {
    pub use crate::table::{FamilyCell, SetTable, SpaceCell, SYSTEM_SPACE};
    pub use crate::thread::RowHome;
}
pub use error::*;
pub use family::*;
pub use heap::*;
pub use boxed::FamilyBox;
pub use famalloc_macros::alloc_family;
