#![no_main]
//! See `famalloc_fuzz::calls`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| famalloc_fuzz::calls::run(data));
