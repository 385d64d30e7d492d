//! Iteration by value over a boxed slice.

use core::fmt;
use core::iter::FusedIterator;
use core::mem::{self, MaybeUninit};
use core::ops::Range;
use core::ptr;
use core::slice;

use super::FamilyBox;
use crate::family::Family;

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
pub struct IntoIter<T, F: Family> {
    /// Every element outside `alive` was moved out.
    slots: FamilyBox<[MaybeUninit<T>], F>,
    /// Always within `slots`.
    alive: Range<usize>,
}

impl<T, F: Family> IntoIter<T, F> {
    fn new(elements: FamilyBox<[T], F>) -> Self {
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

impl<T, F: Family> Iterator for IntoIter<T, F> {
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

impl<T, F: Family> DoubleEndedIterator for IntoIter<T, F> {
    #[inline]
    fn next_back(&mut self) -> Option<T> {
        let index = self.alive.next_back()?;
        // SAFETY: the index just left `alive`.
        Some(unsafe { self.element(index) })
    }
}

impl<T, F: Family> ExactSizeIterator for IntoIter<T, F> {}

impl<T, F: Family> FusedIterator for IntoIter<T, F> {}

impl<T, F: Family> Drop for IntoIter<T, F> {
    /// Drops what is left; the slot follows as a field, also when an element's destructor panics.
    fn drop(&mut self) {
        let rest = mem::take(&mut self.alive);
        drop_range(&mut self.slots, rest);
    }
}

/// Drops the elements of a range that just left `alive`.
fn drop_range<T, F: Family>(slots: &mut FamilyBox<[MaybeUninit<T>], F>, range: Range<usize>) {
    let elements: *mut [MaybeUninit<T>] = &raw mut slots[range];
    // SAFETY: they are initialised and nobody will see them again.
    unsafe { ptr::drop_in_place(elements as *mut [T]) };
}

impl<T: Clone, F: Family> Clone for IntoIter<T, F> {
    fn clone(&self) -> Self {
        FamilyBox::<[T], F>::from(self.as_slice()).into_iter()
    }
}

impl<T, F: Family> Default for IntoIter<T, F> {
    fn default() -> Self {
        FamilyBox::<[T], F>::default().into_iter()
    }
}

impl<T: fmt::Debug, F: Family> fmt::Debug for IntoIter<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IntoIter").field(&self.as_slice()).finish()
    }
}

impl<T, F: Family> IntoIterator for FamilyBox<[T], F> {
    type Item = T;
    type IntoIter = IntoIter<T, F>;

    #[inline]
    fn into_iter(self) -> IntoIter<T, F> {
        IntoIter::new(self)
    }
}

impl<'a, T, F: Family> IntoIterator for &'a FamilyBox<[T], F> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    #[inline]
    fn into_iter(self) -> slice::Iter<'a, T> {
        self.iter()
    }
}

impl<'a, T, F: Family> IntoIterator for &'a mut FamilyBox<[T], F> {
    type Item = &'a mut T;
    type IntoIter = slice::IterMut<'a, T>;

    #[inline]
    fn into_iter(self) -> slice::IterMut<'a, T> {
        self.iter_mut()
    }
}
