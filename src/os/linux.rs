//! Linux: `mmap`, `mprotect`, `madvise`, `mremap`; thread-exit hooks; the clock.

use core::ffi::c_void;
use core::fmt;
use core::mem::MaybeUninit;
use core::num::NonZeroUsize;
use core::ptr::{self, NonNull};

use once_cell::race::OnceNonZeroUsize;

use super::loaded::stay_loaded;
use super::{PageError, PageSource};
use crate::options::{self, HugePages};
use crate::platform::keeping_error;

/// The operating system's pages.
///
/// Reserving takes address space alone: the range is mapped without access and without a claim on
/// memory. Committing allows access; memory arrives page by page at the first touch. Decommitting
/// gives the memory back at once and leaves the range accessible, so that ranges committed side by
/// side stay one mapping in the kernel.
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

fn succeeded(result: i32) -> Result<(), PageError> {
    if result == 0 { Ok(()) } else { Err(PageError) }
}

// SAFETY: each method does what the trait says by the system call of the same purpose; none of
// these calls allocates.
unsafe impl PageSource for System {
    fn page_size(&self) -> usize {
        self.page_size
            .get_or_init(|| {
                // SAFETY: `sysconf` has no preconditions.
                let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
                usize::try_from(size).ok().and_then(NonZeroUsize::new).unwrap_or(
                    // Unreachable on Linux; 64 KiB is a multiple of every page size it has.
                    const { NonZeroUsize::new(64 << 10).unwrap() },
                )
            })
            .get()
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
            let raw = map(near, size).ok_or(PageError)?;
            if raw.addr() % align == 0 {
                return NonNull::new(raw).ok_or(PageError);
            }
            // SAFETY: mapped just now, and nobody knows of it.
            unsafe { libc::munmap(raw.cast(), size) };
            let padded = size.checked_add(align - self.page_size()).ok_or(PageError)?;
            let raw = map(near, padded).ok_or(PageError)?;
            let head = raw.addr().next_multiple_of(align) - raw.addr();
            let tail = padded - head - size;
            // SAFETY: head + size <= padded, as pages are aligned.
            let start = unsafe { raw.add(head) };
            if head > 0 {
                // SAFETY: the head of the mapping just made, which nobody else knows of.
                unsafe { libc::munmap(raw.cast(), head) };
            }
            if tail > 0 {
                // SAFETY: as above, its tail.
                unsafe { libc::munmap(start.add(size).cast(), tail) };
            }
            NonNull::new(start).ok_or(PageError)
        })
    }

    /// The limit of the process's address space (`RLIMIT_AS`).
    fn largest_range(&self, _align: usize) -> usize {
        let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: 0 };
        // SAFETY: `limit` is valid for writes.
        keeping_error(|| unsafe { libc::getrlimit(libc::RLIMIT_AS, &raw mut limit) });
        usize::try_from(limit.rlim_cur).unwrap_or(usize::MAX)
    }

    fn in_steps(&self) -> bool {
        true
    }

    unsafe fn commit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: within a range of ours (contract); allowing access invalidates nothing.
        succeeded(keeping_error(|| unsafe { libc::mprotect(start.as_ptr().cast(), size, access) }))
    }

    unsafe fn decommit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError> {
        // SAFETY: within a range of ours in which nothing is in use (contract).
        succeeded(keeping_error(|| unsafe {
            libc::madvise(start.as_ptr().cast(), size, libc::MADV_DONTNEED)
        }))
    }

    unsafe fn release(&self, start: NonNull<u8>, size: usize) {
        // SAFETY: a whole range of ours that is not used again (contract).
        keeping_error(|| unsafe { libc::munmap(start.as_ptr().cast(), size) });
    }

    unsafe fn populate(&self, start: NonNull<u8>, size: usize) {
        // Where the kernel is older than 5.14 this fails, and the pages arrive one by one.
        // SAFETY: committed (contract); populating writes nothing.
        keeping_error(|| unsafe {
            libc::madvise(start.as_ptr().cast(), size, libc::MADV_POPULATE_WRITE)
        });
    }

    unsafe fn discard(&self, start: NonNull<u8>, size: usize) -> bool {
        // SAFETY: passed on; here pages stay accessible when their memory is taken.
        unsafe { self.decommit(start, size) }.is_ok()
    }

    unsafe fn resident(&self, start: NonNull<u8>, size: usize) -> Option<usize> {
        let page = self.page_size();
        let mut seen = [0_u8; 1024];
        let mut pages = 0;
        for from in (0..size).step_by(seen.len() * page) {
            let len = (size - from).min(seen.len() * page);
            // SAFETY: within the range.
            let part = unsafe { start.add(from) };
            // SAFETY: it changes nothing but `seen`, which has a byte for each page.
            let failed = keeping_error(|| unsafe {
                libc::mincore(part.as_ptr().cast(), len, seen.as_mut_ptr())
            });
            if failed != 0 {
                return None;
            }
            pages += seen[..len.div_ceil(page)].iter().filter(|&&page| page & 1 != 0).count();
        }
        Some(pages * page)
    }

    unsafe fn huge_pages(&self, start: NonNull<u8>, size: usize, wanted: bool) {
        let advice = if wanted { libc::MADV_HUGEPAGE } else { libc::MADV_NOHUGEPAGE };
        // SAFETY: committed (contract); the advice changes no contents.
        keeping_error(|| unsafe { libc::madvise(start.as_ptr().cast(), size, advice) });
    }

    unsafe fn move_pages(&self, from: NonNull<u8>, to: NonNull<u8>, size: usize) -> bool {
        keeping_error(|| {
            // SAFETY: passed on.
            is_one_mapping(from, size) && unsafe { move_mapping(from, to, size) }
        })
    }

    fn milliseconds(&self) -> u64 {
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `now` is valid for writes; the coarse clock is answered without a system call.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &raw mut now) };
        now.tv_sec.unsigned_abs() * 1000 + now.tv_nsec.unsigned_abs() / 1_000_000
    }
}

