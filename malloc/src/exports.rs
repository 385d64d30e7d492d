//! The macro that exports, and the list of those functions that the C library's own headers declare.
//!
//! There are three lists: this one, `__standard!`; `__interface!`, of what `famalloc.h` declares; and
//! `__operators!`, of C++. What a list is for is its first argument: `export_malloc!` makes a C function
//! of each entry, the header's generator a declaration.

use crate::environment;
use crate::set::Exports;
use crate::standard;

/// Prepares what must exist before the first allocation. Called when the library is loaded.
pub fn initialize<E: Exports>() {
    famalloc::options::load_environment();
    crate::next::find();
    crate::first::find();
    crate::replaced::find();
    // So that the hooks for a fork are set before there is another thread that could fork, and before the
    // program's own, which then run before and after them.
    crate::calls::lifecycle::thread_initialize::<E>();
    if famalloc::options::background() {
        let delay = famalloc::options::purge_delay().clamp(SHORTEST_PERIOD, LONGEST_PERIOD);
        famalloc::lifecycle::start_background(core::time::Duration::from_millis(delay));
    }
}

/// The thread in the background looks once in a purge delay, but not all the time, ...
const SHORTEST_PERIOD: u64 = 500;
/// ... and not too seldom for who starts it.
const LONGEST_PERIOD: u64 = 60_000;

/// Runs the check of freed slots, if enabled, when the process ends.
pub fn finalize() {
    if environment::switch(c"FAMALLOC_CHECK_AT_EXIT", true) {
        standard::check_at_exit();
    }
}

/// Exports a C `malloc` over a family set of your own: `malloc`, `free` and the related functions, the
/// operators of C++, and the calls of `famalloc.h`.
///
/// The functions have their C names, so a process can have only one such set. The crate that uses this macro
/// is a `cdylib`, a `staticlib`, or a program, whose C code then uses it too. Rust's default allocator is the
/// C library's `malloc`, so Rust code in the process uses the set as well.
///
/// Link such a `cdylib` with `-Wl,-z,nodelete`, by a line in its build script: after `dlclose` its memory and
/// its hooks for threads and forks are still in use. `-Wl,-Bsymbolic-functions` saves a jump where these
/// functions call each other.
///
/// ```no_run
/// // build.rs
/// println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
/// println!("cargo::rustc-cdylib-link-arg=-Wl,-Bsymbolic-functions");
/// ```
///
/// The families have the names in the set, and their positions as numbers. Allocations that name no family go
/// to the fallback of the set, by default its first family. For any other name `fam_family` returns `FAM_NONE`:
///
/// ```
/// use famalloc::alloc_family;
/// use std::ffi::{CStr, c_char, c_void};
///
/// #[alloc_family(thread_local = "initial-exec")]
/// enum Lives {
///     General,
///     Parser,
///     #[family(limit = "64 MiB")]
///     Cache,
/// }
///
/// famalloc_c::export_malloc!(Lives);
///
/// // As C sees it.
/// unsafe extern "C" {
///     fn fam_family(name: *const c_char) -> u32;
///     fn fam_malloc(family: u32, size: usize) -> *mut c_void;
///     fn free(start: *mut c_void);
/// }
///
/// fn main() {
///     // SAFETY: strings, and memory that is freed once.
///     unsafe {
///         assert_eq!(fam_family(c"Cache".as_ptr()), 2);
///         assert_eq!(fam_family(c"Nursery".as_ptr()), u32::MAX);
///         let start = fam_malloc(2, 100);
///         assert_eq!(famalloc::query(start).unwrap().family, "Cache");
///         free(start);
///     }
///     let text = String::from("Rust's own memory");
///     assert_eq!(famalloc::query(text.as_ptr()).unwrap().family, "General");
/// }
/// ```
///
/// With `unnamed from` a position, the families from there on have no names until programs ask for names:
///
/// ```
/// use famalloc::alloc_family;
/// use std::ffi::c_char;
///
/// #[alloc_family(thread_local = "initial-exec")]
/// enum Lives {
///     General,
///     A,
///     B,
/// }
///
/// famalloc_c::export_malloc!(Lives, unnamed from 1);
///
/// unsafe extern "C" {
///     fn fam_family(name: *const c_char) -> u32;
/// }
///
/// fn main() {
///     let family = |name: &std::ffi::CStr| {
///         // SAFETY: a string.
///         unsafe { fam_family(name.as_ptr()) }
///     };
///     assert_eq!([c"Parser", c"Cache", c"Parser", c"General"].map(family), [1, 2, 1, 0]);
///     assert_eq!(family(c"Nursery"), u32::MAX);
/// }
/// ```
///
/// The position is one of the set's:
///
/// ```compile_fail,E0080
/// # use famalloc::alloc_family;
/// #[alloc_family]
/// enum Lives {
///     General,
/// }
///
/// famalloc_c::export_malloc!(Lives, unnamed from 2);
/// ```
///
/// `thread_local = "initial-exec"` makes the fast path of a shared library a few instructions shorter; it
/// is not needed.
#[macro_export]
macro_rules! export_malloc {
    ($set:ty) => {
        $crate::export_malloc!($set, unnamed from <$set as $crate::__private::FamilySet>::FAMILIES.len());
    };
    ($set:ty, unnamed from $unnamed:expr) => {
        const _: () = {
            enum __Exports {}

            impl $crate::Exports for __Exports {
                type Set = $set;

                fn names() -> &'static $crate::names::Names {
                    const LEN: usize = $crate::names::len::<$set>();
                    const UNNAMED: usize = $crate::names::unnamed::<$set>($unnamed);
                    static DECLARED: [u8; LEN] = $crate::names::text::<$set, LEN>();
                    static GIVEN: [$crate::__private::AtomicPtr<c_char>; UNNAMED] =
                        [const { $crate::__private::AtomicPtr::new(::core::ptr::null_mut()) }; UNNAMED];
                    static NAMES: $crate::names::Names =
                        $crate::names::Names::new(&DECLARED, &GIVEN, $unnamed);
                    &NAMES
                }
            }

            extern "C" fn __initialize() {
                $crate::initialize::<__Exports>();
            }

            #[used]
            #[unsafe(link_section = ".init_array")]
            static __INITIALIZE: extern "C" fn() = __initialize;

            extern "C" fn __finalize() {
                $crate::exports::finalize();
            }

            #[used]
            #[unsafe(link_section = ".fini_array")]
            static __FINALIZE: extern "C" fn() = __finalize;

            use $crate::types::*;
    $crate::__standard!([$crate::__export_functions] __Exports);
    $crate::__interface!([$crate::__export_functions] __Exports);
    $crate::__operators!([$crate::__export_functions] __Exports);
        };
    };
}

