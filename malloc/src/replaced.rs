//! The eight operators that the others stand on, where the program has its own.
//!
//! They are looked up when the library is initialised. Which of two definitions of a name is a
//! program's own, the loader decides; what it answers is this library's where it lies in the same object
//! (`src/objects.rs`).

use core::ffi::{CStr, c_void};
use core::mem;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

use famalloc::raw;

use crate::objects;

type New = unsafe extern "C-unwind" fn(usize) -> *mut c_void;
type NewAligned = unsafe extern "C-unwind" fn(usize, usize) -> *mut c_void;
type Delete = unsafe extern "C-unwind" fn(*mut c_void);
type DeleteAligned = unsafe extern "C-unwind" fn(*mut c_void, usize);

/// Whether any of them is replaced: what most programs ask, and are told no.
static ANY: AtomicBool = AtomicBool::new(false);
static NEW: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
static NEW_ALIGNED: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
/// Never called: who calls these, calls the program's. They are looked for so that [`any`] knows of them.
static NEW_ARRAY: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
static NEW_ARRAY_ALIGNED: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
static DELETE: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
static DELETE_ALIGNED: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
static DELETE_ARRAY: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
static DELETE_ARRAY_ALIGNED: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

/// Looks them up.
pub(crate) fn find() {
    let all = [
        (&NEW, c"_Znwm"),
        (&NEW_ALIGNED, c"_ZnwmSt11align_val_t"),
        (&NEW_ARRAY, c"_Znam"),
        (&NEW_ARRAY_ALIGNED, c"_ZnamSt11align_val_t"),
        (&DELETE, c"_ZdlPv"),
        (&DELETE_ALIGNED, c"_ZdlPvSt11align_val_t"),
        (&DELETE_ARRAY, c"_ZdaPv"),
        (&DELETE_ARRAY_ALIGNED, c"_ZdaPvSt11align_val_t"),
    ];
    for (place, name) in all {
        let found = first(name);
        if !found.is_null() && !objects::is_ours(found) {
            place.store(found, Ordering::Relaxed);
            ANY.store(true, Ordering::Release);
            QUICK.store(0, Ordering::Relaxed);
        }
    }
}

/// The definition that the program uses.
fn first(name: &CStr) -> *mut c_void {
    // SAFETY: the name is a string.
    unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) }
}

/// Whether the program has any of them itself.
#[inline(always)]
pub(crate) fn any() -> bool {
    ANY.load(Ordering::Relaxed)
}

/// Up to this size, whoever frees with the size need not ask for [`any`]: the largest whose claim is looked
/// at quickly, or 0 where something is replaced. One comparison for both.
static QUICK: AtomicUsize = AtomicUsize::new(raw::QUICK_CLAIM);

/// Whether this size is one that is freed quickly, and nothing is replaced.
#[inline(always)]
pub(crate) fn is_quick(size: usize) -> bool {
    let most = QUICK.load(Ordering::Relaxed);
    // SAFETY: nothing greater is ever stored there.
    unsafe { core::hint::assert_unchecked(most <= raw::QUICK_CLAIM) };
    size < most
}

#[inline(always)]
fn replacement(place: &AtomicPtr<c_void>) -> *mut c_void {
    if any() { place.load(Ordering::Relaxed) } else { ptr::null_mut() }
}

/// The program's `operator new(size_t)`.
#[inline(always)]
pub(crate) fn new() -> Option<New> {
    // SAFETY: null, or the address of a function of this type: that is what the name means.
    unsafe { mem::transmute::<*mut c_void, Option<New>>(replacement(&NEW)) }
}

/// The program's `operator new(size_t, std::align_val_t)`.
#[inline(always)]
pub(crate) fn new_aligned() -> Option<NewAligned> {
    // SAFETY: as above.
    unsafe { mem::transmute::<*mut c_void, Option<NewAligned>>(replacement(&NEW_ALIGNED)) }
}

/// The program's `operator delete(void *)`.
#[inline(always)]
pub(crate) fn delete() -> Option<Delete> {
    // SAFETY: as above.
    unsafe { mem::transmute::<*mut c_void, Option<Delete>>(replacement(&DELETE)) }
}

/// The program's `operator delete(void *, std::align_val_t)`.
#[inline(always)]
pub(crate) fn delete_aligned() -> Option<DeleteAligned> {
    // SAFETY: as above.
    unsafe { mem::transmute::<*mut c_void, Option<DeleteAligned>>(replacement(&DELETE_ALIGNED)) }
}

/// The program's `operator delete[](void *)`; where it has none, what that calls.
#[inline(always)]
pub(crate) fn delete_array() -> Option<Delete> {
    // SAFETY: as above.
    unsafe { mem::transmute::<*mut c_void, Option<Delete>>(replacement(&DELETE_ARRAY)) }
        .or_else(delete)
}

/// The program's `operator delete[](void *, std::align_val_t)`; where it has none, what that calls.
#[inline(always)]
pub(crate) fn delete_array_aligned() -> Option<DeleteAligned> {
    let found = replacement(&DELETE_ARRAY_ALIGNED);
    // SAFETY: as above.
    unsafe { mem::transmute::<*mut c_void, Option<DeleteAligned>>(found) }.or_else(delete_aligned)
}
