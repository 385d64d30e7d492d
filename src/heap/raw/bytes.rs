//! Memory as C has it: a number of bytes, aligned for any object.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::any_family::AnyFamily;
use crate::class;
use crate::family_set::FamilySet;
use crate::scope;
use crate::table::SetTable;
use crate::thread::{CacheSlot, HeadAt, take_slowly};

use crate::heap::alloc::alloc_unclassed;
use crate::heap::large;

use super::{cache_slot_at, take_any_at};

/// [`alloc_in_scope`](super::alloc_in_scope) as C's `malloc` has it: `size` bytes, aligned to 16, which
/// suits any object. A size of 0 is served as one of 1. `None` if the allocation fails.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, raw};
///
/// #[alloc_family]
/// enum Lives {
///     General,
/// }
///
/// let start = raw::alloc_bytes_in_scope::<Lives>(100).expect("100 bytes");
/// assert_eq!(start.addr().get() % 16, 0);
/// assert!(raw::alloc_bytes_in_scope::<Lives>(usize::MAX).is_none());
/// // SAFETY: allocated above, and not used again.
/// unsafe { raw::free::<Lives>(start)? };
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline(always)]
#[must_use]
pub fn alloc_bytes_in_scope<S: FamilySet>(size: usize) -> Option<NonNull<u8>> {
    alloc_bytes_or_else::<S>(size, || None)
}

/// [`alloc_bytes_in_scope`] that returns what `refused` returns if no memory is available. `refused` is
/// called out of line, as the last step, so that nothing on the fast path prepares for it.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, raw};
///
/// #[alloc_family]
/// enum Lives {
///     General,
/// }
///
/// let mut asked = 0;
/// let start = raw::alloc_bytes_or_else::<Lives>(usize::MAX, || {
///     asked += 1;
///     None
/// });
/// assert_eq!((start, asked), (None, 1));
/// ```
#[inline(always)]
pub fn alloc_bytes_or_else<S: FamilySet>(
    size: usize,
    refused: impl FnOnce() -> Option<NonNull<u8>>,
) -> Option<NonNull<u8>> {
    let head = |scaled| {
        // SAFETY: it is asked for a class, scaled.
        unsafe { S::read_head_of_scope(scaled) }
    };
    // SAFETY: of the scope's cache.
    unsafe { alloc_bytes_at::<S>(scope::current::<S>, head, size, refused) }
}

/// Bytes for C in the family with the position that `family` returns, which is asked out of line alone. `head`
/// returns the head at a scaled class of that family's cache.
///
/// # Safety
///
/// The head is what it was asked for, read just then.
#[inline(always)]
pub(in crate::heap) unsafe fn alloc_bytes_at<S: FamilySet>(
    family: impl FnOnce() -> usize,
    head: impl FnOnce(usize) -> HeadAt,
    size: usize,
    refused: impl FnOnce() -> Option<NonNull<u8>>,
) -> Option<NonNull<u8>> {
    let Some(scaled) = class::of_small_c_size(size) else {
        return alloc_many_bytes::<S>(family, size, refused);
    };
    // SAFETY: read just now (contract).
    match unsafe { head(scaled).head() }.pop() {
        Some(slot) => Some(slot),
        None => {
            let family = family();
            take_small_or_else(size, cache_slot_at::<S>(family), S::table(), family, refused)
        }
    }
}

/// What the fast path could not take. A pointer or null is returned in a register.
#[cold]
#[inline(never)]
pub(super) fn take_or_else(
    cache_slot: &CacheSlot,
    set: &'static SetTable,
    family: usize,
    class: usize,
    refused: impl FnOnce() -> Option<NonNull<u8>>,
) -> Option<NonNull<u8>> {
    take_slowly(cache_slot, set, family, class).ok().or_else(refused)
}

/// [`take_or_else`] of a small size. It has come in a register, so that the fast path need not keep the class.
#[cold]
#[inline(never)]
fn take_small_or_else(
    size: usize,
    cache_slot: &CacheSlot,
    set: &'static SetTable,
    family: usize,
    refused: impl FnOnce() -> Option<NonNull<u8>>,
) -> Option<NonNull<u8>> {
    take_or_else(cache_slot, set, family, class::known_small_c(size), refused)
}

