//! Comparison and hashing: by value.

use core::cmp::Ordering;
use core::hash::{Hash, Hasher};

use super::Counted;
use super::counter::Counter;
use crate::family::Family;

impl<T: ?Sized + PartialEq, F: Family, C: Counter> PartialEq for Counted<T, F, C> {
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

impl<T: ?Sized + Eq, F: Family, C: Counter> Eq for Counted<T, F, C> {}

impl<T: ?Sized + PartialOrd, F: Family, C: Counter> PartialOrd for Counted<T, F, C> {
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

impl<T: ?Sized + Ord, F: Family, C: Counter> Ord for Counted<T, F, C> {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl<T: ?Sized + Hash, F: Family, C: Counter> Hash for Counted<T, F, C> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}
