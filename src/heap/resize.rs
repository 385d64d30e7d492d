//! Reallocation: in place within a slot, and where adjacent granules or extents are free; by remapping for
//! huge allocations; and by copying otherwise. An allocation that has grown and must move goes where it
//! has room to grow further.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::class;
use crate::error::AllocError;
use crate::family::Family;
use crate::family_key::FamilyKey;
use crate::family_set::FamilySet;
use crate::space::provenance::renewed;

use super::alloc::{alloc, free, raw_layout};
use super::{large, used};

/// Resizes an allocation of `old` bytes in family `F` to `new` bytes, and moves it if necessary. Keeps the
/// contents up to the smaller of the two sizes; the bytes after that are uninitialised.
///
/// # Errors
///
/// As for [`alloc_in`](crate::alloc_in); the allocation is then unchanged.
///
/// # Safety
///
/// `start` was allocated in `F` by a raw size, and `old` is the size last requested for it. On success it
/// is not used again except through the returned pointer.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, alloc_in, free_in, realloc_in};
///
/// #[alloc_family]
/// enum Lives {
///     Frame,
/// }
///
/// let small = alloc_in::<lives::Frame>(16)?;
/// // SAFETY: each pointer is used within its size, and freed with its last size.
/// unsafe {
///     small.write_bytes(7, 16);
///     let large = realloc_in::<lives::Frame>(small, 16, 5000)?;
///     assert_eq!(large.add(15).read(), 7);
///     free_in::<lives::Frame>(large, 5000);
/// }
/// # Ok::<(), famalloc::AllocError>(())
/// ```
pub unsafe fn realloc_in<F: Family>(
    start: NonNull<u8>,
    old: usize,
    new: usize,
) -> Result<NonNull<u8>, AllocError> {
    let (old, new) = (raw_layout(F::default(), old)?, raw_layout(F::default(), new)?);
    // SAFETY: passed on.
    unsafe { realloc(F::default(), start, old, new) }
}

/// [`realloc_in`] that zeroes the bytes from `old` to `new`.
///
/// # Errors
///
/// As for [`realloc_in`].
///
/// # Safety
///
/// As for [`realloc_in`].
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, alloc_in, free_in, realloc_zeroed_in};
///
/// #[alloc_family]
/// enum Lives {
///     Frame,
/// }
///
/// let small = alloc_in::<lives::Frame>(10)?;
/// // SAFETY: each pointer is used within its size, and freed with its last size.
/// unsafe {
///     let large = realloc_zeroed_in::<lives::Frame>(small, 10, 100)?;
///     assert_eq!(large.add(99).read(), 0);
///     free_in::<lives::Frame>(large, 100);
/// }
/// # Ok::<(), famalloc::AllocError>(())
/// ```
pub unsafe fn realloc_zeroed_in<F: Family>(
    start: NonNull<u8>,
    old: usize,
    new: usize,
) -> Result<NonNull<u8>, AllocError> {
    let (old, new) = (raw_layout(F::default(), old)?, raw_layout(F::default(), new)?);
    // SAFETY: passed on.
    unsafe { realloc_zeroed(F::default(), start, old, new) }
}

/// Changes the layout of memory in a family, and moves it if necessary: [`RawAlloc::realloc`](crate::RawAlloc::realloc).
///
/// # Safety
///
/// As there.
pub(crate) unsafe fn realloc<K: FamilyKey>(
    family: K,
    start: NonNull<u8>,
    old: Layout,
    new: Layout,
) -> Result<NonNull<u8>, AllocError> {
    // SAFETY: passed on.
    if old.size() > 0 && unsafe { grow_in_place(family, start, old, new) } {
        return Ok(renewed(start));
    }
    // Large before and after: the pages can be moved, whose contents need not be copied then.
    if old.size() > 0 && class::of_layout(old).is_none() && class::of_layout(new).is_none() {
        if let Some(table) = used(family) {
            // SAFETY: passed on.
            let moved = unsafe { large::remap(&table.heap, start, new.size(), new.align()) };
            if let Some(moved) = moved {
                return Ok(moved);
            }
        }
    }
    // What has grown is told from what is new: it gets huge pages as far as it was full, and room to
    // grow on.
    let is_large = new.size() > 0 && class::of_layout(new).is_none();
    let moved = if is_large && old.size() > 0 {
        let set = <K::Set as FamilySet>::table();
        large::alloc_moved(set, family.position(), new.size(), new.align(), old.size())?
    } else {
        alloc(family, new)?
    };
    // SAFETY: both are live, do not overlap, and have at least the smaller size.
    unsafe { moved.copy_from_nonoverlapping(start, old.size().min(new.size())) };
    // SAFETY: passed on.
    unsafe { free(family, start, old) };
    Ok(moved)
}

/// [`realloc`] that zeroes the bytes beyond the old size.
///
/// # Safety
///
/// As there.
pub(crate) unsafe fn realloc_zeroed<K: FamilyKey>(
    family: K,
    start: NonNull<u8>,
    old: Layout,
    new: Layout,
) -> Result<NonNull<u8>, AllocError> {
    // SAFETY: passed on.
    let start = unsafe { realloc(family, start, old, new)? };
    if new.size() > old.size() {
        // SAFETY: the allocation now has the new size.
        unsafe { start.add(old.size()).write_bytes(0, new.size() - old.size()) };
    }
    Ok(start)
}

/// Changes the layout of memory in a family without moving it: [`RawAlloc::resize_in_place`](crate::RawAlloc::resize_in_place).
///
/// # Safety
///
/// As there.
pub(crate) unsafe fn grow_in_place<K: FamilyKey>(
    family: K,
    start: NonNull<u8>,
    old: Layout,
    new: Layout,
) -> bool {
    if new.size() == 0 || start.addr().get() % new.align() != 0 {
        return false;
    }
    match (class::of_layout(old), class::of_layout(new)) {
        // Not from a class to a smaller one either: whoever frees with the new layout puts the slot
        // into the magazine of that layout's class.
        (Some(before), Some(after)) => before == after,
        (None, None) => used(family)
            // SAFETY: live, and not used beyond the new size (contract).
            .is_some_and(|table| unsafe { large::resize_in_place(&table.heap, start, new.size()) }),
        _ => false,
    }
}
