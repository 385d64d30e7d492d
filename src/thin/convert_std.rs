//! From and to owners of the global allocator: `Vec`, `Box`, `String`, `Cow`.

use std::borrow::Cow;

use super::filling::Filling;
use super::{ThinSlice, ThinStr};
use crate::raw_alloc::RawAlloc;

impl<T, A: RawAlloc + Default> From<Vec<T>> for ThinSlice<T, A> {
    /// Moves the elements over and frees the buffer of the vector.
    fn from(mut elements: Vec<T>) -> Self {
        let mut filling = Filling::or_failed(elements.len(), A::default());
        // SAFETY: as many as there is room for; they are forgotten next.
        unsafe { filling.fill_from(elements.as_ptr()) };
        // SAFETY: none is longer than the vector; those that were in it belong to the slot now.
        unsafe { elements.set_len(0) };
        filling.finish()
    }
}

impl<T, A: RawAlloc + Default> From<Box<[T]>> for ThinSlice<T, A> {
    /// Moves the elements over and frees the box.
    fn from(elements: Box<[T]>) -> Self {
        elements.into_vec().into()
    }
}

impl<T, A: RawAlloc> From<ThinSlice<T, A>> for Vec<T> {
    /// Moves the elements to the global allocator.
    fn from(elements: ThinSlice<T, A>) -> Self {
        elements.into_boxed_slice().into_vec()
    }
}

impl<T: Clone, A: RawAlloc + Default> From<Cow<'_, [T]>> for ThinSlice<T, A> {
    fn from(elements: Cow<'_, [T]>) -> Self {
        match elements {
            Cow::Borrowed(elements) => Self::from(elements),
            Cow::Owned(elements) => Self::from(elements),
        }
    }
}

impl<A: RawAlloc + Default> From<String> for ThinStr<A> {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl<A: RawAlloc + Default> From<Cow<'_, str>> for ThinStr<A> {
    fn from(text: Cow<'_, str>) -> Self {
        Self::from(&*text)
    }
}

impl<A: RawAlloc> From<ThinStr<A>> for String {
    fn from(text: ThinStr<A>) -> Self {
        Self::from(&*text)
    }
}
