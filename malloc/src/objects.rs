//! What object (program or shared library) an address lies in.
//!
//! Addresses of functions do not tell: in a library that is not linked with `-Bsymbolic-functions` even
//! its own `_Znwm` means the definition that the loader found first.

use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

/// Lies in the object that this library is, or is a part of: nothing outside knows its name.
static OURS: u8 = 0;

/// Where the object of an address begins; `None` where the loader knows of none.
fn object_of(address: *const c_void) -> Option<*mut c_void> {
    let mut found = MaybeUninit::<libc::Dl_info>::zeroed();
    // SAFETY: any address is allowed, and there is room for the answer.
    let known = unsafe { libc::dladdr(address, found.as_mut_ptr()) } != 0;
    // SAFETY: all its fields are pointers, which may be null.
    let found = unsafe { found.assume_init() };
    (known && !found.dli_fbase.is_null()).then_some(found.dli_fbase)
}

/// Where the object of this code begins. Asked for once: the loader looks through all names to tell.
fn ours() -> *mut c_void {
    static FOUND: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
    let found = FOUND.load(Ordering::Relaxed);
    if !found.is_null() {
        return found;
    }
    let found = object_of(ptr::from_ref(&OURS).cast()).unwrap_or(ptr::null_mut());
    FOUND.store(found, Ordering::Relaxed);
    found
}

/// Whether an address lies in the same object as this code.
pub(crate) fn is_ours(address: *const c_void) -> bool {
    object_of(address).is_some_and(|object| object == ours())
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
