//! Reallocation by address alone.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::any_family::AnyFamily;
use crate::class;
use crate::error::{AllocError, AllocErrorKind, FreeError};
use crate::family_set::FamilySet;
use crate::space::family_heap::FamilyHeap;
use crate::space::provenance::renewed;
use crate::table::SetTable;
use crate::thread;

use crate::heap::alloc::alloc;
use crate::heap::large;
use crate::heap::query::{self, Query, QueryKind, find};

use super::free::{free, free_elsewhere};
use super::look::{gave_last, look};

/// The usable bytes of the allocation at `start`: its whole slot, or whole pages. `None` if nothing of
/// famalloc's is allocated there.
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
/// let start = lives::Request.alloc(Layout::new::<[u8; 41]>())?;
/// assert_eq!(raw::usable_size(start.as_ptr()), Some(48));
/// assert_eq!(raw::usable_size(&raw const start), None);
/// // SAFETY: allocated above, and not used again.
/// unsafe { raw::free::<Lives>(start)? };
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
    fits(old, start, new) && (new.size() > old / 2 || old <= SMALL_ENOUGH)
}

/// Whether an allocation of `old` usable bytes serves this layout where it is.
fn fits(old: usize, start: NonNull<u8>, new: Layout) -> bool {
    new.size() <= old && start.addr().get() % new.align() == 0
}

/// Slots of this size and more are looked at before they are moved.
const LOOKED_AT: usize = 256;

/// What is not worth moving to a smaller slot.
const SMALL_ENOUGH: usize = 16;

/// An allocation that grows by no more than such a part of its size, ...
const SMALL_STEP: usize = 16;
/// ... and has so many bytes or more, is likely to grow again, ...
const GROWN_FROM: usize = 128;
/// ... and gets such a part more than was asked for.
const ROOM: usize = 2;

/// A layout with room to grow, for an allocation of `old` usable bytes that is to be moved to a slot of this
/// layout, if it grows in small steps. So the number of its moves, and the time of all of them together, is
/// that of an array that grows by half each time.
fn with_room(old: usize, new: Layout) -> Option<Layout> {
    // Room costs memory, so only those get it that come back for little: a single large step is not the
    // first of many.
    let step = new.size().checked_sub(old)?;
    if old < GROWN_FROM || step > old / SMALL_STEP {
        return None;
    }
    let size = (new.size() + new.size() / ROOM).min(class::MAX_SMALL);
    let layout = Layout::from_size_align(size.max(new.size()), new.align()).ok()?;
    class::of_layout(layout).map(|_| layout)
}

/// Whether the allocation at `start` has the size that C's `realloc` to `size` bytes would give it, as far
/// as a short check tells: a slot in use, of the set, of the class for that size. Any address may be
/// passed.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, raw};
///
/// #[alloc_family]
/// enum Lives {
///     General,
/// }
///
/// let start = raw::alloc_bytes_in_scope::<Lives>(41).expect("41 bytes");
/// assert!(raw::is_of_size::<Lives>(start.as_ptr(), 48));
/// assert!(!raw::is_of_size::<Lives>(start.as_ptr(), 49));
/// // SAFETY: within what was allocated above, which is not used again.
/// unsafe {
///     assert!(!raw::is_of_size::<Lives>(start.as_ptr().add(8), 48));
///     raw::free::<Lives>(start)?;
/// }
/// assert!(!raw::is_of_size::<Lives>(start.as_ptr(), 48));
/// # Ok::<(), famalloc::FreeError>(())
/// ```
#[inline(always)]
#[must_use]
pub fn is_of_size<S: FamilySet>(start: *mut u8, size: usize) -> bool {
    if size == 0 {
        return false;
    }
    let Some(scaled) = class::of_small_c_size(size) else { return false };
    let Some(family) = S::table().family_of_c_object_near(start.addr(), scaled, S::FAMILIES.len())
    else {
        return false;
    };
    if cfg!(debug_assertions) {
        let class = scaled >> class::SCALE;
        let looked =
            NonNull::new(start).map(|start| query::slot_is_live(S::table(), family, class, start));
        if looked != Some(Ok(())) {
            return false;
        }
    }
    // SAFETY: a cell of this set is of a family of it, and it is a class, scaled.
    let head = unsafe { S::read_head(family, scaled).head() };
    !head.gave_last(start)
}

/// Makes the allocation at `start` at least as large as `new` without moving it. Returns whether it could.
/// It then has [`usable_size`] bytes. `new` may also be smaller.
///
/// # Errors
///
/// As for [`free`], if there is no allocation at `start`.
///
/// # Safety
///
/// If `start` is an address of famalloc's, it was allocated with a size above 0, and the bytes beyond the
/// new size are not used again.
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
/// let start = lives::Request.alloc(Layout::new::<[u8; 41]>())?;
/// // SAFETY: allocated above, and not used after it was freed.
/// unsafe {
///     assert!(raw::resize_in_place(start, Layout::new::<[u8; 48]>())?);
///     assert!(!raw::resize_in_place(start, Layout::new::<[u8; 49]>())?);
///     raw::free::<Lives>(start)?;
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
    // SAFETY: large memory of this family heap, not used beyond the new size (contract).
    Ok(unsafe { large::resize_in_place(owner, start, new.size()) })
}

/// The allocation that starts at an address.
fn at_start(start: NonNull<u8>) -> Result<(Query, &'static FamilyHeap), FreeError> {
    let (_, found, owner) = find(start.addr().get())?;
    match found.kind {
        QueryKind::Region => Err(FreeError::InRegion),
        _ if found.offset != 0 => Err(FreeError::Interior { offset: found.offset }),
        _ => Ok((found, owner)),
    }
}

