//! Dispersing: from a magazine back to the blocks, each slot to its own lane.
//!
//! This is where a pointer is looked at again after it was freed, and so where it is noticed, at no
//! cost to the fast path, that a slot was freed twice, or that what was freed is no slot. By then
//! the program's memory may be in two hands already, so such a discovery aborts the process.

use core::ptr::NonNull;

use crate::block::{Block, Change};
use crate::class;
use crate::error::FreeError;
use crate::os::die;
use crate::space::map::Place;
use crate::sync::AtomicU64;

use super::magazine::MagazineBox;
use super::{Lane, LaneState, MAILBOX_BOUND};

/// How many other lanes a lane collects slots for at the same time.
const OUTBOXES: usize = 4;

/// Magazines in which slots of other lanes are collected, one for each lane.
#[derive(Debug)]
pub(super) struct Outboxes {
    boxes: [Option<Outbox>; OUTBOXES],
}

#[derive(Debug)]
struct Outbox {
    lane: &'static Lane,
    magazine: MagazineBox,
}

impl Outboxes {
    pub(super) const fn new() -> Self {
        Self { boxes: [const { None }; OUTBOXES] }
    }

    /// How many slots wait to be posted.
    pub(super) fn slots(&self) -> usize {
        self.boxes.iter().flatten().map(|outbox| outbox.magazine.len()).sum()
    }
}

/// Slots of one bitmap word of one block, gathered before they are freed together.
struct Run<'a> {
    block: Block<'a>,
    words: &'a [AtomicU64],
    start: usize,
    bytes: usize,
    word: usize,
    mask: u64,
}

/// Says what is wrong with a pointer that was freed, and aborts.
#[cold]
fn refuse(lane: &Lane, slot: *mut u8, error: FreeError) -> ! {
    die(format_args!(
        "freed {slot:p} in family {}::{} as {} bytes: {error}",
        lane.holding.set_name,
        lane.holding.spec.name(),
        class::slot_size(lane.class),
    ))
}

impl Lane {
    /// The lane whose slot this is. Aborts if it is no slot of this cell.
    pub(super) fn owner_of(&self, slot: *mut u8) -> (&'static Lane, u32) {
        let Some(Place::Block(granule)) = self.space().place_of(slot.addr()) else {
            refuse(self, slot, FreeError::Foreign)
        };
        let owner = Block::at(self.space(), granule).lane().cast::<Lane>();
        // SAFETY: lanes live as long as the process, and a block's lane is one (I1).
        let owner = unsafe { &*owner };
        if !core::ptr::eq(owner.holding, self.holding) {
            refuse(self, slot, FreeError::WrongFamily { owner: owner.holding.spec.name() })
        }
        if owner.class != self.class {
            let size = class::slot_size(self.class);
            let layout = core::alloc::Layout::from_size_align(size, 1);
            refuse(
                self,
                slot,
                FreeError::WrongLayout {
                    slot_bytes: class::slot_size(owner.class),
                    layout: layout.unwrap_or(core::alloc::Layout::new::<u8>()),
                },
            )
        }
        (owner, granule)
    }

    /// The block in which a slot of this lane lies, where one look tells: it has one granule.
    #[inline]
    fn own_block(&self, slot: *mut u8) -> Option<u32> {
        let granule = self.space().granule_of(slot.addr())?;
        let block = Block::at(self.space(), granule);
        (block.is_head() && core::ptr::eq(block.lane().cast(), self)).then_some(granule)
    }

    /// Whether a slot is this lane's own. Aborts if it is no slot of this cell.
    #[inline]
    fn is_own(&self, slot: *mut u8) -> bool {
        self.own_block(slot).is_some() || core::ptr::eq(self.owner_of(slot).0, self)
    }

    /// Aborts unless the slot is this lane's own.
    pub(super) fn check_own(&self, slot: *mut u8) {
        if !self.is_own(slot) {
            die(format_args!("{slot:p} was posted to the wrong lane"))
        }
    }

    /// Whether the first and the last slot of a magazine are this lane's own.
    pub(super) fn looks_own(&self, magazine: &MagazineBox) -> bool {
        let slots = magazine.slots();
        [slots.first(), slots.last()].into_iter().flatten().all(|&slot| self.is_own(slot))
    }

