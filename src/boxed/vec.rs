//! Slices from and to vectors.

use super::FamilyBox;
use crate::raw_alloc::RawAlloc;

impl<T, A: RawAlloc> FamilyBox<[T], A> {
    /// Moves the elements to a `Vec` in the global allocator, and frees the slot.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let slice = FamilyBox::<[i32], lives::Frame>::from([1, 2, 3]);
    /// assert_eq!(slice.into_vec(), vec![1, 2, 3]);
    /// ```
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        let len = self.len();
        let mut vec = Vec::with_capacity(len);
        let slot = Self::into_slot(self);
        // SAFETY: `len` elements, to a new buffer of at least that capacity.
        unsafe { slot.as_ptr().copy_to_nonoverlapping(vec.as_mut_ptr(), len) };
        // SAFETY: they are there now; in the slot nobody will drop them.
        unsafe { vec.set_len(len) };
        vec
    }
}

impl<T, A: RawAlloc + Default> From<Vec<T>> for FamilyBox<[T], A> {
    /// Moves the elements over and frees the buffer of the vector.
    fn from(mut elements: Vec<T>) -> Self {
        let len = elements.len();
        let mut slots = Self::new_uninit_slice(len);
        let target = slots.as_mut_ptr().cast::<T>();
        // SAFETY: `len` elements, to a new slot for as many.
        unsafe { elements.as_ptr().copy_to_nonoverlapping(target, len) };
        // SAFETY: none is longer than the vector; those that were in it belong to the slot now.
        unsafe { elements.set_len(0) };
        // SAFETY: all were copied.
        unsafe { slots.assume_init() }
    }
}

impl<T, A: RawAlloc + Default, const N: usize> TryFrom<Vec<T>> for FamilyBox<[T; N], A> {
    type Error = Vec<T>;

    /// Moves the elements over, or returns the vector if it does not have `N` of them.
    fn try_from(elements: Vec<T>) -> Result<Self, Self::Error> {
        if elements.len() != N {
            return Err(elements);
        }
        let slice = FamilyBox::<[T], A>::from(elements);
        // SAFETY: a slice of `N` elements is an array of `N` elements.
        Ok(unsafe { FamilyBox::view_as(slice, |slice| slice.cast::<[T; N]>()) })
    }
}

impl<T, A: RawAlloc> From<FamilyBox<[T], A>> for Vec<T> {
    fn from(elements: FamilyBox<[T], A>) -> Self {
        elements.into_vec()
    }
}
