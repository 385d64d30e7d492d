#![no_main]
//! See `famalloc_fuzz::pools`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| famalloc_fuzz::pools::run(data));
