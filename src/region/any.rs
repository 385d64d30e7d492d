//! A region whose family is known only at run time.

use core::alloc::Layout;
use core::fmt;
use core::marker::PhantomData;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::NonNull;

use crate::any_family::AnyFamily;
use crate::arena::{self, Arena};
use crate::error::AllocError;
use crate::family_set::FamilySet;

use super::RegionUse;
use super::value::Slot;

/// An arena in a family of the set `S` that is known only at run time.
///
/// Like a [`Region`](super::Region) that runs no destructors, with fewer methods: what an interpreter or
/// another language needs. It is a few bytes larger, and as fast.
///
/// # Examples
///
/// ```
/// use core::alloc::Layout;
/// use famalloc::{alloc_family, query, region::AnyRegion};
///
/// #[alloc_family]
/// enum Lives {
///     Request,
///     Session,
/// }
///
/// let lives = if cfg!(test) { Lives::Request } else { Lives::Session };
/// let mut region = AnyRegion::new(&lives);
/// let seven = region.alloc(7_u32);
/// *seven += 1;
/// assert_eq!(*seven, 8);
/// assert_eq!(query(seven).unwrap().family, "Session");
///
/// let page = region.alloc_layout(Layout::from_size_align(100, 4096)?)?;
/// assert!(region.owns(page.as_ptr()));
/// region.reset();
/// assert_eq!(region.usage().live_bytes, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// As in any region, nothing in it can be used after a reset:
///
/// ```compile_fail,E0502
/// # use famalloc::{alloc_family, region::AnyRegion};
/// # #[alloc_family]
/// # enum Lives { Request }
/// let mut region = AnyRegion::new(&Lives::Request);
/// let seven = region.alloc(7);
/// region.reset();
/// println!("{seven}");
/// ```
///
/// It may be sent to another thread, but not shared with it:
///
/// ```compile_fail,E0277
/// # use famalloc::{alloc_family, region::AnyRegion};
/// # #[alloc_family]
/// # enum Lives { Request }
/// let region = AnyRegion::new(&Lives::Request);
/// std::thread::scope(|scope| {
///     scope.spawn(|| region.alloc(7));
/// });
/// ```
pub struct AnyRegion<S: FamilySet> {
    arena: Arena,
    family: AnyFamily<S>,
}

// SAFETY: one thread at a time uses it, since it is not shared; its memory belongs to no thread, and it
// runs no destructors.
unsafe impl<S: FamilySet> Send for AnyRegion<S> {}

// Whatever panics, and wherever, the region is whole afterwards.
impl<S: FamilySet> UnwindSafe for AnyRegion<S> {}
impl<S: FamilySet> RefUnwindSafe for AnyRegion<S> {}

/// A state of a region; see [`AnyRegion::checkpoint`].
#[derive(Debug)]
#[must_use = "a checkpoint has no effect unless the region is rewound to it"]
pub struct AnyCheckpoint<S: FamilySet> {
    state: arena::checkpoint::Checkpoint,
    region: PhantomData<fn() -> AnyRegion<S>>,
}

impl<S: FamilySet> AnyRegion<S> {
    /// An empty region. It takes no memory before its first use.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, region::AnyRegion};
    /// # #[alloc_family]
    /// # enum Lives { Request }
    /// assert_eq!(AnyRegion::new(&Lives::Request).committed_bytes(), 0);
    /// ```
    #[must_use]
    pub fn new(family: &S) -> Self {
        let family = AnyFamily::new(family.index());
        let zeroes = family.spec().zeroes_on_free();
        Self { arena: Arena::new(S::table, family.position(), zeroes, false), family }
    }

