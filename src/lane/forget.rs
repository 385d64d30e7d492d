//! Freeing all that a cell has: what is parked is forgotten, then each block starts again.
//!
//! An object that is freed goes through a magazine to a bit, and so does its address. Where all
//! objects of a cell go there is nothing to tell apart, and both ways are cut short: the addresses
//! that are parked are dropped where they are, and the bitmaps are cleared. In this order, since a
//! block that has started again must not get an old slot back. In between, a forgotten slot looks
//! as if the program had it, and everything is whole.

use crate::block::Block;

use super::magazine::MagazineBox;
use super::{Lane, LaneState};

impl Lane {
    /// Notes the peak.
    pub(crate) fn note_peak_now(&self) {
        self.note_peak(&mut self.lock());
    }

    /// Forgets the free slots that are parked in this lane and in those that follow it in their cell;
    /// returns how many. Nobody moves free slots from lane to lane meanwhile.
    pub(crate) fn forget_parked(&self) -> usize {
        let mut state = self.lock();
        // Those that follow first, while this one can send them nothing. What they had for this one
        // until then is in its mailbox.
        let behind = self.following().map_or(0, Self::forget_parked);
        behind + self.forget_own_parked(&mut state)
    }

    fn forget_own_parked(&self, state: &mut LaneState) -> usize {
        let mut forgotten = 0;
        let mut forget = |state: &mut LaneState, mut magazine: MagazineBox| {
            forgotten += magazine.clear();
            self.keep_spare(state, magazine);
        };
        while let Some(magazine) = state.depot.pop_latest() {
            forget(state, magazine);
        }
        while let Some(magazine) = state.remote_batches.pop() {
            forget(state, magazine);
        }
        let mut mail = self.mailbox.empty();
        while let Some(magazine) = mail.pop() {
            self.mailbox.count_taken(&magazine);
            forget(state, magazine);
        }
        state.scattered = 0;
        forgotten
    }

    /// Frees this lane's block that starts at `granule`, with all slots that are not free, and zeroes
    /// them if the family wishes that; returns how many they were.
    ///
    /// # Safety
    ///
    /// Nobody uses the slots of the block any more, none is parked, and nobody moves free slots
    /// meanwhile: so nobody else can release it.
    pub(crate) unsafe fn free_block(&self, granule: u32) -> usize {
        let mut state = self.lock();
        let block = Block::at(self.space(), granule);
        debug_assert!(self.is_lane_of(block));
        let live = block.live();
        if self.heap.spec.zeroes_on_free() {
            // SAFETY: passed on.
            unsafe { block.zero_live() };
        }
        // SAFETY: passed on.
        unsafe { self.release_block(&mut state, block) };
        live as usize
    }
}
