//! An allocator whose table has two dimensions: size class x **family**.
//!
//! A family names a lifetime: the syntax tree of a compiler, the frame of a game, the session of a
//! server. You declare it as a variant of an enum. Allocations of one family share blocks only with
//! each other. So objects that live and die together are adjacent in memory, blocks empty as a whole,
//! the memory of a phase returns to the system when the phase ends, and the question "which lifetime
//! owns the heap?" has an answer.
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
//! | arenas: objects freed all at once, or singly before | [`Region`], [`RegionBox`], [`RegionPool`] and [`region`] |
//! | reference-counted values, for one thread or for all | [`FamilyRc`], [`FamilyArc`] and [`rc`] |
//! | text and slices behind a pointer of one word | [`ThinStr`], [`ThinSlice`] and [`thin`] |
//! | pools of objects that stay initialised; allocators as traits | [`Pool`] and [`pool`]; [`object_alloc`], [`In`] |
//! | vectors, strings, maps and sets; allocators for the collections of other crates; serde | [`collections`], [`In`] |
//! | raw memory: by size; by layout, as methods of a family or region; by address alone | [`alloc_in`], [`free_in`], [`realloc_in`]; [`RawAlloc`]; [`raw`] |
//! | describe an address; free a pointer with a check | [`query`], [`raw::try_free`] |
//! | return memory to the system | [`reclaim`], [`flush`] |
//! | visit every live object of a family; sweep for a collector | [`walk`], [`sweep`] |
//! | free all objects of a family at once, without visiting them | [`free_all`] |
//! | statistics | [`Snapshot`], [`FamilyUse`], [`ClassUse`] |
//! | check the integrity of the heap | [`check`] |
//! | code that names no family: the global allocator, and scopes | [`FamAlloc`], [`Family::scope`], [`Family::outside`], [`ScopeGuard`], [`Scoped`] |
//! | families known only at run time: every handle, region and pool takes one | [`AnyFamily`], [`FamilyKey`] |
//! | explicit start, idling and end of a thread's work; purging in the background | [`lifecycle`] |
//! | options at run time: huge pages, how long empty memory is retained | [`options`] |
//! | memory from a source other than the system | [`PageSource`], [`FixedBuffer`] |
//!
//! # Words
//!
//! - **Family**: a lifetime class; a variant of an enum and a zero-sized marker type for it.
//!   **Family set**: the enum. It owns one table.
//! - **Size class**: a slot size. **Slot**: memory for one object. **Block**: a run of slots of one
//!   size class and one family. **Granule**: the unit of the block map, 64 KiB. **Extent**: 2 MiB of
//!   granules that belong to one family, so that whole huge pages become free together.
//! - **Cell**: one entry of the table, (size class, family). **Lane**: one of the locked block
//!   allocators of a cell: a lock, blocks with their bitmaps, a depot and a mailbox. A cell has as many
//!   lanes as threads were at work in it at once, up to the number of cores (up to half or a quarter
//!   of it where slots have kilobytes).
//! - **Magazine**: a bounded array of free slot addresses of one cell. A thread has two of each cell that
//!   it uses: the loaded one, which it frees into and allocates from, and the previous one. A magazine
//!   holds up to 126 slots; of slots above 256 bytes it holds up to 16 KiB, but at least two slots.
//!   **Depot**: full magazines kept in a lane. **Mailbox**: magazines of slots of a lane that threads of
//!   other lanes freed. **Remote batch**: the magazine in which a lane collects such slots for another.
//! - **Refill**: move addresses from blocks to a magazine. **Flush a magazine**: move them back to their
//!   blocks.
//! - **Region**: an arena of one family. **Chunk**: memory that a region fills from the front: granules
//!   or whole extents. **Hole**: a run of freed words in a chunk. **Checkpoint**: a state of a region to
//!   which it can be rewound.
//! - **Pool**: initialised objects that wait for reuse.
//! - **Page source**: provides address space and memory. **Dirty**: free, but still committed,
//!   until it is purged.
//! - **Thread cache**: the magazines of one thread for one family. **Cache slot**: the thread-local that
//!   points to it. **Life mark**: a record by which other threads find the thread caches of a thread that ended.
//! - **Family heap**: the extents, granules and counts of one family. **Registry**: where sets,
//!   families and sources become known, so that a fork can tell. **Owner tag**: the family and the size
//!   class of the block in a granule, so that a free by address alone finds both with one load.
//!
//! # How it works
//!
//! ```text
//! FamilyBox::<Node>::new(v)
//!   -> family and size class are constants of the type
//!   -> cache slot of the family (thread-local) -> thread cache -> magazine: pop          the fast path
//!   -> (empty) swap it with the previous magazine
//!   -> (both empty) lock the thread's lane of the cell: depot, mailbox, blocks, a new block
//!   -> (no block) take a granule from an extent of the family, or from a new extent      the cold path
//! ```
//!
//! A free takes the same path in reverse. All metadata is out of band: a magazine is an array of
//! addresses, and the free slots of a block are bits in a separate bitmap. So neither allocating nor
//! freeing touches an object, a refill takes slots in address order, and a double free is detected when
//! the bit of the slot is already set.
//!
//! These are the modules from bottom to top. Each uses only modules below it, except that the public
//! types at the top may use each other. The source of each module begins with a description.
//!
//! | module | what it contains |
//! |---|---|
//! | `sync` | atomics and locks |
//! | `error`, `spec`, [`options`] | errors; the attributes of a family; options at run time |
//! | `class` | size classes: pure arithmetic |
//! | `os` | page sources, and the calls to the system |
//! | `abort` | the messages with which the process is aborted |
//! | `space` | the reservation, the block map, extents, family heaps, owner tags |
//! | `block` | blocks and their bitmaps |
//! | `lane` | lanes, depots, mailboxes, flushing of magazines |
//! | `table` | the table of a family set |
//! | `thread` | thread caches, the fast path, thread exit, fork, decay of idle memory |
//! | `family_set`, `any_family`, `scope`, `family`, `family_key` | the traits of sets and families; families as values; scopes |
//! | `heap` | the functions for raw memory, queries, statistics, checks; [`raw`] and [`lifecycle`] |
//! | `raw_alloc` | [`RawAlloc`], by which every handle and collection gets its memory |
//! | `arena` | what regions are built on |
//! | `delegate` | what all handles do by what they lead to |
//! | [`boxed`], [`rc`], [`thin`], [`region`], [`pool`], [`collections`], [`object_alloc`], `in_family`, `allocator`, `serde`, `global` | the public types |
//!
//! What always holds:
//!
//! - I1. A block belongs to one cell and lane from the time it is carved until it is entirely free. A
//!   family marked `isolate` never shares an address with another.
//! - I2. A slot is in exactly one place: allocated, in one magazine, in one depot, remote batch or
//!   mailbox, or free in its block.
//! - I3. Only its own thread accesses a magazine, with two exceptions: other threads may take slots from its
//!   front by a handshake while the thread idles, and whoever finds the life mark of an ended thread
//!   empties its magazines. The blocks, bitmaps and depot of a lane are accessed only under its lock. Its
//!   mailbox is an atomic stack that is only ever emptied as a whole.
//! - I4. A free is debited to the family of the block, whichever thread frees.
//! - I5. No path that the global allocator can reach calls the global allocator. Allocation and freeing
//!   work during thread-local destruction.
//! - I6. Fallible calls return failures as errors, the others call `handle_alloc_error`. Every invariant
//!   still holds afterwards.
//! - I7. Layout arithmetic is checked; a size that overflows is an error, never a small slot.
//! - I8. Pointers keep their provenance: metadata is found from the base of the reservation.
//!
//! # Bounds
//!
//! The most work that one allocation or free of up to 32 KiB does, in addition to its dozen instructions:
//!
//! - Slots: it moves 126 slots between a magazine and blocks. An allocation after a long run of frees moves
//!   8 more magazines. A call that finds mail, or overfills a mailbox, moves the 9 magazines in it and what
//!   arrives meanwhile.
//! - Blocks: it touches the blocks of those slots, and at most one new block.
//! - Locks: it takes the lock of a lane, within it that of a family, and within that the lock of the
//!   extents.
//! - System calls: at most 5 for a new extent, and one for each 64 KiB of a new block that it enters. In
//!   addition 3 to purge a piece of memory, of 128 KiB or one huge page: with each flushed magazine, with
//!   each extent that became empty, and when an extent is needed and none is dirty.
//! - Decay of idle memory: once in sixteen slow paths of a thread, and at most once per tick of the clock,
//!   it does one step, for any family. A step covers the magazines of 4 threads, with up to 4 barriers of
//!   all threads; or one lane, and 8 system calls for its pages; or 4 system calls for free granules.
//!
//! The work of large allocations, of [`reclaim`], of [`flush`], and of an allocation before it fails is
//! proportional to the memory involved.
//!
//! # Limits
//!
//! - With the standard library the crate supports only 64-bit Linux and Windows. [Without
//!   it](#without-the-standard-library) it compiles for any 64-bit target. A [`PageSource`] of your own
//!   changes where pages come from, not which targets are supported.
//! - A thread keeps up to two magazines for each cell that it uses, each with up to 126 slots, or 16 KiB of
//!   slots where they exceed 256 bytes (but at least two slots). It keeps them until it ends, uses them up,
//!   or has not refilled any for half a second to two seconds; or until any thread calls [`reclaim`] or
//!   reaches a limit. The limit of a family that several threads use should still leave room for these
//!   magazines, since each thread takes what the others are made to give up.
//!   (`std::thread::scope` may return before its threads have ended completely; joining a thread waits for
//!   that.)
//! - Memory that is idle for half a second is returned step by step, by the threads at work. While all
//!   threads wait nothing happens, unless there is [a thread in the background]. An idle thread keeps one
//!   slot of each cell, and the magazines themselves: 0.3 to 2 KiB for each cell, and 5 KiB for each
//!   family. Where the system has no `membarrier` for all threads (Linux before 4.14, some sandboxes, Wine) an
//!   idle thread keeps the contents of its magazines. [`reclaim`] with a goal takes no slots from threads
//!   that have refilled from their lanes in the last hundredth of a second.
//! - The memory of empty extents is purged half a second later at the earliest: by the threads that free,
//!   a small piece with each magazine, or at once by [`reclaim`]. The memory of a huge allocation of more
//!   than 32 extents is purged when it is freed.
//! - An isolated family keeps its addresses for good. Their memory is returned when nobody has used the family for
//!   a while, or by [`reclaim`].
//! - An allocation that fails has first done the deferred work of its family (at a limit) or of all
//!   families (when memory is short). A program that runs at its limit pays for that each time.
//! - After `fork` the child can use every family, whatever other threads were doing. The contents of their
//!   magazines stay allocated in the child (up to two magazines for each cell and thread) until
//!   [the whole family is freed](free_all), and walks of such a family fail. The child must not use
//!   regions, pools and page sources in which another thread may have been at work.
//! - A double free is detected when the magazine is flushed, not when it happens, except in builds with
//!   debug assertions.
//! - Nothing in a [`Region`] can be pinned, and no object in a region can exceed 32 GiB.
//!
//! # Without the standard library
//!
//! With `default-features = false` the crate needs only `core`, and neither an operating system nor another
//! allocator:
//!
//! ```toml
//! famalloc = { version = "0.1", default-features = false }
//! ```
//!
//! Every family set must then name its page source: a [`FixedBuffer`], or a [`PageSource`] of your own over
//! whatever memory the machine has. A family set without one does not compile, and the error says so.
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
//! Missing is only what needs more than `core`: `System`, `Snapshot` (use [`FamilyUse::of`] and
//! [`ClassUse::of`]), and the conversions and traits of a box that involve `Box`, `Vec`, `String`, `Rc`,
//! `Arc`, `CStr`, `OsStr`, `Path`, or input and output. These are the differences:
//!
//! - **Threads.** Any number of threads or cores may allocate and free at once. None of them has magazines,
//!   since nothing reports the end of a thread: every operation takes the lock of its cell for one slot.
//!   So no freed slot is ever cached, and a double free is detected when it happens. A program with only
//!   one thread can promise so (`promise_one_thread`); then that thread has magazines, and the fast path.
//! - **Locks** spin. An interrupt handler must not allocate or free, since the code that it interrupts may
//!   hold the lock. For the same reason, where threads have strict priorities, no two that share a core
//!   may use the same family.
//! - **Walks** ([`walk`], [`sweep`]) cannot tell whether another core is at work in the family, so
//!   they never return [`InUseError`]. Objects that other cores allocate or free meanwhile may be
//!   visited or not.
//! - **Errors.** Where the process would be aborted, for example at a double free, the panic handler is
//!   called with the same message. A lock may be held and a table half changed at that point. So the
//!   handler must neither return to the program nor unwind; it must halt or reset the machine. An
//!   infallible call panics, too, if no memory is available; then no lock is held and every invariant holds.
//! - **Time.** The page source defines the [millisecond](PageSource::milliseconds). Without a clock memory
//!   is purged as soon as it is empty.
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
// Documentation says of each item which feature it needs. Nobody else sets this: see the manifest.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(not(target_pointer_width = "64"))]
compile_error!("famalloc needs 64-bit addresses");
#[cfg(all(feature = "std", not(any(target_os = "linux", windows))))]
compile_error!(
    "with its feature `std` famalloc supports only 64-bit Linux and Windows; without it (`default-features = false`) famalloc supports every 64-bit target"
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
mod delegate;
mod error;
mod family;
mod family_key;
mod family_set;
mod global;
mod heap;
mod in_family;
mod lane;
pub mod object_alloc;
pub mod options;
mod os;
#[cfg(feature = "std")]
mod platform;
pub mod pool;
mod raw_alloc;
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
pub use family::{Family, FamilyOf, InFamily, Scoped};
pub use family_key::FamilyKey;
pub use family_set::FamilySet;
pub use global::{FamAlloc, NoNext};
pub use heap::alloc_in::{alloc_in, alloc_zeroed_in, free_in};
pub use heap::check::{CorruptionError, check};
pub use heap::free_all::free_all;
pub use heap::lifecycle;
pub use heap::query::{Query, QueryKind, query};
pub use heap::raw;
pub use heap::reclaim::{flush, reclaim};
pub use heap::resize::{realloc_in, realloc_zeroed_in};
#[cfg(feature = "std")]
pub use heap::snapshot::Snapshot;
pub use heap::usage::{ClassUse, FamilyUse};
pub use heap::walk::{InUseError, sweep, walk};
pub use in_family::In;
#[cfg(feature = "std")]
pub use os::System;
pub use os::{FixedBuffer, PageError, PageSource};
pub use pool::Pool;
pub use raw_alloc::RawAlloc;
pub use rc::{FamilyArc, FamilyArcWeak, FamilyRc, FamilyRcWeak};
pub use region::{Region, RegionBox, RegionPool};
pub use scope::ScopeGuard;
#[cfg(feature = "std")]
pub use scope::run_panic_hook_outside;
pub use spec::FamilySpec;
pub use thin::{ThinSlice, ThinStr};
#[cfg(not(feature = "std"))]
pub use thread::one::promise_one_thread;

/// What the expansion of the macros names; not part of the interface.
#[doc(hidden)]
pub mod __private {
    #[cfg(feature = "std")]
    pub use crate::platform::local;
    #[cfg(feature = "std")]
    pub use crate::space::SYSTEM_SPACE;
    pub use crate::space::SpaceCell;
    pub use crate::table::{FamilyCell, SetTable};
    #[cfg(not(feature = "std"))]
    pub use crate::thread::one::StaticCacheSlots;
    pub use crate::thread::{CacheSlot, CacheSlots, EMPTY_CACHE, HeadAt};
}

/// The README's snippets compile and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
