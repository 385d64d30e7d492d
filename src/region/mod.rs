//! [`Region`]: an arena whose memory is a family's.
//!
//! A region is for what dies together: the objects of a request, of a frame, of a compilation unit. It
//! has chunks of its own and fills them from the front, so allocating is a few instructions and
//! objects lie side by side in the order of their making, whatever their sizes. [`reset`](Region::reset)
//! and dropping the region give everything up at once, without a look at any object.
//!
//! What other arenas do not have:
//!
//! - **Single objects can be freed**, and their memory is used again: a [`RegionBox`] drops its value and
//!   gives its room back. What is freed in the reverse order of allocation costs next to nothing.
//! - **Destructors, if wanted**: the type of the region says whether those of plain references run when
//!   the region is reset ([`Forget`], the default, [`Drops`], [`SendDrops`]). Types that need none cost the
//!   same either way.
//! - **A walk**, if wanted: a region that is [`Tracked`] knows its live objects and visits them in address
//!   order ([`walk`](Region::walk)), so a collector can sweep it ([`sweep`](Region::sweep)).
//! - **Families**: the memory counts for a family, and against its limit; a region has a limit of its own
//!   besides.
//!
//! # References
//!
//! [`alloc`](Region::alloc) lends a value for as long as the region is borrowed. The compiler sees to it
//! that none is used after a `reset`, which borrows the region mutably, or after its end:
//!
//! ```compile_fail,E0502
//! # use famalloc::{alloc_family, Region};
//! # #[alloc_family]
//! # enum Lives { Frame }
//! let mut frame = Region::<lives::Frame>::new();
//! let seven = frame.alloc(7);
//! frame.reset();
//! println!("{seven}");
//! ```
//!
//! ```compile_fail,E0597
//! # use famalloc::{alloc_family, Region, RegionBox};
//! # #[alloc_family]
//! # enum Lives { Frame }
//! let seven: RegionBox<i32>;
//! {
//!     let frame = Region::<lives::Frame>::new();
//!     seven = frame.boxed(7);
//! }
//! println!("{seven}");
//! ```
//!
//! # Threads
//!
//! One thread at a time uses a region. It may be moved to another while nothing in it is borrowed (unless
//! it runs destructors that may not: [`Drops`]); a [`RegionPool`] hands them to worker threads. What lies
//! in it can be lent to other threads like anything else.
//!
//! ```compile_fail,E0505
//! # use famalloc::{alloc_family, Region};
//! # #[alloc_family]
//! # enum Lives { Request }
//! let region = Region::<lives::Request>::new();
//! let text = region.alloc_str("hello");
//! let thread = std::thread::spawn(move || drop(region));
//! println!("{text}");
//! ```
//!
//! ```compile_fail,E0277
//! # use famalloc::{alloc_family, Region};
//! # #[alloc_family]
//! # enum Lives { Request }
//! let region = Region::<lives::Request>::new();
//! std::thread::scope(|scope| {
//!     scope.spawn(|| region.alloc(7));
//! });
//! ```
//!
//! # Pinning
//!
//! Memory of a region is given up without notice to whoever forgot a handle to it, and pinning promises
//! that it is not. So nothing in a region can be pinned, unless its type does not mind (`Unpin`):
//!
//! ```compile_fail,E0277
//! # use famalloc::{alloc_family, Region};
//! # use std::{marker::PhantomPinned, pin::Pin};
//! # #[alloc_family]
//! # enum Lives { Frame }
//! let frame = Region::<lives::Frame>::new();
//! let pinned = Pin::new(frame.boxed(PhantomPinned));
//! ```
//!
//! # Memory
//!
//! A region takes none before it is used. Its first chunk is 64 KiB of addresses (the `block` of the
//! family, if that says otherwise), of which no more is touched than is used; each further chunk is twice
//! as large as the largest. Sizes are rounded up to 8 bytes; there are no headers. Freeing single objects
//! costs a bit for each 8 bytes up to the last one freed, tracking a byte for each 8 bytes in which an
//! object starts, both out of band.

mod any;
mod boxed;
mod kind;
mod object_alloc;
mod pool;
mod scope;
mod slice;
mod str;
mod value;
mod walk;

pub use any::{AnyCheckpoint, AnyRegion};
pub use boxed::RegionBox;
pub use kind::{Accept, Drops, Forget, Kind, SendDrops, Tracked};
pub use pool::{PooledRegion, RegionPool};
pub use scope::Checkpoint;

