//! Iteration by value over a boxed slice.

use core::fmt;
use core::iter::FusedIterator;
use core::mem::{self, MaybeUninit};
use core::ops::Range;
use core::ptr;
use core::slice;

use super::FamilyBox;
use crate::raw_alloc::RawAlloc;

/// An iterator over the elements of a `FamilyBox<[T], F>` by value, from both ends. It frees the slot at
/// the end.
///
/// Elements that were not taken are dropped with the iterator.
///
/// # Examples
///
/// ```
/// # use famalloc::{alloc_family, FamilyBox};
/// # #[alloc_family]
/// # enum Lives { Frame }
/// let names = FamilyBox::<[String], lives::Frame>::from(["a".to_owned(), "b".to_owned()]);
/// let mut names = names.into_iter();
/// assert_eq!(names.next_back().as_deref(), Some("b"));
/// assert_eq!(names.as_slice(), ["a"]);
/// ```
pub struct IntoIter<T, A: RawAlloc> {
    /// Every element outside `alive` was moved out.
    slots: FamilyBox<[MaybeUninit<T>], A>,
    /// Always within `slots`.
    alive: Range<usize>,
}

impl<T, A: RawAlloc> IntoIter<T, A> {
    fn new(elements: FamilyBox<[T], A>) -> Self {
        let alive = 0..elements.len();
        // SAFETY: what is initialised may be seen as something that need not be.
        let slots =
            unsafe { FamilyBox::view_as(elements, |elements| elements as *mut [MaybeUninit<T>]) };
        Self { slots, alive }
    }

    /// The remaining elements.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let mut numbers = FamilyBox::<[i32], lives::Frame>::from([1, 2, 3]).into_iter();
    /// numbers.next();
    /// assert_eq!(numbers.as_slice(), [2, 3]);
    /// ```
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        let rest = self.slots[self.alive.clone()].as_ptr().cast::<T>();
        // SAFETY: the elements in `alive` are initialised.
        unsafe { slice::from_raw_parts(rest, self.alive.len()) }
    }

    /// The remaining elements, mutably.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let mut numbers = FamilyBox::<[i32], lives::Frame>::from([1, 2]).into_iter();
    /// numbers.as_mut_slice()[1] = 7;
    /// assert_eq!(numbers.next_back(), Some(7));
    /// ```
    #[must_use]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        let rest = self.slots[self.alive.clone()].as_mut_ptr().cast::<T>();
        // SAFETY: the elements in `alive` are initialised, and borrowed with the iterator.
        unsafe { slice::from_raw_parts_mut(rest, self.alive.len()) }
    }

    /// The element at `index`, which just left `alive`, by value.
    ///
    /// # Safety
    ///
    /// It was in `alive` until now.
    unsafe fn element(&self, index: usize) -> T {
        // SAFETY: initialised, and never read again.
        unsafe { self.slots[index].assume_init_read() }
    }
}

impl<T, A: RawAlloc> Iterator for IntoIter<T, A> {
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

    fn nth(&mut self, n: usize) -> Option<T> {
        let skipped = self.alive.start..self.alive.start + n.min(self.alive.len());
        self.alive.start = skipped.end;
        drop_range(&mut self.slots, skipped);
        self.next()
    }

    #[inline]
    fn last(mut self) -> Option<T> {
        self.next_back()
    }
}

impl<T, A: RawAlloc> DoubleEndedIterator for IntoIter<T, A> {
    #[inline]
    fn next_back(&mut self) -> Option<T> {
        let index = self.alive.next_back()?;
        // SAFETY: the index just left `alive`.
        Some(unsafe { self.element(index) })
    }
}

impl<T, A: RawAlloc> ExactSizeIterator for IntoIter<T, A> {}

impl<T, A: RawAlloc> FusedIterator for IntoIter<T, A> {}

impl<T, A: RawAlloc> Drop for IntoIter<T, A> {
    /// Drops what is left; the slot follows as a field, also when an element's destructor panics.
    fn drop(&mut self) {
        let rest = mem::take(&mut self.alive);
        drop_range(&mut self.slots, rest);
    }
}

/// Drops the elements of a range that just left `alive`.
fn drop_range<T, A: RawAlloc>(slots: &mut FamilyBox<[MaybeUninit<T>], A>, range: Range<usize>) {
    let elements: *mut [MaybeUninit<T>] = &raw mut slots[range];
    // SAFETY: they are initialised and nobody will see them again.
    unsafe { ptr::drop_in_place(elements as *mut [T]) };
}

impl<T: Clone, A: RawAlloc + Clone> Clone for IntoIter<T, A> {
    fn clone(&self) -> Self {
        FamilyBox::from_slice_in(self.as_slice(), self.slots.alloc.clone()).into_iter()
    }
}

impl<T, A: RawAlloc + Default> Default for IntoIter<T, A> {
    fn default() -> Self {
        FamilyBox::<[T], A>::default().into_iter()
    }
}

impl<T: fmt::Debug, A: RawAlloc> fmt::Debug for IntoIter<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IntoIter").field(&self.as_slice()).finish()
    }
}

impl<T, A: RawAlloc> IntoIterator for FamilyBox<[T], A> {
    type Item = T;
    type IntoIter = IntoIter<T, A>;

    #[inline]
    fn into_iter(self) -> IntoIter<T, A> {
        IntoIter::new(self)
    }
}

impl<'a, T, A: RawAlloc> IntoIterator for &'a FamilyBox<[T], A> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    #[inline]
    fn into_iter(self) -> slice::Iter<'a, T> {
        self.iter()
    }
}

impl<'a, T, A: RawAlloc> IntoIterator for &'a mut FamilyBox<[T], A> {
    type Item = &'a mut T;
    type IntoIter = slice::IterMut<'a, T>;

    #[inline]
    fn into_iter(self) -> slice::IterMut<'a, T> {
        self.iter_mut()
    }
}
