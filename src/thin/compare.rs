//! Comparison, hashing, printing and lending: as the slice or text; and equality with borrowed and other ones.

use core::fmt;

use super::{ThinSlice, ThinStr};
use crate::delegate::{delegate_to_target, equal_as_slices};
use crate::raw_alloc::RawAlloc;

delegate_to_target! {
    [T, A: RawAlloc] ThinSlice<T, A> => [T], where [T];
    Eq PartialOrd Ord Hash Debug AsRef AsMut Borrow BorrowMut
}

delegate_to_target! {
    [A: RawAlloc] ThinStr<A> => str, where [];
    Eq PartialOrd Ord Hash Debug Display AsRef Borrow
}

impl<T, A: RawAlloc> fmt::Pointer for ThinSlice<T, A> {
    /// The handle is the address of the elements, and no length.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Pointer::fmt(&self.as_ptr(), f)
    }
}

impl<A: RawAlloc> AsRef<[u8]> for ThinStr<A> {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

equal_as_slices! {
    [T: PartialEq, A: RawAlloc, B: RawAlloc] ThinSlice<T, A>, one_way, ThinSlice<T, B>;
    [T: PartialEq, A: RawAlloc, const N: usize] ThinSlice<T, A>, one_way, [T; N];
    [T: PartialEq, A: RawAlloc] ThinSlice<T, A>, both_ways, [T];
    [T: PartialEq, A: RawAlloc] ThinSlice<T, A>, both_ways, &[T];
    [A: RawAlloc, B: RawAlloc] ThinStr<A>, one_way, ThinStr<B>;
    [A: RawAlloc] ThinStr<A>, both_ways, str;
    [A: RawAlloc] ThinStr<A>, both_ways, &str;
}

#[cfg(feature = "std")]
equal_as_slices! {
    [T: PartialEq, A: RawAlloc] ThinSlice<T, A>, one_way, Vec<T>;
    [A: RawAlloc] ThinStr<A>, both_ways, String;
}
