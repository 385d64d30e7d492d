//! Taking the slots of threads that idle.
//!
//! A cache is its own thread's: the fast path reads and writes it as plain words, and nothing there tells
//! others that somebody is at it. So that the memory of a thread that sleeps can be given back without
//! it, another thread may take the addresses in its magazines, by this exchange:
//!
//! ```text
//! whoever takes                                     the owner's slow path
//! 1. marks the cache as closed                        a. makes the cache's turn odd
//! 2. has every thread pass a barrier                b. light barrier
//! 3. turn odd: lets go of the cache                   c. cache closed: waits for the list's lock
//! 4. closes the heads                               d. ... refills, makes room ...
//! 5. has every thread pass a barrier                e. makes the turn even
//! 6. takes slots from the front
//! 7. opens the heads, then the cache                  the owner's fast path
//!                                                   f. top and bottom (or limit): a slot (or room)?
//!                                                   g. writes the top and uses the slot below (at) it
//! ```
//!
//! All of 1 to 7 happens under the locks of the family's growth and of its list of caches. The barrier that
//! every thread passes is the system's ([`os::barrier_all_threads`]): each thread has a point between two of
//! its instructions. What it did before that point, the taker sees; what it does after it, sees what the
//! taker did before the barrier. It takes the place of a barrier in the owner's code, where only the compiler has to
//! be kept from moving accesses: in the slow path by the light barrier, which is no instruction. On the
//! fast path even that would cost (the caller's variables have to be in memory at each): there the accesses
//! are relaxed atomics, which the compiler (LLVM, up to 21) neither reorders nor merges nor moves out of
//! loops. The top that is written after a slot was put below it is written with release, and read with
//! acquire.
//!
//! **The slow path is kept out.** If (a) lies before the owner's point of barrier 2, (3) sees it, and the cache is
//! left alone. Otherwise (c) sees (1), and the owner waits until the lock is let go, after (7). Its turn
//! is odd by then, so nobody closes the cache again. So from (4) to (7) the owner does nothing to the heads
//! but (f) and (g).
//!
//! **Of the fast path at most one step is under way.** After its point of barrier 5 the owner finds a bottom above
//! every top and a limit below, and goes to the slow path. So there is at most one step whose (f) lies
//! before that point and whose (g), or a part of it, lies after, at any time. What it can do:
//!
//! - *Pop*: it has read a top `t` above the bottom, writes `t - 1`, and reads the slot there. If the write is
//!   seen in (6), the top is `t - 1`, and the slots taken lie below the one below that. If not, the top is
//!   still `t`: all but the uppermost are taken, and that is the one. In both cases the bottom is opened at most
//!   at `t - 1`, where the owner's top may be: it has popped the last, and finds the head empty.
//! - *Push*: it has read a top `t` below the limit, writes the slot there, and then `t + 1`. If the
//!   latter is seen in (6), so is the slot, which is the uppermost and stays. If not, what is taken lies below
//!   the slot below `t`. It may look at that one first, for a double free: it is still there. Later pushes shall
//!   not find a slot there that is no more than a memory, and which somebody else may have had since: so
//!   null takes the place of the last that was taken.
//!
//! The previous magazine belongs to the owner's slow path alone, which waits: all of its slots are taken.
//!
//! Nobody else writes a top, or a slot that the fast path may be at, and that reads no other field of a head.
//!
//! A thread counts as idle when its turn was the same at two looks with [`REST`] between them. A thread at
//! which nobody has looked yet counts as idle, too, where memory is asked for. An idle thread may have
//! allocated since, from what it had; it gets the rest back at the price of a refill. It keeps the uppermost
//! slot of each cell, and the magazines themselves.
//!
//! Where the system has no such barrier (Linux before 4.14, a sandbox that refuses it, an interpreter), the
//! magazines of others are left alone. Without the standard library no other thread has any.

use crate::class;
use crate::lane::magazine::MagazineBox;
use crate::options;
use crate::os;
use crate::sync::{Ordering, light_barrier};
use crate::table::{CacheList, FamilyTable};

use super::ThreadCache;

/// So many caches are emptied at a time, while the locks are held, ...
const BATCH: usize = 4;
/// ... and so many looked at.
const LOOKED_AT: usize = 64;

/// A thread that has not been in its slow path for so many milliseconds idles. One that is busy would ask for
/// as much again at once, and meanwhile wait for the thread that takes its slots, longest for the barriers.
/// Where there is no clock any time counts.
pub(super) const REST: u32 = 10;

