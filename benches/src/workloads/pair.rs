//! The pair: allocate one object, free it.

use core::hint::black_box;

use super::{OPERATIONS, Workload};
use crate::allocator::Allocator;

/// One object at a time.
#[derive(Debug)]
pub struct Pair<A, const SIZE: usize>(A);

impl<A: Allocator, const SIZE: usize> Pair<A, SIZE> {
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

impl<A: Allocator, const SIZE: usize> Workload for Pair<A, SIZE> {
    #[inline]
    fn round(&mut self) {
        for number in 0..OPERATIONS {
            let object = black_box(self.0.alloc_touched::<SIZE>(number.into()));
            // SAFETY: allocated just now.
            unsafe { self.0.free::<SIZE>(object) };
        }
        self.0.rest();
    }
}
