//! C++'s `operator new` and `operator delete`, all of them, by their names in the Itanium ABI.
//!
//! Where there is no memory, `new` calls the program's new handler until there is some, or the handler
//! throws, or there is none: then it throws `std::bad_alloc`. Handler and exception are the C++ standard
//! library's. A program that has not linked to one has no use for either; it gets a message and an
//! abort. An exception passes through these functions as through any: they have nothing to drop.
//!
//! A program may replace a few of them and not the others. The standard says which call which: an array
//! form the one for single objects, a nothrow form the throwing one of its kind, a `delete` that knows
//! more the plain one of its kind. So those look whether the one they stand on is still this library's
//! (`src/replaced.rs`).

use core::alloc::Layout;
use core::ffi::{CStr, c_void};
use core::fmt::Write;
use core::mem;
use core::ptr;

use famalloc::raw::{self, Claim};

use crate::replaced;
use crate::set::Exports;
use crate::standard::{aligned_layout, free, free_claimed, layout_of};
use crate::text::StandardError;

type Handler = unsafe extern "C-unwind" fn();
type GetHandler = unsafe extern "C" fn() -> Option<Handler>;
type Throw = unsafe extern "C-unwind" fn() -> !;
type NothrowNew = unsafe extern "C" fn(usize, *const c_void) -> *mut c_void;
type NothrowAlignedNew = unsafe extern "C" fn(usize, usize, *const c_void) -> *mut c_void;

/// The address of a symbol of the C++ library's that need not be there.
macro_rules! weak {
    ($name:literal) => {{
        let address: *mut c_void;
        #[cfg(target_arch = "x86_64")]
        // SAFETY: loads the symbol's address, null where it is not defined.
        unsafe {
            core::arch::asm!(
                concat!(".weak ", $name),
                concat!("movq ", $name, "@GOTPCREL(%rip), {address}"),
                address = out(reg) address,
                options(att_syntax, pure, readonly, nostack, preserves_flags)
            );
        }
        #[cfg(target_arch = "aarch64")]
        // SAFETY: as above.
        unsafe {
            core::arch::asm!(
                concat!(".weak ", $name),
                concat!("adrp {address}, :got:", $name),
                concat!("ldr {address}, [{address}, :got_lo12:", $name, "]"),
                address = out(reg) address,
                options(pure, readonly, nostack, preserves_flags)
            );
        }
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        {
            address = ptr::null_mut();
        }
        address
    }};
}

/// A symbol of the C++ library's, wherever that is: linked, loaded for all, or for one library alone.
#[cold]
fn find(linked: *mut c_void, name: &CStr) -> *mut c_void {
    if !linked.is_null() {
        return linked;
    }
    // SAFETY: the name is a string.
    let global = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    if global.is_null() { find_in_libraries(name) } else { global }
}

/// A symbol of a C++ library's that is loaded, for all or for one library alone. It stays as long as whoever
/// has called an operator for a C++ program's sake is there.
#[cold]
fn find_in_libraries(name: &CStr) -> *mut c_void {
    for library in [c"libstdc++.so.6", c"libc++.so.1"] {
        // SAFETY: loads nothing: what is not there already stays away.
        let handle = unsafe { libc::dlopen(library.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD) };
        if handle.is_null() {
            continue;
        }
        // SAFETY: a handle, and a string.
        let found = unsafe { libc::dlsym(handle, name.as_ptr()) };
        // SAFETY: a handle, which is not used again. Others hold the library.
        unsafe { libc::dlclose(handle) };
        if !found.is_null() {
            return found;
        }
    }
    ptr::null_mut()
}

fn handler() -> Option<Handler> {
    let name = c"_ZSt15get_new_handlerv";
    let found = find(weak!("_ZSt15get_new_handlerv"), name);
    // SAFETY: null, or `std::get_new_handler`.
    let get = unsafe { mem::transmute::<*mut c_void, Option<GetHandler>>(found) }?;
    // SAFETY: it has no preconditions.
    unsafe { get() }
}

/// Throws `std::bad_alloc`.
#[cold]
#[inline(never)]
unsafe fn throw_bad_alloc(layout: Option<Layout>) -> ! {
    let found = find(weak!("_ZSt17__throw_bad_allocv"), c"_ZSt17__throw_bad_allocv");
    // SAFETY: null, or `std::__throw_bad_alloc`, which libstdc++ and libc++ both have.
    match unsafe { mem::transmute::<*mut c_void, Option<Throw>>(found) } {
        // SAFETY: it has no preconditions; what it throws passes through frames that allow it.
        Some(throw) => unsafe { throw() },
        None => end(layout),
    }
}

