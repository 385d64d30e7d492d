//! The sequence: many objects of one size are allocated and freed, all of them, in one order after
//! the other.

use core::alloc::Layout;
use core::ptr::NonNull;
use std::time::{Duration, Instant};

use super::Workload;
use crate::allocator::Allocator;
use crate::order::Random;

/// Objects of `SIZE` bytes, aligned to their size as far as a word.
#[derive(Debug)]
pub struct Sequence<A: Allocator, const SIZE: usize> {
    allocator: A,
    objects: Vec<NonNull<u8>>,
}

impl<A: Allocator, const SIZE: usize> Sequence<A, SIZE> {
    /// A constant, so that the compiler sees it at every call.
    const LAYOUT: Layout = {
        assert!(SIZE.is_power_of_two(), "a size that can be an alignment");
        match Layout::from_size_align(SIZE, if SIZE < 8 { SIZE } else { 8 }) {
            Ok(layout) => layout,
            Err(_) => panic!("a small size makes a layout"),
        }
    };

    /// Of so many objects, on the calling thread.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self { allocator: A::new(), objects: vec![NonNull::dangling(); count] }
    }

    fn allocate(&mut self) {
        for object in &mut self.objects {
            *object = self.allocator.alloc_layout(const { Self::LAYOUT });
            // SAFETY: at least a byte, ours alone.
            unsafe { object.write(1) };
        }
    }

    /// Frees all, in the order in which they are in the array.
    fn free(&mut self) {
        for &object in &self.objects {
            // SAFETY: allocated with this layout, and a lap that allocates follows.
            unsafe { self.allocator.free_layout(object, const { Self::LAYOUT }) };
        }
    }

    fn walk(&mut self) {
        for &object in &self.objects {
            // SAFETY: a live object, ours alone.
            unsafe { object.write(2) };
        }
    }

    /// The same shuffle in every round.
    fn shuffle(&mut self) {
        let mut random = Random::new(6);
        let count = u32::try_from(self.objects.len()).expect("there are not so many objects");
        for last in (1..count).rev() {
            self.objects.swap(last as usize, random.below(last + 1) as usize);
        }
    }
}

impl<A: Allocator, const SIZE: usize> Workload for Sequence<A, SIZE> {
    const LAPS: &'static [&'static str] = &[
        "allocate",
        "free in order",
        "allocate after in order",
        "free shuffled",
        "allocate after shuffled",
        "free reversed",
        "allocate after reversed",
        "walk",
        "free",
    ];

    /// The objects.
    fn operations(&self) -> u64 {
        self.objects.len() as u64
    }

    fn round(&mut self) {
        self.time(1, &mut vec![Duration::ZERO; Self::LAPS.len()]);
    }

    /// No round that does not count goes before: the objects are more than the caches hold, so
    /// there is nothing to warm up. The array is rearranged while no clock runs.
    fn time(&mut self, rounds: u32, laps: &mut [Duration]) {
        laps.fill(Duration::ZERO);
        for _ in 0..rounds {
            let mut times = laps.iter_mut();
            let mut timed = |sequence: &mut Self, lap: fn(&mut Self)| {
                let start = Instant::now();
                lap(sequence);
                *times.next().expect("every lap has a name") += start.elapsed();
            };
            timed(self, Self::allocate);
            timed(self, Self::free);
            timed(self, Self::allocate);
            self.shuffle();
            timed(self, Self::free);
            timed(self, Self::allocate);
            self.objects.reverse();
            timed(self, Self::free);
            timed(self, Self::allocate);
            timed(self, Self::walk);
            timed(self, Self::free);
        }
    }
}

impl<A: Allocator, const SIZE: usize> Drop for Sequence<A, SIZE> {
    /// What the allocators keep would be in the way of the next size.
    fn drop(&mut self) {
        self.allocator.give_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workloads::ledger::{Call, FRESH, Ledger};

    const COUNT: usize = 64;

    #[test]
    fn a_round_is_the_sequence() {
        let mut sequence = Sequence::<Ledger, 2>::new(COUNT);
        let mut laps = [Duration::MAX; 9];
        sequence.time(1, &mut laps);
        assert!(laps.iter().all(|&lap| lap > Duration::ZERO && lap < Duration::MAX));
        assert_eq!(Ledger::live(), 0);

        let calls = Ledger::calls();
        let laps: Vec<_> = calls.chunks(COUNT).collect();
        let [.., last] = laps[..] else { panic!("{calls:?}") };
        assert_eq!(laps.len(), 8);
        let layout = Layout::from_size_align(2, 2).unwrap();
        let mut orders = Vec::new();
        for (turn, laps) in laps.chunks(2).enumerate() {
            let first = turn * COUNT;
            for (call, object) in laps[0].iter().zip(first..) {
                assert_eq!(*call, Call::Alloc { object, layout });
            }
            let order = laps[1].iter().map(|call| match call {
                Call::Free { object, bytes, .. } => {
                    let walked = core::ptr::eq(laps[1], last);
                    assert_eq!(bytes[..], [if walked { 2 } else { 1 }, FRESH]);
                    object - first
                }
                other => panic!("{other:?}"),
            });
            orders.push(order.collect::<Vec<_>>());
        }
        assert!(orders[0].iter().copied().eq(0..COUNT));
        assert!(orders[2].iter().copied().eq((0..COUNT).rev()));
        assert_eq!(orders[3], orders[0]);
        let ascending = orders[1].windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!((16..48).contains(&ascending), "{ascending} of 63 steps ascend");
        orders[1].sort_unstable();
        assert_eq!(orders[1], orders[0]);
    }

    #[test]
    fn memory_is_given_back_at_the_end_and_only_then() {
        let mut sequence = Sequence::<Ledger, 64>::new(COUNT);
        sequence.round();
        assert!(!Ledger::calls().contains(&Call::GiveBack));
        drop(sequence);
        assert_eq!(Ledger::calls(), [Call::GiveBack]);
    }

    #[test]
    fn objects_are_as_aligned_as_their_size_up_to_a_word() {
        let align = [
            Sequence::<Ledger, 1>::LAYOUT,
            Sequence::<Ledger, 4>::LAYOUT,
            Sequence::<Ledger, 8>::LAYOUT,
            Sequence::<Ledger, 8192>::LAYOUT,
        ]
        .map(|layout| layout.align());
        assert_eq!(align, [1, 4, 8, 8]);
    }
}
