//! Default values. (`OsStr` and `CStr` have theirs in `platform_str`.)

use core::pin::Pin;

use super::FamilyBox;
use crate::family::Family;

impl<T: Default, F: Family> Default for FamilyBox<T, F> {
    /// Allocates the slot first, then makes the default value.
    #[inline]
    fn default() -> Self {
        Self::new_with_in(T::default, F::default())
    }
}

impl<T, F: Family> Default for FamilyBox<[T], F> {
    /// The empty slice, without a slot.
    #[inline]
    fn default() -> Self {
        Self::from([])
    }
}

impl<F: Family> Default for FamilyBox<str, F> {
    /// The empty text, without a slot.
    #[inline]
    fn default() -> Self {
        Self::from("")
    }
}

impl<T: ?Sized, F: Family> Default for Pin<FamilyBox<T, F>>
where
    FamilyBox<T, F>: Default,
{
    #[inline]
    fn default() -> Self {
        FamilyBox::into_pin(FamilyBox::default())
    }
}
