#![no_main]
//! See `famalloc_fuzz::expansion`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| famalloc_fuzz::expansion::run(data));
