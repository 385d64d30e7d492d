//! The block map's descriptors: what is known of each granule and of each extent. `window` is how they are
//! found.
//!
//! A descriptor is written by whoever holds the lock named at its field, and read by anyone at any
//! time: that is why every field is an atomic. The reads of strangers are hints (a query) or are
//! kept true by what the reader holds: a slot that is not free keeps its block's `kind`, `class`,
//! `back` and `lane` as they are (I1).
//!
//! [`granule`] has the descriptors of granules and their views, one for each kind of what may start there;
//! [`extent`] those of extents.

use crate::sync::{AtomicPtr, Ordering};

use super::family_heap::FamilyHeap;

mod extent;
mod granule;
#[cfg(test)]
mod tests;

pub(super) use extent::ExtentLinks;
pub(crate) use extent::{ExtentDesc, ExtentKind};
pub(crate) use granule::{BlockDesc, ChunkDesc, GranuleDesc, GranuleKind, NewBlock, Stale, View};

/// log2 of a granule's bytes.
pub(crate) const GRANULE_SHIFT: u32 = 16;
/// The unit the block map counts in, in bytes.
pub(crate) const GRANULE: usize = 1 << GRANULE_SHIFT;

/// log2 of a window's bytes: those of the largest extent.
pub(crate) const WINDOW_SHIFT: u32 = 21;
/// log2 of a window's granules.
pub(super) const WINDOW_GRANULES_SHIFT: u32 = WINDOW_SHIFT - GRANULE_SHIFT;
/// The granules of a window.
pub(crate) const WINDOW_GRANULES: u32 = 1 << WINDOW_GRANULES_SHIFT;

/// The family heap that a descriptor names, or none.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct HeapPtr(AtomicPtr<FamilyHeap>);

impl HeapPtr {
    /// Names this one, which lives as long as the process.
    pub(crate) fn set(&self, heap: &FamilyHeap) {
        self.0.store(core::ptr::from_ref(heap).cast_mut(), Ordering::Relaxed);
    }

    /// Whether it is this one.
    pub(crate) fn is(&self, heap: &FamilyHeap) -> bool {
        core::ptr::eq(self.0.load(Ordering::Relaxed), heap)
    }

    pub(crate) fn get(&self) -> Option<&'static FamilyHeap> {
        // SAFETY: null, or from `set`: a family heap, which is part of its family's table and lives as long as the
        // process.
        unsafe { self.0.load(Ordering::Relaxed).as_ref() }
    }
}
