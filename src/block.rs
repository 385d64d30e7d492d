//! One block: a run of granules cut into slots of one class.
//!
//! ```text
//! slots    | 0 1 2 3 4 5 6 7 8 9 ........ |            |
//!            used or free, by a bit each    not carved
//!                                         ^ bump cursor                     capacity ^
//! ```
//!
//! A free slot is either carved and has its bit set, or lies beyond the bump cursor. Both are kept
//! out of band, in the descriptor and the bitmap, so neither carving nor freeing touches a slot,
//! and a block that was only ever carved has touched no page of its bitmap.
//!
//! Invariants, under the lock of the block's lane: the set bits are the carved slots that are not
//! live; no bit at or beyond `carved` is set; no set bit lies in a word before `first_word`.
//!
//! Two events need an answer when a slot is freed: the block becomes empty, or a full block gets room and
//! goes among the blocks with room. One countdown serves both: it is the number of live slots while there is
//! room, and 1 while the block is full. So freeing asks one question: is it 0 now?

use core::ptr::NonNull;

use crate::class;
use crate::error::FreeError;
use crate::space::Space;
use crate::space::map::{BlockDesc, GRANULE, GranuleDesc, NewBlock};
use crate::space::maps::Map;
use crate::space::owner_tags::OwnerTag;
use crate::sync::{AtomicU64, Ordering};

/// A block. Whoever has one holds its lane's lock, or reads what may change as a hint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block<'a> {
    space: &'a Space,
    desc: BlockDesc<'a>,
    /// The first granule.
    pub(crate) granule: u32,
}

/// What freeing slots did to a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It had room before and is not empty.
    None,
    /// It had no room before.
    GotRoom,
    /// No slot of it is in use any more.
    Emptied,
    /// Both: it was full, and all of it was freed at once.
    GotRoomAndEmptied,
}

impl Change {
    /// This, and then another.
    pub(crate) fn then(self, next: Self) -> Self {
        match (self, next) {
            (Self::None, change) | (change, Self::None) => change,
            _ => Self::GotRoomAndEmptied,
        }
    }
}

/// The map that the bitmap of a block of this class lies in.
pub(crate) fn map_of(class: usize) -> Map {
    if class::slot_size(class) < class::WIDE_BELOW { Map::Wide } else { Map::Narrow }
}

impl<'a> Block<'a> {
    /// The block that starts at `granule`. The caller keeps it one.
    pub(crate) fn at(space: &'a Space, granule: u32) -> Self {
        Self::of(space, granule, space.granule(granule))
    }

    /// The block whose first granule has this descriptor. The caller keeps it one.
    #[inline(always)]
    pub(crate) fn of(space: &'a Space, granule: u32, desc: &'a GranuleDesc) -> Self {
        Self { space, desc: desc.block(), granule }
    }

    /// The block that starts at `granule`, if one does now: for callers that do not keep it one.
    #[inline]
    pub(crate) fn find(space: &'a Space, granule: u32) -> Option<Self> {
        Self::find_of(space, granule, space.granule(granule))
    }

    /// The block whose first granule has this descriptor, if there is one now.
    #[inline]
    pub(crate) fn find_of(space: &'a Space, granule: u32, desc: &'a GranuleDesc) -> Option<Self> {
        desc.as_block().map(|desc| Self { space, desc, granule })
    }

    /// Makes granules just taken a block of the tag's class, without carved slots. The first slot lies
    /// `colour` bytes into it. `lane` is the address of a lane of this space. Memory that would arrive
    /// `page_by_page` is asked for in larger steps later. The caller has written the tails before; this publishes
    /// the head.
    pub(crate) fn init(
        space: &'a Space,
        granule: u32,
        granules: u32,
        tag: OwnerTag,
        colour: usize,
        lane: *mut (),
        page_by_page: bool,
    ) -> Self {
        let class = tag.class();
        let bytes = granules as usize * GRANULE;
        let capacity = (bytes - colour) / class::slot_size(class);
        let map = map_of(class);
        for granule in granule..granule + granules {
            // All zero before the first slot is freed: `take` hands out whatever has its bit set.
            // SAFETY: just taken.
            unsafe { space.clean_bitmap(granule, map) };
            space.tag(granule, tag);
        }
        // SAFETY: the granules of a block are in one extent of a family (I1).
        let bitmap = unsafe { space.bitmap(granule, map) };
        let desc = space.granule(granule).make_block(&NewBlock {
            class,
            granules,
            colour,
            capacity: capacity as u32,
            lane,
            bitmap,
            populated: if page_by_page { 0 } else { granules as usize },
        });
        Self { space, desc, granule }
    }

