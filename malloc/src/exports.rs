//! The list of what is exported, and the macro that exports it.
//!
//! There is one list, `__interface!`. What it is for is the first argument: `export_malloc!` makes a C
//! function of each entry, the header's generator a declaration.

use core::ffi::c_void;

use famalloc::FamilySet;

/// What a C `malloc` is made over. Implemented by [`export_malloc!`](crate::export_malloc).
pub trait Exports: 'static {
    /// The family set.
    type Set: FamilySet;

    /// The address of the exported `free`.
    fn free_address() -> *mut c_void;

    /// The addresses of the exported `operator new` and its aligned form, and of `operator delete` and
    /// its aligned form.
    fn operators() -> [*mut c_void; 4];
}

/// Does what is better done before the first allocation. Called when the library is loaded.
pub fn initialize<E: Exports>() {
    crate::next::find::<E>();
    crate::replaced::find::<E>();
}

/// Exports a C `malloc` over a family set of yours.
#[macro_export]
macro_rules! export_malloc {
    ($set:ty) => {
        const _: () = {
            enum __Exports {}

            impl $crate::Exports for __Exports {
                type Set = $set;

                fn free_address() -> *mut ::core::ffi::c_void {
                    ::core::ptr::without_provenance_mut(free as *const () as usize)
                }

                fn operators() -> [*mut ::core::ffi::c_void; 4] {
                    [
                        _Znwm as *const (),
                        _ZnwmSt11align_val_t as *const (),
                        _ZdlPv as *const (),
                        _ZdlPvSt11align_val_t as *const (),
                    ]
                    .map(|own| ::core::ptr::without_provenance_mut(own as usize))
                }
            }

            extern "C" fn __initialize() {
                $crate::initialize::<__Exports>();
            }

            #[used]
            #[unsafe(link_section = ".init_array")]
            static __INITIALIZE: extern "C" fn() = __initialize;

            use ::core::ffi::{c_char, c_int, c_void};
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
            fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)? = $face:path;
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

/// The functions that a header declares, in its order.
#[doc(hidden)]
#[macro_export]
macro_rules! __interface {
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
            fn cfree(start: *mut c_void) = $crate::standard::free;
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
        }
    };
}
