//! Freeing: a room, and everything.

use core::ptr;

use crate::os::die;
use crate::space::holding::Chunk;
use crate::space::order::NONE;

use super::Arena;
use super::checkpoint::Floor;
use super::marks::{Room, State, WORD};

impl Arena {
    /// Frees a room that does not lie before the cursor, or has to be zeroed.
    ///
    /// # Safety
    ///
    /// It is not used again.
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn free_slowly(&self, start: *mut u8, bytes: usize) {
        let Some(chunk) = self.chunk_of(start.addr()) else { self.refuse(start, bytes) };
        let marks = Self::marks_of(chunk);
        let live = Room { words: bytes / WORD, state: State::Live };
        // SAFETY: `is_within` looks whether such a room would lie in the chunk.
        if !self.is_within(chunk, start, bytes) || !unsafe { marks.says(start, live) } {
            self.refuse(start, bytes)
        }
        if self.zeroes.get() {
            // SAFETY: a room of that length, which is not used again.
            unsafe { start.write_bytes(0, bytes) };
        }
        if chunk.is_dedicated() {
            self.remove(chunk);
            // SAFETY: its only object is gone.
            unsafe { self.give(chunk) };
            return;
        }
        if start.wrapping_add(bytes) == self.cursor.get() {
            self.cursor.set(start);
            return;
        }
        // SAFETY: the room that was there.
        unsafe { marks.write(start, Room { state: State::Free, ..live }) };
        if !self.floor.get().is_below(start, chunk) {
            // It stays in no list until the checkpoint is gone: what is allocated from now on will be
            // given up then, and this room must still be free.
            return;
        }
        if self.bins.get().is_null() {
            self.make_bins();
        }
        // SAFETY: marked above, and nobody else's.
        unsafe { self.list(start, bytes / WORD) };
    }

    /// Whether a room there would lie in a part of the chunk that is in use.
    fn is_within(&self, chunk: Chunk, start: *mut u8, bytes: usize) -> bool {
        let offset = start.addr() - chunk.start().addr().get();
        offset % WORD == 0
            && bytes <= chunk.bytes() - offset
            && !self.is_unused(start)
            && (chunk.is_dedicated()
                || chunk.granule == self.current.get() && !self.in_hole.get()
                || offset + bytes <= chunk.used())
    }

    /// Whether an address lies from the cursor on in what it may pass.
    fn is_unused(&self, at: *mut u8) -> bool {
        (self.cursor.get().addr()..self.limit.get().addr()).contains(&at.addr())
    }

    /// Says why memory cannot be freed, and aborts.
    #[cold]
    fn refuse(&self, start: *mut u8, bytes: usize) -> ! {
        die(format_args!(
            "freed {start:p} in a region of family {}::{} as {bytes} bytes: no such object is live there",
            (self.set)().name,
            (self.set)().specs()[self.index]
        ))
    }

    /// Makes everything free, and keeps the largest chunk for what comes next. The destructors have
    /// run.
    #[inline]
    pub(crate) fn clear(&self) {
        let only = self.current_chunk().filter(|current| {
            current.bytes() == self.committed.get()
                && self.spare.get() == NONE
                && !self.in_hole.get()
                && !self.zeroes.get()
        });
        let kept = match only {
            Some(only) => {
                only.note_populated(self.cursor.get().addr() - only.start().addr().get());
                Some(only)
            }
            None => self.clear_to_largest(),
        };
        self.bins.set(ptr::null_mut());
        self.floor.set(Floor::NONE);
        if let Some(kept) = kept {
            self.latest.set(1);
            kept.set_number(1);
            self.enter(kept);
        }
    }

    /// Gives back all chunks but the largest of those that hold several objects.
    #[cold]
    fn clear_to_largest(&self) -> Option<Chunk> {
        self.zero_all();
        self.leave();
        self.take_spare_back();
        let shared = self.each_chunk().filter(|chunk| !chunk.is_dedicated());
        let kept = shared.max_by_key(|chunk| chunk.bytes());
        for chunk in self.each_chunk() {
            if kept.is_none_or(|kept| kept.granule != chunk.granule) {
                self.remove(chunk);
                // SAFETY: nothing in this arena is in use any more.
                unsafe { self.give(chunk) };
            }
        }
        kept
    }

