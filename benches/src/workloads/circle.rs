//! The circle: objects are handed round by threads that stand in a circle.
//!
//! Each thread has a parcel of 64 objects. A step: it hands its parcel to its neighbour, takes that
//! of its other neighbour, frees a random half of the objects in it and allocates others in their
//! places. So half of what dies is one step old, a quarter two, and so on; of two threads, one frees
//! two thirds of the objects that the other allocated, of many threads nearly all of them. An
//! operation is an object freed and another allocated.

use super::parcel::{PARCEL, Parcel};
use super::ring::{Receiver, Sender, ring};
use super::{Maker, Part, Threads, Workload};
use crate::allocator::Allocator;
use crate::order::Random;

/// How many objects of a parcel are replaced in a step.
const HALF: usize = PARCEL / 2;
/// How many steps a round has: about as many objects as the other small workloads.
const STEPS: usize = 32;

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
    parcel: Parcel,
    next: Sender<Parcel>,
    previous: Receiver<Parcel>,
    /// Which objects of the parcel are replaced, in each step.
    dying: Vec<[u8; HALF]>,
}

impl<A: Allocator, const SIZE: usize> Neighbour<A, SIZE> {
    fn new(next: Sender<Parcel>, previous: Receiver<Parcel>) -> Self {
        let allocator = A::new();
        let parcel = Parcel([(); PARCEL].map(|()| allocator.alloc_touched::<SIZE>(0)));
        let mut random = Random::new(6);
        let mut half = || {
            let order = random.permutation(PARCEL as u32);
            core::array::from_fn(|place| order[place] as u8)
        };
        let dying = (0..STEPS).map(|_| half()).collect();
        Self { allocator, parcel, next, previous, dying }
    }
}

impl<A: Allocator, const SIZE: usize> Workload for Neighbour<A, SIZE> {
    fn operations(&self) -> u64 {
        (STEPS * HALF) as u64
    }

    #[inline]
    fn round(&mut self) {
        for half in &self.dying {
            self.next.send(&self.parcel);
            self.parcel = self.previous.receive();
            for &place in half {
                let object = &mut self.parcel.0[usize::from(place)];
                // SAFETY: alive, from whomever, and replaced by the next line.
                unsafe { self.allocator.free::<SIZE>(*object) };
                *object = self.allocator.alloc_touched::<SIZE>(place.into());
            }
        }
    }
}

impl<A: Allocator, const SIZE: usize> Drop for Neighbour<A, SIZE> {
    fn drop(&mut self) {
        for object in self.parcel.0 {
            // SAFETY: alive, and not used again.
            unsafe { self.allocator.free::<SIZE>(object) };
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
        assert_eq!(A::counts().live, 3 * 64);
        A::forget();
        three.time(9, &mut [Duration::ZERO]);
        let counts = A::counts();
        let objects = 3 * 1024 * 10;
        assert_eq!((counts.allocated, counts.freed, counts.live), (objects, objects, 3 * 64));
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
        let neighbour = Neighbour::<Counting<2>, 48>::new(next, previous);
        for half in &neighbour.dying {
            let mut places = *half;
            places.sort_unstable();
            assert!(places.windows(2).all(|pair| pair[0] < pair[1]) && places[31] < 64);
        }
    }
}
