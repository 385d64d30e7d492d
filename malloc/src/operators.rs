//! C++'s `operator new` and `operator delete`, all of them, by their names in the Itanium ABI.
//!
//! Where there is no memory, `new` calls the program's new handler until there is some, or the handler
//! throws, or there is none: then it throws `std::bad_alloc`. Handler and exception are the C++ standard
//! library's. A program that has not linked to one has no use for either; it gets a message and an
//! abort. An exception passes through these functions as through any: they have nothing to drop.

use core::alloc::Layout;
use core::ffi::{CStr, c_void};
use core::mem;
use core::ptr;

use famalloc::untyped;

use crate::exports::Exports;
use crate::standard::{aligned_layout, free, layout_of};

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
    if !global.is_null() {
        return global;
    }
    for library in [c"libstdc++.so.6", c"libc++.so.1"] {
        // SAFETY: loads nothing: what is not there already stays away.
        let handle = unsafe { libc::dlopen(library.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD) };
        if handle.is_null() {
            continue;
        }
        // SAFETY: a handle from just now.
        let found = unsafe { libc::dlsym(handle, name.as_ptr()) };
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
        None => panic!(
            "operator new: no memory for {} bytes, and no C++ library to throw bad_alloc",
            layout.map_or(usize::MAX, |layout| layout.size())
        ),
    }
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
        if let Some(memory) = layout.and_then(|it| untyped::alloc_in_scope::<E::Set>(it).ok()) {
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
    match untyped::alloc_bytes_in_scope::<E::Set>(size) {
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
    match layout.map(untyped::alloc_in_scope::<E::Set>) {
        Some(Ok(memory)) => memory.as_ptr().cast(),
        // SAFETY: passed on.
        _ => unsafe { new_slowly::<E>(layout) },
    }
}

/// `operator new(size_t, const std::nothrow_t &)`.
///
/// # Safety
///
/// None.
#[inline]
pub unsafe fn new_nothrow<E: Exports>(size: usize, tag: *const c_void) -> *mut c_void {
    match untyped::alloc_bytes_in_scope::<E::Set>(size) {
        Some(memory) => memory.as_ptr().cast(),
        // SAFETY: passed on.
        None => unsafe { new_nothrow_slowly(size, tag) },
    }
}

/// Leaves it to the C++ library, which calls the throwing one, this one, and catches what it throws:
/// only C++ can.
#[cold]
#[inline(never)]
unsafe fn new_nothrow_slowly(size: usize, tag: *const c_void) -> *mut c_void {
    if handler().is_none() {
        return ptr::null_mut();
    }
    let name = c"_ZnwmRKSt9nothrow_t";
    // SAFETY: the name is a string.
    let found = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) };
    // SAFETY: null, or the C++ library's function of this name.
    match unsafe { mem::transmute::<*mut c_void, Option<NothrowNew>>(found) } {
        // SAFETY: passed on.
        Some(next) => unsafe { next(size, tag) },
        None => ptr::null_mut(),
    }
}

/// `operator new(size_t, std::align_val_t, const std::nothrow_t &)`.
///
/// # Safety
///
/// None.
#[inline]
pub unsafe fn new_aligned_nothrow<E: Exports>(
    size: usize,
    align: usize,
    tag: *const c_void,
) -> *mut c_void {
    match aligned_layout(align, size).map(untyped::alloc_in_scope::<E::Set>) {
        Some(Ok(memory)) => memory.as_ptr().cast(),
        // SAFETY: passed on.
        _ => unsafe { new_aligned_nothrow_slowly(size, align, tag) },
    }
}

