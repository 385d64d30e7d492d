//! Windows: `VirtualAlloc`, a callback of the loader at each thread's end, `FlushProcessWriteBuffers`, a clock.

use core::ffi::c_void;
use core::fmt;
use core::num::NonZeroUsize;
use core::ptr::{self, NonNull};

use once_cell::race::OnceNonZeroUsize;
use windows_sys::Win32::System::Memory::{
    MEM_COMMIT, MEM_DECOMMIT, MEM_RELEASE, MEM_RESERVE, MEM_RESET, PAGE_NOACCESS, PAGE_READWRITE,
    VirtualAlloc, VirtualFree,
};
use windows_sys::Win32::System::SystemInformation::{GetSystemInfo, GetTickCount64, SYSTEM_INFO};
use windows_sys::Win32::System::Threading::GetCurrentProcessId;

use super::{PageError, PageSource};
use crate::platform::keeping_error;

mod thread;

pub(crate) use thread::{Beat, Pulse, barrier_all_threads, exit_hook, spawn_unnoticed};

/// The operating system's pages.
///
/// Reserving takes address space alone. Committing counts against what the system can commit at all, touched or
/// not, and memory arrives page by page at the first touch. Decommitting gives the memory back at once. There is
/// no promise of huge pages, and pages cannot be moved.
///
/// # Examples
///
/// ```
/// use famalloc::{PageSource, System};
///
/// static PAGES: System = System::new();
/// let size = 16 * PAGES.page_size();
/// let range = PAGES.reserve(size, 1 << 21)?;
/// // SAFETY: the range was just reserved, is committed before it is touched, and is not used after.
/// unsafe {
///     PAGES.commit(range, size)?;
///     range.write(7);
///     assert_eq!(range.read(), 7);
///     PAGES.release(range, size);
/// }
/// # Ok::<(), famalloc::PageError>(())
/// ```
#[derive(Debug)]
pub struct System {
    page_size: OnceNonZeroUsize,
}

impl System {
    /// The operating system's pages.
    #[must_use]
    pub const fn new() -> Self {
        Self { page_size: OnceNonZeroUsize::new() }
    }
}

impl Default for System {
    fn default() -> Self {
        Self::new()
    }
}

/// How often a range that was found is lost to another thread before the search is given up.
const TRIES: usize = 64;

/// What the system knows of itself.
fn system_info() -> SYSTEM_INFO {
    let mut info = SYSTEM_INFO::default();
    // SAFETY: valid for writes.
    unsafe { GetSystemInfo(&raw mut info) };
    info
}

/// Reserves addresses, at `near` if that is not 0.
fn reserve_at(near: usize, size: usize) -> Option<NonNull<u8>> {
    let near = ptr::without_provenance::<c_void>(near);
    // SAFETY: a new reservation touches nothing.
    NonNull::new(unsafe { VirtualAlloc(near, size, MEM_RESERVE, PAGE_NOACCESS) }).map(NonNull::cast)
}

/// Gives a whole reservation back.
///
/// # Safety
///
/// It is one, and not used again.
unsafe fn release_at(start: NonNull<u8>) {
    // SAFETY: passed on.
    unsafe { VirtualFree(start.as_ptr().cast(), 0, MEM_RELEASE) };
}

/// Reserves addresses at a multiple of `align`, wherever there are some.
fn reserve_aligned(size: usize, align: usize) -> Option<NonNull<u8>> {
    let start = reserve_at(0, size)?;
    if start.addr().get() % align == 0 {
        return Some(start);
    }
    // SAFETY: reserved just now, and nobody knows it.
    unsafe { release_at(start) };
    let padded = size.checked_add(align)?;
    for _ in 0..TRIES {
        // A reservation cannot be cut: one that is large enough shows where there is room, and goes again.
        let room = reserve_at(0, padded)?;
        let aligned = room.addr().get().next_multiple_of(align);
        // SAFETY: as above.
        unsafe { release_at(room) };
        // Another thread may have been faster.
        if let Some(start) = reserve_at(aligned, size) {
            return Some(start);
        }
    }
    None
}

