//! Freeing a whole family at once.
//!
//! A phase that ends frees everything it has allocated. Freeing its objects one by one, or sweeping them,
//! visits each of them. But a family has its blocks to itself, so whole blocks can be freed instead.
//!
//! ```text
//! 1  magazines of the calling thread   --> empty          addresses dropped, none flushed
//! 2  depots, remote batches, mailboxes --> empty          cell by cell, all lanes of a cell locked
//! 3  blocks                            --> free granules  bitmaps cleared
//! 4  large and huge allocations        --> free granules, free extents
//! ```
//!
//! All structures are consistent between any two steps: a dropped address looks like a live object until its
//! block is freed. So another thread may take a snapshot, check or reclaim in between. Only a reclaim could
//! hold free slots where no other thread sees them; it is kept out.

use core::ptr::{self, NonNull};

use crate::block::Block;
use crate::family_key::FamilyKey;
use crate::lane::Lane;
use crate::space::map::View;
use crate::sync::Ordering;
use crate::table::FamilyTable;
use crate::thread::exit;

use super::used;
use super::walk::InUseError;

/// Frees every object of family `F` at once, without running destructors. Returns the number of objects.
///
/// For phases whose handles are forgotten, not dropped: references made by [`FamilyBox::leak`], addresses
/// from [`alloc_in`]. O(blocks + bitmap words of blocks in which something was freed before + large
/// allocations + extents of the reservation). No object is touched, except that a family with
/// `zero_on_free` zeroes the freed memory. The memory is free at once, is retained, and no longer counts
/// against a limit. An isolated family keeps its addresses. Other families and the family's regions are
/// not affected.
///
/// A slot that was freed twice before, and is still in a magazine, is no longer detected.
///
/// # Why it is not safe
///
/// A handle like [`FamilyBox`] has no lifetime. Safe code can create one anywhere and hide it anywhere, so
/// no guard can prove that none exists. Where handles borrow from their owner this can be proved, but then
/// they are the handles of an arena and not of a family.
///
/// # Errors
///
/// [`InUseError`] if another thread has used the family and still runs. Then nothing has changed.
///
/// # Safety
///
/// - No object that is in `F` now is used again: it is not read, written, dropped, freed or resized. So
///   each handle that owns memory of `F`, on any thread and in any static or thread-local, has been
///   forgotten (`mem::forget`, [`FamilyBox::leak`], `into_raw`), and no reference into an object is used
///   again, leaked ones included.
/// - Destructors do not run. No object relies on its own: none is pinned unless it is `Unpin`, and
///   nothing else refers to one until its destructor says otherwise.
/// - No other thread allocates, frees, resizes, walks or sweeps in `F` meanwhile.
///
/// # Examples
///
/// An interpreter that forgets all its tokens at the end of a phase:
///
/// ```
/// use famalloc::{alloc_family, free_all, FamilyBox, Snapshot};
///
/// #[alloc_family]
/// enum Lives {
///     Token,
///     Program,
/// }
///
/// #[alloc_family(Lives::Token)]
/// struct Token<'phase> {
///     text: &'phase str,
///     next: Option<&'phase Token<'phase>>,
/// }
///
/// /// Tokens refer to each other as they please: nobody owns one.
/// fn scan<'phase>(source: &'phase str) -> Option<&'phase Token<'phase>> {
///     source.split_whitespace().rev().fold(None, |next, text| {
///         Some(&*FamilyBox::leak(FamilyBox::new(Token { text, next })))
///     })
/// }
///
/// let mut sums = Vec::new();
/// for source in ["1 2 3", "4 5 6 7"] {
///     let tokens = std::iter::successors(scan(source), |token| token.next);
///     let sum = tokens.filter_map(|token| token.text.parse::<u64>().ok()).sum();
///     sums.push(FamilyBox::<u64, _>::new_in(sum, lives::Program));
///
///     // SAFETY: no token is used after this line, no other thread has any, and a token has nothing
///     // to drop.
///     let freed = unsafe { free_all(lives::Token) };
///     assert_eq!(freed, Ok(source.split_whitespace().count()));
/// }
/// assert_eq!((*sums[0], *sums[1]), (6, 22));
/// assert_eq!(Snapshot::of::<Lives>().family("Token").unwrap().committed_bytes, 0);
/// ```
///
/// [`FamilyBox`]: crate::FamilyBox
/// [`FamilyBox::leak`]: crate::FamilyBox::leak
/// [`alloc_in`]: crate::alloc_in
pub unsafe fn free_all(family: impl FamilyKey) -> Result<usize, InUseError> {
    let Some(family) = used(family) else { return Ok(0) };
    exit::close_dead_users(family);
    let _still = family.hold_still();
    // A cache of another thread may hold free slots, and nobody but that thread may touch it.
    if !exit::is_only_user(family) {
        return Err(InUseError);
    }
    // All in all: a block that is about to go must not get an old slot back.
    let first_lanes = family.classes().filter_map(|class| family.lanes(class).next());
    let forgotten =
        exit::forget_caches_of(family) + first_lanes.map(Lane::forget_parked).sum::<usize>();
    // SAFETY: passed on; nothing is parked any more, and the lanes are held still.
    let freed = unsafe { free_extents(family) };
    // SAFETY: passed on.
    let huge = unsafe { free_huge(family) };
    family.forget_orphans();
    // What was forgotten was free before.
    Ok((freed + huge).saturating_sub(forgotten))
}

