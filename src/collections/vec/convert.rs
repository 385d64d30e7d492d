//! From arrays, slices, iterators and boxes, and back.

use core::mem::ManuallyDrop;
use core::ptr::NonNull;

use super::{VecInner, VecStorage};
use crate::boxed::FamilyBox;
use crate::error::AllocError;
use crate::raw_alloc::RawAlloc;

impl<T, S: VecStorage<T>, A: RawAlloc + Default> VecInner<T, S, A> {
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
    /// # use famalloc::{alloc_family, collections::Vec};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let slice = Vec::<u32, lives::Ast>::try_from_slice(&[1, 2])?;
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
    /// # use famalloc::{alloc_family, collections::Vec};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let squares = Vec::<u32, lives::Ast>::try_from_iter((0..4).map(|x| x * x))?;
    /// assert_eq!(*squares, [0, 1, 4, 9]);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_from_iter(elements: impl IntoIterator<Item = T>) -> Result<Self, AllocError> {
        Self::try_from_iter_in(elements, A::default())
    }
}

impl<T, S: VecStorage<T>, A: RawAlloc> VecInner<T, S, A> {
    /// A vector of all items of an iterator, in any allocator. If the iterator panics, the items before are
    /// dropped.
    ///
    /// # Panics
    ///
    /// As for [`reserve`](Self::reserve).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::Vec, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let squares = Vec::from_iter_in((0..4).map(|x| x * x), frame.allocator());
    /// assert_eq!(squares, [0, 1, 4, 9]);
    /// ```
    #[must_use]
    pub fn from_iter_in(elements: impl IntoIterator<Item = T>, alloc: A) -> Self {
        let mut vec = Self::new_in(alloc);
        vec.extend(elements);
        vec
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
    /// # use famalloc::{alloc_family, collections::Vec};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let squares = Vec::try_from_iter_in((0..4).map(|x| x * x), lives::Ast)?;
    /// assert_eq!(*squares, [0, 1, 4, 9]);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_from_iter_in(
        elements: impl IntoIterator<Item = T>,
        alloc: A,
    ) -> Result<Self, AllocError> {
        let mut elements = elements.into_iter();
        let mut vec = Self::try_with_capacity_in(elements.size_hint().0, alloc)?;
        elements.try_for_each(|element| vec.try_push(element).map_err(|(_, error)| error))?;
        Ok(vec)
    }

    /// A vector of clones of elements, in any allocator. If a clone panics, the ones before it are dropped.
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
    /// assert_eq!(Vec::from_slice_in(&[1, 2], lives::Frame), [1, 2]);
    /// ```
    #[must_use]
    pub fn from_slice_in(elements: &[T], alloc: A) -> Self
    where
        T: Clone,
    {
        let mut vec = Self::new_in(alloc);
        vec.extend_from_slice(elements);
        vec
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
    /// # use famalloc::{alloc_family, collections::Vec};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let pair = Vec::try_from_slice_in(&[1, 2], lives::Ast)?;
    /// assert_eq!(*pair, [1, 2]);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_from_slice_in(elements: &[T], alloc: A) -> Result<Self, AllocError>
    where
        T: Clone,
    {
        let mut vec = Self::try_with_capacity_in(elements.len(), alloc)?;
        vec.extend_from_slice(elements);
        Ok(vec)
    }

    /// Converts the vector to a box of the same allocator, in a slot of exactly its length.
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
    pub fn into_boxed_slice(self) -> FamilyBox<[T], A> {
        let (slot, len, alloc) = self.into_slot();
        // SAFETY: a slot of this allocator with the layout of that many elements, all initialised.
        unsafe { FamilyBox::from_non_null_in(NonNull::slice_from_raw_parts(slot, len), alloc) }
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

impl<T: Clone, S: VecStorage<T>, A: RawAlloc + Clone> Clone for VecInner<T, S, A> {
    /// If the clone of an element panics, the clones before it are dropped.
    fn clone(&self) -> Self {
        Self::from_slice_in(self, self.alloc.clone())
    }

    /// Keeps the capacity and the allocator, and calls the elements' own `clone_from` as far as possible.
    fn clone_from(&mut self, source: &Self) {
        self.truncate(source.len());
        let (same, more) = source.split_at(self.len());
        self.clone_from_slice(same);
        self.extend_from_slice(more);
    }
}

impl<T: Clone, S: VecStorage<T>, A: RawAlloc + Default> From<&[T]> for VecInner<T, S, A> {
    /// Clones every element. If a clone panics, the ones before it are dropped.
    fn from(elements: &[T]) -> Self {
        Self::from_slice_in(elements, A::default())
    }
}

impl<T: Clone, S: VecStorage<T>, A: RawAlloc + Default> From<&mut [T]> for VecInner<T, S, A> {
    fn from(elements: &mut [T]) -> Self {
        Self::from(&*elements)
    }
}

impl<T, S: VecStorage<T>, A: RawAlloc + Default, const M: usize> From<[T; M]>
    for VecInner<T, S, A>
{
    /// Any length: what does not fit inside spills.
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

impl<T, S: VecStorage<T>, A: RawAlloc> From<FamilyBox<[T], A>> for VecInner<T, S, A> {
    /// Takes over the slot; elements that fit inside the vector move there instead, and the slot is
    /// freed.
    fn from(elements: FamilyBox<[T], A>) -> Self {
        let (elements, alloc) = FamilyBox::into_parts(elements);
        // SAFETY: the box had a slot of this allocator with the layout of its elements.
        unsafe { Self::from_slot(elements.cast(), elements.len(), alloc) }
    }
}

impl<T, S: VecStorage<T>, A: RawAlloc> From<VecInner<T, S, A>> for FamilyBox<[T], A> {
    /// [`into_boxed_slice`](VecInner::into_boxed_slice).
    fn from(elements: VecInner<T, S, A>) -> Self {
        elements.into_boxed_slice()
    }
}

impl<T, S: VecStorage<T>, A: RawAlloc, const M: usize> TryFrom<VecInner<T, S, A>> for [T; M] {
    type Error = VecInner<T, S, A>;

    /// [`into_array`](VecInner::into_array).
    fn try_from(elements: VecInner<T, S, A>) -> Result<Self, Self::Error> {
        elements.into_array()
    }
}

impl<T, S: VecStorage<T>, A: RawAlloc> Extend<T> for VecInner<T, S, A> {
    /// If the iterator panics, the elements before stay.
    fn extend<I: IntoIterator<Item = T>>(&mut self, elements: I) {
        let elements = elements.into_iter();
        self.reserve(elements.size_hint().0);
        elements.for_each(|element| self.push(element));
    }
}

impl<'a, T: Copy + 'a, S: VecStorage<T>, A: RawAlloc> Extend<&'a T> for VecInner<T, S, A> {
    fn extend<I: IntoIterator<Item = &'a T>>(&mut self, elements: I) {
        self.extend(elements.into_iter().copied());
    }
}

impl<T, S: VecStorage<T>, A: RawAlloc + Default> FromIterator<T> for VecInner<T, S, A> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        Self::from_iter_in(elements, A::default())
    }
}
