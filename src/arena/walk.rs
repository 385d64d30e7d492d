//! Walking an arena's objects in address order, and sweeping them.

use core::ops::Range;
use core::ptr::NonNull;

use crate::space::holding::Chunk;

use super::bits::{self, Words};
use super::checkpoint::{Checkpoint, Floor};
use super::marks::{Room, State, WORD};
use super::{Arena, FRONT};

impl Arena {
    /// Visits every live object of a tracked arena, in address order, with the bytes that it takes.
    ///
    /// `visit` may allocate and free in this arena: what it frees is not visited any more, and what it
    /// allocates is not yet. For that the walk is under a checkpoint of its own, so that nothing is
    /// allocated where it has been or will be (A3): otherwise a new object could cover the place where
    /// it goes on.
    pub(crate) fn walk(&self, mut visit: impl FnMut(NonNull<u8>, usize)) {
        /// Also where `visit` panics.
        struct End<'a>(&'a Arena, Checkpoint);
        impl Drop for End<'_> {
            fn drop(&mut self) {
                self.0.forget(&self.1);
            }
        }
        debug_assert!(self.tracked);
        let end = End(self, self.checkpoint());
        let unused = end.1.unused();
        for chunk in self.each_chunk().filter(|chunk| end.1.is_above(*chunk)) {
            let mut at = 0;
            while let Some((offset, room)) = self.room_from(chunk, at, &unused) {
                let bytes = room.words * WORD;
                if room.state == State::Live {
                    // SAFETY: within the chunk.
                    visit(unsafe { chunk.start().add(offset) }, bytes);
                }
                if chunk.is_dedicated() {
                    // It may be gone by now.
                    break;
                }
                at = offset + bytes;
            }
        }
    }

    /// The object or gap that starts at an offset, or behind what is free there, or among the addresses
    /// that are `unused`.
    #[inline]
    fn room_from(&self, chunk: Chunk, at: usize, unused: &Range<usize>) -> Option<(usize, Room)> {
        let mut at = at;
        let start = chunk.start().addr().get();
        if !chunk.is_dedicated() {
            loop {
                let before = at;
                if unused.contains(&(start + at)) {
                    at = unused.end - start;
                }
                if at < chunk.bytes() {
                    at = bits::skip_run(chunk, at / WORD) * WORD;
                }
                if at == before {
                    break;
                }
            }
            if at >= self.used_of(chunk) {
                return None;
            }
        }
        // SAFETY: within the chunk.
        let word = unsafe { chunk.start().add(at) };
        // SAFETY: objects and gaps lie side by side (A2), and this has come from one to the next.
        Some((at, unsafe { self.marks_of(chunk).read(word.as_ptr()) }))
    }

    /// Frees every object for which `keep` returns `false`, and gives chunks back in which nothing is
    /// left. Returns how many objects were freed.
    ///
    /// # Safety
    ///
    /// What is freed is not used again; `keep` neither allocates nor frees in this arena; there is no
    /// checkpoint to go back to.
    pub(crate) unsafe fn sweep(&self, mut keep: impl FnMut(NonNull<u8>, usize) -> bool) -> usize {
        debug_assert!(self.tracked);
        self.leave();
        self.count_near();
        self.floor.set(Floor::NONE);
        let mut freed = 0;
        for chunk in self.each_chunk() {
            let mut kept = false;
            let mut at = if chunk.is_dedicated() { 0 } else { FRONT };
            while let Some((offset, room)) = self.room_from(chunk, at, &(0..0)) {
                let bytes = room.words * WORD;
                // SAFETY: within the chunk.
                let start = unsafe { chunk.start().add(offset) };
                let declined = match room.state {
                    State::Live => !keep(start, bytes),
                    State::Hidden => false,
                    // It has no object before it or behind it that needs it.
                    State::Gap => true,
                };
                if !declined {
                    kept = true;
                } else if !chunk.is_dedicated() {
                    if self.zeroes {
                        // SAFETY: not used again (contract).
                        unsafe { start.write_bytes(0, bytes) };
                    }
                    bits::set(chunk, Words { from: offset / WORD, to: (offset + bytes) / WORD });
                }
                freed += usize::from(declined && room.state == State::Live);
                if chunk.is_dedicated() {
                    break;
                }
                at = offset + bytes;
            }
            if kept && !chunk.is_dedicated() {
                // Exactly, since a search may have passed over some of it.
                chunk.set_freed(bits::count(chunk) * WORD);
            }
            if !kept {
                if self.zeroes {
                    Self::zero(chunk);
                }
                self.remove(chunk);
                // SAFETY: nothing is left in it.
                unsafe { self.give_or_keep(chunk, true) };
            }
        }
        freed
    }
}
