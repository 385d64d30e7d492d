//! Memory whose family, size or both are known only at run time: the basis of the global allocator and the
//! C interface.
//!
//! Allocations take the family as a value of the set, or from the scope of the thread. Frees need only the
//! address. Each granule of a block has an owner tag of four bytes that identifies the family, of all
//! sets, and the class of its slots (`space::owner_tags`). So a free costs one load of that tag more than a
//! typed one, and then makes the same push into the thread's magazine. Everything that is not a slot of
//! this set is handled out of line: large memory, slots of other sets (which return to their lane at once,
//! under its lock), and memory that is not famalloc's, which is left to the caller.
//!
//! A free checks a slot only briefly. A free of the slot that the thread freed last is detected at once.
//! Any other double free, and an interior pointer, is detected when the magazine is flushed, or when a
//! caller checks ([`check_freed`]). A free for C ([`free_bytes_or_else`]) also detects, at once and for
//! three instructions, an address at which no C object starts, and a wrong size. In builds with debug
//! assertions all of them are detected at once, for slots of the set.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::class;
use crate::error::AllocError;
use crate::family_set::FamilySet;
use crate::heap;
use crate::scope::{self, ScopeGuard};
use crate::thread::{CacheSlot, CacheSlots};

mod by_value;
mod bytes;
mod free;
mod look;
mod resize;

pub use super::alloc_in::try_free;
pub use by_value::{alloc_bytes, family_at};
use bytes::take_or_else;
pub use bytes::{alloc_bytes_in_scope, alloc_bytes_or_else, alloc_zeroed_bytes_or_else};
pub use free::{Claim, QUICK_CLAIM, free, free_bytes_or_else, free_or_else, refuse};
pub use look::{check_freed, usable_bytes};
pub use resize::{ReallocError, is_of_size, realloc, resize_in_place, usable_size};

/// Takes a slot of a class in the family with this position, for callers that do not ask why there is none.
#[inline(always)]
fn take_any_at<S: FamilySet>(family: usize, class: usize) -> Option<NonNull<u8>> {
    // SAFETY: positions come from the set, and classes from `class::of_layout`.
    match unsafe { S::read_head(family, class << class::SCALE).head() }.pop() {
        Some(slot) => Some(slot),
        None => take_or_else(cache_slot_at::<S>(family), S::table(), family, class, || None),
    }
}

/// The calling thread's cache slot of the family with this position.
#[inline(always)]
fn cache_slot_at<'a, S: FamilySet>(family: usize) -> &'a CacheSlot {
    // SAFETY: the calling thread's cache slots (contract of `FamilySet`); positions come from the set.
    unsafe { CacheSlots::cache_slot_of(S::cache_slots(), family) }
}

/// [`RawAlloc::alloc`](crate::RawAlloc::alloc) in the family of the calling thread's scope; outside of any scope, in the fallback family of
/// the set.
///
/// # Errors
///
/// As for [`RawAlloc::alloc`](crate::RawAlloc::alloc).
///
/// # Examples
///
/// See [`ScopeGuard`](crate::ScopeGuard).
#[inline(always)]
pub fn alloc_in_scope<S: FamilySet>(layout: Layout) -> Result<NonNull<u8>, AllocError> {
    heap::alloc::alloc(ScopeGuard::<S>::current(), layout)
}

/// [`alloc_in_scope`] for callers that do not ask why it is refused.
#[inline(always)]
pub(crate) fn alloc_any_in_scope<S: FamilySet>(layout: Layout) -> Option<NonNull<u8>> {
    let Some(class) = class::of_layout(layout) else {
        let family = ScopeGuard::<S>::current();
        return heap::alloc::alloc_unclassed(family, layout.size(), layout.align()).ok();
    };
    // SAFETY: classes come from `class::of_layout`; read just now.
    match unsafe { S::read_head_of_scope(class << class::SCALE).head() }.pop() {
        Some(slot) => Some(slot),
        None => {
            let family = scope::current::<S>();
            take_or_else(cache_slot_at::<S>(family), S::table(), family, class, || None)
        }
    }
}

/// [`RawAlloc::alloc_zeroed`](crate::RawAlloc::alloc_zeroed) in the family of the calling thread's scope.
///
/// # Errors
///
/// As for [`RawAlloc::alloc`](crate::RawAlloc::alloc).
///
/// # Examples
///
/// ```
/// use core::alloc::Layout;
/// use famalloc::{alloc_family, query, raw};
///
/// #[alloc_family]
/// enum Lives {
///     General,
///     Request,
/// }
///
/// let start = lives::Request::scope(|| {
///     raw::alloc_zeroed_in_scope::<Lives>(Layout::new::<u64>())
/// })?;
/// assert_eq!(query(start.as_ptr()).unwrap().family, "Request");
/// // SAFETY: allocated above, and not used again.
/// unsafe { raw::free::<Lives>(start)? };
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline(always)]
pub fn alloc_zeroed_in_scope<S: FamilySet>(layout: Layout) -> Result<NonNull<u8>, AllocError> {
    heap::alloc::alloc_zeroed(ScopeGuard::<S>::current(), layout)
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use core::alloc::Layout;

    use super::*;
    use crate::heap::alloc::{alloc, free};
    use crate::space::SYSTEM_SPACE;
    use crate::spec::FamilySpec;
    use crate::table::{FamilyCell, SetTable};

    /// The other set, whose memory lies in the same reservation.
    #[famalloc::alloc_family]
    enum Other {
        Any,
    }

    #[test]
    fn a_set_without_a_family_yet_knows_no_address() {
        static SPECS: [FamilySpec; 1] = [FamilySpec::new("None")];
        static CELLS: [FamilyCell; 1] = [FamilyCell::new()];
        static SET: SetTable =
            SetTable::new("None", &SPECS, &CELLS, &SYSTEM_SPACE, || Other::cache_slots().cast());
        SET.note_space(SYSTEM_SPACE.get().unwrap());
        for size in [24, 100 << 10] {
            let layout = Layout::from_size_align(size, 8).unwrap();
            let start = alloc(other::Any, layout).unwrap();
            assert_eq!(SET.cell_at(start.addr().get(), 1), None, "{size} bytes of another set");
            let own = Other::table().cell_at(start.addr().get(), 1);
            assert_eq!(own.map(|cell| cell.family()), (size == 24).then_some(0));
            // SAFETY: allocated just now.
            unsafe { free(other::Any, start, layout) };
        }
    }
}
