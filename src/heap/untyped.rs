//! Memory whose family, size or both are known at run time only: what the global allocator and the C
//! interface are made of.
//!
//! Allocating asks for the family as a value of the set, or takes that of the scope the thread is in.
//! Freeing needs the address alone. Each granule of a block says in one word of the block map which
//! set, family and class its slots are of, so that a free is a load more than a typed one, and then the
//! same push into the thread's magazine. What is not a slot of this set is looked at out of line: large
//! memory, slots of other sets (which go straight home, under their lane's lock), and what is not
//! famalloc's at all, which is the caller's to deal with.
//!
//! A slot is not looked at when it is freed, as little as in [`free_in`](crate::free_in): an interior
//! pointer or a double free is noticed at once in builds with debug assertions, and otherwise when the
//! magazine is dispersed.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::block::Block;
use crate::class;
use crate::error::{AllocError, AllocErrorKind, FreeError};
use crate::family::FamilySet;
use crate::lane::Lane;
use crate::os::die;
use crate::scope;
use crate::space::Space;
use crate::space::holding::Holding;
use crate::space::map::{Cell, Place};
use crate::table::SetTable;
use crate::thread::{Homes, RowHome, give_slowly, take_slowly};

pub use super::by_value::{alloc_bytes, family_at, free_all, walk};

use super::large;
use super::query::{self, Query, QueryKind, find_in};

/// Takes a slot of a class in the family with this position.
#[inline(always)]
fn take_at<S: FamilySet>(family: usize, class: usize) -> Result<NonNull<u8>, AllocError> {
    // SAFETY: the calling thread's homes (contract of `FamilySet`); positions come from the set.
    let home = unsafe { Homes::home_of(S::homes(), family) };
    // SAFETY: classes come from `class::of_layout`.
    match unsafe { home.row().head(class) }.pop() {
        Some(slot) => Ok(slot),
        None => take_slowly(home, S::table(), family, class),
    }
}

/// [`take_at`] for who does not ask why.
#[inline(always)]
fn take_any_at<S: FamilySet>(family: usize, class: usize) -> Option<NonNull<u8>> {
    // SAFETY: as above.
    let home = unsafe { Homes::home_of(S::homes(), family) };
    // SAFETY: as above.
    match unsafe { home.row().head(class) }.pop() {
        Some(slot) => Some(slot),
        None => take_any_slowly(home, S::table(), family, class),
    }
}

/// A pointer or null is returned in a register.
#[cold]
#[inline(never)]
fn take_any_slowly(
    home: &RowHome,
    set: &'static SetTable,
    family: usize,
    class: usize,
) -> Option<NonNull<u8>> {
    take_slowly(home, set, family, class).ok()
}

#[inline(always)]
fn alloc_at<S: FamilySet>(family: usize, layout: Layout) -> Result<NonNull<u8>, AllocError> {
    match class::of_layout(layout) {
        Some(class) => take_at::<S>(family, class),
        None => alloc_unclassed(S::table(), family, layout),
    }
}

/// Allocates what has no class.
#[cold]
#[inline(never)]
fn alloc_unclassed(
    set: &'static SetTable,
    family: usize,
    layout: Layout,
) -> Result<NonNull<u8>, AllocError> {
    if layout.size() == 0 {
        return Ok(super::alloc::dangling(layout.align()));
    }
    large::alloc(set, family, layout.size(), layout.align()).map(|large| large.start)
}

#[inline(always)]
fn alloc_zeroed_at<S: FamilySet>(family: usize, layout: Layout) -> Result<NonNull<u8>, AllocError> {
    match class::of_layout(layout) {
        Some(class) => {
            let slot = take_at::<S>(family, class)?;
            // SAFETY: a slot of the class has at least the layout's size.
            unsafe { slot.write_bytes(0, layout.size()) };
            Ok(slot)
        }
        None if layout.size() == 0 => Ok(super::alloc::dangling(layout.align())),
        None => large::alloc_zeroed(S::table(), family, layout.size(), layout.align()),
    }
}