/// Whose magazines are emptied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// Those of threads that have been seen to do nothing for a while.
    Idle,
    /// Those, and those of threads that were not looked at before.
    IdleOrNew,
    /// Those of all threads that are not in their slow path.
    All,
}

impl Whose {
    /// Which of a list's places is where this goes on.
    const fn place(self) -> usize {
        match self {
            Self::Idle | Self::IdleOrNew => 0,
            Self::All => 1,
        }
    }
}

/// The owner's slow path: while this is there nobody else takes anything from the cache.
pub(super) struct Turn<'a> {
    cache: &'a ThreadCache,
    /// What the turn was before: odd for a turn in a turn, as a signal handler may take.
    before: u32,
}

impl ThreadCache {
    /// Begins the owner's slow path; waits while another thread is at the cache.
    ///
    /// The caller is the cache's thread, and holds neither the lock of the family's caches nor, unless also
    /// that of its growth, any of a lane.
    #[inline]
    pub(super) fn begin(&self) -> Turn<'_> {
        let before = self.turn.load(Ordering::Relaxed);
        // First odd and then the look (a, c). Whoever closes does it the other way round, with a
        // barrier between (1, 3): so one of both sees the other.
        self.turn.store(before | 1, Ordering::Relaxed);
        light_barrier();
        if self.closed.load(Ordering::Acquire) {
            self.wait();
        }
        Turn { cache: self, before }
    }

    /// [`begin`](Self::begin) that does not wait: `None` where somebody is at the cache.
    pub(super) fn try_begin(&self) -> Option<Turn<'_>> {
        let before = self.turn.load(Ordering::Relaxed);
        self.turn.store(before | 1, Ordering::Relaxed);
        light_barrier();
        let turn = Turn { cache: self, before };
        (!self.closed.load(Ordering::Acquire)).then_some(turn)
    }

    /// Waits for whoever has closed the cache.
    #[cold]
    #[inline(never)]
    fn wait(&self) {
        // SAFETY: a cache that has a thread has a family, which lives as long as the process.
        let family = unsafe { &*self.family.load(Ordering::Relaxed) };
        // Whoever has closed the cache has this lock until it is open again.
        drop(family.caches.lock());
    }

    /// Whether the owner is in its slow path. Certain only behind a barrier.
    pub(super) fn is_in_turn(&self) -> bool {
        self.turn.load(Ordering::Acquire) % 2 != 0
    }

    /// The classes of which the cache has magazines.
    pub(crate) fn classes(&self) -> impl Iterator<Item = usize> + use<> {
        let words = [0, 1].map(|word| self.used[word].load(Ordering::Relaxed));
        let mut bits = u128::from(words[0]) | u128::from(words[1]) << 64;
        core::iter::from_fn(move || {
            let class = bits.trailing_zeros() as usize;
            bits &= bits.wrapping_sub(1);
            (class < class::COUNT).then_some(class)
        })
    }

    /// Whether the owner's turn has not changed for [`REST`], as far as earlier looks tell. At the first look
    /// of all the answer is what the caller says. `now` is 0 where there is no clock.
    fn is_idle(&self, now: u32, at_first: bool) -> bool {
        let turn = self.turn.load(Ordering::Relaxed);
        let since = self.seen_at.load(Ordering::Relaxed);
        if self.seen.swap(turn, Ordering::Relaxed) != turn || since == 0 {
            self.seen_at.store(now.max(1), Ordering::Relaxed);
            return since == 0 && at_first && turn % 2 == 0;
        }
        (now == 0 || now.wrapping_sub(since) >= REST) && turn % 2 == 0
    }

    fn has_to_take(&self) -> bool {
        self.classes().any(|class| self.heads[class].has_to_take(class))
    }

    fn close_heads(&self) {
        self.classes().for_each(|class| self.heads[class].close());
    }

    fn open_heads(&self) {
        self.classes().for_each(|class| self.heads[class].open(class));
    }

    /// Takes what there is in all heads, and puts it back into the lanes.
    ///
    /// # Safety
    ///
    /// The cache is this family's, the heads are closed, every thread has passed a barrier since then, and
    /// the owner's slow path waits.
    unsafe fn empty_heads(&self, transit: &mut MagazineBox) {
        for class in self.classes() {
            let head = &self.heads[class];
            let Some(lane) = head.lane() else { continue };
            // SAFETY: passed on.
            unsafe { head.take_loaded(class, transit) };
            if !transit.is_empty() {
                lane.unload(transit);
            }
            // SAFETY: passed on.
            unsafe { head.take_previous_slots(transit) };
            if !transit.is_empty() {
                lane.unload(transit);
            }
        }
    }
}

