//! What is timed. Each workload is written once, for any [`Allocator`](crate::allocator::Allocator)
//! and any size, and its `round` reads like its definition.

mod all_at_once;
mod batch;
mod churn;
mod circle;
mod counted;
#[cfg(test)]
pub(crate) mod counting;
mod crowd;
mod gate;
mod hand_over;
mod in_families;
#[cfg(test)]
pub(crate) mod ledger;
mod list;
mod map;
mod pair;
mod parcel;
mod region;
mod ring;
mod sequence;
mod server;
pub mod shaped;
mod threads;
mod tree;
mod trees;
mod vectors;
mod walk;

pub use all_at_once::{AllAtOnce, EndOfAll};
pub use batch::{Batch, Order};
pub use churn::Churn;
pub use circle::circle;
pub use counted::CountedPair;
pub use crowd::PairInCrowd;
pub use hand_over::hand_over;
pub use in_families::{ChurnInFamilies, PairInOneFamily, PairRoundFamilies};
pub use list::List;
pub use map::MapOf;
pub use pair::Pair;
pub use region::RegionPair;
pub use sequence::Sequence;
pub use server::Server;
pub use threads::{Maker, Part, Threads};
pub use tree::Tree;
pub use trees::Trees;
pub use vectors::Vectors;
pub use walk::{ArrayWalk, BumpListWalk, ListWalk};

use std::time::{Duration, Instant};

/// How many objects a round of a small workload allocates, and frees, on one thread.
pub const OPERATIONS: u32 = 1000;

/// Something that is done over and over, and timed.
///
/// A round is the same for every allocator: the same sizes in the same order, the same words
/// written. What it needs besides objects (arrays, random numbers) is made beforehand.
pub trait Workload: 'static {
    /// The parts of a round that are timed by themselves. Most workloads have one.
    const LAPS: &'static [&'static str] = &[""];

    /// How many operations each lap of a round is: what its time is divided by.
    fn operations(&self) -> u64 {
        u64::from(OPERATIONS)
    }

    /// Does it once.
    fn round(&mut self);

    /// Does so many rounds, after one that does not count, and tells how long each lap took in all
    /// of them.
    fn time(&mut self, rounds: u32, laps: &mut [Duration]) {
        self.round();
        let start = Instant::now();
        for _ in 0..rounds {
            self.round();
        }
        laps[0] = start.elapsed();
    }
}
