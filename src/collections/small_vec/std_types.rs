//! Between a [`SmallVec`] and the types of the standard library.

use std::borrow::Cow;
use std::io::{self, Write};

use super::SmallVec;
use crate::family::Family;

impl<T, const N: usize, F: Family> From<Vec<T>> for SmallVec<T, N, F> {
    /// Moves the elements over and frees the buffer of the other vector.
    fn from(elements: Vec<T>) -> Self {
        elements.into_iter().collect()
    }
}

impl<T: Clone, const N: usize, F: Family> From<Cow<'_, [T]>> for SmallVec<T, N, F> {
    fn from(elements: Cow<'_, [T]>) -> Self {
        match elements {
            Cow::Borrowed(elements) => Self::from(elements),
            Cow::Owned(elements) => Self::from(elements),
        }
    }
}

impl<T, const N: usize, F: Family> From<SmallVec<T, N, F>> for Vec<T> {
    /// Moves the elements to the global allocator and frees the slot.
    fn from(elements: SmallVec<T, N, F>) -> Self {
        elements.into_iter().collect()
    }
}

impl<T: PartialEq<U>, U, const N: usize, F: Family> PartialEq<Vec<U>> for SmallVec<T, N, F> {
    fn eq(&self, other: &Vec<U>) -> bool {
        self[..] == other[..]
    }
}

impl<const N: usize, F: Family> Write for SmallVec<u8, N, F> {
    /// Appends the bytes; never fails.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.extend_from_copied(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
