//! Choices at run time: what the allocator does about memory that nobody uses, huge pages, and addresses.
//!
//! They are the process's, for all family sets. Each is one word, read where it matters without waiting for
//! anybody, never on the fast path; any thread may set any of them at any time.
//!
//! | call | in the environment | what | at first | takes effect |
//! |---|---|---|---|---|
//! | [`set_purge_delay`] | `FAMALLOC_PURGE_DELAY` | for how many milliseconds memory that became empty is kept for whoever needs some next; 0: not at all; `never`: until [`reclaim`](crate::reclaim) | 500 | for what becomes empty from then on |
//! | [`set_huge_pages`] | `FAMALLOC_HUGE_PAGES` | whether huge pages are asked for: `never`, `always`, or `auto`, where a family has grown to several mebibytes and uses them densely | `auto` | for memory that is taken from the system from then on |
//! | [`set_first_range`] | `FAMALLOC_RESERVE` | how many bytes of addresses are reserved before the first allocation, by sources that have more in steps | 64 MiB | at the first allocation |
//! | [`set_largest_range`] | `FAMALLOC_RESERVE_STEP` | how many bytes of addresses are reserved at once later, at most; each time as much again as there is | 1 GiB | when addresses run out |
//! | `lifecycle::start_background` | `FAMALLOC_BACKGROUND` | whether a thread of the allocator's own gives memory back while the program rests | off | at once; in the environment, when the C library is loaded |
//! | [`set_trim_idle`] | `FAMALLOC_TRIM_IDLE` | whether what idle threads keep at hand may be taken from them | on | at the next look at them |
//!
//! The environment is for programs that cannot be changed. It is looked at once, before the first
//! allocation, where the feature `environment` is on: the C library has it on, a Rust program may. A set
//! of calls comes later and wins. Sizes may end in `K`, `M`, `G` or `T`; switches are `on` or `off`. What
//! cannot be understood is named in a line on standard error, and passed over. Programs that run
//! with more rights than who started them have (setuid) do not look.
//!
//! # Examples
//!
//! A program whose memory comes and goes by minutes, and one that is short of it:
//!
//! ```
//! use famalloc::options::{self, HugePages};
//!
//! options::set_purge_delay(60_000);
//! assert_eq!(options::purge_delay(), 60_000);
//!
//! options::set_purge_delay(0);
//! options::set_huge_pages(HugePages::Never);
//! assert_eq!(options::huge_pages(), HugePages::Never);
//! ```

use crate::sync::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};

#[cfg(feature = "environment")]
mod environment;

/// As a [purge delay](set_purge_delay): memory stays until somebody asks for it by
/// [`reclaim`](crate::reclaim) or [`flush`](crate::flush).
pub const NEVER: u64 = u64::MAX;

/// No range of addresses is smaller than this, unless the source has no more.
pub const LEAST_RANGE: usize = 4 << 20;

/// Ranges are multiples of this: whole extents of the usual size.
const RANGE_UNIT: usize = 2 << 20;

static PURGE_DELAY: AtomicU64 = AtomicU64::new(500);
static HUGE_PAGES: AtomicU8 = AtomicU8::new(HugePages::Auto as u8);
static FIRST_RANGE: AtomicUsize = AtomicUsize::new(64 << 20);
static LARGEST_RANGE: AtomicUsize = AtomicUsize::new(1 << 30);
static BACKGROUND: AtomicBool = AtomicBool::new(false);
static TRIM_IDLE: AtomicBool = AtomicBool::new(true);

/// Where huge pages are asked for.
///
/// # Examples
///
/// ```
/// use famalloc::options::{self, HugePages};
///
/// assert_eq!(options::huge_pages(), HugePages::Auto);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum HugePages {
    /// Nowhere, and where the system would give them unasked it is told not to.
    Never,
    /// Where a family has grown to several mebibytes, and uses them densely.
    Auto,
    /// For all memory that is taken from the system in whole extents of 2 MiB.
    Always,
}

impl HugePages {
    /// Whether they are wanted in a place where, left alone, one would want them or not.
    pub(crate) fn wanted(self, by_rule: bool) -> bool {
        match self {
            Self::Never => false,
            Self::Auto => by_rule,
            Self::Always => true,
        }
    }
}

/// The range that serves for so many bytes.
fn range(bytes: usize) -> usize {
    bytes
        .max(LEAST_RANGE)
        .checked_next_multiple_of(RANGE_UNIT)
        .unwrap_or(usize::MAX & !(RANGE_UNIT - 1))
}

