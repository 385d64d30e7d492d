//! A page source that writes down what it is asked, with a clock that the test sets.

use core::ops::Range;
use core::ptr::NonNull;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use famalloc::{PageError, PageSource, System};

/// What was asked of a [`Recorder`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Commit,
    Decommit,
    Discard,
    Populate,
    HugePages(bool),
}

/// One call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) asked: Asked,
    pub(crate) range: Range<usize>,
}

/// The system's pages, with a record of all calls, a clock of its own, and pages as large as wanted.
pub(crate) struct Recorder {
    system: System,
    page: usize,
    /// What time it is.
    pub(crate) now: AtomicU64,
    pub(crate) clock_readings: AtomicUsize,
    /// Whether pages are discarded.
    pub(crate) discards: AtomicBool,
    /// Where the reservation starts, and its bytes.
    base: AtomicUsize,
    size: AtomicUsize,
    calls: Mutex<Vec<Call>>,
}

impl Recorder {
    /// With pages of 4 KiB, at one second.
    pub(crate) const fn new() -> Self {
        Self::with_pages_of(4096)
    }

    pub(crate) const fn with_pages_of(page: usize) -> Self {
        Self {
            system: System::new(),
            page,
            now: AtomicU64::new(1000),
            clock_readings: AtomicUsize::new(0),
            discards: AtomicBool::new(true),
            base: AtomicUsize::new(0),
            size: AtomicUsize::new(0),
            calls: Mutex::new(Vec::new()),
        }
    }

    pub(crate) fn set_time(&self, milliseconds: u64) {
        self.now.store(milliseconds, Ordering::SeqCst);
    }

    /// The addresses of the reservation.
    pub(crate) fn reservation(&self) -> Range<usize> {
        let base = self.base.load(Ordering::SeqCst);
        base..base + self.size.load(Ordering::SeqCst)
    }

    /// What was asked since the last time, but for what concerns the allocator's own tables, which lie
    /// in the second half of the reservation.
    pub(crate) fn calls(&self) -> Vec<Call> {
        let [base, size] = [&self.base, &self.size].map(|field| field.load(Ordering::SeqCst));
        let calls = core::mem::take(&mut *self.calls.lock().unwrap());
        calls.into_iter().filter(|call| call.range.start - base < size / 2).collect()
    }

    /// The ranges of the calls of one kind since the last time; the others are forgotten.
    pub(crate) fn ranges(&self, asked: Asked) -> Vec<Range<usize>> {
        let calls = self.calls().into_iter().filter(|call| call.asked == asked);
        calls.map(|call| call.range).collect()
    }

    /// The bytes of these calls.
    pub(crate) fn bytes(&self, asked: Asked) -> usize {
        self.ranges(asked).into_iter().map(|range| range.len()).sum()
    }

    fn note(&self, asked: Asked, start: NonNull<u8>, size: usize) {
        let start = start.addr().get();
        assert!(start % self.page == 0 && size % self.page == 0 && size > 0, "{asked:?}");
        self.calls.lock().unwrap().push(Call { asked, range: start..start + size });
    }
}

// SAFETY: every call is passed on, or is a hint that need not be followed.
unsafe impl PageSource for Recorder {
    fn page_size(&self) -> usize {
        self.page
    }

    fn reserve(&self, size: usize, align: usize) -> Result<NonNull<u8>, PageError> {
        let range = self.system.reserve(size, align)?;
        self.base.store(range.addr().get(), Ordering::SeqCst);
        self.size.store(size, Ordering::SeqCst);
        Ok(range)
    }

    unsafe fn commit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError> {
        self.note(Asked::Commit, start, size);
        // SAFETY: passed on.
        unsafe { self.system.commit(start, size) }
    }

    unsafe fn decommit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError> {
        self.note(Asked::Decommit, start, size);
        // SAFETY: passed on.
        unsafe { self.system.decommit(start, size)? };
        // What is touched without being committed again faults.
        // SAFETY: within the reservation, and not in use.
        if unsafe { super::system::forbid(start, size) } { Ok(()) } else { Err(PageError) }
    }

    unsafe fn release(&self, start: NonNull<u8>, size: usize) {
        // SAFETY: passed on.
        unsafe { self.system.release(start, size) };
    }

    unsafe fn populate(&self, start: NonNull<u8>, size: usize) {
        self.note(Asked::Populate, start, size);
        // SAFETY: passed on.
        unsafe { self.system.populate(start, size) };
    }

    unsafe fn discard(&self, start: NonNull<u8>, size: usize) -> bool {
        self.note(Asked::Discard, start, size);
        // SAFETY: passed on.
        self.discards.load(Ordering::SeqCst) && unsafe { self.system.discard(start, size) }
    }

    unsafe fn resident(&self, start: NonNull<u8>, size: usize) -> Option<usize> {
        // SAFETY: passed on.
        unsafe { self.system.resident(start, size) }
    }

    unsafe fn huge_pages(&self, start: NonNull<u8>, size: usize, wanted: bool) {
        // Noted and no more, so that what is in memory is known page by page.
        self.note(Asked::HugePages(wanted), start, size);
    }

    fn milliseconds(&self) -> u64 {
        self.clock_readings.fetch_add(1, Ordering::SeqCst);
        self.now.load(Ordering::SeqCst)
    }
}
