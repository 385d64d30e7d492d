//! The next allocator: the one that would have served if this one had not been put before it.
//!
//! Memory of its making reaches `free` where the two live side by side: it was allocated before this
//! library was loaded, or by a function of the C library that does not go by way of the public names.
//! It is handed on. The next allocator is looked up when the library is initialised, as looking up may
//! itself allocate.

use core::ffi::{CStr, c_void};
use core::mem;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

use crate::objects;

type Free = unsafe extern "C" fn(*mut c_void);
type Realloc = unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void;
type UsableSize = unsafe extern "C" fn(*mut c_void) -> usize;

static FREE: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
static REALLOC: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
static USABLE_SIZE: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

/// Looks the next allocator up.
pub(crate) fn find() {
    let find = |name: &CStr| {
        // SAFETY: the name is a string.
        unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) }
    };
    let free = find(c"free");
    // In a static executable there is none, or it is this one.
    if free.is_null() || objects::is_ours(free) {
        return;
    }
    REALLOC.store(find(c"realloc"), Ordering::Relaxed);
    USABLE_SIZE.store(find(c"malloc_usable_size"), Ordering::Relaxed);
    FREE.store(free, Ordering::Release);
}

/// The next allocator's `free`.
pub(crate) fn free() -> Option<Free> {
    let found = FREE.load(Ordering::Acquire);
    // SAFETY: null, or the address of a function of this type: that is what the name means.
    unsafe { mem::transmute::<*mut c_void, Option<Free>>(found) }
}

/// The next allocator's `realloc`.
pub(crate) fn realloc() -> Option<Realloc> {
    let found = REALLOC.load(Ordering::Acquire);
    // SAFETY: as above.
    unsafe { mem::transmute::<*mut c_void, Option<Realloc>>(found) }
}

/// The next allocator's `malloc_usable_size`.
pub(crate) fn usable_size() -> Option<UsableSize> {
    let found = USABLE_SIZE.load(Ordering::Acquire);
    // SAFETY: as above.
    unsafe { mem::transmute::<*mut c_void, Option<UsableSize>>(found) }
}