/// Ends the process with a message. (A panic would be an exception of Rust's in a program that knows of
/// none.)
#[cold]
fn end(layout: Option<Layout>) -> ! {
    // Where standard error is closed, there is nobody to tell.
    let _ = match layout.map(|layout| layout.size()) {
        Some(size) => writeln!(
            StandardError,
            "famalloc: operator new({size}): no memory, and no C++ library is loaded to throw std::bad_alloc"
        ),
        None => writeln!(
            StandardError,
            "famalloc: operator new: the size is too large, and no C++ library is loaded to throw std::bad_alloc"
        ),
    };
    // SAFETY: it has no preconditions.
    unsafe { libc::abort() }
}

/// Calls the handler until there is memory; throws where there is no handler.
#[cold]
#[inline(never)]
unsafe fn new_slowly<E: Exports>(layout: Option<Layout>) -> *mut c_void {
    loop {
        match handler() {
            // SAFETY: a new handler has no preconditions. It may throw.
            Some(handler) => unsafe { handler() },
            // SAFETY: passed on.
            None => unsafe { throw_bad_alloc(layout) },
        }
        if let Some(memory) = layout.and_then(|it| raw::alloc_in_scope::<E::Set>(it).ok()) {
            return memory.as_ptr().cast();
        }
    }
}

/// `operator new(size_t)`.
///
/// # Safety
///
/// The caller can be unwound: it throws.
#[inline(always)]
pub unsafe fn new<E: Exports>(size: usize) -> *mut c_void {
    match raw::alloc_bytes_in_scope::<E::Set>(size) {
        Some(memory) => memory.as_ptr().cast(),
        // SAFETY: passed on.
        None => unsafe { new_slowly::<E>(layout_of(size)) },
    }
}

/// `operator new(size_t, std::align_val_t)`.
///
/// # Safety
///
/// As for [`new`].
#[inline]
pub unsafe fn new_aligned<E: Exports>(size: usize, align: usize) -> *mut c_void {
    let layout = aligned_layout(align, size);
    match layout.map(raw::alloc_in_scope::<E::Set>) {
        Some(Ok(memory)) => memory.as_ptr().cast(),
        // SAFETY: passed on.
        _ => unsafe { new_slowly::<E>(layout) },
    }
}

/// `operator new(size_t, const std::nothrow_t &)`.
///
/// # Safety
///
/// The caller can be unwound, where the program has replaced the throwing one.
#[inline]
pub unsafe fn new_nothrow<E: Exports>(size: usize, tag: *const c_void) -> *mut c_void {
    // SAFETY: passed on.
    unsafe { plain_nothrow::<E>(c"_ZnwmRKSt9nothrow_t", size, tag) }
}

/// `operator new[](size_t, const std::nothrow_t &)`.
///
/// # Safety
///
/// As for [`new_nothrow`].
#[inline]
pub unsafe fn new_array_nothrow<E: Exports>(size: usize, tag: *const c_void) -> *mut c_void {
    // SAFETY: passed on.
    unsafe { plain_nothrow::<E>(c"_ZnamRKSt9nothrow_t", size, tag) }
}

/// `operator new(size_t, std::align_val_t, const std::nothrow_t &)`.
///
/// # Safety
///
/// As for [`new_nothrow`].
#[inline]
pub unsafe fn new_aligned_nothrow<E: Exports>(
    size: usize,
    align: usize,
    tag: *const c_void,
) -> *mut c_void {
    // SAFETY: passed on.
    unsafe { aligned_nothrow::<E>(c"_ZnwmSt11align_val_tRKSt9nothrow_t", size, align, tag) }
}

/// `operator new[](size_t, std::align_val_t, const std::nothrow_t &)`.
///
/// # Safety
///
/// As for [`new_nothrow`].
#[inline]
pub unsafe fn new_array_aligned_nothrow<E: Exports>(
    size: usize,
    align: usize,
    tag: *const c_void,
) -> *mut c_void {
    // SAFETY: passed on.
    unsafe { aligned_nothrow::<E>(c"_ZnamSt11align_val_tRKSt9nothrow_t", size, align, tag) }
}

