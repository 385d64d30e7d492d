//! Comparison, hashing and formatting: as the slice of the elements.

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};

use super::SmallVec;
use crate::family::Family;

impl<T, U, const N: usize, const M: usize, F, G> PartialEq<SmallVec<U, M, G>> for SmallVec<T, N, F>
where
    T: PartialEq<U>,
    F: Family,
    G: Family,
{
    #[inline]
    fn eq(&self, other: &SmallVec<U, M, G>) -> bool {
        self[..] == other[..]
    }
}

/// Comparison with what is, or derefs to, a slice.
macro_rules! equal_to {
    ($([$($generics:tt)*] $other:ty),* $(,)?) => {$(
        impl<T: PartialEq<U>, U, const N: usize, F: Family $($generics)*> PartialEq<$other>
            for SmallVec<T, N, F>
        {
            #[inline]
            fn eq(&self, other: &$other) -> bool {
                self[..] == other[..]
            }
        }
    )*};
}

equal_to! {
    [] [U],
    [] &[U],
    [] &mut [U],
    [, const M: usize] [U; M],
    [, const M: usize] &[U; M],
}

impl<T: Eq, const N: usize, F: Family> Eq for SmallVec<T, N, F> {}

impl<T: PartialOrd, const N: usize, F: Family> PartialOrd for SmallVec<T, N, F> {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self[..].partial_cmp(&other[..])
    }
}

impl<T: Ord, const N: usize, F: Family> Ord for SmallVec<T, N, F> {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self[..].cmp(&other[..])
    }
}

impl<T: Hash, const N: usize, F: Family> Hash for SmallVec<T, N, F> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        self[..].hash(state);
    }
}

impl<T: fmt::Debug, const N: usize, F: Family> fmt::Debug for SmallVec<T, N, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self[..].fmt(f)
    }
}
