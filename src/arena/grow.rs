//! What an arena does when the cursor reaches the end.

use core::alloc::Layout;
use core::ptr::{self, NonNull};

use crate::error::{AllocError, AllocErrorKind};
use crate::space::family_heap::Chunk;
use crate::space::map::GRANULE;
use crate::space::order::NONE;
use crate::table::FamilyTable;
use crate::thread::{self, relieve};

use super::bits::{self, Words};
use super::marks::{Marks, Room, State, WORD};
use super::release::Near;
use super::{Arena, FRONT, room_of};

/// The largest chunk that holds several objects.
const LARGEST_CHUNK: usize = 1 << 30;
/// The largest object: words are counted in 32 bits.
const LARGEST_OBJECT: usize = (32 << 30) - WORD;
/// An object that would take this part of the next chunk gets one to itself, unless it is shorter than
/// the shortest chunk.
const DEDICATED_PART: usize = 4;
/// Memory is asked for in so many pieces to a chunk, or in granules if those are longer.
const PIECES: usize = 16;
/// Up to this, chunks are numbered even while there is no checkpoint.
const MOST_COUNTED: u32 = 1 << 31;
/// A chunk is searched for holes when this part of it is free rooms.
const WORTH_SEARCHING: usize = 8;

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
        loop {
            if let Some(start) = self.bump(layout, self.tracked, state) {
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

    /// Leaves the place of the cursor: what is left there is free, or was never used.
    pub(super) fn leave(&self) {
        let Some(chunk) = self.current_chunk() else { return };
        let (cursor, start) = (self.cursor.get(), chunk.start().as_ptr());
        chunk.note_populated(cursor.addr() - start.addr());
        if self.is_in_hole() {
            let left = self.limit.get().addr() - cursor.addr();
            let was_in_use = bits::set(chunk, Words::of(chunk, cursor, left));
            debug_assert!(was_in_use, "what is unused is not marked as free (A1)");
            chunk.set_freed(chunk.freed() + left);
        } else {
            chunk.set_used(cursor.addr() - start.addr());
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
        self.first.set(ptr::null_mut());
    }

    /// Continues in the next hole of at least so many bytes. Returns whether there is one.
    fn enter_hole(&self, bytes: usize) -> bool {
        let floor = self.floor.get();
        let current = self.current_chunk().filter(|&chunk| floor.is_below(chunk));
        if let Some(chunk) = current.filter(|_| self.is_in_hole()) {
            let behind = self.limit.get().addr() - chunk.start().addr().get();
            if self.enter_hole_of(chunk, behind, bytes) {
                return true;
            }
        }
        // What is as long as a chunk may be is worth one, not a search.
        if bytes >= GRANULE {
            return false;
        }
        self.count_near();
        for chunk in self.each_chunk() {
            let unused = chunk.bytes() - self.used_of(chunk);
            let enough = bytes.max(chunk.bytes() / WORTH_SEARCHING);
            if !chunk.is_dedicated() && chunk.freed() + unused >= enough && floor.is_below(chunk) {
                self.leave();
                // What is passed over is counted again.
                chunk.set_freed(0);
                if self.enter_hole_of(chunk, 0, bytes) {
                    return true;
                }
            }
        }
        false
    }

    /// Continues in the first hole of a chunk, `from` so many bytes into it, that has `bytes` bytes; the
    /// last is what was never used. What is passed over is counted. Returns whether there is one.
    fn enter_hole_of(&self, chunk: Chunk, from: usize, bytes: usize) -> bool {
        let used = chunk.used();
        let (mut at, mut passed) = (from / WORD, 0);
        let (hole, freed) = loop {
            match bits::next_run(chunk, at) {
                Some(run) if run.to * WORD < used => {
                    if (run.to - run.from) * WORD >= bytes {
                        break (run, 0);
                    }
                    passed += (run.to - run.from) * WORD;
                    at = run.to;
                }
                // The last run and what was never used are one.
                last => {
                    let from = last.map_or(used / WORD, |run| run.from);
                    break (Words { from, to: chunk.bytes() / WORD }, used - from * WORD);
                }
            }
        };
        if (hole.to - hole.from) * WORD < bytes {
            chunk.set_freed(chunk.freed() + passed + freed);
            return false;
        }
        chunk.set_freed(chunk.freed() + passed);
        self.leave();
        bits::clear(chunk, Words { to: hole.to.min(used / WORD), ..hole });
        let start = chunk.start().as_ptr();
        self.enter_at(
            chunk,
            start.wrapping_add(hole.from * WORD),
            start.wrapping_add(hole.to * WORD),
        );
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
                let family = thread::family((self.set)(), self.index)?;
                self.family.set(Some(family));
                family
            }
        };
        let least = family.heap.spec.block_bytes();
        let largest = self.each_chunk().filter(|chunk| !chunk.is_dedicated());
        let largest = largest.map(|chunk| chunk.bytes()).max().unwrap_or(0);
        let next = (2 * largest).clamp(least, LARGEST_CHUNK);
        let space = family.heap.space;
        let whole = |bytes: usize| {
            let unit = if bytes > space.extent_bytes() { space.extent_bytes() } else { GRANULE };
            bytes.checked_next_multiple_of(unit)
        };
        let too_large = AllocError::new(AllocErrorKind::TooLarge);
        if size > LARGEST_OBJECT {
            return Err(too_large);
        }
        if size >= GRANULE && size >= next / DEDICATED_PART || align > GRANULE {
            let bytes = whole(size).ok_or(too_large)?;
            let chunk = self.alloc_chunk(family, bytes, bytes, align)?;
            chunk.set_dedicated(true);
            let start = chunk.start().as_ptr();
            chunk.set_used(size);
            if self.tracked {
                // SAFETY: the chunk is that long.
                unsafe { self.marks_of(chunk).write(start, Room { words: size / WORD, state }) };
            }
            return Ok(Some(chunk.start()));
        }
        let needed = whole(slack + FRONT).ok_or(too_large)?;
        let chunk = match self.take_spare(needed) {
            Some(spare) => spare,
            None => {
                let wanted = whole(next).ok_or(too_large)?.max(needed);
                self.alloc_chunk(family, wanted, needed, 1)?
            }
        };
        // Not before there is a chunk: where it is refused, what is left at the cursor still serves
        // smaller objects.
        self.leave();
        self.enter(chunk);
        Ok(None)
    }

    /// A spare chunk, of this arena or of one that it is in, if it is large enough.
    fn take_spare(&self, needed: usize) -> Option<Chunk> {
        let space = self.space()?;
        let owner = self.and_outer().find(|arena| arena.spare_bytes() >= needed)?;
        let chunk = owner.lose_spare(space)?;
        self.add(chunk);
        Some(chunk)
    }

    /// Takes a chunk of so many bytes, or of fewer, but not less than are needed.
    fn alloc_chunk(
        &self,
        family: &'static FamilyTable,
        bytes: usize,
        needed: usize,
        align: usize,
    ) -> Result<Chunk, AllocError> {
        let extent = family.heap.space.extent_bytes();
        let mut bytes = bytes;
        let refused = loop {
            match self.alloc_within_limit(family, bytes, align) {
                Ok(chunk) => return Ok(chunk),
                Err(error) if bytes == needed => break error,
                Err(_) => {
                    let unit = if bytes / 2 > extent { extent } else { GRANULE };
                    bytes = (bytes / 2 / unit * unit).max(needed);
                }
            }
        };
        for arena in self.and_outer() {
            // Spare chunks count against the same limits: they go before anything is refused.
            arena.give_spare();
        }
        if !self.is_over_limit(needed) {
            relieve(family, refused.kind());
        }
        self.alloc_within_limit(family, needed, align)
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

    fn alloc_within_limit(
        &self,
        family: &'static FamilyTable,
        bytes: usize,
        align: usize,
    ) -> Result<Chunk, AllocError> {
        if self.is_over_limit(bytes) {
            return Err(AllocError::new(AllocErrorKind::Limit));
        }
        thread::attend();
        if family.heap.space.is_given_up() {
            // All chunks of an arena are in one space.
            return Err(AllocError::new(AllocErrorKind::AddressSpace));
        }
        let chunk = family.heap.alloc_chunk(bytes, align)?;
        self.add(chunk);
        Ok(chunk)
    }

    /// Makes a chunk one of this arena's, the latest.
    pub(super) fn add(&self, chunk: Chunk) {
        if let Some(space) = self.space() {
            self.with_chunks(|chunks| chunks.insert(space, chunk.granule));
        }
        // Numbers tell what was taken under a checkpoint. While there is none, a region that takes chunks
        // for ever need not run out of them.
        if self.floor.get().is_some() || self.latest.get() < MOST_COUNTED {
            self.latest.set(self.latest.get() + 1);
        }
        chunk.set_number(self.latest.get());
        self.first.set(ptr::null_mut());
        self.committed.set(self.committed.get() + chunk.bytes());
        for outer in self.and_outer().skip(1) {
            outer.nested.set(outer.nested.get() + chunk.bytes());
        }
    }

    /// Continues at the start of a chunk without anything in it.
    pub(super) fn enter(&self, chunk: Chunk) {
        let start = chunk.start().as_ptr();
        let first = start.wrapping_add(FRONT);
        // A rewind goes by what was counted.
        self.count_near();
        self.near.set(Near::NONE);
        chunk.forget_all();
        self.enter_at(chunk, first, start.wrapping_add(chunk.bytes()));
        if self.tracked {
            let front = Room { words: FRONT / WORD, state: State::Hidden };
            // SAFETY: the front of the chunk.
            unsafe { self.marks.get().write(start, front) };
        }
        // What is not known to be there yet is asked for piece by piece, but for the first granule of all:
        // most of it may never be needed.
        if self.latest.get() == 1 && chunk.populated() == 0 {
            self.end.set(start.wrapping_add(GRANULE));
        }
        let alone = chunk.bytes() == self.committed() && !self.zeroes;
        if alone && self.latest.get() == 1 {
            self.first.set(first);
        }
    }

    /// Continues at an address of a chunk, up to a limit.
    fn enter_at(&self, chunk: Chunk, cursor: *mut u8, limit: *mut u8) {
        let known = chunk.start().as_ptr().wrapping_add(chunk.populated());
        self.current.set(chunk.granule);
        self.marks.set(self.marks_of(chunk));
        self.cursor.set(cursor);
        self.limit.set(limit);
        self.end.set(known.clamp(cursor, limit));
    }
}
