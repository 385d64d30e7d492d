//! A C library that brings its own families, and functions that use them from Rust.

use core::ffi::c_void;

use famalloc::{FamilyBox, alloc_family};

/// The families, of which neither the first nor the last is the fallback.
#[alloc_family(thread_local = "initial-exec")]
#[derive(Debug)]
pub enum Lives {
    /// What a parser makes.
    Parser,
    /// At most a mebibyte.
    #[family(limit = "1 MiB")]
    Cache,
    /// Everything that names no family.
    #[family(fallback)]
    General,
    /// Keeps its addresses, and leaves nothing readable.
    #[family(isolate, zero_on_free)]
    Secret,
    /// For whoever asks for one.
    Free1,
    /// For whoever asks for one.
    Free2,
}

famalloc_c::export_malloc!(Lives, unnamed from 4);

/// A number in the parser's family, from Rust.
#[unsafe(no_mangle)]
pub extern "C" fn own_parser_number() -> *mut u64 {
    FamilyBox::into_raw(FamilyBox::<u64, _>::new_in(7, lives::Parser))
}

/// Rust's own memory: C frees it.
#[unsafe(no_mangle)]
pub extern "C" fn own_rust_memory() -> *mut c_void {
    Box::into_raw(vec![7_u8; 1000].into_boxed_slice()).cast()
}