/// Maps addresses without access and without a claim on memory, at `near` if nothing is there.
fn map(near: usize, size: usize) -> Option<*mut u8> {
    // SAFETY: a new private mapping where there is none touches nothing.
    let raw = unsafe {
        libc::mmap(
            ptr::without_provenance_mut(near),
            size,
            libc::PROT_NONE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    if raw == libc::MAP_FAILED {
        return None;
    }
    if options::huge_pages() == HugePages::Never {
        // All at once, for advice to parts would cut the mapping into pieces.
        // SAFETY: the mapping just made; the advice changes no contents.
        unsafe { libc::madvise(raw, size, libc::MADV_NOHUGEPAGE) };
    }
    Some(raw.cast())
}

/// Moves whole pages that are one mapping; returns whether it could.
///
/// # Safety
///
/// As for [`PageSource::move_pages`].
unsafe fn move_mapping(from: NonNull<u8>, to: NonNull<u8>, size: usize) -> bool {
    // Without DONTUNMAP the old range would be a hole for a moment, which another thread's
    // mapping could fall into. Kernels before 5.7 refuse it; then the caller copies.
    // SAFETY: both ranges are ours and the new one is unused (contract).
    let moved = unsafe {
        libc::mremap(
            from.as_ptr().cast::<c_void>(),
            size,
            size,
            libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED | libc::MREMAP_DONTUNMAP,
            to.as_ptr().cast::<c_void>(),
        )
    };
    if moved == libc::MAP_FAILED {
        // Kernels before 6.17 unmap the new range before they look at the old one and at what
        // else may keep them from moving it. Then the hole has to be filled; where there is
        // none, this does nothing.
        // SAFETY: maps only what nothing is mapped at, in a range of ours that is unused.
        unsafe {
            libc::mmap(
                to.as_ptr().cast::<c_void>(),
                size,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE
                    | libc::MAP_ANONYMOUS
                    | libc::MAP_NORESERVE
                    | libc::MAP_FIXED_NOREPLACE,
                -1,
                0,
            )
        };
        return false;
    }
    true
}

/// Whether the kernel has a range of whole pages as one mapping, or as part of one. Only such a
/// range can be moved, and asking first matters: kernels before 6.17 leave a hole where the range
/// was to go, and another thread's mapping may fall into it before it is filled.
fn is_one_mapping(start: NonNull<u8>, size: usize) -> bool {
    // Growing where it is, by one byte: refused with EFAULT where the range is not one mapping, and
    // otherwise with another error, as there is something behind it.
    let start = start.as_ptr().cast::<c_void>();
    // SAFETY: nothing is moved, and nothing is mapped over.
    if unsafe { libc::mremap(start, size, size + 1, 0) } == libc::MAP_FAILED {
        // SAFETY: this thread's own.
        return unsafe { *libc::__errno_location() } != libc::EFAULT;
    }
    // There was nothing.
    // SAFETY: what was mapped just now, of which nobody knows; its length is rounded up to a page.
    unsafe { libc::munmap(start.byte_add(size), 1) };
    true
}

/// How many processor cores are online, at least one.
pub(crate) fn cores() -> usize {
    // SAFETY: `sysconf` has no preconditions.
    let online = keeping_error(|| unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) });
    usize::try_from(online).unwrap_or(1).max(1)
}