/// Allocates memory of a layout in a family that is known at run time. Any alignment is served.
///
/// A size of 0 gets a well-aligned address of no memory, which is not to be freed. Otherwise like
/// [`alloc_layout_in`](crate::alloc_layout_in).
///
/// # Errors
///
/// When the size is too large, the family's limit is reached, or the page source refuses.
///
/// # Examples
///
/// ```
/// use core::alloc::Layout;
/// use famalloc::{alloc_family, query, untyped};
///
/// #[alloc_family]
/// enum Lives {
///     Request,
///     Session,
/// }
///
/// let lives = if cfg!(test) { Lives::Request } else { Lives::Session };
/// let start = untyped::alloc(&lives, Layout::new::<[u64; 5]>())?;
/// assert_eq!(query(start.as_ptr()).unwrap().slot_bytes, 40);
/// // SAFETY: allocated above, and not used again.
/// unsafe { untyped::free::<Lives>(start)? };
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline]
pub fn alloc<S: FamilySet>(family: &S, layout: Layout) -> Result<NonNull<u8>, AllocError> {
    alloc_at::<S>(family.index(), layout)
}

/// [`alloc`] with the memory set to zero; large memory that comes fresh from the system is not written
/// again.
///
/// # Errors
///
/// As for [`alloc`].
///
/// # Examples
///
/// ```
/// use core::alloc::Layout;
/// use famalloc::{alloc_family, untyped};
///
/// #[alloc_family]
/// enum Lives {
///     Request,
/// }
///
/// let start = untyped::alloc_zeroed(&Lives::Request, Layout::new::<u64>())?;
/// // SAFETY: allocated above, eight zeros, and not used after it was freed.
/// unsafe {
///     assert_eq!(start.cast::<u64>().read(), 0);
///     untyped::free::<Lives>(start)?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline]
pub fn alloc_zeroed<S: FamilySet>(family: &S, layout: Layout) -> Result<NonNull<u8>, AllocError> {
    alloc_zeroed_at::<S>(family.index(), layout)
}

/// [`alloc`] in the family of the scope that the calling thread is in; outside of any, in the set's
/// fallback.
///
/// # Errors
///
/// As for [`alloc`].
///
/// # Examples
///
/// See [`ScopeGuard`](crate::ScopeGuard).
#[inline(always)]
pub fn alloc_in_scope<S: FamilySet>(layout: Layout) -> Result<NonNull<u8>, AllocError> {
    alloc_at::<S>(scope::current::<S>(), layout)
}

/// [`alloc_in_scope`] as C's `malloc` has it: so many bytes, aligned for any object that fits: to 16
/// bytes, or to 8 where it is of 8 or less. A size of 0 is served as one of 1. `None` where it is refused.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, untyped};
///
/// #[alloc_family]
/// enum Lives {
///     General,
/// }
///
/// let start = untyped::alloc_bytes_in_scope::<Lives>(100).expect("100 bytes");
/// assert_eq!(start.addr().get() % 16, 0);
/// assert!(untyped::alloc_bytes_in_scope::<Lives>(usize::MAX).is_none());
/// // SAFETY: allocated above, and not used again.
/// unsafe { untyped::free::<Lives>(start)? };
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline(always)]
#[must_use]
pub fn alloc_bytes_in_scope<S: FamilySet>(size: usize) -> Option<NonNull<u8>> {
    alloc_bytes_or_else::<S>(size, || None)
}

/// [`alloc_bytes_in_scope`] that returns what `refused` does where there is no memory. It is called out
/// of line, in the last place, so that nothing on the fast path prepares for it.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, untyped};
///
/// #[alloc_family]
/// enum Lives {
///     General,
/// }
///
/// let mut asked = 0;
/// let start = untyped::alloc_bytes_or_else::<Lives>(usize::MAX, || {
///     asked += 1;
///     None
/// });
/// assert_eq!((start, asked), (None, 1));
/// ```
#[inline(always)]
pub fn alloc_bytes_or_else<S: FamilySet>(
    size: usize,
    refused: impl FnOnce() -> Option<NonNull<u8>>,
) -> Option<NonNull<u8>> {
    let Some(scaled) = class::of_small_c_size(size) else {
        return alloc_many_bytes::<S>(size, refused);
    };
    let family = scope::current::<S>();
    // SAFETY: the calling thread's homes; the scope is of a family of the set.
    let home = unsafe { Homes::home_of(S::homes(), family) };
    // SAFETY: a class, scaled.
    match unsafe { home.row().head_at(scaled) }.pop() {
        Some(slot) => Some(slot),
        None => take_or_else(home, S::table(), family, scaled >> class::SCALE, refused),
    }
}

