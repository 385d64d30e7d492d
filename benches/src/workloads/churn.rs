//! Churn: among many live objects, one at random dies and a new one takes its place.

use core::ptr::NonNull;

use super::{OPERATIONS, Workload};
use crate::allocator::Allocator;
use crate::order::Random;

/// How many random choices are made beforehand and then taken in turn.
const CHOICES: usize = 256 * OPERATIONS as usize;

/// A steady number of live objects.
#[derive(Debug)]
pub struct Churn<A: Allocator, const SIZE: usize> {
    allocator: A,
    live: Vec<NonNull<u64>>,
    choices: Vec<u32>,
    next: usize,
}

impl<A: Allocator, const SIZE: usize> Churn<A, SIZE> {
    /// With so many live objects, on the calling thread. Each has been replaced about twice before
    /// anything is timed, so that they lie as in a heap that has been at work.
    #[must_use]
    pub fn new(live: u32) -> Self {
        let allocator = A::new();
        let mut random = Random::new(2);
        let choices = (0..CHOICES).map(|_| random.below(live)).collect();
        let live: Vec<_> =
            (0..live).map(|number| allocator.alloc_touched::<SIZE>(number.into())).collect();
        let mut churn = Self { allocator, live, choices, next: 0 };
        for _ in 0..CHOICES / OPERATIONS as usize {
            churn.round();
        }
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
        self.next = end % CHOICES;
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
