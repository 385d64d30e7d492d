//! A counted value: made, and dropped.

use core::hint::black_box;

use super::{OPERATIONS, Workload};
use crate::peers::counted::Counting;

/// One counted value of 48 bytes at a time.
#[derive(Debug)]
pub struct CountedPair<A>(A);

impl<A: Counting> CountedPair<A> {
    /// On the calling thread.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "workloads are made by `new`, with what they need"
    )]
    pub fn new() -> Self {
        Self(A::new())
    }
}

impl<A: Counting> Workload for CountedPair<A> {
    #[inline]
    fn round(&mut self) {
        for number in 0..u64::from(OPERATIONS) {
            drop(black_box(self.0.counted([number; 6])));
        }
    }
}
