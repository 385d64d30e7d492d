//! Slices.
//!
//! All of them are made by a [`Builder`]: room for so many elements, of which some are there. What panics
//! on the way (a clone, a closure, an iterator) drops those and gives the room back.

use core::alloc::Layout;
use core::mem;
use core::ptr::{self, NonNull};

use crate::arena::Arena;
use crate::arena::destructors::Entry;
use crate::error::{AllocError, AllocErrorKind};
use crate::family_key::FamilyKey;

use super::boxed::boxed;
use super::{Accept, Kind, Region, RegionBox, failed};

/// The layout of so many elements.
fn layout_of<T>(len: usize) -> Result<Layout, AllocError> {
    Layout::array::<T>(len).map_err(|_| AllocError::new(AllocErrorKind::TooLarge))
}

/// A slice in the making.
pub(super) struct Builder<'r, T> {
    arena: &'r Arena,
    start: NonNull<T>,
    capacity: usize,
    len: usize,
    entry: Option<NonNull<Entry>>,
}

impl<'r, T> Builder<'r, T> {
    /// Room for so many elements; with `entered`, their destructors will run if they have any.
    pub(super) fn new(
        arena: &'r Arena,
        capacity: usize,
        entered: bool,
    ) -> Result<Self, AllocError> {
        let entry = match entered && mem::needs_drop::<T>() {
            true => Some(arena.reserve_entry()?),
            false => None,
        };
        let mut new = Self { arena, start: NonNull::dangling(), capacity: 0, len: 0, entry };
        new.reserve(capacity)?;
        Ok(new)
    }

    /// Makes room for so many elements in all, more than there is room for.
    fn reserve(&mut self, capacity: usize) -> Result<(), AllocError> {
        let (old, new) = (layout_of::<T>(self.capacity)?, layout_of::<T>(capacity)?);
        if new.size() > 0 {
            let start = match old.size() {
                0 => self.arena.alloc_any(new)?,
                // SAFETY: allocated here with that layout.
                _ => unsafe { self.arena.resize(self.start.cast(), old, new) }?,
            };
            self.start = start.cast();
        }
        self.capacity = capacity;
        Ok(())
    }

    /// Appends an element, with room for more if there was none.
    pub(super) fn push(&mut self, element: T) -> Result<(), AllocError> {
        if self.len == self.capacity {
            self.reserve(self.capacity.saturating_mul(2).max(4))?;
        }
        // SAFETY: there is room for it.
        unsafe { self.start.add(self.len).write(element) };
        self.len += 1;
        Ok(())
    }

    /// Appends copies of elements for which there is room.
    ///
    /// # Safety
    ///
    /// There is, and a bitwise copy of an element is an element of its own.
    pub(super) unsafe fn push_copies(&mut self, elements: &[T]) {
        debug_assert!(elements.len() <= self.capacity - self.len);
        let from = NonNull::from(elements).cast::<T>();
        // SAFETY: there is room for them (contract).
        let to = unsafe { self.start.add(self.len) };
        // SAFETY: the room is new, so nothing else refers to it.
        unsafe { to.copy_from_nonoverlapping(from, elements.len()) };
        self.len += elements.len();
    }

    /// The slice; what room there is behind it is given back.
    pub(super) fn finish(self) -> NonNull<[T]> {
        let (arena, start, len) = (self.arena, self.start, self.len);
        let (room, entry) = (self.capacity * size_of::<T>(), self.entry);
        mem::forget(self);
        let used = len * size_of::<T>();
        if used < room {
            if used == 0 {
                // SAFETY: an array of that layout has been made.
                let layout = unsafe { Layout::from_size_align_unchecked(room, align_of::<T>()) };
                // SAFETY: allocated here, and nothing is in it.
                unsafe { arena.free(start.cast(), layout) };
            } else {
                // SAFETY: allocated here, and only the front is in use.
                unsafe { arena.shrink_in_place(start.cast(), room, used) };
            }
        }
        match (entry, len) {
            // SAFETY: reserved for this slice, and not used.
            (Some(entry), 0) => unsafe { arena.forget_entry(entry) },
            // SAFETY: reserved for this slice. Entries are only made by regions that run destructors, which
            // take no value that they must not drop (`Accept`), and lend it until then.
            (Some(entry), _) => unsafe { arena.enter_values(entry, start, len) },
            (None, _) => {}
        }
        let start = if used == 0 { NonNull::dangling() } else { start };
        NonNull::slice_from_raw_parts(start, len)
    }
}

