//! A block against a list that says of each slot what it is, for every class: masks, counts, the order in
//! which slots come, and what freeing one too many changes, which is nothing.

use std::sync::Mutex;

use super::*;
use crate::space::SYSTEM_SPACE;
use crate::space::family_heap::FamilyHeap;
use crate::spec::FamilySpec;

/// What a slot is, by the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    Uncarved,
    Live,
    Free,
}
use Slot::{Free, Live, Uncarved};

static SPEC: FamilySpec = FamilySpec::new("A");

/// A small generator (xorshift), so that a failing run can be run again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 11) as usize % bound
    }
}

/// A block and the list beside it.
struct Model {
    block: Block<'static>,
    class: usize,
    colour: usize,
    slots: Vec<Slot>,
    /// How many of them are live.
    live: usize,
}

impl Model {
    fn new(heap: &'static FamilyHeap, class: usize, granules: u32, colour: usize) -> Self {
        let taken = heap.alloc_block(granules, map_of(class), |taken| {
            heap.write_tails(taken.first, 1, granules);
            let tag = heap.tag.with_class(class);
            // A lane that nobody looks at.
            let lane = core::ptr::dangling_mut::<()>();
            Block::init(heap.space, taken.first, granules, tag, colour, lane, true)
        });
        let block = taken.unwrap();
        let slots = (granules as usize * GRANULE - colour) / class::slot_size(class);
        Self { block, class, colour, slots: vec![Uncarved; slots], live: 0 }
    }

    fn size(&self) -> usize {
        class::slot_size(self.class)
    }

    fn divisor(&self) -> class::Divisor {
        class::Divisor::of(self.class)
    }

    /// How far a slot lies from the start of the first granule.
    fn offset(&self, slot: usize) -> usize {
        self.colour + slot * self.size()
    }

