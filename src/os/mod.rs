//! Page sources: where address space and memory come from.
//!
//! This is the lowest layer. Everything above asks a [`PageSource`] for address ranges, commits parts of
//! them, and returns them. `System` is the source of the operating system, [`FixedBuffer`] one over a
//! buffer. A family set can name a source of its own (`#[alloc_family(source = SOURCE)]`): for embedders
//! with their own page functions, and for tests with a source that fails on purpose.
//!
//! Each system has a file here, and one in [`platform`] for what the locks need. The list of this one:
//!
//! | item | what | where there is none |
//! | --- | --- | --- |
//! | `System` | the [`PageSource`] of the system's pages, with a clock | |
//! | `cores` | how many processor cores are online | 1 |
//! | `exit_hook` | has a function called when the calling thread ends, after its own destructors | `false`: threads have no magazines |
//! | `barrier_all_threads` | has every thread pass a full barrier | `false`: the magazines of threads that idle stay |
//! | `Pulse`, `Beat` | whether a thread still lives, as others can ask | it cannot be started: what a thread leaves in spite of its exit hook is lost |
//! | `spawn_unnoticed` | starts a thread with a small stack, without signals | `false`: no thread in the background |
//! | `at_fork` | has functions called around a fork, and keeps this code loaded | without forks, it keeps the code loaded alone |
//! | `page_wiped_at_fork`, `unmap_wiped_at_fork` | a page that is zero in each child | `None` |
//! | `process` | the number of this process | |

use core::fmt;
use core::ptr::NonNull;

#[cfg(feature = "std")]
use crate::platform;
#[cfg(feature = "std")]
use crate::sync::AtomicU32;

mod fixed;
#[cfg(all(feature = "std", target_os = "linux"))]
#[cfg_attr(
    miri,
    allow(dead_code, unreachable_pub, reason = "its pages are not for an interpreter")
)]
mod linux;
#[cfg(all(feature = "std", target_os = "linux"))]
mod loaded;
#[cfg(all(feature = "std", target_os = "linux", miri))]
mod miri;
#[cfg(all(feature = "std", target_os = "linux"))]
mod pulse;
#[cfg(all(feature = "std", windows))]
mod windows;

pub use fixed::FixedBuffer;
#[cfg(all(feature = "std", target_os = "linux", not(miri)))]
pub use linux::System;
#[cfg(all(feature = "std", target_os = "linux"))]
pub(crate) use linux::{
    at_fork, barrier_all_threads, cores, exit_hook, page_wiped_at_fork, process, spawn_unnoticed,
    unmap_wiped_at_fork,
};
#[cfg(all(feature = "std", target_os = "linux", miri))]
pub use miri::System;
#[cfg(all(feature = "std", target_os = "linux"))]
pub(crate) use pulse::{Beat, Pulse};
#[cfg(all(feature = "std", windows))]
pub use windows::System;
#[cfg(all(feature = "std", windows))]
pub(crate) use windows::{
    Beat, Pulse, at_fork, barrier_all_threads, cores, exit_hook, page_wiped_at_fork, process,
    spawn_unnoticed, unmap_wiped_at_fork,
};

/// The operating system's pages.
#[cfg(feature = "std")]
pub(crate) static SYSTEM: System = System::new();

/// Sleeps while the word has this value, for so many milliseconds at most. May return for no reason.
#[cfg(feature = "std")]
pub(crate) fn wait_while(word: &AtomicU32, value: u32, milliseconds: u64) {
    // SAFETY: the word is valid.
    unsafe { platform::sleep_while(word.as_ptr(), value, milliseconds * 1_000_000) };
}

/// Wakes all that [wait](wait_while) for the word to change.
#[cfg(feature = "std")]
pub(crate) fn wake(word: &AtomicU32) {
    // SAFETY: the word is valid.
    unsafe { platform::wake_all(word.as_ptr()) };
}

/// How many processor cores there are: nobody knows, and without magazines a second one gains
/// little from a lane of its own.
#[cfg(not(feature = "std"))]
pub(crate) fn cores() -> usize {
    1
}

/// Has `hook` called with `value` when the calling thread ends: it is the only one, and never does.
#[cfg(not(feature = "std"))]
pub(crate) fn exit_hook(
    _hook: unsafe extern "C" fn(*mut core::ffi::c_void),
    _value: *mut core::ffi::c_void,
) -> bool {
    true
}