    pub(crate) fn class(self) -> usize {
        self.desc.class()
    }

    /// The address of its lane; null where it is no lane's any more. `Lane::of` makes a lane of it.
    pub(crate) fn lane(self) -> *mut () {
        self.desc.lane()
    }

    /// Whether it lies in this space.
    pub(crate) fn is_in(self, space: &Space) -> bool {
        core::ptr::eq(self.space, space)
    }

    pub(crate) fn granules(self) -> u32 {
        self.desc.granules()
    }

    pub(crate) fn capacity(self) -> u32 {
        self.desc.capacity()
    }

    pub(crate) fn carved(self) -> u32 {
        self.desc.carved()
    }

    /// How many carved slots are not free.
    pub(crate) fn live(self) -> u32 {
        // One live slot of one that there is room for is as full as it is nearly empty.
        match self.desc.countdown() {
            1 if self.is_full() => self.capacity(),
            live => live,
        }
    }

    fn set_live(self, live: u32) {
        let full = live == self.capacity();
        self.desc.set_full(full);
        self.desc.set_countdown(if full { 1 } else { live });
    }

    fn is_full(self) -> bool {
        self.desc.is_full()
    }

    /// How many carved slots are free.
    pub(crate) fn free(self) -> u32 {
        self.carved() - self.live()
    }

    /// Where the block's granules start.
    pub(crate) fn base(self) -> NonNull<u8> {
        self.space.granule_start(self.granule)
    }

    fn colour(self) -> usize {
        self.desc.colour()
    }

    /// The address of the first slot.
    pub(crate) fn start(self) -> NonNull<u8> {
        // SAFETY: a colour is far less than a granule.
        unsafe { self.base().add(self.colour()) }
    }

    /// The bytes from the first slot to the end of the block.
    pub(crate) fn bytes(self) -> usize {
        self.granules() as usize * GRANULE - self.colour()
    }

    /// Whether a slot can be taken.
    pub(crate) fn has_room(self) -> bool {
        self.live() < self.capacity()
    }

    /// Whether no slot is in use.
    pub(crate) fn is_empty(self) -> bool {
        self.live() == 0
    }

