//! An interpreter: in each phase it compiles a unit of source.
//!
//! Nodes and tokens of the syntax tree die together when the unit is compiled, a few strings among
//! them are interned and stay for good, and temporaries die young.

use super::{Object, Phase, Program, Shelf, Weighed};
use crate::allocator::{Heap, Life};
use crate::order::Random;

/// Until the unit is compiled.
const NODE: Life = Life::A;
/// For good.
const INTERNED: Life = Life::B;
/// For a few steps.
const TEMPORARY: Life = Life::C;

/// How many nodes each phase allocates, one in each step.
const STEPS: usize = 1_000_000;
/// In one step out of so many, a string is interned.
const INTERN_EVERY: usize = 20;
/// A temporary is dead after at most so many steps.
const TEMPORARY_STEPS: usize = 50;

pub(super) static PROGRAM: Program =
    Program { name: "interpreter", phase: "units compiled", phases: 5, run };

fn run(heap: &dyn Heap, divisor: usize) -> Vec<Phase> {
    let steps = STEPS / divisor;
    let mut random = Random::new(3);
    let mut nodes = Shelf::with_room_for(steps);
    let mut temporaries: [Option<Object>; TEMPORARY_STEPS] = [None; TEMPORARY_STEPS];
    let mut memory = Weighed::new(heap, PROGRAM.phases);

    for _ in 0..PROGRAM.phases {
        for step in 0..steps {
            nodes.put(memory.alloc(NODE, random.size(16, 128)));
            if step % INTERN_EVERY == 0 {
                memory.alloc(INTERNED, random.size(16, 48));
            }
            // The place of this step was filled as many steps ago as there are places. One other
            // dies younger than that.
            let place = step % TEMPORARY_STEPS;
            let young = random.below(TEMPORARY_STEPS as u32) as usize;
            for dying in [place, young] {
                if let Some(temporary) = temporaries[dying].take() {
                    memory.free(temporary);
                }
            }
            temporaries[place] = Some(memory.alloc(TEMPORARY, random.size(16, 64)));
        }
        for temporary in temporaries.iter_mut().filter_map(Option::take) {
            memory.free(temporary);
        }
        memory.free_all(&mut nodes);
        memory.end_phase();
    }
    memory.phases
}

#[cfg(test)]
mod tests {
    use super::super::counting::Counting;
    use super::*;

    #[test]
    fn only_the_interned_outlive_a_phase() {
        let heap = Counting::default();
        let _ = PROGRAM.run(&heap, STEPS / 400);
        let left: Vec<_> = heap.at_rests().iter().map(|counts| counts.objects).collect();
        assert_eq!(left, [20, 40, 60, 80, 100].map(|interned| [0, interned, 0, 0]));
    }

    #[test]
    fn sizes_are_those_of_the_definition() {
        let heap = Counting::default();
        let _ = PROGRAM.run(&heap, STEPS / 2000);
        assert_eq!(
            [NODE, INTERNED, TEMPORARY].map(|life| heap.sizes(life)),
            [(16, 128), (16, 48), (16, 64)]
        );
    }

    #[test]
    fn temporaries_die_young() {
        let heap = Counting::default();
        let _ = PROGRAM.run(&heap, STEPS / 400);
        let (mut live, mut most) = (0_usize, 0);
        for (asked, life, _) in heap.requests() {
            if life == TEMPORARY {
                live = if asked { live + 1 } else { live - 1 };
                most = most.max(live);
            }
        }
        // As many as there are places would live if none died before its time.
        assert!((TEMPORARY_STEPS / 4..TEMPORARY_STEPS * 9 / 10).contains(&most), "{most}");
        assert_eq!(live, 0);
    }
}
