//! Checkpoints: giving up what was allocated since.
//!
//! A checkpoint is the place of the cursor and the number of the latest chunk. Rewinding puts the cursor
//! back and gives the chunks with higher numbers up. For that to be all, nothing that is allocated under
//! a checkpoint may lie in a room that is older (A3): so only chunks that were taken since are searched
//! for holes.

use core::ops::Range;
use core::ptr;

use crate::space::family_heap::Chunk;
use crate::space::order::NONE;

use super::Arena;
use super::bits::{self, Words};
use super::destructors::Entry;
use super::marks::{Marks, Room, State, WORD};

/// The bytes between the object before a checkpoint and the next (A4), which keep what is aligned to them
/// so.
const BARRIER: usize = 16;

/// The latest checkpoint: what lies in chunks with higher numbers was allocated under it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Floor {
    number: u32,
    under: bool,
}

impl Floor {
    /// No checkpoint: everything.
    pub(super) const NONE: Self = Self { number: 0, under: false };

    /// Whether there is a checkpoint.
    pub(super) fn is_some(self) -> bool {
        self.under
    }

    /// Whether a chunk was taken under the checkpoint.
    pub(super) fn is_below(self, chunk: Chunk) -> bool {
        chunk.number() > self.number
    }
}

/// The state of an arena to go back to.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    cursor: *mut u8,
    end: *mut u8,
    limit: *mut u8,
    current: u32,
    latest: u32,
    freed: usize,
    floor: Floor,
    entries: *mut Entry,
}

impl Checkpoint {
    /// The addresses that were unused.
    pub(super) fn unused(&self) -> Range<usize> {
        self.cursor.addr()..self.limit.addr()
    }

    /// Whether a chunk was taken before.
    pub(super) fn is_above(&self, chunk: Chunk) -> bool {
        chunk.number() <= self.latest
    }
}

impl Arena {
    /// The present state, to go back to.
    pub(crate) fn checkpoint(&self) -> Checkpoint {
        // A rewind compares what was freed by then with what was freed by now (`unmark`).
        self.count_near();
        let checkpoint = Checkpoint {
            cursor: self.cursor.get(),
            end: self.end.get(),
            limit: self.limit.get(),
            current: self.current.get(),
            latest: self.latest.get(),
            freed: self.current_chunk().map_or(0, Chunk::freed),
            floor: self.floor.get(),
            entries: self.entries.get(),
        };
        // There is a floor to forget, so `clear` must not just move the cursor.
        self.first.set(ptr::null_mut());
        // So that the object before it is not taken for the latest (A4).
        let cursor = self.cursor.get();
        if self.limit.get().addr() - cursor.addr() >= BARRIER {
            if self.tracked {
                let barrier = Room { words: BARRIER / WORD, state: State::Hidden };
                // SAFETY: from the cursor on, below the limit (A1).
                unsafe { self.marks.get().write(cursor, barrier) };
            }
            self.cursor.set(cursor.wrapping_add(BARRIER));
            // The barrier may reach into what has not been asked for yet: nobody touches it.
            if self.end.get() < self.cursor.get() {
                self.end.set(self.cursor.get());
            }
        } else {
            // There is no room for a barrier. What comes next lies in a chunk taken since, whose front
            // is one.
            self.leave();
        }
        self.floor.set(Floor { number: self.latest.get(), under: true });
        checkpoint
    }

    /// Gives up everything that was allocated since the checkpoint. Those destructors have run.
    ///
    /// # Safety
    ///
    /// The checkpoint is of this arena, which has neither been cleared since nor gone back to an earlier
    /// one, and nothing that was allocated since is used again.
    pub(crate) unsafe fn rewind(&self, checkpoint: &Checkpoint) {
        if self.zeroes {
            self.zero_since(checkpoint);
        }
        if self.latest.get() != checkpoint.latest {
            self.give_later(checkpoint.latest);
        }
        let moved = self.current.get() != checkpoint.current;
        if let Some(chunk) = self.current_chunk().filter(|_| !moved) {
            // What was touched since has memory, and need not be asked for again.
            chunk.note_populated(self.cursor.get().addr() - chunk.start().addr().get());
        }
        self.current.set(checkpoint.current);
        self.unmark(checkpoint);
        if moved {
            let marks = self.current_chunk().map_or(Marks::NONE, |chunk| self.marks_of(chunk));
            self.marks.set(marks);
        }
        self.cursor.set(checkpoint.cursor);
        self.end.set(checkpoint.end);
        self.limit.set(checkpoint.limit);
        self.floor.set(checkpoint.floor);
    }

    /// Ends a checkpoint that is not gone back to. What was left free for it is used again, if nothing
    /// has been allocated since.
    pub(super) fn forget(&self, checkpoint: &Checkpoint) {
        let stayed = self.latest.get() == checkpoint.latest
            && match self.current_chunk() {
                Some(chunk) => {
                    let passed = checkpoint.cursor.wrapping_add(BARRIER);
                    chunk.granule == checkpoint.current && self.cursor.get() == passed
                }
                None => true,
            };
        if stayed {
            // SAFETY: this arena's checkpoint, since which nothing was allocated that is still there.
            unsafe { self.rewind(checkpoint) };
        } else {
            self.floor.set(checkpoint.floor);
        }
    }

    /// Runs the destructors of what was allocated since a checkpoint.
    ///
    /// # Panics
    ///
    /// If one does, after all others have run.
    pub(crate) fn run_destructors_since(&self, checkpoint: &Checkpoint) {
        self.run_until(checkpoint.entries);
    }

    /// Takes away the marks of what was freed since the checkpoint in the part of a chunk that is unused
    /// again (A1).
    fn unmark(&self, checkpoint: &Checkpoint) {
        let Some(chunk) = self.current_chunk() else { return };
        self.count_near();
        // Nothing was freed in it since, and so no bit was set.
        if chunk.freed() == checkpoint.freed {
            return;
        }
        let start = chunk.start().addr().get();
        let valid = chunk.valid();
        let (from, to) = (checkpoint.cursor.addr() - start, checkpoint.limit.addr() - start);
        if from < valid {
            bits::clear(chunk, Words { from: from / WORD, to: to.min(valid) / WORD });
        }
    }

    /// Zeroes what was allocated since the checkpoint.
    fn zero_since(&self, checkpoint: &Checkpoint) {
        let in_place = self.current.get() == checkpoint.current;
        // Where that was left, the chunk knows how far it had come, unless it was in a hole.
        let left = |space| {
            let chunk = Chunk::at(space, checkpoint.current);
            checkpoint.limit.addr().min(chunk.start().addr().get() + chunk.used())
        };
        let to = match self.space().filter(|_| !in_place && checkpoint.current != NONE) {
            Some(space) => left(space),
            None if in_place => self.cursor.get().addr(),
            None => checkpoint.cursor.addr(),
        };
        let bytes = to - checkpoint.cursor.addr();
        // SAFETY: what was not in use at the checkpoint, and is given up now.
        unsafe { checkpoint.cursor.write_bytes(0, bytes) };
        if !in_place {
            self.leave();
        }
        let later = self.each_chunk().filter(|chunk| chunk.number() > checkpoint.latest);
        later.for_each(Self::zero);
    }

    /// Gives up the chunks with numbers above this one.
    #[cold]
    fn give_later(&self, latest: u32) {
        for chunk in self.each_chunk() {
            if chunk.number() > latest {
                self.remove(chunk);
                // SAFETY: nothing that was allocated since is used any more (contract of `rewind`).
                unsafe { self.give_or_keep(chunk, true) };
            }
        }
        self.latest.set(latest);
    }
}
