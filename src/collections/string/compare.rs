//! Comparison and hashing: as the text.

use core::cmp::Ordering;
use core::hash::{Hash, Hasher};

use super::String;
use crate::family::Family;

impl<F: Family, G: Family> PartialEq<String<G>> for String<F> {
    #[inline]
    fn eq(&self, other: &String<G>) -> bool {
        **self == **other
    }
}

impl<F: Family> PartialEq<str> for String<F> {
    #[inline]
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}

impl<F: Family> PartialEq<&str> for String<F> {
    #[inline]
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl<F: Family> PartialEq<String<F>> for str {
    #[inline]
    fn eq(&self, other: &String<F>) -> bool {
        *self == **other
    }
}

impl<F: Family> PartialEq<String<F>> for &str {
    #[inline]
    fn eq(&self, other: &String<F>) -> bool {
        **self == **other
    }
}

impl<F: Family> Eq for String<F> {}

impl<F: Family> PartialOrd for String<F> {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<F: Family> Ord for String<F> {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl<F: Family> Hash for String<F> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}
