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
//! Invariants, under the lock of the block's lane: `free` is the number of set bits; no bit at or
//! beyond `carved` is set; no set bit lies in a word before `first_word`.

use core::ptr::NonNull;

use crate::class;
use crate::space::Space;
use crate::space::map::{GRANULE, GranuleDesc, GranuleKind};
use crate::sync::{AtomicU64, Ordering};

/// How much of a fresh block is given memory at a time.
const POPULATE_STEP: u32 = GRANULE as u32;

/// A block; whoever has one of these holds its lane's lock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block<'a> {
    space: &'a Space,
    desc: &'a GranuleDesc,
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

impl<'a> Block<'a> {
    /// The block that starts at `granule`.
    pub(crate) fn at(space: &'a Space, granule: u32) -> Self {
        Self { space, desc: space.granule(granule), granule }
    }

    /// Makes granules just taken a block without carved slots, whose memory, where it is
    /// `page_by_page`, has yet to arrive and is better asked for in larger steps. The first slot lies
    /// `colour` bytes into it. The tails are the caller's to write before; this publishes the head.
    pub(crate) fn found(
        space: &'a Space,
        granule: u32,
        granules: u32,
        class: usize,
        colour: usize,
        lane: *mut (),
        page_by_page: bool,
    ) -> Self {
        let block = Self::at(space, granule);
        let bytes = granules as usize * GRANULE;
        let desc = block.desc;
        desc.class.store(class as u8, Ordering::Relaxed);
        desc.granules.store(granules, Ordering::Relaxed);
        desc.colour.store(colour as u16, Ordering::Relaxed);
        let capacity = (bytes - colour) / class::slot_size(class);
        desc.capacity.store(capacity as u32, Ordering::Relaxed);
        desc.lane.store(lane, Ordering::Relaxed);
        desc.carved.store(0, Ordering::Relaxed);
        desc.free.store(0, Ordering::Relaxed);
        desc.first_word.store(0, Ordering::Relaxed);
        let populated = if page_by_page { 0 } else { bytes as u32 };
        desc.populated.store(populated, Ordering::Relaxed);
        desc.set_kind(GranuleKind::Block);
        block
    }

    /// Whether a block starts at this granule at all.
    pub(crate) fn is_head(self) -> bool {
        self.desc.kind() == GranuleKind::Block
    }

    pub(crate) fn class(self) -> usize {
        self.desc.class.load(Ordering::Relaxed) as usize
    }

    pub(crate) fn lane(self) -> *mut () {
        self.desc.lane.load(Ordering::Relaxed)
    }

    pub(crate) fn granules(self) -> u32 {
        self.desc.granules.load(Ordering::Relaxed)
    }

    pub(crate) fn capacity(self) -> u32 {
        self.desc.capacity.load(Ordering::Relaxed)
    }

    pub(crate) fn carved(self) -> u32 {
        self.desc.carved.load(Ordering::Relaxed)
    }

    /// How many carved slots are free.
    pub(crate) fn free(self) -> u32 {
        self.desc.free.load(Ordering::Relaxed)
    }

    /// Where the block's granules start.
    pub(crate) fn base(self) -> NonNull<u8> {
        self.space.granule_start(self.granule)
    }

    fn colour(self) -> usize {
        usize::from(self.desc.colour.load(Ordering::Relaxed))
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
        self.free() > 0 || self.carved() < self.capacity()
    }

    /// Whether no slot is in use.
    pub(crate) fn is_empty(self) -> bool {
        self.free() == self.carved()
    }