/// Has every running thread of this process pass a full barrier, between one instruction of its and the
/// next; those that do not run do so when they are taken from their processor. Returns whether it did: not
/// where the kernel is older than 4.14 or refuses.
pub(crate) fn barrier_all_threads() -> bool {
    const EXPEDITED: i32 = 1 << 3;
    const REGISTER: i32 = 1 << 4;
    // An interpreter has no such thing.
    if cfg!(miri) {
        return false;
    }
    // SAFETY: it changes no memory.
    let ask = |command: i32| unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 };
    // The process has to register before it may ask, and so it does when it may not: a child of a fork is
    // another process.
    keeping_error(|| ask(EXPEDITED) || (ask(REGISTER) && ask(EXPEDITED)))
}

/// Has `hook` called with `value` when the calling thread ends; returns whether it will be. Not where
/// the program has used all keys up.
///
/// All calls name the same hook. Keys rather than thread-local destructors, because they run after
/// these: whatever the thread's own destructors free still finds its magazines.
pub(crate) fn exit_hook(hook: unsafe extern "C" fn(*mut c_void), value: *mut c_void) -> bool {
    exit_key(hook).is_some_and(|key| {
        // SAFETY: the key was created and is never deleted.
        keeping_error(|| unsafe { libc::pthread_setspecific(key, value) == 0 })
    })
}

/// The one key whose destructor is `hook`.
fn exit_key(hook: unsafe extern "C" fn(*mut c_void)) -> Option<libc::pthread_key_t> {
    /// The key plus one: a key may be 0.
    static KEY: OnceNonZeroUsize = OnceNonZeroUsize::new();
    let key_of = |kept: NonZeroUsize| (kept.get() - 1) as libc::pthread_key_t;
    if let Some(kept) = KEY.get() {
        return Some(key_of(kept));
    }
    let mut key: libc::pthread_key_t = 0;
    // SAFETY: `key` is valid for writes and `hook` is of the type asked for.
    let made = unsafe { libc::pthread_key_create(&raw mut key, Some(hook)) } == 0;
    if made && KEY.set(NonZeroUsize::MIN.saturating_add(key as usize)).is_err() {
        // Another thread was first. There are few keys.
        // SAFETY: created above, and nobody has seen it.
        unsafe { libc::pthread_key_delete(key) };
    }
    KEY.get().map(key_of)
}

/// Has `prepare` called before each fork, and after it one of the others in each process; returns
/// whether they will be. May allocate. From then on this code stays loaded.
pub(crate) fn at_fork(
    prepare: unsafe extern "C" fn(),
    parent: unsafe extern "C" fn(),
    child: unsafe extern "C" fn(),
) -> bool {
    // An interpreter cannot fork.
    if cfg!(miri) {
        return true;
    }
    stay_loaded();
    // SAFETY: functions of the type asked for, which stay.
    unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) == 0 }
}

