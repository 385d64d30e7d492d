//! Allocations that no size class holds: granules of the family's extents up to the size of an
//! extent, whole extents above. Cold by nature: first touch costs a thousand times the bookkeeping.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::error::{AllocError, AllocErrorKind, FreeError};
use crate::os::die;
use crate::space::holding::{Holding, Large};
use crate::space::window::Place;
use crate::sync::Ordering;
use crate::table::SetTable;
use crate::thread::{self, relieve};

use super::query;

/// Allocates `size` bytes, above zero, at a multiple of `align`.
#[cold]
pub(crate) fn alloc(
    set: &'static SetTable,
    family: usize,
    size: usize,
    align: usize,
) -> Result<Large, AllocError> {
    alloc_as(set, family, size, align, true)
}

fn alloc_as(
    set: &'static SetTable,
    family: usize,
    size: usize,
    align: usize,
    dense: bool,
) -> Result<Large, AllocError> {
    if size > isize::MAX as usize - (align - 1) {
        return Err(AllocError::new(AllocErrorKind::TooLarge));
    }
    let table = thread::family(set, family)?;
    table.holding.take_large(size, align, dense).or_else(|error| {
        if error.kind() == AllocErrorKind::TooLarge {
            return Err(error);
        }
        relieve(table, error.kind());
        table.holding.take_large(size, align, dense)
    })
}

/// Allocates zeros; memory that is known to be zero is not touched.
#[cold]
pub(crate) fn alloc_zeroed(
    set: &'static SetTable,
    family: usize,
    size: usize,
    align: usize,
) -> Result<NonNull<u8>, AllocError> {
    // Zeros are often asked for where most of them stay: a huge page would touch them all.
    let Large { start, fresh } = alloc_as(set, family, size, align, false)?;
    if !fresh {
        // SAFETY: `size` bytes were allocated.
        unsafe { start.write_bytes(0, size) };
    }
    Ok(start)
}

/// Frees a large allocation. Aborts when there is none at `start` with this layout.
///
/// # Safety
///
/// Nobody uses the memory any more.
#[cold]
pub(crate) unsafe fn free(
    set: &'static SetTable,
    family: usize,
    start: NonNull<u8>,
    layout: Layout,
) {
    if let Err(error) = query::live(set, family, start, layout) {
        refuse(set, family, start, layout, error)
    }
    // A live allocation is in a family that is in use.
    if let Some(table) = set.used(family) {
        // SAFETY: live and not used any more.
        unsafe { free_whole(&table.holding, start) };
    }
}

/// Frees the large allocation at `start`.
///
/// # Safety
///
/// It is one of this holding's, and nobody uses it any more.
pub(super) unsafe fn free_whole(holding: &Holding, start: NonNull<u8>) {
    // SAFETY: passed on.
    unsafe { zero_beyond(holding, start, 0) };
    // SAFETY: passed on.
    unsafe { give(holding, start) };
}

/// Zeroes what lies beyond `size` bytes of the large allocation at `start`, if its family wishes
/// that for what it gives up.
///
/// # Safety
///
/// It is one of this holding's, and nobody uses those bytes any more.
unsafe fn zero_beyond(holding: &Holding, start: NonNull<u8>, size: usize) {
    if !holding.spec.zeroes_on_free() {
        return;
    }
    let space = holding.space;
    let bytes = match space.place_of(start.addr().get()) {
        Some(Place::Large(granule)) => space.granule(granule).bytes.load(Ordering::Relaxed),
        Some(Place::Huge(extent)) => space.extent(extent).bytes.load(Ordering::Relaxed),
        _ => return,
    };
    if size < bytes {
        // SAFETY: the allocation has `bytes` bytes.
        unsafe { start.add(size).write_bytes(0, bytes - size) };
    }
}

/// Frees the large allocation at `start`, if there is one.
///
/// # Safety
///
/// It is one of this holding's, and nobody uses it any more.
unsafe fn give(holding: &Holding, start: NonNull<u8>) {
    match holding.space.place_of(start.addr().get()) {
        // SAFETY: passed on.
        Some(Place::Large(granule)) => unsafe { holding.give_large(granule) },
        // SAFETY: passed on.
        Some(Place::Huge(extent)) => unsafe { holding.give_huge(extent) },
        _ => {}
    }
}

/// Says on standard error why a pointer cannot be freed, and aborts.
#[cold]
pub(crate) fn refuse(
    set: &'static SetTable,
    family: usize,
    start: NonNull<u8>,
    layout: Layout,
    error: FreeError,
) -> ! {
    die(format_args!(
        "freed {start:p} in family {}::{} as {} bytes aligned to {}: {error}",
        set.name,
        set.specs()[family],
        layout.size(),
        layout.align()
    ))
}

/// Makes the large allocation at `start` `size` bytes long without moving it; returns whether it
/// could. It always can where `size` is less than before.
///
/// # Safety
///
/// Nobody uses the bytes beyond `size` any more.
pub(crate) unsafe fn resize_in_place(holding: &Holding, start: NonNull<u8>, size: usize) -> bool {
    // SAFETY: passed on.
    unsafe { zero_beyond(holding, start, size) };
    match holding.space.place_of(start.addr().get()) {
        Some(Place::Large(granule)) => holding.resize_large(granule, size),
        Some(Place::Huge(extent)) => holding.resize_huge(extent, size),
        _ => false,
    }
}

/// Moves a huge allocation by remapping: returns its new start, or `None` where that cannot be
/// done, and then nothing has changed.
///
/// # Safety
///
/// `start` is a live allocation of this holding, which nobody else uses.
pub(crate) unsafe fn remap(
    holding: &Holding,
    start: NonNull<u8>,
    size: usize,
    align: usize,
) -> Option<NonNull<u8>> {
    let space = holding.space;
    let Some(Place::Huge(extent)) = space.place_of(start.addr().get()) else { return None };
    if size <= space.extent_bytes() {
        return None;
    }
    let bytes = space.extent(extent).bytes.load(Ordering::Relaxed);
    let new = holding.take_large(size, align, false).ok()?;
    let moved = bytes.min(size.next_multiple_of(space.page_size()));
    // SAFETY: both are committed allocations of whole pages, the new one unused.
    if !unsafe { space.source.move_pages(start, new.start, moved) } {
        // What was moved before and grown since is several mappings to the system.
        for done in (0..moved).step_by(space.extent_bytes()) {
            let len = space.extent_bytes().min(moved - done);
            // SAFETY: within both allocations.
            let (from, to) = unsafe { (start.add(done), new.start.add(done)) };
            // SAFETY: as above, for a part of them.
            unsafe { move_part(holding, from, to, len) };
        }
    }
    // SAFETY: its contents are in the new one, but for a tail that is given up.
    unsafe { zero_beyond(holding, start, moved) };
    // SAFETY: as above.
    unsafe { holding.give_huge(extent) };
    Some(new.start)
}

/// Moves whole pages, by copying where it must.
///
/// # Safety
///
/// Both ranges are committed and of this holding, the first not used any more, the second not yet.
unsafe fn move_part(holding: &Holding, from: NonNull<u8>, to: NonNull<u8>, len: usize) {
    // SAFETY: passed on.
    if unsafe { holding.space.source.move_pages(from, to, len) } {
        return;
    }
    // SAFETY: passed on; they are parts of different allocations.
    unsafe { to.copy_from_nonoverlapping(from, len) };
    if holding.spec.zeroes_on_free() {
        // SAFETY: passed on.
        unsafe { from.write_bytes(0, len) };
    }
}
