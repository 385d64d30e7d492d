//! Checks of allocations, where there is time for one.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::block::Block;
use crate::class;
use crate::error::FreeError;
use crate::family_set::FamilySet;
use crate::heap::query::{self, QueryKind, find};
use crate::space::owner_tags::Cell;
use crate::table::SetTable;
use crate::thread::CacheSlots;

/// Whether a slot of the set may be in use, as far as a short look tells: it is where a slot is, its block
/// does not know it as free, and it is not the one that the thread freed last.
#[inline]
pub(super) fn look<S: FamilySet>(cell: Cell, start: NonNull<u8>) -> Result<(), FreeError> {
    if gave_last::<S>(cell, start) {
        return Err(FreeError::AlreadyFree);
    }
    look_at_block(S::table(), cell, start)
}

/// Whether it is the one that the thread freed last.
#[inline]
pub(super) fn gave_last<S: FamilySet>(cell: Cell, start: NonNull<u8>) -> bool {
    // SAFETY: the calling thread's cache slots; a cell of this set is of a family of it.
    let cache_slot = unsafe { CacheSlots::cache_slot_of(S::cache_slots(), cell.family()) };
    // SAFETY: a cell has a class, scaled.
    unsafe { cache_slot.head_at(cell.scaled_class()) }.gave_last(start.as_ptr())
}

/// Whether a slot is where its block has one that it does not know as free.
#[inline(never)]
pub(super) fn look_at_block(
    set: &'static SetTable,
    cell: Cell,
    start: NonNull<u8>,
) -> Result<(), FreeError> {
    // By the block's own books, since an owner tag says the same for every byte of a granule.
    let in_use = || {
        let space = set.used(cell.family())?.heap.space;
        let (granule, desc, offset) = space.lookup().head_of(start.addr().get())?;
        let block = Block::find_of(space, granule, desc)?;
        let slot = block.carved_slot(class::Divisor::of(cell.class()), offset)?;
        Some(!block.is_free(slot))
    };
    match in_use() {
        Some(true) => Ok(()),
        _ => why_not(set, cell.family(), cell.class(), start),
    }
}

/// What is wrong with a slot.
#[cold]
fn why_not(
    set: &'static SetTable,
    family: usize,
    class: usize,
    start: NonNull<u8>,
) -> Result<(), FreeError> {
    let layout = Layout::from_size_align(class::slot_size(class), 1);
    query::live(set, family, start, layout.unwrap_or(Layout::new::<u8>()))
}

/// The usable bytes of the allocation at `start`, like [`usable_size`](super::usable_size), after a check
/// that there is an allocation. Fastest for memory of `S`.
///
/// # Errors
///
/// If there is no allocation at `start`, as far as that is detected: a slot that was freed a while ago may
/// still look like one.
///
/// # Examples
///
/// ```
/// use core::ptr::NonNull;
/// use famalloc::{FreeError, alloc_family, raw};
///
/// #[alloc_family]
/// enum Lives {
///     General,
/// }
///
/// let start = raw::alloc_bytes_in_scope::<Lives>(41).expect("41 bytes");
/// assert_eq!(raw::usable_bytes::<Lives>(start), Ok(48));
/// // SAFETY: within what was allocated above, which is not used again.
/// unsafe {
///     let inside = FreeError::Interior { offset: 8 };
///     assert_eq!(raw::usable_bytes::<Lives>(start.add(8)), Err(inside));
///     raw::free::<Lives>(start)?;
/// }
/// assert_eq!(raw::usable_bytes::<Lives>(start), Err(FreeError::AlreadyFree));
/// assert_eq!(raw::usable_bytes::<Lives>(NonNull::dangling()), Err(FreeError::Foreign));
/// # Ok::<(), FreeError>(())
/// ```
pub fn usable_bytes<S: FamilySet>(start: NonNull<u8>) -> Result<usize, FreeError> {
    if let Some(cell) = S::table().cell_at(start.addr().get(), S::FAMILIES.len()) {
        return look::<S>(cell, start).map(|()| class::slot_size(cell.class()));
    }
    let (_, found, _) = find(start.addr().get())?;
    match found.kind {
        QueryKind::Region => Err(FreeError::InRegion),
        _ if found.offset != 0 => Err(FreeError::Interior { offset: found.offset }),
        _ => Ok(found.slot_bytes),
    }
}

/// Checks everything that the calling thread has freed and that is still in its magazines or in lanes
/// where no thread is at work: whether anything is there twice, is already free, or is not a slot. If an
/// error is found while magazines from other threads are opened, the process aborts as usual.
///
/// A wrong free is detected when the slot returns to its block. A program that ends before learns of it
/// only by this check. The C library runs it when the program ends.
///
/// # Errors
///
/// The first address that was freed wrongly, and why.
///
/// # Examples
///
/// ```
/// use famalloc::{FreeError, alloc_family, raw};
///
/// #[alloc_family]
/// enum Lives {
///     General,
/// }
///
/// let [one, other] = [100, 100].map(|size| raw::alloc_bytes_in_scope::<Lives>(size).unwrap());
/// // SAFETY: allocated above, and not used again.
/// unsafe {
///     raw::free::<Lives>(one)?;
///     raw::free::<Lives>(other)?;
/// }
/// assert_eq!(raw::check_freed(), Ok(()));
/// # Ok::<(), FreeError>(())
/// ```
pub fn check_freed() -> Result<(), (NonNull<u8>, FreeError)> {
    crate::heap::freed::check()
}