/// Of a page that is wiped at a fork: the system rounds it up.
const WIPED: usize = 1;

/// A page of zeros, and of zeros again in each child of a fork, however that came to be; `None` where there is no
/// memory, or the kernel is older than 4.14.
pub(crate) fn page_wiped_at_fork() -> Option<NonNull<u8>> {
    // An interpreter cannot fork.
    if cfg!(miri) {
        return None;
    }
    let (access, kind) =
        (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    keeping_error(|| {
        // SAFETY: a new mapping, wherever there is room.
        let start = unsafe { libc::mmap(ptr::null_mut(), WIPED, access, kind, -1, 0) };
        if start == libc::MAP_FAILED {
            return None;
        }
        // SAFETY: mapped just now.
        if unsafe { libc::madvise(start, WIPED, libc::MADV_WIPEONFORK) } != 0 {
            // SAFETY: as above, and nobody knows it.
            unsafe { libc::munmap(start, WIPED) };
            return None;
        }
        NonNull::new(start.cast())
    })
}

/// Gives back a page that nobody needs after all.
///
/// # Safety
///
/// From [`page_wiped_at_fork`], and nobody uses it any more.
pub(crate) unsafe fn unmap_wiped_at_fork(page: NonNull<u8>) {
    keeping_error(|| {
        // SAFETY: mapped there, and passed on.
        unsafe { libc::munmap(page.as_ptr().cast(), WIPED) }
    });
}

/// Starts a thread that nobody waits for, with all signals blocked and a small stack; returns whether there
/// is one now. May allocate.
pub(crate) fn spawn_unnoticed(body: extern "C" fn(*mut c_void) -> *mut c_void) -> bool {
    /// Memory comes with use; this is what its calls and the program's thread-locals may need.
    const STACK: usize = 256 << 10;
    // An interpreter knows no such threads.
    if cfg!(miri) {
        return false;
    }
    // It runs this code for as long as it likes.
    stay_loaded();
    let mut attributes = MaybeUninit::uninit();
    let attributes = attributes.as_mut_ptr();
    // SAFETY: valid for writes.
    if unsafe { libc::pthread_attr_init(attributes) } != 0 {
        return false;
    }
    // SAFETY: initialised just now. (Where it needs a larger stack, creating the thread fails.)
    unsafe { libc::pthread_attr_setstacksize(attributes, STACK) };
    // SAFETY: as above.
    unsafe { libc::pthread_attr_setdetachstate(attributes, libc::PTHREAD_CREATE_DETACHED) };
    // The new thread inherits what is blocked.
    let before = set_blocked(None);
    let mut thread = MaybeUninit::uninit();
    // SAFETY: the attributes are initialised, and the place is valid for writes.
    let error =
        unsafe { libc::pthread_create(thread.as_mut_ptr(), attributes, body, ptr::null_mut()) };
    set_blocked(Some(before));
    // SAFETY: initialised, and not used again.
    unsafe { libc::pthread_attr_destroy(attributes) };
    error == 0
}

/// Blocks these signals and no other for the calling thread, or all of them; returns which were.
fn set_blocked(signals: Option<libc::sigset_t>) -> libc::sigset_t {
    let signals = signals.unwrap_or_else(|| {
        let mut all = MaybeUninit::uninit();
        // SAFETY: valid for writes.
        unsafe { libc::sigfillset(all.as_mut_ptr()) };
        // SAFETY: written just now.
        unsafe { all.assume_init() }
    });
    let mut before = signals;
    // SAFETY: both are valid.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const signals, &raw mut before) };
    before
}

/// The number of this process.
pub(crate) fn process() -> i32 {
    // SAFETY: it has no preconditions.
    unsafe { libc::getpid() }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the operating system's pages")
    }
}
