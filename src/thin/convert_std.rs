//! From and to owners of the global allocator: `Vec`, `Box`, `String`, `Cow`.

use std::borrow::Cow;

use super::slice::Filling;
use super::{ThinSlice, ThinStr};
use crate::family::Family;

impl<T, F: Family> From<Vec<T>> for ThinSlice<T, F> {
    /// Moves the elements over and frees the buffer of the vector.
    fn from(mut elements: Vec<T>) -> Self {
        let mut filling = Filling::or_failed(elements.len());
        // SAFETY: as many as there is room for; they are forgotten next.
        unsafe { filling.fill_from(elements.as_ptr()) };
        // SAFETY: none is longer than the vector; those that were in it belong to the slot now.
        unsafe { elements.set_len(0) };
        filling.finish()
    }
}

impl<T, F: Family> From<Box<[T]>> for ThinSlice<T, F> {
    /// Moves the elements over and frees the box.
    fn from(elements: Box<[T]>) -> Self {
        elements.into_vec().into()
    }
}

impl<T, F: Family> From<ThinSlice<T, F>> for Vec<T> {
    /// Moves the elements to the global allocator.
    fn from(elements: ThinSlice<T, F>) -> Self {
        elements.into_boxed_slice().into_vec()
    }
}

impl<T: Clone, F: Family> From<Cow<'_, [T]>> for ThinSlice<T, F> {
    fn from(elements: Cow<'_, [T]>) -> Self {
        match elements {
            Cow::Borrowed(elements) => Self::from(elements),
            Cow::Owned(elements) => Self::from(elements),
        }
    }
}

impl<F: Family> From<String> for ThinStr<F> {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl<F: Family> From<Cow<'_, str>> for ThinStr<F> {
    fn from(text: Cow<'_, str>) -> Self {
        Self::from(&*text)
    }
}

impl<F: Family> From<ThinStr<F>> for String {
    fn from(text: ThinStr<F>) -> Self {
        Self::from(&*text)
    }
}

impl<F: Family> PartialEq<String> for ThinStr<F> {
    #[inline]
    fn eq(&self, other: &String) -> bool {
        **self == **other
    }
}

impl<F: Family> PartialEq<ThinStr<F>> for String {
    #[inline]
    fn eq(&self, other: &ThinStr<F>) -> bool {
        **self == **other
    }
}

impl<T: PartialEq, F: Family> PartialEq<Vec<T>> for ThinSlice<T, F> {
    #[inline]
    fn eq(&self, other: &Vec<T>) -> bool {
        **self == **other
    }
}
