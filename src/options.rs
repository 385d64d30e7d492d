//! Options at run time: retention of unused memory, huge pages, and reserved address space.
//!
//! They apply to the whole process and to all family sets. Each is one atomic word. No option is read on the
//! fast path. Any thread may set any option at any time.
//!
//! | call | environment variable | what | default | takes effect |
//! |---|---|---|---|---|
//! | [`set_purge_delay`] | `FAMALLOC_PURGE_DELAY` | how many milliseconds empty memory is retained for reuse before it is purged; 0: not at all; `never`: until [`reclaim`](crate::reclaim) | 500 | for memory that becomes empty afterwards |
//! | [`set_huge_pages`] | `FAMALLOC_HUGE_PAGES` | whether to request huge pages: `never`, `always`, or `auto`: once a family has grown to several mebibytes and uses them densely | `auto` | for memory that is taken from the system afterwards |
//! | [`set_first_range`] | `FAMALLOC_RESERVE` | how many bytes of address space to reserve before the first allocation, from sources that reserve in steps | 64 MiB | at the first allocation |
//! | [`set_largest_range`] | `FAMALLOC_RESERVE_STEP` | the most bytes of address space to reserve at once later; each step doubles the address space up to this | 1 GiB | when the address space is used up |
//! | `lifecycle::start_background` | `FAMALLOC_BACKGROUND` | whether a background thread of the allocator purges memory while the program is idle | off | at once; from the environment, when the C library is loaded |
//! | [`set_trim_idle`] | `FAMALLOC_TRIM_IDLE` | whether free slots may be taken from the magazines of idle threads | on | at the next visit to these threads |
//!
//! The environment variables are for programs that cannot be changed. With the feature `environment` they are
//! read once, before the first allocation; the C library has this feature, and a Rust program may enable it.
//! Calls come later and override them. Sizes may end in `K`, `M`, `G` or `T`; switches are `on` or `off`. A
//! value that cannot be parsed is reported in one line on standard error, and ignored. Programs that run with
//! more rights than their caller (setuid) read no variables.
//!
//! # Examples
//!
//! A program whose use of memory rises and falls within minutes, and one that is short of memory:
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

/// The [purge delay](set_purge_delay) that retains memory until a call of [`reclaim`](crate::reclaim) or
/// [`flush`](crate::flush).
pub const NEVER: u64 = u64::MAX;

/// The least address space that is reserved at once, in bytes, unless the source has less.
pub const LEAST_RANGE: usize = 4 << 20;

/// Ranges are multiples of this: whole extents of the usual size.
const RANGE_UNIT: usize = 2 << 20;

static PURGE_DELAY: AtomicU64 = AtomicU64::new(500);
static HUGE_PAGES: AtomicU8 = AtomicU8::new(HugePages::Auto as u8);
static FIRST_RANGE: AtomicUsize = AtomicUsize::new(64 << 20);
static LARGEST_RANGE: AtomicUsize = AtomicUsize::new(1 << 30);
static BACKGROUND: AtomicBool = AtomicBool::new(false);
static TRIM_IDLE: AtomicBool = AtomicBool::new(true);

/// When to request huge pages.
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
    /// Never. A system that would use them by default is told not to.
    Never,
    /// Once a family has grown to several mebibytes and uses them densely.
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

/// Reads the environment, if that is enabled and was not done before.
#[inline]
pub(crate) fn load() {
    #[cfg(feature = "environment")]
    environment::load();
}

/// Reads the environment variables. Never required: the first allocation does so.
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

/// How many milliseconds empty memory is retained; [`NEVER`] if it is never purged by itself.
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

/// Sets how many milliseconds empty memory is retained for reuse before it is purged. Getting it from the system
/// again costs more than anything else that an allocator does; retaining it costs memory.
///
/// With 0 the thread that frees the last of it purges it at once. With [`NEVER`] it is retained until a call of
/// [`reclaim`](crate::reclaim) or [`flush`](crate::flush). After any other delay the next thread that frees or
/// needs memory purges it.
///
/// # Examples
///
/// See the [module](self).
pub fn set_purge_delay(milliseconds: u64) {
    load();
    PURGE_DELAY.store(milliseconds, Ordering::Relaxed);
}

/// When huge pages are requested.
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

/// Sets when huge pages are requested. Earlier requests stay in effect. [`HugePages::Never`] is passed to the
/// system when address space is reserved, so set it before the first allocation.
///
/// # Examples
///
/// See the [module](self).
pub fn set_huge_pages(pages: HugePages) {
    load();
    HUGE_PAGES.store(pages as u8, Ordering::Relaxed);
}

/// How many bytes of address space are reserved before the first allocation.
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

/// Sets how many bytes of address space are reserved before the first allocation: at least [`LEAST_RANGE`], or
/// less if the source has less. Address space is not memory. But if the process limits its address space later,
/// the reserved part counts.
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

/// The most bytes of address space that are reserved at once when the present address space is used up.
///
/// # Examples
///
/// ```
/// assert!(famalloc::options::largest_range() >= famalloc::options::LEAST_RANGE);
/// ```
pub fn largest_range() -> usize {
    LARGEST_RANGE.load(Ordering::Relaxed)
}

/// Sets the most bytes of address space that are reserved at once when the present address space is used up: at
/// least [`LEAST_RANGE`]. An allocation that needs more gets a range of its own.
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

/// Whether the environment requests a background thread that purges memory while the program is idle. The C
/// library then starts one; a Rust program calls `lifecycle::start_background`.
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

/// Whether free slots may be taken from the magazines of idle threads.
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

/// Sets whether free slots may be taken from the magazines of idle threads.
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
