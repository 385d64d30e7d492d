//! What the locks and the options ask of the system: below everything else, for these two import nothing.
//!
//! Each system has a file here and one in [`os`](crate::os), which says what it asks for. The list of this one:
//!
//! | function | what |
//! | --- | --- |
//! | `this_thread` | a number that no other thread has while this one lives, other than 0: the address of what the system keeps for it, or the like |
//! | `keeping_error` | makes system calls, and leaves the thread's last error as it was |
//! | `sleep_while` | sleeps while a word has a value, for a while at most; tells whether it was that long |
//! | `wake_one`, `wake_all` | wake who sleeps there |
//! | `thread_clock`, `time_of` | the time that a thread has used, seen from others; where there is no fork it stands still |
//! | `write_stderr` | writes to standard error without buffering or allocating |
//! | `for_each_variable` | the variables of the environment, without allocating |
//!
//! None of them allocates. A system that lacks one of them has a function that says so.

#[cfg(target_os = "linux")]
mod linux;
pub mod local;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
pub(crate) use linux::*;
#[cfg(windows)]
pub(crate) use windows::*;
