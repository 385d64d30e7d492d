//! Giving back the pages of blocks in use in which nothing lives.
//!
//! When most of a family's objects have died, here and there, its blocks stay because of the few
//! that have not. Their addresses cannot be given back, but the pages between them can: a free slot
//! need not keep its contents. Whoever takes such a slot next has the system make a page of zeros for it.
//! So this is done only when memory is asked back, and in lanes that nobody has used for a while: for half a
//! second, or, when the family grows, while it grew by an extent. The next phase of a program then has the
//! pages that the last one left between its survivors.

use super::Lane;
use crate::block::Block;
use crate::space::map::GRANULE;

/// So many runs of pages are given back while the lock is held.
const RUNS: usize = 4;

/// Trimming while the family grows stops after the block in which so many runs were looked at: it happens
/// within somebody's allocation, ...
const RUNS_WHILE_GROWING: usize = 128;
/// ... and trimming what decays after so many, wherever that is: it happens within anybody's.
const RUNS_IN_PASSING: usize = 8;
/// So many turns are taken for them: a turn is one block without any, or some of one block's.
const TURNS_IN_PASSING: usize = 64;

/// On which occasions lanes are asked whether they have been used since the last time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Occasion {
    /// The family grows.
    Growth,
    /// What decays is looked for.
    Decay,
}

/// What was seen of a lane on each occasion.
#[derive(Debug)]
pub(super) struct SeenOn {
    growth: Seen,
    decay: Seen,
}

impl SeenOn {
    pub(super) const NOTHING: Self = Self { growth: Seen::NOTHING, decay: Seen::NOTHING };

    fn on(&mut self, occasion: Occasion) -> &mut Seen {
        match occasion {
            Occasion::Growth => &mut self.growth,
            Occasion::Decay => &mut self.decay,
        }
    }
}

/// What was seen of a lane the last time. It is written as a whole, under the lane's lock, so it is true of
/// one moment: when the lock had been taken so often. Where two threads trim a lane at a time, the one that
/// drained it first may write last. Then what it writes is of a moment that has passed, and is not used.
#[derive(Debug)]
struct Seen {
    /// How often the lock had been taken.
    locks: u64,
    /// Whether nobody had since the time before, and all was given back that could be.
    trimmed: bool,
    /// Where to go on, if not.
    place: Place,
}

impl Seen {
    /// Of a lane that nobody has looked at.
    const NOTHING: Self = Self { locks: 0, trimmed: false, place: BEGINNING };
}

/// What a lane was like once all its deferred work was done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drained {
    /// How often the lock had been taken.
    pub(super) locks: u64,
    /// Whether slots came in.
    pub(super) mail: bool,
}

/// How far a lane has been trimmed: to which block, if to any, and to which slot of it.
type Place = (Option<u32>, usize);

/// Before the first block.
const BEGINNING: Place = (None, 0);

impl Lane {
    /// Whether there is something to trim: nobody has used this lane since this was last asked on such an
    /// occasion, and it has not been trimmed since, or has got mail.
    pub(crate) fn is_idle(&self, on: Occasion) -> bool {
        let mut state = self.state.lock();
        let (locks, any) = (state.counts.locks, state.counts.blocks > 0);
        let seen = state.seen.on(on);
        let idle = locks == seen.locks;
        // Mail is left without this lane's lock, so the count of locks does not tell of it.
        if !idle || !self.mailbox.is_empty() {
            // There may be something to trim again before the place where that went on.
            *seen = Seen { locks, ..Seen::NOTHING };
        }
        idle && any && !seen.trimmed
    }

    /// Gives back pages without live slots, of a lane that is idle and drained, a few blocks of them at a
    /// time; returns whether that was all.
    pub(crate) fn trim_while_growing(&self, drained: Drained) -> bool {
        let page = self.space().page_size();
        let (_, done) = self.trim_pages(usize::MAX, page, RUNS_WHILE_GROWING);
        self.note_trimmed(Occasion::Growth, drained, done, BEGINNING);
        done
    }

    /// [`trim_while_growing`](Self::trim_while_growing) for a few pages at a time.
    pub(crate) fn trim_in_passing(&self, drained: Drained) -> bool {
        let page = self.space().page_size();
        let mut place = {
            let seen = &self.state.lock().seen.decay;
            // It was reached before the lane was drained, and nobody else had taken the lock. What came
            // with the mail may be before it.
            if !drained.mail && seen.locks + 1 == drained.locks { seen.place } else { BEGINNING }
        };
        let (mut looked_at, mut done) = (0, false);
        for _ in 0..TURNS_IN_PASSING {
            if done || looked_at >= RUNS_IN_PASSING {
                break;
            }
            match self.trim_some(page, &mut place) {
                Some(turn) => looked_at += turn.looked_at,
                None => done = true,
            }
        }
        let place = if done { BEGINNING } else { place };
        self.note_trimmed(Occasion::Decay, drained, done, place);
        done
    }

    /// Notes that the lane was trimmed to this place. Whoever has taken the lock since it was drained has used
    /// it.
    fn note_trimmed(&self, on: Occasion, drained: Drained, trimmed: bool, place: Place) {
        *self.state.lock().seen.on(on) = Seen { locks: drained.locks, trimmed, place };
    }

    /// Gives back pages without live slots in blocks that have room, until `goal` bytes have gone;
    /// returns how many went. Pages that went before and were not touched since may be counted again,
    /// but not in blocks of which no slot was taken or freed since.
    ///
    /// Blocks are trimmed whole: half of one would be trimmed again the next time, and counted again.
    pub(crate) fn trim(&self, goal: usize) -> usize {
        // To take a part of a huge page back, the system has to break it up. That is worth it for a
        // granule, in a lane to which nobody comes back (the two above), or where all is asked for.
        let least_of_huge = if goal == usize::MAX { self.space().page_size() } else { GRANULE };
        self.trim_pages(goal, least_of_huge, usize::MAX).0
    }

    /// [`trim`](Self::trim) that breaks a huge page up for so many bytes or more, and stops after the block
    /// in which it has looked at so many runs; returns also whether it came to the end.
    fn trim_pages(&self, goal: usize, least_of_huge: usize, runs: usize) -> (usize, bool) {
        let (mut gone, mut looked_at, mut place) = (0, 0, BEGINNING);
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

/// What one turn of trimming has done.
struct Turn {
    gone: usize,
    /// Runs, and the end of a block.
    looked_at: usize,
}
