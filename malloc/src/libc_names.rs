//! The names with which the C library itself speaks of its malloc: `__libc_malloc` and its kin.
//!
//! Old programs count their memory in a `malloc` of their own over these, and some runtimes call them. Whoever
//! mixes them with `malloc` finds one allocator behind both, as with the C library's. They call the
//! functions without the prefix where these are this library's (`src/first.rs`); those of a program's
//! own may be made over these.

use core::ffi::c_void;

use crate::first;
use crate::set::Exports;
use crate::standard;

/// `__libc_malloc`.
#[inline]
pub fn malloc<E: Exports>(size: usize) -> *mut c_void {
    match first::MALLOC.if_ours() {
        // SAFETY: it has no preconditions.
        Some(first) => unsafe { first(size) },
        None => standard::malloc::<E>(size),
    }
}

/// `__libc_calloc`.
#[inline]
pub fn calloc<E: Exports>(count: usize, size: usize) -> *mut c_void {
    match first::CALLOC.if_ours() {
        // SAFETY: it has no preconditions.
        Some(first) => unsafe { first(count, size) },
        None => standard::calloc::<E>(count, size),
    }
}

/// `__libc_realloc`.
///
/// # Safety
///
/// As for [`standard::realloc`].
#[inline]
pub unsafe fn realloc<E: Exports>(start: *mut c_void, size: usize) -> *mut c_void {
    match first::REALLOC.if_ours() {
        // SAFETY: passed on.
        Some(first) => unsafe { first(start, size) },
        // SAFETY: passed on.
        None => unsafe { standard::realloc::<E>(start, size) },
    }
}

/// `__libc_free`.
///
/// # Safety
///
/// As for [`standard::free`].
#[inline]
pub unsafe fn free<E: Exports>(start: *mut c_void) {
    match first::FREE.if_ours() {
        // SAFETY: passed on.
        Some(first) => unsafe { first(start) },
        // SAFETY: passed on.
        None => unsafe { standard::free::<E>(start) },
    }
}

/// `__libc_memalign`.
#[inline]
pub fn memalign<E: Exports>(align: usize, size: usize) -> *mut c_void {
    match first::MEMALIGN.if_ours() {
        // SAFETY: it has no preconditions.
        Some(first) => unsafe { first(align, size) },
        None => standard::memalign::<E>(align, size),
    }
}

/// `__libc_valloc`.
#[inline]
pub fn valloc<E: Exports>(size: usize) -> *mut c_void {
    memalign::<E>(standard::page_size(), size)
}

/// `__libc_pvalloc`.
#[inline]
pub fn pvalloc<E: Exports>(size: usize) -> *mut c_void {
    let page = standard::page_size();
    match size.max(1).checked_next_multiple_of(page) {
        Some(size) => memalign::<E>(page, size),
        None => standard::enomem(),
    }
}