// SAFETY: each method does what the trait says by the system call of the same purpose; none of these calls
// allocates. Pages that are committed again after they were decommitted are zero, as new ones are.
unsafe impl PageSource for System {
    fn page_size(&self) -> usize {
        let size = || NonZeroUsize::new(system_info().dwPageSize as usize);
        // Of a processor that there is not.
        let unknown = const { NonZeroUsize::new(64 << 10).unwrap() };
        self.page_size.get_or_init(|| size().unwrap_or(unknown)).get()
    }

    fn reserve(&self, size: usize, align: usize) -> Result<NonNull<u8>, PageError> {
        self.reserve_near(0, size, align)
    }

    fn reserve_near(
        &self,
        near: usize,
        size: usize,
        align: usize,
    ) -> Result<NonNull<u8>, PageError> {
        keeping_error(|| {
            // An address that is not a multiple of 64 KiB would be rounded down.
            let granularity = system_info().dwAllocationGranularity as usize;
            if near != 0 && near % align.max(granularity) == 0 {
                if let Some(start) = reserve_at(near, size) {
                    return Ok(start);
                }
            }
            reserve_aligned(size, align).ok_or(PageError)
        })
    }

    fn in_steps(&self) -> bool {
        true
    }

    unsafe fn commit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError> {
        keeping_error(|| {
            // SAFETY: within a range of ours (contract). What is committed already stays as it is.
            let committed =
                unsafe { VirtualAlloc(start.as_ptr().cast(), size, MEM_COMMIT, PAGE_READWRITE) };
            if committed.is_null() { Err(PageError) } else { Ok(()) }
        })
    }

    unsafe fn decommit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError> {
        keeping_error(|| {
            // SAFETY: within a range of ours in which nothing is in use (contract).
            let done = unsafe { VirtualFree(start.as_ptr().cast(), size, MEM_DECOMMIT) };
            if done == 0 { Err(PageError) } else { Ok(()) }
        })
    }

    unsafe fn release(&self, start: NonNull<u8>, _size: usize) {
        // SAFETY: a whole range of ours that is not used again (contract).
        keeping_error(|| unsafe { release_at(start) });
    }

    /// The system takes the memory when it needs some, not before.
    unsafe fn discard(&self, start: NonNull<u8>, size: usize) -> bool {
        keeping_error(|| {
            // SAFETY: committed, and its contents are not needed (contract); the protection is ignored.
            let reset =
                unsafe { VirtualAlloc(start.as_ptr().cast(), size, MEM_RESET, PAGE_READWRITE) };
            !reset.is_null()
        })
    }

    fn milliseconds(&self) -> u64 {
        // SAFETY: it has no preconditions; it is answered without a system call.
        unsafe { GetTickCount64() }
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the operating system's pages")
    }
}

/// How many processor cores are online, at least one.
pub(crate) fn cores() -> usize {
    use windows_sys::Win32::System::Threading::GetActiveProcessorCount;
    const ALL_GROUPS: u16 = 0xffff;
    // SAFETY: it has no preconditions.
    (keeping_error(|| unsafe { GetActiveProcessorCount(ALL_GROUPS) }) as usize).max(1)
}

/// The number of this process.
pub(crate) fn process() -> i32 {
    // SAFETY: it has no preconditions.
    unsafe { GetCurrentProcessId() as i32 }
}

/// There are no forks, and so no handlers. From then on this code stays loaded. May allocate.
pub(crate) fn at_fork(
    _prepare: unsafe extern "C" fn(),
    _parent: unsafe extern "C" fn(),
    _child: unsafe extern "C" fn(),
) -> bool {
    thread::stay_loaded();
    true
}

/// There are no forks.
pub(crate) fn page_wiped_at_fork() -> Option<NonNull<u8>> {
    None
}

/// There are none to give back.
///
/// # Safety
///
/// From [`page_wiped_at_fork`], and nobody uses it any more.
pub(crate) unsafe fn unmap_wiped_at_fork(_page: NonNull<u8>) {}
