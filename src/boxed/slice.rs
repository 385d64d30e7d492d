//! Slices: slots for several values, to and from arrays.

use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use super::FamilyBox;
use super::builder::SliceBuilder;
use super::raw::{capacity_overflow, failed};
use crate::error::AllocError;
use crate::family::Family;
use crate::heap::alloc::array_layout;
use crate::heap::{alloc_layout_in, alloc_zeroed_layout_in};

/// Makes a slice with `allocate`; where that fails it does not return.
fn slice_or_failed<T, F: Family>(
    len: usize,
    allocate: impl FnOnce(Layout) -> Result<NonNull<u8>, AllocError>,
) -> FamilyBox<[MaybeUninit<T>], F> {
    let Ok(layout) = array_layout::<T>(len) else { capacity_overflow() };
    let start = match allocate(layout) {
        Ok(start) => start,
        Err(error) => failed(error, layout),
    };
    let slots = NonNull::slice_from_raw_parts(start.cast(), len);
    // SAFETY: `allocate` is a call of family `F`, and the layout is that of the slice.
    unsafe { FamilyBox::from_non_null(slots) }
}

impl<T, F: Family> FamilyBox<[T], F> {
    /// Allocates an uninitialised slot for `len` values.
    ///
    /// # Panics
    ///
    /// If the slice would exceed `isize::MAX` bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let mut squares = FamilyBox::<[usize], lives::Frame>::new_uninit_slice(4);
    /// for (index, slot) in squares.iter_mut().enumerate() {
    ///     slot.write(index * index);
    /// }
    /// // SAFETY: every element was written.
    /// let squares = unsafe { squares.assume_init() };
    /// assert_eq!(*squares, [0, 1, 4, 9]);
    /// ```
    #[must_use]
    pub fn new_uninit_slice(len: usize) -> FamilyBox<[MaybeUninit<T>], F> {
        slice_or_failed(len, alloc_layout_in::<F>)
    }

    /// Allocates a zeroed slot for `len` values.
    ///
    /// # Panics
    ///
    /// If the slice would exceed `isize::MAX` bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let zeros = FamilyBox::<[u16], lives::Frame>::new_zeroed_slice(3);
    /// // SAFETY: zero bytes are valid `u16`s.
    /// let zeros = unsafe { zeros.assume_init() };
    /// assert_eq!(*zeros, [0, 0, 0]);
    /// ```
    #[must_use]
    pub fn new_zeroed_slice(len: usize) -> FamilyBox<[MaybeUninit<T>], F> {
        slice_or_failed(len, alloc_zeroed_layout_in::<F>)
    }

    /// [`new_uninit_slice`](Self::new_uninit_slice) that returns an error.
    ///
    /// # Errors
    ///
    /// If the slice would exceed `isize::MAX` bytes, the limit of the family is reached, or its page
    /// source has no memory left.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, AllocErrorKind, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// type Words = FamilyBox<[u32], lives::Frame>;
    ///
    /// assert_eq!(Words::try_new_uninit_slice(3)?.len(), 3);
    /// let error = Words::try_new_uninit_slice(usize::MAX / 2).unwrap_err();
    /// assert_eq!(error.kind(), AllocErrorKind::TooLarge);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_new_uninit_slice(len: usize) -> Result<FamilyBox<[MaybeUninit<T>], F>, AllocError> {
        let start = alloc_layout_in::<F>(array_layout::<T>(len)?)?.cast();
        // SAFETY: a new slot of the layout of the slice, which need not be initialised.
        Ok(unsafe { FamilyBox::from_non_null(NonNull::slice_from_raw_parts(start, len)) })
    }

    /// [`new_zeroed_slice`](Self::new_zeroed_slice) that returns an error.
    ///
    /// # Errors
    ///
    /// As for [`try_new_uninit_slice`](Self::try_new_uninit_slice).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let zeros = FamilyBox::<[u16], lives::Frame>::try_new_zeroed_slice(3)?;
    /// // SAFETY: zero bytes are valid `u16`s.
    /// assert_eq!(*unsafe { zeros.assume_init() }, [0, 0, 0]);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_new_zeroed_slice(len: usize) -> Result<FamilyBox<[MaybeUninit<T>], F>, AllocError> {
        let start = alloc_zeroed_layout_in::<F>(array_layout::<T>(len)?)?.cast();
        // SAFETY: a new slot of the layout of the slice, which need not be initialised.
        Ok(unsafe { FamilyBox::from_non_null(NonNull::slice_from_raw_parts(start, len)) })
    }

    /// The same elements as an array. If their number is not `N` they are dropped, and the result is
    /// `None`.
    ///
    /// `try_into()` returns the slice instead.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let slice = FamilyBox::<[i32], lives::Frame>::from([1, 2, 3]);
    /// let array: FamilyBox<[i32; 3], lives::Frame> = slice.into_array().unwrap();
    /// assert_eq!(*array, [1, 2, 3]);
    /// ```
    #[must_use]
    pub fn into_array<const N: usize>(self) -> Option<FamilyBox<[T; N], F>> {
        self.try_into().ok()
    }
}