impl<T> Drop for Builder<'_, T> {
    #[cold]
    fn drop(&mut self) {
        /// Gives the room back also when an element's destructor panics.
        struct Room<'a>(&'a Arena, NonNull<u8>, Layout, Option<NonNull<Entry>>);
        impl Drop for Room<'_> {
            fn drop(&mut self) {
                if self.2.size() > 0 {
                    // SAFETY: allocated for the builder, and nothing is left there.
                    unsafe { self.0.free(self.1, self.2) };
                }
                if let Some(entry) = self.3 {
                    // SAFETY: reserved for the builder, and not used.
                    unsafe { self.0.forget_entry(entry) };
                }
            }
        }
        // SAFETY: an array of that layout has been made.
        let layout = unsafe {
            Layout::from_size_align_unchecked(self.capacity * size_of::<T>(), align_of::<T>())
        };
        let _room = Room(self.arena, self.start.cast(), layout, self.entry);
        let made = ptr::slice_from_raw_parts_mut(self.start.as_ptr(), self.len);
        // SAFETY: as many elements are there, and not used again.
        unsafe { ptr::drop_in_place(made) };
    }
}

/// A slice that is copied.
fn copied<'r, T: Copy>(arena: &'r Arena, source: &[T]) -> Result<NonNull<[T]>, AllocError> {
    let mut slice = Builder::<'r, T>::new(arena, source.len(), false)?;
    // SAFETY: there is room for them, and they are `Copy`.
    unsafe { slice.push_copies(source) };
    Ok(slice.finish())
}

/// A slice whose elements come from an iterator.
fn collected<'r, T>(
    arena: &'r Arena,
    entered: bool,
    elements: impl Iterator<Item = T>,
) -> Result<NonNull<[T]>, AllocError> {
    // What an iterator says of its length may be anything.
    const TRUSTED: usize = 4096;
    let expected = elements.size_hint().0.min(TRUSTED);
    let mut slice = Builder::<'r, T>::new(arena, expected, entered)?;
    for element in elements {
        slice.push(element)?;
    }
    Ok(slice.finish())
}

/// A slice of a known length, element by element.
fn filled<'r, T>(
    arena: &'r Arena,
    entered: bool,
    len: usize,
    mut element: impl FnMut(usize) -> T,
) -> Result<NonNull<[T]>, AllocError> {
    let mut slice = Builder::<'r, T>::new(arena, len, entered)?;
    for position in 0..len {
        slice.push(element(position))?;
    }
    Ok(slice.finish())
}

/// What the infallible calls do.
fn or_fail<T>(made: Result<NonNull<[T]>, AllocError>, len: usize) -> NonNull<[T]> {
    made.unwrap_or_else(|error| failed(error, layout_of::<T>(len).unwrap_or(Layout::new::<T>())))
}

impl<F: FamilyKey, K: Kind> Region<F, K> {
    /// Copies a slice into the region.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let primes = frame.alloc_slice_copy(&[2, 3, 5]);
    /// primes[0] = 7;
    /// assert_eq!(primes, [7, 3, 5]);
    /// ```
    #[inline]
    #[expect(clippy::mut_from_ref, reason = "each call lends other memory")]
    pub fn alloc_slice_copy<T: Copy>(&self, source: &[T]) -> &mut [T] {
        // SAFETY: valid elements, lent for as long as the region is borrowed, to this caller alone.
        unsafe { or_fail(copied(&self.arena, source), source.len()).as_mut() }
    }

