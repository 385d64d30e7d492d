//! Everything dies at once: allocate some objects, then drop them all together.

use core::ptr::NonNull;
use std::time::{Duration, Instant};

use super::Workload;
use crate::peers::bulk::BulkFree;

/// So many objects at a time, of so many words, of which the program keeps the addresses.
#[derive(Debug)]
pub struct AllAtOnce<B, const WORDS: usize> {
    home: B,
    objects: Vec<NonNull<u64>>,
}

impl<B: BulkFree<WORDS>, const WORDS: usize> AllAtOnce<B, WORDS> {
    /// On the calling thread.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self { home: B::new(), objects: vec![NonNull::dangling(); count] }
    }
}

impl<B: BulkFree<WORDS>, const WORDS: usize> Workload for AllAtOnce<B, WORDS> {
    fn operations(&self) -> u64 {
        self.objects.len() as u64
    }

    #[inline]
    fn round(&mut self) {
        for (object, number) in self.objects.iter_mut().zip(0..) {
            *object = self.home.alloc(number);
        }
        // SAFETY: these are the objects since the last time, and they are not used again.
        unsafe { self.home.free_all(&self.objects) };
    }
}

/// The end of so many objects: only that is timed, and each is one operation.
#[derive(Debug)]
pub struct EndOfAll<B, const WORDS: usize>(AllAtOnce<B, WORDS>);

impl<B: BulkFree<WORDS>, const WORDS: usize> EndOfAll<B, WORDS> {
    /// On the calling thread.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self(AllAtOnce::new(count))
    }
}

impl<B: BulkFree<WORDS>, const WORDS: usize> Workload for EndOfAll<B, WORDS> {
    fn operations(&self) -> u64 {
        1
    }

    fn round(&mut self) {
        self.0.round();
    }

    fn time(&mut self, rounds: u32, laps: &mut [Duration]) {
        let all = &mut self.0;
        all.round();
        laps[0] = Duration::ZERO;
        for _ in 0..rounds {
            for (object, number) in all.objects.iter_mut().zip(0..) {
                *object = all.home.alloc(number);
            }
            let start = Instant::now();
            // SAFETY: these are the objects since the last time, and they are not used again.
            unsafe { all.home.free_all(&all.objects) };
            laps[0] += start.elapsed();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::bulk::OneByOne;
    use crate::workloads::ledger::{Call, Ledger};

    #[test]
    fn all_are_born_and_then_all_die() {
        let mut all = AllAtOnce::<OneByOne<Ledger>, 6>::new(100);
        all.round();
        assert_eq!(Ledger::live(), 0);
        let calls = Ledger::calls();
        assert_eq!(calls.len() as u64, 2 * all.operations());
        let (births, deaths) = calls.split_at(100);
        assert!(births.iter().all(|call| matches!(call, Call::Alloc { .. })));
        for (number, death) in deaths.iter().enumerate() {
            let Call::Free { object, layout, bytes } = death else { panic!("{death:?}") };
            assert_eq!((*object, layout.size()), (number, 48));
            assert_eq!(bytes[..8], (number as u64).to_ne_bytes());
        }
    }
}
