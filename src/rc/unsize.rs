//! Counted handles under [`unsize!`](crate::unsize).

use super::counter::Counter;
use super::{Counted, Weak};
use crate::boxed::__Unsize;
use crate::family::Family;

// SAFETY: the two are `into_raw` and `from_raw`, which carry the count; a coercion keeps the
// address, and the value is as large and as aligned as before.
unsafe impl<T: ?Sized, F: Family, C: Counter> __Unsize for Counted<T, F, C> {
    type Value = T;
    type To<U: ?Sized> = Counted<U, F, C>;
    type Home = ();

    #[inline]
    fn __into_pointer(self) -> (*mut T, ()) {
        (Self::into_raw(self).cast_mut(), ())
    }

    #[inline]
    unsafe fn __from_pointer<U: ?Sized>(pointer: *mut U, (): ()) -> Counted<U, F, C> {
        // SAFETY: passed on.
        unsafe { Counted::from_raw(pointer) }
    }
}

// SAFETY: as above; a handle that leads nowhere keeps its address too.
unsafe impl<T: ?Sized, F: Family, C: Counter> __Unsize for Weak<T, F, C> {
    type Value = T;
    type To<U: ?Sized> = Weak<U, F, C>;
    type Home = ();

    #[inline]
    fn __into_pointer(self) -> (*mut T, ()) {
        (self.into_raw().cast_mut(), ())
    }

    #[inline]
    unsafe fn __from_pointer<U: ?Sized>(pointer: *mut U, (): ()) -> Weak<U, F, C> {
        // SAFETY: passed on.
        unsafe { Weak::from_raw(pointer) }
    }
}
