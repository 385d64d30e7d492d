//! Walking an arena's objects in address order, and sweeping them.

use core::ops::Range;
use core::ptr::NonNull;

use crate::space::family_heap::Chunk;

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
                // In turn until neither moves on: what is free may reach up to what was unused, and the
                // reverse.
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
        // The cursor nowhere: what is unused is marked as free, or lies behind what is used. So the
        // bits tell all.
        self.leave();
        self.count_near();
        self.floor.set(Floor::NONE);
        let mut freed = 0;
        for chunk in self.each_chunk() {
            let stays = match chunk.is_dedicated() {
                true => {
                    let stays = keep(chunk.start(), chunk.used());
                    freed += usize::from(!stays);
                    stays
                }
                // SAFETY: passed on; the cursor is nowhere.
                false => unsafe { self.sweep_chunk(chunk, &mut keep, &mut freed) },
            };
            if !stays {
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

    /// Sweeps a chunk that holds several objects. Returns whether any of them stays.
    ///
    /// What the chunk's descriptor says is read once, and what dies side by side is marked as one run: that
    /// leaves a look at a bit and at a byte for each object.
    ///
    /// # Safety
    ///
    /// As for [`sweep`](Self::sweep); the cursor is nowhere.
    #[inline(always)]
    unsafe fn sweep_chunk(
        &self,
        chunk: Chunk,
        keep: &mut impl FnMut(NonNull<u8>, usize) -> bool,
        freed: &mut usize,
    ) -> bool {
        /// The run of free words that ends where the sweep is. Also where `keep` panics, what it has
        /// declined is free, and counted exactly: a search may have passed over some of it.
        struct Run(Chunk, Words);
        impl Drop for Run {
            fn drop(&mut self) {
                bits::fill(self.0, self.1);
                self.0.set_freed(bits::count(self.0) * WORD);
            }
        }
        let (start, used, marks) = (chunk.start(), chunk.used() / WORD, self.marks_of(chunk));
        let holes = bits::Holes::of(chunk);
        let mut run = Run(chunk, Words { from: FRONT / WORD, to: FRONT / WORD });
        let mut kept = false;
        while run.1.to < used {
            let at = run.1.to;
            if let Some(behind) = holes.behind(at) {
                run.1.to = behind;
                continue;
            }
            // SAFETY: within the chunk.
            let object = unsafe { start.add(at * WORD) };
            // SAFETY: objects and gaps lie side by side (A2), and this has come from one to the next.
            let room = unsafe { marks.read(object.as_ptr()) };
            let stays = match room.state {
                State::Live => {
                    let stays = keep(object, room.words * WORD);
                    *freed += usize::from(!stays);
                    stays
                }
                State::Hidden => true,
                // It has no object before it or behind it that needs it.
                State::Gap => false,
            };
            let behind = at + room.words;
            if stays {
                kept = true;
                // One run for all that died side by side: an object that stays ends it.
                bits::fill(chunk, run.1);
                run.1 = Words { from: behind, to: behind };
                continue;
            }
            if self.zeroes {
                // SAFETY: not used again (contract).
                unsafe { object.write_bytes(0, room.words * WORD) };
            }
            run.1.to = behind;
        }
        kept
    }
}
