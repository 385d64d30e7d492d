//! Memory whose family, size or both are known at run time only: what the global allocator and the C
//! interface are made of.
//!
//! Allocating asks for the family as a value of the set, or takes that of the scope the thread is in.
//! Freeing needs the address alone. Each granule of a block has a mark of four bytes that says which family
//! of all sets, and which class, its slots are of (`space::marks`). So a free is one look at that, and then
//! the same push into the thread's magazine as a typed free. All but slots of this set is dealt with out of
//! line: large memory, slots of other sets (which go straight home, under their lane's lock), and memory that
//! is not famalloc's at all, which is left to the caller.
//!
//! A slot is hardly looked at when it is freed: whether it is the one that the thread freed last is noticed
//! at once, any other double free and an interior pointer when the magazine is dispersed, or when somebody
//! looks ([`check_freed`]). A free for C ([`free_bytes_or_else`]) notices two more things at once, at the
//! price of three instructions: an address at which no object of C's starts, and a wrong size. In builds
//! with debug assertions all of them are noticed at once, for slots of the set.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::class;
use crate::error::AllocError;
use crate::family::FamilySet;
use crate::scope;
use crate::table::SetTable;
use crate::thread::{Homes, RowHome, take_slowly};

use super::large;

mod by_value;
mod bytes;
mod free;
mod look;
mod resize;

pub use by_value::{alloc_bytes, family_at, free_all, walk};
use bytes::take_or_else;
pub use bytes::{alloc_bytes_in_scope, alloc_bytes_or_else, alloc_zeroed_bytes_or_else};
pub use free::{Claim, QUICK_CLAIM, free, free_bytes_or_else, free_or_else, refuse};
pub use look::{check_freed, usable_bytes};
pub use resize::{ReallocError, is_of_size, realloc, resize_in_place, usable_size};

/// Takes a slot of a class in the family with this position.
#[inline(always)]
fn take_at<S: FamilySet>(family: usize, class: usize) -> Result<NonNull<u8>, AllocError> {
    // SAFETY: positions come from the set, and classes from `class::of_layout`.
    match unsafe { S::read_head(family, class << class::SCALE).head() }.pop() {
        Some(slot) => Ok(slot),
        None => take_slowly(home_at::<S>(family), S::table(), family, class),
    }
}

/// [`take_at`] for callers that do not ask why there is none.
#[inline(always)]
fn take_any_at<S: FamilySet>(family: usize, class: usize) -> Option<NonNull<u8>> {
    // SAFETY: as above.
    match unsafe { S::read_head(family, class << class::SCALE).head() }.pop() {
        Some(slot) => Some(slot),
        None => take_or_else(home_at::<S>(family), S::table(), family, class, || None),
    }
}

/// The calling thread's home of the family with this position.
#[inline(always)]
fn home_at<'a, S: FamilySet>(family: usize) -> &'a RowHome {
    // SAFETY: the calling thread's homes (contract of `FamilySet`); positions come from the set.
    unsafe { Homes::home_of(S::homes(), family) }
}

#[inline(always)]
fn alloc_at<S: FamilySet>(family: usize, layout: Layout) -> Result<NonNull<u8>, AllocError> {
    match class::of_layout(layout) {
        Some(class) => take_at::<S>(family, class),
        None => alloc_unclassed(S::table(), family, layout),
    }
}

/// Allocates what has no class.
#[inline(always)]
fn alloc_unclassed(
    set: &'static SetTable,
    family: usize,
    layout: Layout,
) -> Result<NonNull<u8>, AllocError> {
    crate::heap::alloc::alloc_unclassed(set, family, layout.size(), layout.align()).into_result()
}

#[inline(always)]
fn alloc_zeroed_at<S: FamilySet>(family: usize, layout: Layout) -> Result<NonNull<u8>, AllocError> {
    match class::of_layout(layout) {
        Some(class) => {
            let slot = take_at::<S>(family, class)?;
            // SAFETY: a slot of the class has at least the layout's size.
            unsafe { slot.write_bytes(0, layout.size()) };
            Ok(slot)
        }
        None if layout.size() == 0 => Ok(crate::heap::alloc::dangling(layout.align())),
        None => large::alloc_zeroed(S::table(), family, layout.size(), layout.align()),
    }
}