/// As [`new_nothrow_slowly`].
#[cold]
#[inline(never)]
unsafe fn new_aligned_nothrow_slowly(size: usize, align: usize, tag: *const c_void) -> *mut c_void {
    if handler().is_none() {
        return ptr::null_mut();
    }
    let name = c"_ZnwmSt11align_val_tRKSt9nothrow_t";
    // SAFETY: the name is a string.
    let found = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) };
    // SAFETY: null, or the C++ library's function of this name.
    match unsafe { mem::transmute::<*mut c_void, Option<NothrowAlignedNew>>(found) } {
        // SAFETY: passed on.
        Some(next) => unsafe { next(size, align, tag) },
        None => ptr::null_mut(),
    }
}

/// `operator delete` with one more argument: a size, an alignment, or the nothrow tag, none of which
/// matters.
///
/// # Safety
///
/// As for `free`.
#[inline(always)]
pub unsafe fn delete_with<E: Exports>(start: *mut c_void, _: usize) {
    // SAFETY: passed on.
    unsafe { free::<E>(start) };
}

/// `operator delete` with two more arguments.
///
/// # Safety
///
/// As for `free`.
#[inline(always)]
pub unsafe fn delete_with_both<E: Exports>(start: *mut c_void, _: usize, _: usize) {
    // SAFETY: passed on.
    unsafe { free::<E>(start) };
}

/// The operators: `new` and `new[]`, `delete` and `delete[]`.
#[doc(hidden)]
#[macro_export]
macro_rules! __operators {
    ([$($callback:tt)*] $($arguments:tt)*) => {
        $($callback)*! {
            $($arguments)*

            fn _Znwm(size: usize) -> *mut c_void = $crate::operators::new;
            fn _Znam(size: usize) -> *mut c_void = $crate::operators::new;
            fn _ZnwmSt11align_val_t(size: usize, align: usize) -> *mut c_void
                = $crate::operators::new_aligned;
            fn _ZnamSt11align_val_t(size: usize, align: usize) -> *mut c_void
                = $crate::operators::new_aligned;
            fn _ZnwmRKSt9nothrow_t(size: usize, tag: *const c_void) -> *mut c_void
                = $crate::operators::new_nothrow;
            fn _ZnamRKSt9nothrow_t(size: usize, tag: *const c_void) -> *mut c_void
                = $crate::operators::new_nothrow;
            fn _ZnwmSt11align_val_tRKSt9nothrow_t(size: usize, align: usize, tag: *const c_void)
                -> *mut c_void = $crate::operators::new_aligned_nothrow;
            fn _ZnamSt11align_val_tRKSt9nothrow_t(size: usize, align: usize, tag: *const c_void)
                -> *mut c_void = $crate::operators::new_aligned_nothrow;

            fn _ZdlPv(start: *mut c_void) = $crate::standard::free;
            fn _ZdaPv(start: *mut c_void) = $crate::standard::free;
            fn _ZdlPvm(start: *mut c_void, size: usize) = $crate::operators::delete_with;
            fn _ZdaPvm(start: *mut c_void, size: usize) = $crate::operators::delete_with;
            fn _ZdlPvSt11align_val_t(start: *mut c_void, align: usize)
                = $crate::operators::delete_with;
            fn _ZdaPvSt11align_val_t(start: *mut c_void, align: usize)
                = $crate::operators::delete_with;
            fn _ZdlPvmSt11align_val_t(start: *mut c_void, size: usize, align: usize)
                = $crate::operators::delete_with_both;
            fn _ZdaPvmSt11align_val_t(start: *mut c_void, size: usize, align: usize)
                = $crate::operators::delete_with_both;
            fn _ZdlPvRKSt9nothrow_t(start: *mut c_void, tag: usize)
                = $crate::operators::delete_with;
            fn _ZdaPvRKSt9nothrow_t(start: *mut c_void, tag: usize)
                = $crate::operators::delete_with;
            fn _ZdlPvSt11align_val_tRKSt9nothrow_t(start: *mut c_void, align: usize, tag: usize)
                = $crate::operators::delete_with_both;
            fn _ZdaPvSt11align_val_tRKSt9nothrow_t(start: *mut c_void, align: usize, tag: usize)
                = $crate::operators::delete_with_both;
        }
    };
}
