//! A region whose family is known at run time only.

use core::alloc::Layout;
use core::fmt;
use core::marker::PhantomData;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::NonNull;

use crate::any_family::AnyFamily;
use crate::arena::{self, Arena};
use crate::error::AllocError;
use crate::family::FamilySet;

use super::RegionUse;
use super::value::Slot;

/// An arena in a family of the set `S` that is known at run time only.
///
/// Like a [`Region`](super::Region) that forgets what it lends, with fewer calls: what an interpreter or
/// another language needs. It costs a few bytes more in size, and nothing in time.
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
/// As in any region, nothing of it can be used after it was reset:
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
/// It may be sent to another thread, but not shared with one:
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

/// A state of a region to go back to; see [`AnyRegion::checkpoint`].
#[derive(Debug)]
#[must_use = "nothing is given up before the region is rewound"]
pub struct AnyCheckpoint<S: FamilySet> {
    state: arena::checkpoint::Checkpoint,
    region: PhantomData<fn() -> AnyRegion<S>>,
}

impl<S: FamilySet> AnyRegion<S> {
    /// An empty region. It takes no memory before it is used.
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

    /// Puts a value into the region; its destructor does not run. Constant time.
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

    /// [`alloc`](Self::alloc) that reports failure; the value is dropped then.
    ///
    /// # Errors
    ///
    /// The limit of the region or of its family is reached, or there is no more memory.
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

    /// Memory of a layout, not initialised; aligned to 8 bytes at least, whatever the layout says.
    ///
    /// It stays until the region is reset, rewound or dropped, or it is [freed](Self::free_layout).
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

    /// Frees memory of a layout, to be used again.
    ///
    /// # Safety
    ///
    /// - `start` was allocated in this region, was last asked for with `layout`, is live, and is not used
    ///   again;
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

    /// Makes memory of one layout memory of another, elsewhere if it must be. As much of the contents as
    /// fits stays. The latest object grows where it is.
    ///
    /// # Errors
    ///
    /// As for [`try_alloc`](Self::try_alloc); the memory is as it was then.
    ///
    /// # Safety
    ///
    /// As for [`free_layout`](Self::free_layout) with the layout `old`, whose size is not 0, nor is that
    /// of `new`; on success `start` is not used again, and what is returned has the layout `new`.
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

    /// Whether an address lies in the region's chunks. Expected O(log chunks); never touches the address.
    ///
    /// # Examples
    ///
    /// See [`AnyRegion`].
    #[must_use]
    pub fn owns(&self, address: *const impl ?Sized) -> bool {
        self.arena.owns(address.cast::<u8>().addr())
    }

    /// Gives up everything in the region, and keeps its largest chunk for what comes next; the others go
    /// back to the family. O(chunks).
    ///
    /// # Examples
    ///
    /// See [`AnyRegion`].
    #[inline]
    pub fn reset(&mut self) {
        self.arena.clear();
    }

    /// The present state, to go back to by [`rewind`](Self::rewind). Checkpoints may be nested; each is
    /// rewound to, or forgotten, before those made before it.
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

    /// Gives up everything that was allocated since the checkpoint. O(chunks since then).
    ///
    /// # Safety
    ///
    /// - The checkpoint was made by this region, which has since neither been reset nor gone back to an
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

    /// Gives chunks without anything in them back to the family. Returns how many bytes those were.
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
