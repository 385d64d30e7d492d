//! What a handle is by its value: an error; and default values.

use core::error::Error;
use core::pin::Pin;

use super::Counted;
use super::counter::Counter;
use crate::raw_alloc::RawAlloc;

impl<T: ?Sized + Error, A: RawAlloc, C: Counter> Error for Counted<T, A, C> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        (**self).source()
    }
}

impl<T: Default, A: RawAlloc + Default, C: Counter> Default for Counted<T, A, C> {
    /// Allocates the slot first, then makes the default value.
    #[inline]
    fn default() -> Self {
        Self::new_with_in(T::default, A::default())
    }
}

impl<T, A: RawAlloc + Default, C: Counter> Default for Counted<[T], A, C> {
    /// The empty slice, with a slot for its counter.
    #[inline]
    fn default() -> Self {
        Self::from([])
    }
}

impl<A: RawAlloc + Default, C: Counter> Default for Counted<str, A, C> {
    /// The empty text, with a slot for its counter.
    #[inline]
    fn default() -> Self {
        Self::from("")
    }
}

impl<T: Default, A: RawAlloc + Default + 'static, C: Counter> Default for Pin<Counted<T, A, C>> {
    #[inline]
    fn default() -> Self {
        // SAFETY: as for `pin_in`: nobody has the handle unpinned.
        unsafe { Pin::new_unchecked(Counted::default()) }
    }
}
