//! Looking: at an address, at a family's objects, at how much there is, and whether it is whole.

use core::ffi::{c_char, c_int, c_void};
use core::fmt::Write;
use core::ptr;
use core::slice;

use famalloc::{FamilyUse, QueryKind, raw};

use super::{family, number};
use crate::set::Exports;
use crate::text::Text;
use crate::types::{
    FAM_HUGE, FAM_LARGE, FAM_NONE, FAM_REGION, FAM_SLOT, fam_family_t, fam_query_t, fam_stats_t,
    fam_visit_t,
};

/// `fam_query`.
///
/// # Safety
///
/// `out` is valid for writes.
pub unsafe fn query<E: Exports>(address: *const c_void, out: *mut fam_query_t) -> bool {
    let Some(found) = famalloc::query(address) else { return false };
    let answer = fam_query_t {
        family: raw::family_at::<E::Set>(address).map_or(FAM_NONE, number::<E>),
        kind: match found.kind {
            QueryKind::Large => FAM_LARGE,
            QueryKind::Huge => FAM_HUGE,
            QueryKind::Region => FAM_REGION,
            _ => FAM_SLOT,
        },
        start: ptr::without_provenance_mut(found.slot),
        size: found.slot_bytes,
        offset: found.offset,
        block: ptr::without_provenance_mut(found.block),
        block_size: found.block_bytes,
    };
    // SAFETY: passed on.
    unsafe { out.write(answer) };
    true
}

/// `fam_stats`.
///
/// # Safety
///
/// `out` is valid for writes.
pub unsafe fn stats<E: Exports>(of: fam_family_t, out: *mut fam_stats_t) -> c_int {
    let Some(family) = family::<E>(of) else { return libc::EINVAL };
    let used = FamilyUse::totals(family);
    let answer = fam_stats_t {
        live_objects: used.live_objects,
        live_bytes: used.live_bytes,
        peak_bytes: used.peak_bytes,
        large_objects: used.large_objects,
        large_bytes: used.large_bytes,
        blocks: used.blocks,
        region_bytes: used.region_bytes,
        committed_bytes: used.committed_bytes,
        peak_committed_bytes: used.peak_committed_bytes,
        limit_bytes: family.spec().limit_bytes().unwrap_or(usize::MAX),
    };
    // SAFETY: passed on.
    unsafe { out.write(answer) };
    0
}

/// `fam_check`.
///
/// # Safety
///
/// `message` is valid for writes of `room` bytes; it may be null if that is 0.
pub unsafe fn check<E: Exports>(message: *mut c_char, room: usize) -> c_int {
    let found = famalloc::check();
    if !message.is_null() && room > 0 {
        // SAFETY: passed on; bytes of any value may be overwritten as bytes.
        let room = unsafe { slice::from_raw_parts_mut(message.cast::<u8>(), room) };
        let mut text = Text::new(room);
        if let Err(corruption) = found {
            // Writing to a buffer that drops what does not fit cannot fail.
            let _ = write!(text, "{corruption}");
        }
    }
    if found.is_ok() { 0 } else { -1 }
}

/// `fam_walk`.
///
/// # Safety
///
/// `visit` can be called with objects of the family and with the context.
pub unsafe fn walk<E: Exports>(
    of: fam_family_t,
    visit: fam_visit_t,
    context: *mut c_void,
) -> c_int {
    let (Some(family), Some(visit)) = (family::<E>(of), visit) else { return libc::EINVAL };
    let each = |object: ptr::NonNull<u8>, size| {
        // SAFETY: passed on.
        unsafe { visit(object.as_ptr().cast(), size, context) };
    };
    match famalloc::walk(family, each) {
        Ok(()) => 0,
        Err(_) => libc::EBUSY,
    }
}

/// `fam_free_all`.
///
/// # Safety
///
/// As for [`famalloc::free_all`].
pub unsafe fn free_all<E: Exports>(of: fam_family_t) -> c_int {
    match family::<E>(of) {
        Some(family) if family != famalloc::AnyFamily::FALLBACK => {
            // SAFETY: passed on.
            match unsafe { famalloc::free_all(family) } {
                Ok(_) => 0,
                Err(_) => libc::EBUSY,
            }
        }
        _ => libc::EINVAL,
    }
}
