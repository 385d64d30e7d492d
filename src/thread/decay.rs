//! Decay: what nobody has used for a while goes back, by and by, whoever comes by.
//!
//! Memory that was freed waits in many places: in magazines, depots and mailboxes, as free pages between
//! live slots, as free granules of extents in use. It waits there for its owner, who may never come
//! back. So every family is gone through now and then, one after the other, and what has not been
//! touched since the last time is given back:
//!
//! 1. the magazines of threads that idle are emptied ([`handshake`]),
//! 2. lanes that nobody has used are drained and trimmed,
//! 3. free granules lose their memory if none was taken or given back meanwhile.
//!
//! Extents that become empty by this are given back by their own decay, half a second later.
//!
//! Any thread's slow path takes a step of that, of any family: the next in turn. A step is small: a few
//! caches, a lane, or a piece of memory; and there is one at most for each tick of the clock. A thread of its
//! own ([`background`](super::background)) can do it where all others sleep. The clock is that of the
//! family's page source; without one nothing decays.

use core::ptr;

use crate::class;
use crate::lane::{Lane, Occasion};
use crate::options;
use crate::sync::{AtomicU64, AtomicUsize, Ordering};
use crate::table::{FamilyTable, SetTable};

use super::ThreadCache;
#[cfg(feature = "std")]
use super::background;
use super::handshake::{self, Whose};

/// How many milliseconds lie between two rounds, at least: otherwise as many as empty memory is kept.
const SHORTEST_ROUND: u64 = 100;

/// After so many of its slow paths a thread looks at the clock.
const EVERY: u32 = 16;
/// A step looks at so many lanes at most.
const LANES: usize = 16;
/// A step gives back so much of free granules.
const PIECE: usize = 256 << 10;
/// A step gives back so many pieces of what is due in the space of another family, at most.
const PURGES: usize = 8;

/// Where a round through a family is: at the caches, ...
const CACHES: usize = 0;
/// ... at the lanes of this class and those after it, ...
const FIRST_CLASS: usize = 1;
/// ... or at the free granules.
const GRANULES: usize = FIRST_CLASS + class::COUNT;

/// Takes a step now and then, of the next family; called at the end of the slow path, without locks.
#[inline]
pub(super) fn pass_by(cache: &ThreadCache, family: &FamilyTable) {
    // Each slow path moves the turn on by two.
    if cache.turn.load(Ordering::Relaxed) % (2 * EVERY) == 0 {
        look_at_clock(family);
    }
}

#[cold]
#[inline(never)]
fn look_at_clock(family: &FamilyTable) {
    static LAST: AtomicU64 = AtomicU64::new(0);
    #[cfg(feature = "std")]
    background::wake();
    let now = family.heap.space.source.milliseconds();
    if LAST.load(Ordering::Relaxed) != now {
        LAST.store(now, Ordering::Relaxed);
        if let Some(next) = next_family() {
            step(next);
            // Where threads give magazines back they do that too.
            let (own, other) = (family.heap.space, next.heap.space);
            let pieces = if ptr::eq(own, other) { 0 } else { PURGES };
            (0..pieces).for_each(|_| other.purge_on_the_way());
        }
    }
}

/// The families, one after the other and again from the first.
fn next_family() -> Option<&'static FamilyTable> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let families = || SetTable::all().flat_map(SetTable::all_used);
    let position = NEXT.fetch_add(1, Ordering::Relaxed);
    families().nth(position).or_else(|| {
        NEXT.store(1, Ordering::Relaxed);
        families().next()
    })
}

/// After so many rounds in a row in which nothing happened all of a family has gone back that can.
#[cfg(feature = "std")]
const QUIET_ROUNDS: u32 = 2;

/// Goes through all families that it is time for. Returns whether any has not been quiet for long enough.
#[cfg(feature = "std")]
pub(super) fn round() -> bool {
    let mut restless = false;
    for family in SetTable::all().flat_map(SetTable::all_used) {
        while step(family) {}
        restless |= now_to_decay(family).is_some() && family.decay.quiet_rounds() < QUIET_ROUNDS;
    }
    restless
}

/// Notes that there may be something to do in any family, whenever it is time for it.
#[cfg(feature = "std")]
pub(super) fn expect_work() {
    SetTable::all().flat_map(SetTable::all_used).for_each(|family| family.decay.note_work());
}

/// What the clock of a family says, with how long empty memory is kept; `None` where nothing decays.
fn now_to_decay(family: &FamilyTable) -> Option<(u64, u64)> {
    let now = family.heap.space.source.milliseconds();
    let delay = options::purge_delay();
    (now != 0 && delay != options::NEVER).then_some((now, delay))
}

/// Takes the next step of a round through a family, if it is time for one; returns whether it was.
fn step(family: &'static FamilyTable) -> bool {
    let decay = &family.decay;
    let Some((now, delay)) = now_to_decay(family) else { return false };
    if now < decay.due.load(Ordering::Relaxed) {
        return false;
    }
    // Two threads may be at it at once: then something is looked at twice, or too early.
    let place = decay.place.load(Ordering::Relaxed);
    let next = match place {
        CACHES => empty_caches(family),
        GRANULES => free_granules_back(family),
        class => drain_lanes(family, class - FIRST_CLASS),
    };
    if next == CACHES && place != CACHES {
        decay.end_round(now.saturating_add(delay.max(SHORTEST_ROUND)));
    }
    decay.place.store(next, Ordering::Relaxed);
    true
}

fn empty_caches(family: &FamilyTable) -> usize {
    let looked = handshake::unload_next(family, Whose::Idle);
    if looked.any_at_work {
        family.decay.note_work();
    }
    if looked.more { CACHES } else { FIRST_CLASS }
}

/// Settles and trims the lanes of the next classes, as far as nobody has used them; at most one.
fn drain_lanes(family: &'static FamilyTable, first: usize) -> usize {
    let mut looked_at = 0;
    for class in first..class::COUNT {
        for lane in family.lanes(class) {
            looked_at += 1;
            if lane.is_idle(Occasion::Decay) {
                family.decay.note_work();
                let all = family.drain_and_trim(lane, Lane::trim_in_passing);
                // The rest of it is for the next step.
                return FIRST_CLASS + if all { class + 1 } else { class };
            }
        }
        if looked_at >= LANES {
            return FIRST_CLASS + class + 1;
        }
    }
    GRANULES
}

/// Gives the memory of some free granules back, if nothing was done to the family's since the last time.
fn free_granules_back(family: &FamilyTable) -> usize {
    let (decay, heap) = (&family.decay, &family.heap);
    let locks = heap.usage().locks;
    let before = decay.locks_seen.swap(locks, Ordering::Relaxed);
    // Somebody takes or gives granules, who may need them again at once: they are left to the next
    // round.
    if locks != before {
        decay.note_work();
        return CACHES;
    }
    let gone = heap.decommit_free(PIECE);
    if gone > 0 {
        decay.note_work();
    }
    // All of this was no use.
    decay.locks_seen.store(heap.usage().locks, Ordering::Relaxed);
    if gone < PIECE { CACHES } else { GRANULES }
}
