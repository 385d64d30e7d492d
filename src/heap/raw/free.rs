//! Freeing by address alone.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::abort;
use crate::block::Block;
use crate::class;
use crate::error::FreeError;
use crate::family_set::FamilySet;
use crate::lane::Lane;
use crate::space::owner_tags::Cell;
use crate::space::window::Place;
use crate::thread::head::Pushed;
use crate::thread::{self, CacheSlots, give_slowly};

use crate::heap::large;
use crate::heap::query::{self, QueryKind, find};

use super::look::{gave_last, look_at_block};

/// Frees memory by its address alone, whatever its set and family. Fastest for memory of `S`.
///
/// # Errors
///
/// If the address is not famalloc's ([`FreeError::Foreign`]), or not that of an allocation, as far as that
/// is detected (see the [module](crate::raw)). Then nothing is changed.
///
/// # Safety
///
/// If `start` is an address of famalloc's, it was allocated with a size above 0, is the caller's to free,
/// and is not used again.
///
/// # Examples
///
/// ```
/// use core::alloc::Layout;
/// use core::ptr::NonNull;
/// use famalloc::{alloc_family, raw, FreeError, RawAlloc};
///
/// #[alloc_family]
/// enum Lives {
///     Request,
/// }
///
/// let start = lives::Request.alloc(Layout::new::<u64>())?;
/// let mut local = 0u64;
/// // SAFETY: the first was allocated above, and is not used again; the other is nothing of famalloc's.
/// unsafe {
///     assert_eq!(raw::free::<Lives>(start), Ok(()));
///     let local = NonNull::from(&mut local).cast();
///     assert_eq!(raw::free::<Lives>(local), Err(FreeError::Foreign));
/// }
/// # Ok::<(), famalloc::AllocError>(())
/// ```
#[inline(always)]
pub unsafe fn free<S: FamilySet>(start: NonNull<u8>) -> Result<(), FreeError> {
    let mut result = Ok(());
    // SAFETY: passed on.
    unsafe { free_or_else::<S>(start.as_ptr(), |_, error| result = Err(error)) };
    result
}

/// [`free`] that calls `refused` with the address and the error if the memory cannot be freed. Does
/// nothing if `start` is null.
///
/// # Safety
///
/// As for [`free`].
///
/// # Examples
///
/// ```
/// use core::alloc::Layout;
/// use famalloc::{alloc_family, raw, RawAlloc};
///
/// #[alloc_family]
/// enum Lives {
///     Request,
/// }
///
/// let start = lives::Request.alloc(Layout::new::<u64>())?.as_ptr();
/// // SAFETY: allocated above, and not used again.
/// unsafe { raw::free_or_else::<Lives>(start, |start, error| raw::refuse("free", start, error)) };
/// # Ok::<(), famalloc::AllocError>(())
/// ```
#[inline(always)]
pub unsafe fn free_or_else<S: FamilySet>(
    start: *mut u8,
    refused: impl FnOnce(NonNull<u8>, FreeError),
) {
    let Some(cell) = S::table().cell_near(start.addr(), S::FAMILIES.len()) else {
        // SAFETY: passed on.
        return unsafe { free_far::<S>(start, refused) };
    };
    // SAFETY: passed on.
    unsafe { free_of_cell::<S>(cell.family(), cell.scaled_class(), start, refused) };
}

/// [`free_or_else`] of what is not near.
///
/// # Safety
///
/// As for [`free`].
#[cold]
#[inline(never)]
unsafe fn free_far<S: FamilySet>(start: *mut u8, refused: impl FnOnce(NonNull<u8>, FreeError)) {
    match S::table().cell_far(start.addr(), S::FAMILIES.len()) {
        Some(cell) => {
            // SAFETY: passed on.
            unsafe { free_of_cell::<S>(cell.family(), cell.scaled_class(), start, refused) };
        }
        // SAFETY: passed on.
        None => unsafe { free_elsewhere_or(start, refused) },
    }
}

