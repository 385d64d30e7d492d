//! What the integrity check and the checked free want to know of a lane.

use core::ptr::{self, NonNull};

use crate::block::Block;
use crate::class;
use crate::space::window::Place;
use crate::sync::Ordering;

use super::{Lane, LaneState};

/// An address and what is wrong there.
type Fault = (usize, &'static str);

impl Lane {
    /// The next lane of the cell.
    pub(crate) fn following(&self) -> Option<&'static Self> {
        // SAFETY: null, or a lane, which lives as long as the process.
        unsafe { self.next.load(Ordering::Acquire).as_ref() }
    }

    /// Whether a slot waits in the depot, a remote batch or the mailbox. Takes the mail in to look.
    pub(crate) fn has_parked(&self, slot: NonNull<u8>) -> bool {
        let mut found = false;
        self.with_parked(|mut parked| found = Iterator::any(&mut parked, |held| held == slot));
        found || self.owner_has_free(slot)
    }

    /// Whether the block of a slot of this lane has it as free. Taking the mail in may have put it there.
    fn owner_has_free(&self, slot: NonNull<u8>) -> bool {
        let Some(Place::Block(granule)) = self.space().place_of(slot.addr().get()) else {
            return false;
        };
        let Some(block) = Block::find(self.space(), granule).filter(|&it| self.is_lane_of(it))
        else {
            return false;
        };
        let offset = slot.addr().get() - block.start().addr().get();
        block.is_free(class::slot_at(self.class, offset))
    }

    /// Calls `look` with every address that is parked here, under the lock.
    pub(crate) fn with_parked(&self, look: impl FnOnce(&mut dyn Iterator<Item = NonNull<u8>>)) {
        let mut state = self.lock();
        // A mailbox can be emptied, but not looked through: others post to it meanwhile.
        self.collect_mail(&mut state);
        look(&mut Self::parked(&state));
    }

    /// Calls `look` with the slots of each magazine that is parked here, unless somebody is at work in
    /// this lane. Takes the mail in to look.
    pub(crate) fn try_magazines(&self, mut look: impl FnMut(&[*mut u8])) {
        if let Some(mut state) = self.state.try_lock() {
            self.collect_mail(&mut state);
            Self::magazines(&state).for_each(|magazine| look(magazine.slots()));
        }
    }

    /// What is wrong with this lane's blocks and counts, if anything.
    pub(crate) fn fault(&self) -> Option<Fault> {
        let state = self.lock();
        let space = self.space();
        let per_extent = space.granules_per_extent();
        let (mut blocks, mut granules, mut carved, mut free) = (0, 0, 0, 0);
        for extent in self.heap.extents() {
            for granule in extent * per_extent..(extent + 1) * per_extent {
                let Some(block) = Block::find(space, granule).filter(|&it| self.is_lane_of(it))
                else {
                    continue;
                };
                blocks += 1;
                granules += block.granules();
                carved += u64::from(block.carved());
                free += u64::from(block.free());
                if let Some(what) = self.block_fault(&state, block) {
                    return Some((block.start().addr().get(), what));
                }
            }
        }
        let counts = &state.counts;
        let sums = (blocks, granules, carved, free);
        let wrong = sums != (counts.blocks, counts.granules, counts.carved, counts.free);
        wrong.then_some((0, "a lane's counts are not the sums of its blocks"))
    }

    fn block_fault(&self, state: &LaneState, block: Block<'_>) -> Option<&'static str> {
        if block.class() != self.class {
            return Some("a block has another size class than its lane");
        }
        let listed = state.room.contains(self.space(), block.granule);
        match (block.has_room(), listed) {
            (true, false) => Some("a block with free slots is not in its lane's list"),
            (false, true) => Some("a full block is in its lane's list of blocks with free slots"),
            _ => block.fault(),
        }
    }

    /// The first of these addresses that is not held rightly as a free slot of this cell. Shorter than
    /// [`Self::slot_fault`], and does not say what is wrong.
    pub(crate) fn stray(&self, slots: &[usize]) -> Option<usize> {
        let (lookup, divisor) = (self.space().lookup(), class::Divisor::of(self.class));
        let mut known = self;
        slots.iter().copied().find(|&slot| {
            let Some((granule, desc, offset)) = lookup.head_of(slot) else { return true };
            let Some(block) = Block::find_of(self.space(), granule, desc) else { return true };
            if !known.is_lane_of(block) {
                let kin = |lane: &&Self| ptr::eq(lane.heap, self.heap) && lane.class == self.class;
                let Some(lane) = Self::of(block).filter(kin) else { return true };
                known = lane;
            }
            block.carved_slot(divisor, offset).is_none_or(|index| block.is_free(index))
        })
    }

    /// What is wrong with an address that is held as a free slot of this cell, if anything.
    pub(crate) fn slot_fault(&self, slot: usize) -> Option<Fault> {
        let Some(Place::Block(granule)) = self.space().place_of(slot) else {
            return Some((slot, "an address cached as a free slot is in no block"));
        };
        let block = Block::find(self.space(), granule)?;
        let lane = Self::of(block)?;
        if !ptr::eq(lane.heap, self.heap) || lane.class != self.class {
            return Some((slot, "a free slot is cached in the wrong family or size class"));
        }
        let offset = slot.wrapping_sub(block.start().addr().get());
        if offset >= block.bytes() {
            return Some((
                slot,
                "an address cached as a free slot is before the first slot of its block",
            ));
        }
        let index = class::slot_at(self.class, offset);
        if index * class::slot_size(self.class) != offset {
            return Some((
                slot,
                "an address cached as a free slot is inside a slot, not at its start",
            ));
        }
        if index >= block.carved() as usize || block.is_free(index) {
            return Some((slot, "a slot in a magazine is also free in its block"));
        }
        None
    }
}
