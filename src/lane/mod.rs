//! Lanes: the locked block allocators of a cell.
//!
//! ```text
//!   thread A                thread B                 threads hold up to two magazines per cell
//!      |  ^                    |  ^
//! full v  | refill             v  |
//! +-- lane 0 ------------+  +-- lane 1 ------------+ one cell: a lane per thread at work in it
//! | lock                 |  | lock                 |
//! | depot: full magazines|  | ...                  |
//! | blocks with room     |  |                      |
//! | remote batches ----------------> mailbox             | slots of the other lane, a magazine at a time
//! +----------------------+  +----------------------+
//! ```
//!
//! A lane hands out full magazines and takes full magazines back. It serves from its depot, then
//! its mailbox, then the lowest block with room, then a new block. What its depot has no room for
//! is *flushed*: its own slots to the bitmaps of their blocks, the slots of other lanes to
//! remote batches, which go to their owners' mailboxes when full.
//!
//! The lock is taken once for a magazine of operations. Anyone may take it: a thread that posts to
//! an overfull mailbox empties it itself if the lock is free, and a reclaim does the work of lanes
//! whose threads sleep. Nobody waits for one lane's lock while holding another's, but for
//! the integrity check and whoever forgets what is parked, who lock those of a cell in their order,
//! and a fork, which locks all.

mod audit;
pub(crate) mod depot;
pub(crate) mod flush;
mod forget;
mod grow;
pub(crate) mod magazine;
mod owner;
pub(crate) mod sweep;
mod trim;

use trim::SeenOn;
pub(crate) use trim::{Drained, Occasion};

use core::mem;
use core::ptr::{self, NonNull};

use crate::block::Block;
use crate::class;
use crate::error::AllocError;
use crate::space::family_heap::FamilyHeap;
use crate::space::order::Order;
use crate::space::tables::Table;
use crate::space::{Space, registry};
#[cfg(feature = "std")]
use crate::sync::Patience;
use crate::sync::{AtomicPtr, AtomicUsize, Guard, Lock, Ordering, prefetch};

use depot::Depot;
use flush::RemoteBatches;
use magazine::{MagazineBox, MagazineList, Mailbox};

/// A mailbox with more magazines than this is emptied by whoever posts to it.
const MAILBOX_BOUND: usize = 8;
/// A lane keeps at most this many empty magazines.
const SPARE_BOUND: usize = class::MAX_DEPOT + 2;
/// From this many blocks on, a lane asks for the memory of a new one in one go.
const EAGER_FROM: u32 = 2;

/// Slots of this many bytes and more are fetched into the cache when a magazine is filled with them
/// from blocks, where they have been for a while. Smaller ones share lines, and the processor's own
/// fetching keeps up with them.
const PREFETCH_FROM: usize = 96;

/// When so many magazines of scattered slots were flushed and none was asked for meanwhile, the depot is
/// flushed, too, before the next one is handed out. The program has freed far more than a depot holds, and
/// what it allocates next shall lie in order.
const SCATTERED_BOUND: u32 = 4 * class::MAX_DEPOT as u32;

/// One locked block allocator of a cell.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) heap: &'static FamilyHeap,
    pub(crate) class: usize,
    /// How many threads are assigned to this lane.
    pub(crate) users: AtomicUsize,
    /// The next lane of the cell.
    pub(crate) next: AtomicPtr<Lane>,
    mailbox: Mailbox,
    state: Lock<LaneState>,
}

impl Table for Lane {
    const KIND: usize = 1;
}

/// What the lock guards.
#[derive(Debug)]
pub(crate) struct LaneState {
    /// Blocks with a slot to take.
    room: Order,
    depot: Depot,
    remote_batches: RemoteBatches,
    /// Empty magazines.
    spare: MagazineList,
    /// Whether there ever was a block of several granules.
    long_blocks: bool,
    /// How many magazines of scattered slots were flushed since one was handed out.
    scattered: u32,
    counts: LaneCounts,
    seen: SeenOn,
}