/// Makes an exported function of each entry.
#[doc(hidden)]
#[macro_export]
macro_rules! __export_functions {
    (
        $exports:ident
        $(
            $(#[$documentation:meta])*
            fn $name:ident $([$($attribute:tt)*])?($($argument:ident: $type:ty),*) $(-> $result:ty)?
                = $face:path;
        )*
    ) => {
        $(
            $(#[$documentation])*
            #[unsafe(no_mangle)]
            unsafe extern "C-unwind" fn $name($($argument: $type),*) $(-> $result)? {
                $crate::__call!($face, $exports, $($argument),*)
            }
        )*
    };
}

/// Calls a face for these exports.
#[doc(hidden)]
#[macro_export]
macro_rules! __call {
    ($face:path, $exports:ident, $($argument:ident),*) => {{
        use $face as face;
        #[allow(unused_unsafe, reason = "some have no preconditions")]
        // SAFETY: as the C standard, or the header, says of the function.
        unsafe {
            face::<$exports>($($argument),*)
        }
    }};
}

/// The functions that headers of the C library declare, or will.
#[doc(hidden)]
#[macro_export]
macro_rules! __standard {
    ([$($callback:tt)*] $($arguments:tt)*) => {
        $($callback)*! {
            $($arguments)*

            /// ISO C. `size` bytes, not initialised; of 0 bytes some address of its own.
            fn malloc(size: usize) -> *mut c_void = $crate::standard::malloc;
            /// ISO C. `count` objects of `size` bytes, all zero.
            fn calloc(count: usize, size: usize) -> *mut c_void = $crate::standard::calloc;
            /// ISO C. Makes it `size` bytes long; where it moves, the contents move with it. Of 0 bytes:
            /// frees it and returns null.
            fn realloc(start: *mut c_void, size: usize) -> *mut c_void = $crate::standard::realloc;
            /// POSIX. `realloc` to `count` objects of `size` bytes.
            fn reallocarray(start: *mut c_void, count: usize, size: usize) -> *mut c_void
                = $crate::standard::reallocarray;
            /// ISO C. Leaves `errno` alone.
            fn free(start: *mut c_void) = $crate::standard::free;
            /// C23. `free` for who knows the size.
            fn free_sized(start: *mut c_void, size: usize) = $crate::standard::free_sized;
            /// C23. `free` for who knows the size, and the alignment that was asked for.
            fn free_aligned_sized(start: *mut c_void, align: usize, size: usize)
                = $crate::standard::free_aligned_sized;
            /// Old. `free`.
            fn cfree(start: *mut c_void) = $crate::standard::cfree;
            /// POSIX. `*out` becomes `size` bytes at a multiple of `align`, a power of two that
            /// `sizeof(void *)` divides. Returns 0, `EINVAL` or `ENOMEM`.
            fn posix_memalign(out: *mut *mut c_void, align: usize, size: usize) -> c_int
                = $crate::standard::posix_memalign;
            /// ISO C. `size` bytes at a multiple of `align`, a power of two.
            fn aligned_alloc(align: usize, size: usize) -> *mut c_void
                = $crate::standard::aligned_alloc;
            /// Old. `size` bytes at a multiple of `align`, which is rounded up to a power of two.
            fn memalign(align: usize, size: usize) -> *mut c_void = $crate::standard::memalign;
            /// Old. `size` bytes at the start of a page.
            fn valloc(size: usize) -> *mut c_void = $crate::standard::valloc;
            /// Old. Whole pages for `size` bytes.
            fn pvalloc(size: usize) -> *mut c_void = $crate::standard::pvalloc;
            /// GNU. How many bytes of it can be used.
            fn malloc_usable_size(start: *mut c_void) -> usize
                = $crate::standard::malloc_usable_size;
            /// GNU. Gives all memory back that can be; 1 if any was.
            fn malloc_trim(keep: usize) -> c_int = $crate::standard::malloc_trim;
            /// GNU. How much there is.
            fn mallinfo2() -> mallinfo2 = $crate::stats::mallinfo2;
            /// GNU. The same in `int`s.
            fn mallinfo() -> mallinfo = $crate::stats::mallinfo;
            /// GNU. A table of it to standard error.
            fn malloc_stats() = $crate::stats::malloc_stats;
            /// GNU. XML of it to a stream; `EINVAL` where `options` is not 0.
            fn malloc_info(options: c_int, stream: *mut FILE) -> c_int = $crate::stats::malloc_info;
            /// GNU. 1 for the parameters of glibc's, which have no effect; 0 for others.
            fn mallopt(parameter: c_int, value: c_int) -> c_int = $crate::stats::mallopt;

            /// glibc. `malloc`, by the name that a program's own is made over; and so on.
            fn __libc_malloc(size: usize) -> *mut c_void = $crate::libc_names::malloc;
            fn __libc_calloc(count: usize, size: usize) -> *mut c_void = $crate::libc_names::calloc;
            fn __libc_realloc(start: *mut c_void, size: usize) -> *mut c_void
                = $crate::libc_names::realloc;
            fn __libc_free(start: *mut c_void) = $crate::libc_names::free;
            fn __libc_memalign(align: usize, size: usize) -> *mut c_void
                = $crate::libc_names::memalign;
            fn __libc_valloc(size: usize) -> *mut c_void = $crate::libc_names::valloc;
            fn __libc_pvalloc(size: usize) -> *mut c_void = $crate::libc_names::pvalloc;
            fn __libc_mallopt(parameter: c_int, value: c_int) -> c_int = $crate::stats::mallopt;
            /// Old glibc, and static ones.
            fn __posix_memalign(out: *mut *mut c_void, align: usize, size: usize) -> c_int
                = $crate::standard::posix_memalign;
        }
    };
}
