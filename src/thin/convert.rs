//! Conversions to and from thin slices and texts.

use core::alloc::Layout;
use core::slice;

use super::filling::{Filling, Room};
use super::{ThinSlice, ThinStr};
use crate::boxed::{FamilyBox, IntoIter};
use crate::error::AllocError;
use crate::raw_alloc::RawAlloc;

impl<T: Copy, A: RawAlloc> ThinSlice<T, A> {
    /// A copy, all bytes at once.
    pub(super) fn try_copy_of(elements: &[T], alloc: A) -> Result<Self, AllocError> {
        let mut filling = Filling::try_new(elements.len(), alloc)?;
        // SAFETY: as many as there is room for, and they can be copied.
        unsafe { filling.fill_from(elements.as_ptr()) };
        Ok(filling.finish())
    }

    /// The same, or no return.
    pub(super) fn copy_of(elements: &[T], alloc: A) -> Self {
        let mut filling = Filling::or_failed(elements.len(), alloc);
        // SAFETY: as many as there is room for, and they can be copied.
        unsafe { filling.fill_from(elements.as_ptr()) };
        filling.finish()
    }
}

impl<T: Clone, A: RawAlloc + Default> From<&[T]> for ThinSlice<T, A> {
    /// Clones every element. If a clone panics, the ones before it are dropped.
    fn from(elements: &[T]) -> Self {
        Self::from_slice_in(elements, A::default())
    }
}

impl<T: Clone, A: RawAlloc + Default> From<&mut [T]> for ThinSlice<T, A> {
    fn from(elements: &mut [T]) -> Self {
        Self::from(&*elements)
    }
}

impl<T, A: RawAlloc + Default, const N: usize> From<[T; N]> for ThinSlice<T, A> {
    fn from(elements: [T; N]) -> Self {
        let mut filling = Filling::or_failed(N, A::default());
        elements.into_iter().for_each(|element| filling.push(element));
        filling.finish()
    }
}

impl<T, A: RawAlloc> From<FamilyBox<[T], A>> for ThinSlice<T, A> {
    /// Moves the elements to a slot that also holds their number.
    fn from(elements: FamilyBox<[T], A>) -> Self {
        let room = Room::or_failed(elements.len(), FamilyBox::allocator(&elements));
        // SAFETY: made for them.
        unsafe { Self::moved_from(elements, room) }
    }
}

impl<T, A: RawAlloc> ThinSlice<T, A> {
    /// Moves the elements as `From` does, or returns an error; then they are dropped.
    pub(super) fn try_from_boxed(elements: FamilyBox<[T], A>) -> Result<Self, AllocError> {
        let room = Room::try_new(elements.len(), FamilyBox::allocator(&elements))?;
        // SAFETY: made for them.
        Ok(unsafe { Self::moved_from(elements, room) })
    }

    /// Moves the elements to a slot that also holds their number, and frees the slot of the box.
    ///
    /// # Safety
    ///
    /// It is room for as many, of the allocator of the box, and empty.
    unsafe fn moved_from(elements: FamilyBox<[T], A>, room: Room<T>) -> Self {
        let layout = Layout::for_value::<[T]>(&elements);
        let (source, alloc) = FamilyBox::into_parts(elements);
        // SAFETY: as many as there is room for, in a new slot.
        unsafe { source.cast().copy_to_nonoverlapping(room.elements, source.len()) };
        // SAFETY: the slot of the box, with its layout; the elements moved out of it.
        unsafe { alloc.free(source.cast(), layout) };
        // SAFETY: the room is that allocator's, and full.
        unsafe { Self::from_parts(room.elements, alloc) }
    }
}

impl<T, A: RawAlloc> From<ThinSlice<T, A>> for FamilyBox<[T], A> {
    /// [`into_boxed_slice`](ThinSlice::into_boxed_slice).
    fn from(elements: ThinSlice<T, A>) -> Self {
        elements.into_boxed_slice()
    }
}

impl<A: RawAlloc> From<FamilyBox<str, A>> for ThinStr<A> {
    /// Moves the text to a slot that also holds its length.
    fn from(text: FamilyBox<str, A>) -> Self {
        let bytes = ThinSlice::from(text.into_boxed_bytes());
        // SAFETY: those of a text.
        unsafe { Self::from_utf8_unchecked(bytes) }
    }
}

impl<A: RawAlloc> From<ThinStr<A>> for FamilyBox<str, A> {
    /// Moves the text to a slot of its own.
    fn from(text: ThinStr<A>) -> Self {
        let bytes = text.into_bytes().into_boxed_slice();
        // SAFETY: those of a text.
        unsafe { FamilyBox::from_utf8_unchecked(bytes) }
    }
}

impl<T, A: RawAlloc + Default> FromIterator<T> for ThinSlice<T, A> {
    /// [`from_iter_in`](ThinSlice::from_iter_in).
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        Self::from_iter_in(elements, A::default())
    }
}

impl<P, A: RawAlloc> FromIterator<P> for ThinStr<A>
where
    FamilyBox<str, A>: FromIterator<P>,
{
    /// Collects the same pieces as a box of text.
    fn from_iter<I: IntoIterator<Item = P>>(pieces: I) -> Self {
        FamilyBox::<str, A>::from_iter(pieces).into()
    }
}

impl<T, A: RawAlloc> IntoIterator for ThinSlice<T, A> {
    type Item = T;
    type IntoIter = IntoIter<T, A>;

    /// Iterates over the elements by value; they move to a box first.
    fn into_iter(self) -> IntoIter<T, A> {
        self.into_boxed_slice().into_iter()
    }
}

impl<'a, T, A: RawAlloc> IntoIterator for &'a ThinSlice<T, A> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    #[inline]
    fn into_iter(self) -> slice::Iter<'a, T> {
        self.iter()
    }
}

impl<'a, T, A: RawAlloc> IntoIterator for &'a mut ThinSlice<T, A> {
    type Item = &'a mut T;
    type IntoIter = slice::IterMut<'a, T>;

    #[inline]
    fn into_iter(self) -> slice::IterMut<'a, T> {
        self.iter_mut()
    }
}
