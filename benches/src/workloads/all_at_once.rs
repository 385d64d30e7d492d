//! Everything dies at once: allocate some objects, then drop them all together.

use core::ptr::NonNull;

use super::Workload;
use crate::peers::bulk::BulkFree;

/// So many objects at a time, of which the program keeps the addresses.
#[derive(Debug)]
pub struct AllAtOnce<B> {
    home: B,
    objects: Vec<NonNull<u64>>,
}

impl<B: BulkFree> AllAtOnce<B> {
    /// On the calling thread.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self { home: B::new(), objects: vec![NonNull::dangling(); count] }
    }
}

impl<B: BulkFree> Workload for AllAtOnce<B> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::bulk::OneByOne;
    use crate::workloads::ledger::{Call, Ledger};

    #[test]
    fn all_are_born_and_then_all_die() {
        let mut all = AllAtOnce::<OneByOne<Ledger>>::new(100);
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