    fn all(&self, which: Slot) -> impl Iterator<Item = usize> + '_ {
        (0..self.slots.len()).filter(move |&slot| self.slots[slot] == which)
    }

    fn count(&self, which: Slot) -> usize {
        self.all(which).count()
    }

    /// The bits of one word of the bitmap whose slots are of that kind.
    fn bits(&self, word: usize, which: Slot) -> u64 {
        let of_word = self.slots.iter().skip(word * 64).take(64).enumerate();
        of_word.fold(0, |bits, (at, &slot)| bits | u64::from(slot == which) << at)
    }

    /// What freeing some slots is to be told as: `before` were live.
    fn change(&self, before: usize) -> Change {
        match (before == self.slots.len(), self.live == 0) {
            (false, false) => Change::None,
            (false, true) => Change::Emptied,
            (true, false) => Change::GotRoom,
            (true, true) => Change::GotRoomAndEmptied,
        }
    }

    /// Takes up to so many slots: the lowest free ones, then those never taken, the first last.
    fn take(&mut self, wanted: usize, eager: bool) {
        let mut out = vec![core::ptr::null_mut(); wanted];
        let taken = self.block.alloc(&mut out, eager);
        let expected: Vec<usize> = self.all(Free).chain(self.all(Uncarved)).take(wanted).collect();
        assert_eq!(taken, expected.len());
        for (&address, &slot) in out.iter().rev().zip(&expected) {
            assert_eq!(address.addr() - self.block.base().addr().get(), self.offset(slot));
            self.slots[slot] = Live;
        }
        self.live += taken;
        assert!(out[..wanted - taken].iter().all(|address| address.is_null()));
    }

    /// Frees one slot, and recounts where that has to be done.
    fn give(&mut self, slot: usize) {
        let before = self.live;
        let given = self.block.free_at(self.divisor(), self.offset(slot));
        if self.slots[slot] != Live {
            assert_eq!(given, None, "slot {slot} is {:?}", self.slots[slot]);
            return;
        }
        self.slots[slot] = Free;
        self.live -= 1;
        let change = self.change(before);
        assert_eq!(given, Some(change != Change::None), "{change:?}");
        if given == Some(true) {
            assert_eq!(self.block.recount(), change);
        }
    }

    /// Frees slots of one word: all of them or, where one cannot be freed, none.
    fn free_word(&mut self, word: usize, mask: u64) {
        let (before, wrong) = (self.live, mask & !self.bits(word, Live));
        let given = self.block.free_word(self.block.words(), word, mask);
        if wrong != 0 {
            assert_eq!(given, Err(wrong));
            return;
        }
        for at in (0..64).filter(|at| mask >> at & 1 != 0) {
            self.slots[word * 64 + at] = Free;
            self.live -= 1;
        }
        assert_eq!(given, Ok(self.change(before)));
    }

    fn verify(&self, random: &mut Random) {
        let block = self.block;
        assert_eq!(self.live, self.count(Live));
        assert_eq!(block.fault(), None);
        assert_eq!(block.capacity() as usize, self.slots.len());
        assert_eq!(block.carved() as usize, self.slots.len() - self.count(Uncarved));
        assert_eq!(block.live() as usize, self.live);
        assert_eq!(block.free() as usize, self.count(Free));
        assert_eq!(block.has_room(), self.live < self.slots.len());
        assert_eq!(block.is_empty(), self.live == 0);
        let words = block.words();
        assert_eq!(words.len(), self.slots.len().div_ceil(64));
        for word in 0..words.len() {
            assert_eq!(words[word].load(Ordering::Relaxed), self.bits(word, Free));
            assert_eq!(block.live_in(words, word), self.bits(word, Live));
        }
        for _ in 0..4 {
            let slot = random.below(self.slots.len());
            assert_eq!(block.is_free(slot), self.slots[slot] == Free);
            let first = (slot..self.slots.len()).find(|&at| self.slots[at] == Free);
            let end = |from| (from..self.slots.len()).find(|&at| self.slots[at] != Free);
            let run = first.map(|first| (first, end(first).unwrap_or(self.slots.len())));
            assert_eq!(block.free_run(slot), run, "from {slot}");
            self.verify_offset(self.offset(slot) + random.below(self.size()));
        }
        // Before the first slot, behind the last, and where a stale distance may lead.
        let end = self.block.granules() as usize * GRANULE;
        for outside in [self.colour.wrapping_sub(1), self.offset(self.slots.len()), end, end + 1] {
            assert_eq!(block.free_at(self.divisor(), outside), None);
            assert_eq!(block.carved_slot(self.divisor(), outside), None);
            assert_eq!(block.why_not(self.divisor(), outside), FreeError::Foreign);
        }
    }

    /// An offset within the slots is the start of one that was carved, or the reason why not.
    fn verify_offset(&self, offset: usize) {
        let (slot, into) =
            ((offset - self.colour) / self.size(), (offset - self.colour) % self.size());
        let carved = self.slots[slot] != Uncarved;
        let found = self.block.carved_slot(self.divisor(), offset);
        assert_eq!(found, (carved && into == 0).then_some(slot));
        let why = self.block.why_not(self.divisor(), offset);
        match into {
            0 => assert_eq!(why, FreeError::AlreadyFree),
            offset => assert_eq!(why, FreeError::Interior { offset }),
        }
    }

    /// Frees what is live, looks whether the block is like new, and gives it back.
    fn end(mut self, heap: &FamilyHeap) {
        for slot in self.all(Live).collect::<Vec<_>>() {
            self.give(slot);
        }
        self.block.reset();
        assert_eq!((self.block.carved(), self.block.live(), self.block.fault()), (0, 0, None));
        assert!(self.block.words().iter().all(|word| word.load(Ordering::Relaxed) == 0));
        self.block.disown();
        // SAFETY: taken from here with so many, nothing in use, the bitmap zero.
        unsafe { heap.free_block(self.block.granule, self.block.granules()) };
    }
}