    pub(crate) fn words(self) -> &'a [AtomicU64] {
        self.words_of(self.class())
    }

    /// [`Self::words`] where the class is known already.
    #[inline]
    pub(crate) fn words_of(self, class: usize) -> &'a [AtomicU64] {
        debug_assert_eq!(class, self.class());
        let words = self.capacity().div_ceil(64) as usize;
        let wide = class::slot_size(class) < class::WIDE_BELOW;
        // SAFETY: the granules of a block are in one extent of a family (I1).
        unsafe { self.space.bitmap(self.granule, wide, words) }
    }

    /// Takes up to `out.len()` slots, the lowest first, and writes their addresses to `out` from
    /// the back, so that a magazine hands them out in ascending order. Returns how many.
    ///
    /// With `eager`, memory that is about to be carved for the first time is asked for in one go.
    pub(crate) fn take(self, out: &mut [*mut u8], eager: bool) -> usize {
        let wanted = out.len();
        let mut left = self.take_freed(out);
        let carved = self.carved();
        let carve = (left as u32).min(self.capacity() - carved);
        if carve > 0 {
            let size = class::slot_size(self.class());
            let end = (carved + carve) as usize * size;
            if eager {
                self.populate((self.colour() + end) as u32);
            }
            // SAFETY: slots below the capacity lie within the block.
            let mut slot = unsafe { self.start().as_ptr().add(carved as usize * size) };
            for address in out[left - carve as usize..left].iter_mut().rev() {
                *address = slot;
                slot = slot.wrapping_add(size);
            }
            left -= carve as usize;
            self.desc.carved.store(carved + carve, Ordering::Relaxed);
        }
        wanted - left
    }

    /// Takes freed slots into the back of `out`; returns how many entries are left in front.
    fn take_freed(self, out: &mut [*mut u8]) -> usize {
        let mut left = out.len();
        let mut free = self.free();
        if free == 0 {
            return left;
        }
        let words = self.words();
        let size = class::slot_size(self.class());
        let start = self.start().as_ptr();
        let mut word = self.desc.first_word.load(Ordering::Relaxed) as usize;
        while left > 0 && free > 0 {
            let mut bits = words[word].load(Ordering::Relaxed);
            if bits == 0 {
                word += 1;
                continue;
            }
            // SAFETY: slots below the capacity lie within the block.
            let base = unsafe { start.add(word * 64 * size) };
            let taken = bits.count_ones().min(left as u32);
            for _ in 0..taken {
                left -= 1;
                out[left] = base.wrapping_add(bits.trailing_zeros() as usize * size);
                bits &= bits - 1;
            }
            free -= taken;
            words[word].store(bits, Ordering::Relaxed);
        }
        self.desc.first_word.store(word as u32, Ordering::Relaxed);
        self.desc.free.store(free, Ordering::Relaxed);
        left
    }

    /// Asks for the memory up to `end` bytes from the base, and a step beyond.
    fn populate(self, end: u32) {
        let populated = self.desc.populated.load(Ordering::Relaxed);
        if end <= populated {
            return;
        }
        let upto = end.next_multiple_of(POPULATE_STEP).min(self.granules() * GRANULE as u32);
        // SAFETY: committed memory of this block; populating changes no contents.
        unsafe {
            let from = self.base().add(populated as usize);
            self.space.source.populate(from, (upto - populated) as usize);
        }
        self.desc.populated.store(upto, Ordering::Relaxed);
    }

    /// Frees the slots of one bitmap word, of which at least one is named. `words` is the bitmap.
    ///
    /// The error is the slots that are free already or were never carved; nothing has changed then.
    #[inline]
    pub(crate) fn give(self, words: &[AtomicU64], word: usize, mask: u64) -> Result<Change, u64> {
        let (carved, free) = (self.carved(), self.free());
        let old = words[word].load(Ordering::Relaxed);
        let wrong = mask & (old | !self.carved_in(word));
        if wrong != 0 {
            return Err(wrong);
        }
        words[word].store(old | mask, Ordering::Relaxed);
        let now = free + mask.count_ones();
        self.desc.free.store(now, Ordering::Relaxed);
        let first = self.desc.first_word.load(Ordering::Relaxed).min(word as u32);
        self.desc.first_word.store(first, Ordering::Relaxed);
        let had_room = free > 0 || carved < self.capacity();
        Ok(match (had_room, now == carved) {
            (true, false) => Change::None,
            (true, true) => Change::Emptied,
            (false, false) => Change::GotRoom,
            (false, true) => Change::GotRoomAndEmptied,
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

    /// Makes an empty block like new: nothing carved, its bitmap all zero.
    pub(crate) fn reset(self) {
        debug_assert!(self.is_empty());
        for word in &self.words()[..self.carved().div_ceil(64) as usize] {
            word.store(0, Ordering::Relaxed);
        }
        let reached = self.colour() + self.carved() as usize * class::slot_size(self.class());
        let populated = self.desc.populated.load(Ordering::Relaxed);
        self.desc.populated.store(populated.max(reached as u32), Ordering::Relaxed);
        self.desc.carved.store(0, Ordering::Relaxed);
        self.desc.free.store(0, Ordering::Relaxed);
        self.desc.first_word.store(0, Ordering::Relaxed);
    }

    /// What is wrong with this block, if anything: the invariants at the top of this module.
    pub(crate) fn fault(self) -> Option<&'static str> {
        let (carved, first_word) = (self.carved(), self.desc.first_word.load(Ordering::Relaxed));
        if carved > self.capacity() {
            return Some("more slots carved than there is room for");
        }
        let mut set = 0;
        // Bits of what is not carved are known to be zero only if their page may be touched; it
        // may, since the bitmap of an extent in use is committed.
        for (index, word) in self.words().iter().enumerate() {
            let bits = word.load(Ordering::Relaxed);
            if bits != 0 && index < first_word as usize {
                return Some("a free slot lies before the first word with one");
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
        (set != self.free()).then_some("the count of free slots differs from the bitmap")
    }
}
