//! Copies: a clone lives in the family of its original.
//!
//! (`Path`, `OsStr` and `CStr` have theirs in `platform_str`.)

use super::FamilyBox;
use crate::family::Family;

impl<T: Clone, F: Family> Clone for FamilyBox<T, F> {
    /// Takes the slot before it calls the value's `clone`, so that the copy is made in place
    /// where the compiler can; when that panics the slot is freed.
    #[inline]
    fn clone(&self) -> Self {
        Self::new_with_in(|| (**self).clone())
    }

    /// Keeps the slot and hands the work to the value's own `clone_from`.
    #[inline]
    fn clone_from(&mut self, source: &Self) {
        (**self).clone_from(&**source);
    }
}

impl<T: Clone, F: Family> Clone for FamilyBox<[T], F> {
    /// When the clone of an element panics, the clones before it are dropped and the slot is
    /// freed.
    fn clone(&self) -> Self {
        Self::from(&**self)
    }

    /// Keeps the slot where the lengths are equal.
    fn clone_from(&mut self, source: &Self) {
        if self.len() == source.len() {
            self.clone_from_slice(source);
        } else {
            *self = source.clone();
        }
    }
}

impl<F: Family> Clone for FamilyBox<str, F> {
    fn clone(&self) -> Self {
        Self::from(&**self)
    }
}