    pub(crate) fn words(self) -> &'a [AtomicU64] {
        let words = self.capacity().div_ceil(64) as usize;
        let bitmap = self.desc.bitmap();
        // SAFETY: the bitmap is committed with the block's extent, has a bit for each slot, is aligned
        // to 8, and atomics accept every bit pattern.
        unsafe { core::slice::from_raw_parts(bitmap, words) }
    }

    /// Takes up to `out.len()` slots, the lowest first, and writes their addresses to `out` from
    /// the back, so that a magazine hands them out in ascending order. Returns how many.
    ///
    /// With `eager`, memory that is about to be carved for the first time is asked for in one go.
    pub(crate) fn alloc(self, out: &mut [*mut u8], eager: bool) -> usize {
        let (wanted, live) = (out.len(), self.live());
        // Freed slots before fresh ones: their pages are there already.
        let mut left = self.alloc_freed(out);
        let carved = self.carved();
        let carve = (left as u32).min(self.capacity() - carved);
        if carve > 0 {
            let size = class::slot_size(self.class());
            let end = (carved + carve) as usize * size;
            if eager {
                self.populate(self.colour() + end);
            }
            // SAFETY: slots below the capacity lie within the block.
            let mut slot = unsafe { self.start().as_ptr().add(carved as usize * size) };
            for address in out[left - carve as usize..left].iter_mut().rev() {
                *address = slot;
                slot = slot.wrapping_add(size);
            }
            left -= carve as usize;
            self.desc.set_carved(carved + carve);
        }
        self.set_live(live + (wanted - left) as u32);
        // Pages that went may be touched now.
        self.desc.set_trim_mark(0);
        wanted - left
    }

    /// Takes freed slots into the back of `out`, without counting them; returns how many entries are
    /// left in front.
    fn alloc_freed(self, out: &mut [*mut u8]) -> usize {
        let mut left = out.len();
        let mut free = self.free();
        if free == 0 {
            return left;
        }
        let words = self.words();
        let size = class::slot_size(self.class());
        let start = self.start().as_ptr();
        let mut word = self.desc.first_word();
        // By the count, since there is no bit to end the search: past the last free slot lies nothing
        // but zeros, and then the end of the bitmap.
        while left > 0 && free > 0 {
            let mut bits = words[word].load(Ordering::Relaxed);
            if bits == 0 {
                word += 1;
                continue;
            }
            // SAFETY: slots below the capacity lie within the block.
            let base = unsafe { start.add(word * 64 * size) };
            let taken = bits.count_ones().min(left as u32);
            let into = &mut out[left - taken as usize..left];
            if bits | (bits - 1) == u64::MAX {
                // All from the lowest on: no need to look for each.
                let mut slot = base.wrapping_add(bits.trailing_zeros() as usize * size);
                for address in into.iter_mut().rev() {
                    *address = slot;
                    slot = slot.wrapping_add(size);
                }
                bits = bits.checked_shl(taken).unwrap_or(0);
            } else {
                for address in into.iter_mut().rev() {
                    *address = base.wrapping_add(bits.trailing_zeros() as usize * size);
                    bits &= bits - 1;
                }
            }
            left -= taken as usize;
            free -= taken;
            // The bit goes as the address is handed out: a slot is never in two places (I2).
            words[word].store(bits, Ordering::Relaxed);
        }
        self.desc.set_first_word(word);
        left
    }

    /// Asks for the memory of the granules up to the one with the byte before `end`, counted from the
    /// base: whole granules at a time.
    fn populate(self, end: usize) {
        let populated = self.desc.populated();
        let wanted = end.div_ceil(GRANULE);
        if wanted <= populated {
            return;
        }
        // SAFETY: committed memory of this block; populating changes no contents.
        unsafe {
            let from = self.base().add(populated * GRANULE);
            self.space.source.populate(from, (wanted - populated) * GRANULE);
        }
        self.desc.set_populated(wanted);
    }

    /// Frees the slot that lies `offset` bytes from the start of the block's first granule, and tells
    /// whether the block has to be looked at now, by [`Self::recount`]. `None` where there is no such
    /// slot in use; nothing has changed then, and [`Self::why_not`] says what is wrong.
    #[inline(always)]
    pub(crate) fn free_at(self, divisor: class::Divisor, offset: usize) -> Option<bool> {
        // What lies before the first slot is very far behind it.
        let index = divisor.divide_exactly(offset.wrapping_sub(self.colour()))?;
        if index >= self.carved() as usize {
            return None;
        }
        // SAFETY: the bitmap has a bit for each slot, and this one is carved.
        let word = unsafe { &*self.desc.bitmap().add(index / 64) };
        let old = word.load(Ordering::Relaxed);
        let new = old | 1 << (index % 64);
        if new == old {
            return None;
        }
        word.store(new, Ordering::Relaxed);
        if index / 64 < self.desc.first_word() {
            self.desc.set_first_word(index / 64);
        }
        let countdown = self.desc.countdown() - 1;
        self.desc.set_countdown(countdown);
        Some(countdown == 0)
    }

    /// The position of the carved slot that starts `offset` bytes from the start of the first granule.
    pub(crate) fn carved_slot(self, divisor: class::Divisor, offset: usize) -> Option<usize> {
        let index = divisor.divide_exactly(offset.wrapping_sub(self.colour()))?;
        (index < self.carved() as usize).then_some(index)
    }

    /// Why [`Self::free_at`] refuses.
    #[cold]
    pub(crate) fn why_not(self, divisor: class::Divisor, offset: usize) -> FreeError {
        let offset = offset.wrapping_sub(self.colour());
        if offset >= self.capacity() as usize * divisor.slot_size {
            return FreeError::Foreign;
        }
        match offset - divisor.divide(offset) * divisor.slot_size {
            0 => FreeError::AlreadyFree,
            offset => FreeError::Interior { offset },
        }
    }

    /// Sets the countdown of a block where it has run out by [`Self::free_at`], and says why it has.
    pub(crate) fn recount(self) -> Change {
        let was_full = self.is_full();
        let live = if was_full { self.capacity() - 1 } else { 0 };
        self.set_live(live);
        match (was_full, live == 0) {
            (false, _) => Change::Emptied,
            (true, false) => Change::GotRoom,
            (true, true) => Change::GotRoomAndEmptied,
        }
    }

    /// Frees the slots of one bitmap word, of which at least one is named. `words` is the bitmap.
    ///
    /// The error is the slots that are free already or were never carved; nothing has changed then.
    #[inline]
    pub(crate) fn free_word(
        self,
        words: &[AtomicU64],
        word: usize,
        mask: u64,
    ) -> Result<Change, u64> {
        let old = words[word].load(Ordering::Relaxed);
        let wrong = mask & (old | !self.carved_in(word));
        if wrong != 0 {
            return Err(wrong);
        }
        words[word].store(old | mask, Ordering::Relaxed);
        self.desc.set_first_word(self.desc.first_word().min(word));
        let (was_full, live) = (self.is_full(), self.live() - mask.count_ones());
        self.set_live(live);
        Ok(match (was_full, live == 0) {
            (false, false) => Change::None,
            (false, true) => Change::Emptied,
            (true, false) => Change::GotRoom,
            (true, true) => Change::GotRoomAndEmptied,
        })
    }

    /// The carved slots of one bitmap word that are not free in this block. `words` is the bitmap.
    #[inline]
    pub(crate) fn live_in(self, words: &[AtomicU64], word: usize) -> u64 {
        !words[word].load(Ordering::Relaxed) & self.carved_in(word)
    }

    /// The carved slots of one bitmap word.
    #[inline]
    fn carved_in(self, word: usize) -> u64 {
        let in_word = self.carved().saturating_sub(word as u32 * 64);
        if in_word < 64 { (1 << in_word) - 1 } else { u64::MAX }
    }

    /// Whether a carved slot is free in this block (as opposed to in use or in a magazine).
    pub(crate) fn is_free(self, slot: usize) -> bool {
        self.words()[slot / 64].load(Ordering::Relaxed) >> (slot % 64) & 1 != 0
    }

    /// Makes a block of which no slot is in use any more like new: nothing carved, nothing live, its
    /// bitmap all zero.
    ///
    /// Where nothing was ever freed, the bitmap is zero and is not touched.
    pub(crate) fn reset(self) {
        if self.free() > 0 {
            let first = self.desc.first_word();
            for word in &self.words()[first..self.carved().div_ceil(64) as usize] {
                word.store(0, Ordering::Relaxed);
            }
        }
        let reached = self.colour() + self.carved() as usize * class::slot_size(self.class());
        // What the cursor has reached has memory, asked for in one go or not. The next round need not
        // ask again.
        self.desc.set_populated(self.desc.populated().max(reached / GRANULE));
        self.desc.set_carved(0);
        self.desc.set_first_word(0);
        self.set_live(0);
    }

    /// Zeroes the slots that are not free.
    ///
    /// # Safety
    ///
    /// Nobody uses them any more.
    pub(crate) unsafe fn zero_live(self) {
        let (size, carved) = (class::slot_size(self.class()), self.carved() as usize);
        let mut live = 0;
        while live < carved {
            let (free, end) = self.free_run(live).unwrap_or((carved, carved));
            // SAFETY: slots below the capacity lie within the block.
            let start = unsafe { self.start().add(live * size) };
            // SAFETY: as above, and nobody uses what is not free (contract).
            unsafe { start.write_bytes(0, (free - live) * size) };
            live = end;
        }
    }

    /// Makes this no lane's block, before its granules are given back.
    pub(crate) fn disown(self) {
        self.desc.disown();
    }

    /// The first run of carved slots that are free, from position `from` on: its first slot and the
    /// one after its last.
    pub(crate) fn free_run(self, from: usize) -> Option<(usize, usize)> {
        let words = self.words();
        let carved = self.carved() as usize;
        // The first position from `from` on whose bit, or inverted bit, is set.
        let find = |from: usize, invert: u64| {
            (from / 64..carved.div_ceil(64)).find_map(|word| {
                let skipped = if word == from / 64 { from % 64 } else { 0 };
                let bits = words[word].load(Ordering::Relaxed) ^ invert;
                let bits = bits >> skipped << skipped;
                (bits != 0).then(|| word * 64 + bits.trailing_zeros() as usize)
            })
        };
        let first = find(from, 0).filter(|&first| first < carved)?;
        Some((first, find(first, u64::MAX).unwrap_or(carved).min(carved)))
    }

    /// Gives back the pages that lie whole within free slots, from position `first` to before `end`,
    /// if they are `least` bytes or more. Returns how many bytes went.
    pub(crate) fn discard(self, first: usize, end: usize, least: usize) -> usize {
        let (size, page) = (class::slot_size(self.class()), self.space.page_size());
        let from = (self.colour() + first * size).next_multiple_of(page);
        let upto = (self.colour() + end * size) / page * page;
        if upto < from + least {
            return 0;
        }
        // SAFETY: within the block.
        let start = unsafe { self.base().add(from) };
        // SAFETY: committed with the block; only free slots lie there, and nobody takes them while
        // the lane is locked.
        let gone = unsafe { self.space.source.discard(start, upto - from) };
        if gone { upto - from } else { 0 }
    }

    /// Whether this block has been trimmed, and since then no slot of it was taken and none freed: down to
    /// the last page where that is asked for.
    pub(crate) fn is_trimmed(self, to_pages: bool) -> bool {
        let mark = self.desc.trim_mark();
        mark == self.trim_mark(true) || (!to_pages && mark == self.trim_mark(false))
    }

    /// Whether pages of it were given back since a slot was last taken.
    pub(crate) fn lacks_pages(self) -> bool {
        self.desc.trim_mark() != 0
    }

    pub(crate) fn note_trimmed(self, to_pages: bool) {
        self.desc.set_trim_mark(self.trim_mark(to_pages));
    }

    /// Not 0 for any number of live slots. That it is the same for some numbers that lie far apart
    /// costs a block of tiny slots a trim, once in a very long while.
    fn trim_mark(self, to_pages: bool) -> u16 {
        (self.live() as u16 & 0x3FFF) | 1 << 15 | u16::from(to_pages) << 14
    }

    /// What is wrong with this block, if anything: the invariants at the top of this module.
    pub(crate) fn fault(self) -> Option<&'static str> {
        let (carved, first_word) = (self.carved(), self.desc.first_word());
        if carved > self.capacity() {
            return Some("a block has carved more slots than it has room for");
        }
        if self.live() > carved {
            return Some("a block has more slots in use than carved");
        }
        if self.is_full() != (self.live() == self.capacity()) {
            return Some("a block is tagged full and is not, or the reverse");
        }
        let mut set = 0;
        // Bits of what is not carved are known to be zero only if their page may be touched; it
        // may, since the bitmap of an extent in use is committed.
        for (index, word) in self.words().iter().enumerate() {
            let bits = word.load(Ordering::Relaxed);
            if bits != 0 && index < first_word {
                return Some(
                    "a slot is free before the first bitmap word that a block records as having one",
                );
            }
            set += bits.count_ones();
            let beyond = (index as u32 + 1) * 64;
            if beyond > carved {
                let legal = carved.saturating_sub(index as u32 * 64);
                if legal < 64 && bits >> legal != 0 {
                    return Some("a slot beyond the bump cursor is marked free");
                }
            }
        }
        (set != self.free()).then_some("a block's count of free slots differs from its bitmap")
    }
}

#[cfg(all(test, feature = "std"))]
mod tests;
