//! Making a room longer or shorter.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::error::AllocError;

use super::marks::{Marks, Room, State, WORD};
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
        let start = start.as_ptr();
        if old == new {
            return true;
        }
        if start.wrapping_add(old) == self.cursor.get() {
            // By the limit: what lies between the end and that is the arena's, and has only to be asked
            // for.
            if self.limit.get().addr() - start.addr() < new {
                return false;
            }
            if self.end.get().addr() - start.addr() < new {
                self.advance_end(new - old);
            }
            self.cursor.set(start.wrapping_add(new));
            self.mark(self.marks.get(), start, new);
            return true;
        }
        match self.chunk_of(start.addr()) {
            Some(chunk) if chunk.is_dedicated() && new <= chunk.bytes() => {
                chunk.set_used(new);
                self.mark(self.marks_of(chunk), start, new);
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
        self.mark(self.marks_of(chunk), start, new);
        let rest = start.wrapping_add(new);
        if chunk.is_dedicated() {
            chunk.set_used(new);
            if self.zeroes {
                // SAFETY: the back of the object, which nobody uses any more (contract).
                unsafe { rest.write_bytes(0, old - new) };
            }
            return;
        }
        if start.wrapping_add(old) == self.cursor.get() && !self.zeroes {
            self.cursor.set(rest);
            return;
        }
        // SAFETY: whole words of a live object, which nobody uses any more (contract).
        unsafe { self.free_slowly(rest, old - new) };
    }

    /// Says in the map, if there is one, how long the object at `start` is.
    fn mark(&self, marks: Marks, start: *mut u8, bytes: usize) {
        if self.tracked {
            let live = Room { words: bytes / WORD, state: State::Live };
            // SAFETY: a live object of that chunk.
            unsafe { marks.write(start, live) };
        }
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
        let moved = self.alloc_any(new)?;
        let kept = old.size().min(new.size());
        // SAFETY: both are that long, and live at the same time.
        unsafe { moved.copy_from_nonoverlapping(start, kept) };
        // SAFETY: passed on.
        unsafe { self.free(start, old) };
        Ok(moved)
    }
}