    /// Gives everything back. The destructors have run.
    pub(crate) fn release(&self) {
        self.zero_all();
        // SAFETY: an arena ends before the one that it is in (contract of `nested`).
        let outer = unsafe { self.outer.get().as_ref() };
        if let (Some(outer), Some(family)) = (outer, self.family.get()) {
            // It may never have used the family itself.
            outer.family.set(Some(family));
        }
        for chunk in self.each_chunk() {
            self.remove(chunk);
            // SAFETY: nothing in this arena is in use any more.
            unsafe { outer.unwrap_or(self).give_or_keep(chunk, outer.is_some()) };
        }
        self.give_spare();
        self.be_nowhere();
        self.bins.set(ptr::null_mut());
        self.latest.set(0);
        self.floor.set(Floor::NONE);
    }

    /// Gives chunks without anything in them back: the spare one, and the current one if it is the only
    /// one and nothing is in it. Returns their bytes.
    pub(crate) fn shrink(&self) -> usize {
        let before = self.committed();
        let empty = self.current_chunk().is_some_and(|current| {
            current.bytes() == self.committed.get()
                && self.cursor.get().addr() == current.start().addr().get() + WORD
        });
        if empty {
            self.release();
        } else {
            self.give_spare();
        }
        before - self.committed()
    }

    /// Zeroes all that is in use, if the family wishes that.
    fn zero_all(&self) {
        if self.zeroes.get() {
            self.walk(|start, bytes| {
                // SAFETY: an object of this arena, which is given up.
                unsafe { start.write_bytes(0, bytes) };
            });
        }
    }

    /// Strikes a chunk off the list.
    pub(super) fn remove(&self, chunk: Chunk) {
        if let Some(space) = self.space() {
            self.with_chunks(|chunks| chunks.remove(space, chunk.granule));
        }
        self.committed.set(self.committed.get() - chunk.bytes());
        for outer in self.and_outer().skip(1) {
            outer.nested.set(outer.nested.get() - chunk.bytes());
        }
    }

    /// Gives a chunk back to the family.
    ///
    /// # Safety
    ///
    /// It has been struck off the list, and nothing in it is in use.
    pub(super) unsafe fn give(&self, chunk: Chunk) {
        if let Some(family) = self.family.get() {
            // SAFETY: passed on; all chunks are of that family.
            unsafe { family.holding.give_chunk(chunk) };
        }
    }

    /// Keeps a chunk that has been struck off the list as the spare one, if it is `worth_keeping` and
    /// larger than that, and gives the other back.
    ///
    /// # Safety
    ///
    /// Nothing in it is in use.
    pub(super) unsafe fn give_or_keep(&self, chunk: Chunk, worth_keeping: bool) {
        if worth_keeping && !chunk.is_dedicated() && chunk.bytes() > self.spare_bytes() {
            self.give_spare();
            self.spare.set(chunk.granule);
        } else {
            // SAFETY: passed on.
            unsafe { self.give(chunk) };
        }
    }

    /// The bytes of the spare chunk.
    pub(super) fn spare_bytes(&self) -> usize {
        match (self.space(), self.spare.get()) {
            (Some(space), granule) if granule != NONE => Chunk::at(space, granule).bytes(),
            _ => 0,
        }
    }

    /// Lists the spare chunk among the others again.
    fn take_spare_back(&self) {
        let granule = self.spare.replace(NONE);
        if let (Some(space), true) = (self.space(), granule != NONE) {
            self.add(Chunk::at(space, granule));
        }
    }

    /// Gives the spare chunk back. Returns its bytes.
    pub(crate) fn give_spare(&self) -> usize {
        let bytes = self.spare_bytes();
        if let (Some(space), true) = (self.space(), bytes > 0) {
            let spare = Chunk::at(space, self.spare.replace(NONE));
            // SAFETY: it is in no list, and nothing is in it.
            unsafe { self.give(spare) };
        }
        bytes
    }
}
