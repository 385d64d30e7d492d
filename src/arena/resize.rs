//! Making a room longer or shorter.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::error::AllocError;

use super::marks::{Room, State, WORD};
use super::{Arena, room_of};

impl Arena {
    /// Makes an object longer where it is, if it is the latest, or alone in its chunk, and there is
    /// space. Returns whether it could.
    ///
    /// # Safety
    ///
    /// `old` bytes, above 0, is what was last asked for at `start`, a live object of this arena; `new` is
    /// not less.
    pub(crate) unsafe fn grow_in_place(&self, start: NonNull<u8>, old: usize, new: usize) -> bool {
        if new > isize::MAX as usize - WORD {
            return false;
        }
        let (old, new) = (room_of(old), room_of(new));
        let live = Room { words: new / WORD, state: State::Live };
        let start = start.as_ptr();
        if old == new {
            return true;
        }
        if start.wrapping_add(old) == self.cursor.get() {
            if self.limit.get().addr() - start.addr() < new {
                return false;
            }
            if self.end.get().addr() - start.addr() < new {
                self.advance_end(new - old);
            }
            self.cursor.set(start.wrapping_add(new));
            // SAFETY: up to the cursor, which is below the end (A1).
            unsafe { self.marks.get().write(start, live) };
            return true;
        }
        match self.chunk_of(start.addr()) {
            Some(chunk) if chunk.is_dedicated() && new <= chunk.bytes() => {
                // SAFETY: within the chunk, in which there is nothing else.
                unsafe { Self::marks_of(chunk).write(start, live) };
                true
            }
            _ => false,
        }
    }

    /// Makes an object shorter, where it is.
    ///
    /// # Safety
    ///
    /// `old` bytes is what was last asked for at `start`, a live object of this arena; `new` is above 0
    /// and not more; nobody uses what lies behind that.
    pub(crate) unsafe fn shrink_in_place(&self, start: NonNull<u8>, old: usize, new: usize) {
        let (old, new) = (room_of(old), room_of(new));
        if old == new {
            return;
        }
        let Some(chunk) = self.chunk_of(start.addr().get()) else { return };
        let start = start.as_ptr();
        let marks = Self::marks_of(chunk);
        // SAFETY: the front of the room.
        unsafe { marks.write(start, Room { words: new / WORD, state: State::Live }) };
        let rest = start.wrapping_add(new);
        if chunk.is_dedicated() {
            if self.zeroes.get() {
                // SAFETY: the back of the room, which nobody uses any more (contract).
                unsafe { rest.write_bytes(0, old - new) };
            }
            return;
        }
        // A room of its own, which is freed like any other.
        // SAFETY: the back of the room.
        unsafe { marks.write(rest, Room { words: (old - new) / WORD, state: State::Live }) };
        // SAFETY: a live room of that length, which nobody uses any more (contract).
        unsafe { self.free_slowly(rest, old - new) };
    }

    /// Makes an object one of another layout, elsewhere if it must be; what fits of its contents stays.
    ///
    /// # Errors
    ///
    /// When there is no memory; the object is as it was then.
    ///
    /// # Safety
    ///
    /// As for [`free`](Self::free), with `old` as the layout; on failure it stays live. The size of `new`
    /// is above 0.
    pub(crate) unsafe fn resize(
        &self,
        start: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<u8>, AllocError> {
        if start.addr().get() % new.align() == 0 {
            if new.size() <= old.size() {
                // SAFETY: passed on.
                unsafe { self.shrink_in_place(start, old.size(), new.size()) };
                return Ok(start);
            }
            // SAFETY: passed on.
            if unsafe { self.grow_in_place(start, old.size(), new.size()) } {
                return Ok(start);
            }
        }
        let moved = self.alloc(new)?;
        let kept = old.size().min(new.size());
        // SAFETY: both are that long, and live at the same time.
        unsafe { moved.copy_from_nonoverlapping(start, kept) };
        // SAFETY: passed on.
        unsafe { self.free(start, old) };
        Ok(moved)
    }
}
