//! A game: in each phase it plays a level.
//!
//! A level begins with many objects, gains a few in each frame, and all of them die at its end. A
//! frame allocates what dies at the end of the frame. And here and there something is made that
//! stays for good: a texture's name, an achievement, a line of the log.

use super::{Phase, Program, Shelf, Weighed};
use crate::allocator::{Heap, Life};
use crate::order::Random;

/// Until the end of the frame.
const FRAME: Life = Life::A;
/// Until the end of the level.
const LEVEL: Life = Life::B;
/// For good.
const FOREVER: Life = Life::C;

/// How many objects a level begins with.
const LEVEL_OBJECTS: usize = 200_000;
/// After so many of them, something is made that stays.
const FOREVER_EVERY: usize = 40;
/// How many frames a level has.
const FRAMES: usize = 200;
/// How many objects a frame allocates that die with it.
const FRAME_OBJECTS: usize = 3_000;
/// After so many of them, something is made that dies with the level.
const LEVEL_EVERY: usize = 150;
/// After so many of them, something is made that stays.
const STAYS_EVERY: usize = 300;

pub(super) static PROGRAM: Program =
    Program { name: "game", phase: "levels played", phases: 3, run };

fn run(heap: &dyn Heap, divisor: usize) -> Vec<Phase> {
    let (level_objects, frames) = (LEVEL_OBJECTS / divisor, (FRAMES / divisor).max(1));
    let mut random = Random::new(4);
    let mut frame = Shelf::with_room_for(FRAME_OBJECTS);
    let mut level = Shelf::with_room_for(level_objects + frames * FRAME_OBJECTS / LEVEL_EVERY);
    let mut memory = Weighed::new(heap, PROGRAM.phases);

    for _ in 0..PROGRAM.phases {
        for number in 0..level_objects {
            level.put(memory.alloc(LEVEL, random.size(32, 512)));
            if number % FOREVER_EVERY == 0 {
                memory.alloc(FOREVER, random.size(32, 256));
            }
        }
        for _ in 0..frames {
            for number in 0..FRAME_OBJECTS {
                frame.put(memory.alloc(FRAME, random.size(16, 256)));
                if number % LEVEL_EVERY == 0 {
                    level.put(memory.alloc(LEVEL, random.size(32, 512)));
                }
                if number % STAYS_EVERY == 0 {
                    memory.alloc(FOREVER, random.size(32, 256));
                }
            }
            memory.free_all(&mut frame);
        }
        memory.free_all(&mut level);
        memory.end_phase();
    }
    memory.phases
}

#[cfg(test)]
mod tests {
    use super::super::counting::Counting;
    use super::*;

    #[test]
    fn only_what_is_for_good_outlives_a_level() {
        let heap = Counting::default();
        let _ = PROGRAM.run(&heap, 100);
        let left: Vec<_> = heap.at_rests().iter().map(|counts| counts.objects).collect();
        // 2,000 level objects, and two frames.
        let level = 2_000 / 40 + 2 * (3_000 / 300);
        assert_eq!(left, [1, 2, 3].map(|levels| [0, 0, levels * level, 0]));
    }

    #[test]
    fn sizes_are_those_of_the_definition() {
        let heap = Counting::default();
        let _ = PROGRAM.run(&heap, 10);
        assert_eq!(
            [FRAME, LEVEL, FOREVER].map(|life| heap.sizes(life)),
            [(16, 256), (32, 512), (32, 256)]
        );
    }

    #[test]
    fn a_frame_leaves_nothing_to_the_next() {
        let heap = Counting::default();
        let _ = PROGRAM.run(&heap, 100);
        let (mut live, mut peak, mut made) = (0_usize, 0, 0);
        for (asked, life, _) in heap.requests() {
            if life == FRAME {
                live = if asked { live + 1 } else { live - 1 };
                peak = peak.max(live);
                made += usize::from(asked);
            }
        }
        assert_eq!((live, peak, made), (0, FRAME_OBJECTS, 3 * 2 * FRAME_OBJECTS));
    }
}