/// Sizes that are not small.
#[inline(never)]
fn alloc_many_bytes<S: FamilySet>(
    family: impl FnOnce() -> usize,
    size: usize,
    refused: impl FnOnce() -> Option<NonNull<u8>>,
) -> Option<NonNull<u8>> {
    let family = family();
    let taken = match class::of_size(size) {
        Some(class) => take_any_at::<S>(family, class),
        None => Layout::from_size_align(size, class::C_ALIGN).ok().and_then(|layout| {
            alloc_unclassed(AnyFamily::<S>::new(family), layout.size(), layout.align()).ok()
        }),
    };
    taken.or_else(refused)
}

/// [`alloc_bytes_or_else`] that zeroes the memory: C's `calloc`, once the sizes are multiplied. Large
/// memory that is new from the system is not written again.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, raw};
///
/// #[alloc_family]
/// enum Lives {
///     General,
/// }
///
/// let start = raw::alloc_zeroed_bytes_or_else::<Lives>(100, || None).expect("100 bytes");
/// // SAFETY: allocated above, a hundred zeros, and not used after it was freed.
/// unsafe {
///     assert_eq!(start.cast::<[u8; 100]>().read(), [0; 100]);
///     raw::free::<Lives>(start)?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline(always)]
pub fn alloc_zeroed_bytes_or_else<S: FamilySet>(
    size: usize,
    refused: impl FnOnce() -> Option<NonNull<u8>>,
) -> Option<NonNull<u8>> {
    let Some(scaled) = class::of_small_c_size(size) else {
        return alloc_many_zeroed_bytes::<S>(size, refused);
    };
    // SAFETY: it is a class, scaled, and read just now.
    match unsafe { S::read_head_of_scope(scaled).head() }.pop() {
        // SAFETY: a slot of the class for that size, the caller's.
        Some(slot) => Some(unsafe { zeroed(slot, size) }),
        None => {
            let family = scope::current::<S>();
            take_zeroed_or_else(size, cache_slot_at::<S>(family), S::table(), family, refused)
        }
    }
}

/// [`take_small_or_else`] with all of the slot set to zero.
#[cold]
#[inline(never)]
fn take_zeroed_or_else(
    size: usize,
    cache_slot: &CacheSlot,
    set: &'static SetTable,
    family: usize,
    refused: impl FnOnce() -> Option<NonNull<u8>>,
) -> Option<NonNull<u8>> {
    let class = class::known_small_c(size);
    let Ok(slot) = take_slowly(cache_slot, set, family, class) else { return refused() };
    // SAFETY: a slot of the class, the caller's.
    unsafe { slot.write_bytes(0, class::slot_size(class)) };
    Some(slot)
}

/// Sizes that are not small, of memory set to zero.
#[inline(never)]
fn alloc_many_zeroed_bytes<S: FamilySet>(
    size: usize,
    refused: impl FnOnce() -> Option<NonNull<u8>>,
) -> Option<NonNull<u8>> {
    let family = scope::current::<S>();
    let Some(class) = class::of_size(size) else {
        let zeroed = Layout::from_size_align(size, class::C_ALIGN).ok().and_then(|layout| {
            large::alloc_zeroed(S::table(), family, layout.size(), layout.align()).ok()
        });
        return zeroed.or_else(refused);
    };
    let slot = take_any_at::<S>(family, class);
    if let Some(slot) = slot {
        // SAFETY: a slot of a class for that size.
        unsafe { slot.write_bytes(0, size) };
    }
    slot.or_else(refused)
}

/// A slot with at least its first `size` bytes set to zero, of which a few are written here: most of what is asked
/// for is small, and a call that finds out how small it is takes longer than to write it. No byte is written twice:
/// the line is often not at hand, and until it comes each store has a place among those that wait, of which the
/// processor has few (`nbody` of `malloc/bench` took 6 % longer with ends that overlap).
///
/// # Safety
///
/// The slot is the caller's, for C, and of a class for that size.
#[inline(always)]
unsafe fn zeroed(slot: NonNull<u8>, size: usize) -> NonNull<u8> {
    /// What one store writes, and the least slot.
    const UNIT: usize = class::C_ALIGN;
    // SAFETY: so many bytes at that offset are within the slot, which is as long as the size rounded up to units.
    let zero = |from: usize, bytes: usize| unsafe { slot.add(from).write_bytes(0, bytes) };
    if size > 4 * UNIT {
        zero(0, size);
    } else if size > UNIT {
        zero(0, 2 * UNIT);
        if size > 3 * UNIT {
            zero(2 * UNIT, 2 * UNIT);
        } else if size > 2 * UNIT {
            zero(2 * UNIT, UNIT);
        }
    } else {
        zero(0, UNIT);
    }
    slot
}
