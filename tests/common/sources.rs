//! Page sources for tests: one that fails on purpose, one that watches every page, one that hands out again what
//! it had first of all.

use core::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use famalloc::{PageError, PageSource, System};

/// What a [`Faulty`] source refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Reserve,
    Commit,
    Decommit,
}

/// The system's pages, but for a call that is to fail.
pub(crate) struct Faulty {
    system: System,
    /// Reservations above this are always refused.
    largest: usize,
    /// For each kind of call, how many succeed before one fails.
    fuses: [AtomicIsize; 3],
    /// Whether all calls after that one fail too.
    lasting: AtomicBool,
    refused: AtomicUsize,
    /// How many reservations are not released.
    pub(crate) reservations: AtomicIsize,
}

impl Faulty {
    pub(crate) const fn new(largest: usize) -> Self {
        Self {
            system: System::new(),
            largest,
            fuses: [const { AtomicIsize::new(isize::MAX) }; 3],
            lasting: AtomicBool::new(false),
            refused: AtomicUsize::new(0),
            reservations: AtomicIsize::new(0),
        }
    }

    /// Lets the `n`-th call from now on fail, and with `lasting` all after it.
    pub(crate) fn fail_at(&self, call: Call, n: usize, lasting: bool) {
        self.recover();
        self.refused.store(0, Ordering::SeqCst);
        self.lasting.store(lasting, Ordering::SeqCst);
        self.fuses[call as usize].store(isize::try_from(n).unwrap(), Ordering::SeqCst);
    }

    /// Fails no more.
    pub(crate) fn recover(&self) {
        for fuse in &self.fuses {
            fuse.store(isize::MAX, Ordering::SeqCst);
        }
    }

    /// How many calls were refused since [`Self::fail_at`].
    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }

    fn pass(&self, call: Call) -> Result<(), PageError> {
        let left = self.fuses[call as usize].fetch_sub(1, Ordering::SeqCst) - 1;
        if left == 0 || (left < 0 && self.lasting.load(Ordering::SeqCst)) {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return Err(PageError);
        }
        Ok(())
    }
}

// SAFETY: every call is refused or passed on unchanged.
unsafe impl PageSource for Faulty {
    fn page_size(&self) -> usize {
        self.system.page_size()
    }

    fn reserve(&self, size: usize, align: usize) -> Result<NonNull<u8>, PageError> {
        if size > self.largest {
            return Err(PageError);
        }
        self.pass(Call::Reserve)?;
        let range = self.system.reserve(size, align)?;
        self.reservations.fetch_add(1, Ordering::SeqCst);
        Ok(range)
    }

    unsafe fn commit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError> {
        self.pass(Call::Commit)?;
        // SAFETY: passed on.
        unsafe { self.system.commit(start, size) }
    }

    unsafe fn decommit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError> {
        self.pass(Call::Decommit)?;
        // SAFETY: passed on.
        unsafe { self.system.decommit(start, size) }
    }

    unsafe fn release(&self, start: NonNull<u8>, size: usize) {
        self.reservations.fetch_sub(1, Ordering::SeqCst);
        // SAFETY: passed on.
        unsafe { self.system.release(start, size) };
    }

    fn milliseconds(&self) -> u64 {
        self.system.milliseconds()
    }
}

/// The system's pages, with a state for each, in which memory that is not committed faults when it
/// is touched.
pub(crate) struct Strict {
    system: System,
    /// Reservations above this are refused.
    largest: usize,
    /// Whether emptied extents stay warm: without a clock they go at once.
    clock: bool,
    state: Mutex<Ranges>,
}

struct Ranges {
    base: usize,
    /// Whether each page is committed.
    committed: Vec<bool>,
    faults: Vec<String>,
}

impl Strict {
    pub(crate) const fn new(largest: usize, clock: bool) -> Self {
        let state = Ranges { base: 0, committed: Vec::new(), faults: Vec::new() };
        Self { system: System::new(), largest, clock, state: Mutex::new(state) }
    }

    /// The bytes that are committed.
    pub(crate) fn committed(&self) -> usize {
        let state = self.state.lock().unwrap();
        state.committed.iter().filter(|&&page| page).count() * self.page_size()
    }

    /// Nothing was done that the contract forbids.
    pub(crate) fn assert_kept(&self) {
        let state = self.state.lock().unwrap();
        assert!(state.faults.is_empty(), "{:#?}", state.faults);
    }

    /// Looks at the pages of a range; with `set` makes them so.
    fn pages(&self, what: &str, start: NonNull<u8>, size: usize, set: Option<bool>) {
        let page = self.page_size();
        let mut state = self.state.lock().unwrap();
        let offset = start.addr().get().wrapping_sub(state.base);
        let (from, to) = (offset / page, offset.wrapping_add(size) / page);
        let fault = if offset % page != 0 || size % page != 0 || size == 0 {
            Some("is not made of whole pages")
        } else if from > to || to > state.committed.len() {
            Some("is outside of the reservation")
        } else if let Some(set) = set {
            state.committed[from..to].fill(set);
            None
        } else if !state.committed[from..to].iter().all(|&page| page) {
            Some("is not committed")
        } else {
            None
        };
        if let Some(fault) = fault {
            state.faults.push(format!("{what}: {size:#x} bytes at offset {offset:#x}: it {fault}"));
        }
    }
}

