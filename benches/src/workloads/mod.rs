//! What is timed. Each workload is written once, for any [`Allocator`](crate::allocator::Allocator)
//! and any size, and its `round` reads like its definition.

mod batch;
mod churn;
mod pair;
mod two_threads;

pub use batch::{Batch, Order};
pub use churn::Churn;
pub use pair::Pair;
pub use two_threads::TwoThreads;

use std::time::{Duration, Instant};

/// How many objects a round of any workload allocates, and frees, on one thread.
pub const OPERATIONS: u32 = 1000;

/// Something that allocates and frees [`OPERATIONS`] objects in a round.
pub trait Workload: 'static {
    /// Allocates so many and frees so many.
    fn round(&mut self);

    /// The time that so many rounds take, after one that does not count.
    fn time(&mut self, rounds: u32) -> Duration {
        self.round();
        let start = Instant::now();
        for _ in 0..rounds {
            self.round();
        }
        start.elapsed()
    }
}
