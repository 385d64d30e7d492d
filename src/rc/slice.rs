//! Counted slices and text.

use core::alloc::Layout;
use core::mem::{self, MaybeUninit};
use core::ptr::{self, NonNull};

use super::Counted;
use super::counter::Counter;
use super::raw::{no_slot, slot_for};
use crate::boxed::raw::capacity_overflow;
use crate::error::AllocError;
use crate::family::Family;
use crate::heap::alloc::array_layout;
use crate::heap::{alloc_layout_in, alloc_zeroed_layout_in};

/// A slice in a slot of `allocate`, a call of family `F`.
fn try_slice<T, F: Family, C: Counter>(
    len: usize,
    allocate: fn(Layout) -> Result<NonNull<u8>, AllocError>,
) -> Result<Counted<[MaybeUninit<T>], F, C>, AllocError> {
    let address = slot_for(array_layout::<T>(len)?, C::alone(), allocate)?;
    let slots = NonNull::slice_from_raw_parts(address.cast(), len);
    // SAFETY: the slot is for that many, which need not be initialised, and its counter counts this
    // handle.
    Ok(unsafe { Counted::from_value(slots) })
}

/// The same, or no return.
fn slice<T, F: Family, C: Counter>(
    len: usize,
    allocate: fn(Layout) -> Result<NonNull<u8>, AllocError>,
) -> Counted<[MaybeUninit<T>], F, C> {
    match try_slice(len, allocate) {
        Ok(slice) => slice,
        Err(error) => match array_layout::<T>(len) {
            Ok(layout) => no_slot(error, layout),
            Err(_) => capacity_overflow(),
        },
    }
}

impl<T, F: Family, C: Counter> Counted<[T], F, C> {
    /// Allocates an uninitialised slot for `len` values.
    ///
    /// # Panics
    ///
    /// If the slot would exceed `isize::MAX` bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let mut pair = FamilyRc::<[u32], lives::Frame>::new_uninit_slice(2);
    /// for slot in FamilyRc::get_mut(&mut pair).unwrap() {
    ///     slot.write(7);
    /// }
    /// // SAFETY: every element was written.
    /// assert_eq!(*unsafe { pair.assume_init() }, [7, 7]);
    /// ```
    #[must_use]
    pub fn new_uninit_slice(len: usize) -> Counted<[MaybeUninit<T>], F, C> {
        slice(len, alloc_layout_in::<F>)
    }

    /// [`new_uninit_slice`](Self::new_uninit_slice) that returns an error.
    ///
    /// # Errors
    ///
    /// If the slot would exceed `isize::MAX` bytes, the limit of the family is reached, or its page source
    /// has no memory left.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, AllocErrorKind, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// type Words = FamilyRc<[u32], lives::Frame>;
    ///
    /// assert_eq!(Words::try_new_uninit_slice(3)?.len(), 3);
    /// let error = Words::try_new_uninit_slice(usize::MAX / 2).unwrap_err();
    /// assert_eq!(error.kind(), AllocErrorKind::TooLarge);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_new_uninit_slice(len: usize) -> Result<Counted<[MaybeUninit<T>], F, C>, AllocError> {
        try_slice(len, alloc_layout_in::<F>)
    }

    /// Allocates a zeroed slot for `len` values.
    ///
    /// # Panics
    ///
    /// If the slot would exceed `isize::MAX` bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let zeros = FamilyRc::<[u16], lives::Frame>::new_zeroed_slice(3);
    /// // SAFETY: zero bytes are valid `u16`s.
    /// assert_eq!(*unsafe { zeros.assume_init() }, [0, 0, 0]);
    /// ```
    #[must_use]
    pub fn new_zeroed_slice(len: usize) -> Counted<[MaybeUninit<T>], F, C> {
        slice(len, alloc_zeroed_layout_in::<F>)
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
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let zeros = FamilyRc::<[u16], lives::Frame>::try_new_zeroed_slice(3)?;
    /// // SAFETY: zero bytes are valid `u16`s.
    /// assert_eq!(*unsafe { zeros.assume_init() }, [0, 0, 0]);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_new_zeroed_slice(len: usize) -> Result<Counted<[MaybeUninit<T>], F, C>, AllocError> {
        try_slice(len, alloc_zeroed_layout_in::<F>)
    }
}

