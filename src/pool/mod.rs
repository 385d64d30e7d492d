//! [`Pool`]: objects that are initialised once and reused.
//!
//! Some objects cost more to make than their memory: a buffer that has grown, a parser with its tables, a
//! lock, a connection. When a user is done with such an object, a pool keeps it *as it is* and hands it to
//! the next user, without a destructor and a constructor in between. It is the object cache of Bonwick's
//! slab allocator ("The Slab Allocator: An Object-Caching Kernel Memory Allocator", USENIX 1994), over a
//! family.
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
//! # Memory
//!
//! `F` is a family's marker or, with `new_in`, an [`AnyFamily`](crate::AnyFamily), which is known only at run
//! time. Objects, idle or not, are in slots of the family like those of a [`FamilyBox`](crate::FamilyBox), and
//! [`walk`](crate::walk) and [`FamilyUse`](crate::FamilyUse) see them. The addresses of idle objects
//! are kept in arrays of 256 bytes, in slots of `F` as well: one for every 28 idle objects, and a spare
//! one. They count as live objects, too. Nothing is written into idle objects, and the global allocator is
//! not used.
//!
//! # The reset hook
//!
//! The reset hook runs when an object returns, not when it is handed out. So an object releases what it
//! refers to when its user is done, not when the next user comes. A panic in the hook occurs where the
//! object was used. The thread that used the object, and has it in its cache, does the work. And all idle
//! objects are in the same state, new or used.
//!
//! # Panics in user code
//!
//! No panic leaks a slot or drops anything twice. If a constructor panics its slot is freed. If a reset
//! panics, that object is destroyed, and no other. If a destructor panics, the other objects that the same
//! call was to destroy are destroyed first. The pool remains usable. (A second panic during unwinding
//! aborts the process, as everywhere.)
//!
//! # Cost
//!
//! `get` and drop each take the lock of the pool once, for a few instructions; with a front, once for half
//! a front of objects. Destructors, constructors and hooks run outside of the lock. The return of an
//! object destroys at most two objects (a front that returns half of its objects: two for each of them);
//! [`Pool::end_period`] destroys at most [`Retention::step`]; [`Pool::trim`] and [`Pool::clear`] destroy
//! as many as necessary.

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
