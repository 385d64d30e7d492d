//! What a handle shows of its value: formatting, errors; and default values.

use core::error::Error;
use core::fmt;
use core::pin::Pin;
use core::ptr;

use super::Counted;
use super::counter::Counter;
use crate::family::Family;

impl<T: ?Sized + fmt::Debug, F: Family, C: Counter> fmt::Debug for Counted<T, F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display, F: Family, C: Counter> fmt::Display for Counted<T, F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized, F: Family, C: Counter> fmt::Pointer for Counted<T, F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ptr::from_ref::<T>(self).fmt(f)
    }
}

impl<T: ?Sized + Error, F: Family, C: Counter> Error for Counted<T, F, C> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        (**self).source()
    }
}

impl<T: Default, F: Family, C: Counter> Default for Counted<T, F, C> {
    /// Allocates the slot first, then makes the default value.
    #[inline]
    fn default() -> Self {
        Self::new_with_in(T::default, F::default())
    }
}

impl<T, F: Family, C: Counter> Default for Counted<[T], F, C> {
    /// The empty slice, with a slot for its counter.
    #[inline]
    fn default() -> Self {
        Self::from([])
    }
}

impl<F: Family, C: Counter> Default for Counted<str, F, C> {
    /// The empty text, with a slot for its counter.
    #[inline]
    fn default() -> Self {
        Self::from("")
    }
}

impl<T: Default, F: Family, C: Counter> Default for Pin<Counted<T, F, C>> {
    #[inline]
    fn default() -> Self {
        // SAFETY: as for `pin_in`: nobody has the handle unpinned.
        unsafe { Pin::new_unchecked(Counted::default()) }
    }
}
