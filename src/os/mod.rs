//! Page sources: where address space and memory come from.
//!
//! This is the lowest layer. Everything above asks a [`PageSource`] for a range of addresses,
//! commits parts of it, and gives them back; `System` is the operating system's, and [`FixedBuffer`] a
//! buffer that stands in for one. A family set can name a source of its own
//! (`#[alloc_family(source = SOURCE)]`), for embedders with page hooks and for tests with a source that
//! fails on purpose.

use core::fmt;
use core::ptr::NonNull;

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

pub use fixed::FixedBuffer;
#[cfg(all(feature = "std", target_os = "linux", not(miri)))]
pub use linux::System;
#[cfg(all(feature = "std", target_os = "linux"))]
pub(crate) use linux::{
    at_fork, barrier_all_threads, cores, exit_hook, page_wiped_at_fork, process, spawn_unnoticed,
    unmap_wiped_at_fork, wait_while, wake, write_stderr,
};
#[cfg(all(feature = "std", target_os = "linux", miri))]
pub use miri::System;
#[cfg(all(feature = "std", target_os = "linux"))]
pub(crate) use pulse::{Beat, Pulse};

/// The operating system's pages.
#[cfg(feature = "std")]
pub(crate) static SYSTEM: System = System::new();

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

/// A page source's refusal.
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

/// Where address space and memory come from.
///
/// The life of a page: *reserved* (an address, no memory) -> *committed* (readable, writable, zero
/// at first) -> *decommitted* (reserved again, contents lost) -> ... -> *released*. Sizes and
/// addresses passed in are multiples of [`page_size`](Self::page_size).
///
/// # Safety
///
/// The allocator relies on every word of the methods' descriptions: a reserved range overlaps
/// nothing else, committed memory is readable, writable and zero where it was not committed
/// before, no method calls the allocator that is built on this source, and no method unwinds: locks
/// are held around these calls, and work that is half done is not undone.
///
/// # Examples
///
/// A source that counts what is committed, over the system's:
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

    /// Reserves `size` bytes of addresses at a multiple of `align`, a power of two.
    ///
    /// # Errors
    ///
    /// When there is no such range. The allocator then asks again for less.
    fn reserve(&self, size: usize, align: usize) -> Result<NonNull<u8>, PageError>;

    /// A bound on the size of a range that [`reserve`](Self::reserve) may now return at a multiple of
    /// `align`, as far as the source knows one. Unless it reserves [in steps](Self::in_steps), the allocator
    /// takes all that there is: it first asks for 1 TiB or, if that is less, for so much.
    fn largest_range(&self, _align: usize) -> usize {
        usize::MAX
    }

    /// [`reserve`](Self::reserve) with a wish: the range begins at the address `near`, if that is a multiple
    /// of `align` and nothing is in the way there, and anywhere else otherwise. 0 is no wish.
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

    /// Whether the allocator is to reserve addresses in steps, a range of 64 MiB first and others when
    /// that is used up, instead of all there is at once. What it keeps about them then lies in ranges of
    /// its own, of 4.2 MiB together and 70 KiB for each 64 MiB, of which little is ever touched.
    ///
    /// The answer is always the same.
    fn in_steps(&self) -> bool {
        false
    }

    /// Makes a reserved range readable and writable. Pages that were not committed read as zero;
    /// pages that were keep their contents.
    ///
    /// # Errors
    ///
    /// When there is not enough memory; the range is then as it was.
    ///
    /// # Safety
    ///
    /// The range lies within one that [`reserve`](Self::reserve) returned.
    unsafe fn commit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError>;

    /// Gives the memory of a range back, as far as it is committed. The contents are lost; it is not
    /// touched again before it is committed again, and then reads as zero.
    ///
    /// # Errors
    ///
    /// When the memory cannot be given back; the range then stays committed, and each of its pages
    /// keeps its contents or is zero.
    ///
    /// # Safety
    ///
    /// The range lies within one that [`reserve`](Self::reserve) returned, and nothing in it is in
    /// use.
    unsafe fn decommit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError>;

    /// Gives a whole reserved range back.
    ///
    /// # Safety
    ///
    /// The range is one that [`reserve`](Self::reserve) returned, whole, and is not used again.
    unsafe fn release(&self, start: NonNull<u8>, size: usize);

    /// A hint: the committed range is about to be written all over; give it memory at once.
    ///
    /// # Safety
    ///
    /// The range is committed. Its contents must not change.
    unsafe fn populate(&self, _start: NonNull<u8>, _size: usize) {}

    /// Gives up the contents of committed pages, which stay committed: their memory may go back to
    /// the system until they are touched again. Returns whether it did; a source that cannot leaves
    /// them as they are.
    ///
    /// # Safety
    ///
    /// The range is committed, and nobody needs what is in it.
    unsafe fn discard(&self, _start: NonNull<u8>, _size: usize) -> bool {
        false
    }

    /// How many bytes of a range are in memory; `None` where the source does not know.
    ///
    /// # Safety
    ///
    /// The range lies within one that [`reserve`](Self::reserve) returned. Its contents must not change.
    unsafe fn resident(&self, _start: NonNull<u8>, _size: usize) -> Option<usize> {
        None
    }

    /// A hint: the committed range is worth huge pages, or (`wanted == false`) the range, committed
    /// or not, no longer is.
    ///
    /// # Safety
    ///
    /// The range lies within one that [`reserve`](Self::reserve) returned, and where huge pages are
    /// wanted it is committed. Its contents must not change.
    unsafe fn huge_pages(&self, _start: NonNull<u8>, _size: usize, _wanted: bool) {}

    /// Moves the contents of a committed range to another without copying; the old range stays
    /// committed and reads as zero. Returns whether it did; `false` leaves both as they were.
    ///
    /// # Safety
    ///
    /// Both ranges are committed, lie within reserved ones, and do not overlap; nothing in the new
    /// one is in use.
    unsafe fn move_pages(&self, _from: NonNull<u8>, _to: NonNull<u8>, _size: usize) -> bool {
        false
    }

    /// Milliseconds on a clock that never goes back; it times how long emptied extents stay warm.
    /// Without one (0 throughout) the memory of emptied extents goes back from then on, a piece of it
    /// by each call that releases an extent or takes one that is not warm.
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
    write_stderr(line.bytes());
    std::process::abort()
}
