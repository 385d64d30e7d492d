#![no_main]
//! See `famalloc_fuzz::programs`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| famalloc_fuzz::programs::run(data));
