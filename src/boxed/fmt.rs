//! Formatting: as the value, or as its address.

use core::fmt;
use core::ptr;

use super::FamilyBox;
use crate::raw_alloc::RawAlloc;

impl<T: ?Sized + fmt::Debug, A: RawAlloc> fmt::Debug for FamilyBox<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display, A: RawAlloc> fmt::Display for FamilyBox<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized, A: RawAlloc> fmt::Pointer for FamilyBox<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ptr::from_ref::<T>(self).fmt(f)
    }
}