/// Frees all blocks and large allocations; returns how many slots and allocations were in use.
///
/// # Safety
///
/// As for [`free_all`], and no slot of the family is parked. The lanes are held still.
unsafe fn free_extents(family: &'static FamilyTable) -> usize {
    let space = family.heap.space;
    let per_extent = space.granules_per_extent();
    let mut freed = 0;
    for extent in family.heap.extents() {
        for granule in extent * per_extent..(extent + 1) * per_extent {
            // Whose it is is asked of each granule: what was freed last may have been the last of the
            // extent, which may be another family's by now.
            match space.granule(granule).view() {
                View::Block(_) => {
                    let lane = Block::find(space, granule).and_then(Lane::of);
                    let own = |lane: &&Lane| ptr::eq(lane.heap, &raw const family.heap);
                    if let Some(lane) = lane.filter(own) {
                        // SAFETY: passed on.
                        freed += unsafe { lane.free_block(granule) };
                    }
                }
                View::Large(large) => {
                    if large.is_of(&family.heap) {
                        // SAFETY: a live allocation of this family that is not used again (contract).
                        unsafe { zero(family, space.granule_start(granule), large.bytes()) };
                        // SAFETY: as above.
                        unsafe { family.heap.free_large(granule) };
                        freed += 1;
                    }
                }
                View::Free | View::Tail | View::Chunk(_) => {}
            }
        }
    }
    freed
}

/// Frees all huge allocations; returns how many there were.
///
/// # Safety
///
/// As for [`free_all`].
unsafe fn free_huge(family: &FamilyTable) -> usize {
    let space = family.heap.space;
    let mut freed = 0;
    for extent in family.heap.huge_allocations() {
        let bytes = space.extent(extent).bytes.load(Ordering::Relaxed);
        // SAFETY: a live allocation of this family that is not used again (contract).
        unsafe { zero(family, space.extent_start(extent), bytes) };
        // SAFETY: as above.
        unsafe { family.heap.free_huge(extent) };
        freed += 1;
    }
    freed
}

/// Zeroes what is about to be freed, if the family wishes that.
///
/// # Safety
///
/// So many bytes at `start` are nobody's to use any more.
unsafe fn zero(family: &FamilyTable, start: NonNull<u8>, bytes: usize) {
    if family.heap.spec.zeroes_on_free() {
        // SAFETY: passed on.
        unsafe { start.write_bytes(0, bytes) };
    }
}
