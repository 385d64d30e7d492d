//! Walking an arena's objects in address order, and sweeping them.

use core::ptr::NonNull;

use crate::space::holding::Chunk;

use super::Arena;
use super::bins::Bins;
use super::marks::{Room, State, WORD};

impl Arena {
    /// Visits every live object, in address order, with the bytes of its room.
    ///
    /// `visit` may allocate and free in this arena: what lies behind the object it was called with is
    /// visited as it is when its turn comes.
    pub(crate) fn walk(&self, mut visit: impl FnMut(NonNull<u8>, usize)) {
        self.each_room(|start, room| {
            if room.state == State::Live {
                visit(start, room.words * WORD);
            }
        });
    }

    /// Visits every room, in address order.
    pub(super) fn each_room(&self, mut visit: impl FnMut(NonNull<u8>, Room)) {
        for chunk in self.each_chunk() {
            let mut at = chunk.start();
            while let Some((start, room)) = self.room_from(chunk, at) {
                visit(start, room);
                if chunk.is_dedicated() {
                    // It may be gone by now.
                    break;
                }
                // SAFETY: a room lies within its chunk.
                at = unsafe { start.add(room.words * WORD) };
            }
        }
    }

    /// The room that starts at `at`, or behind what is unused there.
    #[inline]
    fn room_from(&self, chunk: Chunk, at: NonNull<u8>) -> Option<(NonNull<u8>, Room)> {
        let mut at = at;
        let (cursor, limit) = (self.cursor.get(), self.limit.get());
        if (cursor.addr()..limit.addr()).contains(&at.addr().get()) {
            // SAFETY: there is something before it, so it is not null.
            at = unsafe { NonNull::new_unchecked(limit) };
        }
        let current = chunk.granule == self.current.get() && !self.in_hole.get();
        let used = match chunk.is_dedicated() || current {
            true => chunk.bytes(),
            false => chunk.used(),
        };
        if at.addr().get() - chunk.start().addr().get() >= used {
            return None;
        }
        // SAFETY: rooms lie side by side in what is in use (A2), and `at` has come from one to the next.
        Some((at, unsafe { Self::marks_of(chunk).read(at.as_ptr()) }))
    }

    /// Frees every object for which `keep` returns `false`, joins free rooms that lie side by side, and
    /// gives chunks back in which nothing is left. Returns how many objects were freed.
    ///
    /// # Safety
    ///
    /// What is freed is not used again; `keep` neither allocates nor frees in this arena; there is no
    /// checkpoint to go back to.
    pub(crate) unsafe fn sweep(&self, mut keep: impl FnMut(NonNull<u8>, usize) -> bool) -> usize {
        self.leave();
        // SAFETY: null, or the bins that this arena keeps in a room of its own, used by one thread (A5).
        if let Some(bins) = unsafe { self.bins.get().as_mut() } {
            *bins = Bins::new();
        }
        let mut freed = 0;
        for chunk in self.each_chunk() {
            if chunk.is_dedicated() {
                // SAFETY: a dedicated chunk has one room at its start.
                let room = unsafe { Self::marks_of(chunk).read(chunk.start().as_ptr()) };
                if room.state == State::Live && !keep(chunk.start(), room.words * WORD) {
                    freed += 1;
                    // SAFETY: not used again (contract).
                    unsafe { self.free_slowly(chunk.start().as_ptr(), room.words * WORD) };
                }
            } else {
                freed += self.sweep_chunk(chunk, &mut keep);
            }
        }
        freed
    }

    /// Sweeps a chunk with several rooms.
    fn sweep_chunk(
        &self,
        chunk: Chunk,
        keep: &mut impl FnMut(NonNull<u8>, usize) -> bool,
    ) -> usize {
        let marks = Self::marks_of(chunk);
        // The chunk's first word is hidden, and nothing but rooms lies behind it.
        let (mut freed, mut kept) = (0, 0);
        // SAFETY: the first word of the chunk.
        let mut at = unsafe { chunk.start().add(WORD) };
        let mut run: Option<NonNull<u8>> = None;
        while let Some((start, room)) = self.room_from(chunk, at) {
            let free = match room.state {
                State::Free => true,
                State::Hidden => false,
                State::Live => {
                    let declined = !keep(start, room.words * WORD);
                    if declined {
                        freed += 1;
                        if self.zeroes.get() {
                            // SAFETY: a room of that length, which is not used again (contract).
                            unsafe { start.write_bytes(0, room.words * WORD) };
                        }
                        // SAFETY: the room that was there.
                        unsafe { marks.write(start.as_ptr(), Room { state: State::Free, ..room }) };
                    }
                    declined
                }
            };
            if free {
                run.get_or_insert(start);
            } else {
                kept += 1;
                if let Some(run) = run.take() {
                    self.list_run(chunk, run, start);
                }
            }
            // SAFETY: a room lies within its chunk.
            at = unsafe { start.add(room.words * WORD) };
        }
        if kept == 0 {
            self.remove(chunk);
            // SAFETY: nothing is left in it.
            unsafe { self.give_or_keep(chunk, true) };
            return freed;
        }
        // With what was never used.
        // SAFETY: the end of the chunk.
        let end = unsafe { chunk.start().add(chunk.bytes()) };
        let rest = run.unwrap_or(at);
        if rest < end {
            self.list_run(chunk, rest, end);
        }
        chunk.set_used(chunk.bytes());
        freed
    }

    /// Makes a run of free rooms one, and lists it.
    fn list_run(&self, chunk: Chunk, start: NonNull<u8>, end: NonNull<u8>) {
        const BINS: usize = size_of::<Bins>() / WORD;
        let marks = Self::marks_of(chunk);
        let words = (end.addr().get() - start.addr().get()) / WORD;
        let mut start = start.as_ptr();
        let mut left = words;
        if self.bins.get().is_null() && words >= BINS {
            // SAFETY: the first part of the run.
            unsafe { marks.write(start, Room { words: BINS, state: State::Hidden }) };
            let bins = start.cast::<Bins>();
            // SAFETY: as above; words are aligned for it.
            unsafe { bins.write(Bins::new()) };
            self.bins.set(bins);
            start = start.wrapping_add(BINS * WORD);
            left -= BINS;
        }
        if left > 0 {
            // SAFETY: the rest of the run.
            unsafe { marks.write(start, Room { words: left, state: State::Free }) };
            // SAFETY: as above; nobody else has it.
            unsafe { self.list(start, left) };
        }
    }
}

const _: () = assert!(size_of::<Bins>() % WORD == 0 && align_of::<Bins>() <= WORD);
