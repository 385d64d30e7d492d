//! What a descriptor says of a chunk of a region.

use crate::space::family_heap::FamilyHeap;
use crate::sync::{AtomicU64, Ordering};

use super::GranuleDesc;

/// A chunk's descriptor, that of its first granule. What changes is written by its region, which one thread at a
/// time uses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChunkDesc<'a>(pub(super) &'a GranuleDesc);

impl ChunkDesc<'_> {
    /// Its bytes, whole granules.
    #[inline(always)]
    pub(crate) fn bytes(self) -> usize {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// The family heap that it is part of.
    pub(crate) fn heap(self) -> Option<&'static FamilyHeap> {
        self.0.heap.get()
    }

    /// The bitmap of its free words, which is not at null.
    #[inline(always)]
    pub(crate) fn bitmap(self) -> *mut AtomicU64 {
        self.0.bitmap.load(Ordering::Relaxed)
    }

    /// Its position in the order in which the region took its chunks.
    #[inline(always)]
    pub(crate) fn number(self) -> u32 {
        self.0.capacity.load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub(crate) fn set_number(self, number: u32) {
        self.0.capacity.store(number, Ordering::Relaxed);
    }

    /// Whether a single object has it to itself.
    #[inline(always)]
    pub(crate) fn is_dedicated(self) -> bool {
        self.0.full.load(Ordering::Relaxed) != 0
    }

    #[inline(always)]
    pub(crate) fn set_dedicated(self, dedicated: bool) {
        self.0.full.store(u8::from(dedicated), Ordering::Relaxed);
    }

    /// How many of its granules are known to be populated, from the first on.
    #[inline(always)]
    pub(crate) fn populated(self) -> u16 {
        self.0.first_word.load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub(crate) fn set_populated(self, granules: u16) {
        self.0.first_word.store(granules, Ordering::Relaxed);
    }

    /// How many words the cursor has passed.
    #[inline(always)]
    pub(crate) fn used(self) -> u32 {
        self.0.carved.load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub(crate) fn set_used(self, words: u32) {
        self.0.carved.store(words, Ordering::Relaxed);
    }

    /// How many words were freed, or more.
    #[inline(always)]
    pub(crate) fn freed(self) -> u32 {
        self.0.countdown.load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub(crate) fn set_freed(self, words: u32) {
        self.0.countdown.store(words, Ordering::Relaxed);
    }

    /// For how many granules the bitmap is valid.
    #[inline(always)]
    pub(crate) fn valid(self) -> u16 {
        self.0.trimmed.load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub(crate) fn set_valid(self, granules: u16) {
        self.0.trimmed.store(granules, Ordering::Relaxed);
    }
}