/// What a lane counts. None of it is counted on the hot path.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LaneCounts {
    pub(crate) blocks: u32,
    pub(crate) granules: u32,
    /// Slots that bump cursors have passed.
    pub(crate) carved: u64,
    /// Carved slots that are free in their blocks.
    pub(crate) free: u64,
    /// The most slots that the program can have had at once.
    pub(crate) peak: u64,
    /// How often the lock was taken.
    pub(crate) locks: u64,
    /// Slots in the depot, of this lane and of others.
    pub(crate) depot: u64,
    /// Slots in the depot, the remote batches and the mailbox, of this lane and of others.
    pub(crate) parked: u64,
}

/// Drops the slots of a thread's magazine that are in memory which was given up; returns whether there were
/// any. Nothing else that a lane gets has such slots.
#[inline]
fn drop_given_up(magazine: &mut MagazineBox) -> bool {
    registry::has_started_over()
        && magazine.drop_all_that(|slot| registry::is_given_up(slot.addr())) > 0
}

impl Lane {
    pub(crate) const fn new(heap: &'static FamilyHeap, class: usize) -> Self {
        Self {
            heap,
            class,
            users: AtomicUsize::new(0),
            next: AtomicPtr::new(ptr::null_mut()),
            mailbox: Mailbox::new(),
            state: Lock::new(LaneState {
                room: Order::new(),
                depot: Depot::new(),
                remote_batches: RemoteBatches::new(),
                spare: MagazineList::new(),
                long_blocks: false,
                scattered: 0,
                counts: LaneCounts {
                    blocks: 0,
                    granules: 0,
                    carved: 0,
                    free: 0,
                    peak: 0,
                    locks: 0,
                    depot: 0,
                    parked: 0,
                },
                seen: SeenOn::NOTHING,
            }),
        }
    }

