//! The free granules of a family, as maximal runs in the order of their lengths.
//!
//! ```text
//! granule   0   1   2   3   4   5   6   7   8   9  10
//!         | F   F   F | used  | F | used  | F   F   F |      F: free
//!           3   ?   3           1           3   ?   3        the length of the run, at both its ends
//!
//! shortest first: (1, at 5), (3, at 0), (3, at 8)
//! ```
//!
//! A run reaches as far as the granules are the family's and free, across the borders of extents that
//! lie side by side. A large allocation is cut from the shortest run that is long enough, the lowest of
//! several, so that long runs stay for large allocations. A run that becomes free joins its free
//! neighbours: it finds their lengths at their ends, in the granules beside it. Cutting and joining take
//! a few steps of an [`Order`] each: expected time logarithmic in the number of runs.
//!
//! - R1. No two runs touch.
//! - R2. The first and the last granule of a run know its length; what others say means nothing.
//! - R3. The first granule of each run, and nothing else, is in the order.

use crate::space::Space;
use crate::space::order::{Links, Order};
use crate::sync::{AtomicU32, Ordering};

/// Where the lengths of runs are, beside their links.
pub(super) trait Lengths: Links {
    /// The length that a granule at an end of a run knows.
    fn length(&self, granule: u32) -> &AtomicU32;
}

/// The links and lengths of the runs of a space.
pub(super) struct RunLinks<'a>(pub(super) &'a Space);

impl Links for RunLinks<'_> {
    fn left(&self, node: u32) -> &AtomicU32 {
        self.0.left(node)
    }
    fn right(&self, node: u32) -> &AtomicU32 {
        self.0.right(node)
    }
    fn rank(&self, node: u32) -> u64 {
        rank(self, node)
    }
}

impl Lengths for RunLinks<'_> {
    fn length(&self, granule: u32) -> &AtomicU32 {
        self.0.granule(granule).run_length()
    }
}

/// Runs are in order of length, those of one length in order of address.
fn rank(lengths: &impl Lengths, run: u32) -> u64 {
    u64::from(lengths.length(run).load(Ordering::Relaxed)) << 32 | u64::from(run)
}

/// A run of free granules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: u32,
    pub(super) len: u32,
}

impl Run {
    pub(super) fn end(self) -> u32 {
        self.first + self.len
    }
}

/// All free runs of a family. Its lock is held by whoever uses this.
#[derive(Debug)]
pub(super) struct Runs {
    order: Order,
}

impl Runs {
    pub(super) const fn new() -> Self {
        Self { order: Order::new() }
    }

    /// The run of which this granule is the first.
    pub(super) fn starting_at(lengths: &impl Lengths, first: u32) -> Run {
        Run { first, len: lengths.length(first).load(Ordering::Relaxed) }
    }

    /// The run of which this granule is the last.
    pub(super) fn ending_with(lengths: &impl Lengths, last: u32) -> Run {
        let len = lengths.length(last).load(Ordering::Relaxed);
        Run { first: last + 1 - len, len }
    }

    /// The shortest run of at least so many granules, the lowest of several.
    pub(super) fn shortest(&self, lengths: &impl Lengths, least: u32) -> Option<Run> {
        let enough = |run| lengths.length(run).load(Ordering::Relaxed) >= least;
        self.order.first(lengths, enough).map(|first| Self::starting_at(lengths, first))
    }

    /// The run after this one in the order.
    pub(super) fn after(&self, lengths: &impl Lengths, run: Run) -> Option<Run> {
        self.order.after(lengths, run.first).map(|first| Self::starting_at(lengths, first))
    }

    /// Whether this is one of the runs.
    pub(super) fn contains(&self, lengths: &impl Lengths, run: Run) -> bool {
        let known = Self::starting_at(lengths, run.first) == run
            && Self::ending_with(lengths, run.end() - 1) == run;
        known && self.order.contains(lengths, run.first)
    }

    /// Adds a run, unless it is empty. It touches none that is there.
    pub(super) fn add(&mut self, lengths: &impl Lengths, run: Run) {
        if run.len > 0 {
            // At both ends: what is given back later on either side looks for the length there (R2).
            lengths.length(run.first).store(run.len, Ordering::Relaxed);
            lengths.length(run.end() - 1).store(run.len, Ordering::Relaxed);
            self.order.insert(lengths, run.first);
        }
    }

    /// Takes a run out.
    fn remove(&mut self, lengths: &impl Lengths, run: Run) {
        let was_there = self.order.remove(lengths, run.first);
        debug_assert!(was_there, "every free run is in the order (R3)");
    }

    /// Takes `part` out of a run that it is part of.
    pub(super) fn cut(&mut self, lengths: &impl Lengths, run: Run, part: Run) {
        debug_assert!(run.first <= part.first && part.end() <= run.end());
        // The order goes by length: a run is taken out while it has the length by which it is found.
        self.remove(lengths, run);
        self.add(lengths, Run { first: run.first, len: part.first - run.first });
        self.add(lengths, Run { first: part.end(), len: run.end() - part.end() });
    }

