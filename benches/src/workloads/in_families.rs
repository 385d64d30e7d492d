//! Pairs and churn while many families are in use.
//!
//! A family is in use when it has live objects. The allocators without families do the same with as
//! many objects; where the operations go from family to family, all go through a table of
//! [calls](Calls).

use core::ptr::NonNull;

use super::{OPERATIONS, Pair, Workload};
use crate::order::Random;
use crate::peers::{Calls, FAMILIES, Families};

/// How many objects each family has beforehand.
const RESIDENTS: u64 = 100;
/// How many live objects churn has, in all families together.
const LIVE: u32 = 1000;
/// How many random choices churn has.
const CHOICES: usize = 256 * OPERATIONS as usize;

/// Families that are in use: each has some objects that stay.
#[derive(Debug)]
struct InUse {
    calls: Box<[Calls]>,
    residents: Vec<NonNull<u64>>,
}

impl InUse {
    /// The first so many families, a power of two.
    fn new<A: Families, const SIZE: usize>(families: usize, residents: u64) -> Self {
        assert!(families.is_power_of_two() && families <= FAMILIES);
        let calls: Box<[Calls]> = (0..families).map(A::calls::<SIZE>).collect();
        let of_family = |calls: &Calls| (0..residents).map(calls.alloc).collect::<Vec<_>>();
        let residents = calls.iter().flat_map(of_family).collect();
        Self { calls, residents }
    }

    /// The calls of a family, where the families are numbered again and again.
    #[inline(always)]
    fn calls(&self, number: usize) -> &Calls {
        &self.calls[number & (self.calls.len() - 1)]
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        let of_family = self.residents.len() / self.calls.len();
        for (number, &object) in self.residents.iter().enumerate() {
            // SAFETY: allocated by the calls of the same family, and not used again.
            unsafe { (self.calls[number / of_family].free)(object) };
        }
    }
}

/// Pairs in one family.
#[derive(Debug)]
pub struct PairInOneFamily<A: Families, const SIZE: usize> {
    pair: Pair<A::First, SIZE>,
    _in_use: InUse,
}

impl<A: Families, const SIZE: usize> PairInOneFamily<A, SIZE> {
    /// While so many families are in use, that one included.
    #[must_use]
    pub fn new(families: usize) -> Self {
        Self { pair: Pair::new(), _in_use: InUse::new::<A, SIZE>(families, RESIDENTS) }
    }
}

impl<A: Families, const SIZE: usize> Workload for PairInOneFamily<A, SIZE> {
    #[inline]
    fn round(&mut self) {
        self.pair.round();
    }
}

/// Pairs, each in the next family.
#[derive(Debug)]
pub struct PairRoundFamilies {
    in_use: InUse,
    next: usize,
}

impl PairRoundFamilies {
    /// Going round so many families.
    #[must_use]
    pub fn new<A: Families, const SIZE: usize>(families: usize) -> Self {
        Self { in_use: InUse::new::<A, SIZE>(families, RESIDENTS), next: 0 }
    }
}

impl Workload for PairRoundFamilies {
    #[inline]
    fn round(&mut self) {
        for number in 0..OPERATIONS {
            (self.in_use.calls(self.next).pair)(number.into());
            self.next += 1;
        }
    }
}

/// Churn among objects of which each has its family.
#[derive(Debug)]
pub struct ChurnInFamilies {
    in_use: InUse,
    /// The object at a place is always of the same family: they take turns.
    live: Vec<NonNull<u64>>,
    choices: Vec<u32>,
    next: usize,
}

impl ChurnInFamilies {
    /// In so many families.
    #[must_use]
    pub fn new<A: Families, const SIZE: usize>(families: usize) -> Self {
        // The live objects themselves put the families in use.
        let in_use = InUse::new::<A, SIZE>(families, 0);
        let live = (0..LIVE as usize).map(|place| (in_use.calls(place).alloc)(0)).collect();
        let mut random = Random::new(8);
        let choices = (0..CHOICES).map(|_| random.below(LIVE)).collect();
        Self { in_use, live, choices, next: 0 }
    }
}

