//! A pair in a crowd: allocate one object, free it, while many others live.

use super::{List, Pair, Workload};
use crate::allocator::Allocator;

/// One object at a time among many.
#[derive(Debug)]
pub struct PairInCrowd<A: Allocator, const SIZE: usize> {
    pair: Pair<A, SIZE>,
    /// The others: they are just there.
    _crowd: List<A, SIZE>,
}

impl<A: Allocator, const SIZE: usize> PairInCrowd<A, SIZE> {
    /// Among so many live objects, on the calling thread.
    #[must_use]
    pub fn new(live: u32) -> Self {
        Self { _crowd: List::new(A::new(), live), pair: Pair::new() }
    }
}

impl<A: Allocator, const SIZE: usize> Workload for PairInCrowd<A, SIZE> {
    #[inline]
    fn round(&mut self) {
        self.pair.round();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workloads::counting::Counting;

    #[test]
    fn the_crowd_lives_while_pairs_come_and_go() {
        type A = Counting<8>;
        let mut pair = PairInCrowd::<A, 48>::new(100);
        let crowd = A::live();
        assert_eq!(crowd.len(), 100);
        pair.round();
        assert_eq!(A::live(), crowd);
        assert_eq!((A::counts().allocated, A::counts().freed), (1100, 1000));
        drop(pair);
        assert_eq!((A::counts().live, A::counts().wrong), (0, 0));
    }
}
