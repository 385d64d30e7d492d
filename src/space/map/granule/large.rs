//! What a descriptor says of a large allocation.

use crate::space::family_heap::FamilyHeap;
use crate::sync::Ordering;

use super::GranuleDesc;

/// A large allocation's descriptor, that of its first granule. What changes is written under the lock of the
/// family heap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LargeDesc<'a>(pub(super) &'a GranuleDesc);

impl LargeDesc<'_> {
    pub(crate) fn granules(self) -> u32 {
        self.0.granules.load(Ordering::Relaxed).into()
    }

    /// Its bytes, whole pages.
    pub(crate) fn bytes(self) -> usize {
        self.0.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn set_length(self, granules: u32, bytes: usize) {
        self.0.granules.store(granules as u8, Ordering::Relaxed);
        self.0.bytes.store(bytes, Ordering::Relaxed);
    }

    /// The family heap that it is part of.
    pub(crate) fn heap(self) -> Option<&'static FamilyHeap> {
        self.0.heap.get()
    }

    /// Whether it is part of this family heap.
    pub(crate) fn is_of(self, heap: &FamilyHeap) -> bool {
        self.0.heap.is(heap)
    }
}
