//! The functions of ISO C, POSIX and the C library's manual, over a family set.
//!
//! Where the standards leave a choice, the answer is glibc's, as programs were tried with it: a size of
//! 0 gets memory of its own, `realloc` to 0 frees and returns null, `memalign` rounds an alignment up to
//! a power of two. A size above `PTRDIFF_MAX` is refused with `ENOMEM`. `errno` is left alone by
//! whatever succeeds, and by `free`.
//!
//! Memory is aligned to 16 bytes. Everything unnamed is of the family of
//! the scope that the thread is in.

use core::alloc::Layout;
use core::ffi::{c_int, c_void};
use core::ptr::{self, NonNull};

use famalloc::FreeError;
use famalloc::raw::{self, Claim, ReallocError};

use crate::errno;
use crate::first;
use crate::next;
use crate::set::Exports;

/// What any C object may have to be aligned to.
const MAX_ALIGN: usize = 16;

/// The layout of a size without a wish for alignment; `None` if there is none.
#[inline(always)]
pub(crate) fn layout_of(size: usize) -> Option<Layout> {
    let size = if size == 0 { 1 } else { size };
    Layout::from_size_align(size, MAX_ALIGN).ok()
}

/// The layout of a size at an alignment that is a power of two; `None` if there is none.
pub(crate) fn aligned_layout(align: usize, size: usize) -> Option<Layout> {
    let plain = layout_of(size)?;
    Layout::from_size_align(plain.size(), align.max(plain.align())).ok()
}

/// What C has for no memory, or for memory.
#[inline(always)]
pub(crate) fn or_enomem<E>(memory: Result<NonNull<u8>, E>) -> *mut c_void {
    match memory {
        Ok(start) => start.as_ptr().cast(),
        Err(_) => enomem(),
    }
}

/// There is no memory.
#[cold]
#[inline(never)]
pub(crate) fn enomem() -> *mut c_void {
    errno::set(libc::ENOMEM);
    ptr::null_mut()
}

#[cold]
#[inline(never)]
pub(crate) fn einval() -> *mut c_void {
    errno::set(libc::EINVAL);
    ptr::null_mut()
}

/// `malloc`.
#[inline(always)]
pub fn malloc<E: Exports>(size: usize) -> *mut c_void {
    raw::alloc_bytes_or_else::<E::Set>(size, || NonNull::new(enomem().cast()))
        .map_or(ptr::null_mut(), |start| start.as_ptr().cast())
}

/// `calloc`.
#[inline(always)]
pub fn calloc<E: Exports>(count: usize, size: usize) -> *mut c_void {
    let Some(size) = count.checked_mul(size) else { return enomem() };
    raw::alloc_zeroed_bytes_or_else::<E::Set>(size, || NonNull::new(enomem().cast()))
        .map_or(ptr::null_mut(), |start| start.as_ptr().cast())
}

/// `free`.
///
/// # Safety
///
/// Null, or memory of an allocator's that is the caller's to free.
#[inline(always)]
pub unsafe fn free<E: Exports>(start: *mut c_void) {
    // SAFETY: passed on.
    unsafe { free_claimed::<E>(start, Claim::Nothing) };
}

/// `free` by who says something of the size.
///
/// # Safety
///
/// As for [`free`].
#[inline(always)]
pub(crate) unsafe fn free_claimed<E: Exports>(start: *mut c_void, claim: Claim) {
    // SAFETY: passed on.
    unsafe { raw::free_bytes_or_else::<E::Set>(start.cast(), claim, free_elsewhere) };
}

/// Frees what is not ours.
#[cold]
#[inline(never)]
fn free_elsewhere(start: NonNull<u8>, error: FreeError) {
    match (error, next::free()) {
        // SAFETY: not ours, so it is the next allocator's, if anybody's.
        (FreeError::Foreign, Some(next)) => unsafe { next(start.as_ptr().cast()) },
        _ => raw::refuse("free", start, error),
    }
}

