//! Conversions to and from thin slices and texts.

use core::ptr::NonNull;
use core::slice;

use super::slice::Filling;
use super::{ThinSlice, ThinStr};
use crate::boxed::{FamilyBox, IntoIter};
use crate::error::AllocError;
use crate::family::Family;

impl<T: Copy, F: Family> ThinSlice<T, F> {
    /// A copy, all bytes at once.
    pub(super) fn try_copy_of(elements: &[T]) -> Result<Self, AllocError> {
        let mut filling = Filling::try_new(elements.len())?;
        // SAFETY: as many as there is room for, and they can be copied.
        unsafe { filling.fill_from(elements.as_ptr()) };
        Ok(filling.finish())
    }

    /// The same, or no return.
    pub(super) fn copy_of(elements: &[T]) -> Self {
        let mut filling = Filling::or_failed(elements.len());
        // SAFETY: as many as there is room for, and they can be copied.
        unsafe { filling.fill_from(elements.as_ptr()) };
        filling.finish()
    }
}

impl<T: Clone, F: Family> From<&[T]> for ThinSlice<T, F> {
    /// Clones every element. If a clone panics, the ones before it are dropped.
    fn from(elements: &[T]) -> Self {
        let mut filling = Filling::or_failed(elements.len());
        elements.iter().for_each(|element| filling.push(element.clone()));
        filling.finish()
    }
}

impl<T: Clone, F: Family> From<&mut [T]> for ThinSlice<T, F> {
    fn from(elements: &mut [T]) -> Self {
        Self::from(&*elements)
    }
}

impl<T, F: Family, const N: usize> From<[T; N]> for ThinSlice<T, F> {
    fn from(elements: [T; N]) -> Self {
        let mut filling = Filling::or_failed(N);
        elements.into_iter().for_each(|element| filling.push(element));
        filling.finish()
    }
}

impl<T, F: Family> From<FamilyBox<[T], F>> for ThinSlice<T, F> {
    /// Moves the elements to a slot that also holds their number.
    fn from(elements: FamilyBox<[T], F>) -> Self {
        let mut filling = Filling::or_failed(elements.len());
        let (source, _slot) = {
            let mut slot = FamilyBox::into_slot(elements);
            (NonNull::from(&mut **slot), slot)
        };
        // SAFETY: as many as there is room for; the box is gone.
        unsafe { filling.fill_from(source.as_ptr().cast()) };
        filling.finish()
    }
}

impl<T, F: Family> From<ThinSlice<T, F>> for FamilyBox<[T], F> {
    /// [`into_boxed_slice`](ThinSlice::into_boxed_slice).
    fn from(elements: ThinSlice<T, F>) -> Self {
        elements.into_boxed_slice()
    }
}

impl<F: Family> From<FamilyBox<str, F>> for ThinStr<F> {
    /// Moves the text to a slot that also holds its length.
    fn from(text: FamilyBox<str, F>) -> Self {
        Self::from(&*text)
    }
}

impl<F: Family> From<ThinStr<F>> for FamilyBox<str, F> {
    fn from(text: ThinStr<F>) -> Self {
        Self::from(&*text)
    }
}

impl<T, F: Family> FromIterator<T> for ThinSlice<T, F> {
    /// Collects directly into the slot if the iterator knows its length, and through a box of the family
    /// if it does not, or if its length is wrong.
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        let mut elements = elements.into_iter();
        let (least, most) = elements.size_hint();
        if most != Some(least) {
            return FamilyBox::<[T], F>::from_iter(elements).into();
        }
        let mut filling = Filling::<T, F>::or_failed(least);
        for _ in 0..least {
            match elements.next() {
                Some(element) => filling.push(element),
                None => return filling.cut().into(),
            }
        }
        match elements.next() {
            None => filling.finish(),
            Some(more) => {
                let first = filling.finish().into_iter();
                FamilyBox::<[T], F>::from_iter(first.chain([more]).chain(elements)).into()
            }
        }
    }
}

impl<P, F: Family> FromIterator<P> for ThinStr<F>
where
    FamilyBox<str, F>: FromIterator<P>,
{
    /// Collects the same pieces as a box of text.
    fn from_iter<I: IntoIterator<Item = P>>(pieces: I) -> Self {
        FamilyBox::<str, F>::from_iter(pieces).into()
    }
}

impl<T, F: Family> IntoIterator for ThinSlice<T, F> {
    type Item = T;
    type IntoIter = IntoIter<T, F>;

    /// Iterates over the elements by value; they move to a box first.
    fn into_iter(self) -> IntoIter<T, F> {
        self.into_boxed_slice().into_iter()
    }
}

impl<'a, T, F: Family> IntoIterator for &'a ThinSlice<T, F> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    #[inline]
    fn into_iter(self) -> slice::Iter<'a, T> {
        self.iter()
    }
}

impl<'a, T, F: Family> IntoIterator for &'a mut ThinSlice<T, F> {
    type Item = &'a mut T;
    type IntoIter = slice::IterMut<'a, T>;

    #[inline]
    fn into_iter(self) -> slice::IterMut<'a, T> {
        self.iter_mut()
    }
}