    /// [`alloc_slice_copy`](Self::alloc_slice_copy) that returns an error.
    ///
    /// # Errors
    ///
    /// If the limit of the region or of its family is reached, or no memory is available.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::with_limit(1 << 20);
    /// assert_eq!(frame.try_alloc_slice_copy(&[2, 3, 5])?, [2, 3, 5]);
    /// assert!(frame.try_alloc_slice_copy(&[0_u64; 200_000]).is_err());
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[inline]
    #[expect(clippy::mut_from_ref, reason = "each call lends other memory")]
    pub fn try_alloc_slice_copy<T: Copy>(&self, source: &[T]) -> Result<&mut [T], AllocError> {
        // SAFETY: as in `alloc_slice_copy`.
        copied(&self.arena, source).map(|mut slice| unsafe { slice.as_mut() })
    }

    /// Clones a slice into the region.
    ///
    /// # Panics
    ///
    /// If a clone panics; those before it have then been dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, region::Drops, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame, Drops>::new();
    /// let names = frame.alloc_slice_clone(&["a".to_owned(), "b".to_owned()]);
    /// assert_eq!(names.concat(), "ab");
    /// ```
    pub fn alloc_slice_clone<T: Clone>(&self, source: &[T]) -> &mut [T]
    where
        K: Accept<T>,
    {
        self.alloc_slice_fill_with(source.len(), |position| source[position].clone())
    }

    /// [`alloc_slice_clone`](Self::alloc_slice_clone) that returns an error.
    ///
    /// # Errors
    ///
    /// As for [`try_alloc_slice_copy`](Self::try_alloc_slice_copy).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// assert_eq!(frame.try_alloc_slice_clone(&[Some(1), None])?, [Some(1), None]);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_alloc_slice_clone<T: Clone>(&self, source: &[T]) -> Result<&mut [T], AllocError>
    where
        K: Accept<T>,
    {
        self.try_alloc_slice_fill_with(source.len(), |position| source[position].clone())
    }

    /// Allocates a slice of `len` clones of a value.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Level }
    /// let level = Region::<lives::Level>::new();
    /// assert_eq!(level.alloc_slice_fill(3, 'x'), ['x', 'x', 'x']);
    /// ```
    pub fn alloc_slice_fill<T: Clone>(&self, len: usize, value: T) -> &mut [T]
    where
        K: Accept<T>,
    {
        self.alloc_slice_fill_with(len, |_| value.clone())
    }

    /// [`alloc_slice_fill`](Self::alloc_slice_fill) that returns an error.
    ///
    /// # Errors
    ///
    /// As for [`try_alloc_slice_copy`](Self::try_alloc_slice_copy).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, AllocErrorKind, Region};
    /// # #[alloc_family]
    /// # enum Lives { Level }
    /// let level = Region::<lives::Level>::new();
    /// let error = level.try_alloc_slice_fill(usize::MAX, 7_u64).unwrap_err();
    /// assert_eq!(error.kind(), AllocErrorKind::TooLarge);
    /// ```
    pub fn try_alloc_slice_fill<T: Clone>(
        &self,
        len: usize,
        value: T,
    ) -> Result<&mut [T], AllocError>
    where
        K: Accept<T>,
    {
        self.try_alloc_slice_fill_with(len, |_| value.clone())
    }

    /// Allocates a slice of `len` elements, each made by a function of its position.
    ///
    /// # Panics
    ///
    /// If the function panics; the elements before have then been dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Level }
    /// let level = Region::<lives::Level>::new();
    /// assert_eq!(level.alloc_slice_fill_with(4, |position| position * position), [0, 1, 4, 9]);
    /// ```
    #[expect(clippy::mut_from_ref, reason = "each call lends other memory")]
    pub fn alloc_slice_fill_with<T>(&self, len: usize, element: impl FnMut(usize) -> T) -> &mut [T]
    where
        K: Accept<T>,
    {
        // SAFETY: as in `alloc_slice_copy`.
        unsafe { or_fail(filled(&self.arena, K::DROPS, len, element), len).as_mut() }
    }