/// A nothrow form, by its name.
///
/// # Safety
///
/// As for [`new_nothrow`].
#[inline(always)]
unsafe fn plain_nothrow<E: Exports>(name: &CStr, size: usize, tag: *const c_void) -> *mut c_void {
    if !replaced::any() {
        if let Some(memory) = raw::alloc_bytes_in_scope::<E::Set>(size) {
            return memory.as_ptr().cast();
        }
    }
    // SAFETY: passed on.
    unsafe { new_nothrow_slowly::<E>(name, size, None, tag) }
}

/// An aligned one.
///
/// # Safety
///
/// As for [`new_nothrow`].
#[inline(always)]
unsafe fn aligned_nothrow<E: Exports>(
    name: &CStr,
    size: usize,
    align: usize,
    tag: *const c_void,
) -> *mut c_void {
    let layout = aligned_layout(align, size).filter(|_| !replaced::any());
    match layout.map(raw::alloc_in_scope::<E::Set>) {
        Some(Ok(memory)) => memory.as_ptr().cast(),
        // SAFETY: passed on.
        _ => unsafe { new_nothrow_slowly::<E>(name, size, Some(align), tag) },
    }
}

/// The nothrow forms call the throwing ones, and catch what these throw: only C++ can. So where a
/// handler or a replacement may throw, it is left to the C++ library's function of this name, which calls
/// the throwing one of its kind, and that is the program's or this library's. In a static program there is
/// no such function: there the handler is called from here, and must not throw.
#[cold]
#[inline(never)]
unsafe fn new_nothrow_slowly<E: Exports>(
    name: &CStr,
    size: usize,
    align: Option<usize>,
    tag: *const c_void,
) -> *mut c_void {
    if !replaced::any() && handler().is_none() {
        let layout = aligned_layout(align.unwrap_or(1), size);
        let again = layout.and_then(|layout| raw::alloc_in_scope::<E::Set>(layout).ok());
        return again.map_or(ptr::null_mut(), |memory| memory.as_ptr().cast());
    }
    let next = find_in_libraries(name);
    if next.is_null() {
        // SAFETY: passed on.
        return unsafe { new_nothrow_alone::<E>(size, align) };
    }
    match align {
        None => {
            // SAFETY: the C++ library's function of this name.
            let next = unsafe { mem::transmute::<*mut c_void, NothrowNew>(next) };
            // SAFETY: passed on.
            unsafe { next(size, tag) }
        }
        Some(align) => {
            // SAFETY: as above.
            let next = unsafe { mem::transmute::<*mut c_void, NothrowAlignedNew>(next) };
            // SAFETY: passed on.
            unsafe { next(size, align, tag) }
        }
    }
}

/// Calls the handler until there is memory, or no handler.
unsafe fn new_nothrow_alone<E: Exports>(size: usize, align: Option<usize>) -> *mut c_void {
    let layout = aligned_layout(align.unwrap_or(1), size);
    loop {
        if let Some(memory) = layout.and_then(|it| raw::alloc_in_scope::<E::Set>(it).ok()) {
            return memory.as_ptr().cast();
        }
        let Some(handler) = handler() else { return ptr::null_mut() };
        // SAFETY: a new handler has no preconditions.
        unsafe { handler() };
    }
}

/// `operator new[](size_t)`: calls `operator new(size_t)`, which a program may have replaced.
///
/// # Safety
///
/// As for [`new`].
#[inline(always)]
pub unsafe fn new_array<E: Exports>(size: usize) -> *mut c_void {
    match replaced::new() {
        // SAFETY: passed on.
        Some(replacement) => unsafe { replacement(size) },
        // SAFETY: passed on.
        None => unsafe { new::<E>(size) },
    }
}

/// `operator new[](size_t, std::align_val_t)`.
///
/// # Safety
///
/// As for [`new`].
#[inline]
pub unsafe fn new_array_aligned<E: Exports>(size: usize, align: usize) -> *mut c_void {
    match replaced::new_aligned() {
        // SAFETY: passed on.
        Some(replacement) => unsafe { replacement(size, align) },
        // SAFETY: passed on.
        None => unsafe { new_aligned::<E>(size, align) },
    }
}