impl Workload for ChurnInFamilies {
    #[inline]
    fn round(&mut self) {
        let end = self.next + OPERATIONS as usize;
        for &choice in &self.choices[self.next..end] {
            let calls = self.in_use.calls(choice as usize);
            let place = &mut self.live[choice as usize];
            // SAFETY: a live object of this family, which the next line replaces.
            unsafe { (calls.free)(*place) };
            *place = (calls.alloc)(choice.into());
        }
        self.next = end % CHOICES;
    }
}

impl Drop for ChurnInFamilies {
    fn drop(&mut self) {
        for (place, &object) in self.live.iter().enumerate() {
            // SAFETY: of this family, alive, and not used again.
            unsafe { (self.in_use.calls(place).free)(object) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::allocator::Allocator;
    use crate::workloads::counting::Counting;

    /// The calls of a lifetime.
    fn calls<const LEDGER: usize, const LIFE: usize, const SIZE: usize>() -> Calls {
        type A<const LEDGER: usize> = Counting<LEDGER>;
        Calls {
            pair: |_| {
                let object = A::<LEDGER>::new().alloc_of_life::<LIFE, SIZE>();
                // SAFETY: allocated just now.
                unsafe { A::<LEDGER>::new().free_of_life::<LIFE, SIZE>(object) };
            },
            alloc: |_| A::<LEDGER>::new().alloc_of_life::<LIFE, SIZE>(),
            // SAFETY: allocated above (contract of the field).
            free: |object| unsafe { A::<LEDGER>::new().free_of_life::<LIFE, SIZE>(object) },
        }
    }

    /// Its lifetimes are families.
    impl<const LEDGER: usize> Families for Counting<LEDGER> {
        type First = Self;

        fn calls<const SIZE: usize>(family: usize) -> Calls {
            match family {
                0 => calls::<LEDGER, 0, SIZE>(),
                1 => calls::<LEDGER, 1, SIZE>(),
                2 => calls::<LEDGER, 2, SIZE>(),
                3 => calls::<LEDGER, 3, SIZE>(),
                _ => panic!("there are four"),
            }
        }
    }

    #[test]
    fn pairs_are_in_the_first_of_the_families_in_use() {
        type A = Counting<10>;
        let mut pairs = PairInOneFamily::<A, 48>::new(4);
        assert_eq!(A::live_of_lives(), [100; 4]);
        A::forget();
        pairs.round();
        assert_eq!(A::counts().allocated_of_lives, [1000, 0, 0, 0]);
        drop(pairs);
        assert_eq!((A::counts().live, A::counts().wrong), (0, 0));
    }

    #[test]
    fn pairs_go_round() {
        type A = Counting<11>;
        let mut pairs = PairRoundFamilies::new::<A, 48>(4);
        assert_eq!(A::live_of_lives(), [100; 4]);
        A::forget();
        pairs.round();
        assert_eq!(A::counts().allocated_of_lives, [250; 4]);
        assert_eq!(A::live_of_lives(), [100; 4]);
        drop(pairs);
        assert_eq!((A::counts().live, A::counts().wrong), (0, 0));
    }

    #[test]
    fn churn_keeps_every_family_as_large_as_it_was() {
        type A = Counting<12>;
        let mut churn = ChurnInFamilies::new::<A, 48>(4);
        A::forget();
        churn.round();
        assert_eq!(A::live_of_lives(), [250; 4]);
        let counts = A::counts();
        assert_eq!((counts.allocated, counts.freed, counts.wrong), (1000, 1000, 0));
        assert!(counts.allocated_of_lives.iter().all(|&count| count > 200));
        drop(churn);
        assert_eq!((A::counts().live, A::counts().wrong), (0, 0));
    }
}
