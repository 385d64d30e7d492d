//! Inserting and removing elements.

use core::ptr;

use super::{VecInner, VecStorage};
use crate::error::AllocError;
use crate::raw_alloc::RawAlloc;

impl<T, S: VecStorage<T>, A: RawAlloc + Default> VecInner<T, S, A> {
    /// An empty vector with capacity for `capacity` elements.
    ///
    /// # Panics
    ///
    /// As for [`reserve`](Self::reserve).
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self::with_capacity_in(capacity, A::default())
    }

    /// [`with_capacity`](Self::with_capacity) that returns an error.
    ///
    /// # Errors
    ///
    /// As for [`try_reserve`](Self::try_reserve).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::Vec};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// assert!(Vec::<u64, lives::Frame>::try_with_capacity(9)?.capacity() >= 9);
    /// assert!(Vec::<u64, lives::Frame>::try_with_capacity(usize::MAX).is_err());
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_with_capacity(capacity: usize) -> Result<Self, AllocError> {
        Self::try_with_capacity_in(capacity, A::default())
    }
}

impl<T, S: VecStorage<T>, A: RawAlloc> VecInner<T, S, A> {
    /// An empty vector with capacity for `capacity` elements, in any allocator.
    ///
    /// # Panics
    ///
    /// As for [`reserve`](Self::reserve).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::Vec};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let vec = Vec::<u64, _>::with_capacity_in(9, lives::Frame);
    /// assert!(vec.capacity() >= 9);
    /// ```
    #[must_use]
    pub fn with_capacity_in(capacity: usize, alloc: A) -> Self {
        let mut vec = Self::new_in(alloc);
        vec.reserve(capacity);
        vec
    }

    /// [`with_capacity_in`](Self::with_capacity_in) that returns an error.
    ///
    /// # Errors
    ///
    /// As for [`try_reserve`](Self::try_reserve).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::Vec};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let made = Vec::<u64, _>::try_with_capacity_in(9, lives::Frame)?;
    /// assert!(made.capacity() >= 9 && made.is_empty());
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_with_capacity_in(capacity: usize, alloc: A) -> Result<Self, AllocError> {
        let mut vec = Self::new_in(alloc);
        vec.try_reserve(capacity)?;
        Ok(vec)
    }

    /// Appends an element. Amortised constant time.
    ///
    /// # Panics
    ///
    /// As for [`reserve`](Self::reserve).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::SmallVec};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let mut vec = SmallVec::<u32, 2, lives::Frame>::new();
    /// vec.push(7);
    /// assert_eq!(vec.pop(), Some(7));
    /// assert_eq!(vec.pop(), None);
    /// ```
    #[inline]
    pub fn push(&mut self, element: T) {
        self.reserve(1);
        // SAFETY: there is room behind the last element.
        let end = unsafe { self.as_mut_ptr().add(self.len) };
        // SAFETY: as above.
        unsafe { end.write(element) };
        self.len += 1;
    }

    /// [`push`](Self::push) that returns an error.
    ///
    /// # Errors
    ///
    /// As for [`try_reserve`](Self::try_reserve); the element comes back with the error.
    pub fn try_push(&mut self, element: T) -> Result<(), (T, AllocError)> {
        match self.try_reserve(1) {
            Ok(()) => {
                self.push(element);
                Ok(())
            }
            Err(error) => Err((element, error)),
        }
    }

