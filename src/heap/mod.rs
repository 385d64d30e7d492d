//! The heap: every operation on families, each one road from the user's call down to the blocks.
//!
//! | module | what |
//! |---|---|
//! | [`alloc`] | allocate and free, by size, by layout, by type: the fast path |
//! | [`large`] | what no size class holds |
//! | [`resize`] | reallocation, in place where it can be done |
//! | [`untyped`] | the same where family or size are known at run time only |
//! | [`query`] | what any address is; whether a pointer may be freed |
//! | [`reclaim`] | giving memory back: so much, or all |
//! | [`lifecycle`] | the beginning, the rests and the end of a thread's work, by hand |
//! | [`free_all`] | all of a family at once |
//! | `freed` | what was freed and is still at hand, before the process ends |
//! | [`walk`] | every live object of a family; sweeping it |
//! | [`usage`] | how much a family uses |
//! | `snapshot` | how much every family of a set uses (with the standard library) |
//! | [`check`] | the integrity of everything |

pub(crate) mod alloc;
pub(crate) mod check;
pub(crate) mod free_all;
mod freed;
pub(crate) mod large;
pub mod lifecycle;
pub(crate) mod query;
pub(crate) mod reclaim;
pub(crate) mod resize;
#[cfg(feature = "std")]
pub(crate) mod snapshot;
pub mod untyped;
pub(crate) mod usage;
pub(crate) mod walk;

pub(crate) use alloc::{
    alloc_layout_in, alloc_value_in, alloc_zeroed_layout_in, free_layout_in, free_value_in,
};
pub(crate) use resize::realloc_layout_in;
