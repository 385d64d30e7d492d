//! Dispersing: from a magazine back to the blocks, each slot to its own lane.
//!
//! Here a pointer is looked at again after it was freed. So this notices a slot that was freed twice, and
//! a pointer to no slot, at no cost to the fast path. By then the memory may be in two hands already, so
//! such a discovery aborts the process.

use core::cell::Cell;
use core::ptr::NonNull;

use crate::abort;
use crate::block::{Block, Change};
use crate::class;
use crate::error::FreeError;
use crate::space::window::{Lookup, Place};

use super::magazine::MagazineBox;
use super::{Lane, LaneState, MAILBOX_BOUND};

/// How many pairs of neighbours in a magazine are looked at before it is flushed.
const SAMPLES: usize = 5;
/// How many slots of a magazine are looked at before it is sent away as it is.
const OWNER_SAMPLES: usize = 8;
/// How many other lanes a lane collects slots for at the same time.
const REMOTE_BATCHES: usize = 4;

/// Magazines in which slots of other lanes are collected, one for each lane.
#[derive(Debug)]
pub(super) struct RemoteBatches {
    boxes: [Option<RemoteBatch>; REMOTE_BATCHES],
}

#[derive(Debug)]
struct RemoteBatch {
    lane: &'static Lane,
    magazine: MagazineBox,
}

impl RemoteBatches {
    pub(super) const fn new() -> Self {
        Self { boxes: [const { None }; REMOTE_BATCHES] }
    }

    /// Takes one of the magazines out.
    pub(super) fn pop(&mut self) -> Option<MagazineBox> {
        let remote_batch = self.boxes.iter_mut().find_map(Option::take)?;
        Some(remote_batch.magazine)
    }

    /// How many slots wait to be posted.
    pub(super) fn slots(&self) -> usize {
        self.boxes.iter().flatten().map(|remote_batch| remote_batch.magazine.len()).sum()
    }
}

/// How many of the first slots are each `size` bytes above the one before it, or each below: one at
/// least.
fn run_length(slots: &[*mut u8], size: usize) -> usize {
    let step = |pair: &[*mut u8]| pair[1].addr().wrapping_sub(pair[0].addr());
    let mut steps = slots.windows(2).map(step);
    match steps.next() {
        Some(first) if first == size || first == size.wrapping_neg() => {
            2 + steps.take_while(|&step| step == first).count()
        }
        _ => 1,
    }
}

/// Says what is wrong with a pointer that was freed, and aborts.
#[cold]
fn refuse(lane: &Lane, slot: *mut u8, error: FreeError) -> ! {
    abort::wrong_slot(lane.name(), slot, class::slot_size(lane.class), error)
}

impl Lane {
    /// The lane's family, for a message.
    pub(super) fn name(&self) -> abort::Name {
        abort::Name { set: self.heap.set_name, family: self.heap.spec.name() }
    }

