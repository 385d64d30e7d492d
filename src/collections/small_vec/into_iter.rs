//! Iteration by value, and by reference.

use core::fmt;
use core::iter::FusedIterator;
use core::ops::Range;
use core::{mem, ptr, slice};

use super::SmallVec;
use crate::family::Family;

/// An iterator over the elements of a [`SmallVec`] by value, from both ends. It frees the slot at the end.
///
/// Elements that were not taken are dropped with the iterator.
pub struct IntoIter<T, const N: usize, F: Family> {
    /// Of length 0, so that it frees the slot and nothing else.
    vec: SmallVec<T, N, F>,
    /// The elements that are still to come.
    alive: Range<usize>,
}

impl<T, const N: usize, F: Family> IntoIter<T, N, F> {
    /// The remaining elements.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        // SAFETY: within the elements that the vector had.
        let start = unsafe { self.vec.as_ptr().add(self.alive.start) };
        // SAFETY: those in `alive` are initialised.
        unsafe { slice::from_raw_parts(start, self.alive.len()) }
    }

    /// The element at `index`, which just left `alive`, by value.
    ///
    /// # Safety
    ///
    /// It was in `alive` until now.
    unsafe fn element(&self, index: usize) -> T {
        // SAFETY: within the elements that the vector had.
        let element = unsafe { self.vec.as_ptr().add(index) };
        // SAFETY: initialised, and never read again.
        unsafe { element.read() }
    }
}

impl<T, const N: usize, F: Family> Drop for IntoIter<T, N, F> {
    /// Drops what is left; the slot follows with the vector, also when a destructor panics.
    fn drop(&mut self) {
        let rest = mem::take(&mut self.alive);
        // SAFETY: within the elements that the vector had.
        let start = unsafe { self.vec.as_mut_ptr().add(rest.start) };
        // SAFETY: initialised, and nobody will see them again.
        unsafe { ptr::drop_in_place(ptr::slice_from_raw_parts_mut(start, rest.len())) };
    }
}

impl<T, const N: usize, F: Family> Iterator for IntoIter<T, N, F> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        let index = self.alive.next()?;
        // SAFETY: the index just left `alive`.
        Some(unsafe { self.element(index) })
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.alive.size_hint()
    }

    #[inline]
    fn count(self) -> usize {
        self.len()
    }
}

impl<T, const N: usize, F: Family> DoubleEndedIterator for IntoIter<T, N, F> {
    #[inline]
    fn next_back(&mut self) -> Option<T> {
        let index = self.alive.next_back()?;
        // SAFETY: the index just left `alive`.
        Some(unsafe { self.element(index) })
    }
}

impl<T, const N: usize, F: Family> ExactSizeIterator for IntoIter<T, N, F> {}

impl<T, const N: usize, F: Family> FusedIterator for IntoIter<T, N, F> {}

impl<T: Clone, const N: usize, F: Family> Clone for IntoIter<T, N, F> {
    fn clone(&self) -> Self {
        SmallVec::from(self.as_slice()).into_iter()
    }
}

impl<T: fmt::Debug, const N: usize, F: Family> fmt::Debug for IntoIter<T, N, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IntoIter").field(&self.as_slice()).finish()
    }
}

impl<T, const N: usize, F: Family> IntoIterator for SmallVec<T, N, F> {
    type Item = T;
    type IntoIter = IntoIter<T, N, F>;

    #[inline]
    fn into_iter(mut self) -> IntoIter<T, N, F> {
        let alive = 0..mem::take(&mut self.len);
        IntoIter { vec: self, alive }
    }
}

impl<'a, T, const N: usize, F: Family> IntoIterator for &'a SmallVec<T, N, F> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    #[inline]
    fn into_iter(self) -> slice::Iter<'a, T> {
        self.iter()
    }
}

impl<'a, T, const N: usize, F: Family> IntoIterator for &'a mut SmallVec<T, N, F> {
    type Item = &'a mut T;
    type IntoIter = slice::IterMut<'a, T>;

    #[inline]
    fn into_iter(self) -> slice::IterMut<'a, T> {
        self.iter_mut()
    }
}
