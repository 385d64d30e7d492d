//! What a descriptor says of a block.

use core::ptr::NonNull;

use crate::sync::{AtomicU64, Ordering};

use super::GranuleDesc;

/// A block's descriptor, that of its first granule. What changes is written under the lock of the block's lane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockDesc<'a>(pub(super) &'a GranuleDesc);

/// What a block is from the beginning to the end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewBlock {
    pub(crate) class: usize,
    pub(crate) granules: u32,
    /// How many bytes its first slot lies from its start.
    pub(crate) colour: usize,
    /// How many slots it has room for.
    pub(crate) capacity: u32,
    pub(crate) lane: *mut (),
    pub(crate) bitmap: NonNull<AtomicU64>,
    /// How many of its granules are known to be populated, from the first on; this may grow.
    pub(crate) populated: usize,
}

impl BlockDesc<'_> {
    #[inline(always)]
    pub(crate) fn class(self) -> usize {
        self.0.class.load(Ordering::Relaxed).into()
    }

    #[inline(always)]
    pub(crate) fn granules(self) -> u32 {
        self.0.granules.load(Ordering::Relaxed).into()
    }

    /// How many bytes its first slot lies from its start.
    #[inline(always)]
    pub(crate) fn colour(self) -> usize {
        self.0.colour.load(Ordering::Relaxed).into()
    }

    /// How many slots it has room for.
    #[inline(always)]
    pub(crate) fn capacity(self) -> u32 {
        self.0.capacity.load(Ordering::Relaxed)
    }

    /// The lane, or null, as [`GranuleDesc::lane`] says.
    #[inline(always)]
    pub(crate) fn lane(self) -> *mut () {
        self.0.lane()
    }

    /// Makes this no lane's block.
    pub(crate) fn disown(self) {
        self.0.forget_lane();
    }

    /// Its bitmap: a bit for each slot.
    #[inline(always)]
    pub(crate) fn bitmap(self) -> *mut AtomicU64 {
        self.0.bitmap.load(Ordering::Relaxed)
    }

    /// How many slots the bump cursor has passed.
    #[inline(always)]
    pub(crate) fn carved(self) -> u32 {
        self.0.carved.load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub(crate) fn set_carved(self, slots: u32) {
        self.0.carved.store(slots, Ordering::Relaxed);
    }

    /// How many slots may be freed until the block has to be looked at. 1 while it is full: the first free slot puts
    /// it among those with room. Otherwise the number of carved slots that are not free in it: at 0 it is empty.
    #[inline(always)]
    pub(crate) fn countdown(self) -> u32 {
        self.0.countdown.load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub(crate) fn set_countdown(self, slots: u32) {
        self.0.countdown.store(slots, Ordering::Relaxed);
    }

    /// Whether no slot can be taken.
    #[inline(always)]
    pub(crate) fn is_full(self) -> bool {
        self.0.full.load(Ordering::Relaxed) != 0
    }

    #[inline(always)]
    pub(crate) fn set_full(self, full: bool) {
        self.0.full.store(u8::from(full), Ordering::Relaxed);
    }

    /// No word of the bitmap before this one has a set bit.
    #[inline(always)]
    pub(crate) fn first_word(self) -> usize {
        self.0.first_word.load(Ordering::Relaxed).into()
    }

    #[inline(always)]
    pub(crate) fn set_first_word(self, word: usize) {
        self.0.first_word.store(word as u16, Ordering::Relaxed);
    }

    /// How many of its granules are known to be populated, from the first on.
    #[inline(always)]
    pub(crate) fn populated(self) -> usize {
        self.0.populated.load(Ordering::Relaxed).into()
    }

    #[inline(always)]
    pub(crate) fn set_populated(self, granules: usize) {
        self.0.populated.store(granules as u8, Ordering::Relaxed);
    }

    /// A mark of how many slots were live when its pages without any were given back; 0 where a slot was taken
    /// since.
    #[inline(always)]
    pub(crate) fn trim_mark(self) -> u16 {
        self.0.trimmed.load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub(crate) fn set_trim_mark(self, mark: u16) {
        self.0.trimmed.store(mark, Ordering::Relaxed);
    }
}