    /// The lane whose slots all of these are.
    pub(super) fn sole_owner(&self, magazine: &MagazineBox) -> Option<&'static Lane> {
        let mut owners = magazine.slots().iter().map(|&slot| self.owner_of(slot).0);
        let first = owners.next()?;
        owners.all(|owner| core::ptr::eq(owner, first)).then_some(first)
    }

    /// Empties a magazine: own slots to their blocks, others to outboxes. Slots for which no
    /// outbox can be had are left in it.
    pub(super) fn disperse(
        &self,
        state: &mut LaneState,
        magazine: &mut MagazineBox,
        poke: &mut Option<&'static Lane>,
    ) {
        let divisor = class::Divisor::of(self.class);
        let mut run: Option<Run<'_>> = None;
        let mut left = 0;
        for index in (0..magazine.len()).rev() {
            let slot = magazine.slots()[index];
            if let Some(run) = &mut run {
                let offset = slot.addr().wrapping_sub(run.start);
                if offset < run.bytes {
                    self.gather(state, run, divisor, slot, offset);
                    continue;
                }
                self.give_run(state, run, divisor);
                run.mask = 0;
            }
            let granule = match self.own_block(slot) {
                Some(granule) => granule,
                None => match self.owner_of(slot) {
                    (owner, granule) if core::ptr::eq(owner, self) => granule,
                    (owner, _) => {
                        if let Err(slot) = self.send(state, owner, slot, poke) {
                            // The entry at this end has been dealt with, or is this very one.
                            let len = magazine.len();
                            magazine.buffer(len)[len - 1 - left] = slot;
                            left += 1;
                        }
                        continue;
                    }
                },
            };
            let next = run.insert(self.start_run(granule));
            let offset = self.offset_in(next, slot);
            self.gather(state, next, divisor, slot, offset);
        }
        if let Some(last) = run {
            self.give_run(state, &last, divisor);
        }
        let len = magazine.len();
        magazine.buffer(len).copy_within(len - left.., 0);
        // SAFETY: that many slots were moved to the front.
        unsafe { magazine.set_len(left) };
    }

    /// A run in one of this lane's blocks, with no slots yet.
    #[inline]
    fn start_run(&self, granule: u32) -> Run<'static> {
        let block = Block::at(self.space(), granule);
        let start = block.start().addr().get();
        Run {
            block,
            words: block.words_of(self.class),
            start,
            bytes: block.bytes(),
            word: 0,
            mask: 0,
        }
    }

    /// How far into a run's block a slot lies; what lies before the first slot is none.
    #[inline]
    fn offset_in(&self, run: &Run<'_>, slot: *mut u8) -> usize {
        let offset = slot.addr().wrapping_sub(run.start);
        if offset >= run.bytes {
            refuse(self, slot, FreeError::Foreign)
        }
        offset
    }

    /// Adds a slot to a run, freeing what was gathered when the word changes.
    #[inline]
    fn gather(
        &self,
        state: &mut LaneState,
        run: &mut Run<'_>,
        divisor: class::Divisor,
        slot: *mut u8,
        offset: usize,
    ) {
        let index = divisor.divide(offset);
        if index * divisor.slot_size != offset {
            let offset = offset - index * divisor.slot_size;
            refuse(self, slot, FreeError::Interior { offset })
        }
        let (word, bit) = (index / 64, 1 << (index % 64));
        if word != run.word {
            self.give_run(state, run, divisor);
            run.word = word;
            run.mask = 0;
        }
        if run.mask & bit != 0 {
            refuse(self, slot, FreeError::AlreadyFree)
        }
        run.mask |= bit;
    }

    /// Frees gathered slots in their block.
    #[inline]
    fn give_run(&self, state: &mut LaneState, run: &Run<'_>, divisor: class::Divisor) {
        if run.mask == 0 {
            return;
        }
        match run.block.give(run.words, run.word, run.mask) {
            Ok(change) => {
                state.counts.free += u64::from(run.mask.count_ones());
                if change != Change::None {
                    self.note_change(state, run.block, change);
                }
            }
            Err(wrong) => {
                let index = run.word * 64 + wrong.trailing_zeros() as usize;
                let slot = run.block.start().as_ptr().wrapping_add(index * divisor.slot_size);
                refuse(self, slot, FreeError::AlreadyFree)
            }
        }
    }

    /// Lists a block that has room again, and deals with one that became empty.
    #[cold]
    pub(super) fn note_change(&self, state: &mut LaneState, block: Block<'_>, change: Change) {
        if matches!(change, Change::GotRoom | Change::GotRoomAndEmptied) {
            state.room.insert(self.space(), block.granule);
        }
        if matches!(change, Change::Emptied | Change::GotRoomAndEmptied) {
            self.retire_block(state, block);
        }
    }

    /// Deals with a block that became empty: the only one with room is kept, others go.
    fn retire_block(&self, state: &mut LaneState, block: Block<'_>) {
        let lowest = state.room.lowest();
        let only = lowest == Some(block.granule)
            && state.room.after(self.space(), block.granule).is_none();
        if only {
            self.reset_block(state, block);
        } else {
            self.release_block(state, block);
        }
    }

    /// Frees one slot of this lane's own.
    pub(super) fn give_own(&self, state: &mut LaneState, slot: *mut u8) {
        let (owner, granule) = self.owner_of(slot);
        if !core::ptr::eq(owner, self) {
            die(format_args!("{slot:p} was given to the wrong lane"))
        }
        let divisor = class::Divisor::of(self.class);
        let mut run = self.start_run(granule);
        let offset = self.offset_in(&run, slot);
        self.gather(state, &mut run, divisor, slot, offset);
        self.give_run(state, &run, divisor);
    }

    /// Puts a slot of another lane into the outbox for it; gives it back for want of memory.
    fn send(
        &self,
        state: &mut LaneState,
        lane: &'static Lane,
        slot: *mut u8,
        poke: &mut Option<&'static Lane>,
    ) -> Result<(), *mut u8> {
        let boxes = &state.outboxes.boxes;
        let place = boxes
            .iter()
            .position(|outbox| outbox.as_ref().is_some_and(|it| core::ptr::eq(it.lane, lane)))
            .or_else(|| boxes.iter().position(Option::is_none));
        let place = match place {
            Some(place) => place,
            None => {
                // All are for other lanes: the fullest goes.
                let fullness = |it: &Option<Outbox>| it.as_ref().map(|it| it.magazine.len());
                let fullest = (0..OUTBOXES).max_by_key(|&at| fullness(&boxes[at])).unwrap_or(0);
                self.post(state, fullest, poke);
                fullest
            }
        };
        if state.outboxes.boxes[place].is_none() {
            let Some(magazine) = self.take_spare(state) else { return Err(slot) };
            state.outboxes.boxes[place] = Some(Outbox { lane, magazine });
        }
        if let Some(outbox) = &mut state.outboxes.boxes[place] {
            outbox.magazine.push(slot);
            if outbox.magazine.len() == class::magazine_capacity(self.class) {
                self.post(state, place, poke);
            }
        }
        Ok(())
    }

    fn post(&self, state: &mut LaneState, place: usize, poke: &mut Option<&'static Lane>) {
        if let Some(Outbox { lane, magazine }) = state.outboxes.boxes[place].take() {
            if lane.mailbox.post(magazine) > MAILBOX_BOUND {
                *poke = Some(lane);
            }
        }
    }

    /// Posts all outboxes, full or not.
    pub(super) fn post_all(&self, state: &mut LaneState) {
        for place in 0..OUTBOXES {
            self.post(state, place, &mut None);
        }
    }

    /// Frees what a dispersal has left over, each slot under its own lane's lock. The caller holds
    /// no lock.
    pub(super) fn send_one_by_one(&self, magazine: &mut MagazineBox) {
        while let Some(slot) = magazine.pop() {
            self.owner_of(slot).0.give_one(slot);
        }
    }

    /// The addresses parked here, for the integrity check. The caller holds the lock.
    pub(super) fn parked(state: &LaneState) -> impl Iterator<Item = NonNull<u8>> {
        let outboxes = state.outboxes.boxes.iter().flatten().map(|outbox| &outbox.magazine);
        let magazines = state.depot.iter().chain(outboxes);
        magazines.flat_map(|magazine| magazine.slots().iter().copied()).filter_map(NonNull::new)
    }
}
