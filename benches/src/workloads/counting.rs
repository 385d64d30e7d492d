//! For tests: an allocator that keeps a ledger.

use core::alloc::Layout;
use core::ptr::NonNull;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};
use std::thread::{self, ThreadId};

use crate::allocator::{Allocator, LIVES};
use crate::peers::System;

/// The system's allocator, with a ledger. Each test takes a number of its own.
#[derive(Debug)]
pub(crate) struct Counting<const LEDGER: usize>;

/// What a ledger says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    /// Objects allocated.
    pub(crate) allocated: u64,
    /// The same, by lifetime.
    pub(crate) allocated_of_lives: [u64; LIVES],
    /// Objects freed as they were allocated: the same size and lifetime.
    pub(crate) freed: u64,
    /// Of these, those that another thread had allocated.
    pub(crate) freed_by_others: u64,
    /// What was freed otherwise: twice, or as something else.
    pub(crate) wrong: u64,
    /// How often a thread said that it leaves.
    pub(crate) left: u64,
    /// Objects that live.
    pub(crate) live: usize,
}

/// What is known of a live object.
struct Entry {
    size: usize,
    life: usize,
    thread: ThreadId,
}

struct Ledger {
    counts: Counts,
    live: BTreeMap<usize, Entry>,
}

const NOTHING: Counts = Counts {
    allocated: 0,
    allocated_of_lives: [0; LIVES],
    freed: 0,
    freed_by_others: 0,
    wrong: 0,
    left: 0,
    live: 0,
};
const LEDGERS: usize = 24;
static BOOKS: [Mutex<Ledger>; LEDGERS] =
    [const { Mutex::new(Ledger { counts: NOTHING, live: BTreeMap::new() }) }; LEDGERS];

impl<const LEDGER: usize> Counting<LEDGER> {
    fn ledger() -> MutexGuard<'static, Ledger> {
        BOOKS[LEDGER].lock().expect("nothing panics while it writes")
    }

    /// What has been counted.
    pub(crate) fn counts() -> Counts {
        let ledger = Self::ledger();
        Counts { live: ledger.live.len(), ..ledger.counts }
    }

    /// The addresses that live, in their order.
    pub(crate) fn live() -> Vec<usize> {
        Self::ledger().live.keys().copied().collect()
    }

    /// The lifetimes and sizes of what lives.
    pub(crate) fn live_cells() -> BTreeSet<(usize, usize)> {
        Self::ledger().live.values().map(|it| (it.life, it.size)).collect()
    }

    /// How many objects of each lifetime live.
    pub(crate) fn live_of_lives() -> [usize; LIVES] {
        let ledger = Self::ledger();
        core::array::from_fn(|life| ledger.live.values().filter(|it| it.life == life).count())
    }

    /// Starts to count anew; what lives, lives.
    pub(crate) fn forget() {
        Self::ledger().counts = NOTHING;
    }
}

impl<const LEDGER: usize> Allocator for Counting<LEDGER> {
    const NAME: &'static str = "counting";

    fn new() -> Self {
        Self
    }

    fn alloc<const SIZE: usize>(&self) -> NonNull<u64> {
        self.alloc_of_life::<0, SIZE>()
    }

    unsafe fn free<const SIZE: usize>(&self, object: NonNull<u64>) {
        // SAFETY: passed on.
        unsafe { self.free_of_life::<0, SIZE>(object) };
    }

    fn alloc_of_life<const LIFE: usize, const SIZE: usize>(&self) -> NonNull<u64> {
        let mut ledger = Self::ledger();
        let object = System.alloc::<SIZE>();
        ledger.counts.allocated += 1;
        ledger.counts.allocated_of_lives[LIFE] += 1;
        let entry = Entry { size: SIZE, life: LIFE, thread: thread::current().id() };
        ledger.live.insert(object.addr().get(), entry);
        object
    }

    unsafe fn free_of_life<const LIFE: usize, const SIZE: usize>(&self, object: NonNull<u64>) {
        let mut ledger = Self::ledger();
        match ledger.live.remove(&object.addr().get()) {
            Some(entry) if (entry.size, entry.life) == (SIZE, LIFE) => {
                ledger.counts.freed += 1;
                ledger.counts.freed_by_others += u64::from(entry.thread != thread::current().id());
                // SAFETY: it lived, and had this size.
                unsafe { System.free::<SIZE>(object) };
            }
            _ => ledger.counts.wrong += 1,
        }
    }

    fn alloc_layout(&self, _: Layout) -> NonNull<u8> {
        unreachable!("objects alone are counted, not layouts")
    }

    unsafe fn free_layout(&self, _: NonNull<u8>, _: Layout) {
        unreachable!("objects alone are counted, not layouts")
    }

    unsafe fn grow_layout(&self, _: NonNull<u8>, _: Layout, _: usize) -> NonNull<u8> {
        unreachable!("objects alone are counted, not layouts")
    }

    fn leave(&self) {
        Self::ledger().counts.left += 1;
    }
}
