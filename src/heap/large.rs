//! Allocations that no size class holds: granules of the family's extents up to the size of an
//! extent, whole extents above. Cold by nature: first touch costs a thousand times the bookkeeping.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::error::{AllocError, AllocErrorKind};
use crate::space::Space;
use crate::space::family_heap::{FamilyHeap, Large, Use};
use crate::space::window::Place;
use crate::sync::Ordering;
use crate::table::SetTable;
use crate::thread::{self, relieve};

use super::query;

/// Allocations of so many extents and above are moved page by page. Each time that leaves the system
/// pieces of its map of addresses that it cannot join again; what is shorter is soon copied.
const REMAPPED_FROM: usize = 4;

/// Allocates `size` bytes, above zero, at a multiple of `align`.
#[cold]
pub(crate) fn alloc(
    set: &'static SetTable,
    family: usize,
    size: usize,
    align: usize,
) -> Result<Large, AllocError> {
    alloc_as(set, family, size, align, Use::Unknown)
}

/// Allocates for what has `old` bytes and is to be moved there.
#[cold]
pub(super) fn alloc_moved(
    set: &'static SetTable,
    family: usize,
    size: usize,
    align: usize,
    old: usize,
) -> Result<NonNull<u8>, AllocError> {
    let used = if old < size { Use::Moved(old) } else { Use::Unknown };
    alloc_as(set, family, size, align, used).map(|large| large.start)
}