#[cold]
#[inline(never)]
fn take_or_else(
    home: &RowHome,
    set: &'static SetTable,
    family: usize,
    class: usize,
    refused: impl FnOnce() -> Option<NonNull<u8>>,
) -> Option<NonNull<u8>> {
    take_slowly(home, set, family, class).ok().or_else(refused)
}

/// Sizes that are not small.
#[inline(never)]
fn alloc_many_bytes<S: FamilySet>(
    size: usize,
    refused: impl FnOnce() -> Option<NonNull<u8>>,
) -> Option<NonNull<u8>> {
    let family = scope::current::<S>();
    let taken = match class::of_size(size) {
        Some(class) => take_any_at::<S>(family, class),
        None => Layout::from_size_align(size, class::c_align(size))
            .ok()
            .and_then(|layout| alloc_unclassed(S::table(), family, layout).ok()),
    };
    taken.or_else(refused)
}

/// [`alloc_in_scope`] for who does not ask why it is refused.
#[inline(always)]
pub(crate) fn alloc_any_in_scope<S: FamilySet>(layout: Layout) -> Option<NonNull<u8>> {
    let family = scope::current::<S>();
    match class::of_layout(layout) {
        Some(class) => take_any_at::<S>(family, class),
        None => alloc_unclassed(S::table(), family, layout).ok(),
    }
}

/// [`alloc_zeroed`] in the family of the scope that the calling thread is in.
///
/// # Errors
///
/// As for [`alloc`].
///
/// # Examples
///
/// ```
/// use core::alloc::Layout;
/// use famalloc::{alloc_family, query, untyped};
///
/// #[alloc_family]
/// enum Lives {
///     General,
///     Request,
/// }
///
/// let start = lives::Request::scope(|| {
///     untyped::alloc_zeroed_in_scope::<Lives>(Layout::new::<u64>())
/// })?;
/// assert_eq!(query(start.as_ptr()).unwrap().family, "Request");
/// // SAFETY: allocated above, and not used again.
/// unsafe { untyped::free::<Lives>(start)? };
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline(always)]
pub fn alloc_zeroed_in_scope<S: FamilySet>(layout: Layout) -> Result<NonNull<u8>, AllocError> {
    alloc_zeroed_at::<S>(scope::current::<S>(), layout)
}

/// Frees memory by its address alone, whichever set and family it is of. Fastest for those of `S`.
///
/// # Errors
///
/// When the address is not famalloc's ([`FreeError::Foreign`]), or not one that was handed out, as far
/// as that is seen (see the [module](self)); nothing is changed then.
///
/// # Safety
///
/// If memory of famalloc's is at `start`, it was allocated with a size above 0, is the caller's to free, and is not used
/// again.
///
/// # Examples
///
/// ```
/// use core::alloc::Layout;
/// use core::ptr::NonNull;
/// use famalloc::{alloc_family, untyped, FreeError};
///
/// #[alloc_family]
/// enum Lives {
///     Request,
/// }
///
/// let start = untyped::alloc(&Lives::Request, Layout::new::<u64>())?;
/// let mut local = 0u64;
/// // SAFETY: the first was allocated above, and is not used again; the other is nothing of famalloc's.
/// unsafe {
///     assert_eq!(untyped::free::<Lives>(start), Ok(()));
///     let local = NonNull::from(&mut local).cast();
///     assert_eq!(untyped::free::<Lives>(local), Err(FreeError::Foreign));
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