/// Looks at the environment, if nobody has, and if that is wanted.
#[inline]
pub(crate) fn load() {
    #[cfg(feature = "environment")]
    environment::load();
}

/// Looks at the environment: for who is there before the first allocation. Nobody has to call it.
///
/// # Examples
///
/// ```
/// famalloc::options::load_environment();
/// ```
#[cfg(feature = "environment")]
pub fn load_environment() {
    load();
}

/// For how many milliseconds memory that became empty is kept; [`NEVER`] is for ever.
///
/// # Examples
///
/// ```
/// assert_eq!(famalloc::options::purge_delay(), 500);
/// ```
#[inline]
pub fn purge_delay() -> u64 {
    PURGE_DELAY.load(Ordering::Relaxed)
}

/// Says for how many milliseconds memory that became empty is kept for whoever needs some next. Taking it back
/// from the system costs more than anything else an allocator does; keeping it costs memory.
///
/// With 0 it goes at once, by whoever has freed the last of it. With [`NEVER`] it stays until
/// [`reclaim`](crate::reclaim) or [`flush`](crate::flush) is called. Other delays end when somebody comes
/// by who frees or needs memory.
///
/// # Examples
///
/// See the [module](self).
pub fn set_purge_delay(milliseconds: u64) {
    load();
    PURGE_DELAY.store(milliseconds, Ordering::Relaxed);
}

/// Where huge pages are asked for.
///
/// # Examples
///
/// See [`HugePages`].
#[inline]
pub fn huge_pages() -> HugePages {
    match HUGE_PAGES.load(Ordering::Relaxed) {
        0 => HugePages::Never,
        1 => HugePages::Auto,
        _ => HugePages::Always,
    }
}

/// Says where huge pages are asked for. What has been asked for stays; [`HugePages::Never`] is told to the
/// system when addresses are reserved, so it is best said before the first allocation.
///
/// # Examples
///
/// See the [module](self).
pub fn set_huge_pages(pages: HugePages) {
    load();
    HUGE_PAGES.store(pages as u8, Ordering::Relaxed);
}

/// How many bytes of addresses are reserved before the first allocation.
///
/// # Examples
///
/// ```
/// assert!(famalloc::options::first_range() >= famalloc::options::LEAST_RANGE);
/// ```
pub fn first_range() -> usize {
    load();
    FIRST_RANGE.load(Ordering::Relaxed)
}

/// Says how many bytes of addresses are reserved before the first allocation: at least [`LEAST_RANGE`], and
/// less where the source has no more. Addresses are no memory; but a process that limits its own later has
/// so many less.
///
/// # Examples
///
/// ```
/// famalloc::options::set_first_range(4 << 30);
/// assert_eq!(famalloc::options::first_range(), 4 << 30);
/// ```
pub fn set_first_range(bytes: usize) {
    load();
    FIRST_RANGE.store(range(bytes), Ordering::Relaxed);
}

/// How many bytes of addresses are reserved at once, at most, when those there are have run out.
///
/// # Examples
///
/// ```
/// assert!(famalloc::options::largest_range() >= famalloc::options::LEAST_RANGE);
/// ```
pub fn largest_range() -> usize {
    LARGEST_RANGE.load(Ordering::Relaxed)
}

/// Says how many bytes of addresses are reserved at once, at most, when those there are have run out: at least
/// [`LEAST_RANGE`]. An allocation that needs more gets a range of its own.
///
/// # Examples
///
/// ```
/// famalloc::options::set_largest_range(8 << 30);
/// assert_eq!(famalloc::options::largest_range(), 8 << 30);
/// ```
pub fn set_largest_range(bytes: usize) {
    load();
    LARGEST_RANGE.store(range(bytes), Ordering::Relaxed);
}

/// Whether the environment wishes for a thread of the allocator's own that gives memory back while the program
/// rests. The C library starts one then; a Rust program calls
/// `lifecycle::start_background`.
///
/// # Examples
///
/// ```
/// assert!(!famalloc::options::background());
/// ```
#[inline]
pub fn background() -> bool {
    BACKGROUND.load(Ordering::Relaxed)
}

/// Whether what idle threads keep at hand may be taken from them.
///
/// # Examples
///
/// ```
/// assert!(famalloc::options::trim_idle());
/// ```
#[inline]
pub fn trim_idle() -> bool {
    TRIM_IDLE.load(Ordering::Relaxed)
}

/// Says whether what idle threads keep at hand may be taken from them.
///
/// # Examples
///
/// ```
/// famalloc::options::set_trim_idle(true);
/// ```
pub fn set_trim_idle(on: bool) {
    load();
    TRIM_IDLE.store(on, Ordering::Relaxed);
}
