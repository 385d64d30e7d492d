//! How a lane gets another block: how long it is, and where its first slot lies.

use crate::block::{self, Block};
use crate::class;
use crate::error::AllocError;
use crate::space::map::WINDOW_GRANULES;
use crate::space::map::{GRANULE, GRANULE_SHIFT};

use super::{Lane, LaneState};

/// From this many granules on, a lane's new blocks are half an extent long.
const LARGE_LANE: u32 = 64;
/// A block need not have more slots than this for its own sake.
const GROWN_SLOTS: usize = 64;
/// A block is made twice as long as before where the lane has at least so many times its granules. So a block
/// that turns out longer than needed has at most a quarter of the lane's granules.
const GROWN_PART: u32 = 8;

impl Lane {
    /// How far the first slot of the first block lies from the block's start. Whole pages are left out only where
    /// that costs nothing: where untouched memory is not scarce, and the program has not chosen the length of
    /// a block.
    fn colour(&self) -> usize {
        let (class, family, spec) = (self.class, self.heap.index, &self.heap.spec);
        let is_scarce = spec.limit_bytes().is_some()
            || spec.block_bytes() > GRANULE
            || self.space().granules_per_extent() < WINDOW_GRANULES;
        let pages = if is_scarce { 0 } else { class::page_colour(class, family) };
        pages + class::colour(class, family)
    }

    /// Takes another block of the family.
    pub(super) fn add_block(&self, state: &mut LaneState) -> Result<(), AllocError> {
        let wanted = self.heap.spec.block_bytes() >> GRANULE_SHIFT;
        let least = class::block_granules(self.class, GRANULE);
        let per_extent = self.space().granules_per_extent();
        let mut granules = (wanted.max(least) as u32).min(per_extent);
        // Blocks grow with the lane. Those of large slots early: each costs some work, however few
        // slots it has. The others late: where one ends and the next begins, slots are not at equal
        // distances, which the processor's own fetching takes a while to get over.
        if state.counts.granules >= LARGE_LANE {
            granules = granules.max(per_extent / 2);
        }
        let slots = |granules: u32| granules as usize * GRANULE / class::slot_size(self.class);
        while slots(granules) < GROWN_SLOTS
            && granules < per_extent / 4
            && granules * GROWN_PART <= state.counts.granules
        {
            granules *= 2;
        }
        // Only the first: a colour in every block would add up.
        let first = state.counts.blocks == 0;
        let colour = if first { self.colour() } else { 0 };
        let block = loop {
            let taken = self.heap.alloc_block(granules, block::map_of(self.class), |taken| {
                self.heap.write_tails(taken.first, 1, granules);
                // Huge pages arrive in one go anyway.
                let page_by_page = taken.fresh && !self.space().has_huge_pages(taken.first);
                let tag = self.heap.tag.with_class(self.class);
                let (space, owner) = (self.space(), self.address());
                Block::init(space, taken.first, granules, tag, colour, owner, page_by_page)
            });
            match taken {
                Ok(block) => break block,
                // A short block is better than none; one granule holds two of the largest slots.
                Err(_) if granules > 1 => granules /= 2,
                Err(error) => return Err(error),
            }
        };
        state.room.insert(self.space(), block.granule);
        state.counts.blocks += 1;
        state.counts.granules += granules;
        state.long_blocks |= granules > 1;
        Ok(())
    }
}
