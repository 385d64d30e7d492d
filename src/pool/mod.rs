//! [`Pool`]: objects that are made once and used again and again.
//!
//! Some objects cost more to make than the memory they lie in: a buffer that has grown, a parser
//! with its tables, a lock, a connection. A pool keeps them *as they are* when their user is done
//! and hands them to the next, without a destructor and a constructor in between. It is the object
//! cache of Bonwick's slab allocator ("The Slab Allocator: An Object-Caching Kernel Memory
//! Allocator", USENIX 1994), over a family.
//!
//! ```text
//!            make (only when nothing is idle)
//!                 |
//!                 v         get
//!    constructed, idle  ----------->  in use  ---- detach ----> a FamilyBox, on its own
//!                 ^                     |
//!                 +---- reset <---------+ drop    <---- put ---- a FamilyBox
//!                 |
//!                 v  retention, trim, clear: the destructor, and the slot is freed
//! ```
//!
//! | what | |
//! |---|---|
//! | [`Pool<T, F>`] | of objects of one type, for all threads; may be a `static` |
//! | [`PoolFront`] | what one thread puts in front of it, to take and give back without a lock |
//! | [`RawPool<F>`](RawPool) | of memory of one layout, with hooks, for C-like use |
//! | [`Retention`] | how many idle objects are kept |
//! | [`Pooled`] | an object in use; it goes back when it is dropped |
//!
//! # Where things lie
//!
//! Objects lie in slots of family `F` like those of a [`FamilyBox`](crate::FamilyBox), idle or not, and
//! [`walk_in`](crate::walk_in) and [`FamilyUse`](crate::FamilyUse) see them. The addresses of idle ones
//! are kept in arrays of 256 bytes, in slots of `F` as well, one for every 28 idle objects and one
//! to spare: they count as live objects too. Nothing is written into idle objects, and the global
//! allocator is not used.
//!
//! # When it is reset
//!
//! The reset hook runs when an object is handed back, not when it is handed out. So what an object
//! refers to is let go when its user is done and not when another happens to come; a panic in the
//! hook comes up where the object was used; the thread that used it, which has it in its cache,
//! does the work; and every idle object is in the same state, new or used.
//!
//! # Panics in user code
//!
//! No slot is lost to a panic, and nothing is dropped twice. A constructor's panic gives its slot
//! back. An object whose reset panics is destroyed, it alone. When a destructor panics, the other
//! objects that were to be destroyed by the same call are destroyed first. The pool can be used
//! afterwards. (A second panic while the first unwinds ends the process, as everywhere.)
//!
//! # Cost
//!
//! `get` and drop each take the pool's lock once, for a few instructions; through a front, once for
//! half a front of them. Destructors, constructors and hooks run outside of it. A hand-back destroys
//! at most two objects (a front that gives half of its objects back, two for each of them);
//! [`Pool::end_period`] at most [`Retention::step`]; [`Pool::trim`] and [`Pool::clear`] as many as it
//! takes.

mod depot;
mod front;
mod raw;
mod retention;
mod stash;
mod typed;
mod upkeep;

pub use self::depot::PoolCounts;
pub use self::front::PoolFront;
pub use self::raw::{RawHook, RawPool};
pub use self::retention::Retention;
pub use self::typed::{Pool, Pooled};
