#![no_main]
//! See `famalloc_fuzz::collections`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| famalloc_fuzz::collections::run(data));