/// Frees what lies in a block of the set.
///
/// # Safety
///
/// As for [`free`]; the family and the class, which is scaled, are those of the block at the address.
#[inline(always)]
unsafe fn free_of_cell<S: FamilySet>(
    family: usize,
    scaled: usize,
    start: *mut u8,
    refused: impl FnOnce(NonNull<u8>, FreeError),
) {
    let table = S::table();
    // SAFETY: memory of a block is not at null.
    let start = unsafe { NonNull::new_unchecked(start) };
    if cfg!(debug_assertions) {
        if let Err(error) = query::slot_is_live(table, family, scaled >> class::SCALE, start) {
            return refused(start, error);
        }
    }
    // SAFETY: a cell of this set is of a family of it, and has a class, scaled.
    let at = unsafe { S::read_head(family, scaled) };
    // SAFETY: read just now.
    match unsafe { at.head() }.push_another(start) {
        Pushed::Done => {}
        // SAFETY: passed on.
        Pushed::NoRoom => unsafe { free_slowly::<S>(start, refused) },
        Pushed::Again => freed_again(start, refused),
    }
}

/// [`free_of_cell`] where the fast path has no room. The cell is looked up again, so that the fast path need not
/// keep the class.
///
/// # Safety
///
/// As for [`free`].
#[cold]
#[inline(never)]
unsafe fn free_slowly<S: FamilySet>(
    start: NonNull<u8>,
    refused: impl FnOnce(NonNull<u8>, FreeError),
) {
    let table = S::table();
    let Some(cell) = table.cell_at(start.addr().get(), S::FAMILIES.len()) else {
        // Its block has gone since, by another's free of the same slot.
        return freed_again(start, refused);
    };
    // Where there is no room the fast path has not looked.
    if gave_last::<S>(cell, start) {
        return freed_again(start, refused);
    }
    // SAFETY: the calling thread's cache slots; a cell of this set is of a family of it.
    let cache_slot = unsafe { CacheSlots::cache_slot_of(S::cache_slots(), cell.family()) };
    let class = cell.scaled_class() >> class::SCALE;
    // SAFETY: passed on.
    unsafe { give_slowly(start, cache_slot, table, cell.family(), class) }
}

/// What a C caller says about the size of the memory that it frees.
///
/// # Examples
///
/// See [`free_bytes_or_else`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nothing.
    Nothing,
    /// It was allocated with this size, and has not been resized.
    Exactly(usize),
    /// It has at least this many bytes.
    AtLeast(usize),
}

/// A claim of less than this is checked in a few instructions. A larger claim is checked out of line, and
/// then an address at which no slot starts is detected, too.
#[doc(hidden)]
pub const QUICK_CLAIM: usize = class::FINE + 1;

impl Claim {
    /// Whether a slot may be what is claimed, as far as a look at its class tells. (Where the size is known it is
    /// not asked: then the class is.)
    #[inline(always)]
    fn suits(self, cell: Cell) -> bool {
        match self {
            Self::Nothing => true,
            Self::Exactly(size) => class::of_small_c_size(size) == Some(cell.scaled_class()),
            Self::AtLeast(size) => {
                class::of_small_c_size(size).is_some_and(|of_size| of_size <= cell.scaled_class())
            }
        }
    }

    /// Whether a slot of this class may be what is claimed, whatever the size.
    fn suits_class(self, class: usize) -> bool {
        match self {
            Self::Nothing => true,
            Self::Exactly(size) => class::of_c_size(size) == Some(class),
            Self::AtLeast(size) => class::of_c_size(size).is_some_and(|of_size| of_size <= class),
        }
    }
}

