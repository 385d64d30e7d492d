//! Families by name.

use core::alloc::Layout;
use core::ffi::{CStr, c_char};
use core::ptr;

use famalloc::{AnyFamily, FamilySet, RawAlloc, raw};

use super::number;
use crate::errno;
use crate::names::Vacancy;
use crate::set::Exports;
use crate::types::{FAM_NONE, fam_family_t};

fn refused(code: core::ffi::c_int) -> fam_family_t {
    errno::set(code);
    FAM_NONE
}

/// `fam_family`.
///
/// # Safety
///
/// The name is null or a string.
pub unsafe fn find<E: Exports>(name: *const c_char) -> fam_family_t {
    if name.is_null() {
        return refused(libc::EINVAL);
    }
    // SAFETY: passed on.
    let name = unsafe { CStr::from_ptr(name) };
    if name.is_empty() {
        return refused(libc::EINVAL);
    }
    let names = E::names();
    let mut copy: Option<&'static CStr> = None;
    let found = loop {
        match names.find(name) {
            Ok(position) => break AnyFamily::at(position),
            Err(Vacancy::None) => {
                errno::set(libc::ENOSPC);
                break None;
            }
            Err(Vacancy::At(position)) => {
                let Some(ours) = copy.take().or_else(|| copied::<E>(name)) else {
                    errno::set(libc::ENOMEM);
                    break None;
                };
                if names.give(position, ours) {
                    break AnyFamily::at(position);
                }
                // Another thread has named it; perhaps just so.
                copy = Some(ours);
            }
        }
    };
    if let Some(unused) = copy.and_then(|copy| ptr::NonNull::new(copy.as_ptr().cast_mut())) {
        // SAFETY: made by `copied`, and nobody has seen it.
        let freed = unsafe { raw::free::<E::Set>(unused.cast()) };
        debug_assert_eq!(freed, Ok(()));
    }
    found.map_or(FAM_NONE, number::<E>)
}

/// A copy of a name, in the general family.
fn copied<E: Exports>(name: &CStr) -> Option<&'static CStr> {
    let bytes = name.to_bytes_with_nul();
    let layout = Layout::for_value(bytes);
    let room = AnyFamily::<E::Set>::FALLBACK.alloc(layout).ok()?;
    // SAFETY: so many bytes were allocated.
    unsafe { room.copy_from_nonoverlapping(ptr::NonNull::from(bytes).cast(), bytes.len()) };
    // SAFETY: a string, written just now, that stays unless it is freed here.
    Some(unsafe { CStr::from_ptr(room.as_ptr().cast()) })
}

/// `fam_family_name`.
pub fn name<E: Exports>(family: fam_family_t) -> *const c_char {
    E::names().get(family as usize).map_or(ptr::null(), CStr::as_ptr)
}

/// `fam_family_count`.
pub fn count<E: Exports>() -> u32 {
    // A set has far fewer.
    E::Set::FAMILIES.len() as u32
}