impl<T, F: Family> FamilyBox<[MaybeUninit<T>], F> {
    /// Assumes that all elements are initialised.
    ///
    /// # Safety
    ///
    /// Each of them holds a valid `T`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let mut pair = FamilyBox::<[u32], lives::Frame>::new_uninit_slice(2);
    /// pair[0].write(7);
    /// pair[1].write(8);
    /// // SAFETY: both were written.
    /// assert_eq!(*unsafe { pair.assume_init() }, [7, 8]);
    /// ```
    #[inline]
    #[must_use]
    pub unsafe fn assume_init(self) -> FamilyBox<[T], F> {
        // SAFETY: `MaybeUninit<T>` is laid out like `T`; the caller vouches for the values.
        unsafe { Self::view_as(self, |slots| slots as *mut [T]) }
    }
}

impl<T: Clone, F: Family> From<&[T]> for FamilyBox<[T], F> {
    /// Clones every element. If a clone panics, the ones before it are dropped.
    fn from(elements: &[T]) -> Self {
        let mut builder = SliceBuilder::with_capacity(elements.len());
        builder.fill_with_clones(elements);
        builder.finish()
    }
}

impl<T: Clone, F: Family> From<&mut [T]> for FamilyBox<[T], F> {
    fn from(elements: &mut [T]) -> Self {
        Self::from(&*elements)
    }
}

impl<T, F: Family, const N: usize> From<[T; N]> for FamilyBox<[T], F> {
    #[inline]
    fn from(elements: [T; N]) -> Self {
        FamilyBox::<[T; N], _>::new_in(elements, F::default()).into()
    }
}

impl<T, F: Family, const N: usize> From<FamilyBox<[T; N], F>> for FamilyBox<[T], F> {
    /// The same slot, its length known at run time.
    #[inline]
    fn from(array: FamilyBox<[T; N], F>) -> Self {
        // SAFETY: an array is a slice of its elements.
        unsafe { FamilyBox::view_as(array, |array| array as *mut [T]) }
    }
}

impl<T, F: Family, const N: usize> TryFrom<FamilyBox<[T], F>> for FamilyBox<[T; N], F> {
    type Error = FamilyBox<[T], F>;

    /// The same slot, or the slice if it does not have `N` elements.
    #[inline]
    fn try_from(slice: FamilyBox<[T], F>) -> Result<Self, Self::Error> {
        if slice.len() == N {
            // SAFETY: a slice of `N` elements is an array of `N` elements.
            Ok(unsafe { FamilyBox::view_as(slice, |slice| slice.cast::<[T; N]>()) })
        } else {
            Err(slice)
        }
    }
}

impl<T, F: Family> FromIterator<T> for FamilyBox<[T], F> {
    /// Collects into the family. The slot grows if the iterator did not tell its length before, and
    /// shrinks to the exact size at the end.
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        let elements = elements.into_iter();
        let mut builder = SliceBuilder::with_capacity(elements.size_hint().0);
        elements.for_each(|element| builder.push(element));
        builder.finish()
    }
}
