//! A map that is built, entry by entry, and dropped.

use core::hint::black_box;

use super::Workload;
use crate::peers::maps::{Lookup, Maps};

/// A map of so many entries, a number each to a number; an entry is an operation.
#[derive(Debug)]
pub struct MapOf<A> {
    allocator: A,
    entries: u64,
}

impl<A: Maps> MapOf<A> {
    /// On the calling thread.
    #[must_use]
    pub fn new(entries: u64) -> Self {
        Self { allocator: A::new(), entries }
    }
}

impl<A: Maps> Workload for MapOf<A> {
    fn operations(&self) -> u64 {
        self.entries
    }

    fn round(&mut self) {
        let map = self.allocator.map(self.entries);
        black_box(map.value_of(self.entries / 2));
    }
}