/// `cfree`: calls `free`, which a program may have replaced.
///
/// # Safety
///
/// As for [`free`].
#[inline]
pub unsafe fn cfree<E: Exports>(start: *mut c_void) {
    match first::FREE.get() {
        // SAFETY: passed on.
        Some(first) => unsafe { first(start) },
        // SAFETY: passed on.
        None => unsafe { free::<E>(start) },
    }
}

/// `free_sized` and `free_aligned_sized`: `free`, which a program may have replaced. The size would not save
/// anything: the block map is asked for the family anyway. So it is only seen to that there are so many
/// bytes. (Not that there are no more: memory that was made smaller may have stayed where it was.)
///
/// # Safety
///
/// As for [`free`]; the memory was allocated with this size.
#[inline(always)]
pub unsafe fn free_sized<E: Exports>(start: *mut c_void, size: usize) {
    if first::FREE.is_theirs() {
        // SAFETY: passed on.
        return unsafe { cfree::<E>(start) };
    }
    // SAFETY: passed on.
    unsafe { free_claimed::<E>(start, Claim::AtLeast(size)) };
}

/// `free_aligned_sized`.
///
/// # Safety
///
/// As for [`free`]; the memory was allocated with this alignment and size.
#[inline(always)]
pub unsafe fn free_aligned_sized<E: Exports>(start: *mut c_void, align: usize, size: usize) {
    debug_assert!(start.is_null() || start.addr() & align.wrapping_sub(1) == 0);
    // SAFETY: passed on.
    unsafe { free_sized::<E>(start, size) };
}

/// `realloc`.
///
/// # Safety
///
/// Null, or memory of an allocator's, which is not used again except through what is returned, unless
/// that is null and the size is not 0.
#[inline(always)]
pub unsafe fn realloc<E: Exports>(start: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: passed on.
    unsafe { realloc_keeping::<E>(start, size, usize::MAX) }
}

/// `realloc` that keeps the first `keep` bytes alone.
///
/// # Safety
///
/// As for [`realloc`].
#[inline(always)]
pub(crate) unsafe fn realloc_keeping<E: Exports>(
    start: *mut c_void,
    size: usize,
    keep: usize,
) -> *mut c_void {
    if raw::is_of_size::<E::Set>(start.cast(), size) {
        return start;
    }
    // SAFETY: passed on.
    unsafe { realloc_other::<E>(start, size, keep) }
}

/// [`realloc_keeping`] where there may be more to do.
///
/// # Safety
///
/// As for [`realloc`].
#[inline(never)]
unsafe fn realloc_other<E: Exports>(start: *mut c_void, size: usize, keep: usize) -> *mut c_void {
    let Some(old) = NonNull::new(start.cast::<u8>()) else { return malloc::<E>(size) };
    if size == 0 {
        // SAFETY: passed on.
        unsafe { free::<E>(start) };
        return ptr::null_mut();
    }
    let Some(new) = layout_of(size) else { return enomem() };
    // SAFETY: passed on.
    match unsafe { raw::realloc::<E::Set>(old, new, keep) } {
        Ok(moved) => moved.as_ptr().cast(),
        Err(ReallocError::NoMemory(_)) => enomem(),
        // SAFETY: passed on.
        Err(ReallocError::NoAllocation(error)) => unsafe { realloc_elsewhere(old, size, error) },
    }
}

/// # Safety
///
/// As for [`realloc`].
#[cold]
#[inline(never)]
unsafe fn realloc_elsewhere(start: NonNull<u8>, size: usize, error: FreeError) -> *mut c_void {
    match (error, next::realloc()) {
        // SAFETY: not ours, so it is the next allocator's, if anybody's.
        (FreeError::Foreign, Some(next)) => unsafe { next(start.as_ptr().cast(), size) },
        _ => raw::refuse("realloc", start, error),
    }
}

