//! Counted handles under [`unsize!`](crate::unsize).

use super::counter::Counter;
use super::{Counted, Weak};
use crate::boxed::__Unsize;
use crate::raw_alloc::RawAlloc;

// SAFETY: the two are `into_raw` and `from_raw`, which carry the count; a coercion keeps the
// address, and the value is as large and as aligned as before.
unsafe impl<T: ?Sized, A: RawAlloc, C: Counter> __Unsize for Counted<T, A, C> {
    type Value = T;
    type To<U: ?Sized> = Counted<U, A, C>;
    type Home = A;

    #[inline]
    fn __into_pointer(self) -> (*mut T, A) {
        let (value, alloc) = Self::into_parts(self);
        (value.as_ptr(), alloc)
    }

    #[inline]
    unsafe fn __from_pointer<U: ?Sized>(pointer: *mut U, alloc: A) -> Counted<U, A, C> {
        // SAFETY: passed on.
        unsafe { Counted::from_raw_in(pointer, alloc) }
    }
}

// SAFETY: as above; a handle that leads nowhere keeps its address too.
unsafe impl<T: ?Sized, A: RawAlloc, C: Counter> __Unsize for Weak<T, A, C> {
    type Value = T;
    type To<U: ?Sized> = Weak<U, A, C>;
    type Home = A;

    #[inline]
    fn __into_pointer(self) -> (*mut T, A) {
        let (value, alloc) = self.into_parts();
        (value.as_ptr(), alloc)
    }

    #[inline]
    unsafe fn __from_pointer<U: ?Sized>(pointer: *mut U, alloc: A) -> Weak<U, A, C> {
        // SAFETY: passed on.
        unsafe { Weak::from_raw_in(pointer, alloc) }
    }
}