/// [`free`] that calls `refused` where the memory cannot be freed, with the address and why. Null is
/// nothing to free.
///
/// # Safety
///
/// As for [`free`].
///
/// # Examples
///
/// ```
/// use core::alloc::Layout;
/// use famalloc::{alloc_family, untyped};
///
/// #[alloc_family]
/// enum Lives {
///     Request,
/// }
///
/// let start = untyped::alloc(&Lives::Request, Layout::new::<u64>())?.as_ptr();
/// // SAFETY: allocated above, and not used again.
/// unsafe { untyped::free_or_else::<Lives>(start, |start, error| untyped::refuse("free", start, error)) };
/// # Ok::<(), famalloc::AllocError>(())
/// ```
#[inline(always)]
pub unsafe fn free_or_else<S: FamilySet>(
    start: *mut u8,
    refused: impl FnOnce(NonNull<u8>, FreeError),
) {
    let table = S::table();
    let Some(cell) = table.cell_at(start.addr()) else {
        // SAFETY: passed on.
        return unsafe { free_elsewhere_or(start, refused) };
    };
    // SAFETY: memory of a block is not at null.
    let start = unsafe { NonNull::new_unchecked(start) };
    if cfg!(debug_assertions) {
        if let Err(error) = query::slot_is_live(table, cell.family(), cell.class(), start) {
            return refused(start, error);
        }
    }
    // SAFETY: passed on; a mark of this set names a family of it and a class.
    unsafe { give_at::<S>(cell, start) };
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

/// # Safety
///
/// The slot is of this cell of the set, and the caller's to free.
#[inline(always)]
unsafe fn give_at<S: FamilySet>(cell: Cell, slot: NonNull<u8>) {
    // SAFETY: the calling thread's homes; the family is one of the set (contract).
    let home = unsafe { Homes::home_of(S::homes(), cell.family()) };
    // SAFETY: the class is one, scaled (contract).
    if !unsafe { home.row().head_at(cell.scaled_class()) }.push(slot) {
        // SAFETY: passed on.
        unsafe { give_slowly(home, S::table(), cell.family(), cell.class(), slot) };
    }
}

/// What is at an address, and whose; with the space.
fn find(address: usize) -> Option<(&'static Space, Query, &'static Holding)> {
    Space::all()
        .find_map(|space| find_in(space, address).map(|(found, owner)| (space, found, owner)))
}

/// Frees what is no plain slot of the set.
///
/// # Safety
///
/// As for [`free`].
#[cold]
#[inline(never)]
unsafe fn free_elsewhere(start: NonNull<u8>) -> Result<(), FreeError> {
    let (space, found, owner) = find(start.addr().get()).ok_or(FreeError::Foreign)?;
    if found.kind == QueryKind::Region {
        return Err(FreeError::InRegion);
    }
    if found.offset != 0 {
        return Err(FreeError::Interior { offset: found.offset });
    }
    let Some(Place::Block(granule)) = space.place_of(found.slot) else {
        // SAFETY: live large memory of this holding, not used any more (contract).
        unsafe { large::free_whole(owner, start) };
        return Ok(());
    };
    let block = Block::at(space, granule);
    if block.is_free((found.slot - block.start().addr().get()) / found.slot_bytes) {
        return Err(FreeError::AlreadyFree);
    }
    if owner.spec.zeroes_on_free() {
        // SAFETY: the slot has that many bytes, and nobody uses them any more (contract).
        unsafe { start.write_bytes(0, found.slot_bytes) };
    }
    // SAFETY: a descriptor's lane is null or a lane, which lives as long as the process.
    match unsafe { block.lane().cast::<Lane>().as_ref() } {
        Some(lane) => lane.give_unbuffered(start),
        None => return Err(FreeError::AlreadyFree),
    }
    Ok(())
}

/// How many bytes of the allocation at `start` can be used: all of its slot, or whole pages. `None` if
/// famalloc has handed nothing out there.
///
/// # Examples
///
/// ```
/// use core::alloc::Layout;
/// use famalloc::{alloc_family, untyped};
///
/// #[alloc_family]
/// enum Lives {
///     Request,
/// }
///
/// let start = untyped::alloc(&Lives::Request, Layout::new::<[u8; 41]>())?;
/// assert_eq!(untyped::usable_size(start.as_ptr()), Some(48));
/// assert_eq!(untyped::usable_size(&raw const start), None);
/// // SAFETY: allocated above, and not used again.
/// unsafe { untyped::free::<Lives>(start)? };
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn usable_size<T: ?Sized>(start: *const T) -> Option<usize> {
    query::query(start)
        .filter(|found| found.kind != QueryKind::Region && found.offset == 0)
        .map(|found| found.slot_bytes)
}

/// Whether a reallocation to this layout leaves an allocation of `old` usable bytes where it is: it
/// fits, and does not leave most of the slot unused.
fn stays(old: usize, start: NonNull<u8>, new: Layout) -> bool {
    let fits = new.size() <= old && start.addr().get() % new.align() == 0;
    fits && (new.size() > old / 2 || old <= SMALL_ENOUGH)
}

/// What is not worth moving to a smaller slot.
const SMALL_ENOUGH: usize = 16;

/// Makes the allocation at `start` at least as large as `new` says without moving it; returns whether
/// it could. It then has [`usable_size`] bytes. Less than before can be asked for too.
///
/// # Errors
///
/// As for [`free`], when there is no allocation at `start`.
///
/// # Safety
///
/// If memory of famalloc's is at `start`, it was allocated with a size above 0, and what lies beyond the new size is not
/// used any more.
///
/// # Examples
///
/// ```
/// use core::alloc::Layout;
/// use famalloc::{alloc_family, untyped};
///
/// #[alloc_family]
/// enum Lives {
///     Request,
/// }
///
/// let start = untyped::alloc(&Lives::Request, Layout::new::<[u8; 41]>())?;
/// // SAFETY: allocated above, and not used after it was freed.
/// unsafe {
///     assert!(untyped::resize_in_place(start, Layout::new::<[u8; 48]>())?);
///     assert!(!untyped::resize_in_place(start, Layout::new::<[u8; 49]>())?);
///     untyped::free::<Lives>(start)?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub unsafe fn resize_in_place(start: NonNull<u8>, new: Layout) -> Result<bool, FreeError> {
    let (found, owner) = at_start(start)?;
    if new.size() == 0 || start.addr().get() % new.align() != 0 {
        return Ok(false);
    }
    if found.kind == QueryKind::Slot {
        return Ok(new.size() <= found.slot_bytes);
    }
    // SAFETY: large memory of this holding, not used beyond the new size (contract).
    Ok(unsafe { large::resize_in_place(owner, start, new.size()) })
}

