//! The heap: every operation on families, from the user's call down to the blocks.
//!
//! | module | what |
//! |---|---|
//! | [`alloc`] | allocate and free, by size, by layout, by type: the fast path |
//! | [`alloc_in`] | the same as functions for a family that is named by its marker |
//! | [`large`] | allocations larger than every size class |
//! | [`resize`] | reallocation, in place if possible |
//! | [`raw`] | the same if family or size are known only at run time |
//! | [`query`] | describes any address; checks whether a pointer may be freed |
//! | [`reclaim`] | returning memory to the system: a goal of bytes, or all |
//! | [`lifecycle`] | explicit start, idling and end of a thread's work |
//! | [`free_all`] | freeing a whole family at once |
//! | `freed` | the check of freed slots before the process ends |
//! | [`walk`] | visiting every live object of a family; sweeping it |
//! | [`usage`] | statistics of a family |
//! | `snapshot` | statistics of all families of a set (with the standard library) |
//! | [`check`] | the integrity check |

pub(crate) mod alloc;
pub(crate) mod alloc_in;
pub(crate) mod check;
pub(crate) mod free_all;
mod freed;
pub(crate) mod large;
pub mod lifecycle;
pub(crate) mod query;
pub mod raw;
pub(crate) mod reclaim;
pub(crate) mod resize;
#[cfg(feature = "std")]
pub(crate) mod snapshot;
pub(crate) mod usage;
pub(crate) mod walk;

use crate::family_key::FamilyKey;
use crate::family_set::FamilySet;
use crate::table::FamilyTable;
use crate::thread;

/// What the heap knows about a family; nothing before its first use.
fn used<K: FamilyKey>(family: K) -> Option<&'static FamilyTable> {
    thread::used(<K::Set as FamilySet>::table(), family.position())
}
