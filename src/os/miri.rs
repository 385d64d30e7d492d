//! Miri, the interpreter that finds undefined behaviour: its allocations stand in for mappings.
//!
//! Miri knows no address space without memory, so a range is an allocation of its own from the start,
//! with which it checks every access; committed or not makes no difference to it. Ranges are bounded, and
//! so that an interpreted program does not have to wait for its bookkeeping, small. Everything else is as
//! on Linux, many of whose calls Miri has; what it has not is left out [there](super::linux).
//!
//! It is C's allocator that is asked, never the global one, which may be built on this (I5).

use core::fmt;
use core::ptr::{self, NonNull};

use super::{PageError, PageSource};

/// No range is larger.
const LARGEST: usize = 16 << 20;
const PAGE: usize = 4096;

/// The pages of Miri, in which the program runs that this was built for.
#[derive(Debug)]
pub struct System(());

impl System {
    /// The pages of the interpreter.
    #[must_use]
    pub const fn new() -> Self {
        Self(())
    }
}

impl Default for System {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: ranges are allocations of their own, zero at first and after their contents were given up, so
// nothing is left to do in `commit`.
unsafe impl PageSource for System {
    fn page_size(&self) -> usize {
        PAGE
    }

    fn reserve(&self, size: usize, align: usize) -> Result<NonNull<u8>, PageError> {
        if size > LARGEST || align > LARGEST {
            return Err(PageError);
        }
        let mut start = ptr::null_mut();
        // SAFETY: `start` is valid for writes, and the alignment a power of two and more than a pointer's.
        let result = unsafe { libc::posix_memalign(&raw mut start, align.max(PAGE), size) };
        let start = NonNull::new(start.cast::<u8>()).filter(|_| result == 0).ok_or(PageError)?;
        // SAFETY: allocated just now.
        unsafe { start.write_bytes(0, size) };
        Ok(start)
    }

    fn largest_range(&self, _align: usize) -> usize {
        LARGEST
    }

    unsafe fn commit(&self, _start: NonNull<u8>, _size: usize) -> Result<(), PageError> {
        Ok(())
    }

    unsafe fn decommit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError> {
        // SAFETY: in a range that was handed out, and not in use (contract).
        unsafe { start.write_bytes(0, size) };
        Ok(())
    }

    unsafe fn release(&self, start: NonNull<u8>, _size: usize) {
        // SAFETY: a whole range of ours that is not used again (contract).
        unsafe { libc::free(start.as_ptr().cast()) };
    }

    unsafe fn discard(&self, start: NonNull<u8>, size: usize) -> bool {
        // SAFETY: passed on.
        unsafe { self.decommit(start, size) }.is_ok()
    }

    fn milliseconds(&self) -> u64 {
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `now` is valid for writes.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &raw mut now) };
        now.tv_sec.unsigned_abs() * 1000 + now.tv_nsec.unsigned_abs() / 1_000_000
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the pages of Miri")
    }
}