// SAFETY: every call is passed on; decommitted pages are without access, as they may be.
unsafe impl PageSource for Strict {
    fn page_size(&self) -> usize {
        self.system.page_size()
    }

    fn reserve(&self, size: usize, align: usize) -> Result<NonNull<u8>, PageError> {
        if size > self.largest {
            return Err(PageError);
        }
        let range = self.system.reserve(size, align)?;
        let mut state = self.state.lock().unwrap();
        if state.base != 0 {
            state.faults.push("reserve: a second time".into());
        }
        state.base = range.addr().get();
        state.committed = vec![false; size / self.page_size()];
        Ok(range)
    }

    unsafe fn commit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError> {
        self.pages("commit", start, size, Some(true));
        // SAFETY: passed on.
        unsafe { self.system.commit(start, size) }
    }

    unsafe fn decommit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError> {
        self.pages("decommit", start, size, Some(false));
        // SAFETY: passed on.
        unsafe { self.system.decommit(start, size)? };
        // SAFETY: within the reservation, and not in use.
        if unsafe { super::system::forbid(start, size) } { Ok(()) } else { Err(PageError) }
    }

    unsafe fn release(&self, start: NonNull<u8>, size: usize) {
        self.pages("release", start, size, Some(false));
        self.state.lock().unwrap().base = 0;
        // SAFETY: passed on.
        unsafe { self.system.release(start, size) };
    }

    unsafe fn populate(&self, start: NonNull<u8>, size: usize) {
        self.pages("populate", start, size, None);
        // SAFETY: passed on.
        unsafe { self.system.populate(start, size) };
    }

    unsafe fn huge_pages(&self, start: NonNull<u8>, size: usize, wanted: bool) {
        if wanted {
            self.pages("huge_pages", start, size, None);
        }
        // SAFETY: passed on.
        unsafe { self.system.huge_pages(start, size, wanted) };
    }

    unsafe fn move_pages(&self, from: NonNull<u8>, to: NonNull<u8>, size: usize) -> bool {
        self.pages("move_pages from", from, size, None);
        self.pages("move_pages to", to, size, None);
        // SAFETY: passed on.
        unsafe { self.system.move_pages(from, to, size) }
    }

    fn milliseconds(&self) -> u64 {
        if self.clock { self.system.milliseconds() } else { 0 }
    }
}

/// The system's pages at the highest addresses that are free in a part of them, wherever they are wanted.
pub(crate) struct TopDown {
    system: System,
    part: OnceLock<usize>,
    taken: Mutex<Vec<(usize, usize)>>,
    /// Whether what was released is handed out again.
    again: bool,
}

/// How many addresses there are.
const PART: usize = 64 << 30;

impl TopDown {
    pub(crate) const fn new() -> Self {
        Self::handing_out(true)
    }

    /// Hands out no address twice that was used.
    #[allow(dead_code, reason = "not every test file uses it")]
    pub(crate) const fn once_each() -> Self {
        Self::handing_out(false)
    }

    const fn handing_out(again: bool) -> Self {
        let taken = Mutex::new(Vec::new());
        Self { system: System::new(), part: OnceLock::new(), taken, again }
    }

    /// How many ranges were handed out and may not be handed out again.
    #[allow(dead_code, reason = "as above")]
    pub(crate) fn ranges(&self) -> usize {
        self.taken.lock().unwrap().len()
    }

    fn part(&self) -> NonNull<u8> {
        let reserve = || self.system.reserve(PART, 1 << 21).unwrap().as_ptr().expose_provenance();
        let start = std::ptr::with_exposed_provenance_mut(*self.part.get_or_init(reserve));
        NonNull::new(start).unwrap()
    }
}

// SAFETY: ranges of the part are handed out to one at a time, and are zero then.
unsafe impl PageSource for TopDown {
    fn page_size(&self) -> usize {
        self.system.page_size()
    }
    fn reserve(&self, size: usize, align: usize) -> Result<NonNull<u8>, PageError> {
        let part = self.part();
        let first = part.addr().get();
        let mut taken = self.taken.lock().unwrap();
        let ends = taken.iter().map(|&(start, _)| start).chain([first + PART]);
        let starts = ends.map(|end| end.saturating_sub(size) / align * align);
        let is_free = |&start: &usize| {
            let (end, mut others) = (start + size, taken.iter());
            start >= first && others.all(|&(other, len)| end <= other || other + len <= start)
        };
        let start = starts.filter(is_free).max().ok_or(PageError)?;
        taken.push((start, size));
        // SAFETY: within the part.
        Ok(unsafe { part.add(start - first) })
    }
    fn in_steps(&self) -> bool {
        true
    }
    unsafe fn commit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError> {
        // SAFETY: passed on.
        unsafe { self.system.commit(start, size) }
    }
    unsafe fn decommit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError> {
        // SAFETY: passed on.
        unsafe { self.system.decommit(start, size) }
    }
    unsafe fn release(&self, start: NonNull<u8>, size: usize) {
        // SAFETY: nobody uses it.
        unsafe { self.system.decommit(start, size) }.unwrap();
        let range = (start.addr().get(), size);
        let mut taken = self.taken.lock().unwrap();
        // What is given back at once was never used.
        if self.again || taken.last() == Some(&range) {
            taken.retain(|&other| other != range);
        }
    }
}
