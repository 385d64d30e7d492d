//! Regions: arenas whose family is known at run time.

use core::alloc::Layout;
use core::ffi::{c_char, c_void};
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use famalloc::region::{Checkpoint, Forget};
use famalloc::{AnyFamily, RawAlloc, Region, raw};

use super::{FamilyOf, family};
use crate::set::Exports;
use crate::standard::{aligned_layout, einval, enomem, layout_of, or_enomem};
use crate::types::{fam_family_t, fam_region_mark_t, fam_region_stats_t, fam_region_t};

type RegionOf<E> = Region<FamilyOf<E>>;
type CheckpointOf<E> = Checkpoint<FamilyOf<E>, Forget>;

/// The region behind C's pointer.
///
/// # Safety
///
/// [`new`] has returned it, and [`delete`] has not had it. One thread at a time uses it; nothing else
/// refers to it meanwhile.
#[inline(always)]
unsafe fn region<'a, E: Exports>(region: *mut fam_region_t) -> &'a mut RegionOf<E> {
    debug_assert!(!region.is_null(), "no region");
    // SAFETY: passed on.
    unsafe { &mut *region.cast() }
}

/// `fam_region_new`.
#[must_use]
pub fn new<E: Exports>(of: fam_family_t) -> *mut fam_region_t {
    let Some(family) = family::<E>(of) else { return einval().cast() };
    let layout = Layout::new::<RegionOf<E>>();
    let Ok(room) = AnyFamily::<E::Set>::FALLBACK.alloc(layout) else {
        return enomem().cast();
    };
    let room = room.cast::<RegionOf<E>>();
    // SAFETY: allocated with this layout.
    unsafe { room.write(Region::new_in(family)) };
    room.as_ptr().cast()
}

/// `fam_region_delete`.
///
/// # Safety
///
/// Null, or as for [`alloc`]; neither it nor anything in it is used again.
pub unsafe fn delete<E: Exports>(region: *mut fam_region_t) {
    let Some(start) = NonNull::new(region.cast::<RegionOf<E>>()) else { return };
    // SAFETY: passed on.
    unsafe { start.drop_in_place() };
    // SAFETY: allocated by `new`.
    if let Err(error) = unsafe { raw::free::<E::Set>(start.cast()) } {
        raw::refuse("fam_region_delete", start.cast(), error);
    }
}

/// `fam_region_alloc`.
///
/// # Safety
///
/// [`new`] has returned the region, and [`delete`] has not had it. One thread at a time uses it.
#[inline]
pub unsafe fn alloc<E: Exports>(of: *mut fam_region_t, size: usize) -> *mut c_void {
    // SAFETY: passed on.
    let region = unsafe { region::<E>(of) };
    match layout_of(size) {
        Some(layout) => or_enomem(region.alloc_layout(layout)),
        None => enomem(),
    }
}

/// `fam_region_calloc`.
///
/// # Safety
///
/// As for [`alloc`].
pub unsafe fn calloc<E: Exports>(of: *mut fam_region_t, count: usize, size: usize) -> *mut c_void {
    let Some(size) = count.checked_mul(size) else { return enomem() };
    // SAFETY: passed on.
    let start = unsafe { alloc::<E>(of, size) };
    if !start.is_null() {
        // SAFETY: so many bytes were allocated.
        unsafe { start.write_bytes(0, size) };
    }
    start
}

/// `fam_region_aligned_alloc`.
///
/// # Safety
///
/// As for [`alloc`].
pub unsafe fn aligned_alloc<E: Exports>(
    of: *mut fam_region_t,
    align: usize,
    size: usize,
) -> *mut c_void {
    // SAFETY: passed on.
    let region = unsafe { region::<E>(of) };
    if !align.is_power_of_two() {
        return einval();
    }
    match aligned_layout(align, size) {
        Some(layout) => or_enomem(region.alloc_layout(layout)),
        None => enomem(),
    }
}

/// `fam_region_strdup`.
///
/// # Safety
///
/// As for [`alloc`]; the text is a string.
pub unsafe fn strdup<E: Exports>(of: *mut fam_region_t, text: *const c_char) -> *mut c_char {
    // SAFETY: passed on.
    let size = unsafe { libc::strlen(text) } + 1;
    // SAFETY: passed on.
    let copy = unsafe { alloc::<E>(of, size) }.cast::<c_char>();
    if !copy.is_null() {
        // SAFETY: the string has so many bytes, and the copy as many.
        unsafe { copy.copy_from_nonoverlapping(text, size) };
    }
    copy
}

/// `fam_region_realloc`.
///
/// # Safety
///
/// As for [`alloc`]; `start` is null or was last asked for in it with `old_size` bytes, is live, and on
/// success is not used again.
pub unsafe fn realloc<E: Exports>(
    of: *mut fam_region_t,
    start: *mut c_void,
    old_size: usize,
    size: usize,
) -> *mut c_void {
    let Some(old_start) = NonNull::new(start.cast::<u8>()) else {
        // SAFETY: passed on.
        return unsafe { alloc::<E>(of, size) };
    };
    // SAFETY: passed on.
    let region = unsafe { region::<E>(of) };
    match (layout_of(old_size), layout_of(size)) {
        // SAFETY: passed on.
        (Some(old), Some(new)) => or_enomem(unsafe { region.resize_layout(old_start, old, new) }),
        _ => enomem(),
    }
}