/// Why memory could not be reallocated. It is unchanged.
///
/// # Examples
///
/// ```
/// use famalloc::{raw::ReallocError, FreeError};
///
/// let error = ReallocError::NoAllocation(FreeError::Foreign);
/// assert!(error.to_string().starts_with("foreign pointer: famalloc did not allocate it"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReallocError {
    /// There is no allocation at the address.
    NoAllocation(FreeError),
    /// No memory is available.
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

/// Changes the allocation at `start` to another layout, with a size above 0, and moves it if necessary. It
/// stays in its family, whatever the scope of the thread. Keeps the first `keep` bytes, or fewer if it had
/// or has fewer; the contents of the others are undefined.
///
/// # Errors
///
/// If no memory is available, or there is no allocation at `start`. An allocation that becomes smaller,
/// and is aligned, can always stay in place.
///
/// # Safety
///
/// If `start` is an address of famalloc's, it was allocated with a size above 0, and on success it is not
/// used again except through the returned pointer.
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
/// let start = lives::Request.alloc(Layout::new::<[u8; 8]>())?;
/// // SAFETY: eight bytes were allocated, then a hundred; what moved is not used again.
/// unsafe {
///     start.write_bytes(7, 8);
///     let start = raw::realloc::<Lives>(start, Layout::new::<[u8; 100]>(), 8)?;
///     assert_eq!(start.add(7).read(), 7);
///     raw::free::<Lives>(start)?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub unsafe fn realloc<S: FamilySet>(
    start: NonNull<u8>,
    new: Layout,
    keep: usize,
) -> Result<NonNull<u8>, ReallocError> {
    if let Some(cell) = S::table().cell_at(start.addr().get(), S::FAMILIES.len()) {
        if cfg!(debug_assertions) {
            query::slot_is_live(S::table(), cell.family(), cell.class(), start)?;
        }
        if gave_last::<S>(cell, start) {
            return Err(FreeError::AlreadyFree.into());
        }
        let old = class::slot_size(cell.class());
        if stays(old, start, new) {
            return Ok(renewed(start));
        }
        // Where little is moved, a look would cost half as much again; there it is freed as any other.
        if old >= LOOKED_AT {
            look::<S>(cell, start)?;
        }
        let family = AnyFamily::<S>::new(cell.family());
        let roomy = with_room(old, new);
        let roomy = roomy.and_then(|layout| alloc(family, layout).ok());
        let moved = match (roomy, class::of_layout(new)) {
            (Some(moved), _) => Ok(moved),
            (None, Some(_)) => alloc(family, new),
            (None, None) => {
                large::alloc_moved(S::table(), cell.family(), new.size(), new.align(), old)
            }
        };
        let moved = match moved {
            Ok(moved) => moved,
            // There is no smaller slot to be had, but this one is.
            Err(_) if fits(old, start, new) => return Ok(renewed(start)),
            Err(error) => return Err(error.into()),
        };
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
    // Most of those who grow do so a little at a time: within their last page nothing has to be done.
    if let Some((bytes, owner)) = large::at(start) {
        let same_pages = fits(bytes, start, new) && bytes - new.size() < owner.space.page_size();
        if same_pages && !owner.spec.zeroes_on_free() {
            return Ok(start);
        }
    }
    let (found, owner) = at_start(start)?;
    let is_large = found.kind != QueryKind::Slot;
    if is_large && class::of_layout(new).is_none() {
        let aligned = start.addr().get() % new.align() == 0;
        // SAFETY: passed on.
        if aligned && unsafe { large::resize_in_place(owner, start, new.size()) } {
            return Ok(renewed(start));
        }
        // SAFETY: a live allocation of this family heap, the caller's.
        if let Some(moved) = unsafe { large::remap(owner, start, new.size(), new.align()) } {
            return Ok(moved);
        }
    } else if !is_large && stays(found.slot_bytes, start, new) {
        return Ok(renewed(start));
    }
    let moved = match alloc_of(owner, new, found.slot_bytes) {
        Ok(moved) => moved,
        // To make something smaller must not fail for want of memory: it stays where it is, and too
        // long.
        Err(_) if fits(found.slot_bytes, start, new) => {
            if is_large {
                // SAFETY: passed on.
                unsafe { large::resize_in_place(owner, start, new.size()) };
            }
            return Ok(renewed(start));
        }
        Err(error) => return Err(error.into()),
    };
    // SAFETY: both are live, do not overlap, and have at least so many bytes.
    unsafe { moved.copy_from_nonoverlapping(start, keep.min(found.slot_bytes).min(new.size())) };
    // SAFETY: passed on.
    unsafe { free_elsewhere(start)? };
    Ok(moved)
}

/// Allocates in the family of a family heap, without the thread's magazines, for what has `old` bytes.
fn alloc_of(
    owner: &'static FamilyHeap,
    layout: Layout,
    old: usize,
) -> Result<NonNull<u8>, AllocError> {
    let Some(set) = SetTable::all().find(|set| set.is_set_of(owner)) else {
        return Err(AllocError::new(AllocErrorKind::AddressSpace));
    };
    match class::of_layout(layout) {
        Some(class) => thread::family(set, owner.index)?.any_lane(class)?.alloc_one(),
        None => large::alloc_moved(set, owner.index, layout.size(), layout.align(), old),
    }
}
