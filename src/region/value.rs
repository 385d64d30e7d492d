//! Single values, and raw memory.

use core::alloc::Layout;
use core::mem;
use core::ptr::NonNull;

use crate::arena::Arena;
use crate::arena::destructors::Entry;
use crate::error::AllocError;
use crate::family_key::FamilyKey;
use crate::raw_alloc::RawAlloc;

use super::boxed::boxed;
use super::{Accept, Kind, Region, RegionBox, failed};

/// Room for a value, with an entry where its destructor is to run. It is given back unless it is filled:
/// where making the value panics, or there is no memory for the rest.
pub(super) struct Slot<'r, T> {
    arena: &'r Arena,
    start: NonNull<T>,
    entry: Option<NonNull<Entry>>,
}

impl<'r, T> Slot<'r, T> {
    /// Room for a value; with `entered`, its destructor will run if it has one.
    #[inline(always)]
    pub(super) fn new(arena: &'r Arena, entered: bool, tracked: bool) -> Result<Self, AllocError> {
        let entry = match entered && mem::needs_drop::<T>() {
            true => Some(arena.reserve_entry()?),
            false => None,
        };
        let start = match size_of::<T>() {
            0 => NonNull::dangling(),
            _ => match arena.alloc(Layout::new::<T>(), tracked) {
                Ok(start) => start.cast(),
                Err(error) => {
                    if let Some(entry) = entry {
                        // SAFETY: reserved above, and not used.
                        unsafe { arena.forget_entry(entry) };
                    }
                    return Err(error);
                }
            },
        };
        Ok(Self { arena, start, entry })
    }

    /// Puts the value there.
    #[inline(always)]
    pub(super) fn fill(self, value: T) -> NonNull<T> {
        let (arena, start, entry) = (self.arena, self.start, self.entry);
        mem::forget(self);
        // SAFETY: room for a value.
        unsafe { start.write(value) };
        if let Some(entry) = entry {
            // SAFETY: reserved with the slot. Entries are only made by regions that run destructors, which
            // take no value that they must not drop (`Accept`), and lend it until then.
            unsafe { arena.enter_values(entry, start, 1) };
        }
        start
    }
}

impl<T> Drop for Slot<'_, T> {
    #[cold]
    fn drop(&mut self) {
        if size_of::<T>() > 0 {
            // SAFETY: allocated for this slot, and no value is there.
            unsafe { self.arena.free(self.start.cast(), Layout::new::<T>()) };
        }
        if let Some(entry) = self.entry {
            // SAFETY: reserved with the slot, and not used.
            unsafe { self.arena.forget_entry(entry) };
        }
    }
}

impl<F: FamilyKey, K: Kind> Region<F, K> {
    /// Allocates a value in the region.
    ///
    /// Takes constant time, and a few instructions if the chunk has space. A zero-sized type takes no
    /// space.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let seven = frame.alloc(7);
    /// *seven += 1;
    /// assert_eq!(*seven, 8);
    /// ```
    #[inline(always)]
    #[expect(clippy::mut_from_ref, reason = "each call lends other memory")]
    pub fn alloc<T>(&self, value: T) -> &mut T
    where
        K: Accept<T>,
    {
        match Slot::new(&self.arena, K::DROPS, K::TRACKED) {
            // SAFETY: a valid value, lent for as long as the region is borrowed, to this caller alone.
            Ok(slot) => unsafe { slot.fill(value).as_mut() },
            Err(error) => failed(error, Layout::new::<T>()),
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
    /// ```
    /// # use famalloc::{alloc_family, AllocErrorKind, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::with_limit(0);
    /// assert_eq!(frame.try_alloc(7).unwrap_err().kind(), AllocErrorKind::Limit);
    /// ```
    #[inline]
    #[expect(clippy::mut_from_ref, reason = "each call lends other memory")]
    pub fn try_alloc<T>(&self, value: T) -> Result<&mut T, AllocError>
    where
        K: Accept<T>,
    {
        // SAFETY: as in `alloc`.
        Slot::new(&self.arena, K::DROPS, K::TRACKED)
            .map(|slot| unsafe { slot.fill(value).as_mut() })
    }

    /// Takes memory first and then calls `make` for the value, so that a large value need not be moved.
    ///
    /// `make` may use the region. If it panics the memory is freed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Level }
    /// let level = Region::<lives::Level>::new();
    /// let map = level.alloc_with(|| [[0_u8; 256]; 256]);
    /// assert_eq!(map[255][255], 0);
    /// ```
    #[inline(always)]
    #[expect(clippy::mut_from_ref, reason = "each call lends other memory")]
    pub fn alloc_with<T>(&self, make: impl FnOnce() -> T) -> &mut T
    where
        K: Accept<T>,
    {
        match Slot::new(&self.arena, K::DROPS, K::TRACKED) {
            // SAFETY: as in `alloc`.
            Ok(slot) => unsafe { slot.fill(make()).as_mut() },
            Err(error) => failed(error, Layout::new::<T>()),
        }
    }

    /// [`alloc_with`](Self::alloc_with) that returns an error; then `make` is not called.
    ///
    /// # Errors
    ///
    /// As for [`try_alloc`](Self::try_alloc).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Level }
    /// let level = Region::<lives::Level>::with_limit(0);
    /// assert!(level.try_alloc_with(|| -> u8 { unreachable!() }).is_err());
    /// ```
    #[inline]
    #[expect(clippy::mut_from_ref, reason = "each call lends other memory")]
    pub fn try_alloc_with<T>(&self, make: impl FnOnce() -> T) -> Result<&mut T, AllocError>
    where
        K: Accept<T>,
    {
        // SAFETY: as in `alloc`.
        Slot::new(&self.arena, K::DROPS, K::TRACKED)
            .map(|slot| unsafe { slot.fill(make()).as_mut() })
    }

    /// Allocates a value in the region that can be dropped and freed before the region.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let text = frame.boxed(String::from("dropped at the end of the line"));
    /// drop(text);
    /// assert_eq!(frame.usage().live_bytes, 0);
    /// ```
    #[inline(always)]
    pub fn boxed<T>(&self, value: T) -> RegionBox<'_, T> {
        match Slot::new(&self.arena, false, K::TRACKED) {
            Ok(slot) => boxed(&self.arena, slot.fill(value)),
            Err(error) => failed(error, Layout::new::<T>()),
        }
    }

    /// [`boxed`](Self::boxed) that returns an error; then the value is dropped.
    ///
    /// # Errors
    ///
    /// As for [`try_alloc`](Self::try_alloc).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// assert_eq!(*frame.try_boxed(7)?, 7);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[inline]
    pub fn try_boxed<T>(&self, value: T) -> Result<RegionBox<'_, T>, AllocError> {
        Slot::new(&self.arena, false, K::TRACKED).map(|slot| boxed(&self.arena, slot.fill(value)))
    }

