//! Calls for a family that is known only at run time: allocating in it for C, walking it, freeing it as a
//! whole, and finding the family of an address.

use core::ptr::NonNull;

use crate::any_family::AnyFamily;
use crate::family_key::FamilyKey;
use crate::family_set::FamilySet;
use crate::space::Space;

use crate::heap::query::find_in;
use crate::heap::used;

use super::bytes::alloc_bytes_at;

/// Allocates `size` bytes in a family that is known only at run time, aligned for every C object that
/// fits: like [`alloc_bytes_in_scope`](super::alloc_bytes_in_scope), but not in the family of the scope.
/// `None` if no memory is available. A size of 0 is served as 1.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, query, raw};
///
/// #[alloc_family]
/// enum Lives {
///     General,
///     Request,
/// }
///
/// let start = raw::alloc_bytes(lives::Request, 100).expect("100 bytes");
/// assert_eq!(start.addr().get() % 16, 0);
/// assert_eq!(query(start.as_ptr()).unwrap().family, "Request");
/// # // SAFETY: allocated above, and not used again.
/// # unsafe { raw::free::<Lives>(start).unwrap() };
/// # let _ = Lives::General;
/// ```
#[inline(always)]
#[must_use]
pub fn alloc_bytes<K: FamilyKey>(family: K, size: usize) -> Option<NonNull<u8>> {
    let head = |scaled| {
        // SAFETY: a family of the set, and it is asked for a class, scaled.
        unsafe { family.read_head(scaled) }
    };
    // SAFETY: of the cache of the family.
    unsafe { alloc_bytes_at::<K::Set>(|| family.position(), head, size, || None) }
}

/// The family of the set `S` that owns an address; `None` for memory of another set, and for memory that
/// is not famalloc's or not allocated. Never touches the memory; constant time.
///
/// # Examples
///
/// ```
/// use core::alloc::Layout;
/// use famalloc::{alloc_family, raw, RawAlloc};
///
/// #[alloc_family]
/// #[derive(Debug)]
/// enum Lives {
///     Request,
///     Session,
/// }
///
/// #[alloc_family]
/// enum Others {
///     Request,
/// }
///
/// let start = lives::Session.alloc(Layout::new::<u64>())?;
/// assert_eq!(raw::family_at::<Lives>(start.as_ptr()), Some(Lives::Session.into()));
/// assert_eq!(raw::family_at::<Others>(start.as_ptr()), None);
/// # // SAFETY: allocated above, and not used again.
/// # unsafe { raw::free::<Lives>(start).unwrap() };
/// # let _ = (Lives::Request, Others::Request);
/// # Ok::<(), famalloc::AllocError>(())
/// ```
#[must_use]
pub fn family_at<S: FamilySet>(address: *const impl ?Sized) -> Option<AnyFamily<S>> {
    let address = address.cast::<u8>().addr();
    let (_, owner) = Space::all().find_map(|space| find_in(space, address))?;
    // By identity: another set may have the same name.
    let ours = AnyFamily::at(owner.index)?;
    used(ours)?.heap.is_family_of(owner).then_some(ours)
}
