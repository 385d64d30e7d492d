//! Churn among objects of many layouts: one at random dies and another, of a layout of its own,
//! takes its place.

use core::ptr::NonNull;

use super::{Shape, alloc_shaped};
use crate::allocator::Allocator;
use crate::order::Random;
use crate::workloads::{OPERATIONS, Workload};

/// How many replacements are drawn beforehand and then made in turn.
const REPLACEMENTS: usize = 256 * OPERATIONS as usize;

/// A steady number of live objects.
#[derive(Debug)]
pub struct ShapedChurn<A: Allocator, S: Shape> {
    allocator: A,
    live: Vec<(NonNull<u8>, S)>,
    /// The place of what dies, and the shape of what takes it.
    replacements: Vec<(u32, S)>,
    next: usize,
}

impl<A: Allocator, S: Shape> ShapedChurn<A, S> {
    /// With so many live objects, on the calling thread; `draw` is asked for each object. So many
    /// have been replaced before anything is timed that they lie as in a heap that has been at
    /// work.
    pub fn new(live: u32, mut draw: impl FnMut() -> S) -> Self {
        let allocator = A::new();
        let mut random = Random::new(2);
        let replacements = (0..REPLACEMENTS).map(|_| (random.below(live), draw())).collect();
        let live = (0..live).map(|number| {
            let shape = draw();
            (alloc_shaped(&allocator, shape, number), shape)
        });
        let live = live.collect();
        let mut churn = Self { allocator, live, replacements, next: 0 };
        for _ in 0..REPLACEMENTS / OPERATIONS as usize {
            churn.round();
        }
        churn
    }
}

impl<A: Allocator, S: Shape> Workload for ShapedChurn<A, S> {
    #[inline]
    fn round(&mut self) {
        let end = self.next + OPERATIONS as usize;
        for &(place, shape) in &self.replacements[self.next..end] {
            let (object, old) = &mut self.live[place as usize];
            // SAFETY: a live object of this layout, which the next line replaces.
            unsafe { self.allocator.free_layout(*object, old.layout()) };
            *object = alloc_shaped(&self.allocator, shape, place);
            *old = shape;
        }
        self.next = end % REPLACEMENTS;
    }
}

impl<A: Allocator, S: Shape> Drop for ShapedChurn<A, S> {
    fn drop(&mut self) {
        for &(object, shape) in &self.live {
            // SAFETY: live, of this layout, and not used again.
            unsafe { self.allocator.free_layout(object, shape.layout()) };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::workloads::ledger::{Call, Ledger};
    use crate::workloads::shaped::Words;

    #[test]
    fn as_many_live_after_a_round_as_before() {
        let mut words = 0;
        let mut churn = ShapedChurn::<Ledger, _>::new(50, || {
            words = words % 7 + 1;
            Words::new(8 * words)
        });
        Ledger::calls();
        churn.round();
        assert_eq!(Ledger::live(), 50);
        let calls = Ledger::calls();
        assert_eq!(calls.len() as u64, 2 * churn.operations());
        let mut sizes = HashSet::new();
        for turn in calls.chunks(2) {
            let [Call::Free { .. }, Call::Alloc { layout, .. }] = turn else { panic!("{turn:?}") };
            sizes.insert(layout.size());
        }
        assert_eq!(sizes.len(), 7);
        drop(churn);
        assert_eq!(Ledger::live(), 0);
    }

    #[test]
    fn the_victims_are_scattered() {
        let mut churn = ShapedChurn::<Ledger, _>::new(50, || Words::new(8));
        Ledger::calls();
        churn.round();
        let mut victims = HashSet::new();
        for call in Ledger::calls() {
            if let Call::Free { bytes, .. } = call {
                victims.insert(bytes);
            }
        }
        // Their words are the numbers of their places.
        assert_eq!(victims.len(), 50);
    }
}
