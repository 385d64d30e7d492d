//! Default values. (`OsStr` and `CStr` have theirs in `platform_str`.)

use core::pin::Pin;

use super::FamilyBox;
use crate::raw_alloc::RawAlloc;

impl<T: Default, A: RawAlloc + Default> Default for FamilyBox<T, A> {
    /// Allocates the slot first, then makes the default value.
    #[inline]
    fn default() -> Self {
        Self::new_with_in(T::default, A::default())
    }
}

impl<T, A: RawAlloc + Default> Default for FamilyBox<[T], A> {
    /// The empty slice, without a slot.
    #[inline]
    fn default() -> Self {
        Self::from([])
    }
}

impl<A: RawAlloc + Default> Default for FamilyBox<str, A> {
    /// The empty text, without a slot.
    #[inline]
    fn default() -> Self {
        Self::from("")
    }
}

impl<T: ?Sized, A: RawAlloc + 'static> Default for Pin<FamilyBox<T, A>>
where
    FamilyBox<T, A>: Default,
{
    #[inline]
    fn default() -> Self {
        FamilyBox::into_pin(FamilyBox::default())
    }
}
