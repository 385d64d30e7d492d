//! Which allocations of whole extents get huge pages.
//!
//! A huge page is in memory as a whole once a byte of it is touched: a gain where all of it will be used,
//! as first touch then costs a quarter, and a loss of up to 2 MiB where it is not. Nobody says what an
//! allocation is for, so a family is judged by what it did before: a huge allocation that is given up, or
//! moved to grow, is looked at, in a few places, for how much of it is in memory. If it is nearly all,
//! the next ones are expected to be used all over as well, up to some times its size (tables and vectors
//! double). If it is not, none of half its size and above is expected to be. An allocation with huge pages
//! tells nothing, so every now and then one does without.
//!
//! Apart from that, what is written as a whole at once, because an allocation moves there, gets huge
//! pages, and so do the chunks of regions, which are filled from the front. Zeros are often asked for
//! where most of them stay, so those do not.

use crate::options;
use crate::space::map::{ExtentKind, GRANULE};
use crate::sync::Ordering;

use super::{FamilyHeap, HeapState};

/// From this many whole extents on, memory that will be used all over is given huge pages.
const HUGE_PAGES_FROM: u32 = 4;
/// An allocation that is up to so many times as large as one that was used all over is expected to be,
/// too.
const TIMES_LARGER: usize = 4;
/// One in so many of those does without huge pages, to see whether it is.
const ONE_IN: u8 = 16;
/// In so many places an allocation is looked at, a granule in each.
const PLACES: usize = 8;

/// What is known of how a large allocation will be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Nothing.
    Unknown,
    /// It was asked for as zeros.
    Zeros,
    /// One that has grown moves there, with so many bytes.
    Moved(usize),
}

/// What a family's huge allocations turned out to be used for.
#[derive(Debug)]
pub(super) struct Habit {
    /// Those of up to so many bytes are expected to be used all over.
    dense_up_to: usize,
    /// How many were, since one did without huge pages.
    expected: u8,
}

impl Habit {
    pub(super) const fn new() -> Self {
        Self { dense_up_to: 0, expected: 0 }
    }

    /// Whether a new one of so many bytes is to be treated as one that will be used all over.
    fn expects(&mut self, bytes: usize) -> bool {
        if bytes > self.dense_up_to {
            return false;
        }
        self.expected = (self.expected + 1) % ONE_IN;
        self.expected != 0
    }

    /// Notes whether one of so many bytes was used all over.
    fn learn(&mut self, bytes: usize, dense: bool) {
        self.dense_up_to = if dense {
            self.dense_up_to.max(bytes.saturating_mul(TIMES_LARGER))
        } else {
            self.dense_up_to.min(bytes / 2)
        };
    }
}

impl FamilyHeap {
    /// Asks for huge pages in whole extents from `first` on, as far as bytes `from` to `to` of what starts
    /// there are likely to be used all over.
    pub(super) fn want_huge_pages_for(
        &self,
        state: &mut HeapState,
        first: u32,
        (from, to): (usize, usize),
        used: Use,
    ) {
        let all = to;
        let dense = match used {
            Use::Zeros => 0,
            _ if state.habit.expects(all) => all,
            Use::Moved(bytes) => bytes.min(all),
            Use::Unknown => 0,
        };
        let asked = options::huge_pages();
        let dense = if asked.wanted(false) { all } else { dense };
        let extents = |bytes: usize| bytes.div_ceil(self.space.extent_bytes()) as u32;
        let (from, to) = (extents(from), extents(to));
        let dense = ((dense >> self.space.extent_shift) as u32).max(from);
        let huge = if asked.wanted(dense - from >= HUGE_PAGES_FROM) { dense } else { from };
        self.space.advise(first + from, huge - from, true);
        // What was asked for before would be as good as asked for now.
        self.space.advise(first + huge, to - huge, false);
    }

    /// Asks for huge pages in so many extents, if they are worth it.
    pub(super) fn want_huge_pages(&self, first: u32, count: u32) {
        if options::huge_pages().wanted(count >= HUGE_PAGES_FROM) {
            self.space.advise(first, count, true);
        }
    }

    /// Looks at how a huge allocation was used, before it is given up or moved.
    pub(crate) fn learn_from(&self, extent: u32) {
        let space = self.space;
        let desc = space.extent(extent);
        let bytes = desc.bytes.load(Ordering::Relaxed);
        let enough = bytes >> space.extent_shift >= HUGE_PAGES_FROM as usize;
        if !enough || desc.huge_pages.load(Ordering::Relaxed) != 0 {
            return;
        }
        debug_assert!(desc.kind() == ExtentKind::Huge);
        let mut there = 0;
        for place in 0..PLACES {
            // In the midst of each part, where no round number is. (Of less than a granule, where extents are small.)
            let offset = (2 * place + 1) * (bytes / PLACES / 2) / GRANULE * GRANULE;
            // SAFETY: in the granule of a byte of the allocation.
            let start = unsafe { space.extent_start(extent).add(offset) };
            // SAFETY: as above.
            match unsafe { space.source.resident(start, GRANULE) } {
                Some(bytes) => there += bytes,
                None => return,
            }
        }
        let dense = there >= PLACES * GRANULE / 4 * 3;
        self.state.lock().habit.learn(bytes, dense);
    }

    /// Asks for huge pages where they were asked for in other extents, whose pages are about to be moved
    /// there.
    pub(crate) fn advise_alike(&self, from: u32, to: u32, count: u32) {
        let has = |at: u32| self.space.extent(from + at).huge_pages.load(Ordering::Relaxed) != 0;
        let mut at = 0;
        while at < count {
            let same = (at..count).take_while(|&next| has(next) == has(at)).count() as u32;
            self.space.advise(to + at, same, has(at));
            at += same;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    #[test]
    fn a_habit_is_what_was_seen_last() {
        let mut habit = Habit::new();
        assert!(!habit.expects(8 * MIB), "nothing is known");
        habit.learn(8 * MIB, true);
        assert!(habit.expects(32 * MIB) && !habit.expects(33 * MIB));
        habit.learn(16 * MIB, true);
        assert!(habit.expects(64 * MIB));
        // What is smaller than half of what was sparse is not concerned.
        habit.learn(64 * MIB, false);
        assert!(habit.expects(32 * MIB) && !habit.expects(40 * MIB));
        habit.learn(8 * MIB, false);
        assert!(!habit.expects(8 * MIB) && habit.expects(4 * MIB));
    }

    #[test]
    fn one_in_some_does_without() {
        let mut habit = Habit::new();
        habit.learn(8 * MIB, true);
        let without = (0..160).filter(|_| !habit.expects(8 * MIB)).count();
        assert_eq!(without, 160 / usize::from(ONE_IN));
    }
}