    /// The family.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, region::AnyRegion};
    /// # #[alloc_family]
    /// # enum Lives { Request }
    /// assert_eq!(AnyRegion::new(&Lives::Request).family(), Lives::Request.into());
    /// ```
    #[must_use]
    pub fn family(&self) -> AnyFamily<S> {
        self.family
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
    /// # use famalloc::{alloc_family, region::AnyRegion};
    /// # #[alloc_family]
    /// # enum Lives { Request }
    /// let mut region = AnyRegion::new(&Lives::Request);
    /// assert_eq!(region.limit(), None);
    /// region.set_limit(Some(0));
    /// assert!(region.try_alloc(7).is_err());
    /// region.set_limit(None);
    /// assert!(region.try_alloc(7).is_ok());
    /// ```
    pub fn set_limit(&mut self, bytes: Option<usize>) {
        self.arena.set_most(bytes.unwrap_or(usize::MAX));
    }

    /// Allocates a value in the region. Its destructor does not run. Constant time.
    ///
    /// # Examples
    ///
    /// See [`AnyRegion`].
    #[inline]
    #[expect(clippy::mut_from_ref, reason = "each call lends other memory")]
    pub fn alloc<T>(&self, value: T) -> &mut T {
        match Slot::new(&self.arena, false, false) {
            // SAFETY: a valid value, lent for as long as the region is borrowed, to this caller alone.
            Ok(slot) => unsafe { slot.fill(value).as_mut() },
            Err(error) => super::failed(error, Layout::new::<T>()),
        }
    }

    /// [`alloc`](Self::alloc) that returns an error; then the value is dropped.
    ///
    /// # Errors
    ///
    /// If the limit of the region or of its family is reached, or no memory is available.
    ///
    /// # Examples
    ///
    /// See [`set_limit`](Self::set_limit).
    #[inline]
    #[expect(clippy::mut_from_ref, reason = "each call lends other memory")]
    pub fn try_alloc<T>(&self, value: T) -> Result<&mut T, AllocError> {
        // SAFETY: as in `alloc`.
        Slot::new(&self.arena, false, false).map(|slot| unsafe { slot.fill(value).as_mut() })
    }

    /// Allocates uninitialised memory of a layout, aligned to at least 8 bytes.
    ///
    /// It is valid until the region is reset, rewound or dropped, or it is [freed](Self::free_layout).
    ///
    /// # Errors
    ///
    /// As for [`try_alloc`](Self::try_alloc).
    ///
    /// # Examples
    ///
    /// See [`AnyRegion`].
    #[inline]
    pub fn alloc_layout(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        match layout.size() {
            0 => Ok(crate::heap::alloc::dangling(layout.align())),
            _ => self.arena.alloc(layout, false),
        }
    }

    /// Frees memory of a layout for reuse.
    ///
    /// # Safety
    ///
    /// - `start` was allocated in this region, `layout` is the layout last requested for it, it is live,
    ///   and it is not used again;
    /// - the region has not been reset since.
    ///
    /// # Aborts
    ///
    /// As [`Region::free_layout`](super::Region::free_layout).
    ///
    /// # Examples
    ///
    /// ```
    /// # use core::alloc::Layout;
    /// # use famalloc::{alloc_family, region::AnyRegion};
    /// # #[alloc_family]
    /// # enum Lives { Request }
    /// let region = AnyRegion::new(&Lives::Request);
    /// let layout = Layout::new::<[u64; 3]>();
    /// let start = region.alloc_layout(layout)?;
    /// // SAFETY: allocated above with this layout, and not used again.
    /// unsafe { region.free_layout(start, layout) };
    /// assert_eq!(region.alloc_layout(layout)?, start);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[inline]
    pub unsafe fn free_layout(&self, start: NonNull<u8>, layout: Layout) {
        if layout.size() > 0 {
            // SAFETY: passed on.
            unsafe { self.arena.free(start, layout) };
        }
    }

    /// Changes the layout of an allocation, and moves it if necessary. Keeps as much of the contents as
    /// fits. The latest object grows in place.
    ///
    /// # Errors
    ///
    /// As for [`try_alloc`](Self::try_alloc); the memory is then unchanged.
    ///
    /// # Safety
    ///
    /// As for [`free_layout`](Self::free_layout) with the layout `old`; the sizes of `old` and `new` are
    /// not 0. On success `start` is not used again, and the returned memory has the layout `new`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use core::alloc::Layout;
    /// # use famalloc::{alloc_family, region::AnyRegion};
    /// # #[alloc_family]
    /// # enum Lives { Request }
    /// let region = AnyRegion::new(&Lives::Request);
    /// let (short, long) = (Layout::new::<[u8; 8]>(), Layout::new::<[u8; 80]>());
    /// let text = region.alloc_layout(short)?;
    /// // SAFETY: allocated with that layout; only the result is used from now on.
    /// assert_eq!(unsafe { region.resize_layout(text, short, long) }?, text);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[inline]
    pub unsafe fn resize_layout(
        &self,
        start: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<u8>, AllocError> {
        // SAFETY: passed on.
        unsafe { self.arena.resize(start, old, new) }
    }

    /// Whether an address is in the chunks of the region. Expected O(log chunks); never touches the memory
    /// there.
    ///
    /// # Examples
    ///
    /// See [`AnyRegion`].
    #[must_use]
    pub fn owns(&self, address: *const impl ?Sized) -> bool {
        self.arena.owns(address.cast::<u8>().addr())
    }

    /// Frees everything in the region. The largest chunk is kept for later use; the others return to the
    /// family. O(chunks).
    ///
    /// # Examples
    ///
    /// See [`AnyRegion`].
    #[inline]
    pub fn reset(&mut self) {
        self.arena.clear();
    }

    /// The present state, for [`rewind`](Self::rewind). Checkpoints may be nested: rewind to each, or
    /// forget it, before those made before it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, region::AnyRegion};
    /// # #[alloc_family]
    /// # enum Lives { Unit }
    /// let unit = AnyRegion::new(&Lives::Unit);
    /// let kept = unit.alloc(1);
    /// let checkpoint = unit.checkpoint();
    /// for number in 0..1000 {
    ///     unit.alloc(number);
    /// }
    /// // SAFETY: the numbers are not used again.
    /// unsafe { unit.rewind(checkpoint) };
    /// assert_eq!((*kept, unit.usage().live_bytes), (1, 8));
    /// ```
    pub fn checkpoint(&self) -> AnyCheckpoint<S> {
        AnyCheckpoint { state: self.arena.checkpoint(), region: PhantomData }
    }

    /// Frees everything that was allocated since the checkpoint. O(chunks since then).
    ///
    /// # Safety
    ///
    /// - The checkpoint was made by this region, which has since neither been reset nor rewound to an
    ///   earlier one;
    /// - nothing that was allocated since is used again.
    ///
    /// # Examples
    ///
    /// See [`checkpoint`](Self::checkpoint).
    pub unsafe fn rewind(&self, checkpoint: AnyCheckpoint<S>) {
        // SAFETY: passed on; there are no destructors.
        unsafe { self.arena.rewind(&checkpoint.state) };
    }

    /// Returns empty chunks to the family. Returns their size in bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, region::AnyRegion};
    /// # #[alloc_family]
    /// # enum Lives { Unit }
    /// let mut unit = AnyRegion::new(&Lives::Unit);
    /// unit.alloc(7);
    /// unit.reset();
    /// assert!(unit.shrink() > 0);
    /// assert_eq!(unit.committed_bytes(), 0);
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
    pub fn committed_bytes(&self) -> usize {
        self.arena.committed()
    }

    /// The use of the region. O(chunks), and, if objects were freed, O(bytes / 512).
    ///
    /// # Examples
    ///
    /// See [`AnyRegion`].
    #[must_use]
    pub fn usage(&self) -> RegionUse {
        RegionUse::of(&self.arena)
    }
}

impl<S: FamilySet> fmt::Debug for AnyRegion<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyRegion")
            .field("family", &self.family)
            .field("committed_bytes", &self.committed_bytes())
            .field("limit", &self.limit())
            .finish_non_exhaustive()
    }
}