/// The allocation that starts at an address.
fn at_start(start: NonNull<u8>) -> Result<(Query, &'static Holding), FreeError> {
    let (_, found, owner) = find(start.addr().get()).ok_or(FreeError::Foreign)?;
    match found.kind {
        QueryKind::Region => Err(FreeError::InRegion),
        _ if found.offset != 0 => Err(FreeError::Interior { offset: found.offset }),
        _ => Ok((found, owner)),
    }
}

/// Why memory could not be reallocated; it is as it was.
///
/// # Examples
///
/// ```
/// use famalloc::{untyped::ReallocError, FreeError};
///
/// let error = ReallocError::NoAllocation(FreeError::Foreign);
/// assert_eq!(error.to_string(), "the pointer was not allocated here");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReallocError {
    /// There is no allocation at the address.
    NoAllocation(FreeError),
    /// There is no memory.
    NoMemory(AllocError),
}

impl core::fmt::Display for ReallocError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NoAllocation(error) => error.fmt(f),
            Self::NoMemory(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ReallocError {}

impl From<FreeError> for ReallocError {
    fn from(error: FreeError) -> Self {
        Self::NoAllocation(error)
    }
}

impl From<AllocError> for ReallocError {
    fn from(error: AllocError) -> Self {
        Self::NoMemory(error)
    }
}

/// Makes the allocation at `start` one of another layout, of a size above 0, moving it where it must.
/// It stays in its family, whatever scope the thread is in. The first `keep` bytes are kept, or fewer if
/// there were or are fewer; what else there is has no defined contents.
///
/// # Errors
///
/// When there is no memory, or no allocation at `start`.
///
/// # Safety
///
/// If memory of famalloc's is at `start`, it was allocated with a size above 0, and on success it is not used again
/// except through what is returned.
///
/// # Examples
///
/// ```
/// use core::alloc::Layout;
/// use famalloc::{alloc_family, untyped};
///
/// #[alloc_family]
/// enum Lives {
///     Request,
/// }
///
/// let start = untyped::alloc(&Lives::Request, Layout::new::<[u8; 8]>())?;
/// // SAFETY: eight bytes were allocated, then a hundred; what moved is not used again.
/// unsafe {
///     start.write_bytes(7, 8);
///     let start = untyped::realloc::<Lives>(start, Layout::new::<[u8; 100]>(), 8)?;
///     assert_eq!(start.add(7).read(), 7);
///     untyped::free::<Lives>(start)?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub unsafe fn realloc<S: FamilySet>(
    start: NonNull<u8>,
    new: Layout,
    keep: usize,
) -> Result<NonNull<u8>, ReallocError> {
    if let Some(cell) = S::table().cell_at(start.addr().get()) {
        let old = class::slot_size(cell.class());
        if stays(old, start, new) {
            return Ok(start);
        }
        let moved = alloc_at::<S>(cell.family(), new)?;
        // SAFETY: both are live, do not overlap, and have at least so many bytes.
        unsafe { moved.copy_from_nonoverlapping(start, keep.min(old).min(new.size())) };
        // SAFETY: passed on.
        unsafe { free::<S>(start)? };
        return Ok(moved);
    }
    // SAFETY: passed on.
    unsafe { realloc_elsewhere(start, new, keep) }
}

