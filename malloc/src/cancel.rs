//! Threads that were cancelled.

use core::ffi::c_int;

/// `PTHREAD_CANCEL_DISABLE`, in every C library for Linux.
const DISABLE: c_int = 1;

unsafe extern "C" {
    fn pthread_setcancelstate(state: c_int, before: *mut c_int) -> c_int;
}

/// Calls `work`, in which the thread does not end because it was cancelled; that comes later, where the
/// program waits for something itself.
pub(crate) fn never<R>(work: impl FnOnce() -> R) -> R {
    let mut before = 0;
    // SAFETY: there is room for the answer.
    unsafe { pthread_setcancelstate(DISABLE, &raw mut before) };
    let result = work();
    // SAFETY: as above.
    unsafe { pthread_setcancelstate(before, &raw mut before) };
    result
}
