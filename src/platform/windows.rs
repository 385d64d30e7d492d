//! Windows: `WaitOnAddress`, the thread's environment block, the last error.

use core::ffi::c_void;
use core::ptr;

use windows_sys::Win32::Foundation::{ERROR_TIMEOUT, GetLastError, SetLastError};
use windows_sys::Win32::Storage::FileSystem::WriteFile;
use windows_sys::Win32::System::Console::{GetStdHandle, STD_ERROR_HANDLE};
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, INFINITE, TerminateProcess, WaitOnAddress, WakeByAddressAll,
    WakeByAddressSingle,
};

/// Where the system keeps the calling thread's data: no other thread's.
#[inline(always)]
pub(crate) fn this_thread() -> usize {
    // SAFETY: the word at this offset holds the address of the thread's environment block (`NT_TIB.Self`).
    #[cfg(target_arch = "x86_64")]
    unsafe {
        let thread: usize;
        core::arch::asm!("mov {}, gs:[0x30]", out(reg) thread, options(pure, readonly, nostack, preserves_flags));
        thread
    }
    // SAFETY: it has no preconditions. Numbers of threads are not zero; as addresses are, those of two threads
    // differ by more than a cache line.
    #[cfg(not(target_arch = "x86_64"))]
    unsafe {
        (windows_sys::Win32::System::Threading::GetCurrentThreadId() as usize) << 6
    }
}

/// Makes system calls, and leaves the last error as it was: programs drop what they allocated for a call before
/// they ask for its error.
pub(crate) fn keeping_error<T>(call: impl FnOnce() -> T) -> T {
    // SAFETY: it has no preconditions.
    let before = unsafe { GetLastError() };
    let result = call();
    // SAFETY: as above.
    unsafe { SetLastError(before) };
    result
}

/// Sets the last error.
#[cfg(test)]
pub(crate) fn set_last_error(error: i32) {
    // SAFETY: it has no preconditions.
    unsafe { SetLastError(error as u32) };
}

/// Sleeps while the word has this value, for so many nanoseconds at most, in whole milliseconds; returns whether it
/// slept all the while. May return for no reason.
///
/// # Safety
///
/// The word is valid.
pub(crate) unsafe fn sleep_while(word: *mut u32, value: u32, nanoseconds: u64) -> bool {
    let milliseconds = u32::try_from(nanoseconds.div_ceil(1_000_000)).unwrap_or(INFINITE);
    keeping_error(|| {
        // SAFETY: the word is valid (contract), and so is the value.
        let woken = unsafe {
            let value = ptr::from_ref(&value).cast::<c_void>();
            WaitOnAddress(word.cast(), value, size_of::<u32>(), milliseconds)
        };
        // SAFETY: it has no preconditions.
        let overslept = woken == 0 && unsafe { GetLastError() } == ERROR_TIMEOUT;
        if overslept {
            end_if_alone();
        }
        overslept
    })
}

#[link(name = "ntdll")]
unsafe extern "system" {
    /// Whether the process is ending, and its last thread calls what the loader calls then.
    fn RtlDllShutdownInProgress() -> u8;
}

/// Ends the process if nobody is left who could let go what the calling thread waits for.
///
/// When a process ends, the system first ends all of its threads but one, wherever they are, and that one then runs the
/// destructors of its thread-locals and what libraries do at the end. What waits for a lock of a thread that is no more
/// would wait for ever. The system's own locks end the process then, and so does this: all that is left undone is what
/// the rest of the destructors would have done, in a process that reports success only as far as it came.
#[cold]
fn end_if_alone() {
    // SAFETY: it has no preconditions.
    if unsafe { RtlDllShutdownInProgress() } != 0 {
        /// What the system's own locks end it with (`STATUS_THREAD_IS_TERMINATING`).
        const THREAD_IS_TERMINATING: u32 = 0xC000_004B;
        // SAFETY: this process.
        unsafe { TerminateProcess(GetCurrentProcess(), THREAD_IS_TERMINATING) };
    }
}

/// Wakes one of those that sleep while the word has its value.
///
/// # Safety
///
/// The word is valid.
pub(crate) unsafe fn wake_one(word: *mut u32) {
    // SAFETY: the address alone is used.
    keeping_error(|| unsafe { WakeByAddressSingle(word.cast()) });
}

/// Wakes all of them.
///
/// # Safety
///
/// The word is valid.
pub(crate) unsafe fn wake_all(word: *mut u32) {
    // SAFETY: the address alone is used.
    keeping_error(|| unsafe { WakeByAddressAll(word.cast()) });
}

/// The clock of the time that the calling thread uses; not 0. There are no forks here, so nobody looks at it.
pub(crate) fn thread_clock() -> i32 {
    1
}

/// The nanoseconds that such a clock shows: it stands still.
pub(crate) fn time_of(_clock: i32) -> u64 {
    0
}

/// Writes `text` to standard error without buffering or allocating.
pub(crate) fn write_stderr(text: &[u8]) {
    keeping_error(|| {
        // SAFETY: it has no preconditions. (Where there is no standard error, writing to it fails.)
        let stderr = unsafe { GetStdHandle(STD_ERROR_HANDLE) };
        let mut rest = text;
        while !rest.is_empty() {
            let mut written = 0;
            let length = u32::try_from(rest.len()).unwrap_or(u32::MAX);
            // SAFETY: so many bytes can be read, and the number can be written.
            let done = unsafe {
                WriteFile(stderr, rest.as_ptr(), length, &raw mut written, ptr::null_mut())
            };
            match written as usize {
                count if done != 0 && count > 0 => rest = &rest[count.min(rest.len())..],
                _ => return,
            }
        }
    });
}

/// Whether the environment is known.
#[cfg(feature = "environment")]
pub(crate) fn has_environment() -> bool {
    true
}

/// Calls `visit` with each variable of the environment, as `NAME=VALUE`: those of a few ASCII characters.
#[cfg(feature = "environment")]
pub(crate) fn for_each_variable(mut visit: impl FnMut(&str)) {
    use windows_sys::Win32::System::Environment::{
        FreeEnvironmentStringsW, GetEnvironmentStringsW,
    };
    /// No option's name and value are longer.
    const LONGEST: usize = 256;
    // SAFETY: it has no preconditions. The copy comes from the system's own heap.
    let all = unsafe { GetEnvironmentStringsW() };
    if all.is_null() {
        return;
    }
    let mut next = all;
    let mut text = [0_u8; LONGEST];
    loop {
        let mut length = 0;
        // SAFETY: a list of strings, each of which ends with zero.
        while unsafe { next.add(length).read() } != 0 {
            length += 1;
        }
        if length == 0 {
            // The empty string is the list's end.
            break;
        }
        // SAFETY: so many units are there.
        let units = unsafe { core::slice::from_raw_parts(next, length) };
        if length <= LONGEST && units.iter().all(|&unit| unit < 0x80) {
            for (byte, &unit) in text.iter_mut().zip(units) {
                *byte = unit as u8;
            }
            if let Ok(text) = core::str::from_utf8(&text[..length]) {
                visit(text);
            }
        }
        // SAFETY: behind its zero, the next string.
        next = unsafe { next.add(length + 1) };
    }
    // SAFETY: from there, and not used again.
    unsafe { FreeEnvironmentStringsW(all) };
}
