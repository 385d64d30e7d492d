//! Miri, the interpreter that finds undefined behaviour: its allocations stand in for mappings.
//!
//! Miri knows no address space without memory, so a range is an allocation of its own from the start,
//! with which it checks every access; committed or not makes no difference to it. Ranges are bounded, and
//! so that an interpreted program does not have to wait for its bookkeeping, small. Time, threads, locks
//! and standard error are as on Linux, whose calls Miri has; only a fork it has not.
//!
//! It is C's allocator that is asked, never the global one, which may be built on this (I5).

use core::ffi::c_void;
use core::fmt;
use core::num::NonZeroUsize;
use core::ptr::{self, NonNull};

use once_cell::race::OnceNonZeroUsize;

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

/// How many processor cores there are, at least one (`-Zmiri-num-cpus`).
pub(crate) fn cores() -> usize {
    // SAFETY: `sysconf` has no preconditions.
    let online = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) };
    usize::try_from(online).unwrap_or(1).max(1)
}

/// Has `hook` called with `value` when the calling thread ends; returns whether it will be.
///
/// All calls name the same hook.
pub(crate) fn exit_hook(hook: unsafe extern "C" fn(*mut c_void), value: *mut c_void) -> bool {
    /// The key plus one: a key may be 0.
    static KEY: OnceNonZeroUsize = OnceNonZeroUsize::new();
    let key = KEY.get_or_try_init(|| {
        let mut key: libc::pthread_key_t = 0;
        // SAFETY: `key` is valid for writes and `hook` is of the type asked for.
        match unsafe { libc::pthread_key_create(&raw mut key, Some(hook)) } {
            0 => NonZeroUsize::new(key as usize + 1).ok_or(()),
            _ => Err(()),
        }
    });
    key.is_ok_and(|key| {
        // SAFETY: the key was created above and is never deleted.
        unsafe { libc::pthread_setspecific((key.get() - 1) as libc::pthread_key_t, value) == 0 }
    })
}

/// Has these called at each fork: there is none.
pub(crate) fn at_fork(
    _prepare: unsafe extern "C" fn(),
    _parent: unsafe extern "C" fn(),
    _child: unsafe extern "C" fn(),
) -> bool {
    true
}

/// Writes `text` to standard error.
pub(crate) fn write_stderr(text: &[u8]) {
    // SAFETY: `text` is valid for reads of its length.
    unsafe { libc::write(libc::STDERR_FILENO, text.as_ptr().cast(), text.len()) };
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the pages of Miri")
    }
}
