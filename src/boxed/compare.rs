//! Comparison and hashing: by value, as if the value were not boxed.

use core::cmp::Ordering;
use core::hash::{Hash, Hasher};

use super::FamilyBox;
use crate::raw_alloc::RawAlloc;

impl<T: ?Sized + PartialEq, A: RawAlloc> PartialEq for FamilyBox<T, A> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }

    #[inline]
    #[expect(clippy::partialeq_ne_impl, reason = "the value's own `ne` is the one to ask")]
    fn ne(&self, other: &Self) -> bool {
        **self != **other
    }
}

impl<T: ?Sized + Eq, A: RawAlloc> Eq for FamilyBox<T, A> {}

impl<T: ?Sized + PartialOrd, A: RawAlloc> PartialOrd for FamilyBox<T, A> {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (**self).partial_cmp(&**other)
    }

    #[inline]
    fn lt(&self, other: &Self) -> bool {
        **self < **other
    }

    #[inline]
    fn le(&self, other: &Self) -> bool {
        **self <= **other
    }

    #[inline]
    fn gt(&self, other: &Self) -> bool {
        **self > **other
    }

    #[inline]
    fn ge(&self, other: &Self) -> bool {
        **self >= **other
    }
}

impl<T: ?Sized + Ord, A: RawAlloc> Ord for FamilyBox<T, A> {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl<T: ?Sized + Hash, A: RawAlloc> Hash for FamilyBox<T, A> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}