/// Has every thread pass a full barrier: nobody knows the threads here.
#[cfg(not(feature = "std"))]
pub(crate) fn barrier_all_threads() -> bool {
    false
}

/// The error of a page source.
///
/// # Examples
///
/// ```
/// assert_eq!(famalloc::PageError.to_string(), "the page source refused the request");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageError;

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the page source refused the request")
    }
}

impl core::error::Error for PageError {}

/// A source of address space and memory.
///
/// The states of a page: *reserved* (an address without memory) -> *committed* (readable, writable,
/// initially zero) -> *decommitted* (reserved again, contents lost) -> ... -> *released*. All sizes and
/// addresses that the allocator passes are multiples of [`page_size`](Self::page_size).
///
/// # Safety
///
/// The allocator relies on every word of the descriptions of the methods: a reserved range overlaps no
/// other; committed memory is readable, writable, and zero where it was not committed before; no method
/// calls the allocator that is built on this source; and no method unwinds, since the allocator calls them
/// under locks, in the middle of changes that it does not undo.
///
/// # Examples
///
/// A source on top of that of the system that counts committed bytes:
///
/// ```
/// use core::ptr::NonNull;
/// use core::sync::atomic::{AtomicUsize, Ordering};
/// use famalloc::{alloc_family, alloc_in, free_in, PageError, PageSource, System};
///
/// struct Counting {
///     system: System,
///     committed: AtomicUsize,
/// }
///
/// // SAFETY: every call is passed on unchanged.
/// unsafe impl PageSource for Counting {
///     fn page_size(&self) -> usize {
///         self.system.page_size()
///     }
///     fn reserve(&self, size: usize, align: usize) -> Result<NonNull<u8>, PageError> {
///         self.system.reserve(size, align)
///     }
///     unsafe fn commit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError> {
///         self.committed.fetch_add(size, Ordering::Relaxed);
///         // SAFETY: passed on.
///         unsafe { self.system.commit(start, size) }
///     }
///     unsafe fn decommit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError> {
///         // SAFETY: passed on.
///         unsafe { self.system.decommit(start, size) }
///     }
///     unsafe fn release(&self, start: NonNull<u8>, size: usize) {
///         // SAFETY: passed on.
///         unsafe { self.system.release(start, size) }
///     }
/// }
///
/// static PAGES: Counting =
///     Counting { system: System::new(), committed: AtomicUsize::new(0) };
///
/// #[alloc_family(source = PAGES)]
/// enum Lives {
///     Frame,
/// }
///
/// let frame = alloc_in::<lives::Frame>(100)?;
/// assert!(PAGES.committed.load(Ordering::Relaxed) > 0);
/// // SAFETY: allocated above with this size.
/// unsafe { free_in::<lives::Frame>(frame, 100) };
/// # Ok::<(), famalloc::AllocError>(())
/// ```
pub unsafe trait PageSource: Sync {
    /// The size of a page in bytes: a power of two, at most 64 KiB.
    fn page_size(&self) -> usize;

    /// Reserves `size` bytes of address space at a multiple of `align`, a power of two.
    ///
    /// # Errors
    ///
    /// If there is no such range. The allocator then asks again for less.
    fn reserve(&self, size: usize, align: usize) -> Result<NonNull<u8>, PageError>;

    /// An upper bound of the size of a range that [`reserve`](Self::reserve) can now return at a multiple
    /// of `align`, if the source knows one. Unless the allocator reserves [in steps](Self::in_steps), it
    /// takes all that there is: it first asks for 1 TiB or this bound, whichever is less.
    fn largest_range(&self, _align: usize) -> usize {
        usize::MAX
    }

    /// [`reserve`](Self::reserve) with a hint: the range should begin at the address `near`, if that is a
    /// multiple of `align` and the range there is unused; otherwise it may begin anywhere. 0 is no hint.
    ///
    /// # Errors
    ///
    /// As for [`reserve`](Self::reserve).
    fn reserve_near(
        &self,
        _near: usize,
        size: usize,
        align: usize,
    ) -> Result<NonNull<u8>, PageError> {
        self.reserve(size, align)
    }

