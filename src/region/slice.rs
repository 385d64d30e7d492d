//! Slices. All of them are made by a [`Builder`](super::builder::Builder).

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::error::AllocError;
use crate::family_key::FamilyKey;
use crate::heap::alloc::array_layout;

use super::boxed::boxed;
use super::builder::{collected, copied, filled};
use super::{Accept, Kind, Region, RegionBox, failed};

/// What the infallible calls do.
fn or_fail<T>(made: Result<NonNull<[T]>, AllocError>, len: usize) -> NonNull<[T]> {
    made.unwrap_or_else(|error| failed(error, array_layout::<T>(len).unwrap_or(Layout::new::<T>())))
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

    /// Allocates a slice of `len` copies of a value.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Level }
    /// let level = Region::<lives::Level>::new();
    /// assert_eq!(level.alloc_slice_fill_copy(3, 'x'), ['x', 'x', 'x']);
    /// ```
    pub fn alloc_slice_fill_copy<T: Copy>(&self, len: usize, value: T) -> &mut [T]
    where
        K: Accept<T>,
    {
        self.alloc_slice_fill_with(len, |_| value)
    }

    /// [`alloc_slice_fill_copy`](Self::alloc_slice_fill_copy) that returns an error.
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
    /// let error = level.try_alloc_slice_fill_copy(usize::MAX, 7_u64).unwrap_err();
    /// assert_eq!(error.kind(), AllocErrorKind::TooLarge);
    /// ```
    pub fn try_alloc_slice_fill_copy<T: Copy>(
        &self,
        len: usize,
        value: T,
    ) -> Result<&mut [T], AllocError>
    where
        K: Accept<T>,
    {
        self.try_alloc_slice_fill_with(len, |_| value)
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
    /// assert_eq!(level.alloc_slice_fill_clone(3, &'x'), ['x', 'x', 'x']);
    /// ```
    pub fn alloc_slice_fill_clone<T: Clone>(&self, len: usize, value: &T) -> &mut [T]
    where
        K: Accept<T>,
    {
        self.alloc_slice_fill_with(len, |_| value.clone())
    }

    /// [`alloc_slice_fill_clone`](Self::alloc_slice_fill_clone) that returns an error.
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
    /// let error = level.try_alloc_slice_fill_clone(usize::MAX, &7_u64).unwrap_err();
    /// assert_eq!(error.kind(), AllocErrorKind::TooLarge);
    /// ```
    pub fn try_alloc_slice_fill_clone<T: Clone>(
        &self,
        len: usize,
        value: &T,
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
    /// let odd = frame.alloc_slice_fill_iter((0..10).filter(|n| n % 2 == 1));
    /// assert_eq!(odd, [1, 3, 5, 7, 9]);
    /// ```
    #[expect(clippy::mut_from_ref, reason = "each call lends other memory")]
    pub fn alloc_slice_fill_iter<T>(&self, elements: impl IntoIterator<Item = T>) -> &mut [T]
    where
        K: Accept<T>,
    {
        // SAFETY: as in `alloc_slice_copy`.
        unsafe { or_fail(collected(&self.arena, K::DROPS, elements.into_iter()), 1).as_mut() }
    }

    /// [`alloc_slice_fill_iter`](Self::alloc_slice_fill_iter) that returns an error; the elements so far
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
    /// assert!(frame.try_alloc_slice_fill_iter(0_u64..).is_err());
    /// assert_eq!(frame.usage().live_bytes, 0);
    /// ```
    #[expect(clippy::mut_from_ref, reason = "each call lends other memory")]
    pub fn try_alloc_slice_fill_iter<T>(
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
    /// As for [`alloc_slice_fill_iter`](Self::alloc_slice_fill_iter).
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
