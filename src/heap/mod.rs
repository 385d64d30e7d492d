//! Shim of the heap's interface, over the system allocator.
use core::alloc::Layout;
use core::ptr::NonNull;
use std::alloc::{GlobalAlloc, System};
use crate::{AllocError, AllocErrorKind, Family};

fn raw(l: Layout, zero: bool) -> Result<NonNull<u8>, AllocError> {
    if l.size() == 0 { return Ok(NonNull::without_provenance(core::num::NonZero::new(l.align()).unwrap())); }
    NonNull::new(unsafe { if zero { System.alloc_zeroed(l) } else { System.alloc(l) } }).ok_or(AllocError::new(AllocErrorKind::Commit))
}
fn lay(size: usize) -> Result<Layout, AllocError> { Layout::from_size_align(size, 16).map_err(|_| AllocError::new(AllocErrorKind::TooLarge)) }
pub fn alloc_in<F: Family>(size: usize) -> Result<NonNull<u8>, AllocError> { raw(lay(size)?, false) }
pub fn alloc_zeroed_in<F: Family>(size: usize) -> Result<NonNull<u8>, AllocError> { raw(lay(size)?, true) }
pub unsafe fn free_in<F: Family>(ptr: NonNull<u8>, size: usize) { unsafe { free_layout_in::<F>(ptr, lay(size).unwrap()) } }
pub unsafe fn realloc_in<F: Family>(ptr: NonNull<u8>, old: usize, new: usize) -> Result<NonNull<u8>, AllocError> { unsafe { realloc_layout_in::<F>(ptr, lay(old)?, lay(new)?) } }
pub unsafe fn realloc_zeroed_in<F: Family>(ptr: NonNull<u8>, old: usize, new: usize) -> Result<NonNull<u8>, AllocError> {
    let p = unsafe { realloc_in::<F>(ptr, old, new)? };
    if new > old { unsafe { p.add(old).write_bytes(0, new - old) } }
    Ok(p)
}
pub fn alloc_layout_in<F: Family>(l: Layout) -> Result<NonNull<u8>, AllocError> { raw(l, false) }
pub fn alloc_zeroed_layout_in<F: Family>(l: Layout) -> Result<NonNull<u8>, AllocError> { raw(l, true) }
pub unsafe fn free_layout_in<F: Family>(ptr: NonNull<u8>, l: Layout) { if l.size() != 0 { unsafe { System.dealloc(ptr.as_ptr(), l) } } }
/// both layouts may differ in alignment
pub unsafe fn realloc_layout_in<F: Family>(ptr: NonNull<u8>, old: Layout, new: Layout) -> Result<NonNull<u8>, AllocError> {
    let p = raw(new, false)?;
    unsafe { core::ptr::copy_nonoverlapping(ptr.as_ptr(), p.as_ptr(), old.size().min(new.size())); free_layout_in::<F>(ptr, old); }
    Ok(p)
}
/// For the typed handles: room for one `T`, its class a compile-time constant. ZSTs give a dangling aligned pointer.
#[inline(always)]
pub(crate) fn alloc_value_in<F: Family, T>() -> Result<NonNull<T>, AllocError> { raw(Layout::new::<T>(), false).map(NonNull::cast) }
/// # Safety: from `alloc_value_in::<F, T>` (or `alloc_layout_in` with the same layout), freed once, value moved out or dropped.
#[inline(always)]
pub(crate) unsafe fn free_value_in<F: Family, T>(ptr: NonNull<T>) { unsafe { free_layout_in::<F>(ptr.cast(), Layout::new::<T>()) } }