/// `reallocarray`: calls `realloc`, which a program may have replaced.
///
/// # Safety
///
/// As for [`realloc`].
#[inline]
pub unsafe fn reallocarray<E: Exports>(
    start: *mut c_void,
    count: usize,
    size: usize,
) -> *mut c_void {
    let Some(size) = count.checked_mul(size) else { return enomem() };
    match first::REALLOC.get() {
        // SAFETY: passed on.
        Some(first) => unsafe { first(start, size) },
        // SAFETY: passed on.
        None => unsafe { realloc::<E>(start, size) },
    }
}

/// Memory at an alignment that is a power of two.
#[inline]
pub(crate) fn aligned<E: Exports>(align: usize, size: usize) -> *mut c_void {
    match aligned_layout(align, size) {
        Some(layout) => or_enomem(raw::alloc_in_scope::<E::Set>(layout)),
        None => enomem(),
    }
}

/// `posix_memalign`. Leaves `errno` and, where it fails, `*out` alone.
///
/// # Safety
///
/// `out` is valid for writes.
#[inline]
pub unsafe fn posix_memalign<E: Exports>(
    out: *mut *mut c_void,
    align: usize,
    size: usize,
) -> c_int {
    if !align.is_power_of_two() || align % size_of::<*mut c_void>() != 0 {
        return libc::EINVAL;
    }
    let Some(layout) = aligned_layout(align, size) else { return libc::ENOMEM };
    match raw::alloc_in_scope::<E::Set>(layout) {
        Ok(start) => {
            // SAFETY: passed on.
            unsafe { out.write(start.as_ptr().cast()) };
            0
        }
        Err(_) => libc::ENOMEM,
    }
}

/// `aligned_alloc`, as C23 has it: any size, and `EINVAL` for what is no alignment.
#[inline]
pub fn aligned_alloc<E: Exports>(align: usize, size: usize) -> *mut c_void {
    if align.is_power_of_two() { aligned::<E>(align, size) } else { einval() }
}

/// `memalign`: an alignment that is no power of two is rounded up to one.
#[inline]
pub fn memalign<E: Exports>(align: usize, size: usize) -> *mut c_void {
    match align.checked_next_power_of_two() {
        Some(align) => aligned::<E>(align, size),
        None => einval(),
    }
}

pub(crate) fn page_size() -> usize {
    // SAFETY: `sysconf` has no preconditions.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(4096)
}

/// `valloc`: at a page's start.
#[inline]
pub fn valloc<E: Exports>(size: usize) -> *mut c_void {
    aligned::<E>(page_size(), size)
}

/// `pvalloc`: whole pages, at least one, by `memalign`, which a program may have replaced.
#[inline]
pub fn pvalloc<E: Exports>(size: usize) -> *mut c_void {
    let page = page_size();
    let Some(size) = size.max(1).checked_next_multiple_of(page) else { return enomem() };
    match first::MEMALIGN.get() {
        // SAFETY: it has no preconditions.
        Some(first) => unsafe { first(page, size) },
        None => aligned::<E>(page, size),
    }
}

/// `malloc_usable_size`; 0 for null.
///
/// # Safety
///
/// Null, or memory of an allocator's.
#[inline]
pub unsafe fn malloc_usable_size<E: Exports>(start: *mut c_void) -> usize {
    let Some(memory) = NonNull::new(start) else { return 0 };
    match (raw::usable_bytes::<E::Set>(memory.cast()), next::usable_size()) {
        (Ok(usable), _) => usable,
        // SAFETY: not ours, so it is the next allocator's, if anybody's.
        (Err(FreeError::Foreign), Some(next)) => unsafe { next(start) },
        (Err(error), _) => raw::refuse("malloc_usable_size", memory.cast(), error),
    }
}

/// Looks at what the calling thread has freed, before the process ends: a program that ends soon would
/// otherwise never hear of what is wrong with it.
#[cold]
pub(crate) fn check_at_exit() {
    if let Err((start, error)) = raw::check_freed() {
        raw::refuse("check at exit: free", start, error)
    }
}

/// `malloc_trim`: gives all memory back that can be; 1 if any was.
pub fn malloc_trim<E: Exports>(_keep: usize) -> c_int {
    c_int::from(famalloc::reclaim(usize::MAX) > 0)
}
