//! Vectors that grow by pushing: many at once, a few elements at a time, each until it has the
//! length that was drawn for it; then all are freed.

use core::alloc::Layout;
use core::ptr::NonNull;

use super::Workload;
use crate::allocator::Allocator;
use crate::order::Random;
use crate::power_law::PowerLaw;

/// How many elements a vector has room for at first, and gets when it is its turn.
const FEW: u32 = 4;
/// How many elements a vector has at most.
const MOST: u32 = 4096;

/// Vectors of words.
#[derive(Debug)]
pub struct Vectors<A> {
    allocator: A,
    vectors: Vec<Growing>,
    /// Whose turn it is to get a few elements.
    turns: Vec<u32>,
    calls: u64,
}

impl<A: Allocator> Vectors<A> {
    /// So many, on the calling thread. Their lengths follow a power law.
    #[must_use]
    pub fn new(count: u32) -> Self {
        let law = PowerLaw::over((FEW..=MOST).step_by(FEW as usize));
        let mut random = Random::new(4);
        let lengths: Vec<u32> = (0..count).map(|_| law.draw(&mut random)).collect();
        let turns = (0..MOST).step_by(FEW as usize).flat_map(|before| {
            let growing = (0..count).zip(&lengths).filter(move |&(_, &length)| before < length);
            growing.map(|(vector, _)| vector)
        });
        Self {
            allocator: A::new(),
            vectors: vec![Growing::EMPTY; count as usize],
            turns: turns.collect(),
            calls: lengths.iter().map(|&length| calls(length)).sum(),
        }
    }
}

/// How often the allocator is called for a vector of this length: once for the first room, once for
/// each doubling, once to free it.
fn calls(length: u32) -> u64 {
    let doublings = length.div_ceil(FEW).next_power_of_two().trailing_zeros();
    u64::from(doublings) + 2
}

impl<A: Allocator> Workload for Vectors<A> {
    /// The calls of the allocator.
    fn operations(&self) -> u64 {
        self.calls
    }

    #[inline]
    fn round(&mut self) {
        for &turn in &self.turns {
            let vector = &mut self.vectors[turn as usize];
            for _ in 0..FEW {
                vector.push(&self.allocator, turn.into());
            }
        }
        for vector in &mut self.vectors {
            vector.free(&self.allocator);
        }
    }
}

/// A vector of words, reduced to what it asks of its allocator.
#[derive(Clone, Copy, Debug)]
struct Growing {
    start: NonNull<u64>,
    length: usize,
    capacity: usize,
}

impl Growing {
    const EMPTY: Self = Self { start: NonNull::dangling(), length: 0, capacity: 0 };

    fn layout(self) -> Layout {
        Layout::array::<u64>(self.capacity).expect("vectors are short")
    }

    #[inline(always)]
    fn push<A: Allocator>(&mut self, allocator: &A, element: u64) {
        if self.length == self.capacity {
            self.grow(allocator);
        }
        // SAFETY: below the capacity, so there is room.
        let place = unsafe { self.start.add(self.length) };
        // SAFETY: as above.
        unsafe { place.write(element) };
        self.length += 1;
    }

    #[inline(never)]
    fn grow<A: Allocator>(&mut self, allocator: &A) {
        let old = *self;
        self.capacity = (2 * old.capacity).max(FEW as usize);
        let start = if old.capacity == 0 {
            allocator.alloc_layout(self.layout())
        } else {
            // SAFETY: allocated for the old capacity, which is smaller.
            unsafe { allocator.grow_layout(old.start.cast(), old.layout(), self.layout().size()) }
        };
        self.start = start.cast();
    }

    /// Frees what it has and leaves it empty.
    fn free<A: Allocator>(&mut self, allocator: &A) {
        // SAFETY: it has pushed elements, so it has memory, allocated for its capacity.
        unsafe { allocator.free_layout(self.start.cast(), self.layout()) };
        *self = Self::EMPTY;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workloads::ledger::{Call, Ledger};

    #[test]
    fn elements_survive_and_calls_are_counted() {
        let mut vectors = Vectors::<Ledger>::new(300);
        vectors.round();
        assert_eq!(Ledger::live(), 0);
        let calls = Ledger::calls();
        assert_eq!(calls.len() as u64, vectors.operations());
        let (mut pushed, mut longest) = (0, 0);
        for call in calls {
            let Call::Free { object, bytes, .. } = call else { continue };
            // Vector and object have the same number: in the first turns each gets its memory.
            let element = (object as u64).to_ne_bytes();
            let mut words = bytes.chunks(8);
            let length = words.by_ref().take_while(|&word| word == element).count();
            // What is behind the elements has not been written. An element less is behind the
            // last one: the word at which the counting stopped.
            assert!(words.all(|word| word != element), "vector {object}");
            pushed += length;
            longest = longest.max(length);
        }
        assert_eq!(pushed, FEW as usize * vectors.turns.len());
        assert!(longest > 500, "{longest}");
    }

    #[test]
    fn vectors_take_turns() {
        let vectors = Vectors::<Ledger>::new(300);
        let first: Vec<u32> = (0..300).collect();
        assert_eq!(vectors.turns[..300], first);
        let rising = vectors.turns[300..].windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!(rising > vectors.turns.len() / 2, "{rising} of {}", vectors.turns.len());
    }

    #[test]
    fn a_vector_doubles() {
        Ledger::calls();
        let mut vector = Growing::EMPTY;
        (0..33).for_each(|element| vector.push(&Ledger, element));
        vector.free(&Ledger);
        let sizes: Vec<usize> = Ledger::calls()
            .into_iter()
            .map(|call| match call {
                Call::Alloc { layout, .. } | Call::Free { layout, .. } => layout.size(),
                Call::Grow { size, .. } => size,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(sizes, [32, 64, 128, 256, 512, 512]);
        assert_eq!(calls(33), sizes.len() as u64);
        assert_eq!([1, 4, 5, 8, 9, 4096].map(calls), [2, 2, 3, 3, 4, 12]);
    }
}
