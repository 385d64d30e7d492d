//! From arrays, slices, iterators and boxes, and back.

use core::mem::ManuallyDrop;
use core::ptr::NonNull;

use super::SmallVec;
use crate::boxed::FamilyBox;
use crate::family::Family;

impl<T, const N: usize, F: Family> SmallVec<T, N, F> {
    /// Converts the vector to a box of the same family, in a slot of exactly its length.
    ///
    /// The slot of a spilled vector is kept if it fits.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::SmallVec, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let vec = SmallVec::<u32, 2, lives::Frame>::from([1, 2, 3]);
    /// let boxed: FamilyBox<[u32], lives::Frame> = vec.into_boxed_slice();
    /// assert_eq!(*boxed, [1, 2, 3]);
    /// assert_eq!(SmallVec::<u32, 2, lives::Frame>::from(boxed), [1, 2, 3]);
    /// ```
    #[must_use]
    pub fn into_boxed_slice(self) -> FamilyBox<[T], F> {
        let (slot, len) = self.into_slot();
        // SAFETY: a slot of this family with the layout of that many elements, all initialised.
        unsafe { FamilyBox::from_non_null(NonNull::slice_from_raw_parts(slot, len)) }
    }

    /// The elements as an array.
    ///
    /// # Errors
    ///
    /// Returns the vector if it does not have exactly `M` elements.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::SmallVec};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let vec = SmallVec::<u32, 4, lives::Frame>::from([1, 2, 3]);
    /// let vec = vec.into_array::<4>().unwrap_err();
    /// assert_eq!(vec.into_array(), Ok([1, 2, 3]));
    /// ```
    pub fn into_array<const M: usize>(mut self) -> Result<[T; M], Self> {
        if self.len != M {
            return Err(self);
        }
        self.len = 0;
        // SAFETY: there are `M` elements, and the vector does not drop them any more.
        Ok(unsafe { self.as_ptr().cast::<[T; M]>().read() })
    }
}

impl<T: Clone, const N: usize, F: Family> Clone for SmallVec<T, N, F> {
    /// If the clone of an element panics, the clones before it are dropped.
    fn clone(&self) -> Self {
        Self::from(&self[..])
    }

    /// Keeps the capacity, and calls the elements' own `clone_from` as far as possible.
    fn clone_from(&mut self, source: &Self) {
        self.truncate(source.len());
        let (same, more) = source.split_at(self.len());
        self.clone_from_slice(same);
        self.extend_from_slice(more);
    }
}

impl<T: Clone, const N: usize, F: Family> From<&[T]> for SmallVec<T, N, F> {
    /// Clones every element. If a clone panics, the ones before it are dropped.
    fn from(elements: &[T]) -> Self {
        let mut vec = Self::new();
        vec.extend_from_slice(elements);
        vec
    }
}

impl<T: Clone, const N: usize, F: Family> From<&mut [T]> for SmallVec<T, N, F> {
    fn from(elements: &mut [T]) -> Self {
        Self::from(&*elements)
    }
}

impl<T, const N: usize, const M: usize, F: Family> From<[T; M]> for SmallVec<T, N, F> {
    /// Any length: more than `N` elements spill.
    fn from(elements: [T; M]) -> Self {
        let elements = ManuallyDrop::new(elements);
        let mut vec = Self::with_capacity(M);
        // SAFETY: `M` elements, to room for as many.
        unsafe { vec.as_mut_ptr().copy_from_nonoverlapping(elements.as_ptr(), M) };
        // SAFETY: they are there now, and in the array nobody will drop them.
        unsafe { vec.set_len(M) };
        vec
    }
}

impl<T, const N: usize, F: Family> From<FamilyBox<[T], F>> for SmallVec<T, N, F> {
    /// Takes over the slot; up to `N` elements move into the vector instead, and the slot is freed.
    fn from(elements: FamilyBox<[T], F>) -> Self {
        let len = elements.len();
        let slot = FamilyBox::into_non_null(elements).cast();
        // SAFETY: the box had a slot of this family with the layout of its elements.
        unsafe { Self::from_slot(slot, len) }
    }
}

impl<T, const N: usize, F: Family> From<SmallVec<T, N, F>> for FamilyBox<[T], F> {
    /// [`into_boxed_slice`](SmallVec::into_boxed_slice).
    fn from(elements: SmallVec<T, N, F>) -> Self {
        elements.into_boxed_slice()
    }
}

impl<T, const N: usize, const M: usize, F: Family> TryFrom<SmallVec<T, N, F>> for [T; M] {
    type Error = SmallVec<T, N, F>;

    /// [`into_array`](SmallVec::into_array).
    fn try_from(elements: SmallVec<T, N, F>) -> Result<Self, Self::Error> {
        elements.into_array()
    }
}

impl<T, const N: usize, F: Family> Extend<T> for SmallVec<T, N, F> {
    /// If the iterator panics, the elements before stay.
    fn extend<I: IntoIterator<Item = T>>(&mut self, elements: I) {
        let elements = elements.into_iter();
        self.reserve(elements.size_hint().0);
        elements.for_each(|element| self.push(element));
    }
}

impl<'a, T: Copy + 'a, const N: usize, F: Family> Extend<&'a T> for SmallVec<T, N, F> {
    fn extend<I: IntoIterator<Item = &'a T>>(&mut self, elements: I) {
        self.extend(elements.into_iter().copied());
    }
}

impl<T, const N: usize, F: Family> FromIterator<T> for SmallVec<T, N, F> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        let mut vec = Self::new();
        vec.extend(elements);
        vec
    }
}
