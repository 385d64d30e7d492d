//! Slices: slots for several values, to and from arrays.

use core::mem::MaybeUninit;
use core::ptr::NonNull;

use super::FamilyBox;
use super::builder::SliceBuilder;
use super::raw::{capacity_overflow, failed};
use crate::error::AllocError;
use crate::heap::alloc::array_layout;
use crate::raw_alloc::RawAlloc;

/// Makes a slice with `allocate`; where that fails it does not return.
/// What the infallible calls do with the result of the fallible ones.
fn slice_or_failed<T, A: RawAlloc>(
    len: usize,
    slice: Result<FamilyBox<[MaybeUninit<T>], A>, AllocError>,
) -> FamilyBox<[MaybeUninit<T>], A> {
    match slice {
        Ok(slice) => slice,
        Err(error) => match array_layout::<T>(len) {
            Ok(layout) => failed(error, layout),
            Err(_) => capacity_overflow(),
        },
    }
}

impl<T, A: RawAlloc + Default> FamilyBox<[T], A> {
    /// Clones the elements of a slice, as [`from_slice_in`](Self::from_slice_in) does, or returns an error; then no
    /// element is cloned.
    ///
    /// # Errors
    ///
    /// If the slot would exceed `isize::MAX` bytes, the limit of the family is reached, or its page source
    /// has no memory left.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let slice = FamilyBox::<[u32], lives::Ast>::try_from_slice(&[1, 2])?;
    /// assert_eq!(*slice, [1, 2]);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_from_slice(elements: &[T]) -> Result<Self, AllocError>
    where
        T: Clone,
    {
        Self::try_from_slice_in(elements, A::default())
    }

