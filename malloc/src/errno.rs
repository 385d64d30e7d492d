//! `errno`.

use core::ffi::c_int;

/// Sets the calling thread's `errno`.
pub(crate) fn set(code: c_int) {
    // SAFETY: the thread's own.
    unsafe { *libc::__errno_location() = code };
}

/// The calling thread's `errno`.
pub(crate) fn get() -> c_int {
    // SAFETY: the thread's own.
    unsafe { *libc::__errno_location() }
}
