//! Freeing: a room, and everything.

use core::ptr;

use crate::abort;
use crate::space::Space;
use crate::space::family_heap::Chunk;
use crate::space::order::NONE;
use crate::sync::{AtomicU64, Ordering};
use crate::thread;

use super::bits::{self, Words};
use super::checkpoint::Floor;
use super::marks::WORD;
use super::{Arena, FRONT};

/// What freeing in a chunk needs, for as much of it as its bitmap is valid.
#[derive(Clone, Copy, Debug)]
pub(super) struct Near {
    start: usize,
    bytes: usize,
    bits: *const AtomicU64,
    granule: u32,
    /// What has been freed there and not yet been counted in the chunk.
    freed: usize,
}

impl Near {
    pub(super) const NONE: Self =
        Self { start: 0, bytes: 0, bits: ptr::null(), granule: NONE, freed: 0 };
}

impl Arena {
    /// Frees what does not lie before the cursor, or has to be zeroed: so many bytes, whole words.
    ///
    /// # Safety
    ///
    /// They are not used again.
    #[inline(never)]
    pub(super) unsafe fn free_slowly(&self, start: *mut u8, bytes: usize) {
        let near = self.near.get();
        let offset = start.addr().wrapping_sub(near.start);
        let (first, words) = (offset / WORD, bytes / WORD);
        let beyond = 64 - first % 64;
        // The short way is for one word of the bitmap of a known chunk. What lies in the unused part
        // was freed twice, or never handed out: that is refused on the long one.
        if offset >= near.bytes || words > beyond || self.zeroes || self.is_unused(start) {
            // SAFETY: passed on.
            unsafe { self.free_anywhere(start, bytes) };
            return;
        }
        // SAFETY: within the valid part of the chunk's bitmap, which lives as long as the chunk.
        let word = unsafe { &*near.bits.add(first / 64) };
        let mask = (u64::MAX >> (64 - words)) << (first % 64);
        let old = word.load(Ordering::Relaxed);
        if old & mask != 0 {
            self.refuse(start, bytes);
        }
        word.store(old | mask, Ordering::Relaxed);
        // Counted in the chunk only when somebody wants to know (`count_near`): its descriptor is not
        // needed otherwise.
        self.near.set(Near { freed: near.freed + bytes, ..near });
        debug_assert!(self.first.get().is_null(), "whoever sets `near` has seen to that");
    }

    /// Counts what was freed in the chunk in which something was freed last.
    pub(super) fn count_near(&self) {
        let near = self.near.get();
        if let (Some(space), 1..) = (self.space(), near.freed) {
            let chunk = Chunk::at(space, near.granule);
            chunk.set_freed(chunk.freed() + near.freed);
            self.near.set(Near { freed: 0, ..near });
        }
    }

    /// [`free_slowly`](Self::free_slowly), wherever it lies.
    ///
    /// # Safety
    ///
    /// As there.
    #[cold]
    #[inline(never)]
    unsafe fn free_anywhere(&self, start: *mut u8, bytes: usize) {
        let Some(chunk) = self.chunk_of(start.addr()) else { self.refuse(start, bytes) };
        if !self.is_within(chunk, start, bytes) {
            self.refuse(start, bytes);
        }
        if self.zeroes {
            // SAFETY: within the chunk, and not used again.
            unsafe { start.write_bytes(0, bytes) };
        }
        if chunk.is_dedicated() {
            self.remove(chunk);
            // SAFETY: its only object is gone.
            unsafe { self.give(chunk) };
        } else if start.wrapping_add(bytes) == self.cursor.get() {
            self.cursor.set(start);
        } else {
            if !bits::set(chunk, Words::of(chunk, start, bytes)) {
                self.refuse(start, bytes);
            }
            // What was freed in another chunk has to be counted there, before this one takes its place.
            self.count_near();
            self.near.set(Near {
                start: chunk.start().addr().get(),
                bytes: chunk.valid(),
                bits: chunk.bits().as_ptr(),
                granule: chunk.granule,
                freed: bytes,
            });
            // There are bits to forget now, so `clear` must not just move the cursor.
            self.first.set(ptr::null_mut());
        }
    }

    /// Whether an object there could be one of the chunk's.
    fn is_within(&self, chunk: Chunk, start: *mut u8, bytes: usize) -> bool {
        let offset = start.addr() - chunk.start().addr().get();
        match chunk.is_dedicated() {
            true => offset == 0 && bytes == chunk.used(),
            false => {
                let used = self.used_of(chunk);
                let in_use = offset >= FRONT && offset <= used && bytes <= used - offset;
                in_use && offset % WORD == 0 && !self.is_unused(start)
            }
        }
    }

