//! Formatting: as the value, or as its address.

use core::fmt;
use core::ptr;

use super::FamilyBox;
use crate::family::Family;

impl<T: ?Sized + fmt::Debug, F: Family> fmt::Debug for FamilyBox<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display, F: Family> fmt::Display for FamilyBox<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized, F: Family> fmt::Pointer for FamilyBox<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ptr::from_ref::<T>(self).fmt(f)
    }
}
