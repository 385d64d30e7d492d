//! A program in phases: the reason for families.
//!
//! In each phase, as in the compilation of one function or the serving of one request, there are
//! nodes that die together at its end, a few strings among them that stay for good, and
//! temporaries that die young. An allocator that puts them side by side keeps a page for every
//! survivor.

use core::alloc::Layout;
use core::ptr::NonNull;

use super::resident;
use crate::allocator::{Heap, Life};
use crate::order::Random;

/// How many phases there are.
pub const PHASES: usize = 5;
/// How many nodes each phase allocates, one in each step.
const STEPS: usize = 1_000_000;
/// In one step out of so many, a string is interned.
const INTERN_EVERY: usize = 20;
/// A temporary is dead after at most so many steps.
const TEMPORARY_STEPS: usize = 50;

/// After a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phase {
    /// The bytes requested for what is alive: the interned strings.
    pub live: usize,
    /// Resident bytes above those before the first phase, once the allocator has been asked to give
    /// back what is unused.
    pub resident: usize,
}

/// Runs the program.
#[must_use]
pub fn run_phases(heap: &dyn Heap) -> [Phase; PHASES] {
    run(heap, STEPS)
}

fn run(heap: &dyn Heap, steps: usize) -> [Phase; PHASES] {
    let mut random = Random::new(3);
    let none = Object { start: NonNull::dangling(), layout: Layout::new::<()>() };
    // Touched before the baseline: the benchmark's own memory is not weighed.
    let mut nodes = vec![none; steps];
    let mut temporaries = [None; TEMPORARY_STEPS];
    let baseline = resident();
    let mut live = 0;

    [(); PHASES].map(|()| {
        for (step, node) in nodes.iter_mut().enumerate() {
            *node = Object::new(heap, Life::Node, random.words(2, 16));
            if step % INTERN_EVERY == 0 {
                live += Object::new(heap, Life::Interned, random.words(2, 6)).layout.size();
            }
            // The place of this step was filled as many steps ago as there are places. One other
            // dies younger than that.
            let place = step % TEMPORARY_STEPS;
            let young = random.below(TEMPORARY_STEPS as u32) as usize;
            for dying in [place, young] {
                if let Some(temporary) = temporaries[dying].take() {
                    Object::free(temporary, heap, Life::Temporary);
                }
            }
            temporaries[place] = Some(Object::new(heap, Life::Temporary, random.words(2, 8)));
        }
        for temporary in temporaries.iter_mut().filter_map(Option::take) {
            temporary.free(heap, Life::Temporary);
        }
        for node in &nodes {
            node.free(heap, Life::Node);
        }
        heap.give_back();
        Phase { live, resident: resident().saturating_sub(baseline) }
    })
}

impl Random {
    /// A size of `least` to `most` words, in bytes.
    fn words(&mut self, least: u32, most: u32) -> usize {
        8 * (least + self.below(most - least + 1)) as usize
    }
}

/// A live object.
#[derive(Clone, Copy)]
struct Object {
    start: NonNull<u8>,
    layout: Layout,
}

impl Object {
    /// Allocates, and writes every byte.
    fn new(heap: &dyn Heap, life: Life, size: usize) -> Self {
        let layout = Layout::from_size_align(size, 8).expect("a benchmark's sizes are small");
        let start = heap.alloc(life, layout);
        // SAFETY: allocated just now with this size.
        unsafe { start.write_bytes(0xa5, size) };
        Self { start, layout }
    }

    /// Frees it; called once.
    fn free(self, heap: &dyn Heap, life: Life) {
        // SAFETY: allocated in `new`, with the same lifetime at every place that frees.
        unsafe { heap.free(life, self.start, self.layout) };
    }
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;
    use std::sync::Mutex;

    use super::*;
    use crate::peers::System;

    /// Counts what lives, by lifetime.
    #[derive(Default)]
    struct Counting {
        live: Mutex<Cell<[i64; 3]>>,
        gave_back: Mutex<Vec<[i64; 3]>>,
    }

    impl Counting {
        fn count(&self, life: Life, by: i64) {
            let live = self.live.lock().unwrap();
            let mut counts = live.get();
            counts[life as usize] += by;
            live.set(counts);
        }
    }

    impl Heap for Counting {
        fn name(&self) -> &'static str {
            "counting"
        }

        fn alloc(&self, life: Life, layout: Layout) -> NonNull<u8> {
            self.count(life, 1);
            Heap::alloc(&System, life, layout)
        }

        unsafe fn free(&self, life: Life, start: NonNull<u8>, layout: Layout) {
            self.count(life, -1);
            // SAFETY: passed on.
            unsafe { Heap::free(&System, life, start, layout) };
        }

        fn give_back(&self) {
            self.gave_back.lock().unwrap().push(self.live.lock().unwrap().get());
        }
    }

    #[test]
    fn only_the_interned_outlive_a_phase() {
        let heap = Counting::default();
        let phases = run(&heap, 400);
        let left: Vec<_> = (1..=5).map(|phase| [0, 20 * phase, 0]).collect();
        assert_eq!(*heap.gave_back.lock().unwrap(), left);
        assert!(phases.windows(2).all(|pair| pair[0].live < pair[1].live));
        assert!((20 * 16..=20 * 48).contains(&phases[0].live));
    }
}
