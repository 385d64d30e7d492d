//! The allocator traits: memory for collections that other crates wrote.
//!
//! There are three traits of the same shape and different names, and each of our allocators
//! implements all of those that the crate's features name:
//!
//! | feature | trait |
//! |---|---|
//! | `allocator-api2-02` | `allocator_api2::alloc::Allocator` of version 0.2, which `hashbrown` asks for |
//! | `allocator-api2-04` | the same of version 0.4 |
//! | `nightly` | `core::alloc::Allocator`, unstable |
//!
//! So that the traits need no code of their own, an allocator implements [`RawMemory`], and
//! `implement_for!` writes the rest. A new allocator takes two lines more in [`api`].
//!
//! # What the traits promise, and how it is kept
//!
//! - **Memory that fits.** A collection may free a piece of memory with any size from the one that
//!   it asked for to the one that it was told it got. It is told the size of the slot. That is right
//!   since a slot of one class serves every layout of its class: a layout's class is that of its
//!   size rounded up to its alignment, sizes up to that of the slot have no larger class, and those
//!   of at least the size asked for have no smaller one ([`class::usable`]). Large memory, memory that
//!   came zeroed, and that of regions is as long as was asked for.
//! - **Zeroed memory is zero to its reported end**, so just what was asked for is reported then.
//! - **Growing and shrinking may change the alignment.** `realloc_layout_in` takes two layouts; it
//!   stays where it is when the class is the same and the address happens to be aligned.
//! - **A failed call changes nothing**, the old memory is still the caller's.
//!
//! The traits' errors carry no reason. Where it matters, ask [`alloc_layout_in`] in the same way.

mod api;
mod region;

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::class;
use crate::error::AllocError;
use crate::family::Family;
use crate::heap::{alloc_layout_in, alloc_zeroed_layout_in, free_layout_in};
use crate::heap::{realloc_layout_in, resize::realloc_zeroed_layout_in};
use crate::in_family::In;

/// What an allocator trait asks for, by our own names.
///
/// # Safety
///
/// Memory that was handed out stays valid until it is given back, also when the allocator moves, and
/// any clone of the allocator can do anything with it. It has the layout's size and alignment at
/// least; zeroed memory is zero in all of the length that is reported.
pub(crate) unsafe trait RawMemory {
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError>;

    fn allocate_zeroed(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError>;

    /// # Safety
    ///
    /// `start` was handed out here for an alignment of `layout.align()`, and a size that is at most
    /// `layout.size()`, which is at most the length that was reported. It is not used again.
    unsafe fn deallocate(&self, start: NonNull<u8>, layout: Layout);

    /// Grows or shrinks.
    ///
    /// # Safety
    ///
    /// As for `deallocate` with `old`, on success.
    unsafe fn resize(
        &self,
        start: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError>;

    /// # Safety
    ///
    /// As for `resize`. The new size is not below the old one.
    unsafe fn grow_zeroed(
        &self,
        start: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError>;
}

/// The memory at `start` and all that can be used of it.
#[inline]
fn all_of(start: NonNull<u8>, layout: Layout) -> NonNull<[u8]> {
    NonNull::slice_from_raw_parts(start, class::usable(layout))
}

/// The memory at `start`, as long as was asked for.
#[inline]
fn just(start: NonNull<u8>, layout: Layout) -> NonNull<[u8]> {
    NonNull::slice_from_raw_parts(start, layout.size())
}

// SAFETY: slots stay where they are until they are freed; the allocator has no state, so that all its
// clones are the same. `class::usable` says what is reported.
unsafe impl<F: Family> RawMemory for In<F> {
    #[inline]
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        alloc_layout_in::<F>(layout).map(|start| all_of(start, layout))
    }

    #[inline]
    fn allocate_zeroed(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        alloc_zeroed_layout_in::<F>(layout).map(|start| just(start, layout))
    }

    #[inline]
    unsafe fn deallocate(&self, start: NonNull<u8>, layout: Layout) {
        // SAFETY: passed on; all layouts that fit have the class of the allocation.
        unsafe { free_layout_in::<F>(start, layout) };
    }

    unsafe fn resize(
        &self,
        start: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: passed on; all layouts that fit have the class of the allocation.
        let start = unsafe { realloc_layout_in::<F>(start, old, new)? };
        Ok(all_of(start, new))
    }

    unsafe fn grow_zeroed(
        &self,
        start: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: passed on; all layouts that fit have the class of the allocation.
        let start = unsafe { realloc_zeroed_layout_in::<F>(start, old, new)? };
        Ok(just(start, new))
    }
}
