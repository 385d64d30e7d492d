//! Visiting what is live in a lane's blocks, and freeing some of it, a bitmap word at a time.
//!
//! Once nothing is parked, a carved slot is live exactly when its bit is not set. So a sweep reads
//! 64 slots with one load and frees what was declined of them with one store: no magazine, no
//! address is handled for it.

use core::ptr::NonNull;

use crate::abort;
use crate::block::{Block, Change};
use crate::class;

use super::Lane;

/// The slots of one bitmap word of one block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word {
    /// The address of the word's first slot.
    start: *mut u8,
    slot_size: usize,
    live: u64,
}

impl Word {
    /// The live slots, the lowest first, each with its bit.
    pub(crate) fn live(self) -> impl Iterator<Item = (NonNull<u8>, u64)> {
        let mut live = self.live;
        core::iter::from_fn(move || {
            if live == 0 {
                return None;
            }
            let bit = live & live.wrapping_neg();
            live &= live - 1;
            let slot = self.start.wrapping_add(bit.trailing_zeros() as usize * self.slot_size);
            NonNull::new(slot).map(|slot| (slot, bit))
        })
    }
}

impl Lane {
    /// Puts every free slot that is parked here into the bitmap of its block.
    pub(crate) fn gather_free(&self) {
        let mut state = self.lock();
        self.collect_mail(&mut state);
        state = self.empty_depot(state);
        // What is another lane's goes to its mailbox. The caller comes by again for that.
        self.post_all(&mut state);
    }

    /// Frees the slots `dead` of the word before `word`, and returns what is live in `word`; `None`
    /// where the block of this lane that starts at `granule` has no such word, or is none any more.
    pub(crate) fn step(&self, granule: u32, word: usize, dead: u64) -> Option<Word> {
        let mut state = self.lock();
        let desc = self.space().granule(granule);
        // What was visited may have been freed meanwhile, and all of the block with it.
        if !self.owns(desc) {
            return None;
        }
        let block = Block::of(self.space(), granule, desc);
        let words = block.words();
        // Of the word before: the visitor is through with it, and no bit of a word changes while it is
        // visited.
        if dead != 0 {
            match block.free_word(words, word - 1, dead) {
                Ok(change) => {
                    state.counts.free += u64::from(dead.count_ones());
                    if change != Change::None {
                        self.note_change_of(&mut state, block, change);
                        // It may have been given back, and its granules may be another's by now.
                        if matches!(change, Change::Emptied | Change::GotRoomAndEmptied) {
                            return None;
                        }
                    }
                }
                Err(wrong) => {
                    let index = (word - 1) * 64 + wrong.trailing_zeros() as usize;
                    let bytes = class::slot_size(self.class);
                    let slot = block.start().as_ptr().wrapping_add(index * bytes);
                    abort::freed_while_visited(self.name(), slot, bytes)
                }
            }
        }
        let slot_size = class::slot_size(self.class);
        (word * 64 < block.carved() as usize).then(|| Word {
            start: block.start().as_ptr().wrapping_add(word * 64 * slot_size),
            slot_size,
            live: block.live_in(words, word),
        })
    }
}
