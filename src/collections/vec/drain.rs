//! Removing a range of elements.

use core::fmt;
use core::iter::FusedIterator;
use core::ops::{Bound, Range, RangeBounds};
use core::{mem, ptr, slice};

use super::{VecInner, VecStorage};
use crate::raw_alloc::RawAlloc;

/// An iterator over the elements of a range by value; made by [`VecInner::drain`].
///
/// Elements that were not taken are dropped with the iterator, and the elements after the range move up.
/// If the iterator is forgotten instead, the vector keeps only the elements before the range.
pub struct Drain<'a, T, S: VecStorage<T>, A: RawAlloc> {
    /// Its length is that of the part before the range.
    vec: &'a mut VecInner<T, S, A>,
    /// The elements that are still to come.
    alive: Range<usize>,
    /// The elements behind the range.
    tail: Range<usize>,
}

impl<T, S: VecStorage<T>, A: RawAlloc> VecInner<T, S, A> {
    /// Removes the elements of a range.
    ///
    /// # Panics
    ///
    /// If the range is not within the vector.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::SmallVec};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let mut vec = SmallVec::<u32, 2, lives::Frame>::from([1, 2, 3, 4]);
    /// assert!(vec.drain(1..3).eq([2, 3]));
    /// assert_eq!(vec, [1, 4]);
    /// ```
    pub fn drain(&mut self, range: impl RangeBounds<usize>) -> Drain<'_, T, S, A> {
        let len = self.len;
        let overflow = || -> ! { panic!("the end of the range overflows `usize`") };
        let start = match range.start_bound() {
            Bound::Included(&start) => start,
            Bound::Excluded(&before) => before.checked_add(1).unwrap_or_else(|| overflow()),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&last) => last.checked_add(1).unwrap_or_else(|| overflow()),
            Bound::Excluded(&end) => end,
            Bound::Unbounded => len,
        };
        assert!(start <= end, "the range starts at {start} but ends at {end}");
        assert!(end <= len, "the range ends at {end} but there are {len} elements");
        self.len = start;
        Drain { vec: self, alive: start..end, tail: end..len }
    }
}

impl<T, S: VecStorage<T>, A: RawAlloc> Drain<'_, T, S, A> {
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

impl<T, S: VecStorage<T>, A: RawAlloc> Drop for Drain<'_, T, S, A> {
    fn drop(&mut self) {
        /// Moves the tail up, also when an element's destructor panics.
        struct Close<'b, 'a, T, S: VecStorage<T>, A: RawAlloc>(&'b mut Drain<'a, T, S, A>);

        impl<T, S: VecStorage<T>, A: RawAlloc> Drop for Close<'_, '_, T, S, A> {
            fn drop(&mut self) {
                let Drain { vec, tail, .. } = &mut *self.0;
                let (hole, count) = (vec.len, tail.len());
                let elements = vec.as_mut_ptr();
                // SAFETY: the tail is initialised and all before it, from the hole on, is gone.
                unsafe { elements.add(tail.start).copy_to(elements.add(hole), count) };
                vec.len = hole + count;
            }
        }

        let rest = mem::take(&mut self.alive);
        let close = Close(self);
        // SAFETY: within the elements that the vector had.
        let start = unsafe { close.0.vec.as_mut_ptr().add(rest.start) };
        // SAFETY: initialised, and nobody will see them again.
        unsafe { ptr::drop_in_place(ptr::slice_from_raw_parts_mut(start, rest.len())) };
    }
}

impl<T, S: VecStorage<T>, A: RawAlloc> Iterator for Drain<'_, T, S, A> {
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
}

impl<T, S: VecStorage<T>, A: RawAlloc> DoubleEndedIterator for Drain<'_, T, S, A> {
    #[inline]
    fn next_back(&mut self) -> Option<T> {
        let index = self.alive.next_back()?;
        // SAFETY: the index just left `alive`.
        Some(unsafe { self.element(index) })
    }
}

impl<T, S: VecStorage<T>, A: RawAlloc> ExactSizeIterator for Drain<'_, T, S, A> {}

impl<T, S: VecStorage<T>, A: RawAlloc> FusedIterator for Drain<'_, T, S, A> {}

impl<T: fmt::Debug, S: VecStorage<T>, A: RawAlloc> fmt::Debug for Drain<'_, T, S, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Drain").field(&self.as_slice()).finish()
    }
}