/// `fam_region_free`.
///
/// # Safety
///
/// As for [`alloc`]; `start` is null or was last asked for in it with `size` bytes, is live, and is not
/// used again.
pub unsafe fn free<E: Exports>(of: *mut fam_region_t, start: *mut c_void, size: usize) {
    // SAFETY: passed on.
    let region = unsafe { region::<E>(of) };
    if let (Some(start), Some(layout)) = (NonNull::new(start.cast::<u8>()), layout_of(size)) {
        // SAFETY: passed on.
        unsafe { region.free_layout(start, layout) };
    }
}

/// `fam_region_reset`.
///
/// # Safety
///
/// As for [`alloc`]; nothing in it is used again.
pub unsafe fn reset<E: Exports>(of: *mut fam_region_t) {
    // SAFETY: passed on.
    unsafe { region::<E>(of) }.reset();
}

/// `fam_region_mark`.
///
/// # Safety
///
/// As for [`alloc`].
pub unsafe fn mark<E: Exports>(of: *mut fam_region_t) -> fam_region_mark_t {
    const {
        assert!(size_of::<CheckpointOf<E>>() <= size_of::<fam_region_mark_t>());
        assert!(align_of::<CheckpointOf<E>>() <= align_of::<fam_region_mark_t>());
    }
    let mut mark = fam_region_mark_t { opaque: [const { MaybeUninit::uninit() }; 8] };
    // SAFETY: passed on.
    let checkpoint = unsafe { region::<E>(of) }.checkpoint();
    // SAFETY: there is room for it, as was asserted.
    unsafe { (&raw mut mark).cast::<CheckpointOf<E>>().write(checkpoint) };
    mark
}

/// `fam_region_rewind`.
///
/// # Safety
///
/// As for [`alloc`] and for [`Region::rewind`]; the mark is one that [`mark`] returned, and is used
/// once.
pub unsafe fn rewind<E: Exports>(of: *mut fam_region_t, mark: fam_region_mark_t) {
    // SAFETY: written by `mark` (contract).
    let checkpoint = unsafe { (&raw const mark).cast::<CheckpointOf<E>>().read() };
    // SAFETY: passed on.
    let region = unsafe { region::<E>(of) };
    // SAFETY: passed on.
    unsafe { region.rewind(checkpoint) };
}

/// `fam_region_owns`.
///
/// # Safety
///
/// As for [`alloc`].
pub unsafe fn owns<E: Exports>(of: *mut fam_region_t, address: *const c_void) -> bool {
    // SAFETY: passed on.
    unsafe { region::<E>(of) }.owns(address)
}

/// `fam_region_bytes`.
///
/// # Safety
///
/// As for [`alloc`].
pub unsafe fn bytes<E: Exports>(of: *mut fam_region_t) -> usize {
    // SAFETY: passed on.
    unsafe { region::<E>(of) }.allocated_bytes()
}

/// `fam_region_stats`.
///
/// # Safety
///
/// As for [`alloc`]; `out` is valid for writes.
pub unsafe fn stats<E: Exports>(of: *mut fam_region_t, out: *mut fam_region_stats_t) {
    // SAFETY: passed on.
    let used = unsafe { region::<E>(of) }.usage();
    let answer = fam_region_stats_t {
        chunks: used.chunks,
        committed_bytes: used.committed_bytes,
        live_bytes: used.live_bytes,
        free_bytes: used.free_bytes,
    };
    // SAFETY: passed on.
    unsafe { out.write(answer) };
}

/// `fam_region_limit`.
///
/// # Safety
///
/// As for [`alloc`].
pub unsafe fn limit<E: Exports>(of: *mut fam_region_t) -> usize {
    // SAFETY: passed on.
    unsafe { region::<E>(of) }.limit().unwrap_or(usize::MAX)
}

/// `fam_region_set_limit`.
///
/// # Safety
///
/// As for [`alloc`].
pub unsafe fn set_limit<E: Exports>(of: *mut fam_region_t, bytes: usize) {
    // SAFETY: passed on.
    unsafe { region::<E>(of) }.set_limit(Some(bytes));
}

/// `fam_region_shrink`.
///
/// # Safety
///
/// As for [`alloc`].
pub unsafe fn shrink<E: Exports>(of: *mut fam_region_t) -> usize {
    // SAFETY: passed on.
    unsafe { region::<E>(of) }.shrink()
}

/// `fam_region_family`.
///
/// # Safety
///
/// As for [`alloc`].
pub unsafe fn family_of<E: Exports>(of: *mut fam_region_t) -> fam_family_t {
    // SAFETY: passed on.
    unsafe { region::<E>(of) }.family().position() as fam_family_t
}
