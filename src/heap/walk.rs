//! Visiting every live object of a family, and sweeping it.
//!
//! A family knows its objects: a slot that is carved and not free is live. So a tracing collector needs no
//! list of its own. It marks, and then sweeps the family: the sweep visits the objects block by block in
//! address order and frees the unmarked ones 64 at a time. Before, the free slots of the calling thread
//! and of the lanes go to the bitmaps (at most 18 magazines for each cell), so that the bitmaps are
//! complete. If the magazines of another thread cannot be emptied from here, the walk fails. Objects in
//! the family's regions are not visited: a region walks its own.

use core::fmt;
use core::ptr::NonNull;

use crate::block::Block;
use crate::class;
use crate::family_key::FamilyKey;
use crate::lane::Lane;
use crate::space::map::View;
use crate::sync::Ordering;
use crate::table::FamilyTable;
use crate::thread::exit;

use super::used;

/// Another thread has magazines of the family, so the live slots cannot be determined.
///
/// # Examples
///
/// ```
/// use std::sync::mpsc::channel;
/// use famalloc::{alloc_family, walk, FamilyBox, InUseError};
///
/// #[alloc_family]
/// enum Lives {
///     Object,
/// }
///
/// let (made, wait) = channel();
/// let (go_on, gate) = channel::<()>();
/// let other = std::thread::spawn(move || {
///     drop(FamilyBox::<u32, _>::new_in(7, lives::Object));
///     made.send(()).unwrap();
///     gate.recv().unwrap();
/// });
/// wait.recv().unwrap();
/// assert_eq!(walk(lives::Object, |_, _| {}), Err(InUseError));
/// go_on.send(()).unwrap();
/// other.join().unwrap();
/// assert_eq!(walk(lives::Object, |_, _| {}), Ok(()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InUseError;

impl fmt::Display for InUseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("another thread uses this family")
    }
}

impl core::error::Error for InUseError {}

/// Calls `visit` with the address and the size of the slot of every live object of a family, in
/// address order, huge ones last.
///
/// O(blocks + live objects). If `visit` allocates or frees in the family, later addresses may be those of free
/// slots.
///
/// # Errors
///
/// [`InUseError`] if another thread has used the family and still runs, or did so in the process from
/// which this one was forked. Then nothing is visited. (Never without the feature `std`: see
/// [there](crate#without-the-standard-library).)
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, walk, FamilyBox};
///
/// #[alloc_family]
/// enum Lives {
///     Object,
/// }
///
/// let objects: Vec<_> = (0..100u64).map(|value| FamilyBox::<u64, _>::new_in(value, lives::Object)).collect();
/// let mut visited = Vec::new();
/// walk(lives::Object, |object, bytes| visited.push((object.addr().get(), bytes)))?;
/// assert_eq!(visited.len(), 100);
/// assert!(visited.is_sorted() && visited[0].1 == 8);
/// # drop(objects);
/// # Ok::<(), famalloc::InUseError>(())
/// ```
pub fn walk(
    family: impl FamilyKey,
    mut visit: impl FnMut(NonNull<u8>, usize),
) -> Result<(), InUseError> {
    let keep = |object, bytes| {
        visit(object, bytes);
        true
    };
    // SAFETY: nothing is declined.
    unsafe { sweep(family, keep) }.map(|_| ())
}

