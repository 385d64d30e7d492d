//! [`Region`]: an arena of one family.
//!
//! A region is for objects that die together: those of a request, of a frame, of a compilation unit. It
//! has chunks of its own and fills them from the front. So an allocation is a few instructions, and
//! objects lie next to each other in the order of their allocation, whatever their sizes.
//! [`reset`](Region::reset), and dropping the region, free everything at once, without visiting any
//! object.
//!
//! Its differences from other arenas:
//!
//! - **Single objects can be freed**, and their memory is reused: a [`RegionBox`] drops its value and
//!   frees its memory. Frees in the reverse order of allocation cost next to nothing.
//! - **Destructors are optional**: the type of the region says whether the destructors of plain
//!   references run when the region is reset ([`Forget`], the default, [`Drops`], [`SendDrops`]). Types
//!   that need none cost the same in all of them.
//! - **Walks are optional**: a region that is [`Tracked`] knows its live objects and visits them in
//!   address order ([`walk`](Region::walk)), so a collector can sweep it ([`sweep`](Region::sweep)).
//! - **Collections**: [`RegionVec`] and [`RegionString`] grow in place while they are the last object, and
//!   drop their elements.
//! - **Families**: the memory counts for a family, which may be known only at run time ([`AnyRegion`]), and
//!   against its limit. A region can also have a limit of its own.
//!
//! # References
//!
//! [`alloc`](Region::alloc) lends a value for as long as the region is borrowed. The compiler ensures that
//! no such reference is used after a `reset`, which borrows the region mutably, or after the end of the
//! region:
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
//! Only one thread at a time may use a region. The region may be moved to another thread while nothing in
//! it is borrowed (unless it runs destructors that may not: [`Drops`]). A [`RegionPool`] hands regions to
//! worker threads. The objects in a region can be lent to other threads like any others.
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
//! If a handle is forgotten, the region frees its memory without running the destructor. Pinning promises
//! that this does not happen. So nothing in a region can be pinned, unless its type is `Unpin`:
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
//! A region takes no memory before its first use. Its first chunk has 64 KiB of address space (or the
//! `block` of the family, if declared), of which only the used part is touched. Each further chunk is
//! twice as large as the largest. Sizes are rounded up to 8 bytes; there are no headers. Freeing single
//! objects costs one bit for each 8 bytes up to the last one freed; tracking costs one byte for each 8
//! bytes in which an object starts. Both are kept out of band.

mod boxed;
mod builder;
mod collections;
mod counted;
mod in_region;
mod kind;
mod nested;
mod pool;
mod slice;
mod str;
mod value;
mod walk;

pub use boxed::RegionBox;
pub use collections::{RegionString, RegionVec};
pub use counted::RegionRc;
pub use in_region::InRegion;
pub use kind::{Accept, Drops, Forget, Kind, SendDrops, Tracked};
pub use nested::Checkpoint;
pub use pool::{PooledRegion, RegionPool};

use core::fmt;
use core::marker::PhantomData;
use core::panic::{RefUnwindSafe, UnwindSafe};

use crate::any_family::AnyFamily;
use crate::arena::Arena;
use crate::error::AllocError;
use crate::family::Family;
use crate::family_key::FamilyKey;
use crate::family_set::FamilySet;

/// An arena of family `F`: objects that die together.
///
/// See the [module](self) for what it can do, [`Kind`] for `K`, and [`AnyRegion`] for a family that is known
/// only at run time.
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
pub struct Region<F: FamilyKey, K: Kind = Forget> {
    arena: Arena,
    family: F,
    kind: PhantomData<K>,
}

/// A [`Region`] whose family is known only at run time: what an interpreter or another language needs. It is one
/// word larger, and as fast.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, query, region::AnyRegion};
///
/// #[alloc_family]
/// enum Lives {
///     Request,
///     Session,
/// }
///
/// let lives = if cfg!(test) { Lives::Request } else { Lives::Session };
/// let mut region = AnyRegion::<Lives>::new_in(lives.into());
/// let name = region.alloc_str("Ada");
/// assert_eq!(query(name.as_ptr()).unwrap().family, "Session");
/// assert_eq!(region.family(), Lives::Session.into());
/// region.reset();
/// assert_eq!(region.usage().live_bytes, 0);
/// ```
pub type AnyRegion<S, K = Forget> = Region<AnyFamily<S>, K>;

// SAFETY: one thread at a time uses it, since it is not shared; its memory belongs to no thread. A kind
// is `Send` if it runs no destructors, or only those of values that may be sent.
unsafe impl<F: FamilyKey, K: Kind + Send> Send for Region<F, K> {}

// Whatever panics, and wherever, the region is whole afterwards.
impl<F: FamilyKey, K: Kind> UnwindSafe for Region<F, K> {}
impl<F: FamilyKey, K: Kind> RefUnwindSafe for Region<F, K> {}