    /// Whether the allocator should reserve address space in steps, first a range of 64 MiB and others
    /// when it is used up, instead of all there is at once. The metadata then lies in ranges of its own,
    /// of 4.2 MiB together and 70 KiB for each 64 MiB, of which little is ever touched.
    ///
    /// The answer must always be the same.
    fn in_steps(&self) -> bool {
        false
    }

    /// Makes a reserved range readable and writable. Pages that were not committed read as zero; committed
    /// pages keep their contents.
    ///
    /// # Errors
    ///
    /// If there is not enough memory. Then the range is unchanged.
    ///
    /// # Safety
    ///
    /// The range lies within one that [`reserve`](Self::reserve) returned.
    unsafe fn commit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError>;

    /// Returns the memory of a range, as far as it is committed. The contents are lost. The range is not
    /// touched until it is committed again, and then reads as zero.
    ///
    /// # Errors
    ///
    /// If the memory cannot be returned. Then the range stays committed, and each of its pages keeps its
    /// contents or is zero.
    ///
    /// # Safety
    ///
    /// The range lies within one that [`reserve`](Self::reserve) returned, and nothing in it is in
    /// use.
    unsafe fn decommit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError>;

    /// Returns a whole reserved range.
    ///
    /// # Safety
    ///
    /// The range is a whole one that [`reserve`](Self::reserve) returned, and is not used again.
    unsafe fn release(&self, start: NonNull<u8>, size: usize);

    /// A hint: the whole committed range is about to be written; give it memory at once.
    ///
    /// # Safety
    ///
    /// The range is committed. Its contents must not change.
    unsafe fn populate(&self, _start: NonNull<u8>, _size: usize) {}

    /// Discards the contents of committed pages, which stay committed: the system may take their memory
    /// until they are touched again. Returns whether it did; a source that cannot do this leaves them
    /// unchanged.
    ///
    /// # Safety
    ///
    /// The range is committed, and its contents are no longer needed.
    unsafe fn discard(&self, _start: NonNull<u8>, _size: usize) -> bool {
        false
    }

    /// The resident bytes of a range; `None` if the source does not know.
    ///
    /// # Safety
    ///
    /// The range lies within one that [`reserve`](Self::reserve) returned. Its contents must not change.
    unsafe fn resident(&self, _start: NonNull<u8>, _size: usize) -> Option<usize> {
        None
    }

    /// A hint: use huge pages for the committed range, or (`wanted == false`) no longer use them for the
    /// range, committed or not.
    ///
    /// # Safety
    ///
    /// The range lies within one that [`reserve`](Self::reserve) returned, and where huge pages are
    /// wanted it is committed. Its contents must not change.
    unsafe fn huge_pages(&self, _start: NonNull<u8>, _size: usize, _wanted: bool) {}

    /// Moves the contents of a committed range to another without copying. The old range stays committed
    /// and reads as zero. Returns whether it did; on `false` both ranges are unchanged.
    ///
    /// # Safety
    ///
    /// Both ranges are committed, lie within reserved ones, and do not overlap; nothing in the new range
    /// is in use.
    unsafe fn move_pages(&self, _from: NonNull<u8>, _to: NonNull<u8>, _size: usize) -> bool {
        false
    }

    /// Milliseconds of a monotonic clock, which times how long empty extents are retained. Without a clock
    /// (always 0) the memory of empty extents is purged at once, one piece by each call that releases an
    /// extent or takes one that is not retained.
    fn milliseconds(&self) -> u64 {
        0
    }
}

/// Panics with the reason why the process cannot continue. Damaged data stays damaged and locks may stay
/// held, so the allocator cannot be used afterwards. `abort` has the messages.
#[cfg(not(feature = "std"))]
#[cold]
pub(crate) fn die(reason: fmt::Arguments<'_>) -> ! {
    panic!("famalloc: {reason}")
}

/// Writes the reason why the process cannot continue to standard error, and aborts. Does not allocate.
/// `abort` has the messages.
#[cfg(feature = "std")]
#[cold]
pub(crate) fn die(reason: fmt::Arguments<'_>) -> ! {
    let mut line = crate::error::Message::new();
    let _ = fmt::Write::write_fmt(&mut line, format_args!("famalloc: {reason}\n"));
    platform::write_stderr(line.bytes());
    std::process::abort()
}
