//! Handing over: one thread allocates, another frees.
//!
//! The objects go in parcels of 64 through a bounded [`ring`](super::ring). The producer writes the
//! first word of each, the consumer reads it. An operation is an object's whole way.

use core::hint::black_box;

use super::parcel::{PARCEL, Parcel};
use super::ring::{CAPACITY, Receiver, Sender, ring};
use super::{Maker, Part, Threads, Workload};
use crate::allocator::Allocator;
use crate::peers::Nothing;

/// How many parcels a round has: about as many objects as the other small workloads.
const PARCELS: usize = 16;

/// At most so many objects of a pair are alive at a time: in the ring, and in the hands of both.
const MOST_ALIVE: usize = (CAPACITY + 2) * PARCEL;
const _: () = assert!(MOST_ALIVE <= Nothing::ROOMS, "what stands in for an allocator has room");

/// So many pairs of a producer and a consumer.
#[must_use]
pub fn hand_over<A: Allocator, const SIZE: usize>(pairs: usize) -> Threads<A> {
    let mut makers: Vec<Maker> = Vec::new();
    for _ in 0..pairs {
        let (sender, receiver) = ring();
        makers.push(Box::new(|| {
            Part::new(Producer::<A, SIZE> { allocator: A::new(), parcels: sender })
        }));
        makers.push(Box::new(|| {
            Part::new(Consumer::<A, SIZE> { allocator: A::new(), parcels: receiver })
        }));
    }
    Threads::new(makers)
}

/// The thread that allocates.
#[derive(Debug)]
struct Producer<A, const SIZE: usize> {
    allocator: A,
    parcels: Sender<Parcel>,
}

impl<A: Allocator, const SIZE: usize> Workload for Producer<A, SIZE> {
    fn operations(&self) -> u64 {
        (PARCELS * PARCEL) as u64
    }

    #[inline]
    fn round(&mut self) {
        let mut parcel = Parcel::empty();
        for _ in 0..PARCELS {
            for (object, number) in parcel.0.iter_mut().zip(0..) {
                *object = self.allocator.alloc_touched::<SIZE>(number);
            }
            self.parcels.send(&parcel);
        }
    }
}

/// The thread that frees.
#[derive(Debug)]
struct Consumer<A, const SIZE: usize> {
    allocator: A,
    parcels: Receiver<Parcel>,
}

impl<A: Allocator, const SIZE: usize> Workload for Consumer<A, SIZE> {
    fn operations(&self) -> u64 {
        (PARCELS * PARCEL) as u64
    }

    #[inline]
    fn round(&mut self) {
        for _ in 0..PARCELS {
            for object in self.parcels.receive().0 {
                // SAFETY: the producer wrote it, and handed it over.
                black_box(unsafe { object.read() });
                // SAFETY: allocated by the producer with this size, and used by nobody else.
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
    fn the_consumer_frees_what_the_producer_allocated() {
        type A = Counting<0>;
        let mut pairs = hand_over::<A, 48>(2);
        assert_eq!(pairs.operations(), 1024);
        A::forget();
        for rounds in [3, 1] {
            pairs.time(rounds, &mut [Duration::ZERO]);
        }
        // Two pairs; each measurement has a round more than was ordered.
        let objects = 2 * 1024 * (4 + 2);
        let counts = A::counts();
        assert_eq!((counts.allocated, counts.freed, counts.live), (objects, objects, 0));
        assert_eq!(counts.freed_by_others, objects);
        drop(pairs);
        assert_eq!((A::counts().wrong, A::counts().left), (0, 4));
    }
}
