//! An allocator whose table has two dimensions: size class x **family**.
//!
//! A family names a lifetime: the syntax tree of a compiler, the frame of a game, the session of a
//! server. It is a variant of an enum of yours. What is allocated in one family shares blocks with
//! nothing else, so what lives and dies together lies together: a block empties as a whole, memory
//! goes back whole when a phase ends, and the question "which lifetime owns the heap?" has an
//! answer.
//!
//! ```
//! use famalloc::{alloc_family, FamilyBox, Snapshot};
//!
//! #[alloc_family]
//! enum Lives {
//!     Ast,
//!     Interned,
//! }
//!
//! #[alloc_family(Lives::Ast)]
//! enum Expr {
//!     Number(f64),
//!     Add(FamilyBox<Expr>, FamilyBox<Expr>),
//! }
//!
//! let number = |value| FamilyBox::new(Expr::Number(value));
//! let sum = FamilyBox::new(Expr::Add(number(1.0), number(2.0)));
//! assert_eq!(Snapshot::of::<Lives>().family("Ast").unwrap().live_objects, 3);
//!
//! drop(sum);
//! famalloc::reclaim(usize::MAX);
//! assert_eq!(Snapshot::of::<Lives>().family("Ast").unwrap().committed_bytes, 0);
//! ```
//!
//! # What there is
//!
//! | what | where |
//! |---|---|
//! | families: an enum's variants, types that join them | [`alloc_family`], [`FamilySet`], [`Family`], [`InFamily`] |
//! | owned values | [`FamilyBox`] and [`boxed`] |
//! | an arena: what dies all at once, and single objects before | [`Region`], [`RegionBox`], [`RegionPool`] and [`region`] |
//! | shared values, for one thread or for all | [`FamilyRc`], [`FamilyArc`] and [`rc`] |
//! | text and slices behind one word | [`ThinStr`], [`ThinSlice`] and [`thin`] |
//! | objects that are used again without being made again; allocators as traits | [`Pool`] and [`pool`]; [`object_alloc`], [`In`] |
//! | vectors, text, maps and sets; allocators for the collections of others; serde | [`collections`], [`In`] |
//! | raw memory | [`alloc_in`], [`free_in`], [`realloc_in`], [`grow_in_place_in`] and their forms |
//! | what is this address? may this pointer be freed? | [`query`], [`try_free_in`] |
//! | give memory back | [`reclaim`], [`flush`] |
//! | every live object of a family; a collector's sweep | [`walk_in`], [`sweep_in`] |
//! | all of a family at once, without a look at its objects | [`free_all_in`] |
//! | who uses how much? | [`Snapshot`], [`FamilyUse`], [`ClassUse`] |
//! | is everything whole? | [`check`] |
//! | code that names no family: the global allocator, and scopes | [`FamAlloc`], [`Family::scope`], [`ScopeGuard`], [`Scoped`] |
//! | families known at run time only; memory freed by its address alone | [`AnyFamily`], [`untyped`], [`region::AnyRegion`] |
//! | begin, rest and end a thread's work by hand; give back while all sleep | [`lifecycle`] |
//! | choices at run time: huge pages, how long empty memory is kept | [`options`] |
//! | memory from elsewhere than the system | [`PageSource`], [`FixedBuffer`] |
//!
//! # Words
//!
//! - **family**: one lifetime class, a variant of an enum and a zero-sized marker type for it.
//!   **Family set**: the enum; it owns one table.
//! - **size class**: a slot size. **Slot**: room for one object. **Block**: a run of slots of one
//!   class and one family. **Granule**: the unit the block map counts in, 64 KiB. **Extent**: 2 MiB
//!   of granules that belong to one family, so that whole huge pages die together.
//! - **cell**: one entry of the table, (class, family). **Lane**: one of a cell's locked block
//!   allocators: a lock, blocks and their bitmaps, a depot, a mailbox. A cell has as many lanes as
//!   threads were at work in it at once, up to the number of cores (half or a quarter of it where
//!   slots are of kilobytes).
//! - **magazine**: a bounded array of free slot addresses of one cell; a thread has a loaded one, which it
//!   frees into and allocates from, and a previous one. **Depot**: full magazines parked in a lane.
//!   **Mailbox**: magazines of slots that belong to a lane, left there by other lanes' threads.
//!   **Outbox**: where a lane collects them.
//! - **refill**: to move addresses from blocks to a magazine. **Disperse**: to move them back.
//! - **region**: an arena of one family. **Chunk**: memory that a region fills from the front, granules
//!   or whole extents. **Hole**: a run of its words that were freed. **Checkpoint**: a state of a
//!   region to go back to.
//! - **pool**: objects that wait, initialised, to be used again.
//! - **page source**: where address space and memory come from. **Warm**: free, but with memory.
//! - **row**: a thread's magazines of one family. **Home**: where the thread keeps its address. **Life
//!   mark**: by which others find the rows of a thread that is gone.
//!
//! # How it works
//!
//! ```text
//! FamilyBox::<Node>::new(v)
//!   -> family and class are constants of the type
//!   -> home of the family (thread-local) -> row -> magazine of the class: pop        the fast path
//!   -> (empty) the previous magazine takes its place
//!   -> (both empty) the thread's lane of the cell, locked: depot, mailbox, blocks, a new block
//!   -> (no block) a granule from an extent of the family; from a new extent          the cold path
//! ```
//!
//! Freeing is the same road back. All bookkeeping is out of band: a magazine is an array of
//! addresses, a block's free slots are bits in a side array. So neither allocating nor freeing
//! touches an object, refills come in address order, and a slot that is freed twice is noticed when
//! its bit is set already.
//!
//! The modules, bottom to top, each using only those below it: `os` (page sources), `space` (the
//! reservation, the block map, extents, what a family holds), `block`, `lane`, `table`, `thread`,
//! `heap`, and the faces on top: [`boxed`], [`rc`], [`thin`]. Each explains itself in its source.
//!
//! What always holds:
//!
//! - I1. A block belongs to one cell and lane from the time it is carved until it is wholly free. A
//!   family marked `isolate` never shares an address with another.
//! - I2. A slot is in exactly one place: with the user, in one magazine, in one depot, outbox or
//!   mailbox, or free in its block.
//! - I3. A magazine is touched by its own thread alone, but that others may take slots from its front
//!   while the thread idles, by a handshake, and that it is emptied when the thread is gone by who finds its
//!   life mark; a lane's blocks, bitmaps and depot only under the lane's lock; its mailbox by one atomic stack that is only ever emptied whole.
//! - I4. The count of a family is debited to the family of the block, whoever frees.
//! - I5. No path that the global allocator can reach calls the global allocator; thread-local
//!   destruction is survived.
//! - I6. Failure comes back as an error from the fallible calls and as `handle_alloc_error` from the
//!   others; every invariant still holds after it.
//! - I7. Layout arithmetic is checked; a size that overflows is an error, never a small slot.
//! - I8. Pointers keep their provenance: metadata is found from the base of the reservation.
//!
//! # Bounds
//!
//! The most that one allocation or free of up to 32 KiB does, beside its dozen instructions:
//!
//! - Slots: it moves 126 between a magazine and blocks. An allocation after a long run of frees moves
//!   8 magazines more; whoever finds mail, or overfills a mailbox, moves the 9 magazines in it and what
//!   arrives meanwhile.
//! - Blocks: those that the slots are in, and one new one.
//! - Locks: a lane's, within it a family's, within that the one of the extents.
//! - Calls to the system: at most 5 for a new extent and one for each 64 KiB of a new block that are
//!   entered. And 3 to return a piece of memory, of 128 KiB or one huge page, with a magazine that is
//!   given back, with an extent that became empty, and where none is warm that is needed.
//! - What nobody has used for a while: once in sixteen of a thread's slow paths, and in a tick of the
//!   clock, a step of it, of any family. That is the magazines of 4 threads, with up to 4 barriers of all
//!   threads; or one lane, and 8 calls for pages in it; or 4 calls for free granules.
//!
//! Large allocations do work in proportion to their size, and so do [`reclaim`], [`flush`], and an
//! allocation before it is refused.
//!
//! # Limits
//!
//! - 64-bit Linux, for now: elsewhere the crate compiles [without the standard
//!   library](#without-the-standard-library) alone, for any 64-bit target. A [`PageSource`] of your own
//!   changes where pages come from, not that.
//! - A thread keeps up to two magazines for each cell it uses (126 slots or 64 KiB each, whichever is
//!   less) until it ends, uses them up, or has not refilled any for half a second or two; or until
//!   anybody calls [`reclaim`] or comes to a limit. The limit of a family that several threads use should
//!   leave room for them all the same, as each of them takes what the others are made to give up.
//!   (`std::thread::scope` may return before its threads have quite ended; joining a thread waits for that.)
//! - What nobody has used for half a second goes back by and by, with what the threads at work do; where
//!   all wait nothing happens, unless there is [a thread in the background].
//!   A thread that idles keeps one slot of each cell, and the magazines themselves, of 0.3 to 2 KiB for
//!   each cell, with 5 KiB for each family. Where the system has no `membarrier` for all threads (Linux
//!   before 4.14, some sandboxes) it keeps what is in its magazines.
//!   [`reclaim`] with a goal takes none from threads that have asked their lanes for slots in the last
//!   hundredth of a second.
//! - Memory of emptied extents goes back to the system half a second later at the earliest, by the
//!   threads that free, a small piece with each magazine; or at once by [`reclaim`].
//!   That of a huge allocation of more than 32 extents goes back when it is freed.
//! - An isolated family's memory goes back by [`reclaim`] alone.
//! - An allocation that is refused has first done the deferred work of its family (at a limit) or of
//!   all families (where memory is short): a program that lives at its limit pays for that each time.
//! - After `fork` the child can use every family, whatever other threads were doing. What was in their
//!   magazines stays allocated there (up to two for each cell and thread) until
//!   [all of the family is freed](free_all_in), and walks of such a family are refused. Regions, pools
//!   and page sources that another thread may have been at work in are not for the child to use.
//! - A double free is noticed when magazines are dispersed, not when it happens, except in builds
//!   with debug assertions.
//! - Nothing in a [`Region`] can be pinned, and no object of one is larger than 32 GiB.

