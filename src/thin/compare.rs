//! Comparison and hashing: by value, and with borrowed slices and text.

use core::cmp::Ordering;
use core::hash::{Hash, Hasher};

use super::{ThinSlice, ThinStr};
use crate::family::Family;

impl<T: PartialEq, F: Family, G: Family> PartialEq<ThinSlice<T, G>> for ThinSlice<T, F> {
    #[inline]
    fn eq(&self, other: &ThinSlice<T, G>) -> bool {
        **self == **other
    }
}

impl<T: Eq, F: Family> Eq for ThinSlice<T, F> {}

impl<T: PartialOrd, F: Family> PartialOrd for ThinSlice<T, F> {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (**self).partial_cmp(&**other)
    }
}

impl<T: Ord, F: Family> Ord for ThinSlice<T, F> {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl<T: Hash, F: Family> Hash for ThinSlice<T, F> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl<T: PartialEq, F: Family, const N: usize> PartialEq<[T; N]> for ThinSlice<T, F> {
    #[inline]
    fn eq(&self, other: &[T; N]) -> bool {
        **self == *other
    }
}

impl<F: Family, G: Family> PartialEq<ThinStr<G>> for ThinStr<F> {
    #[inline]
    fn eq(&self, other: &ThinStr<G>) -> bool {
        **self == **other
    }
}

impl<F: Family> Eq for ThinStr<F> {}

impl<F: Family> PartialOrd for ThinStr<F> {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<F: Family> Ord for ThinStr<F> {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl<F: Family> Hash for ThinStr<F> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

/// Both directions, for a borrowed form.
macro_rules! with_borrowed {
    ($([$($generics:tt)*] $thin:ty, $borrowed:ty;)*) => {$(
        impl<$($generics)*> PartialEq<$borrowed> for $thin {
            #[inline]
            fn eq(&self, other: &$borrowed) -> bool {
                **self == other[..]
            }
        }

        impl<$($generics)*> PartialEq<$thin> for $borrowed {
            #[inline]
            fn eq(&self, other: &$thin) -> bool {
                self[..] == **other
            }
        }
    )*};
}

with_borrowed! {
    [F: Family] ThinStr<F>, str;
    [F: Family] ThinStr<F>, &str;
    [T: PartialEq, F: Family] ThinSlice<T, F>, [T];
    [T: PartialEq, F: Family] ThinSlice<T, F>, &[T];
}