use core::fmt;
use core::marker::PhantomData;
use core::panic::{RefUnwindSafe, UnwindSafe};

use crate::arena::Arena;
use crate::error::AllocError;
use crate::family::{Family, FamilySet};

/// An arena whose memory is family `F`'s: objects that die together.
///
/// See the [module](self) for what it can do, and [`Kind`] for `K`.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, Region};
///
/// #[alloc_family]
/// enum Lives {
///     Request,
/// }
///
/// struct Header<'r> {
///     name: &'r str,
///     next: Option<&'r Header<'r>>,
/// }
///
/// let mut region = Region::<lives::Request>::new();
/// for request in ["a b c", "d e"] {
///     let mut headers = None;
///     for name in request.split(' ') {
///         let name = region.alloc_str(name);
///         headers = Some(&*region.alloc(Header { name, next: headers }));
///     }
///     let last = headers.unwrap();
///     assert_eq!(last.name, request.rsplit(' ').next().unwrap());
///     assert!(last.next.is_some());
///     region.reset();
/// }
/// assert_eq!(region.usage().live_bytes, 0);
/// ```
pub struct Region<F: Family, K: Kind = Forget> {
    arena: Arena,
    family: PhantomData<fn() -> F>,
    kind: PhantomData<K>,
}

// SAFETY: one thread at a time uses it, since it is not shared; its memory belongs to no thread. A kind
// is `Send` if it runs no destructors, or only those of values that may be sent.
unsafe impl<F: Family, K: Kind + Send> Send for Region<F, K> {}

// Whatever panics, and wherever, the region is whole afterwards.
impl<F: Family, K: Kind> UnwindSafe for Region<F, K> {}
impl<F: Family, K: Kind> RefUnwindSafe for Region<F, K> {}

/// How much a region has and uses.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, Region};
///
/// #[alloc_family]
/// enum Lives {
///     Frame,
/// }
///
/// let frame = Region::<lives::Frame>::new();
/// let words = frame.alloc_slice_copy(&[1_u64, 2, 3]);
/// let usage = frame.usage();
/// assert_eq!(usage.live_bytes, size_of_val(words));
/// assert_eq!((usage.chunks, usage.committed_bytes), (1, 64 << 10));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegionUse {
    /// Chunks, in use or kept for the next time.
    pub chunks: usize,
    /// Their bytes: what counts against the limits.
    pub committed_bytes: usize,
    /// What was allocated and not freed, in whole words of 8 bytes, with gaps before objects with large
    /// alignments and the entries of [destructors](Kind).
    pub live_bytes: usize,
    /// What was freed by itself and waits to be used again, unless it lay last.
    pub free_bytes: usize,
}

impl RegionUse {
    fn of(arena: &Arena) -> Self {
        let found = arena.usage();
        Self {
            chunks: found.chunks,
            committed_bytes: found.committed,
            live_bytes: found.live,
            free_bytes: found.free,
        }
    }
}

