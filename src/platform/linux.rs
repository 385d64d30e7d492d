//! Linux: futexes, the thread pointer, the clock of a thread, the C library's environment.

use core::ffi::c_int;
#[cfg(feature = "environment")]
use core::ffi::{CStr, c_char};

/// Where the system keeps the calling thread's data: the same in a child as in its parent, and no other
/// thread's.
#[inline(always)]
pub(crate) fn this_thread() -> usize {
    // SAFETY: the word at this offset holds its own address (the x86-64 ABI's TLS, variant II).
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    unsafe {
        let thread: usize;
        core::arch::asm!("mov {}, fs:0", out(reg) thread, options(pure, readonly, nostack, preserves_flags));
        thread
    }
    // SAFETY: reads a register.
    #[cfg(all(target_arch = "aarch64", not(miri)))]
    unsafe {
        let thread: usize;
        core::arch::asm!("mrs {}, tpidr_el0", out(reg) thread, options(pure, nomem, nostack, preserves_flags));
        thread
    }
    // SAFETY: it has no preconditions.
    #[cfg(not(any(miri, target_arch = "x86_64", target_arch = "aarch64")))]
    unsafe {
        libc::pthread_self() as usize
    }
    // SAFETY: as above. Miri numbers threads, from zero; an address is not zero, and those of two threads
    // differ by more than a cache line.
    #[cfg(miri)]
    unsafe {
        (libc::pthread_self() as usize + 1) << 6
    }
}

/// Calls `call`, and leaves `errno` as it was.
pub(crate) fn keeping_error<T>(call: impl FnOnce() -> T) -> T {
    // SAFETY: this thread's own.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: as above.
    let before = unsafe { errno.read() };
    let result = call();
    // SAFETY: as above.
    unsafe { errno.write(before) };
    result
}

/// Sets `errno`.
#[cfg(test)]
pub(crate) fn set_last_error(error: i32) {
    // SAFETY: this thread's own.
    unsafe { libc::__errno_location().write(error) };
}

/// Sleeps while the word has this value, for so many nanoseconds at most; returns whether it slept all the
/// while. May return for no reason.
///
/// # Safety
///
/// The word is valid.
pub(crate) unsafe fn sleep_while(word: *mut u32, value: u32, nanoseconds: u64) -> bool {
    let time = libc::timespec {
        tv_sec: (nanoseconds / 1_000_000_000) as _,
        tv_nsec: (nanoseconds % 1_000_000_000) as _,
    };
    // SAFETY: passed on.
    unsafe { futex(word, libc::FUTEX_WAIT, value, &raw const time) == Err(libc::ETIMEDOUT) }
}

/// Wakes one of those that sleep while the word has its value.
///
/// # Safety
///
/// The word is valid.
pub(crate) unsafe fn wake_one(word: *mut u32) {
    // SAFETY: passed on. Nobody need be asleep.
    let _ = unsafe { futex(word, libc::FUTEX_WAKE, 1, core::ptr::null()) };
}

/// Wakes all of them.
///
/// # Safety
///
/// The word is valid.
pub(crate) unsafe fn wake_all(word: *mut u32) {
    // SAFETY: passed on.
    let _ = unsafe { futex(word, libc::FUTEX_WAKE, i32::MAX as u32, core::ptr::null()) };
}

/// Calls the system about a word, which is a futex of this process alone.
///
/// # Safety
///
/// The word is valid, and so is the time, or it is null.
unsafe fn futex(
    word: *mut u32,
    operation: c_int,
    value: u32,
    time: *const libc::timespec,
) -> Result<(), c_int> {
    keeping_error(|| {
        let operation = operation | libc::FUTEX_PRIVATE_FLAG;
        // SAFETY: the word is valid, and so is the time (contract).
        let result = unsafe { libc::syscall(libc::SYS_futex, word, operation, value, time) };
        // SAFETY: this thread's own.
        if result < 0 { Err(unsafe { *libc::__errno_location() }) } else { Ok(()) }
    })
}

/// The clock of the time that the calling thread uses, as others can read it; not 0.
pub(crate) fn thread_clock() -> i32 {
    // SAFETY: it has no preconditions.
    let id = unsafe { libc::syscall(libc::SYS_gettid) } as i32;
    // By its number, as the system encodes it (`CPUCLOCK_PERTHREAD_MASK` and `CPUCLOCK_SCHED` in its sources).
    !id << 3 | 6
}

/// The nanoseconds that such a clock shows. Where there is no such clock, it seems to stand still.
pub(crate) fn time_of(clock: i32) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid for writes.
    keeping_error(|| unsafe { libc::clock_gettime(clock, &raw mut time) });
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Writes `text` to standard error without buffering or allocating. By the system call itself: the C
/// library's `write` is where a thread that was cancelled ends.
pub(crate) fn write_stderr(text: &[u8]) {
    let mut rest = text;
    while !rest.is_empty() {
        // (An interpreter has the library's alone.)
        // SAFETY: `rest` is valid for reads of its length.
        let written = unsafe {
            if cfg!(miri) {
                libc::write(libc::STDERR_FILENO, rest.as_ptr().cast(), rest.len()) as i64
            } else {
                libc::syscall(libc::SYS_write, libc::STDERR_FILENO, rest.as_ptr(), rest.len())
            }
        };
        match usize::try_from(written) {
            Ok(count) if count > 0 => rest = &rest[count.min(rest.len())..],
            _ => return,
        }
    }
}

#[cfg(feature = "environment")]
unsafe extern "C" {
    /// The environment of the process, null until the C library knows it.
    static environ: *const *const c_char;
}

/// Whether the environment is known.
#[cfg(feature = "environment")]
pub(crate) fn has_environment() -> bool {
    // SAFETY: a word of the C library's, valid for as long as the process.
    unsafe { !environ.is_null() }
}

/// Calls `visit` with each variable of the environment, as `NAME=VALUE`; with none where the program has more rights
/// than who started it.
#[cfg(feature = "environment")]
pub(crate) fn for_each_variable(mut visit: impl FnMut(&str)) {
    // SAFETY: it has no preconditions.
    if unsafe { libc::getauxval(libc::AT_SECURE) } != 0 {
        return;
    }
    // SAFETY: a word of the C library's, valid for as long as the process.
    let mut next = unsafe { environ };
    // SAFETY: null, or a list of strings that ends with null, which nobody changes while a program allocates for the
    // first time.
    while let Some(&variable) = unsafe { next.as_ref() }.filter(|variable| !variable.is_null()) {
        // SAFETY: as above.
        if let Ok(text) = unsafe { CStr::from_ptr(variable) }.to_str() {
            visit(text);
        }
        // SAFETY: not the end, so there is another.
        next = unsafe { next.add(1) };
    }
}