/// Visits every live object of a family like [`walk`], and frees those for which `keep`
/// returns `false`. Returns how many were freed.
///
/// O(blocks + live objects); each object costs a call of `keep` and one bit.
///
/// # Errors
///
/// [`InUseError`] if another thread has used the family and still runs, or did so in the process from
/// which this one was forked. Then nothing is visited.
///
/// # Safety
///
/// - Objects for which `keep` returns `false` are not used again, and nobody else frees them.
/// - Nothing is allocated or freed in the family while the sweep runs, neither by `keep` nor by another thread.
///   (`keep` may use every other family.)
///
/// If `keep` panics, up to 64 objects for which it returned `false` before are not freed.
///
/// # Examples
///
/// The sweep of a mark-sweep collector:
///
/// ```
/// use std::cell::Cell;
/// use famalloc::{alloc_family, sweep, FamilyBox, Snapshot};
///
/// #[alloc_family]
/// enum Lives {
///     Object,
/// }
///
/// #[alloc_family(Lives::Object)]
/// struct Object {
///     marked: Cell<bool>,
/// }
///
/// let heap: Vec<*mut Object> = (0..1000)
///     .map(|i| FamilyBox::into_raw(FamilyBox::new(Object { marked: Cell::new(i % 10 == 0) })))
///     .collect();
/// // SAFETY: all live objects of the family are `Object`s, and the unmarked ones are not used again.
/// let freed = unsafe {
///     sweep(lives::Object, |object, _| object.cast::<Object>().as_ref().marked.replace(false))
/// };
/// assert_eq!(freed, Ok(900));
/// assert_eq!(Snapshot::of::<Lives>().families[0].live_objects, 100);
/// # let _ = heap;
/// ```
pub unsafe fn sweep(
    family: impl FamilyKey,
    mut keep: impl FnMut(NonNull<u8>, usize) -> bool,
) -> Result<usize, InUseError> {
    let Some(family) = used(family) else { return Ok(0) };
    gather_free(family)?;
    let zero = family.heap.spec.zeroes_on_free();
    let mut decide = |object: NonNull<u8>, bytes: usize| {
        let kept = keep(object, bytes);
        if !kept && zero {
            // SAFETY: a live slot that is not used again (contract).
            unsafe { object.write_bytes(0, bytes) };
        }
        kept
    };
    let mut freed = 0;
    let space = family.heap.space;
    for extent in family.heap.extents() {
        let per_extent = space.granules_per_extent();
        for granule in extent * per_extent..(extent + 1) * per_extent {
            // Whose it is is asked of each granule: what was freed last may have been the last of the
            // extent, which may be another family's by now.
            match space.granule(granule).view() {
                View::Block(_) => freed += sweep_block(family, granule, &mut decide),
                View::Large(large) => {
                    if !large.is_of(&family.heap) {
                        continue;
                    }
                    if !decide(space.granule_start(granule), large.bytes()) {
                        // SAFETY: this family's, and not used again (contract).
                        unsafe { family.heap.free_large(granule) };
                        freed += 1;
                    }
                }
                View::Free | View::Tail | View::Chunk(_) => {}
            }
        }
    }
    for extent in family.heap.huge_allocations() {
        let bytes = space.extent(extent).bytes.load(Ordering::Relaxed);
        if !decide(space.extent_start(extent), bytes) {
            // SAFETY: this family's, and not used again (contract).
            unsafe { family.heap.free_huge(extent) };
            freed += 1;
        }
    }
    Ok(freed)
}

/// Sweeps one block.
#[inline]
fn sweep_block(
    family: &FamilyTable,
    granule: u32,
    decide: &mut impl FnMut(NonNull<u8>, usize) -> bool,
) -> usize {
    let block = Block::find(family.heap.space, granule);
    let Some(lane) = block.and_then(Lane::of) else { return 0 };
    if !core::ptr::eq(lane.heap, &raw const family.heap) {
        return 0;
    }
    let bytes = class::slot_size(lane.class);
    let (mut word, mut dead, mut freed) = (0, 0u64, 0);
    while let Some(live) = lane.step(granule, word, dead) {
        dead = 0;
        for (object, bit) in live.live() {
            if !decide(object, bytes) {
                dead |= bit;
            }
        }
        freed += dead.count_ones() as usize;
        word += 1;
    }
    freed
}

/// Has every free slot of a family marked as free in its block.
fn gather_free(family: &'static FamilyTable) -> Result<(), InUseError> {
    exit::close_dead_users(family);
    // Nobody moves slots between lanes meanwhile.
    let _still = family.hold_still();
    // A cache of another thread may hold free slots, and nobody but that thread may look.
    if !exit::is_only_user(family) || family.has_orphans() {
        return Err(InUseError);
    }
    exit::unload_caches_of(family);
    for class in family.classes() {
        // Gathering may post slots to a lane that was gathered before. Where there is no memory to sort them by
        // owner, a magazine goes from one owner to the next, and each takes out what is its own: so there is less
        // in the mail each time.
        loop {
            family.lanes(class).for_each(Lane::gather_free);
            if !family.lanes(class).any(Lane::has_mail) {
                break;
            }
        }
    }
    Ok(())
}
