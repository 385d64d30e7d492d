//! What an arena does when the cursor reaches the end, or has free rooms to use again.

use core::alloc::Layout;
use core::ptr::{self, NonNull};

use crate::error::{AllocError, AllocErrorKind};
use crate::space::holding::Chunk;
use crate::space::map::GRANULE;
use crate::space::order::NONE;
use crate::table::FamilyTable;
use crate::thread::relieve;

use super::bins::Bins;
use super::marks::{Marks, Room, State, WORD};
use super::{Arena, room_of};

/// The largest chunk that holds several objects.
const LARGEST_CHUNK: usize = 1 << 30;
/// An object that would take this part of the next chunk gets one to itself, unless it is shorter than
/// the shortest chunk.
const DEDICATED_PART: usize = 4;
/// Memory is asked for in so many pieces to a chunk, or in granules if those are more.
const PIECES: usize = 16;

/// A room of so many words.
const fn room(words: usize, state: State) -> Room {
    Room { words, state }
}

impl Arena {
    /// Memory of a layout whose size is not 0, by whatever way there is.
    #[cold]
    #[inline(never)]
    pub(super) fn alloc_slowly(
        &self,
        layout: Layout,
        state: State,
    ) -> Result<NonNull<u8>, AllocError> {
        let (size, align) = (room_of(layout.size()), layout.align().max(WORD));
        if let Some(found) = self.reuse(size, align, state) {
            return Ok(found);
        }
        loop {
            if let Some(start) = self.bump(size, align, state) {
                return Ok(start);
            }
            // Aligning takes this much at most. A layout with its alignment does not overflow.
            let slack = size + (align - WORD);
            if self.has_before_limit(slack) {
                self.advance_end(slack);
            } else if !self.enter_hole(slack) {
                if let Some(dedicated) = self.add_chunk(size, align, slack, state)? {
                    return Ok(dedicated);
                }
            }
        }
    }

    /// Whether so many bytes lie between the cursor and the limit, whether or not the cursor may go
    /// there yet.
    fn has_before_limit(&self, bytes: usize) -> bool {
        self.end.get() != self.limit.get()
            && self.limit.get().addr() - self.cursor.get().addr() >= bytes
    }

    /// Asks for memory beyond the end, at least for so many bytes from the cursor.
    pub(super) fn advance_end(&self, bytes: usize) {
        let Some(chunk) = self.current_chunk() else { return };
        let start = chunk.start().as_ptr();
        let wanted = self.cursor.get().addr() - start.addr() + bytes;
        let piece = (chunk.bytes() / PIECES).next_multiple_of(GRANULE);
        let limit = self.limit.get().addr() - start.addr();
        let end = wanted.next_multiple_of(piece).min(limit);
        chunk.populate(end);
        self.end.set(start.wrapping_add(end));
    }

    /// A free room of just this size, or, for a long one, the first part of one that is longer.
    fn reuse(&self, size: usize, align: usize, state: State) -> Option<NonNull<u8>> {
        let words = size / WORD;
        // SAFETY: null, or the bins that this arena keeps in a room of its own, used by one thread (A5).
        let bins = unsafe { self.bins.get().as_mut() }?;
        if let Some(start) = bins.take_exact(words, align) {
            // SAFETY: a listed room, of this length.
            return Some(unsafe { self.revive(start, words, words, state) });
        }
        if align > WORD {
            // It would take luck to find one; a hole has room for the alignment.
            return None;
        }
        let (start, found) = bins.take_long(words, |room| self.words_of(room))?;
        // SAFETY: a listed room, of this length.
        Some(unsafe { self.revive(start, found, words, state) })
    }

    /// The length of a room, wherever it is.
    fn words_of(&self, start: *mut u8) -> usize {
        match self.chunk_of(start.addr()) {
            // SAFETY: only asked of listed rooms.
            Some(chunk) => unsafe { Self::marks_of(chunk).read(start) }.words,
            None => 0,
        }
    }

    /// Makes the first `wanted` of the `words` words of a free room a live one; what is left of it is
    /// listed.
    ///
    /// # Safety
    ///
    /// The room has just been taken from the bins.
    unsafe fn revive(
        &self,
        start: *mut u8,
        words: usize,
        wanted: usize,
        state: State,
    ) -> NonNull<u8> {
        let Some(chunk) = self.chunk_of(start.addr()) else {
            unreachable!("a listed room lies in no chunk")
        };
        let marks = Self::marks_of(chunk);
        if words > wanted {
            let rest = start.wrapping_add(wanted * WORD);
            // SAFETY: part of the room.
            unsafe { marks.write(rest, room(words - wanted, State::Free)) };
            // SAFETY: part of the room, and nobody else's.
            unsafe { self.list(rest, words - wanted) };
        }
        // SAFETY: part of the room.
        unsafe { marks.write(start, room(wanted, state)) };
        // SAFETY: rooms lie in chunks.
        unsafe { NonNull::new_unchecked(start) }
    }

