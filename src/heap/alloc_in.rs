//! The free functions for raw memory in a family that is named by its marker.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::error::{AllocError, FreeError};
use crate::family::Family;
use crate::family_key::FamilyKey;
use crate::family_set::FamilySet;

use super::alloc::{RAW_ALIGN, alloc_size, alloc_zeroed, dangling, free, raw_align, raw_layout};
use super::query;

/// Allocates `size` bytes in family `F`.
///
/// The memory is uninitialised. It is aligned to the largest power of two that divides `size`, up to 16
/// bytes (4096 if the family has `align = "natural"`). Takes constant time, except on the slow path, which
/// is taken at most once for a magazine of operations.
///
/// # Errors
///
/// If `size` exceeds `isize::MAX`, the limit of the family is reached, or the page source refuses.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, alloc_in, free_in};
///
/// #[alloc_family]
/// enum Lives {
///     Frame,
/// }
///
/// let buffer = alloc_in::<lives::Frame>(48)?;
/// // SAFETY: 48 bytes were allocated.
/// unsafe { buffer.write_bytes(7, 48) };
/// // SAFETY: allocated above in the same family with the same size.
/// unsafe { free_in::<lives::Frame>(buffer, 48) };
/// # Ok::<(), famalloc::AllocError>(())
/// ```
#[inline]
pub fn alloc_in<F: Family>(size: usize) -> Result<NonNull<u8>, AllocError> {
    alloc_size(F::default(), size)
}

/// Allocates `size` zeroed bytes in family `F`; otherwise like [`alloc_in`].
///
/// # Errors
///
/// As for [`alloc_in`].
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, alloc_zeroed_in, free_in};
///
/// #[alloc_family]
/// enum Lives {
///     Frame,
/// }
///
/// let cells = alloc_zeroed_in::<lives::Frame>(64)?;
/// // SAFETY: 64 bytes were allocated, all zero.
/// assert_eq!(unsafe { cells.add(63).read() }, 0);
/// // SAFETY: allocated above in the same family with the same size.
/// unsafe { free_in::<lives::Frame>(cells, 64) };
/// # Ok::<(), famalloc::AllocError>(())
/// ```
#[inline]
pub fn alloc_zeroed_in<F: Family>(size: usize) -> Result<NonNull<u8>, AllocError> {
    if size == 0 {
        return Ok(dangling(RAW_ALIGN));
    }
    alloc_zeroed(F::default(), raw_layout(F::default(), size)?)
}

/// Frees memory that was allocated with a raw size in family `F`. Takes constant time, except on the slow
/// path.
///
/// # Safety
///
/// `start` was allocated in `F` by [`alloc_in`], [`alloc_zeroed_in`] or [`realloc_in`], `size` is the size
/// last requested for it, and it is not used again.
///
/// # Aborts
///
/// A double free, a foreign pointer or a wrong size is undefined behaviour. Where the allocator detects
/// one, it writes a message to standard error and aborts: at once in builds with debug assertions,
/// otherwise when the magazine is flushed. [`raw::try_free`](crate::raw::try_free) checks first.
///
/// # Examples
///
/// See [`alloc_in`].
///
/// [`realloc_in`]: crate::realloc_in
#[inline]
pub unsafe fn free_in<F: Family>(start: NonNull<u8>, size: usize) {
    // SAFETY: the size was allocated, so it makes a layout: at most `isize::MAX`, the alignment a
    // power of two that divides it.
    let layout = unsafe { Layout::from_size_align_unchecked(size, raw_align(F::default(), size)) };
    // SAFETY: passed on.
    unsafe { free(F::default(), start, layout) };
}

/// Checks the pointer, its family and its layout, and whether it is already free as far as can be known
/// (in its block, in a depot, in this thread's magazines); then frees the memory.
///
/// Slower than [`RawAlloc::free`](crate::RawAlloc::free): it takes a lock. On an error nothing is changed.
///
/// # Errors
///
/// What is wrong with the pointer.
///
/// # Safety
///
/// If `start` is a live allocation of the family, it is not used again. Any other pointer is an error,
/// except a free slot in the magazine of another thread.
///
/// # Examples
///
/// ```
/// use core::alloc::Layout;
/// use famalloc::{alloc_family, raw, FreeError, RawAlloc};
///
/// #[alloc_family]
/// enum Lives {
///     Frame,
/// }
///
/// let layout = Layout::new::<[u64; 4]>();
/// let frame = lives::Frame.alloc(layout)?;
/// let mut local = 0u8;
/// // SAFETY: the first is live and not used again; the others are refused.
/// unsafe {
///     assert_eq!(raw::try_free(lives::Frame, frame, layout), Ok(()));
///     assert_eq!(raw::try_free(lives::Frame, frame, layout), Err(FreeError::AlreadyFree));
///     let local = core::ptr::NonNull::from(&mut local);
///     assert_eq!(raw::try_free(lives::Frame, local, layout), Err(FreeError::Foreign));
/// }
/// # Ok::<(), famalloc::AllocError>(())
/// ```
pub unsafe fn try_free<K: FamilyKey>(
    family: K,
    start: NonNull<u8>,
    layout: Layout,
) -> Result<(), FreeError> {
    if layout.size() == 0 {
        return Ok(());
    }
    let table = <K::Set as FamilySet>::table();
    query::live(table, family.position(), start, layout)?;
    query::not_parked(table, family.position(), start, layout)?;
    // SAFETY: passed on; what is not live has been refused.
    unsafe { free(family, start, layout) };
    Ok(())
}
