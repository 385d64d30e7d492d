//! Churn: among many live objects, one at random dies and a new one takes its place.

use core::ptr::NonNull;

use super::{OPERATIONS, Workload};
use crate::allocator::Allocator;
use crate::order::Random;

/// How many random choices are made beforehand and then taken in turn: so many, or as many as there
/// are live objects, ...
const CHOICES: u32 = 256 * OPERATIONS;
/// ... up to this many, between two turns of which no cache keeps what they touched.
const MOST_CHOICES: u32 = 1024 * OPERATIONS;

/// A steady number of live objects.
#[derive(Debug)]
pub struct Churn<A: Allocator, const SIZE: usize> {
    allocator: A,
    live: Vec<NonNull<u64>>,
    choices: Vec<u32>,
    next: usize,
}

impl<A: Allocator, const SIZE: usize> Churn<A, SIZE> {
    /// With so many live objects, on the calling thread. Each choice has been taken once before
    /// anything is timed, so that the objects lie as in a heap that has been at work: of 100,000 each
    /// has been replaced about twice.
    #[must_use]
    pub fn new(live: u32) -> Self {
        let allocator = A::new();
        let mut random = Random::new(2);
        let choices = live.next_multiple_of(OPERATIONS).clamp(CHOICES, MOST_CHOICES);
        let choices: Vec<u32> = (0..choices).map(|_| random.below(live)).collect();
        let live: Vec<_> =
            (0..live).map(|number| allocator.alloc_touched::<SIZE>(number.into())).collect();
        let rounds = choices.len() / OPERATIONS as usize;
        let mut churn = Self { allocator, live, choices, next: 0 };
        (0..rounds).for_each(|_| churn.round());
        churn
    }
}

impl<A: Allocator, const SIZE: usize> Workload for Churn<A, SIZE> {
    #[inline]
    fn round(&mut self) {
        let end = self.next + OPERATIONS as usize;
        for &choice in &self.choices[self.next..end] {
            let place = &mut self.live[choice as usize];
            // SAFETY: a live object, which the next line replaces.
            unsafe { self.allocator.free::<SIZE>(*place) };
            *place = self.allocator.alloc_touched::<SIZE>(choice.into());
        }
        self.next = end % self.choices.len();
    }
}

impl<A: Allocator, const SIZE: usize> Drop for Churn<A, SIZE> {
    fn drop(&mut self) {
        for &object in &self.live {
            // SAFETY: live, and not used again.
            unsafe { self.allocator.free::<SIZE>(object) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workloads::counting::Counting;

    #[test]
    fn as_many_are_born_as_die() {
        type A = Counting<9>;
        let mut churn = Churn::<A, 48>::new(300_500);
        assert_eq!(churn.choices.len(), 301_000);
        A::forget();
        churn.round();
        let counts = A::counts();
        assert_eq!((counts.allocated, counts.freed, counts.live), (1000, 1000, 300_500));
        drop(churn);
        assert_eq!((A::counts().live, A::counts().wrong), (0, 0));
    }
}