    /// Takes memory first and then calls `make` for the value; otherwise like [`boxed`](Self::boxed).
    ///
    /// `make` may use the region. If it panics the memory is freed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let outer = frame.boxed_with(|| (1, frame.boxed(2)));
    /// assert_eq!(outer.0 + *outer.1, 3);
    /// ```
    #[inline(always)]
    pub fn boxed_with<T>(&self, make: impl FnOnce() -> T) -> RegionBox<'_, T> {
        match Slot::new(&self.arena, false, K::TRACKED) {
            Ok(slot) => boxed(&self.arena, slot.fill(make())),
            Err(error) => failed(error, Layout::new::<T>()),
        }
    }

    /// [`boxed_with`](Self::boxed_with) that returns an error; then `make` is not called.
    ///
    /// # Errors
    ///
    /// As for [`try_alloc`](Self::try_alloc).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// assert_eq!(*frame.try_boxed_with(|| 7)?, 7);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[inline]
    pub fn try_boxed_with<T>(
        &self,
        make: impl FnOnce() -> T,
    ) -> Result<RegionBox<'_, T>, AllocError> {
        Slot::new(&self.arena, false, K::TRACKED).map(|slot| boxed(&self.arena, slot.fill(make())))
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
    /// ```
    /// # use core::alloc::Layout;
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let page = frame.alloc_layout(Layout::from_size_align(100, 4096)?)?;
    /// assert_eq!(page.addr().get() % 4096, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn alloc_layout(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        match layout.size() {
            0 => Ok(crate::heap::alloc::dangling(layout.align())),
            _ => self.arena.alloc(layout, K::TRACKED),
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
    /// A pointer that is not a live object of the region, or has another layout, is undefined behaviour. A
    /// pointer that is already free, or outside of the region, is detected, unless it ends where the
    /// latest object does. An address or a length within live objects is not detected.
    ///
    /// # Examples
    ///
    /// ```
    /// # use core::alloc::Layout;
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let layout = Layout::new::<[u64; 3]>();
    /// let first = frame.alloc_layout(layout)?;
    /// let _second = frame.alloc_layout(layout)?;
    /// // SAFETY: allocated above with this layout, and not used again.
    /// unsafe { frame.free_layout(first, layout) };
    /// assert_eq!(frame.usage().free_bytes, 24);
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
    /// As for [`free_layout`](Self::free_layout) with the layout `old`; on success `start` is not used
    /// again, and the returned memory has the layout `new`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use core::alloc::Layout;
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let (short, long) = (Layout::new::<[u8; 8]>(), Layout::new::<[u8; 80]>());
    /// let text = frame.alloc_layout(short)?;
    /// // SAFETY: 8 bytes were allocated.
    /// unsafe { text.write_bytes(b'x', 8) };
    /// // SAFETY: allocated with that layout; only the result is used from now on.
    /// let longer = unsafe { frame.resize_layout(text, short, long) }?;
    /// // SAFETY: the first bytes have stayed.
    /// assert_eq!(unsafe { longer.add(7).read() }, b'x');
    /// assert_eq!(longer, text);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub unsafe fn resize_layout(
        &self,
        start: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<u8>, AllocError> {
        // SAFETY: passed on.
        unsafe { self.allocator().realloc(start, old, new) }
    }
}
