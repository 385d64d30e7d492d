//! A page source that refuses when it is told to, and whose clock is set by hand.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use famalloc::{PageError, PageSource, System};

/// What a [`Scheduled`] source can refuse.
pub const CALLS: usize = 5;

const RESERVE: usize = 0;
const COMMIT: usize = 1;
const DECOMMIT: usize = 2;
const DISCARD: usize = 3;
const MOVE: usize = 4;

/// The system's pages, but for calls that are to fail.
#[derive(Debug)]
pub struct Scheduled {
    system: System,
    /// Reservations above this are refused, and once there are so many bytes all are.
    most: usize,
    reserved: AtomicU64,
    /// For each kind of call, how many succeed before one fails; below 0 none does.
    fuses: [AtomicI64; CALLS],
    /// For each kind of call, how many fail from then on.
    lasting: [AtomicI64; CALLS],
    refused: AtomicU64,
    clock: AtomicU64,
}

impl Scheduled {
    /// A source of at most so many bytes of addresses.
    #[must_use]
    pub const fn new(most: usize) -> Self {
        Self {
            system: System::new(),
            most,
            reserved: AtomicU64::new(0),
            fuses: [const { AtomicI64::new(-1) }; CALLS],
            lasting: [const { AtomicI64::new(0) }; CALLS],
            refused: AtomicU64::new(0),
            clock: AtomicU64::new(1),
        }
    }

    /// Lets `after` calls of a kind succeed, and then `count` of them fail.
    pub fn fail(&self, call: usize, after: usize, count: usize) {
        self.lasting[call].store(count as i64, Ordering::SeqCst);
        self.fuses[call].store(after as i64, Ordering::SeqCst);
    }

    /// Lets nothing fail.
    pub fn recover(&self) {
        for call in 0..CALLS {
            self.fuses[call].store(-1, Ordering::SeqCst);
        }
    }

    /// How many calls for memory or addresses have been refused.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::SeqCst)
    }

    /// Sets the clock forward.
    pub fn pass_time(&self, milliseconds: u64) {
        self.clock.fetch_add(milliseconds, Ordering::SeqCst);
    }

    fn pass(&self, call: usize) -> Result<(), PageError> {
        if self.fuses[call].load(Ordering::SeqCst) < 0 {
            return Ok(());
        }
        let left = self.fuses[call].fetch_sub(1, Ordering::SeqCst);
        if left > 0 {
            return Ok(());
        }
        // It stays at 0 as long as calls are to fail.
        let more = self.lasting[call].fetch_sub(1, Ordering::SeqCst) > 1;
        self.fuses[call].store(if more { 0 } else { -1 }, Ordering::SeqCst);
        if call <= COMMIT {
            self.refused.fetch_add(1, Ordering::SeqCst);
        }
        Err(PageError)
    }
}

// SAFETY: every call is refused or passed on unchanged.
unsafe impl PageSource for Scheduled {
    fn page_size(&self) -> usize {
        self.system.page_size()
    }

    fn reserve(&self, size: usize, align: usize) -> Result<NonNull<u8>, PageError> {
        let reserved = self.reserved.load(Ordering::SeqCst) as usize;
        if size > self.most.saturating_sub(reserved) {
            return Err(PageError);
        }
        self.pass(RESERVE)?;
        let range = self.system.reserve(size, align)?;
        self.reserved.fetch_add(size as u64, Ordering::SeqCst);
        Ok(range)
    }

    fn largest_range(&self, align: usize) -> usize {
        self.system.largest_range(align).min(self.most)
    }

    unsafe fn commit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError> {
        self.pass(COMMIT)?;
        // SAFETY: passed on.
        unsafe { self.system.commit(start, size) }
    }

    unsafe fn decommit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError> {
        self.pass(DECOMMIT)?;
        // SAFETY: passed on.
        unsafe { self.system.decommit(start, size) }
    }

    unsafe fn release(&self, start: NonNull<u8>, size: usize) {
        self.reserved.fetch_sub(size as u64, Ordering::SeqCst);
        // SAFETY: passed on.
        unsafe { self.system.release(start, size) };
    }

    unsafe fn populate(&self, start: NonNull<u8>, size: usize) {
        // SAFETY: passed on.
        unsafe { self.system.populate(start, size) };
    }

    unsafe fn discard(&self, start: NonNull<u8>, size: usize) -> bool {
        // SAFETY: passed on.
        self.pass(DISCARD).is_ok() && unsafe { self.system.discard(start, size) }
    }

    unsafe fn move_pages(&self, from: NonNull<u8>, to: NonNull<u8>, size: usize) -> bool {
        // SAFETY: passed on.
        self.pass(MOVE).is_ok() && unsafe { self.system.move_pages(from, to, size) }
    }

    // Never huge pages: they would be a matter of the machine.

    fn milliseconds(&self) -> u64 {
        self.clock.load(Ordering::SeqCst)
    }
}