//!
//! # Without the standard library
//!
//! With `default-features = false` the crate needs `core` alone, and neither an operating system nor
//! another allocator:
//!
//! ```toml
//! famalloc = { version = "0.1", default-features = false }
//! ```
//!
//! There is no source of pages then but the one you name: a [`FixedBuffer`], or a [`PageSource`] of your
//! own over whatever the machine has. A family set without one is an error that says so.
//!
//! ```
//! #![no_std]
//! use famalloc::{alloc_family, FamilyBox, FixedBuffer};
//!
//! static PAGES: FixedBuffer<{ 1 << 20 }> = FixedBuffer::new();
//!
//! #[alloc_family(source = PAGES)]
//! enum Lives {
//!     Packet,
//! }
//!
//! #[alloc_family(Lives::Packet)]
//! struct Packet([u8; 1500]);
//!
//! # fn main() {
//! let packet = FamilyBox::try_new(Packet([0; 1500])).expect("no room for a packet");
//! # assert_eq!(packet.0[0], 0);
//! # }
//! ```
//!
//! Everything is there but what needs more than `core`: `System`, `Snapshot` (there are
//! [`FamilyUse::of`] and [`ClassUse::of`]), and what a box has to do with `Box`, `Vec`, `String`, `Rc`,
//! `Arc`, `CStr`, `OsStr`, `Path`, and input and output. And this is different:
//!
//! - **Threads.** Any number of threads or cores may allocate and free at once, but none has magazines,
//!   as nobody tells when it ends: every operation takes the lock of its cell for one slot. So nothing
//!   is ever parked, and a double free is noticed when it happens. Where there is but one thread, a
//!   promise of that (`promise_one_thread`) gives it magazines, and the fast path.
//! - **Locks** spin. An interrupt handler must not allocate or free, as what it interrupts may hold the
//!   lock that it would wait for. Where threads have strict priorities, no two that share a core may
//!   use the same family, for the same reason.
//! - **Walks** ([`walk_in`], [`sweep_in`]) cannot tell whether another core is at work in the family, so
//!   they never return [`InUseElsewhere`]. What is allocated or freed elsewhere meanwhile is visited or
//!   not.
//! - **Errors.** Where a process would be aborted, for a double free say, the panic handler is called,
//!   with the same message. It may be called under a lock, while a table is half changed: it must not
//!   return to the program, nor unwind, but halt or reset the machine. Where an infallible call finds no
//!   memory, it panics as well; there nothing is held, and every invariant holds.
//! - **Time.** What a source calls a [millisecond](PageSource::milliseconds) is one; without a clock
//!   memory is given back as soon as it is empty.
#![cfg_attr(not(feature = "std"), doc = "\n\n[`Snapshot`]: crate#without-the-standard-library\n")]
#![cfg_attr(
    not(feature = "std"),
    doc = "\n\n[a thread in the background]: crate#without-the-standard-library\n"
)]
#![cfg_attr(
    feature = "std",
    doc = "\n\n[a thread in the background]: lifecycle::start_background\n"
)]
#![cfg_attr(not(any(feature = "std", test)), no_std)]
#![cfg_attr(feature = "nightly", feature(allocator_api, btreemap_alloc))]