    /// Lists a free room, if there are bins.
    ///
    /// # Safety
    ///
    /// It is marked as free, with this length, and nobody else's.
    pub(super) unsafe fn list(&self, start: *mut u8, words: usize) {
        // SAFETY: as in `reuse_exact`.
        if let Some(bins) = unsafe { self.bins.get().as_mut() } {
            // SAFETY: passed on.
            unsafe { bins.push(start, words) };
        }
    }

    /// Makes the bins, where there is space for them.
    pub(super) fn make_bins(&self) {
        debug_assert!(self.bins.get().is_null());
        let Ok(start) = self.alloc_hidden(Layout::new::<Bins>()) else { return };
        let bins = start.cast::<Bins>().as_ptr();
        // SAFETY: room for them, aligned.
        unsafe { bins.write(Bins::new()) };
        self.bins.set(bins);
    }

    /// Leaves the place of the cursor: what is left there is a free room, or the unused rest of the
    /// chunk.
    pub(super) fn leave(&self) {
        let Some(chunk) = self.current_chunk() else { return };
        let (cursor, start) = (self.cursor.get(), chunk.start().as_ptr());
        let words = (self.limit.get().addr() - cursor.addr()) / WORD;
        chunk.note_populated(cursor.addr() - start.addr());
        let listed = !self.bins.get().is_null();
        if words > 0 && (self.in_hole.get() || listed) {
            // SAFETY: from the cursor to the limit (A1).
            unsafe { self.marks.get().write(cursor, room(words, State::Free)) };
            // SAFETY: as above, and marked.
            unsafe { self.list(cursor, words) };
        }
        if !self.in_hole.get() {
            let used = if listed { self.limit.get() } else { cursor };
            chunk.set_used(used.addr() - start.addr());
        }
        self.be_nowhere();
    }

    /// There is no current chunk from now on.
    pub(super) fn be_nowhere(&self) {
        self.cursor.set(ptr::null_mut());
        self.end.set(ptr::null_mut());
        self.limit.set(ptr::null_mut());
        self.marks.set(Marks::NONE);
        self.current.set(NONE);
        self.in_hole.set(false);
    }

    /// Continues in a free room of at least so many bytes. Returns whether there is one.
    fn enter_hole(&self, bytes: usize) -> bool {
        // SAFETY: as in `reuse_exact`.
        let Some(bins) = (unsafe { self.bins.get().as_mut() }) else { return false };
        let found = bins.take_longest(bytes / WORD, |room| self.words_of(room));
        let Some((start, words)) = found else { return false };
        let Some(chunk) = self.chunk_of(start.addr()) else {
            unreachable!("a listed room lies in no chunk")
        };
        self.leave();
        self.current.set(chunk.granule);
        self.in_hole.set(true);
        self.marks.set(Self::marks_of(chunk));
        self.cursor.set(start);
        let limit = start.wrapping_add(words * WORD);
        self.limit.set(limit);
        let known = chunk.start().as_ptr().wrapping_add(chunk.populated());
        self.end.set(if known < start { start } else { known.min(limit) });
        true
    }

    /// Takes a chunk: for this room alone, which is returned then, or to continue in.
    fn add_chunk(
        &self,
        size: usize,
        align: usize,
        slack: usize,
        state: State,
    ) -> Result<Option<NonNull<u8>>, AllocError> {
        let family = match self.family.get() {
            Some(family) => family,
            None => {
                let family = (self.set)().family(self.index)?;
                self.family.set(Some(family));
                family
            }
        };
        let least = family.holding.spec.block_bytes();
        let next = self.committed.get().clamp(least, LARGEST_CHUNK).next_multiple_of(GRANULE);
        let space = family.holding.space;
        let whole = |bytes: usize| {
            let unit = if bytes > space.extent_bytes() { space.extent_bytes() } else { GRANULE };
            bytes.checked_next_multiple_of(unit)
        };
        let too_large = AllocError::new(AllocErrorKind::TooLarge);
        if size >= GRANULE && size >= next / DEDICATED_PART || align > GRANULE {
            let bytes = whole(size).ok_or(too_large)?;
            let chunk = self.take_chunk(family, bytes, bytes, align)?;
            chunk.set_dedicated(true);
            let start = chunk.start().as_ptr();
            // SAFETY: the chunk is that long.
            unsafe { Self::marks_of(chunk).write(start, room(size / WORD, state)) };
            return Ok(Some(chunk.start()));
        }
        let needed = whole(slack + WORD).ok_or(too_large)?;
        let chunk = match self.take_spare(needed) {
            Some(spare) => spare,
            None => {
                let wanted = whole(next).ok_or(too_large)?.max(needed);
                self.take_chunk(family, wanted, needed, 1)?
            }
        };
        self.leave();
        self.enter(chunk);
        Ok(None)
    }