fn heap(name: &'static str) -> &'static FamilyHeap {
    static ALL: Mutex<Vec<&FamilyHeap>> = Mutex::new(Vec::new());
    let space = SYSTEM_SPACE.get().unwrap();
    // No table has it, so no set is disturbed; what is known of it has to stay for ever, in sight of who
    // looks for leaks.
    let heap = Box::leak(Box::new(FamilyHeap::new(space, name, &SPEC, 0, 1 << 20)));
    ALL.lock().unwrap().push(heap);
    heap
}

/// Each class without and with a colour, in its shortest block, and some in the longest. An interpreter has
/// two with one: slots of 192 bytes, which fill words of the bitmap, and of 12 KiB, of which there are few.
fn each_shape(mut work: impl FnMut(usize, u32, usize)) {
    for class in (0..class::COUNT).filter(|class| !cfg!(miri) || class % 48 == 22) {
        let least = class::block_granules(class, GRANULE) as u32;
        let colour = (0..16).map(|family| class::colour(class, family)).max().unwrap();
        work(class, least, colour);
        if cfg!(miri) {
            continue;
        }
        work(class, least, 0);
        if class::slot_size(class) >= 512 && class % 8 == 2 {
            work(class, 32, colour);
        }
    }
}

#[test]
fn every_class_of_block_does_what_a_list_of_its_slots_says() {
    let heap = heap("blocks");
    let mut random = Random(0x1234_5678_9ABC_DEF1);
    each_shape(|class, granules, colour| {
        let mut model = Model::new(heap, class, granules, colour);
        model.verify(&mut random);
        let capacity = model.slots.len();
        let most = if cfg!(miri) { 16 } else { 1_000 };
        for _ in 0..(2_000_000 / capacity).clamp(16, most) {
            match random.below(5) {
                0 => model.take([1, 7, 64, 126][random.below(4)], true),
                1 => model.take(1 + random.below(capacity), false),
                2 => {
                    for _ in 0..1 + random.below(capacity.min(300)) {
                        model.give(random.below(capacity));
                    }
                }
                3 => {
                    let word = random.below(capacity.div_ceil(64));
                    // With some that are free, or never were taken.
                    let mask = random.next() & random.next();
                    let inside = u64::MAX >> (64 - (capacity - word * 64).min(64));
                    if mask & inside != 0 {
                        model.free_word(word, mask & inside);
                    }
                }
                _ => {
                    for word in 0..capacity.div_ceil(64) {
                        let live = model.bits(word, Live) & (random.next() | random.next());
                        if live != 0 {
                            model.free_word(word, live);
                        }
                    }
                }
            }
            model.verify(&mut random);
        }
        model.end(heap);
    });
    assert_eq!(heap.usage().committed, 0);
}

/// From full to empty by the last word, and from full to empty by one slot at a time: the two ends of the
/// countdown.
#[test]
fn a_block_tells_when_it_is_full_no_more_and_when_it_is_empty() {
    let heap = heap("ends");
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    each_shape(|class, granules, colour| {
        let mut model = Model::new(heap, class, granules, colour);
        let capacity = model.slots.len();
        for whole_words in [false, true] {
            model.take(capacity + 3, false);
            assert!(!model.block.has_room());
            if whole_words {
                for word in (0..capacity.div_ceil(64)).rev() {
                    model.free_word(word, model.bits(word, Live));
                }
            } else {
                (0..capacity).for_each(|slot| model.give(slot));
            }
            assert!(model.block.is_empty());
            model.verify(&mut random);
        }
        model.end(heap);
    });
}

/// A byte of each slot, which is all of the smallest.
fn written(model: &Model, slot: usize) -> u8 {
    // SAFETY: carved, so committed, and this test's own.
    unsafe { model.block.base().add(model.offset(slot)).read() }
}

/// Zeroing spares what is free; giving pages back spares what is live and takes all whole pages between.
#[test]
fn pages_go_from_free_slots_alone_and_zeros_into_live_ones_alone() {
    let heap = heap("pages");
    let page = heap.space.page_size();
    let mut random = Random(0x0F1E_2D3C_4B5A_6978);
    each_shape(|class, granules, colour| {
        let mut model = Model::new(heap, class, granules, colour);
        let capacity = model.slots.len();
        let carved = capacity - random.below(capacity / 4 + 1);
        model.take(carved, false);
        let bytes = carved * model.size();
        // SAFETY: carved, so committed, and this test's own.
        unsafe { model.block.start().write_bytes(0xA5, bytes) };
        let mut slot = 0;
        while slot < carved {
            // Runs of a page or so.
            let run = 1 + random.below(2 * page / model.size() + 2);
            if random.below(2) == 0 {
                (slot..carved.min(slot + run)).for_each(|slot| model.give(slot));
            }
            slot += run;
        }
        let mut from = 0;
        while let Some((first, end)) = model.block.free_run(from) {
            let (start, upto) = (model.offset(first).div_ceil(page), model.offset(end) / page);
            let whole = upto.saturating_sub(start) * page;
            let least = page * (1 + random.below(2));
            let gone = model.block.discard(first, end, least);
            assert_eq!(gone, if whole >= least { whole } else { 0 }, "{first}..{end}");
            from = end;
        }
        for slot in model.all(Live) {
            assert_eq!(written(&model, slot), 0xA5, "a live slot of {} bytes", model.size());
        }
        // SAFETY: carved, so committed, and this test's own.
        unsafe { model.block.start().write_bytes(0xA5, bytes) };
        // SAFETY: the live slots are this test's, which only reads them from now on.
        unsafe { model.block.zero_live() };
        for slot in 0..carved {
            let expected = if model.slots[slot] == Live { 0 } else { 0xA5 };
            assert_eq!(written(&model, slot), expected, "slot {slot} of {} bytes", model.size());
        }
        model.end(heap);
    });
}
