//! Calls for a family that is known only at run time: allocating in it for C, walking it, freeing it as a
//! whole, and finding the family of an address.

use core::ptr::NonNull;

use crate::any_family::AnyFamily;
use crate::family_set::FamilySet;
use crate::space::Space;

use crate::heap::free_all;
use crate::heap::query::find_in;
use crate::heap::used;
use crate::heap::walk::{self, InUseElsewhere};

use super::bytes::alloc_bytes_at;

/// Allocates `size` bytes in a family that is known only at run time, aligned for every C object that
/// fits: like [`alloc_bytes_in_scope`](super::alloc_bytes_in_scope), but not in the family of the scope.
/// `None` if no memory is available. A size of 0 is served as 1.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, query, untyped};
///
/// #[alloc_family]
/// enum Lives {
///     General,
///     Request,
/// }
///
/// let start = untyped::alloc_bytes(&Lives::Request, 100).expect("100 bytes");
/// assert_eq!(start.addr().get() % 16, 0);
/// assert_eq!(query(start.as_ptr()).unwrap().family, "Request");
/// # // SAFETY: allocated above, and not used again.
/// # unsafe { untyped::free::<Lives>(start).unwrap() };
/// # let _ = Lives::General;
/// ```
#[inline(always)]
#[must_use]
pub fn alloc_bytes<S: FamilySet>(family: &S, size: usize) -> Option<NonNull<u8>> {
    let head = |scaled| {
        // SAFETY: a family of the set, and it is asked for a class, scaled.
        unsafe { S::read_head(family.index(), scaled) }
    };
    // SAFETY: of the cache of the family.
    unsafe { alloc_bytes_at::<S>(|| family.index(), head, size, || None) }
}

/// The family of the set `S` that owns an address; `None` for memory of another set, and for memory that
/// is not famalloc's or not allocated. Never touches the memory; constant time.
///
/// # Examples
///
/// ```
/// use core::alloc::Layout;
/// use famalloc::{alloc_family, untyped};
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
/// let start = untyped::alloc(&Lives::Session, Layout::new::<u64>())?;
/// assert_eq!(untyped::family_at::<Lives>(start.as_ptr()), Some(Lives::Session.into()));
/// assert_eq!(untyped::family_at::<Others>(start.as_ptr()), None);
/// # // SAFETY: allocated above, and not used again.
/// # unsafe { untyped::free::<Lives>(start).unwrap() };
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

/// [`walk_in`](crate::walk_in) for a family that is known only at run time.
///
/// # Errors
///
/// As there.
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
/// let start = untyped::alloc(&Lives::Request, Layout::new::<[u64; 3]>())?;
/// let mut seen = Vec::new();
/// untyped::walk(&Lives::Request, |object, bytes| seen.push((object, bytes)))?;
/// assert_eq!(seen, [(start, 24)]);
/// # // SAFETY: allocated above, and not used again.
/// # unsafe { untyped::free::<Lives>(start).unwrap() };
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn walk<S: FamilySet>(
    family: &S,
    visit: impl FnMut(NonNull<u8>, usize),
) -> Result<(), InUseElsewhere> {
    walk::walk(AnyFamily::of(family), visit)
}

/// [`free_all_in`](crate::free_all_in) for a family that is known only at run time.
///
/// # Errors
///
/// As there.
///
/// # Safety
///
/// As there.
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
/// for _ in 0..100 {
///     untyped::alloc(&Lives::Request, Layout::new::<u64>())?;
/// }
/// // SAFETY: none of them is used again, and there is no other thread.
/// assert_eq!(unsafe { untyped::free_all(&Lives::Request) }, Ok(100));
/// # Ok::<(), famalloc::AllocError>(())
/// ```
pub unsafe fn free_all<S: FamilySet>(family: &S) -> Result<usize, InUseElsewhere> {
    // SAFETY: passed on.
    unsafe { free_all::free_all(AnyFamily::of(family)) }
}
