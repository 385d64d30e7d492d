//! Between a [`VecInner`] and the types of the standard library.

use std::borrow::Cow;
use std::io::{self, Write};
use std::vec::Vec;

use super::{VecInner, VecStorage};
use crate::raw_alloc::RawAlloc;

impl<T, S: VecStorage<T>, A: RawAlloc + Default> From<Vec<T>> for VecInner<T, S, A> {
    /// Moves the elements over and frees the buffer of the other vector.
    fn from(elements: Vec<T>) -> Self {
        elements.into_iter().collect()
    }
}

impl<T: Clone, S: VecStorage<T>, A: RawAlloc + Default> From<Cow<'_, [T]>> for VecInner<T, S, A> {
    fn from(elements: Cow<'_, [T]>) -> Self {
        match elements {
            Cow::Borrowed(elements) => Self::from(elements),
            Cow::Owned(elements) => Self::from(elements),
        }
    }
}

impl<T, S: VecStorage<T>, A: RawAlloc> From<VecInner<T, S, A>> for Vec<T> {
    /// Moves the elements to the global allocator and frees the slot.
    fn from(elements: VecInner<T, S, A>) -> Self {
        elements.into_iter().collect()
    }
}

impl<S: VecStorage<u8>, A: RawAlloc> Write for VecInner<u8, S, A> {
    /// Appends the bytes; never fails.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.extend_from_copied(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