    pub(crate) fn space(&self) -> &'static Space {
        self.heap.space
    }

    fn lock(&self) -> Guard<'_, LaneState> {
        let mut state = self.state.lock();
        state.counts.locks += 1;
        state
    }

    /// Keeps the lane as it is, until [`Self::unlock`]. The mailbox stays as well, once all lanes of the cell
    /// are held: a thread posts only under the lock of a lane.
    /// Returns whether it could before its patience was over.
    #[cfg(feature = "std")]
    pub(crate) fn lock_for_fork(&self, patience: &mut Patience) -> bool {
        self.state.lock_for_fork(patience)
    }

    /// The same where nobody else knows it yet, if everything else is held for a fork.
    #[cfg(feature = "std")]
    pub(crate) fn lock_newborn(&self) {
        self.state.lock_newborn();
    }

    /// Whether somebody holds the lock.
    #[cfg(feature = "std")]
    pub(crate) fn is_held(&self) -> bool {
        self.state.is_held()
    }

    /// Whether the calling thread holds the lock.
    #[cfg(feature = "std")]
    pub(crate) fn is_mine(&self) -> bool {
        self.state.is_mine()
    }

    /// Ends what [`Self::lock_for_fork`] began.
    ///
    /// # Safety
    ///
    /// As for [`Lock::unlock`].
    #[cfg(feature = "std")]
    pub(crate) unsafe fn unlock(&self) {
        // SAFETY: passed on.
        unsafe { self.state.unlock() };
    }

    /// Exchanges an empty magazine for one with at least one slot: for a full one, or with up to `fill`
    /// slots from blocks. On failure the magazine comes back as it was.
    pub(crate) fn exchange(
        &self,
        mut empty: MagazineBox,
        fill: usize,
    ) -> Result<MagazineBox, (MagazineBox, AllocError)> {
        debug_assert!(empty.is_empty());
        let mut state = self.lock();
        self.note_peak(&mut state);
        if mem::take(&mut state.scattered) >= SCATTERED_BOUND {
            state = self.empty_depot(state);
        }
        // Before any block: what other threads have freed is used again instead of fresh slots, and
        // does not pile up.
        if state.depot.len() == 0 && !self.mailbox.is_empty() {
            self.collect_mail(&mut state);
        }
        if let Some(full) = state.depot.pop_latest() {
            self.keep_spare(&mut state, empty);
            return Ok(full);
        }
        match self.fill(&mut state, &mut empty, fill) {
            Ok(()) => Ok(empty),
            Err(error) => Err((empty, error)),
        }
    }

    /// Fills an empty magazine with up to `count` slots, from the lowest blocks with room, or from a new
    /// block.
    fn fill(
        &self,
        state: &mut LaneState,
        magazine: &mut MagazineBox,
        count: usize,
    ) -> Result<(), AllocError> {
        let capacity = class::magazine_capacity(self.class).min(count);
        let out = magazine.buffer(capacity);
        let left = self.alloc_slots(state, out)?;
        if class::slot_size(self.class) >= PREFETCH_FROM {
            for &slot in &out[left..] {
                prefetch(slot);
            }
        }
        if left > 0 {
            out.copy_within(left.., 0);
        }
        // SAFETY: as many were written, and moved to the front.
        unsafe { magazine.set_len(capacity - left) };
        Ok(())
    }

    /// Takes at least one slot from blocks, writing from the back of `out`; returns how many
    /// entries are left in front.
    fn alloc_slots(&self, state: &mut LaneState, out: &mut [*mut u8]) -> Result<usize, AllocError> {
        let mut left = out.len();
        while left > 0 {
            let Some(granule) = state.room.lowest() else {
                // A magazine with some slots will do. Only for one with none a block is added.
                if left < out.len() {
                    break;
                }
                self.add_block(state)?;
                continue;
            };
            let block = Block::at(self.space(), granule);
            let (carved, free) = (block.carved(), block.free());
            // These pages come back at a touch: so the family grows without an extent, and is to be
            // trimmed elsewhere.
            if block.lacks_pages() {
                self.heap.note_regrown(block.bytes());
            }
            left -= block.alloc(&mut out[..left], state.counts.blocks >= EAGER_FROM);
            state.counts.carved += u64::from(block.carved() - carved);
            state.counts.free -= u64::from(free - block.free());
            if !block.has_room() {
                state.room.remove(self.space(), granule);
            }
        }
        Ok(left)
    }

    /// Notes how many slots the program can have had at most since the last time: those that are neither in
    /// blocks nor in the depot. Some of these are not the program's but in magazines. A thread's magazine is
    /// filled when it is empty, so the count is above the truth by at most a magazine for each thread, and
    /// by what other lanes' threads have freed and not sent home.
    fn note_peak(&self, state: &mut LaneState) {
        let out = state.counts.carved - state.counts.free;
        let out = out.saturating_sub(state.depot.slots() as u64);
        state.counts.peak = state.counts.peak.max(out);
    }

    /// Takes a full magazine in and gives an empty one out. Cannot fail: without memory for another
    /// magazine it empties the one it was given.
    pub(crate) fn park(&self, mut full: MagazineBox) -> MagazineBox {
        let mut poke = None;
        // What is left may be little: it goes back to the blocks, where a full magazine would be
        // parked.
        if drop_given_up(&mut full) {
            self.unload(&mut full);
            return full;
        }
        let mut state = self.lock();
        self.note_peak(&mut state);
        let mut empty = self.admit(&mut state, full, &mut poke);
        // Without the lock, as each of these takes that of another lane: nobody holds two (see the
        // top).
        drop(state);
        self.send_one_by_one(&mut empty);
        // Here, as somebody frees: each magazine pays for a small piece of the memory that is due to go
        // back.
        self.space().purge_on_the_way();
        if let Some(lane) = poke {
            lane.collect_overdue_mail();
        }
        empty
    }

    /// Puts the slots of a full magazine where they belong, and returns an empty magazine. Slots that could
    /// not be sent for want of memory are left in that.
    fn admit(
        &self,
        state: &mut LaneState,
        mut full: MagazineBox,
        poke: &mut Option<&'static Lane>,
    ) -> MagazineBox {
        // Two looks have to do. A stranger in a parked magazine is a slot of the same cell all the
        // same, and goes home when that is flushed.
        if self.looks_own(&full) {
            if state.depot.len() == class::depot_capacity(self.class) {
                // The coldest goes. What has just been freed stays, to be handed out first.
                if let Some(mut oldest) = state.depot.pop_oldest() {
                    self.flush(state, &mut oldest, poke);
                    state.depot.push_latest(full);
                    return oldest;
                }
            }
            if let Some(spare) = self.take_spare(state) {
                state.depot.push_latest(full);
                return spare;
            }
        } else if let Some(owner) = self.likely_owner(&full) {
            if let Some(spare) = self.take_spare(state) {
                if owner.mailbox.post(full) > MAILBOX_BOUND {
                    *poke = Some(owner);
                }
                return spare;
            }
        }
        self.flush(state, &mut full, poke);
        full
    }

    /// Takes one slot, for a thread that has no magazines.
    pub(crate) fn alloc_one(&self) -> Result<NonNull<u8>, AllocError> {
        let mut state = self.lock();
        if state.depot.len() == 0 && !self.mailbox.is_empty() {
            self.collect_mail(&mut state);
        }
        let mut slot = ptr::null_mut();
        if let Some(mut magazine) = state.depot.pop_latest() {
            if let Some(last) = magazine.pop() {
                slot = last;
            }
            if magazine.is_empty() {
                self.keep_spare(&mut state, magazine);
            } else {
                state.depot.push_latest(magazine);
            }
        }
        if slot.is_null() {
            self.alloc_slots(&mut state, core::slice::from_mut(&mut slot))?;
        }
        self.note_peak(&mut state);
        // SAFETY: magazines and blocks hold addresses of slots, which are not null.
        Ok(unsafe { NonNull::new_unchecked(slot) })
    }

    /// Takes one slot of this lane back, for a thread that has no magazines.
    pub(super) fn free_one(&self, slot: *mut u8) {
        let mut state = self.lock();
        self.note_peak(&mut state);
        self.free_own(&mut state, slot);
    }

    /// Takes one slot of this lane's cell back, for a thread that has no magazines.
    pub(crate) fn free_unbuffered(&self, slot: NonNull<u8>) {
        if registry::is_given_up(slot.addr().get()) {
            return;
        }
        self.owner_of(slot.as_ptr()).0.free_one(slot.as_ptr());
    }

    /// Takes what a thread leaves behind when it goes: its magazines, in whatever state.
    pub(crate) fn retire(&self, magazines: [Option<MagazineBox>; 2]) {
        let mut poke = None;
        self.note_peak(&mut self.lock());
        // One lock for each, so that others get in between. The thread leaves the lane behind that:
        // whoever is the last to leave finds what all have given.
        for mut magazine in magazines.into_iter().flatten() {
            drop_given_up(&mut magazine);
            let mut state = self.lock();
            self.flush(&mut state, &mut magazine, &mut poke);
            drop(state);
            self.send_one_by_one(&mut magazine);
            self.keep_spare(&mut self.lock(), magazine);
        }
        if self.users.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.drain();
        }
        if let Some(lane) = poke {
            lane.collect_overdue_mail();
        }
    }

    /// Empties a magazine of this lane's thread.
    pub(crate) fn unload(&self, magazine: &mut MagazineBox) {
        let mut poke = None;
        drop_given_up(magazine);
        let mut state = self.lock();
        self.note_peak(&mut state);
        self.flush(&mut state, magazine, &mut poke);
        drop(state);
        self.send_one_by_one(magazine);
        if let Some(lane) = poke {
            lane.collect_overdue_mail();
        }
    }

    /// Does all the deferred work of this lane: mail, depot, remote batches, empty blocks.
    pub(crate) fn drain(&self) -> Drained {
        let mut state = self.lock();
        let mail = self.collect_mail(&mut state);
        state = self.empty_depot(state);
        // Full or not: where a lane rests nobody would fill these, and their slots wait for nothing.
        self.post_all(&mut state);
        let mut candidate = state.room.lowest();
        while let Some(granule) = candidate {
            // The next one is found before this one goes, and its links with it.
            candidate = state.room.after(self.space(), granule);
            let block = Block::at(self.space(), granule);
            if block.is_empty() {
                // SAFETY: no slot of it is in use.
                unsafe { self.release_block(&mut state, block) };
            }
        }
        while let Some(spare) = state.spare.pop() {
            spare.discard(self.space());
        }
        Drained { locks: state.counts.locks, mail }
    }

    /// Flushes all that is parked in the depot. Lets go of the lock for a moment where slots of
    /// other lanes cannot be posted for want of memory.
    fn empty_depot<'a>(&'a self, mut state: Guard<'a, LaneState>) -> Guard<'a, LaneState> {
        while let Some(mut magazine) = state.depot.pop_latest() {
            self.flush(&mut state, &mut magazine, &mut None);
            if !magazine.is_empty() {
                drop(state);
                self.send_one_by_one(&mut magazine);
                state = self.lock();
            }
            self.keep_spare(&mut state, magazine);
        }
        state
    }

    /// Empties an overfull mailbox if nobody is at work in this lane.
    fn collect_overdue_mail(&self) {
        if let Some(mut state) = self.state.try_lock() {
            state.counts.locks += 1;
            self.collect_mail(&mut state);
        }
    }

    /// Whether slots that came from elsewhere wait to be taken in.
    pub(crate) fn has_mail(&self) -> bool {
        !self.mailbox.is_empty()
    }

    /// Takes the mail in: full magazines to the depot while it has room, the rest to the blocks.
    /// Returns whether there was any.
    fn collect_mail(&self, state: &mut LaneState) -> bool {
        let mut mail = self.mailbox.empty();
        let any = !mail.is_empty();
        if any {
            // What comes in with it may have been the program's until it was posted.
            self.note_peak(state);
        }
        while let Some(mut magazine) = mail.pop() {
            self.mailbox.count_taken(&magazine);
            let full = magazine.len() == class::magazine_capacity(self.class);
            if full && state.depot.len() < class::depot_capacity(self.class) {
                // Behind all others: what this lane's own threads have freed is handed out before it.
                state.depot.push_oldest(magazine);
                continue;
            }
            // Nearly all are this lane's own; the others are sent on.
            self.flush(state, &mut magazine, &mut None);
            if magazine.is_empty() {
                self.keep_spare(state, magazine);
            } else if let Some(&slot) = magazine.slots().first() {
                // For want of memory for a remote batch: the magazine itself goes there.
                self.owner_of(slot).0.mailbox.post(magazine);
            }
        }
        any
    }

    fn keep_spare(&self, state: &mut LaneState, magazine: MagazineBox) {
        if state.spare.len() < SPARE_BOUND {
            state.spare.push(magazine);
        } else {
            magazine.discard(self.space());
        }
    }

    fn take_spare(&self, state: &mut LaneState) -> Option<MagazineBox> {
        state.spare.pop().or_else(|| MagazineBox::new(self.space(), self.class).ok())
    }

    /// Gives a block back to the family.
    ///
    /// # Safety
    ///
    /// No slot of it is in use any more, and none is parked.
    unsafe fn release_block(&self, state: &mut LaneState, block: Block<'_>) {
        state.room.remove(self.space(), block.granule);
        self.reset_block(state, block);
        // Before its granules are another's: a slot that was freed twice and comes late then belongs to
        // no lane, and is refused.
        block.disown();
        state.counts.blocks -= 1;
        state.counts.granules -= block.granules();
        // SAFETY: this lane took the block; nothing in it is in use (contract), and its bitmap has been
        // cleared.
        unsafe { self.heap.free_block(block.granule, block.granules()) };
    }

    fn reset_block(&self, state: &mut LaneState, block: Block<'_>) {
        state.counts.carved -= u64::from(block.carved());
        state.counts.free -= u64::from(block.free());
        block.reset();
    }

    /// What this lane has counted.
    pub(crate) fn counts(&self) -> LaneCounts {
        let state = self.state.lock();
        let mut counts = state.counts;
        let parked = state.depot.slots() + state.remote_batches.slots() + self.mailbox.load().1;
        counts.parked = parked as u64;
        counts.depot = state.depot.slots() as u64;
        counts
    }
}
