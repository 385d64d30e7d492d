//! Memory as C has it: so many bytes, aligned for any object.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::class;
use crate::family::FamilySet;
use crate::scope;
use crate::table::SetTable;
use crate::thread::{RowHome, take_slowly};

use crate::heap::large;

use super::{alloc_unclassed, home_at, take_any_at};

/// [`alloc_in_scope`](super::alloc_in_scope) as C's `malloc` has it: so many bytes, aligned to 16 of them, which
/// suits any object. A size of 0 is served as one of 1. `None` where it is refused.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, untyped};
///
/// #[alloc_family]
/// enum Lives {
///     General,
/// }
///
/// let start = untyped::alloc_bytes_in_scope::<Lives>(100).expect("100 bytes");
/// assert_eq!(start.addr().get() % 16, 0);
/// assert!(untyped::alloc_bytes_in_scope::<Lives>(usize::MAX).is_none());
/// // SAFETY: allocated above, and not used again.
/// unsafe { untyped::free::<Lives>(start)? };
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline(always)]
#[must_use]
pub fn alloc_bytes_in_scope<S: FamilySet>(size: usize) -> Option<NonNull<u8>> {
    alloc_bytes_or_else::<S>(size, || None)
}

/// [`alloc_bytes_in_scope`] that returns what `refused` does where there is no memory. It is called out
/// of line, in the last place, so that nothing on the fast path prepares for it.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, untyped};
///
/// #[alloc_family]
/// enum Lives {
///     General,
/// }
///
/// let mut asked = 0;
/// let start = untyped::alloc_bytes_or_else::<Lives>(usize::MAX, || {
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
    alloc_bytes_at::<S>(scope::current::<S>, size, refused)
}

/// Bytes for C in the family with the position that `family` returns. It is asked once the size has been
/// found to be small or not, so that the way out for what is not is a jump.
#[inline(always)]
pub(in crate::heap) fn alloc_bytes_at<S: FamilySet>(
    family: impl FnOnce() -> usize,
    size: usize,
    refused: impl FnOnce() -> Option<NonNull<u8>>,
) -> Option<NonNull<u8>> {
    let Some(scaled) = class::of_small_c_size(size) else {
        return alloc_many_bytes::<S>(family, size, refused);
    };
    let family = family();
    // SAFETY: positions come from the set.
    let home = unsafe { S::read_home(family) };
    // SAFETY: a class, scaled.
    match unsafe { home.head_at(scaled) }.pop() {
        Some(slot) => Some(slot),
        None => {
            let class = scaled >> class::SCALE;
            take_or_else(home_at::<S>(family), S::table(), family, class, refused)
        }
    }
}

/// What the fast path could not take. A pointer or null is returned in a register.
#[cold]
#[inline(never)]
pub(super) fn take_or_else(
    home: &RowHome,
    set: &'static SetTable,
    family: usize,
    class: usize,
    refused: impl FnOnce() -> Option<NonNull<u8>>,
) -> Option<NonNull<u8>> {
    take_slowly(home, set, family, class).ok().or_else(refused)
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
        None => Layout::from_size_align(size, class::C_ALIGN)
            .ok()
            .and_then(|layout| alloc_unclassed(S::table(), family, layout).ok()),
    };
    taken.or_else(refused)
}

/// [`alloc_bytes_or_else`] with the memory set to zero: C's `calloc`, once the sizes are multiplied. Large memory
/// that comes fresh from the system is not written again.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, untyped};
///
/// #[alloc_family]
/// enum Lives {
///     General,
/// }
///
/// let start = untyped::alloc_zeroed_bytes_or_else::<Lives>(100, || None).expect("100 bytes");
/// // SAFETY: allocated above, a hundred zeros, and not used after it was freed.
/// unsafe {
///     assert_eq!(start.cast::<[u8; 100]>().read(), [0; 100]);
///     untyped::free::<Lives>(start)?;
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
    let family = scope::current::<S>();
    // SAFETY: positions come from the set.
    let home = unsafe { S::read_home(family) };
    // SAFETY: a class, scaled.
    match unsafe { home.head_at(scaled) }.pop() {
        // SAFETY: a slot of the class for that size, the caller's.
        Some(slot) => Some(unsafe { zeroed(slot, size) }),
        None => {
            let class = scaled >> class::SCALE;
            take_zeroed_or_else(home_at::<S>(family), S::table(), family, class, refused)
        }
    }
}

/// [`take_or_else`] with all of the slot set to zero.
#[cold]
#[inline(never)]
fn take_zeroed_or_else(
    home: &RowHome,
    set: &'static SetTable,
    family: usize,
    class: usize,
    refused: impl FnOnce() -> Option<NonNull<u8>>,
) -> Option<NonNull<u8>> {
    let Ok(slot) = take_slowly(home, set, family, class) else { return refused() };
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

/// A slot with its first `size` bytes set to zero, of which a few are written here: most of what is asked for is
/// small, and a call that finds out how small it is takes longer than to write it. Each case writes its ends, which
/// overlap.
///
/// # Safety
///
/// The slot is the caller's, for C, and of a class for that size.
#[inline(always)]
unsafe fn zeroed(slot: NonNull<u8>, size: usize) -> NonNull<u8> {
    /// What one store writes, and the least slot.
    const UNIT: usize = class::C_ALIGN;
    // SAFETY: so many bytes at that offset are within the size (callers below), or the least slot.
    let zero = |from: usize, bytes: usize| unsafe { slot.add(from).write_bytes(0, bytes) };
    if size > 8 * UNIT {
        zero(0, size);
    } else if size > 4 * UNIT {
        zero(0, 4 * UNIT);
        zero(size - 4 * UNIT, 4 * UNIT);
    } else if size > 2 * UNIT {
        zero(0, 2 * UNIT);
        zero(size - 2 * UNIT, 2 * UNIT);
    } else if size > UNIT {
        zero(0, UNIT);
        zero(size - UNIT, UNIT);
    } else {
        zero(0, UNIT);
    }
    slot
}
