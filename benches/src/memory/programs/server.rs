//! A server: in each phase it answers requests until nobody is logged in any more.
//!
//! A request allocates what dies when it is answered. It belongs to a session, which it makes if
//! there is none, and leaves something in it; sessions last for some hundreds of requests. And it
//! puts something into the cache, which lives on: when there is no room, an entry has to go. At the
//! end of a phase all sessions log out.
//!
//! There is a second server that also trims its cache to a tenth then, here and there. A family is
//! no help with that: what goes and what stays had the same lifetime until now, and no allocator
//! can move what stays.

use core::hint::black_box;

use super::{Object, Phase, Program, Shelf, Weighed};
use crate::allocator::{Heap, Life};
use crate::order::Random;

/// Until the request is answered.
const REQUEST: Life = Life::A;
/// Until the session logs out.
const SESSION: Life = Life::B;
/// Until something else takes the place.
const CACHE: Life = Life::C;

/// How many requests a phase has.
const REQUESTS: usize = 20_000;
/// A request allocates from this many objects ...
const LEAST_OBJECTS: u32 = 50;
/// ... to this many.
const MOST_OBJECTS: u32 = 150;
/// How many sessions there can be at once; a request belongs to one of them at random.
const SESSIONS: usize = 256;
/// How many objects a session begins with.
const SESSION_OBJECTS: usize = 20;
/// A session logs out when it has this many.
const MOST_SESSION_OBJECTS: usize = 40;
/// After one request out of so many, its session logs out.
const LOG_OUT: u32 = 3;
/// How many entries the cache has room for.
const CACHE_ENTRIES: usize = 20_000;
/// How many entries a request puts into the cache, at random places.
const CACHED: usize = 2;
/// Trimming leaves one entry out of so many.
const TRIMMED: usize = 10;

const PHASES: usize = 5;

pub(super) static PROGRAM: Program = Program {
    name: "server",
    phase: "times logged out",
    phases: PHASES,
    run: |heap, divisor| serve(heap, divisor, false),
};

pub(super) static TRIMMING: Program = Program {
    name: "server that trims its cache",
    phase: "times trimmed",
    phases: PHASES,
    run: |heap, divisor| serve(heap, divisor, true),
};

fn serve(heap: &dyn Heap, divisor: usize, trims: bool) -> Vec<Phase> {
    let (requests, entries) = (REQUESTS / divisor, CACHE_ENTRIES / divisor);
    let mut random = Random::new(5);
    let mut request = Shelf::with_room_for(MOST_OBJECTS as usize);
    let mut sessions = [(); SESSIONS].map(|()| Shelf::with_room_for(MOST_SESSION_OBJECTS));
    // Written, as it would not be if it were made empty.
    let mut cache = black_box(vec![Some(Object::NONE); entries]);
    cache.fill(None);
    let mut memory = Weighed::new(heap, PHASES);

    for _ in 0..PHASES {
        for _ in 0..requests {
            let session = &mut sessions[random.below(SESSIONS as u32) as usize];
            let objects = LEAST_OBJECTS + random.below(MOST_OBJECTS - LEAST_OBJECTS + 1);
            for _ in 0..objects / 2 {
                request.put(memory.alloc(REQUEST, random.size(16, 1024)));
            }

            let new = if session.0.is_empty() { SESSION_OBJECTS } else { 1 };
            for _ in 0..new {
                session.put(memory.alloc(SESSION, random.size(32, 512)));
            }
            for _ in 0..CACHED {
                let place = &mut cache[random.below(entries as u32) as usize];
                if let Some(old) = place.take() {
                    memory.free(old);
                }
                *place = Some(memory.alloc(CACHE, random.size(64, 1024)));
            }

            for _ in objects / 2..objects {
                request.put(memory.alloc(REQUEST, random.size(16, 1024)));
            }
            memory.free_all(&mut request);
            if random.below(LOG_OUT) == 0 || session.is_full() {
                memory.free_all(session);
            }
        }
        for session in &mut sessions {
            memory.free_all(session);
        }
        for (number, old) in cache.iter_mut().filter(|place| place.is_some()).enumerate() {
            if trims && number % TRIMMED != 0 {
                old.take().into_iter().for_each(|old| memory.free(old));
            }
        }
        memory.end_phase();
    }
    memory.phases
}

#[cfg(test)]
mod tests {
    use super::super::counting::Counting;
    use super::*;

    #[test]
    fn all_of_the_cache_outlives_a_phase() {
        the_cache_outlives_a_phase(&PROGRAM, 1);
    }

    #[test]
    fn only_a_tenth_of_a_cache_outlives_its_trimming() {
        the_cache_outlives_a_phase(&TRIMMING, TRIMMED);
    }

    /// One entry out of `left` stays.
    fn the_cache_outlives_a_phase(program: &Program, left: usize) {
        let heap = Counting::default();
        let _ = program.run(&heap, 100);
        let (requests, rests) = (heap.requests(), heap.at_rests());
        let (mut from, mut live) = (0, 0_usize);
        for rest in rests {
            // The most that the cache held in the phase is what it held before it was trimmed.
            let mut held = 0;
            for &(asked, life, _) in &requests[from..rest.requests] {
                match (life, asked) {
                    (CACHE, true) => live += 1,
                    (CACHE, false) => live -= 1,
                    _ => {}
                }
                held = held.max(live);
            }
            from = rest.requests;
            // 400 random writes into 200 places fill most.
            assert!((150..=200).contains(&held), "{held}");
            assert_eq!(rest.objects, [0, 0, held.div_ceil(left), 0]);
        }
    }

    #[test]
    fn sizes_are_those_of_the_definition() {
        let heap = Counting::default();
        let _ = PROGRAM.run(&heap, 20);
        assert_eq!(
            [REQUEST, SESSION, CACHE].map(|life| heap.sizes(life)),
            [(16, 1024), (32, 512), (64, 1024)]
        );
    }

    #[test]
    fn a_request_has_about_a_hundred_objects_and_leaves_none_to_the_next() {
        let heap = Counting::default();
        let _ = PROGRAM.run(&heap, 100);
        let (mut live, mut made, mut answered) = (0_u32, 0, Vec::new());
        for (asked, life, _) in heap.requests() {
            if life == REQUEST {
                live = if asked { live + 1 } else { live - 1 };
                made = if asked { made + 1 } else { made };
                if live == 0 {
                    answered.push(made);
                    made = 0;
                }
            }
        }
        assert_eq!(answered.len(), 5 * REQUESTS / 100);
        assert!(answered.iter().all(|made| (LEAST_OBJECTS..=MOST_OBJECTS).contains(made)));
        let mean = answered.iter().sum::<u32>() as usize / answered.len();
        assert!((95..=105).contains(&mean), "{mean}");
    }

    #[test]
    fn sessions_last_for_some_hundreds_of_requests() {
        let heap = Counting::default();
        let _ = PROGRAM.run(&heap, 10);
        // A session begins with more objects than any request adds: count the beginnings.
        let (mut begun, mut row, mut requests, mut answering) = (0_usize, 0, 0_usize, false);
        for (asked, life, _) in heap.requests() {
            row = if asked && life == SESSION { row + 1 } else { 0 };
            begun += usize::from(row == 2);
            requests += usize::from(asked && life == REQUEST && !answering);
            answering = if life == REQUEST { asked } else { answering };
        }
        // From one beginning to the next in the same place: 768 if no phase ended before, and for a
        // third of that the place is empty.
        let lasts = SESSIONS * requests / begun;
        assert!((550..768).contains(&lasts), "{lasts}");
    }
}