/// `operator delete[](void *)`, and a `delete` of a single object with one more argument that does not
/// matter: calls `operator delete(void *)`, which a program may have replaced.
///
/// # Safety
///
/// As for `free`.
#[inline(always)]
pub unsafe fn delete_plainly<E: Exports>(start: *mut c_void) {
    match replaced::delete() {
        // SAFETY: passed on.
        Some(replacement) => unsafe { replacement(start) },
        // SAFETY: passed on.
        None => unsafe { free::<E>(start) },
    }
}

/// `operator delete(void *, size_t)`: calls `operator delete(void *)`, which a program may have replaced.
/// Where it has replaced nothing, whose `new` may ask for more, it is seen to that the size is that which was
/// allocated.
///
/// # Safety
///
/// As for `free`.
#[inline(always)]
pub unsafe fn delete_sized<E: Exports>(start: *mut c_void, size: usize) {
    if !replaced::is_quick(size) {
        // SAFETY: passed on.
        return unsafe { delete_slowly::<E>(start, size) };
    }
    // SAFETY: passed on.
    unsafe { free_claimed::<E>(start, Claim::Exactly(size)) };
}

/// `operator delete[](void *, size_t)`: likewise by `operator delete[](void *)`.
///
/// # Safety
///
/// As for `free`.
#[inline(always)]
pub unsafe fn delete_array_sized<E: Exports>(start: *mut c_void, size: usize) {
    if !replaced::is_quick(size) {
        // SAFETY: passed on.
        return unsafe { delete_array_slowly::<E>(start, size) };
    }
    // SAFETY: passed on.
    unsafe { free_claimed::<E>(start, Claim::Exactly(size)) };
}

/// [`delete_sized`] of what is larger, or where the program may have replaced what that calls.
#[inline(never)]
unsafe fn delete_slowly<E: Exports>(start: *mut c_void, size: usize) {
    if replaced::any() {
        // SAFETY: passed on.
        return unsafe { delete_plainly::<E>(start) };
    }
    // SAFETY: passed on.
    unsafe { free_claimed::<E>(start, Claim::Exactly(size)) };
}

/// [`delete_array_sized`], likewise.
#[inline(never)]
unsafe fn delete_array_slowly<E: Exports>(start: *mut c_void, size: usize) {
    if replaced::any() {
        // SAFETY: passed on.
        return unsafe { delete_array_with::<E>(start, 0) };
    }
    // SAFETY: passed on.
    unsafe { free_claimed::<E>(start, Claim::Exactly(size)) };
}

/// `operator delete(void *, const std::nothrow_t &)`.
///
/// # Safety
///
/// As for `free`.
#[inline(always)]
pub unsafe fn delete_with<E: Exports>(start: *mut c_void, _: usize) {
    // SAFETY: passed on.
    unsafe { delete_plainly::<E>(start) };
}

/// `operator delete[](void *, const std::nothrow_t &)`: calls `operator delete[](void *)`, which a program may
/// have replaced, or else what that calls.
///
/// # Safety
///
/// As for `free`.
#[inline(always)]
pub unsafe fn delete_array_with<E: Exports>(start: *mut c_void, _: usize) {
    match replaced::delete_array() {
        // SAFETY: passed on.
        Some(replacement) => unsafe { replacement(start) },
        // SAFETY: passed on.
        None => unsafe { free::<E>(start) },
    }
}

/// `operator delete(void *, std::align_val_t)`.
///
/// # Safety
///
/// As for `free`.
#[inline]
pub unsafe fn delete_aligned<E: Exports>(start: *mut c_void, _: usize) {
    // SAFETY: passed on.
    unsafe { free::<E>(start) };
}

/// `operator delete[](void *, std::align_val_t)`: calls `operator delete(void *, std::align_val_t)`, which a
/// program may have replaced.
///
/// # Safety
///
/// As for `free`.
#[inline]
pub unsafe fn delete_aligned_plainly<E: Exports>(start: *mut c_void, align: usize) {
    match replaced::delete_aligned() {
        // SAFETY: passed on.
        Some(replacement) => unsafe { replacement(start, align) },
        // SAFETY: passed on.
        None => unsafe { free::<E>(start) },
    }
}

/// `operator delete(void *, size_t, std::align_val_t)`: as [`delete_aligned_plainly`].
///
/// # Safety
///
/// As for `free`.
#[inline]
pub unsafe fn delete_sized_aligned<E: Exports>(start: *mut c_void, _: usize, align: usize) {
    // SAFETY: passed on.
    unsafe { delete_aligned_plainly::<E>(start, align) };
}