/// The use of a region.
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
    /// Chunks, in use or kept for later use.
    pub chunks: usize,
    /// Their size in bytes: this counts against the limits.
    pub committed_bytes: usize,
    /// Bytes that are allocated and not freed, in whole words of 8 bytes, with gaps before objects with
    /// large alignments and the entries of [destructors](Kind).
    pub live_bytes: usize,
    /// Bytes of objects that were freed one by one and can be reused, except those freed at the end.
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
    /// An empty region. It takes no memory before its first use.
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
    /// assert_eq!(frame.allocated_bytes(), 0);
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self::with_limit(usize::MAX)
    }

    /// An empty region whose chunks never exceed `bytes` bytes.
    ///
    /// Chunks are multiples of 64 KiB, so a smaller limit allows no object. The limit of the family
    /// applies, too.
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
    /// let error = request.try_alloc_slice_fill_copy(2 << 20, 0_u8).unwrap_err();
    /// assert_eq!(error.kind(), AllocErrorKind::Limit);
    /// assert_eq!(request.alloc_slice_fill_copy(500 << 10, 7_u8)[0], 7);
    /// ```
    #[must_use]
    pub const fn with_limit(bytes: usize) -> Self {
        let (index, zeroes) = (F::INDEX, F::SPEC.zeroes_on_free());
        let arena = Arena::new(<F::Set as FamilySet>::table, index, zeroes, K::TRACKED);
        Self::with_arena(arena.with_most(bytes), F::MARKER)
    }
}

impl<F: FamilyKey, K: Kind> Region<F, K> {
    /// An empty region in a family that is given as a value: a marker, or one known only at run time. It takes
    /// no memory before its first use.
    ///
    /// # Examples
    ///
    /// See [`AnyRegion`].
    #[must_use]
    pub fn new_in(family: F) -> Self {
        let (index, zeroes) = (family.position(), family.spec().zeroes_on_free());
        let arena = Arena::new(<F::Set as FamilySet>::table, index, zeroes, K::TRACKED);
        Self::with_arena(arena, family)
    }

    const fn with_arena(arena: Arena, family: F) -> Self {
        Self { arena, family, kind: PhantomData }
    }

    /// The family.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// assert_eq!(Region::<lives::Frame>::new().family(), lives::Frame);
    /// ```
    #[must_use]
    pub fn family(&self) -> F {
        self.family
    }

    /// The region as the allocator of handles and collections, whose type names neither family nor kind.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let name = FamilyBox::<str, _>::from_str_in("Ada", frame.allocator());
    /// assert_eq!(&*name, "Ada");
    /// ```
    #[inline]
    #[must_use]
    pub const fn allocator(&self) -> InRegion<'_> {
        InRegion::of(&self.arena)
    }

    /// The most bytes of chunks; `None` if only the limit of the family applies.
    ///
    /// # Examples
    ///
    /// See [`set_limit`](Self::set_limit).
    #[must_use]
    pub fn limit(&self) -> Option<usize> {
        Some(self.arena.most()).filter(|&most| most != usize::MAX)
    }

    /// Sets the limit. Existing chunks stay, even if they exceed it.
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

    /// Frees everything in the region. The largest chunk is kept for later use; the others return to the
    /// family.
    ///
    /// O(chunks); their number grows with the logarithm of the region's size, since each is twice as large
    /// as the one before. No object is touched, except in a family with `zero_on_free`. If the region
    /// [runs destructors](Kind), they run first, that of the latest object first.
    ///
    /// # Panics
    ///
    /// If a destructor panics. All others have then run, and the region is empty.
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

    /// Returns empty chunks to the family: the one that [`reset`](Self::reset) kept, if nothing has been
    /// allocated since, and the one that [nested regions](Self::nested) reuse. Returns their size in bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Level }
    /// let mut level = Region::<lives::Level>::new();
    /// level.alloc_slice_fill_copy(10_000, 0_u8);
    /// level.reset();
    /// assert!(level.shrink() > 0);
    /// assert_eq!(level.allocated_bytes(), 0);
    /// ```
    pub fn shrink(&mut self) -> usize {
        self.arena.shrink()
    }

    /// The size of all chunks in bytes. Constant time.
    ///
    /// # Examples
    ///
    /// See [`new`](Self::new).
    #[must_use]
    pub fn allocated_bytes(&self) -> usize {
        self.arena.committed()
    }

    /// Whether an address is in the chunks of the region. Expected O(log chunks); never touches the memory
    /// there.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Level }
    /// let level = Region::<lives::Level>::new();
    /// let seven = level.alloc(7);
    /// assert!(level.owns(seven) && !level.owns(&raw const level));
    /// ```
    #[must_use]
    pub fn owns(&self, address: *const impl ?Sized) -> bool {
        self.arena.owns(address.cast::<u8>().addr())
    }

    /// The use of the region. O(chunks), and, if objects were freed, O(bytes / 512).
    ///
    /// # Examples
    ///
    /// See [`RegionUse`].
    #[must_use]
    pub fn usage(&self) -> RegionUse {
        RegionUse::of(&self.arena)
    }
}

impl<F: FamilyKey, K: Kind> Drop for Region<F, K> {
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

impl<F: FamilyKey, K: Kind> fmt::Debug for Region<F, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Region")
            .field("family", &self.family.spec().name())
            .field("committed_bytes", &self.allocated_bytes())
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
