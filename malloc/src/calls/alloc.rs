//! Memory of a family.

use core::alloc::Layout;
use core::ffi::{c_char, c_void};
use core::ptr::{self, NonNull};

use famalloc::{RawAlloc, raw};

use super::family;
use crate::set::Exports;
use crate::standard::{self, aligned_layout, einval, enomem, layout_of, or_enomem};
use crate::types::fam_family_t;

/// `fam_malloc`.
#[inline]
pub fn malloc<E: Exports>(number: fam_family_t, size: usize) -> *mut c_void {
    let Some(family) = family::<E>(number) else { return einval() };
    match raw::alloc_bytes(family, size) {
        Some(start) => start.as_ptr().cast(),
        None => enomem(),
    }
}

/// `fam_calloc`.
#[inline]
pub fn calloc<E: Exports>(number: fam_family_t, count: usize, size: usize) -> *mut c_void {
    let Some(family) = family::<E>(number) else { return einval() };
    match count.checked_mul(size).and_then(layout_of) {
        Some(layout) => or_enomem(family.alloc_zeroed(layout)),
        None => enomem(),
    }
}

/// `fam_aligned_alloc`.
#[inline]
pub fn aligned_alloc<E: Exports>(number: fam_family_t, align: usize, size: usize) -> *mut c_void {
    let Some(family) = family::<E>(number).filter(|_| align.is_power_of_two()) else {
        return einval();
    };
    match aligned_layout(align, size) {
        Some(layout) => or_enomem(family.alloc(layout)),
        None => enomem(),
    }
}

/// `fam_strdup`.
///
/// # Safety
///
/// The text is a string.
pub unsafe fn strdup<E: Exports>(number: fam_family_t, text: *const c_char) -> *mut c_char {
    // SAFETY: passed on.
    let size = unsafe { libc::strlen(text) } + 1;
    let copy = malloc::<E>(number, size).cast::<c_char>();
    if !copy.is_null() {
        // SAFETY: the string has so many bytes, and the copy as many.
        unsafe { copy.copy_from_nonoverlapping(text, size) };
    }
    copy
}

/// `fam_realloc_discard`.
///
/// # Safety
///
/// As for [`standard::realloc`].
#[inline]
pub unsafe fn realloc_discard<E: Exports>(start: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: passed on.
    unsafe { standard::realloc_keeping::<E>(start, size, 0) }
}

/// `fam_realloc_zeroed`.
///
/// # Safety
///
/// As for [`standard::realloc`], and the memory has at least `old_size` bytes.
pub unsafe fn realloc_zeroed<E: Exports>(
    start: *mut c_void,
    old_size: usize,
    size: usize,
) -> *mut c_void {
    let kept = if start.is_null() { 0 } else { old_size };
    // SAFETY: passed on.
    let moved = unsafe { standard::realloc_keeping::<E>(start, size, kept) };
    if !moved.is_null() && size > kept {
        // SAFETY: it has `size` bytes.
        unsafe { moved.byte_add(kept).write_bytes(0, size - kept) };
    }
    moved
}

/// `fam_try_resize`. Null leaves `errno` alone: it says no more than that it stayed as it was.
///
/// # Safety
///
/// Null, or memory of an allocator's; what lies beyond the new size is not used any more.
pub unsafe fn try_resize<E: Exports>(start: *mut c_void, size: usize) -> *mut c_void {
    let Some(memory) = NonNull::new(start.cast::<u8>()) else { return ptr::null_mut() };
    // It stays where it is, so it is aligned as well as before.
    let Ok(layout) = Layout::from_size_align(size.max(1), 1) else { return ptr::null_mut() };
    // SAFETY: passed on.
    match unsafe { raw::resize_in_place(memory, layout) } {
        Ok(true) => start,
        _ => ptr::null_mut(),
    }
}
