#![no_main]
//! See `famalloc_fuzz::heap`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| famalloc_fuzz::heap::run(data));
