//! What object (program or shared library) an address lies in.
//!
//! Addresses of functions do not tell: in a library that is not linked with `-Bsymbolic-functions` even
//! its own `_Znwm` means the definition that the loader found first.

use core::ffi::{c_int, c_void};
use core::ops::Range;
use core::ptr;
use core::slice;
use core::sync::atomic::{AtomicUsize, Ordering};

/// Lies in the object that this library is, or is a part of: nothing outside knows its name.
static OURS: u8 = 0;

/// The addresses of the object of this code, from the lowest to the highest of its segments; none where the loader
/// does not know it. (Not by `dladdr`, which goes through all names to tell which is nearest: half of what this
/// library added to the start of a process.)
fn ours() -> Range<usize> {
    /// Asked for once: an object stays where it is. The end is written last.
    static FOUND: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)];
    let [start, end] = &FOUND;
    if end.load(Ordering::Acquire) == 0 {
        let mut found = 0..0;
        // SAFETY: the callback is given what it expects.
        unsafe { libc::dl_iterate_phdr(Some(look), (&raw mut found).cast()) };
        start.store(found.start, Ordering::Relaxed);
        end.store(found.end, Ordering::Release);
    }
    start.load(Ordering::Relaxed)..end.load(Ordering::Relaxed)
}

/// Looks whether an object is the one of this code; if so, writes where it lies, and ends the search.
///
/// # Safety
///
/// The loader's description of an object, and a valid `Range<usize>`.
unsafe extern "C" fn look(
    info: *mut libc::dl_phdr_info,
    _size: libc::size_t,
    found: *mut c_void,
) -> c_int {
    // SAFETY: the loader's (contract).
    let info = unsafe { &*info };
    // SAFETY: the loader says how many there are.
    let headers = unsafe { slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
    let (mut lowest, mut highest) = (usize::MAX, 0);
    for header in headers.iter().filter(|header| header.p_type == libc::PT_LOAD) {
        let start = (info.dlpi_addr as usize).wrapping_add(header.p_vaddr as usize);
        lowest = lowest.min(start);
        highest = highest.max(start.wrapping_add(header.p_memsz as usize));
    }
    let object = lowest..highest;
    if !object.contains(&ptr::from_ref(&OURS).addr()) {
        return 0;
    }
    // SAFETY: valid for writes (contract).
    unsafe { found.cast::<Range<usize>>().write(object) };
    1
}

/// Whether an address lies in the same object as this code.
pub(crate) fn is_ours(address: *const c_void) -> bool {
    ours().contains(&address.addr())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ours_lies_in_the_same_object() {
        assert!(is_ours(ptr::from_ref(&OURS).cast()));
        assert!(is_ours(what_is_ours_lies_in_the_same_object as *const c_void));
        assert!(!is_ours(ptr::null()));
        let local = 0;
        assert!(!is_ours(ptr::from_ref(&local).cast()));
        if cfg!(all(target_os = "linux", not(target_feature = "crt-static"))) {
            // SAFETY: the name is a string.
            let theirs = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"qsort".as_ptr()) };
            assert!(!theirs.is_null() && !is_ours(theirs));
        }
    }
}