impl<F: Family, K: Kind> Region<F, K> {
    /// An empty region. It takes no memory before it is used.
    ///
    /// # Examples
    ///
    /// ```
    /// use famalloc::{alloc_family, Region};
    ///
    /// #[alloc_family]
    /// enum Lives {
    ///     Frame,
    /// }
    ///
    /// let frame = Region::<lives::Frame>::new();
    /// assert_eq!(frame.committed_bytes(), 0);
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self::with_arena(Self::empty())
    }

    /// An empty region that never has more than `bytes` bytes of chunks.
    ///
    /// Chunks are multiples of 64 KiB, so a limit below that lets nothing in. Beside it, the limit of the
    /// family holds for all that is in it.
    ///
    /// # Examples
    ///
    /// ```
    /// use famalloc::{alloc_family, AllocErrorKind, Region};
    ///
    /// #[alloc_family]
    /// enum Lives {
    ///     Request,
    /// }
    ///
    /// let mut request = Region::<lives::Request>::with_limit(1 << 20);
    /// let error = request.try_alloc_slice_fill(2 << 20, 0_u8).unwrap_err();
    /// assert_eq!(error.kind(), AllocErrorKind::Limit);
    /// assert_eq!(request.alloc_slice_fill(500 << 10, 7_u8)[0], 7);
    /// ```
    #[must_use]
    pub const fn with_limit(bytes: usize) -> Self {
        Self::with_arena(Self::empty().with_most(bytes))
    }

    const fn empty() -> Arena {
        let zeroes = F::SPEC.zeroes_on_free();
        Arena::new(<F::Set as FamilySet>::table, F::INDEX, zeroes, K::TRACKED)
    }

    const fn with_arena(arena: Arena) -> Self {
        Self { arena, family: PhantomData, kind: PhantomData }
    }

    /// The most bytes of chunks; `None` if only the family's limit holds.
    ///
    /// # Examples
    ///
    /// See [`set_limit`](Self::set_limit).
    #[must_use]
    pub fn limit(&self) -> Option<usize> {
        Some(self.arena.most()).filter(|&most| most != usize::MAX)
    }

    /// Changes the limit. What is there already stays, even if it is more.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Request }
    /// let mut request = Region::<lives::Request>::new();
    /// assert_eq!(request.limit(), None);
    /// request.set_limit(Some(0));
    /// assert!(request.try_alloc(7).is_err());
    /// request.set_limit(None);
    /// assert!(request.try_alloc(7).is_ok());
    /// ```
    pub fn set_limit(&mut self, bytes: Option<usize>) {
        self.arena.set_most(bytes.unwrap_or(usize::MAX));
    }

    /// Gives up everything in the region, and keeps its largest chunk for what comes next; the others go
    /// back to the family.
    ///
    /// O(chunks), of which there are as many as the region has doubled; no object is touched, except in a
    /// family that is declared with `zero_on_free`. If the region [runs destructors](Kind), they
    /// run first, the latest object's first.
    ///
    /// # Panics
    ///
    /// If a destructor does; all others have run then, and the region is empty.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let mut frame = Region::<lives::Frame>::new();
    /// let first = std::ptr::from_ref(frame.alloc(1));
    /// frame.reset();
    /// assert_eq!(std::ptr::from_ref(frame.alloc(2)), first);
    /// ```
    #[inline]
    pub fn reset(&mut self) {
        /// Clears also when a destructor panics.
        struct Clear<'a>(&'a Arena);
        impl Drop for Clear<'_> {
            #[inline]
            fn drop(&mut self) {
                self.0.clear();
            }
        }
        let clear = Clear(&self.arena);
        if K::DROPS {
            clear.0.run_destructors();
        }
    }

    /// Gives chunks without anything in them back to the family: that which [`reset`](Self::reset) kept,
    /// if nothing has been allocated since, and the one that [scopes](Self::scope) pass on. Returns how
    /// many bytes those were.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Level }
    /// let mut level = Region::<lives::Level>::new();
    /// level.alloc_slice_fill(10_000, 0_u8);
    /// level.reset();
    /// assert!(level.shrink() > 0);
    /// assert_eq!(level.committed_bytes(), 0);
    /// ```
    pub fn shrink(&mut self) -> usize {
        self.arena.shrink()
    }

    /// The bytes of all chunks. Constant time.
    ///
    /// # Examples
    ///
    /// See [`new`](Self::new).
    #[must_use]
    pub fn committed_bytes(&self) -> usize {
        self.arena.committed()
    }

    /// How much the region has and uses. O(chunks), and, where objects were freed, O(bytes / 512).
    ///
    /// # Examples
    ///
    /// See [`RegionUse`].
    #[must_use]
    pub fn usage(&self) -> RegionUse {
        RegionUse::of(&self.arena)
    }

    /// The type-erased part.
    pub(crate) fn arena(&self) -> &Arena {
        &self.arena
    }
}

impl<F: Family, K: Kind> Drop for Region<F, K> {
    /// Runs the destructors, if it is of a kind that does, and gives all chunks back.
    fn drop(&mut self) {
        if K::DROPS {
            // The arena gives its chunks back when it is dropped, also if this panics.
            self.arena.run_destructors();
        }
    }
}

impl<F: Family, K: Kind> Default for Region<F, K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<F: Family, K: Kind> fmt::Debug for Region<F, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Region")
            .field("family", &F::SPEC.name())
            .field("committed_bytes", &self.committed_bytes())
            .field("limit", &self.limit())
            .finish_non_exhaustive()
    }
}

/// What the infallible calls do when there is no memory.
#[cold]
#[inline(never)]
fn failed(error: AllocError, layout: core::alloc::Layout) -> ! {
    crate::boxed::failed(error, layout)
}