fn alloc_as(
    set: &'static SetTable,
    family: usize,
    size: usize,
    align: usize,
    used: Use,
) -> Result<Large, AllocError> {
    if size > isize::MAX as usize - (align - 1) {
        return Err(AllocError::new(AllocErrorKind::TooLarge));
    }
    let table = thread::family(set, family)?;
    table.heap.alloc_large(size, align, used).or_else(|error| {
        // What is too large is refused again, however much is given back. Other refusals may be cured
        // by deferred work.
        if error.kind() == AllocErrorKind::TooLarge {
            return Err(error);
        }
        relieve(table, error.kind());
        table.heap.alloc_large(size, align, used)
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
    let Large { start, fresh } = alloc_as(set, family, size, align, Use::Zeros)?;
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
        query::refuse(set, family, start, layout, error)
    }
    // A live allocation is in a family that is in use.
    if let Some(table) = thread::used(set, family) {
        // SAFETY: live and not used any more.
        unsafe { free_whole(&table.heap, start) };
    }
}

/// Frees the large allocation at `start`.
///
/// # Safety
///
/// It is one of this family heap's, and nobody uses it any more.
pub(super) unsafe fn free_whole(heap: &FamilyHeap, start: NonNull<u8>) {
    // SAFETY: passed on.
    unsafe { zero_beyond(heap, start, 0) };
    // SAFETY: passed on.
    unsafe { give(heap, start) };
}

/// Zeroes what lies beyond `size` bytes of the large allocation at `start`, if its family wishes
/// that for what it gives up.
///
/// # Safety
///
/// It is one of this family heap's, and nobody uses those bytes any more.
unsafe fn zero_beyond(heap: &FamilyHeap, start: NonNull<u8>, size: usize) {
    if !heap.spec.zeroes_on_free() {
        return;
    }
    let bytes = match heap.space.place_of(start.addr().get()) {
        Some(place) => bytes_of(heap, place),
        None => return,
    };
    if size < bytes {
        // SAFETY: the allocation has `bytes` bytes.
        unsafe { start.add(size).write_bytes(0, bytes - size) };
    }
}

/// How many bytes the large allocation there has, whole pages; none if there is none.
fn bytes_of(heap: &FamilyHeap, place: Place) -> usize {
    let space = heap.space;
    match place {
        Place::Large(granule) => space.granule(granule).as_large().map_or(0, |large| large.bytes()),
        Place::Huge(extent) => space.extent(extent).bytes.load(Ordering::Relaxed),
        _ => 0,
    }
}

/// How many bytes the large allocation has that starts there, whole pages, and whose it is.
pub(crate) fn at(start: NonNull<u8>) -> Option<(usize, &'static FamilyHeap)> {
    let address = start.addr().get();
    let space = Space::all().find(|space| space.contains(address))?;
    let (first, bytes, heap) = match space.place_of(address)? {
        Place::Large(granule) => {
            let large = space.granule(granule).as_large()?;
            (space.granule_start(granule), large.bytes(), large.heap())
        }
        Place::Huge(extent) => {
            let desc = space.extent(extent);
            (space.extent_start(extent), desc.bytes.load(Ordering::Relaxed), desc.owner.get())
        }
        _ => return None,
    };
    (first == start).then_some((bytes, heap?))
}

/// Frees the large allocation at `start`, if there is one.
///
/// # Safety
///
/// It is one of this family heap's, and nobody uses it any more.
unsafe fn give(heap: &FamilyHeap, start: NonNull<u8>) {
    if heap.space.is_given_up() {
        return;
    }
    match heap.space.place_of(start.addr().get()) {
        // SAFETY: passed on.
        Some(Place::Large(granule)) => unsafe { heap.free_large(granule) },
        Some(Place::Huge(extent)) => {
            // While its pages are there to tell how it was used.
            heap.learn_from(extent);
            // SAFETY: passed on.
            unsafe { heap.free_huge(extent) }
        }
        _ => {}
    }
}

/// Makes the large allocation at `start` `size` bytes long without moving it; returns whether it
/// could. It always can where `size` is less than before, unless it is in memory that was given up.
///
/// # Safety
///
/// Nobody uses the bytes beyond `size` any more.
pub(crate) unsafe fn resize_in_place(heap: &FamilyHeap, start: NonNull<u8>, size: usize) -> bool {
    thread::attend();
    // Nobody keeps books of it any more, so nothing can be taken beside it. The caller moves it.
    if heap.space.is_given_up() {
        return false;
    }
    // Before it is shorter: afterwards what lies behind may be another's.
    // SAFETY: passed on.
    unsafe { zero_beyond(heap, start, size) };
    let Some(place) = heap.space.place_of(start.addr().get()) else { return false };
    // Most of those who grow do so a little at a time: within their last page nothing has to be done.
    // The allocation is the caller's, so nobody changes what is read.
    let pages = size.checked_next_multiple_of(heap.space.page_size());
    if size > 0 && pages == Some(bytes_of(heap, place)) {
        return true;
    }
    match place {
        Place::Large(granule) => heap.resize_large(granule, size),
        Place::Huge(extent) => heap.resize_huge(extent, size),
        _ => false,
    }
}

/// Moves a huge allocation by remapping: returns its new start, or `None` where that cannot be
/// done, and then nothing has changed.
///
/// # Safety
///
/// `start` is a live allocation of this family heap, which nobody else uses.
pub(crate) unsafe fn remap(
    heap: &FamilyHeap,
    start: NonNull<u8>,
    size: usize,
    align: usize,
) -> Option<NonNull<u8>> {
    thread::attend();
    let space = heap.space;
    let Some(Place::Huge(extent)) = space.place_of(start.addr().get()) else { return None };
    if space.is_given_up() {
        return None;
    }
    let bytes = space.extent(extent).bytes.load(Ordering::Relaxed);
    let moved = bytes.min(size.checked_next_multiple_of(space.page_size())?);
    if moved >> space.extent_shift < REMAPPED_FROM {
        return None;
    }
    // While there is something to be seen.
    heap.learn_from(extent);
    let used = if bytes < size { Use::Moved(0) } else { Use::Unknown };
    let new = heap.alloc_large(size, align, used).ok()?;
    if let Some(Place::Huge(to)) = space.place_of(new.start.addr().get()) {
        // The mapping moves with what was asked for it, so the same has to be noted of the extents
        // where it goes.
        heap.advise_alike(extent, to, (moved >> space.extent_shift) as u32);
    }
    // SAFETY: both are committed allocations of whole pages, the new one unused.
    unsafe { move_range(heap, start, new.start, moved) };
    // SAFETY: its contents are in the new one, but for a tail that is given up.
    unsafe { zero_beyond(heap, start, moved) };
    // SAFETY: as above.
    unsafe { heap.free_huge(extent) };
    Some(new.start)
}

/// Moves whole pages, in as few pieces as may be: what was moved before and has grown since is several
/// mappings to the system. A piece of an extent is copied where it cannot be moved.
///
/// # Safety
///
/// Both ranges are committed and of this family heap, the first not used any more, the second not yet, and
/// both start with an extent.
unsafe fn move_range(heap: &FamilyHeap, from: NonNull<u8>, to: NonNull<u8>, len: usize) {
    // SAFETY: passed on.
    if unsafe { heap.space.source.move_pages(from, to, len) } {
        return;
    }
    let half = (len / 2).next_multiple_of(heap.space.extent_bytes());
    if half < len {
        // SAFETY: within both ranges.
        let (from_behind, to_behind) = unsafe { (from.add(half), to.add(half)) };
        // SAFETY: passed on, for a part.
        unsafe { move_range(heap, from, to, half) };
        // SAFETY: passed on, for the rest.
        unsafe { move_range(heap, from_behind, to_behind, len - half) };
        return;
    }
    // SAFETY: passed on; they are parts of different allocations.
    unsafe { to.copy_from_nonoverlapping(from, len) };
    if heap.spec.zeroes_on_free() {
        // SAFETY: passed on.
        unsafe { from.write_bytes(0, len) };
    }
}