#[cfg(not(target_pointer_width = "64"))]
compile_error!("famalloc needs 64-bit addresses");
#[cfg(all(feature = "std", not(target_os = "linux")))]
compile_error!(
    "with its feature `std` famalloc supports only 64-bit Linux; without it (`default-features = false`) famalloc supports every 64-bit target"
);

// Lets `::famalloc` in expansions of the macro resolve in this crate's own tests.
extern crate self as famalloc;

mod abort;
#[cfg(any(feature = "allocator-api2-02", feature = "allocator-api2-04", feature = "nightly"))]
mod allocator;
mod any_family;
mod arena;
mod block;
pub mod boxed;
mod class;
pub mod collections;
mod error;
mod family;
mod global;
mod heap;
mod in_family;
mod lane;
pub mod object_alloc;
pub mod options;
mod os;
pub mod pool;
pub mod rc;
pub mod region;
mod scope;
#[cfg(feature = "serde")]
mod serde;
mod space;
mod spec;
mod sync;
mod table;
pub mod thin;
mod thread;

pub use any_family::AnyFamily;
pub use boxed::FamilyBox;
pub use error::{AllocError, AllocErrorKind, FreeError};
pub use famalloc_macros::alloc_family;
pub use family::{Family, FamilyOf, FamilySet, InFamily};
pub use global::{FamAlloc, NoNext};
pub use heap::alloc::{
    alloc_in, alloc_layout_in, alloc_zeroed_in, alloc_zeroed_layout_in, free_in, free_layout_in,
    try_free_in,
};
pub use heap::check::{Corruption, check};
pub use heap::free_all::free_all_in;
pub use heap::lifecycle;
pub use heap::query::{Query, QueryKind, query};
pub use heap::reclaim::{flush, reclaim};
pub use heap::resize::{
    grow_in_place_in, realloc_in, realloc_layout_in, realloc_zeroed_in, realloc_zeroed_layout_in,
};
#[cfg(feature = "std")]
pub use heap::snapshot::Snapshot;
pub use heap::untyped;
pub use heap::usage::{ClassUse, FamilyUse};
pub use heap::walk::{InUseElsewhere, sweep_in, walk_in};
pub use in_family::In;
#[cfg(feature = "std")]
pub use os::System;
pub use os::{FixedBuffer, PageError, PageSource};
pub use pool::Pool;
pub use rc::{FamilyArc, FamilyArcWeak, FamilyRc, FamilyRcWeak};
pub use region::{Region, RegionBox, RegionPool};
pub use scope::{ScopeGuard, Scoped};
pub use spec::FamilySpec;
pub use thin::{ThinSlice, ThinStr};
#[cfg(not(feature = "std"))]
pub use thread::one::promise_one_thread;

/// What the expansion of the macros names; not part of the interface.
#[doc(hidden)]
pub mod __private {
    #[cfg(feature = "std")]
    pub use crate::space::SYSTEM_SPACE;
    pub use crate::space::SpaceCell;
    pub use crate::table::{FamilyCell, SetTable};
    #[cfg(not(feature = "std"))]
    pub use crate::thread::one::StaticHomes;
    pub use crate::thread::{EMPTY_ROW, HeadAt, Homes, RowHome};
    #[cfg(feature = "std")]
    pub use std::thread_local;
}

/// The README's snippets compile and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