impl Drop for Turn<'_> {
    #[inline]
    fn drop(&mut self) {
        // A turn within a turn ends nothing: the outer one goes on.
        let after = if self.before % 2 == 0 { self.before.wrapping_add(2) } else { self.before };
        self.cache.turn.store(after, Ordering::Release);
    }
}

/// What [`unload_next`] has found.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Looked {
    /// Whether there are more caches behind those. `false` also where no cache can be reached.
    pub(crate) more: bool,
    /// Whether a cache had something to take, or a thread did not idle.
    pub(crate) any_at_work: bool,
}

/// Some caches of a family that are closed.
struct Closed<'a> {
    caches: [Option<&'a ThreadCache>; BATCH],
    count: usize,
}

impl<'a> Closed<'a> {
    fn iter(&self) -> impl Iterator<Item = &'a ThreadCache> {
        self.caches[..self.count].iter().flatten().copied()
    }

    /// Closes the next caches of the list in which there is something to take.
    fn choose(list: &'a mut CacheList, whose: Whose, now: u32) -> (Self, Looked) {
        let mut closed = Self { caches: [None; BATCH], count: 0 };
        let mut looked = Looked { more: true, any_at_work: false };
        for _ in 0..LOOKED_AT {
            if closed.count == BATCH {
                break;
            }
            let Some(links) = list.advance(whose.place()) else {
                looked.more = false;
                break;
            };
            // SAFETY: caches in the list stay valid while the list is locked.
            let cache = unsafe { ThreadCache::of_links(links) };
            let is_meant = match whose {
                Whose::Idle => cache.is_idle(now, false),
                Whose::IdleOrNew => cache.is_idle(now, true),
                Whose::All => true,
            };
            let closes = is_meant && cache.has_to_take();
            looked.any_at_work |= closes || !is_meant;
            if closes {
                // No order is needed: the barrier that follows has every owner see it.
                cache.closed.store(true, Ordering::Relaxed);
                closed.caches[closed.count] = Some(cache);
                closed.count += 1;
            }
        }
        (closed, looked)
    }

    /// Opens and drops those whose thread was in its slow path when they were closed.
    fn spare_those_in_turn(&mut self) {
        for cache in &mut self.caches[..self.count] {
            if let Some(closed) = cache.take_if(|cache| cache.is_in_turn()) {
                closed.closed.store(false, Ordering::Release);
            }
        }
    }
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.iter().for_each(|cache| cache.closed.store(false, Ordering::Release));
    }
}

/// Empties the magazines of the next few caches of a family, from where this stopped before.
pub(crate) fn unload_next(family: &FamilyTable, whose: Whose) -> Looked {
    if !options::trim_idle() {
        return Looked::default();
    }
    // For differences the lower half is enough.
    let now = family.heap.space.source.milliseconds() as u32;
    // Slots are in nobody's sight for a moment.
    let _still = family.hold_still();
    let mut list = family.caches.lock();
    let (mut closed, looked) = Closed::choose(&mut list, whose, now);
    if closed.count == 0 {
        return looked;
    }
    let Ok(mut transit) = MagazineBox::new(family.heap.space, 0) else {
        return Looked::default();
    };
    let reached = os::barrier_all_threads();
    if reached {
        closed.spare_those_in_turn();
        closed.iter().for_each(ThreadCache::close_heads);
        // Where the system refuses this one, an owner may be in the midst of a step: nothing is taken,
        // and the heads are opened as they were.
        if os::barrier_all_threads() {
            for cache in closed.iter() {
                // SAFETY: closed, and behind two barriers: the owner's slow path waits.
                unsafe { cache.empty_heads(&mut transit) };
            }
        }
        closed.iter().for_each(ThreadCache::open_heads);
    }
    transit.discard(family.heap.space);
    if reached { looked } else { Looked::default() }
}

/// Empties the magazines that threads have of a family, except those of threads that are in their slow path.
pub(crate) fn unload_all(family: &FamilyTable) {
    unload(family, Whose::All);
}

/// Empties those of threads that have done nothing for a while, as far as is known.
pub(crate) fn unload_idle(family: &FamilyTable) {
    unload(family, Whose::IdleOrNew);
}

fn unload(family: &FamilyTable, whose: Whose) {
    family.caches.lock().restart(whose.place());
    while unload_next(family, whose).more {}
}
