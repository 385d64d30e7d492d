//! Regions as allocators: [`InRegion`], and references.
//!
//! What is given up is used again, and the rest goes with the region.

use core::alloc::Layout;
use core::fmt;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::NonNull;

use crate::arena::Arena;
use crate::error::AllocError;
use crate::family_key::FamilyKey;
use crate::heap::alloc::dangling;
use crate::raw_alloc::RawAlloc;

use super::{Kind, Region};

/// A region as the home of handles and collections, whatever its family and kind.
///
/// It is one word: a borrow of the region, which can neither be reset nor dropped meanwhile.
/// [`Region::allocator`](crate::Region::allocator) returns it. (A reference to a region is an allocator, too, one
/// whose type names family and kind.)
///
/// # Examples
///
/// ```
/// use famalloc::region::InRegion;
/// use famalloc::{alloc_family, FamilyBox, Region};
///
/// #[alloc_family]
/// enum Lives {
///     Frame,
/// }
///
/// fn two<'r>(memory: InRegion<'r>) -> FamilyBox<i32, InRegion<'r>> {
///     FamilyBox::new_in(2, memory)
/// }
///
/// let frame = Region::<lives::Frame>::new();
/// assert_eq!(*two(frame.allocator()), 2);
/// ```
#[derive(Clone, Copy)]
pub struct InRegion<'r> {
    arena: &'r Arena,
}

// Whatever panics, and wherever, the region is whole afterwards.
impl UnwindSafe for InRegion<'_> {}
impl RefUnwindSafe for InRegion<'_> {}

impl<'r> InRegion<'r> {
    #[inline(always)]
    pub(super) const fn of(arena: &'r Arena) -> Self {
        Self { arena }
    }
}

impl fmt::Debug for InRegion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InRegion").finish_non_exhaustive()
    }
}

// SAFETY: objects of a region overlap no other, and stay until they are freed or the region is reset,
// which nobody can do while it is borrowed; one that is borrowed for good is never reset.
unsafe impl RawAlloc for InRegion<'_> {
    #[inline]
    fn alloc(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        match layout.size() {
            0 => Ok(dangling(layout.align())),
            _ => self.arena.alloc_any(layout),
        }
    }

    #[inline]
    unsafe fn free(&self, start: NonNull<u8>, layout: Layout) {
        if layout.size() > 0 {
            // SAFETY: passed on.
            unsafe { self.arena.free(start, layout) };
        }
    }

    unsafe fn realloc(
        &self,
        start: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<u8>, AllocError> {
        if old.size() == 0 || new.size() == 0 {
            // SAFETY: passed on.
            unsafe { self.free(start, old) };
            return self.alloc(new);
        }
        // SAFETY: passed on.
        unsafe { self.arena.resize(start, old, new) }
    }
}

// SAFETY: as above; all copies of a reference lead to the same region.
unsafe impl<F: FamilyKey, K: Kind> RawAlloc for &Region<F, K> {
    #[inline]
    fn alloc(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        self.alloc_layout(layout)
    }

    #[inline]
    unsafe fn free(&self, start: NonNull<u8>, layout: Layout) {
        // SAFETY: passed on.
        unsafe { self.free_layout(start, layout) };
    }

    unsafe fn realloc(
        &self,
        start: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<u8>, AllocError> {
        // SAFETY: passed on.
        unsafe { self.resize_layout(start, old, new) }
    }
}