    /// [`alloc_slice_fill_with`](Self::alloc_slice_fill_with) that returns an error.
    ///
    /// # Errors
    ///
    /// As for [`try_alloc_slice_copy`](Self::try_alloc_slice_copy).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Level }
    /// let level = Region::<lives::Level>::new();
    /// assert_eq!(level.try_alloc_slice_fill_with(2, |position| position)?, [0, 1]);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[expect(clippy::mut_from_ref, reason = "each call lends other memory")]
    pub fn try_alloc_slice_fill_with<T>(
        &self,
        len: usize,
        element: impl FnMut(usize) -> T,
    ) -> Result<&mut [T], AllocError>
    where
        K: Accept<T>,
    {
        // SAFETY: as in `alloc_slice_copy`.
        filled(&self.arena, K::DROPS, len, element).map(|mut slice| unsafe { slice.as_mut() })
    }

    /// Allocates a slice of all elements of an iterator.
    ///
    /// While the slice grows it moves, unless it is the latest object in the region. The iterator may use
    /// the region.
    ///
    /// # Panics
    ///
    /// If the iterator panics; the elements before have then been dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let odd = frame.alloc_slice_from_iter((0..10).filter(|n| n % 2 == 1));
    /// assert_eq!(odd, [1, 3, 5, 7, 9]);
    /// ```
    #[expect(clippy::mut_from_ref, reason = "each call lends other memory")]
    pub fn alloc_slice_from_iter<T>(&self, elements: impl IntoIterator<Item = T>) -> &mut [T]
    where
        K: Accept<T>,
    {
        // SAFETY: as in `alloc_slice_copy`.
        unsafe { or_fail(collected(&self.arena, K::DROPS, elements.into_iter()), 1).as_mut() }
    }

    /// [`alloc_slice_from_iter`](Self::alloc_slice_from_iter) that returns an error; the elements so far
    /// are then dropped.
    ///
    /// # Errors
    ///
    /// As for [`try_alloc_slice_copy`](Self::try_alloc_slice_copy).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::with_limit(1 << 20);
    /// assert!(frame.try_alloc_slice_from_iter(0_u64..).is_err());
    /// assert_eq!(frame.usage().live_bytes, 0);
    /// ```
    #[expect(clippy::mut_from_ref, reason = "each call lends other memory")]
    pub fn try_alloc_slice_from_iter<T>(
        &self,
        elements: impl IntoIterator<Item = T>,
    ) -> Result<&mut [T], AllocError>
    where
        K: Accept<T>,
    {
        let made = collected(&self.arena, K::DROPS, elements.into_iter());
        // SAFETY: as in `alloc_slice_copy`.
        made.map(|mut slice| unsafe { slice.as_mut() })
    }

    /// Allocates a slice of all elements of an iterator that can be dropped and freed before the region.
    ///
    /// # Panics
    ///
    /// As for [`alloc_slice_from_iter`](Self::alloc_slice_from_iter).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let words = frame.boxed_slice("a b c".split(' ').map(String::from));
    /// assert_eq!(words.concat(), "abc");
    /// drop(words);
    /// assert_eq!(frame.usage().live_bytes, 0);
    /// ```
    pub fn boxed_slice<T>(&self, elements: impl IntoIterator<Item = T>) -> RegionBox<'_, [T]> {
        boxed(&self.arena, or_fail(collected(&self.arena, false, elements.into_iter()), 1))
    }

    /// [`boxed_slice`](Self::boxed_slice) that returns an error; the elements so far are then dropped.
    ///
    /// # Errors
    ///
    /// As for [`try_alloc_slice_copy`](Self::try_alloc_slice_copy).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// assert_eq!(*frame.try_boxed_slice([1, 2])?, [1, 2]);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_boxed_slice<T>(
        &self,
        elements: impl IntoIterator<Item = T>,
    ) -> Result<RegionBox<'_, [T]>, AllocError> {
        collected(&self.arena, false, elements.into_iter()).map(|slice| boxed(&self.arena, slice))
    }
}
