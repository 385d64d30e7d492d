//! Comparison and hashing: by value, as if the value were not boxed.

use core::cmp::Ordering;
use core::hash::{Hash, Hasher};

use super::FamilyBox;
use crate::family::Family;

impl<T: ?Sized + PartialEq, F: Family> PartialEq for FamilyBox<T, F> {
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

impl<T: ?Sized + Eq, F: Family> Eq for FamilyBox<T, F> {}

impl<T: ?Sized + PartialOrd, F: Family> PartialOrd for FamilyBox<T, F> {
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

impl<T: ?Sized + Ord, F: Family> Ord for FamilyBox<T, F> {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl<T: ?Sized + Hash, F: Family> Hash for FamilyBox<T, F> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}