/// [`free_or_else`] for memory that was allocated as C does it, by [`alloc_bytes_in_scope`] and its
/// variants, with a claim about its size. So two more errors are detected at once: an address at which no
/// C object can start, and a size that is not that of the slot.
///
/// [`alloc_bytes_in_scope`]: super::alloc_bytes_in_scope
///
/// # Safety
///
/// As for [`free`].
///
/// # Examples
///
/// ```
/// use famalloc::raw::{self, Claim};
/// use famalloc::{FreeError, alloc_family};
///
/// #[alloc_family]
/// enum Lives {
///     General,
/// }
///
/// let start = raw::alloc_bytes_in_scope::<Lives>(100).expect("100 bytes").as_ptr();
/// let mut errors = Vec::new();
/// // SAFETY: allocated above, and not used again; the first three are refused.
/// unsafe {
///     raw::free_bytes_or_else::<Lives>(start.add(1), Claim::Nothing, |_, error| errors.push(error));
///     raw::free_bytes_or_else::<Lives>(start, Claim::Exactly(40), |_, error| errors.push(error));
///     raw::free_bytes_or_else::<Lives>(start, Claim::AtLeast(200), |_, error| errors.push(error));
///     raw::free_bytes_or_else::<Lives>(start, Claim::Exactly(100), |_, error| errors.push(error));
/// }
/// assert_eq!(errors[0], FreeError::Interior { offset: 1 });
/// assert!(matches!(errors[1..], [FreeError::WrongLayout { .. }, FreeError::WrongLayout { .. }]));
/// ```
#[inline(always)]
pub unsafe fn free_bytes_or_else<S: FamilySet>(
    start: *mut u8,
    claim: Claim,
    refused: impl FnOnce(NonNull<u8>, FreeError),
) {
    if let Claim::Exactly(size) = claim {
        // SAFETY: passed on.
        return unsafe { free_exactly::<S>(start, size, refused) };
    }
    match S::table().cell_of_c_object_near(start.addr(), S::FAMILIES.len()) {
        Some(cell) if claim.suits(cell) => {
            // SAFETY: passed on.
            unsafe { free_of_cell::<S>(cell.family(), cell.scaled_class(), start, refused) };
        }
        // SAFETY: passed on.
        _ => unsafe { free_looked_at::<S>(start, claim, refused) },
    }
}

/// Frees what was allocated with this size: the class is that of the size, or there is something to look at.
///
/// # Safety
///
/// As for [`free`].
#[inline(always)]
unsafe fn free_exactly<S: FamilySet>(
    start: *mut u8,
    size: usize,
    refused: impl FnOnce(NonNull<u8>, FreeError),
) {
    if let Some(scaled) = class::of_small_c_size(size) {
        let families = S::FAMILIES.len();
        if let Some(family) = S::table().family_of_c_object_near(start.addr(), scaled, families) {
            // SAFETY: passed on.
            return unsafe { free_of_cell::<S>(family, scaled, start, refused) };
        }
    }
    // SAFETY: passed on.
    unsafe { free_looked_at::<S>(start, Claim::Exactly(size), refused) };
}

/// Frees what lies far away, or in no block of the set, or is not what is claimed as far as its class tells: after a
/// look at it, if anything is claimed.
///
/// # Safety
///
/// As for [`free`].
#[cold]
#[inline(never)]
unsafe fn free_looked_at<S: FamilySet>(
    start: *mut u8,
    claim: Claim,
    refused: impl FnOnce(NonNull<u8>, FreeError),
) {
    let Some(memory) = NonNull::new(start) else { return };
    // Where no object of C's can start, there may be another's.
    let starts = start.addr() % class::C_ALIGN == 0;
    let cell = if starts { S::table().cell_at(start.addr(), S::FAMILIES.len()) } else { None };
    let looked_at = match cell {
        _ if claim == Claim::Nothing => Ok(()),
        Some(cell) if claim.suits(cell) => Ok(()),
        Some(cell) if claim.suits_class(cell.class()) => look_at_block(S::table(), cell, memory),
        _ => look_at_claim(memory, claim),
    };
    if let Err(error) = looked_at {
        return refused(memory, error);
    }
    match cell {
        Some(cell) => {
            // SAFETY: passed on.
            unsafe { free_of_cell::<S>(cell.family(), cell.scaled_class(), start, refused) };
        }
        // SAFETY: passed on.
        None => unsafe { free_elsewhere_or(start, refused) },
    }
}