    /// Whether an address lies from the cursor on in what it may pass.
    fn is_unused(&self, at: *mut u8) -> bool {
        (self.cursor.get().addr()..self.limit.get().addr()).contains(&at.addr())
    }

    /// Says why memory cannot be freed, and aborts.
    #[cold]
    fn refuse(&self, start: *mut u8, bytes: usize) -> ! {
        let set = (self.set)();
        let name = abort::Name { set: set.name, family: set.specs()[self.index].name() };
        abort::wrong_region_free(name, start, bytes)
    }

    /// Makes everything free, and keeps the largest chunk for what comes next. The destructors have
    /// run.
    #[inline]
    pub(crate) fn clear(&self) {
        let first = self.first.get();
        if first.is_null() {
            self.clear_chunks();
        } else {
            self.cursor.set(first);
        }
    }

    #[cold]
    fn clear_chunks(&self) {
        let kept = self.clear_to_largest();
        self.floor.set(Floor::NONE);
        self.latest.set(u32::from(kept.is_some()));
        if let Some(kept) = kept {
            kept.set_number(1);
            self.enter(kept);
        }
    }

    /// Gives back all chunks but the largest of those that hold several objects.
    fn clear_to_largest(&self) -> Option<Chunk> {
        self.zero_all();
        self.leave();
        // It may be the largest, and the largest of all is kept.
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
            // The next arena inside of the outer one is likely to need such a chunk.
            // SAFETY: nothing in this arena is in use any more.
            unsafe { outer.unwrap_or(self).give_or_keep(chunk, outer.is_some()) };
        }
        self.give_spare();
        self.be_nowhere();
        self.latest.set(0);
        self.floor.set(Floor::NONE);
    }

    /// Gives chunks without anything in them back: the spare one, and the current one if it is the only
    /// one and nothing is in it. Returns their bytes.
    pub(crate) fn shrink(&self) -> usize {
        let before = self.committed();
        let empty = self.current_chunk().is_some_and(|current| {
            current.bytes() == self.committed.get()
                && !self.is_in_hole()
                && self.cursor.get().addr() == current.start().addr().get() + FRONT
        });
        if empty {
            self.release();
        } else {
            self.give_spare();
        }
        before - self.committed()
    }

    /// Zeroes all that has been used, if the family wishes that. What was freed is zero already.
    fn zero_all(&self) {
        if self.zeroes {
            // So that the current chunk knows, too, how far it has been used.
            self.leave();
            self.each_chunk().for_each(Self::zero);
        }
    }

    /// Zeroes what has been used of a chunk that is not the current one.
    pub(super) fn zero(chunk: Chunk) {
        // SAFETY: within the chunk, and given up by whoever calls this.
        unsafe { chunk.start().write_bytes(0, chunk.used()) };
    }

    /// Strikes a chunk off the list.
    pub(super) fn remove(&self, chunk: Chunk) {
        // Its bitmap goes with it, and frees must not find that any more.
        if self.near.get().granule == chunk.granule {
            self.near.set(Near::NONE);
        }
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
        // In the child of a fork the chunk may have to be given up with all that was inherited: then it
        // is left alone.
        thread::attend();
        if let Some(family) = self.family.get().filter(|it| !it.heap.space.is_given_up()) {
            // SAFETY: passed on; all chunks are of that family.
            unsafe { family.heap.free_chunk(chunk) };
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
            // `clear` has two chunks to choose from now, so it must not just move the cursor.
            self.first.set(ptr::null_mut());
            for outer in self.and_outer().skip(1) {
                outer.nested.set(outer.nested.get() + chunk.bytes());
            }
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
        if let Some(chunk) = self.space().and_then(|space| self.lose_spare(space)) {
            self.add(chunk);
        }
    }

    /// The spare chunk, which is not the spare one any more.
    pub(super) fn lose_spare(&self, space: &'static Space) -> Option<Chunk> {
        let granule = self.spare.replace(NONE);
        let chunk = (granule != NONE).then(|| Chunk::at(space, granule))?;
        for outer in self.and_outer().skip(1) {
            outer.nested.set(outer.nested.get() - chunk.bytes());
        }
        Some(chunk)
    }

    /// Gives the spare chunk back. Returns its bytes.
    pub(crate) fn give_spare(&self) -> usize {
        let bytes = self.spare_bytes();
        if let Some(spare) = self.space().and_then(|space| self.lose_spare(space)) {
            // SAFETY: it is in no list, and nothing is in it.
            unsafe { self.give(spare) };
        }
        bytes
    }
}