    /// A spare chunk, of this arena or of one that it is in, if it is large enough.
    fn take_spare(&self, needed: usize) -> Option<Chunk> {
        let space = self.space()?;
        let owner = self.and_outer().find(|arena| arena.spare_bytes() >= needed)?;
        let chunk = Chunk::at(space, owner.spare.replace(NONE));
        self.add(chunk);
        Some(chunk)
    }

    /// Takes a chunk of so many bytes, or of fewer, but not less than are needed.
    fn take_chunk(
        &self,
        family: &'static FamilyTable,
        bytes: usize,
        needed: usize,
        align: usize,
    ) -> Result<Chunk, AllocError> {
        let extent = family.holding.space.extent_bytes();
        let mut bytes = bytes;
        let refused = loop {
            match self.take_within_limit(family, bytes, align) {
                Ok(chunk) => return Ok(chunk),
                Err(error) if bytes == needed => break error,
                Err(_) => {
                    let unit = if bytes / 2 > extent { extent } else { GRANULE };
                    bytes = (bytes / 2 / unit * unit).max(needed);
                }
            }
        };
        self.give_spare();
        if !self.is_over_limit(needed) {
            relieve(family, refused.kind());
        }
        self.take_within_limit(family, needed, align)
    }

    /// Whether so many bytes more would exceed the limit of this arena or of one that it is in.
    fn is_over_limit(&self, more: usize) -> bool {
        let over = |arena: &Self| {
            let held = arena.committed() + arena.nested.get();
            held.checked_add(more).is_none_or(|bytes| bytes > arena.most.get())
        };
        self.and_outer().any(over)
    }

    /// This arena and those that it is in, inside out.
    pub(super) fn and_outer(&self) -> impl Iterator<Item = &Self> {
        // SAFETY: an arena ends before the one that it is in (contract of `nested`).
        core::iter::successors(Some(self), |inner| unsafe { inner.outer.get().as_ref() })
    }

    fn take_within_limit(
        &self,
        family: &'static FamilyTable,
        bytes: usize,
        align: usize,
    ) -> Result<Chunk, AllocError> {
        if self.is_over_limit(bytes) {
            return Err(AllocError::new(AllocErrorKind::Limit));
        }
        let chunk = family.holding.take_chunk(bytes, align)?;
        self.add(chunk);
        Ok(chunk)
    }

    /// Makes a chunk one of this arena's, the latest.
    pub(super) fn add(&self, chunk: Chunk) {
        if let Some(space) = self.space() {
            self.with_chunks(|chunks| chunks.insert(space, chunk.granule));
        }
        self.latest.set(self.latest.get() + 1);
        chunk.set_number(self.latest.get());
        self.committed.set(self.committed.get() + chunk.bytes());
        for outer in self.and_outer().skip(1) {
            outer.nested.set(outer.nested.get() + chunk.bytes());
        }
    }

    /// Continues at the start of a chunk.
    pub(super) fn enter(&self, chunk: Chunk) {
        let start = chunk.start().as_ptr();
        let marks = Self::marks_of(chunk);
        // SAFETY: the first word of the chunk.
        unsafe { marks.write(start, room(1, State::Hidden)) };
        self.current.set(chunk.granule);
        self.in_hole.set(false);
        self.marks.set(marks);
        self.cursor.set(start.wrapping_add(WORD));
        self.limit.set(start.wrapping_add(chunk.bytes()));
        // What is not known to be there yet is asked for piece by piece, but the first granule of all:
        // most of it may never be needed.
        let end = match chunk.populated() {
            0 if self.latest.get() == 1 => GRANULE,
            populated => populated.max(WORD),
        };
        self.end.set(start.wrapping_add(end));
    }
}
