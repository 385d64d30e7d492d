//! Giving back the pages of blocks in use in which nothing lives.
//!
//! When most of a family's objects have died, here and there, its blocks stay because of the few
//! that have not. Their addresses cannot be given back, but the pages between them can: a free slot
//! need not keep its contents. The next program to take such a slot gets a page of zeros for it, so
//! this is only done when memory is asked back, and in lanes that nobody has used for a while: half a
//! second, or, when the family grows, while it grew by an extent. The next phase of a program then has the
//! pages that the last one left between its survivors.

use crate::block::Block;
use crate::space::map::GRANULE;
use crate::sync::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use super::Lane;

/// So many runs of pages are given back while the lock is held.
const RUNS: usize = 4;

/// Trimming while the family grows stops after the block in which so many runs were looked at: it happens
/// within somebody's allocation, ...
const RUNS_WHILE_GROWING: usize = 128;
/// ... and trimming what decays after so many, wherever that is: it happens within anybody's.
const RUNS_IN_PASSING: usize = 8;
/// So many blocks are looked at for them.
const BLOCKS_IN_PASSING: usize = 64;

/// What somebody has seen of a lane who comes by now and then.
#[derive(Debug)]
pub(crate) struct Seen {
    /// How often the lock had been taken.
    locks: AtomicU64,
    /// Whether nobody had since the time before, and all was given back that could be.
    trimmed: AtomicBool,
    /// Where to go on, if not.
    granule: AtomicU32,
    slot: AtomicUsize,
}

impl Seen {
    pub(super) const fn new() -> Self {
        Self {
            locks: AtomicU64::new(0),
            trimmed: AtomicBool::new(false),
            granule: AtomicU32::new(NOWHERE),
            slot: AtomicUsize::new(0),
        }
    }
}

/// The place from which a lane is trimmed from its beginning.
const NOWHERE: u32 = u32::MAX;

/// How far a lane has been trimmed: to which block, if to any, and to which slot of it.
type Place = (Option<u32>, usize);

impl Lane {
    /// Whether nobody has used this lane since this was last asked with the same `seen`, and it was not
    /// trimmed since, or has had mail.
    pub(crate) fn is_idle(&self, seen: &Seen) -> bool {
        let looked = self.state.lock().counts;
        let idle = looked.locks == seen.locks.swap(looked.locks, Ordering::Relaxed);
        // Who leaves mail does not take the lock.
        if !idle || !self.mailbox.is_empty() {
            seen.trimmed.store(false, Ordering::Relaxed);
            // There may be something to trim again before that place.
            seen.granule.store(NOWHERE, Ordering::Relaxed);
            seen.slot.store(0, Ordering::Relaxed);
        }
        idle && looked.blocks > 0 && !seen.trimmed.load(Ordering::Relaxed)
    }

    /// Gives back pages without live slots, of a lane that is idle and settled, a few blocks of them at a
    /// time; returns whether that was all. By then the lock had been taken so often.
    pub(crate) fn trim_while_growing(&self, locks: u64) -> bool {
        let page = self.space().page_size();
        let (_, done) = self.trim_pages(usize::MAX, page, RUNS_WHILE_GROWING);
        note_trimmed(&self.seen_growing, locks, done);
        done
    }

    /// [`trim_while_growing`](Self::trim_while_growing) for a few pages at a time.
    pub(crate) fn trim_in_passing(&self, locks: u64) -> bool {
        let (seen, page) = (&self.seen_decaying, self.space().page_size());
        let granule = seen.granule.load(Ordering::Relaxed);
        let mut place =
            ((granule != NOWHERE).then_some(granule), seen.slot.load(Ordering::Relaxed));
        let (mut looked_at, mut done) = (0, false);
        for _ in 0..BLOCKS_IN_PASSING {
            if done || looked_at >= RUNS_IN_PASSING {
                break;
            }
            match self.trim_some(page, &mut place) {
                Some(turn) => looked_at += turn.looked_at,
                None => done = true,
            }
        }
        let place = if done { (None, 0) } else { place };
        seen.granule.store(place.0.unwrap_or(NOWHERE), Ordering::Relaxed);
        seen.slot.store(place.1, Ordering::Relaxed);
        note_trimmed(seen, locks, done);
        done
    }

    /// Gives back pages without live slots in blocks that have room, until `goal` bytes have gone;
    /// returns how many went. Pages that went before and were not touched since may be counted again,
    /// but not in blocks of which no slot was taken or freed since.
    ///
    /// Blocks are trimmed whole: half of one would be trimmed again the next time, and counted again.
    pub(crate) fn trim(&self, goal: usize) -> usize {
        // To take a part of a huge page back, the system has to break it up: that is worth it for a
        // granule, or for who does not come back, or where all is asked for.
        let least_of_huge = if goal == usize::MAX { self.space().page_size() } else { GRANULE };
        self.trim_pages(goal, least_of_huge, usize::MAX).0
    }

    /// [`trim`](Self::trim) that breaks a huge page up for so many bytes or more, and stops after the block
    /// in which it has looked at so many runs; returns also whether it came to the end.
    fn trim_pages(&self, goal: usize, least_of_huge: usize, runs: usize) -> (usize, bool) {
        let (mut gone, mut looked_at, mut place) = (0, 0, (None, 0));
        while (gone < goal && looked_at < runs) || place.1 > 0 {
            let Some(turn) = self.trim_some(least_of_huge, &mut place) else { return (gone, true) };
            gone += turn.gone;
            looked_at += turn.looked_at;
        }
        (gone, false)
    }

    /// Gives back a few runs of pages of the next block, and leaves the place there; `None` at the end.
    fn trim_some(&self, least_of_huge: usize, place: &mut Place) -> Option<Turn> {
        // To look is no use, so it is not counted.
        let state = self.state.lock();
        let (granule, slot) = *place;
        // The block of the last turn may have gone, or be full: then there is nothing to do in it.
        let next = match granule {
            Some(granule) if slot > 0 && state.room.contains(self.space(), granule) => {
                Some(granule)
            }
            Some(granule) => state.room.after(self.space(), granule),
            None => state.room.lowest(),
        }?;
        let slot = if granule == Some(next) { slot } else { 0 };
        *place = (Some(next), slot);
        let block = Block::at(self.space(), next);
        let page = self.space().page_size();
        let least = if self.space().has_huge_pages(next) { least_of_huge } else { page };
        let mut turn = Turn { gone: 0, looked_at: 0 };
        if slot == 0 && block.is_trimmed(least == page) {
            return Some(turn);
        }
        for _ in 0..RUNS {
            turn.looked_at += 1;
            let Some((first, end)) = block.free_run(place.1) else {
                place.1 = 0;
                block.note_trimmed(least == page);
                break;
            };
            turn.gone += block.discard(first, end, least);
            place.1 = end;
        }
        Some(turn)
    }
}

/// Notes that a lane was trimmed, which had been settled when its lock had been taken so often. Whoever has taken
/// it since has used it.
fn note_trimmed(seen: &Seen, locks: u64, done: bool) {
    seen.trimmed.store(done, Ordering::Relaxed);
    seen.locks.store(locks, Ordering::Relaxed);
}

/// What one turn of trimming has done.
struct Turn {
    gone: usize,
    /// Runs, and the end of a block.
    looked_at: usize,
}
