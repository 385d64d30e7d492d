//! The circle: objects are handed round by threads that stand in a circle.
//!
//! They go in parcels of 64, a few of which wait between any two neighbours, so that nobody waits for
//! the slowest in every step. A step: a thread takes a parcel from one neighbour, frees a random half
//! of the objects in it, allocates others in their places, and hands it to its other neighbour. So
//! half of what dies is one step old, a quarter two, and so on; of two threads, each frees twice as
//! many of the other's objects as of its own, of many threads nearly all are others'. An operation is
//! an object freed and another allocated.

use super::parcel::{PARCEL, Parcel};
use super::ring::{CAPACITY, Receiver, Sender, ring};
use super::{Maker, Part, Threads, Workload};
use crate::allocator::Allocator;
use crate::order::Random;

/// How many objects of a parcel are replaced in a step.
const HALF: usize = PARCEL / 2;
/// How many steps a round has: about as many objects as the other small workloads.
const STEPS: usize = 32;
/// How many parcels wait between two neighbours.
const WAITING: usize = CAPACITY / 2;

/// So many threads.
#[must_use]
pub fn circle<A: Allocator, const SIZE: usize>(threads: usize) -> Threads<A> {
    let (senders, mut receivers): (Vec<_>, Vec<_>) = (0..threads).map(|_| ring()).unzip();
    // Who sends into a ring and who receives from it are neighbours.
    receivers.rotate_right(1);
    let ends = senders.into_iter().zip(receivers);
    let maker = |(next, previous)| -> Maker {
        Box::new(move || Part::new(Neighbour::<A, SIZE>::new(next, previous)))
    };
    Threads::new(ends.map(maker).collect())
}

/// One of the threads.
#[derive(Debug)]
struct Neighbour<A: Allocator, const SIZE: usize> {
    allocator: A,
    next: Sender<Parcel>,
    previous: Receiver<Parcel>,
    /// Which objects of the parcel are replaced, in each step.
    dying: Vec<[u8; HALF]>,
}

impl<A: Allocator, const SIZE: usize> Neighbour<A, SIZE> {
    fn new(mut next: Sender<Parcel>, previous: Receiver<Parcel>) -> Self {
        let allocator = A::new();
        for _ in 0..WAITING {
            next.send(&Parcel([(); PARCEL].map(|()| allocator.alloc_touched::<SIZE>(0))));
        }
        let mut random = Random::new(6);
        let mut half = || {
            let order = random.permutation(PARCEL as u32);
            core::array::from_fn(|place| order[place] as u8)
        };
        let dying = (0..STEPS).map(|_| half()).collect();
        Self { allocator, next, previous, dying }
    }
}

impl<A: Allocator, const SIZE: usize> Workload for Neighbour<A, SIZE> {
    fn operations(&self) -> u64 {
        (STEPS * HALF) as u64
    }

    #[inline]
    fn round(&mut self) {
        for half in &self.dying {
            let mut parcel = self.previous.receive();
            for &place in half {
                let object = &mut parcel.0[usize::from(place)];
                // SAFETY: alive, from whomever, and replaced by the next line.
                unsafe { self.allocator.free::<SIZE>(*object) };
                *object = self.allocator.alloc_touched::<SIZE>(place.into());
            }
            self.next.send(&parcel);
        }
    }
}

impl<A: Allocator, const SIZE: usize> Drop for Neighbour<A, SIZE> {
    /// Frees what waits for it. All threads have done equally many steps, so it is as much as at the
    /// start.
    fn drop(&mut self) {
        for _ in 0..WAITING {
            for object in self.previous.receive().0 {
                // SAFETY: alive, and not used again.
                unsafe { self.allocator.free::<SIZE>(object) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::workloads::counting::Counting;

    #[test]
    fn half_a_parcel_is_replaced_in_a_step_mostly_by_others() {
        type A = Counting<1>;
        let mut three = circle::<A, 48>(3);
        assert_eq!(three.operations(), 1024);
        let live = 3 * WAITING * PARCEL;
        assert_eq!(A::counts().live, live);
        A::forget();
        three.time(9, &mut [Duration::ZERO]);
        let counts = A::counts();
        let objects = 3 * 1024 * 10;
        assert_eq!((counts.allocated, counts.freed, counts.live), (objects, objects, live));
        // Of three threads, an object is back with its own after three steps, six, and so on: 1/8 +
        // 1/64 + ... of them are freed there.
        let others = counts.freed_by_others as f64 / objects as f64;
        assert!((0.8..0.9).contains(&others), "{others}");
        drop(three);
        assert_eq!((A::counts().live, A::counts().wrong, A::counts().left), (0, 0, 3));
    }

    #[test]
    fn a_step_has_every_object_at_most_once() {
        let (next, previous) = ring();
        // Its own neighbour.
        let neighbour = Neighbour::<Counting<2>, 48>::new(next, previous);
        for half in &neighbour.dying {
            let mut places = *half;
            places.sort_unstable();
            assert!(places.windows(2).all(|pair| pair[0] < pair[1]) && places[31] < 64);
        }
    }
}
