#![no_main]
//! See `famalloc_fuzz::regions`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| famalloc_fuzz::regions::run(data));