/// Reallocates what is no plain slot of the set.
///
/// # Safety
///
/// As for [`realloc`].
#[cold]
#[inline(never)]
unsafe fn realloc_elsewhere(
    start: NonNull<u8>,
    new: Layout,
    keep: usize,
) -> Result<NonNull<u8>, ReallocError> {
    let (found, owner) = at_start(start)?;
    let is_large = found.kind != QueryKind::Slot;
    if is_large && class::of_layout(new).is_none() {
        let aligned = start.addr().get() % new.align() == 0;
        // SAFETY: passed on.
        if aligned && unsafe { large::resize_in_place(owner, start, new.size()) } {
            return Ok(start);
        }
        // SAFETY: a live allocation of this holding, the caller's.
        if let Some(moved) = unsafe { large::remap(owner, start, new.size(), new.align()) } {
            return Ok(moved);
        }
    } else if !is_large && stays(found.slot_bytes, start, new) {
        return Ok(start);
    }
    let moved = alloc_of(owner, new)?;
    // SAFETY: both are live, do not overlap, and have at least so many bytes.
    unsafe { moved.copy_from_nonoverlapping(start, keep.min(found.slot_bytes).min(new.size())) };
    // SAFETY: passed on.
    unsafe { free_elsewhere(start)? };
    Ok(moved)
}

/// Allocates in the family of a holding, without the thread's magazines.
fn alloc_of(owner: &'static Holding, layout: Layout) -> Result<NonNull<u8>, AllocError> {
    let owned_by = |set: &&'static SetTable| {
        set.used(owner.index).is_some_and(|table| core::ptr::eq(&raw const table.holding, owner))
    };
    let Some(set) = SetTable::all().filter(|set| owner.index < set.specs().len()).find(owned_by)
    else {
        return Err(AllocError::new(AllocErrorKind::AddressSpace));
    };
    match class::of_layout(layout) {
        Some(class) => set.family(owner.index)?.any_lane(class)?.take_one(),
        None => alloc_unclassed(set, owner.index, layout),
    }
}

/// Says on standard error why a pointer cannot be freed, and aborts: for callers that have nobody to
/// tell.
///
/// # Examples
///
/// ```no_run
/// use core::ptr::NonNull;
/// use famalloc::{alloc_family, untyped};
///
/// #[alloc_family]
/// enum Lives {
///     Request,
/// }
///
/// fn free(start: NonNull<u8>) {
///     // SAFETY: the callers of this function free what they allocated.
///     if let Err(error) = unsafe { untyped::free::<Lives>(start) } {
///         untyped::refuse("free", start, error);
///     }
/// }
/// # free(NonNull::dangling());
/// ```
#[cold]
pub fn refuse(caller: &str, start: NonNull<u8>, error: FreeError) -> ! {
    die(format_args!("{caller}({start:p}): {error}"))
}
