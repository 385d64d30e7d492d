//! Copies: a clone lives in the family of its original.
//!
//! (`Path`, `OsStr` and `CStr` have theirs in `platform_str`.)

use super::FamilyBox;
use crate::raw_alloc::RawAlloc;

impl<T: Clone, A: RawAlloc + Clone> Clone for FamilyBox<T, A> {
    /// Allocates the slot before it calls the value's `clone`, so that the compiler can make the copy in
    /// place. If `clone` panics the slot is freed.
    #[inline]
    fn clone(&self) -> Self {
        Self::new_with_in(|| (**self).clone(), self.alloc.clone())
    }

    /// Keeps the slot and calls the value's own `clone_from`.
    #[inline]
    fn clone_from(&mut self, source: &Self) {
        (**self).clone_from(&**source);
    }
}

impl<T: Clone, A: RawAlloc + Clone> Clone for FamilyBox<[T], A> {
    /// If the clone of an element panics, the clones before it are dropped and the slot is freed.
    fn clone(&self) -> Self {
        Self::from_slice_in(self, self.alloc.clone())
    }

    /// Keeps the slot if the lengths are equal.
    fn clone_from(&mut self, source: &Self) {
        if self.len() == source.len() {
            self.clone_from_slice(source);
        } else {
            *self = source.clone();
        }
    }
}

impl<A: RawAlloc + Clone> Clone for FamilyBox<str, A> {
    fn clone(&self) -> Self {
        Self::from_str_in(self, self.alloc.clone())
    }
}