    /// The lane whose slot this is. Aborts if it is no slot of this cell.
    pub(super) fn owner_of(&self, slot: *mut u8) -> (&'static Lane, u32) {
        let Some(Place::Block(granule)) = self.space().place_of(slot.addr()) else {
            refuse(self, slot, FreeError::Foreign)
        };
        let Some(owner) = Block::find(self.space(), granule).and_then(Lane::of) else {
            refuse(self, slot, FreeError::Foreign)
        };
        if !core::ptr::eq(owner.heap, self.heap) {
            refuse(self, slot, FreeError::WrongFamily { owner: owner.heap.spec.name() })
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

    /// The block in which a slot of this lane lies, and how far into it; `None` for what is not in a
    /// block of this lane. Unless `LONG`, all its blocks have one granule.
    #[inline(always)]
    fn own_block<const LONG: bool>(
        &self,
        lookup: Lookup,
        slot: *mut u8,
    ) -> Option<(Block<'static>, usize)> {
        let (granule, desc, offset) =
            if LONG { lookup.head_of(slot.addr())? } else { lookup.granule_of(slot.addr())? };
        self.owns(desc).then(|| (Block::of(self.space(), granule, desc), offset))
    }

    /// Whether a slot is this lane's own. Aborts if it is no slot of this cell.
    #[inline]
    fn is_own(&self, slot: *mut u8) -> bool {
        self.own_block::<true>(self.space().lookup(), slot).is_some()
            || core::ptr::eq(self.owner_of(slot).0, self)
    }

    /// Whether the first and the last slot of a magazine are this lane's own.
    pub(super) fn looks_own(&self, magazine: &MagazineBox) -> bool {
        let slots = magazine.slots();
        [slots.first(), slots.last()].into_iter().flatten().all(|&slot| self.is_own(slot))
    }

    /// The lane whose slots most of these are likely to be, by a few samples that agree.
    ///
    /// To look at each would cost more than it saves. The odd slot of another lane goes a longer way: the lane
    /// that gets the magazine sends it on.
    pub(super) fn likely_owner(&self, magazine: &MagazineBox) -> Option<&'static Lane> {
        let slots = magazine.slots();
        let samples = (0..OWNER_SAMPLES).map(|sample| sample * slots.len() / OWNER_SAMPLES);
        let mut owners = samples.filter_map(|at| slots.get(at)).map(|&slot| self.owner_of(slot).0);
        let first = owners.next()?;
        owners.all(|owner| core::ptr::eq(owner, first)).then_some(first)
    }

    /// Empties a magazine: own slots to their blocks, others to remote batches. Slots for which no
    /// remote batch can be had are left in it.
    pub(super) fn flush(
        &self,
        state: &mut LaneState,
        magazine: &mut MagazineBox,
        poke: &mut Option<&'static Lane>,
    ) {
        let others = self.free_own_slots(state, magazine);
        let mut left = 0;
        for index in 0..others {
            let slot = magazine.slots()[index];
            let (owner, _) = self.owner_of(slot);
            if let Err(slot) = self.send(state, owner, slot, poke) {
                // The entry at this place has been dealt with, or is this very one.
                magazine.buffer(others)[left] = slot;
                left += 1;
            }
        }
        // SAFETY: that many slots were moved to the front.
        unsafe { magazine.set_len(left) };
    }

    /// Frees the slots of a magazine that are this lane's own, in their blocks, and moves the others
    /// to its front; returns how many these are.
    fn free_own_slots(&self, state: &mut LaneState, magazine: &mut MagazineBox) -> usize {
        if self.looks_ordered(magazine.slots()) {
            return self.free_runs(state, magazine);
        }
        state.scattered = state.scattered.saturating_add(1);
        if state.long_blocks {
            self.free_scattered::<true>(state, magazine)
        } else {
            self.free_scattered::<false>(state, magazine)
        }
    }

    /// Whether most of these slots are neighbours of the slots before them, by a few samples.
    fn looks_ordered(&self, slots: &[*mut u8]) -> bool {
        let size = class::slot_size(self.class);
        let places = (0..SAMPLES).map(|sample| sample * slots.len() / SAMPLES);
        let neighbours = |&place: &usize| match slots.get(place..place + 2) {
            Some(&[one, other]) => one.addr().abs_diff(other.addr()) == size,
            _ => false,
        };
        places.filter(neighbours).count() * 2 > SAMPLES
    }

    /// [`Self::free_own_slots`] for slots most of which are neighbours of each other.
    ///
    /// What was allocated together tends to be freed together, in order or in reverse. Then a word
    /// of the bitmap takes up to 64 of them at once.
    fn free_runs(&self, state: &mut LaneState, magazine: &mut MagazineBox) -> usize {
        let divisor = class::Divisor::of(self.class);
        let lookup = self.space().lookup();
        let slots = magazine.all();
        let (mut others, mut next) = (0, 0);
        while next < slots.len() {
            let slot = slots[next];
            let Some((block, offset)) = self.own_block::<true>(lookup, slot) else {
                slots[others] = slot;
                others += 1;
                next += 1;
                continue;
            };
            let Some(index) = block.carved_slot(divisor, offset) else { self.refuse_own(slot) };
            let run = run_length(&slots[next..], divisor.slot_size);
            // A run goes on in the next block, but that is another look-up.
            let ascends = run > 1 && slots[next + 1] > slot;
            let count = run.min(if ascends { block.carved() as usize - index } else { index + 1 });
            let lowest = if ascends { index } else { index + 1 - count };
            self.free_run(state, block, lowest, count);
            next += count;
        }
        others
    }

    /// Frees so many carved slots of one block from position `index` on.
    fn free_run(&self, state: &mut LaneState, block: Block<'_>, index: usize, count: usize) {
        let (words, end) = (block.words(), index + count);
        let mut changes = Change::None;
        for word in index / 64..=(end - 1) / 64 {
            let from = index.saturating_sub(word * 64);
            let upto = (end - word * 64).min(64);
            let mask = (u64::MAX << from) & (u64::MAX >> (64 - upto));
            match block.free_word(words, word, mask) {
                Ok(change) => {
                    state.counts.free += u64::from(mask.count_ones());
                    changes = changes.then(change);
                }
                Err(wrong) => {
                    let index = word * 64 + wrong.trailing_zeros() as usize;
                    let offset = index * class::slot_size(self.class);
                    let slot = block.start().as_ptr().wrapping_add(offset);
                    refuse(self, slot, FreeError::AlreadyFree)
                }
            }
        }
        // Not sooner: where a slot of a later word is free already, the block may be empty before, and
        // must not go while there is something left to be found out about it.
        if changes != Change::None {
            self.note_change_of(state, block, changes);
        }
    }

    /// [`Self::free_own_slots`] for slots in any order.
    ///
    /// Nothing is kept from one slot to the next, neither a block nor a bitmap word: what the slots
    /// of a magazine have in common is in the first-level cache, and a branch that asks whether the
    /// last block comes again would guess wrong too often.
    #[inline(never)]
    fn free_scattered<const LONG: bool>(
        &self,
        state: &mut LaneState,
        magazine: &mut MagazineBox,
    ) -> usize {
        let divisor = class::Divisor::of(self.class);
        let lookup = self.space().lookup();
        let slots = Cell::from_mut(magazine.all()).as_slice_of_cells();
        // All of them are counted as freed, for fewer counters in the loop; the others are taken off.
        state.counts.free += slots.len() as u64;
        let mut others = 0;
        for slot in slots {
            let slot = slot.get();
            let Some((block, offset)) = self.own_block::<LONG>(lookup, slot) else {
                slots[others].set(slot);
                others += 1;
                continue;
            };
            match block.free_at(divisor, offset) {
                Some(false) => {}
                Some(true) => self.note_change(state, slot),
                None => self.refuse_own(slot),
            }
        }
        state.counts.free -= others as u64;
        others
    }

    /// Says why a slot in a block of this lane cannot be freed, and aborts.
    #[cold]
    fn refuse_own(&self, slot: *mut u8) -> ! {
        let error = match self.own_block::<true>(self.space().lookup(), slot) {
            Some((block, offset)) => block.why_not(class::Divisor::of(self.class), offset),
            None => FreeError::Foreign,
        };
        refuse(self, slot, error)
    }

    /// Looks at the block of a slot just freed, which has room again or became empty.
    #[cold]
    fn note_change(&self, state: &mut LaneState, slot: *mut u8) {
        if let Some((block, _)) = self.own_block::<true>(self.space().lookup(), slot) {
            let change = block.recount();
            self.note_change_of(state, block, change);
        }
    }

    /// Lists a block that has room again, and deals with one that became empty.
    #[cold]
    pub(super) fn note_change_of(&self, state: &mut LaneState, block: Block<'_>, change: Change) {
        if matches!(change, Change::GotRoom | Change::GotRoomAndEmptied) {
            // Before the other: a block that is empty as well is then kept on the list, or taken off
            // it.
            state.room.insert(self.space(), block.granule);
        }
        if matches!(change, Change::Emptied | Change::GotRoomAndEmptied) {
            self.retire_block(state, block);
        }
    }

    /// Deals with a block that became empty: the only one with room is kept, others go.
    fn retire_block(&self, state: &mut LaneState, block: Block<'_>) {
        // A lane that has one object at a time would otherwise give a block back and take one with
        // each.
        let lowest = state.room.lowest();
        let only = lowest == Some(block.granule)
            && state.room.after(self.space(), block.granule).is_none();
        if only {
            self.reset_block(state, block);
        } else {
            // SAFETY: no slot of it is in use.
            unsafe { self.release_block(state, block) };
        }
    }

    /// Frees one slot of this lane's own.
    pub(super) fn free_own(&self, state: &mut LaneState, slot: *mut u8) {
        let Some((block, offset)) = self.own_block::<true>(self.space().lookup(), slot) else {
            abort::wrong_lane(self.name(), slot, class::slot_size(self.class))
        };
        let Some(changed) = block.free_at(class::Divisor::of(self.class), offset) else {
            self.refuse_own(slot)
        };
        state.counts.free += 1;
        if changed {
            self.note_change(state, slot);
        }
    }

    /// Puts a slot of another lane into the remote batch for it; gives it back for want of memory.
    fn send(
        &self,
        state: &mut LaneState,
        lane: &'static Lane,
        slot: *mut u8,
        poke: &mut Option<&'static Lane>,
    ) -> Result<(), *mut u8> {
        let boxes = &state.remote_batches.boxes;
        let place = boxes
            .iter()
            .position(|remote_batch| {
                remote_batch.as_ref().is_some_and(|it| core::ptr::eq(it.lane, lane))
            })
            .or_else(|| boxes.iter().position(Option::is_none));
        let place = match place {
            Some(place) => place,
            None => {
                // All are for other lanes: the fullest goes.
                let fullness = |it: &Option<RemoteBatch>| it.as_ref().map(|it| it.magazine.len());
                let fullest =
                    (0..REMOTE_BATCHES).max_by_key(|&at| fullness(&boxes[at])).unwrap_or(0);
                self.post(state, fullest, poke);
                fullest
            }
        };
        if state.remote_batches.boxes[place].is_none() {
            // To free must not fail: the caller then takes the owner's lock for this one slot.
            let Some(magazine) = self.take_spare(state) else { return Err(slot) };
            state.remote_batches.boxes[place] = Some(RemoteBatch { lane, magazine });
        }
        if let Some(remote_batch) = &mut state.remote_batches.boxes[place] {
            remote_batch.magazine.push(slot);
            if remote_batch.magazine.len() == class::magazine_capacity(self.class) {
                self.post(state, place, poke);
            }
        }
        Ok(())
    }

    fn post(&self, state: &mut LaneState, place: usize, poke: &mut Option<&'static Lane>) {
        if let Some(RemoteBatch { lane, magazine }) = state.remote_batches.boxes[place].take() {
            // The owner may sleep for ever, and its mailbox must not grow for ever: the thread that
            // overfills it empties it, as soon as it holds no lock.
            if lane.mailbox.post(magazine) > MAILBOX_BOUND {
                *poke = Some(lane);
            }
        }
    }

    /// Posts all remote batches, full or not.
    pub(super) fn post_all(&self, state: &mut LaneState) {
        for place in 0..REMOTE_BATCHES {
            self.post(state, place, &mut None);
        }
    }

    /// Frees what a flush has left over, each slot under its own lane's lock. The caller holds
    /// no lock.
    pub(super) fn send_one_by_one(&self, magazine: &mut MagazineBox) {
        while let Some(slot) = magazine.pop() {
            self.owner_of(slot).0.free_one(slot);
        }
    }

    /// The magazines parked here. The caller holds the lock.
    pub(super) fn magazines(state: &LaneState) -> impl Iterator<Item = &MagazineBox> {
        let remote_batches =
            state.remote_batches.boxes.iter().flatten().map(|remote_batch| &remote_batch.magazine);
        state.depot.iter().chain(remote_batches)
    }

    /// The addresses parked here, for the integrity check. The caller holds the lock.
    pub(super) fn parked(state: &LaneState) -> impl Iterator<Item = NonNull<u8>> {
        let magazines = Self::magazines(state);
        magazines.flat_map(|magazine| magazine.slots().iter().copied()).filter_map(NonNull::new)
    }
}