    /// Removes and returns the last element.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        self.len = self.len.checked_sub(1)?;
        // SAFETY: it was the last element (S2), and is none any more.
        Some(unsafe { self.as_ptr().add(self.len).read() })
    }

    /// Inserts an element before the one at `index`, and moves those after it.
    ///
    /// # Panics
    ///
    /// If `index` is above the length, and like [`reserve`](Self::reserve).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::SmallVec};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let mut vec = SmallVec::<u32, 2, lives::Frame>::from([1, 3]);
    /// vec.insert(1, 2);
    /// assert_eq!(vec, [1, 2, 3]);
    /// assert_eq!(vec.remove(0), 1);
    /// assert_eq!(vec.swap_remove(0), 2);
    /// assert_eq!(vec, [3]);
    /// ```
    pub fn insert(&mut self, index: usize, element: T) {
        let len = self.len;
        assert!(index <= len, "insertion index (is {index}) should be <= len (is {len})");
        self.reserve(1);
        // SAFETY: within the elements, or behind the last one.
        let at = unsafe { self.as_mut_ptr().add(index) };
        // SAFETY: there is room for one more behind the last one.
        unsafe { at.copy_to(at.add(1), len - index) };
        // SAFETY: what was here has moved.
        unsafe { at.write(element) };
        self.len = len + 1;
    }

    /// Removes and returns the element at `index`, and moves those after it.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn remove(&mut self, index: usize) -> T {
        let len = self.len;
        assert!(index < len, "removal index (is {index}) should be < len (is {len})");
        // SAFETY: within the elements.
        let at = unsafe { self.as_mut_ptr().add(index) };
        // SAFETY: S2; the place is overwritten, or behind the last one, below.
        let element = unsafe { at.read() };
        // SAFETY: the elements behind it.
        unsafe { at.copy_from(at.add(1), len - index - 1) };
        self.len = len - 1;
        element
    }

    /// Removes and returns the element at `index`, and puts the last one in its place.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn swap_remove(&mut self, index: usize) -> T {
        let len = self.len;
        assert!(index < len, "swap_remove index (is {index}) should be < len (is {len})");
        self.swap(index, len - 1);
        match self.pop() {
            Some(element) => element,
            None => unreachable!("an index is below the length"),
        }
    }

    /// Drops all elements but the first `len`. Keeps the capacity.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::SmallVec};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let mut vec = SmallVec::<u32, 2, lives::Frame>::from([1, 2, 3]);
    /// vec.truncate(1);
    /// assert_eq!(vec, [1]);
    /// vec.clear();
    /// assert!(vec.is_empty());
    /// ```
    pub fn truncate(&mut self, len: usize) {
        if len < self.len {
            let rest: *mut [T] = &raw mut self[len..];
            self.len = len;
            // SAFETY: S2, and they are no elements any more.
            unsafe { ptr::drop_in_place(rest) };
        }
    }

    /// Drops all elements. Keeps the capacity.
    #[inline]
    pub fn clear(&mut self) {
        self.truncate(0);
    }

    /// Drops the elements for which `keep` returns `false`. The others keep their order.
    ///
    /// `keep` is called for all elements in order before any is dropped. If it panics, all elements are
    /// still there, in another order.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::SmallVec};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let mut vec = SmallVec::<u32, 2, lives::Frame>::from([1, 2, 3, 4]);
    /// vec.retain(|number| number % 2 == 0);
    /// assert_eq!(vec, [2, 4]);
    /// ```
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.retain_mut(|element| keep(element));
    }

    /// [`retain`](Self::retain) that may change the elements.
    pub fn retain_mut(&mut self, mut keep: impl FnMut(&mut T) -> bool) {
        let mut kept = 0;
        for index in 0..self.len {
            if keep(&mut self[index]) {
                self.swap(index, kept);
                kept += 1;
            }
        }
        self.truncate(kept);
    }

    /// Drops each element for which `same(element, the one kept before it)` returns `true`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::SmallVec};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let mut vec = SmallVec::<u32, 2, lives::Frame>::from([10, 11, 20, 21, 12]);
    /// vec.dedup_by(|a, b| *a / 10 == *b / 10);
    /// assert_eq!(vec, [10, 20, 12]);
    /// ```
    pub fn dedup_by(&mut self, mut same: impl FnMut(&mut T, &mut T) -> bool) {
        let mut kept = self.len.min(1);
        for index in 1..self.len {
            let (before, from) = self.split_at_mut(index);
            if !same(&mut from[0], &mut before[kept - 1]) {
                self.swap(index, kept);
                kept += 1;
            }
        }
        self.truncate(kept);
    }

    /// Drops each element that equals the one before it.
    pub fn dedup(&mut self)
    where
        T: PartialEq,
    {
        self.dedup_by(|a, b| a == b);
    }

    /// Moves all elements of another vector to the end of this one.
    ///
    /// # Panics
    ///
    /// As for [`reserve`](Self::reserve).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::SmallVec};
    /// # #[alloc_family]
    /// # enum Lives { Frame, Level }
    /// let mut vec = SmallVec::<u32, 2, lives::Frame>::from([1]);
    /// let mut other = SmallVec::<u32, 4, lives::Level>::from([2, 3]);
    /// vec.append(&mut other);
    /// assert_eq!((&vec[..], other.len()), (&[1, 2, 3][..], 0));
    /// let tail = vec.split_off(1);
    /// assert_eq!((&vec[..], &tail[..]), (&[1][..], &[2, 3][..]));
    /// ```
    pub fn append<R: VecStorage<T>, B: RawAlloc>(&mut self, other: &mut VecInner<T, R, B>) {
        self.reserve(other.len);
        // SAFETY: their length does not exceed the room behind the last element.
        unsafe { self.copy_to_end(other.as_ptr(), other.len) };
        other.len = 0;
    }

    /// Splits off the elements from `at` on and returns them, in the same allocator.
    ///
    /// # Panics
    ///
    /// If `at` is above the length, and like [`reserve`](Self::reserve).
    #[must_use = "use `truncate` to drop the elements"]
    pub fn split_off(&mut self, at: usize) -> Self
    where
        A: Clone,
    {
        let count = self[at..].len();
        let mut tail = Self::with_capacity_in(count, self.alloc.clone());
        // SAFETY: `tail` has the room.
        unsafe { tail.copy_to_end(self[at..].as_ptr(), count) };
        self.len = at;
        tail
    }

    /// Moves `count` elements to the end.
    ///
    /// # Safety
    ///
    /// There is room for them; they are initialised, and the vector's from now on.
    #[inline]
    unsafe fn copy_to_end(&mut self, from: *const T, count: usize) {
        // SAFETY: within the capacity.
        let end = unsafe { self.as_mut_ptr().add(self.len) };
        // SAFETY: the caller's promise; the room does not overlap with anybody's elements.
        unsafe { end.copy_from_nonoverlapping(from, count) };
        self.len += count;
    }

    /// Appends copies of elements, all at once.
    ///
    /// # Panics
    ///
    /// As for [`reserve`](Self::reserve).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::SmallVec};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let mut bytes = SmallVec::<u8, 16, lives::Frame>::from(*b"GET ");
    /// bytes.extend_from_copied(b"/index");
    /// assert_eq!(bytes, *b"GET /index");
    /// ```
    #[inline]
    pub fn extend_from_copied(&mut self, elements: &[T])
    where
        T: Copy,
    {
        self.reserve(elements.len());
        // SAFETY: the room is there, and copies of `Copy` values are values of their own.
        unsafe { self.copy_to_end(elements.as_ptr(), elements.len()) };
    }

    /// Appends clones of elements. If a clone panics, the clones before it stay.
    ///
    /// # Panics
    ///
    /// As for [`reserve`](Self::reserve).
    pub fn extend_from_slice(&mut self, elements: &[T])
    where
        T: Clone,
    {
        self.reserve(elements.len());
        elements.iter().for_each(|element| self.push(element.clone()));
    }

    /// Changes the length to `len`, and fills new elements with clones of `value`.
    ///
    /// # Panics
    ///
    /// As for [`reserve`](Self::reserve).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::SmallVec};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let mut vec = SmallVec::<u32, 2, lives::Frame>::from([1, 2, 3]);
    /// vec.resize(5, 0);
    /// assert_eq!(vec, [1, 2, 3, 0, 0]);
    /// vec.resize(1, 0);
    /// assert_eq!(vec, [1]);
    /// ```
    pub fn resize(&mut self, len: usize, value: T)
    where
        T: Clone,
    {
        let additional = len.saturating_sub(self.len);
        self.truncate(len);
        self.extend(core::iter::repeat_n(value, additional));
    }

    /// [`resize`](Self::resize) that fills new elements by a function.
    ///
    /// # Panics
    ///
    /// As for [`reserve`](Self::reserve).
    pub fn resize_with(&mut self, len: usize, make: impl FnMut() -> T) {
        let additional = len.saturating_sub(self.len);
        self.truncate(len);
        self.extend(core::iter::repeat_with(make).take(additional));
    }
}