/// Whether an allocation starts there, and is what is claimed.
fn look_at_claim(start: NonNull<u8>, claim: Claim) -> Result<(), FreeError> {
    let (space, found, _) = find(start.addr().get())?;
    if found.kind == QueryKind::Region {
        return Err(FreeError::InRegion);
    }
    if found.offset != 0 {
        return Err(FreeError::Interior { offset: found.offset });
    }
    let (size, least) = match claim {
        Claim::Nothing => return Ok(()),
        Claim::Exactly(size) => (size, false),
        Claim::AtLeast(size) => (size, true),
    };
    let layout = Layout::from_size_align(size.max(1), class::C_ALIGN);
    let layout = layout.unwrap_or(Layout::new::<u8>());
    let is_so = match class::of_layout(layout) {
        _ if least => size <= found.slot_bytes,
        Some(class) => found.kind == QueryKind::Slot && class::slot_size(class) == found.slot_bytes,
        None => {
            let pages = layout.size().checked_next_multiple_of(space.page_size());
            found.kind != QueryKind::Slot && pages == Some(found.slot_bytes)
        }
    };
    let slot_bytes = found.slot_bytes;
    if is_so { Ok(()) } else { Err(FreeError::WrongLayout { slot_bytes, layout }) }
}

#[cold]
#[inline(never)]
fn freed_again(start: NonNull<u8>, refused: impl FnOnce(NonNull<u8>, FreeError)) {
    refused(start, FreeError::AlreadyFree);
}

/// # Safety
///
/// As for [`free`].
#[cold]
#[inline(never)]
unsafe fn free_elsewhere_or(start: *mut u8, refused: impl FnOnce(NonNull<u8>, FreeError)) {
    let Some(start) = NonNull::new(start) else { return };
    // SAFETY: passed on.
    if let Err(error) = unsafe { free_elsewhere(start) } {
        refused(start, error);
    }
}

/// Frees what is no plain slot of the set.
///
/// # Safety
///
/// As for [`free`].
#[cold]
#[inline(never)]
pub(super) unsafe fn free_elsewhere(start: NonNull<u8>) -> Result<(), FreeError> {
    thread::attend();
    let (space, found, owner) = find(start.addr().get())?;
    if found.kind == QueryKind::Region {
        return Err(FreeError::InRegion);
    }
    if found.offset != 0 {
        return Err(FreeError::Interior { offset: found.offset });
    }
    let Some(Place::Block(granule)) = space.place_of(found.slot) else {
        // SAFETY: live large memory of this family heap, not used any more (contract).
        unsafe { large::free_whole(owner, start) };
        return Ok(());
    };
    let block = Block::find(space, granule).ok_or(FreeError::AlreadyFree)?;
    if block.is_free((found.slot - block.start().addr().get()) / found.slot_bytes) {
        return Err(FreeError::AlreadyFree);
    }
    if owner.spec.zeroes_on_free() {
        // SAFETY: the slot has that many bytes, and nobody uses them any more (contract).
        unsafe { start.write_bytes(0, found.slot_bytes) };
    }
    if space.is_given_up() {
        return Ok(());
    }
    let lane = Lane::of(block).ok_or(FreeError::AlreadyFree)?;
    lane.free_unbuffered(start);
    Ok(())
}

/// Writes the reason why a pointer cannot be freed to standard error, and aborts: for callers that cannot
/// return an error.
///
/// # Examples
///
/// ```no_run
/// use core::ptr::NonNull;
/// use famalloc::{alloc_family, raw};
///
/// #[alloc_family]
/// enum Lives {
///     Request,
/// }
///
/// fn free(start: NonNull<u8>) {
///     // SAFETY: the callers of this function free what they allocated.
///     if let Err(error) = unsafe { raw::free::<Lives>(start) } {
///         raw::refuse("free", start, error);
///     }
/// }
/// # free(NonNull::dangling());
/// ```
#[cold]
pub fn refuse(caller: &str, start: NonNull<u8>, error: FreeError) -> ! {
    let place = query::query(start.as_ptr()).map(|found| {
        let kind = match found.kind {
            QueryKind::Slot => "in a slot",
            QueryKind::Large | QueryKind::Huge => "in an allocation",
            QueryKind::Region => "in a region's chunk",
        };
        (kind, found.slot_bytes, abort::Name { set: found.set, family: found.family })
    });
    abort::wrong_call(caller, start, place, error)
}