/// Allocates memory of a layout in a family that is known at run time. Any alignment is served.
///
/// A size of 0 gets a well-aligned address of no memory, which is not to be freed. Otherwise like
/// [`alloc_layout_in`](crate::alloc_layout_in).
///
/// # Errors
///
/// When the size is too large, the family's limit is reached, or the page source refuses.
///
/// # Examples
///
/// ```
/// use core::alloc::Layout;
/// use famalloc::{alloc_family, query, untyped};
///
/// #[alloc_family]
/// enum Lives {
///     Request,
///     Session,
/// }
///
/// let lives = if cfg!(test) { Lives::Request } else { Lives::Session };
/// let start = untyped::alloc(&lives, Layout::new::<[u64; 5]>())?;
/// assert_eq!(query(start.as_ptr()).unwrap().slot_bytes, 40);
/// // SAFETY: allocated above, and not used again.
/// unsafe { untyped::free::<Lives>(start)? };
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline]
pub fn alloc<S: FamilySet>(family: &S, layout: Layout) -> Result<NonNull<u8>, AllocError> {
    alloc_at::<S>(family.index(), layout)
}

/// [`alloc`] with the memory set to zero; large memory that comes fresh from the system is not written
/// again.
///
/// # Errors
///
/// As for [`alloc`].
///
/// # Examples
///
/// ```
/// use core::alloc::Layout;
/// use famalloc::{alloc_family, untyped};
///
/// #[alloc_family]
/// enum Lives {
///     Request,
/// }
///
/// let start = untyped::alloc_zeroed(&Lives::Request, Layout::new::<u64>())?;
/// // SAFETY: allocated above, eight zeros, and not used after it was freed.
/// unsafe {
///     assert_eq!(start.cast::<u64>().read(), 0);
///     untyped::free::<Lives>(start)?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline]
pub fn alloc_zeroed<S: FamilySet>(family: &S, layout: Layout) -> Result<NonNull<u8>, AllocError> {
    alloc_zeroed_at::<S>(family.index(), layout)
}

/// [`alloc`] in the family of the scope that the calling thread is in; outside of any, in the set's
/// fallback.
///
/// # Errors
///
/// As for [`alloc`].
///
/// # Examples
///
/// See [`ScopeGuard`](crate::ScopeGuard).
#[inline(always)]
pub fn alloc_in_scope<S: FamilySet>(layout: Layout) -> Result<NonNull<u8>, AllocError> {
    alloc_at::<S>(scope::current::<S>(), layout)
}

/// [`alloc_in_scope`] for callers that do not ask why it is refused.
#[inline(always)]
pub(crate) fn alloc_any_in_scope<S: FamilySet>(layout: Layout) -> Option<NonNull<u8>> {
    let Some(class) = class::of_layout(layout) else {
        return alloc_unclassed(S::table(), scope::current::<S>(), layout).ok();
    };
    // SAFETY: classes come from `class::of_layout`; read just now.
    match unsafe { S::read_head_of_scope(class << class::SCALE).head() }.pop() {
        Some(slot) => Some(slot),
        None => {
            let family = scope::current::<S>();
            take_or_else(home_at::<S>(family), S::table(), family, class, || None)
        }
    }
}

/// [`alloc_zeroed`] in the family of the scope that the calling thread is in.
///
/// # Errors
///
/// As for [`alloc`].
///
/// # Examples
///
/// ```
/// use core::alloc::Layout;
/// use famalloc::{alloc_family, query, untyped};
///
/// #[alloc_family]
/// enum Lives {
///     General,
///     Request,
/// }
///
/// let start = lives::Request::scope(|| {
///     untyped::alloc_zeroed_in_scope::<Lives>(Layout::new::<u64>())
/// })?;
/// assert_eq!(query(start.as_ptr()).unwrap().family, "Request");
/// // SAFETY: allocated above, and not used again.
/// unsafe { untyped::free::<Lives>(start)? };
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline(always)]
pub fn alloc_zeroed_in_scope<S: FamilySet>(layout: Layout) -> Result<NonNull<u8>, AllocError> {
    alloc_zeroed_at::<S>(scope::current::<S>(), layout)
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use core::alloc::Layout;

    use super::*;
    use crate::heap::{alloc_layout_in, free_layout_in};
    use crate::space::SYSTEM_SPACE;
    use crate::spec::FamilySpec;
    use crate::table::FamilyCell;

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
            SetTable::new("None", &SPECS, &CELLS, &SYSTEM_SPACE, || Other::homes().cast());
        SET.note_space(SYSTEM_SPACE.get().unwrap());
        for size in [24, 100 << 10] {
            let layout = Layout::from_size_align(size, 8).unwrap();
            let start = alloc_layout_in::<other::Any>(layout).unwrap();
            assert_eq!(SET.cell_at(start.addr().get(), 1), None, "{size} bytes of another set");
            let own = Other::table().cell_at(start.addr().get(), 1);
            assert_eq!(own.map(|cell| cell.family()), (size == 24).then_some(0));
            // SAFETY: allocated just now.
            unsafe { free_layout_in::<other::Any>(start, layout) };
        }
    }
}