    /// Collects the elements of an iterator, as `collect` does, or returns an error; then the elements that it had
    /// and the iterator are dropped.
    ///
    /// # Errors
    ///
    /// If the slot would exceed `isize::MAX` bytes, the limit of the family is reached, or its page source
    /// has no memory left.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let squares = FamilyBox::<[u32], lives::Ast>::try_from_iter((0..4).map(|x| x * x))?;
    /// assert_eq!(*squares, [0, 1, 4, 9]);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_from_iter(elements: impl IntoIterator<Item = T>) -> Result<Self, AllocError> {
        Self::try_from_iter_in(elements, A::default())
    }

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
    pub fn new_uninit_slice(len: usize) -> FamilyBox<[MaybeUninit<T>], A> {
        Self::new_uninit_slice_in(len, A::default())
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
    pub fn new_zeroed_slice(len: usize) -> FamilyBox<[MaybeUninit<T>], A> {
        Self::new_zeroed_slice_in(len, A::default())
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
    pub fn try_new_uninit_slice(len: usize) -> Result<FamilyBox<[MaybeUninit<T>], A>, AllocError> {
        Self::try_new_uninit_slice_in(len, A::default())
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
    pub fn try_new_zeroed_slice(len: usize) -> Result<FamilyBox<[MaybeUninit<T>], A>, AllocError> {
        Self::try_new_zeroed_slice_in(len, A::default())
    }
}

impl<T, A: RawAlloc> FamilyBox<[T], A> {
    /// [`new_uninit_slice`](Self::new_uninit_slice) in a slot of `alloc`.
    ///
    /// # Panics
    ///
    /// If the slice would be larger than `isize::MAX` bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let mut slots = FamilyBox::<[u32], _>::new_uninit_slice_in(3, frame.allocator());
    /// for (at, slot) in slots.iter_mut().enumerate() {
    ///     slot.write(at as u32);
    /// }
    /// // SAFETY: each was written.
    /// assert_eq!(*unsafe { slots.assume_init() }, [0, 1, 2]);
    /// ```
    #[must_use]
    pub fn new_uninit_slice_in(len: usize, alloc: A) -> FamilyBox<[MaybeUninit<T>], A> {
        slice_or_failed(len, Self::try_new_uninit_slice_in(len, alloc))
    }

    /// [`new_zeroed_slice`](Self::new_zeroed_slice) in a slot of `alloc`.
    ///
    /// # Panics
    ///
    /// As for [`new_uninit_slice_in`](Self::new_uninit_slice_in).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let zeros = FamilyBox::<[u32], _>::new_zeroed_slice_in(3, lives::Frame);
    /// // SAFETY: zero bytes are a valid `u32`.
    /// assert_eq!(*unsafe { zeros.assume_init() }, [0, 0, 0]);
    /// ```
    #[must_use]
    pub fn new_zeroed_slice_in(len: usize, alloc: A) -> FamilyBox<[MaybeUninit<T>], A> {
        slice_or_failed(len, Self::try_new_zeroed_slice_in(len, alloc))
    }

    /// [`new_uninit_slice_in`](Self::new_uninit_slice_in) that returns an error.
    ///
    /// # Errors
    ///
    /// If the slice would be larger than `isize::MAX` bytes, or the allocator has no memory for it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// assert!(FamilyBox::<[u32], _>::try_new_uninit_slice_in(usize::MAX, lives::Frame).is_err());
    /// ```
    pub fn try_new_uninit_slice_in(
        len: usize,
        alloc: A,
    ) -> Result<FamilyBox<[MaybeUninit<T>], A>, AllocError> {
        let start = alloc.alloc(array_layout::<T>(len)?)?.cast();
        let slots = NonNull::slice_from_raw_parts(start, len);
        // SAFETY: a new slot of the layout of the slice, which need not be initialised.
        Ok(unsafe { FamilyBox::from_non_null_in(slots, alloc) })
    }

    /// [`new_zeroed_slice_in`](Self::new_zeroed_slice_in) that returns an error.
    ///
    /// # Errors
    ///
    /// As for [`try_new_uninit_slice_in`](Self::try_new_uninit_slice_in).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let zeros = FamilyBox::<[u8], _>::try_new_zeroed_slice_in(1 << 20, lives::Frame)?;
    /// assert_eq!(zeros.len(), 1 << 20);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_new_zeroed_slice_in(
        len: usize,
        alloc: A,
    ) -> Result<FamilyBox<[MaybeUninit<T>], A>, AllocError> {
        let start = alloc.alloc_zeroed(array_layout::<T>(len)?)?.cast();
        let slots = NonNull::slice_from_raw_parts(start, len);
        // SAFETY: a new slot of the layout of the slice, which need not be initialised.
        Ok(unsafe { FamilyBox::from_non_null_in(slots, alloc) })
    }

    /// Clones the elements of a slice into a slot of `alloc`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let words = FamilyBox::<[String], _>::from_slice_in(&["a".into(), "b".into()], frame.allocator());
    /// assert_eq!(words.concat(), "ab");
    /// ```
    #[must_use]
    pub fn from_slice_in(elements: &[T], alloc: A) -> Self
    where
        T: Clone,
    {
        let mut builder = SliceBuilder::with_capacity_in(elements.len(), alloc);
        builder.fill_with_clones(elements);
        builder.finish()
    }

    /// [`from_slice_in`](Self::from_slice_in) that returns an error; then no element is cloned.
    ///
    /// # Errors
    ///
    /// If the slot would exceed `isize::MAX` bytes, or the allocator has no memory for it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let pair = FamilyBox::<[u32], _>::try_from_slice_in(&[1, 2], lives::Ast)?;
    /// assert_eq!(*pair, [1, 2]);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_from_slice_in(elements: &[T], alloc: A) -> Result<Self, AllocError>
    where
        T: Clone,
    {
        let mut builder = SliceBuilder::try_with_capacity_in(elements.len(), alloc)?;
        builder.fill_with_clones(elements);
        builder.try_finish()
    }

    /// Collects the elements of an iterator into a slot of `alloc`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let squares = FamilyBox::<[u32], _>::from_iter_in((0..4).map(|x| x * x), frame.allocator());
    /// assert_eq!(*squares, [0, 1, 4, 9]);
    /// ```
    #[must_use]
    pub fn from_iter_in(elements: impl IntoIterator<Item = T>, alloc: A) -> Self {
        let elements = elements.into_iter();
        let mut builder = SliceBuilder::with_capacity_in(elements.size_hint().0, alloc);
        elements.for_each(|element| builder.push(element));
        builder.finish()
    }

    /// [`from_iter_in`](Self::from_iter_in) that returns an error; then the elements that it had and the iterator
    /// are dropped.
    ///
    /// # Errors
    ///
    /// As for [`try_from_slice_in`](Self::try_from_slice_in).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let squares = FamilyBox::<[u32], _>::try_from_iter_in((0..4).map(|x| x * x), lives::Ast)?;
    /// assert_eq!(*squares, [0, 1, 4, 9]);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_from_iter_in(
        elements: impl IntoIterator<Item = T>,
        alloc: A,
    ) -> Result<Self, AllocError> {
        let mut elements = elements.into_iter();
        let mut builder = SliceBuilder::try_with_capacity_in(elements.size_hint().0, alloc)?;
        elements.try_for_each(|element| builder.try_push(element))?;
        builder.try_finish()
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
    pub fn into_array<const N: usize>(self) -> Option<FamilyBox<[T; N], A>> {
        self.try_into().ok()
    }
}

impl<T, A: RawAlloc> FamilyBox<[MaybeUninit<T>], A> {
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
    pub unsafe fn assume_init(self) -> FamilyBox<[T], A> {
        // SAFETY: `MaybeUninit<T>` is laid out like `T`; the caller vouches for the values.
        unsafe { Self::view_as(self, |slots| slots as *mut [T]) }
    }
}

impl<T: Clone, A: RawAlloc + Default> From<&[T]> for FamilyBox<[T], A> {
    /// Clones every element. If a clone panics, the ones before it are dropped.
    fn from(elements: &[T]) -> Self {
        Self::from_slice_in(elements, A::default())
    }
}

impl<T: Clone, A: RawAlloc + Default> From<&mut [T]> for FamilyBox<[T], A> {
    fn from(elements: &mut [T]) -> Self {
        Self::from(&*elements)
    }
}

impl<T, A: RawAlloc + Default, const N: usize> From<[T; N]> for FamilyBox<[T], A> {
    #[inline]
    fn from(elements: [T; N]) -> Self {
        FamilyBox::<[T; N], _>::new_in(elements, A::default()).into()
    }
}

impl<T, A: RawAlloc, const N: usize> From<FamilyBox<[T; N], A>> for FamilyBox<[T], A> {
    /// The same slot, its length known at run time.
    #[inline]
    fn from(array: FamilyBox<[T; N], A>) -> Self {
        // SAFETY: an array is a slice of its elements.
        unsafe { FamilyBox::view_as(array, |array| array as *mut [T]) }
    }
}

impl<T, A: RawAlloc, const N: usize> TryFrom<FamilyBox<[T], A>> for FamilyBox<[T; N], A> {
    type Error = FamilyBox<[T], A>;

    /// The same slot, or the slice if it does not have `N` elements.
    #[inline]
    fn try_from(slice: FamilyBox<[T], A>) -> Result<Self, Self::Error> {
        if slice.len() == N {
            // SAFETY: a slice of `N` elements is an array of `N` elements.
            Ok(unsafe { FamilyBox::view_as(slice, |slice| slice.cast::<[T; N]>()) })
        } else {
            Err(slice)
        }
    }
}

impl<T, A: RawAlloc + Default> FromIterator<T> for FamilyBox<[T], A> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        Self::from_iter_in(elements, A::default())
    }
}
