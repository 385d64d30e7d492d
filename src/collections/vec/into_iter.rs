//! Iteration by value, and by reference.

use core::fmt;
use core::iter::FusedIterator;
use core::ops::Range;
use core::{mem, ptr, slice};

use super::{VecInner, VecStorage};
use crate::raw_alloc::RawAlloc;

/// An iterator over the elements of a [`VecInner`] by value, from both ends. It frees the slot at the end.
///
/// Elements that were not taken are dropped with the iterator.
pub struct IntoIter<T, S: VecStorage<T>, A: RawAlloc> {
    /// Of length 0, so that it frees the slot and nothing else.
    vec: VecInner<T, S, A>,
    /// The elements that are still to come.
    alive: Range<usize>,
}

impl<T, S: VecStorage<T>, A: RawAlloc> IntoIter<T, S, A> {
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

impl<T, S: VecStorage<T>, A: RawAlloc> Drop for IntoIter<T, S, A> {
    /// Drops what is left; the slot follows with the vector, also when a destructor panics.
    fn drop(&mut self) {
        let rest = mem::take(&mut self.alive);
        // SAFETY: within the elements that the vector had.
        let start = unsafe { self.vec.as_mut_ptr().add(rest.start) };
        // SAFETY: initialised, and nobody will see them again.
        unsafe { ptr::drop_in_place(ptr::slice_from_raw_parts_mut(start, rest.len())) };
    }
}

impl<T, S: VecStorage<T>, A: RawAlloc> Iterator for IntoIter<T, S, A> {
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

impl<T, S: VecStorage<T>, A: RawAlloc> DoubleEndedIterator for IntoIter<T, S, A> {
    #[inline]
    fn next_back(&mut self) -> Option<T> {
        let index = self.alive.next_back()?;
        // SAFETY: the index just left `alive`.
        Some(unsafe { self.element(index) })
    }
}

impl<T, S: VecStorage<T>, A: RawAlloc> ExactSizeIterator for IntoIter<T, S, A> {}

impl<T, S: VecStorage<T>, A: RawAlloc> FusedIterator for IntoIter<T, S, A> {}

impl<T: Clone, S: VecStorage<T>, A: RawAlloc + Clone> Clone for IntoIter<T, S, A> {
    fn clone(&self) -> Self {
        VecInner::from_slice_in(self.as_slice(), self.vec.alloc.clone()).into_iter()
    }
}

impl<T: fmt::Debug, S: VecStorage<T>, A: RawAlloc> fmt::Debug for IntoIter<T, S, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IntoIter").field(&self.as_slice()).finish()
    }
}

impl<T, S: VecStorage<T>, A: RawAlloc> IntoIterator for VecInner<T, S, A> {
    type Item = T;
    type IntoIter = IntoIter<T, S, A>;

    #[inline]
    fn into_iter(mut self) -> IntoIter<T, S, A> {
        let alive = 0..mem::take(&mut self.len);
        IntoIter { vec: self, alive }
    }
}

impl<'a, T, S: VecStorage<T>, A: RawAlloc> IntoIterator for &'a VecInner<T, S, A> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    #[inline]
    fn into_iter(self) -> slice::Iter<'a, T> {
        self.iter()
    }
}

impl<'a, T, S: VecStorage<T>, A: RawAlloc> IntoIterator for &'a mut VecInner<T, S, A> {
    type Item = &'a mut T;
    type IntoIter = slice::IterMut<'a, T>;

    #[inline]
    fn into_iter(self) -> slice::IterMut<'a, T> {
        self.iter_mut()
    }
}
