//! Equality with other vectors, slices and arrays. (The rest is `like_its_target`.)

use super::{VecInner, VecStorage};
use crate::raw_alloc::RawAlloc;

/// Comparison with what is, or derefs to, a slice.
macro_rules! equal_to {
    ($([$($generics:tt)*] $other:ty),* $(,)?) => {$(
        impl<T, U, S, A, $($generics)*> PartialEq<$other> for VecInner<T, S, A>
        where
            T: PartialEq<U>,
            S: VecStorage<T>,
            A: RawAlloc,
        {
            #[inline]
            fn eq(&self, other: &$other) -> bool {
                self[..] == other[..]
            }
        }
    )*};
}

equal_to! {
    [R: VecStorage<U>, B: RawAlloc] VecInner<U, R, B>,
    [] [U],
    [] &[U],
    [] &mut [U],
    [const M: usize] [U; M],
    [const M: usize] &[U; M],
}

#[cfg(feature = "std")]
equal_to!([] std::vec::Vec<U>);
