//! From owners of the global allocator: `Box`, `Vec`, `String`, `Cow`; and the platform's text.

use std::borrow::Cow;
use std::ffi::{CStr, OsStr};
use std::path::Path;

use super::Counted;
use super::counter::Counter;
use crate::boxed::FamilyBox;
use crate::raw_alloc::RawAlloc;

impl<T: ?Sized, A: RawAlloc + Default, C: Counter> From<Box<T>> for Counted<T, A, C> {
    /// Moves the value into the family, whatever its size, and frees the `Box`.
    fn from(boxed: Box<T>) -> Self {
        FamilyBox::<T, A>::from_box(boxed).into()
    }
}

impl<T, A: RawAlloc + Default, C: Counter> From<Vec<T>> for Counted<[T], A, C> {
    /// Moves the elements over and frees the buffer of the vector.
    fn from(mut elements: Vec<T>) -> Self {
        let len = elements.len();
        let slots = Self::new_uninit_slice(len);
        let target = slots.value.cast::<T>().as_ptr();
        // SAFETY: `len` elements, to a new slot for as many.
        unsafe { elements.as_ptr().copy_to_nonoverlapping(target, len) };
        // SAFETY: none is longer than the vector; those that were in it belong to the slot now.
        unsafe { elements.set_len(0) };
        // SAFETY: all were copied.
        unsafe { slots.assume_init() }
    }
}

impl<T: Clone, A: RawAlloc + Default, C: Counter> From<Cow<'_, [T]>> for Counted<[T], A, C> {
    fn from(elements: Cow<'_, [T]>) -> Self {
        match elements {
            Cow::Borrowed(elements) => Self::from(elements),
            Cow::Owned(elements) => Self::from(elements),
        }
    }
}

impl<A: RawAlloc + Default, C: Counter> From<String> for Counted<str, A, C> {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl<A: RawAlloc + Default, C: Counter> From<Cow<'_, str>> for Counted<str, A, C> {
    fn from(text: Cow<'_, str>) -> Self {
        Self::from(&*text)
    }
}

macro_rules! platform_text {
    ($($text:ty),*) => {$(
        impl<A: RawAlloc + Default, C: Counter> From<&$text> for Counted<$text, A, C> {
            fn from(text: &$text) -> Self {
                FamilyBox::<$text, A>::from(text).into()
            }
        }
    )*};
}

platform_text!(CStr, OsStr, Path);
