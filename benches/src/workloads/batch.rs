//! The batch: allocate some objects, free them all, in one of three orders.

use core::ptr::NonNull;

use super::Workload;
use crate::allocator::Allocator;
use crate::order::Random;

/// In which order a batch dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The last first.
    Lifo,
    /// The first first.
    Fifo,
    /// One random order, the same in every round.
    Random,
}

impl Order {
    /// The positions of so many objects in the order of their deaths.
    #[must_use]
    pub fn positions(self, count: u32) -> Vec<u32> {
        match self {
            Self::Lifo => (0..count).rev().collect(),
            Self::Fifo => (0..count).collect(),
            Self::Random => Random::new(1).permutation(count),
        }
    }
}

/// So many objects at a time.
#[derive(Debug)]
pub struct Batch<A, const SIZE: usize> {
    allocator: A,
    objects: Vec<NonNull<u64>>,
    deaths: Vec<u32>,
}

// SAFETY: between rounds no object lives, so the pointers are not used; the rest can be sent.
unsafe impl<A: Send, const SIZE: usize> Send for Batch<A, SIZE> {}

impl<A: Allocator, const SIZE: usize> Batch<A, SIZE> {
    /// On the calling thread.
    #[must_use]
    pub fn new(count: u32, order: Order) -> Self {
        let objects = vec![NonNull::dangling(); count as usize];
        Self { allocator: A::new(), objects, deaths: order.positions(count) }
    }
}

impl<A: Allocator, const SIZE: usize> Workload for Batch<A, SIZE> {
    fn operations(&self) -> u64 {
        self.deaths.len() as u64
    }

    #[inline]
    fn round(&mut self) {
        for (object, number) in self.objects.iter_mut().zip(0..) {
            *object = self.allocator.alloc_touched::<SIZE>(number);
        }
        for &position in &self.deaths {
            // SAFETY: allocated above, and each position comes once.
            unsafe { self.allocator.free::<SIZE>(self.objects[position as usize]) };
        }
        self.allocator.rest();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_every_order_every_object_dies_once() {
        for order in [Order::Lifo, Order::Fifo, Order::Random] {
            let mut positions = order.positions(1000);
            positions.sort_unstable();
            assert!(positions.into_iter().eq(0..1000), "{order:?}");
        }
    }
}