    /// Takes out the runs that touch this one, and returns them and it as one, which is in no order
    /// yet. It is told of the granules before and behind whether they are free.
    pub(super) fn join(
        &mut self,
        lengths: &impl Lengths,
        run: Run,
        free_before: bool,
        free_behind: bool,
    ) -> Run {
        let mut whole = run;
        if free_before {
            let before = Self::ending_with(lengths, run.first - 1);
            self.remove(lengths, before);
            whole = Run { first: before.first, len: before.len + whole.len };
        }
        if free_behind {
            let behind = Self::starting_at(lengths, run.end());
            self.remove(lengths, behind);
            whole.len += behind.len;
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// A line of granules, of which some are free.
    struct Line {
        nodes: Vec<[AtomicU32; 3]>,
        free: Vec<bool>,
    }

    impl Links for Line {
        fn left(&self, node: u32) -> &AtomicU32 {
            &self.nodes[node as usize][0]
        }
        fn right(&self, node: u32) -> &AtomicU32 {
            &self.nodes[node as usize][1]
        }
        fn rank(&self, node: u32) -> u64 {
            rank(self, node)
        }
    }

    impl Lengths for Line {
        fn length(&self, granule: u32) -> &AtomicU32 {
            &self.nodes[granule as usize][2]
        }
    }

    impl Line {
        fn new(count: usize) -> Self {
            Self {
                nodes: (0..count).map(|_| Default::default()).collect(),
                free: vec![false; count],
            }
        }

        fn is_free(&self, granule: u32) -> bool {
            self.free.get(granule as usize).is_some_and(|&free| free)
        }

        fn set(&mut self, run: Run, free: bool) {
            let granules = &mut self.free[run.first as usize..run.end() as usize];
            assert!(granules.iter().all(|&before| before != free));
            granules.fill(free);
        }

        /// The runs by length and address, found by looking at each granule.
        fn model(&self) -> BTreeSet<(u32, u32)> {
            let mut runs = BTreeSet::new();
            let mut first = 0;
            for granule in 0..=self.free.len() as u32 {
                if !self.is_free(granule) {
                    if granule > first {
                        runs.insert((granule - first, first));
                    }
                    first = granule + 1;
                }
            }
            runs
        }

        fn give(&mut self, runs: &mut Runs, run: Run) {
            self.set(run, true);
            let before = run.first.checked_sub(1).is_some_and(|at| self.is_free(at));
            let behind = self.is_free(run.end());
            let whole = runs.join(self, run, before, behind);
            runs.add(self, whole);
        }
    }

    fn assert_like_the_model(line: &Line, runs: &Runs) {
        let model = line.model();
        let mut next = runs.shortest(line, 1);
        for &(len, first) in &model {
            assert_eq!(next, Some(Run { first, len }));
            assert!(runs.contains(line, Run { first, len }));
            assert!(!runs.contains(line, Run { first, len: len + 1 }));
            next = runs.after(line, Run { first, len });
        }
        assert_eq!(next, None);
    }

    #[test]
    fn agrees_with_a_sorted_set_over_random_operations() {
        const COUNT: u32 = 300;
        const STEPS: usize = if cfg!(miri) { 30 } else { 20_000 };
        let (mut line, mut runs) = (Line::new(COUNT as usize), Runs::new());
        let mut held: Vec<Run> = vec![Run { first: 0, len: COUNT }];
        let mut random = 7u32;
        let mut below = |bound: u32| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 8) % bound
        };
        for step in 0..STEPS {
            // Phases in which more is taken, and in which more is given.
            let taking = below(10) < if step / (STEPS / 20) % 2 == 0 { 7 } else { 3 };
            if taking || held.is_empty() {
                let wanted = 1 + below(9);
                let found = runs.shortest(&line, wanted);
                let model = line.model();
                let expected = model.range((wanted, 0)..).next();
                assert_eq!(found, expected.map(|&(len, first)| Run { first, len }));
                if let Some(run) = found {
                    // From its start, its end, or between.
                    let first = run.first + below(run.len - wanted + 1);
                    let part = Run { first, len: wanted };
                    runs.cut(&line, run, part);
                    line.set(part, false);
                    held.push(part);
                }
            } else {
                let whole = held.swap_remove(below(held.len() as u32) as usize);
                // All of it, or the front.
                let len = 1 + below(whole.len);
                line.give(&mut runs, Run { first: whole.first, len });
                if len < whole.len {
                    held.push(Run { first: whole.first + len, len: whole.len - len });
                }
            }
            if step % 16 == 0 {
                assert_like_the_model(&line, &runs);
            }
        }
        for run in held {
            line.give(&mut runs, run);
        }
        assert_eq!(runs.shortest(&line, 1), Some(Run { first: 0, len: COUNT }));
    }

    #[test]
    fn the_lowest_of_equals_is_taken() {
        let (mut line, mut runs) = (Line::new(100), Runs::new());
        for first in [60, 20, 80, 40] {
            line.give(&mut runs, Run { first, len: 5 });
        }
        line.give(&mut runs, Run { first: 0, len: 9 });
        for first in [20, 40, 60, 80] {
            let run = runs.shortest(&line, 4).unwrap();
            assert_eq!(run, Run { first, len: 5 });
            runs.cut(&line, run, run);
            line.set(run, false);
        }
        assert_eq!(runs.shortest(&line, 4), Some(Run { first: 0, len: 9 }));
    }
}
