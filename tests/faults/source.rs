//! The system's pages, of which the n-th call of a kind fails.

use core::ptr::NonNull;
use std::sync::atomic::{AtomicIsize, AtomicU64, AtomicUsize, Ordering};

use famalloc::{PageError, PageSource, System};

/// What can fail, in the order of the fuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Reserve,
    Commit,
    Decommit,
    Discard,
    Move,
    /// Pages are never given back, as where the system refuses to.
    Release,
    /// Hints that nobody follows.
    Hint,
}

const CALLS: usize = 7;

/// Every call is the system's, but for one, or for all of a kind from one on.
pub(crate) struct Failing {
    system: System,
    /// For each kind, how many calls succeed before one fails.
    fuses: [AtomicIsize; CALLS],
    lasting: AtomicIsize,
    refused: AtomicUsize,
    /// Each look at the clock moves it on: what is empty goes back in the midst of things.
    clock: AtomicU64,
}

impl Failing {
    pub(crate) const fn new() -> Self {
        Self {
            system: System::new(),
            fuses: [const { AtomicIsize::new(isize::MAX) }; CALLS],
            lasting: AtomicIsize::new(0),
            refused: AtomicUsize::new(0),
            clock: AtomicU64::new(1),
        }
    }

    /// Lets the `n`-th call of a kind fail, and with `lasting` all after it.
    pub(crate) fn fail_at(&self, call: Call, n: usize, lasting: bool) {
        self.recover();
        self.refused.store(0, Ordering::SeqCst);
        self.lasting.store(isize::from(lasting), Ordering::SeqCst);
        self.fuses[call as usize].store(isize::try_from(n).unwrap(), Ordering::SeqCst);
    }

    /// Lets nothing fail any more.
    pub(crate) fn recover(&self) {
        self.fuses.iter().for_each(|fuse| fuse.store(isize::MAX, Ordering::SeqCst));
    }

    /// How many calls have failed since [`Self::fail_at`].
    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }

    fn passes(&self, call: Call) -> bool {
        let left = self.fuses[call as usize].fetch_sub(1, Ordering::SeqCst) - 1;
        let fails = left == 0 || (left < 0 && self.lasting.load(Ordering::SeqCst) > 0);
        self.refused.fetch_add(usize::from(fails), Ordering::SeqCst);
        !fails
    }
}

// SAFETY: every call is passed on unchanged or does nothing, which is what each may do.
unsafe impl PageSource for Failing {
    fn page_size(&self) -> usize {
        self.system.page_size()
    }

    fn reserve(&self, size: usize, align: usize) -> Result<NonNull<u8>, PageError> {
        if self.passes(Call::Reserve) { self.system.reserve(size, align) } else { Err(PageError) }
    }

    fn largest_range(&self, align: usize) -> usize {
        self.system.largest_range(align)
    }

    unsafe fn commit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError> {
        if !self.passes(Call::Commit) {
            return Err(PageError);
        }
        // SAFETY: passed on.
        unsafe { self.system.commit(start, size) }
    }

    unsafe fn decommit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError> {
        if !self.passes(Call::Decommit) {
            return Err(PageError);
        }
        // SAFETY: passed on.
        unsafe { self.system.decommit(start, size) }
    }

    unsafe fn release(&self, start: NonNull<u8>, size: usize) {
        if self.passes(Call::Release) {
            // SAFETY: passed on.
            unsafe { self.system.release(start, size) };
        }
    }

    unsafe fn populate(&self, start: NonNull<u8>, size: usize) {
        if self.passes(Call::Hint) {
            // SAFETY: passed on.
            unsafe { self.system.populate(start, size) };
        }
    }

    unsafe fn discard(&self, start: NonNull<u8>, size: usize) -> bool {
        // SAFETY: passed on.
        self.passes(Call::Discard) && unsafe { self.system.discard(start, size) }
    }

    unsafe fn huge_pages(&self, start: NonNull<u8>, size: usize, wanted: bool) {
        if self.passes(Call::Hint) {
            // SAFETY: passed on.
            unsafe { self.system.huge_pages(start, size, wanted) };
        }
    }

    unsafe fn move_pages(&self, from: NonNull<u8>, to: NonNull<u8>, size: usize) -> bool {
        // SAFETY: passed on.
        self.passes(Call::Move) && unsafe { self.system.move_pages(from, to, size) }
    }

    fn milliseconds(&self) -> u64 {
        self.clock.fetch_add(40, Ordering::Relaxed)
    }
}
