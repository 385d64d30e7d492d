//! What several threads do at once: each with a share of the live memory, by random numbers, as nothing
//! can be said of the order.

use super::faces::{FAMILIES, Set};
use super::state::{State, free, raw_layout};
use crate::input::Random;
use crate::memory::{Live, Road};

/// What one thread has.
pub(super) struct Share {
    set: &'static Set,
    live: Vec<Live>,
    random: Random,
    steps: usize,
    operations: u64,
    pattern: u8,
}

impl Share {
    pub(super) fn work(&mut self) {
        let sizes: [usize; 4] = std::array::from_fn(|_| match self.random.below(20) {
            0..14 => 1 + self.random.below(512),
            14..19 => 1 + self.random.below(20_000),
            _ => 1 + self.random.below(300_000),
        });
        for step in 0..self.steps * 4 {
            self.operations += 1;
            // Now it grows, now it shrinks.
            let growing = step / 150 % 2 == 0;
            match self.random.below(16) {
                0..8 if growing && self.live.len() < 1_500 => self.allocate(&sizes),
                8 => self.resize(&sizes),
                9 if self.random.below(40) == 0 => drop(famalloc::reclaim(1 << 20)),
                10 if self.random.below(40) == 0 => famalloc::lifecycle::thread_collect(),
                11 if self.random.below(80) == 0 => self.set.source.pass_time(300),
                _ if self.live.is_empty() => self.allocate(&sizes),
                _ => {
                    let at = self.random.below(self.live.len());
                    free(self.set, &self.live.swap_remove(at), false);
                }
            }
        }
    }

    fn allocate(&mut self, sizes: &[usize; 4]) {
        let (family, size) = (self.random.below(FAMILIES), sizes[self.random.below(4)]);
        let face = &self.set.families[family];
        // An error is one that some thread's work explains, so nothing is said of it.
        let Ok(start) = (face.alloc)(size) else { return };
        self.pattern = self.pattern.wrapping_add(2) | 1;
        let layout = raw_layout(face, size);
        let live = Live { start, layout, pattern: self.pattern, family, road: Road::Raw };
        if face.zeroes {
            live.assert_zero_from(0);
        }
        live.fill();
        self.live.push(live);
    }

    fn resize(&mut self, sizes: &[usize; 4]) {
        let raw = self.live.last_mut().filter(|live| live.road == Road::Raw);
        let (Some(live), size) = (raw, sizes[self.random.below(4)]) else { return };
        let (face, old) = (&self.set.families[live.family], live.layout.size());
        live.verify();
        // SAFETY: live, of that size.
        if let Ok(start) = unsafe { (face.realloc)(live.start, old, size) } {
            live.moved(start, raw_layout(face, size));
            live.fill();
        }
    }
}

impl State {
    /// Divides the live memory among so many threads.
    pub(super) fn split(&mut self, threads: usize, seed: usize, steps: usize) -> Vec<Share> {
        let mut shares: Vec<_> = (0..threads)
            .map(|thread| Share {
                set: self.set,
                live: Vec::new(),
                random: Random::new((seed * threads + thread) as u64),
                steps,
                operations: 0,
                pattern: thread as u8 * 64,
            })
            .collect();
        for (at, live) in std::mem::take(&mut self.live).into_iter().enumerate() {
            self.forget(&live);
            shares[at % threads].live.push(live);
        }
        shares
    }

    /// Takes back what they have then.
    pub(super) fn join(&mut self, shares: Vec<Share>) {
        for share in shares {
            self.operations += share.operations;
            share.live.into_iter().for_each(|live| self.enter_as_it_was(live));
        }
        self.assert_counts();
    }
}