/// `operator delete(void *, std::align_val_t, const std::nothrow_t &)`: as [`delete_aligned_plainly`].
///
/// # Safety
///
/// As for `free`.
#[inline]
pub unsafe fn delete_aligned_nothrow<E: Exports>(start: *mut c_void, align: usize, _: usize) {
    // SAFETY: passed on.
    unsafe { delete_aligned_plainly::<E>(start, align) };
}

/// `operator delete[](void *, size_t, std::align_val_t)`: calls
/// `operator delete[](void *, std::align_val_t)`, which a program may have replaced, or else what that
/// calls.
///
/// # Safety
///
/// As for `free`.
#[inline]
pub unsafe fn delete_array_sized_aligned<E: Exports>(start: *mut c_void, _: usize, align: usize) {
    match replaced::delete_array_aligned() {
        // SAFETY: passed on.
        Some(replacement) => unsafe { replacement(start, align) },
        // SAFETY: passed on.
        None => unsafe { free::<E>(start) },
    }
}

/// `operator delete[](void *, std::align_val_t, const std::nothrow_t &)`: the same.
///
/// # Safety
///
/// As for `free`.
#[inline]
pub unsafe fn delete_array_aligned_nothrow<E: Exports>(
    start: *mut c_void,
    align: usize,
    tag: usize,
) {
    // SAFETY: passed on.
    unsafe { delete_array_sized_aligned::<E>(start, tag, align) };
}

/// The operators: `new` and `new[]`, `delete` and `delete[]`.
#[doc(hidden)]
#[macro_export]
macro_rules! __operators {
    ([$($callback:tt)*] $($arguments:tt)*) => {
        $($callback)*! {
            $($arguments)*

            fn _Znwm(size: usize) -> *mut c_void = $crate::operators::new;
            fn _Znam(size: usize) -> *mut c_void = $crate::operators::new_array;
            fn _ZnwmSt11align_val_t(size: usize, align: usize) -> *mut c_void
                = $crate::operators::new_aligned;
            fn _ZnamSt11align_val_t(size: usize, align: usize) -> *mut c_void
                = $crate::operators::new_array_aligned;
            fn _ZnwmRKSt9nothrow_t(size: usize, tag: *const c_void) -> *mut c_void
                = $crate::operators::new_nothrow;
            fn _ZnamRKSt9nothrow_t(size: usize, tag: *const c_void) -> *mut c_void
                = $crate::operators::new_array_nothrow;
            fn _ZnwmSt11align_val_tRKSt9nothrow_t(size: usize, align: usize, tag: *const c_void)
                -> *mut c_void = $crate::operators::new_aligned_nothrow;
            fn _ZnamSt11align_val_tRKSt9nothrow_t(size: usize, align: usize, tag: *const c_void)
                -> *mut c_void = $crate::operators::new_array_aligned_nothrow;

            fn _ZdlPv(start: *mut c_void) = $crate::standard::free;
            fn _ZdaPv(start: *mut c_void) = $crate::operators::delete_plainly;
            fn _ZdlPvm(start: *mut c_void, size: usize) = $crate::operators::delete_sized;
            fn _ZdaPvm(start: *mut c_void, size: usize) = $crate::operators::delete_array_sized;
            fn _ZdlPvSt11align_val_t(start: *mut c_void, align: usize)
                = $crate::operators::delete_aligned;
            fn _ZdaPvSt11align_val_t(start: *mut c_void, align: usize)
                = $crate::operators::delete_aligned_plainly;
            fn _ZdlPvmSt11align_val_t(start: *mut c_void, size: usize, align: usize)
                = $crate::operators::delete_sized_aligned;
            fn _ZdaPvmSt11align_val_t(start: *mut c_void, size: usize, align: usize)
                = $crate::operators::delete_array_sized_aligned;
            fn _ZdlPvRKSt9nothrow_t(start: *mut c_void, tag: usize)
                = $crate::operators::delete_with;
            fn _ZdaPvRKSt9nothrow_t(start: *mut c_void, tag: usize)
                = $crate::operators::delete_array_with;
            fn _ZdlPvSt11align_val_tRKSt9nothrow_t(start: *mut c_void, align: usize, tag: usize)
                = $crate::operators::delete_aligned_nothrow;
            fn _ZdaPvSt11align_val_tRKSt9nothrow_t(start: *mut c_void, align: usize, tag: usize)
                = $crate::operators::delete_array_aligned_nothrow;
        }
    };
}
