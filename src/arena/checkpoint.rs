//! Checkpoints: giving up what was allocated since.
//!
//! A checkpoint is the place of the cursor, the number of the latest chunk, and the free rooms as they
//! were. Rewinding puts the cursor back and gives the chunks with higher numbers up. For that to be
//! all, nothing that is allocated under a checkpoint may lie in a room that is older: so the free rooms
//! from before are put aside, and rooms from before that are freed under it are in no list until the
//! next [sweep](super::walk).

use core::ptr;

use crate::space::holding::Chunk;

use super::Arena;
use super::bins::Bins;
use super::destructors::Entry;
use super::marks::{Marks, Room, State, WORD};

/// What is allocated under the latest checkpoint: what lies in chunks with higher numbers, and in a
/// part of the chunk that was the current one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Floor {
    number: u32,
    from: usize,
    to: usize,
}

impl Floor {
    /// No checkpoint: everything.
    pub(super) const NONE: Self = Self { number: 0, from: 0, to: 0 };

    /// Whether a room of this chunk was allocated under the checkpoint.
    pub(super) fn is_below(self, start: *mut u8, chunk: Chunk) -> bool {
        chunk.number() > self.number || (self.from..self.to).contains(&start.addr())
    }
}

/// The state of an arena to go back to.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    cursor: *mut u8,
    end: *mut u8,
    limit: *mut u8,
    current: u32,
    in_hole: bool,
    latest: u32,
    bins: *mut Bins,
    floor: Floor,
    pub(super) entries: *mut Entry,
}

impl Arena {
    /// The present state, to go back to.
    pub(crate) fn checkpoint(&self) -> Checkpoint {
        let checkpoint = Checkpoint {
            cursor: self.cursor.get(),
            end: self.end.get(),
            limit: self.limit.get(),
            current: self.current.get(),
            in_hole: self.in_hole.get(),
            latest: self.latest.get(),
            bins: self.bins.get(),
            floor: self.floor.get(),
            entries: self.entries.get(),
        };
        self.bins.set(ptr::null_mut());
        // So that the object before it is not taken for the latest (A4).
        let cursor = self.cursor.get();
        if self.limit.get().addr() - cursor.addr() >= WORD {
            // SAFETY: from the cursor on, below the limit (A1).
            unsafe { self.marks.get().write(cursor, Room { words: 1, state: State::Hidden }) };
            self.cursor.set(cursor.wrapping_add(WORD));
            if self.end.get() < self.cursor.get() {
                self.end.set(self.cursor.get());
            }
        } else {
            self.leave();
        }
        self.floor.set(Floor {
            number: self.latest.get(),
            from: checkpoint.cursor.addr(),
            to: checkpoint.limit.addr(),
        });
        checkpoint
    }

    /// Gives up everything that was allocated since the checkpoint. Those destructors have run.
    ///
    /// # Safety
    ///
    /// The checkpoint is of this arena, which has neither been cleared since nor gone back to an earlier
    /// one, and nothing that was allocated since is used again.
    pub(crate) unsafe fn rewind(&self, checkpoint: &Checkpoint) {
        if self.zeroes.get() {
            let floor = self.floor.get();
            self.walk(|start, bytes| {
                let chunk = self.chunk_of(start.addr().get());
                if chunk.is_some_and(|chunk| floor.is_below(start.as_ptr(), chunk)) {
                    // SAFETY: an object of this arena, which is given up.
                    unsafe { start.write_bytes(0, bytes) };
                }
            });
        }
        if self.latest.get() != checkpoint.latest {
            self.give_later(checkpoint.latest);
        }
        let moved = self.current.get() != checkpoint.current;
        if let Some(chunk) = self.current_chunk().filter(|_| !moved) {
            chunk.note_populated(self.cursor.get().addr() - chunk.start().addr().get());
        }
        self.current.set(checkpoint.current);
        if moved {
            self.marks.set(self.current_chunk().map_or(Marks::NONE, Self::marks_of));
        }
        self.cursor.set(checkpoint.cursor);
        self.end.set(checkpoint.end);
        self.limit.set(checkpoint.limit);
        self.in_hole.set(checkpoint.in_hole);
        self.bins.set(checkpoint.bins);
        self.floor.set(checkpoint.floor);
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