impl<T, F: Family, C: Counter> Counted<[MaybeUninit<T>], F, C> {
    /// Assumes that all elements are initialised.
    ///
    /// # Safety
    ///
    /// Each of them holds a valid `T`, and will as long as there is a handle of either type.
    ///
    /// # Examples
    ///
    /// See [`new_uninit_slice`](Counted::new_uninit_slice).
    #[inline]
    #[must_use]
    pub unsafe fn assume_init(self) -> Counted<[T], F, C> {
        // SAFETY: `MaybeUninit<T>` is laid out like `T`; the caller vouches for the values.
        unsafe { Self::view_as(self, |slots| slots as *mut [T]) }
    }
}

/// A slice in the making, with no other handle: its first `len` elements are initialised.
///
/// Dropping it drops those and frees the slot, the latter also when a destructor panics.
struct Filling<T, F: Family, C: Counter> {
    slots: Counted<[MaybeUninit<T>], F, C>,
    len: usize,
}

impl<T, F: Family, C: Counter> Filling<T, F, C> {
    fn elements(&mut self) -> *mut T {
        self.slots.value.cast().as_ptr()
    }
}

impl<T, F: Family, C: Counter> Drop for Filling<T, F, C> {
    fn drop(&mut self) {
        let elements = ptr::slice_from_raw_parts_mut(self.elements(), self.len);
        // SAFETY: they are initialised, and this is the last anyone sees of them.
        unsafe { ptr::drop_in_place(elements) };
    }
}

impl<T: Clone, F: Family, C: Counter> From<&[T]> for Counted<[T], F, C> {
    /// Clones every element. If a clone panics, the ones before it are dropped.
    fn from(elements: &[T]) -> Self {
        let slots = Self::new_uninit_slice(elements.len());
        let mut filling = Filling { slots, len: 0 };
        for element in elements {
            let element = element.clone();
            // SAFETY: there is room for as many as there are.
            let place = unsafe { filling.elements().add(filling.len) };
            // SAFETY: a place in a slot that nobody else has a handle to.
            unsafe { place.write(element) };
            filling.len += 1;
        }
        // SAFETY: the count is taken up below.
        let slots = unsafe { ptr::read(&filling.slots) };
        mem::forget(filling);
        // SAFETY: all were written.
        unsafe { slots.assume_init() }
    }
}

impl<T: Clone, F: Family, C: Counter> From<&mut [T]> for Counted<[T], F, C> {
    fn from(elements: &mut [T]) -> Self {
        Self::from(&*elements)
    }
}

impl<T, F: Family, C: Counter, const N: usize> From<[T; N]> for Counted<[T], F, C> {
    #[inline]
    fn from(elements: [T; N]) -> Self {
        Counted::<[T; N], _, C>::new_in(elements, F::default()).into()
    }
}

impl<T, F: Family, C: Counter, const N: usize> From<Counted<[T; N], F, C>> for Counted<[T], F, C> {
    /// The same value, its length known at run time.
    #[inline]
    fn from(array: Counted<[T; N], F, C>) -> Self {
        // SAFETY: an array is a slice of its elements.
        unsafe { Counted::view_as(array, |array| array as *mut [T]) }
    }
}

impl<T, F: Family, C: Counter, const N: usize> TryFrom<Counted<[T], F, C>>
    for Counted<[T; N], F, C>
{
    type Error = Counted<[T], F, C>;

    /// The same value, or the slice if it does not have `N` elements.
    #[inline]
    fn try_from(slice: Counted<[T], F, C>) -> Result<Self, Self::Error> {
        if slice.len() == N {
            // SAFETY: a slice of `N` elements is an array of `N` elements.
            Ok(unsafe { Counted::view_as(slice, |slice| slice.cast::<[T; N]>()) })
        } else {
            Err(slice)
        }
    }
}

impl<F: Family, C: Counter> From<&str> for Counted<str, F, C> {
    fn from(text: &str) -> Self {
        let bytes = Counted::<[u8], F, C>::new_uninit_slice(text.len());
        let target = bytes.value.cast::<u8>();
        // SAFETY: as many bytes, to a new slot.
        unsafe { target.copy_from_nonoverlapping(NonNull::from(text).cast(), text.len()) };
        // SAFETY: text is laid out like its bytes, and these are those of one.
        unsafe { Counted::view_as(bytes, |bytes| bytes as *mut str) }
    }
}

impl<F: Family, C: Counter> From<&mut str> for Counted<str, F, C> {
    fn from(text: &mut str) -> Self {
        Self::from(&*text)
    }
}

impl<F: Family, C: Counter> From<Counted<str, F, C>> for Counted<[u8], F, C> {
    /// The same value: its bytes.
    #[inline]
    fn from(text: Counted<str, F, C>) -> Self {
        // SAFETY: text is laid out like its bytes; a shared handle does not change them.
        unsafe { Counted::view_as(text, |text| text as *mut [u8]) }
    }
}
