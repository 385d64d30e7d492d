//! The ranges of addresses that a space has from its page source.
//!
//! A source that can be asked again and again gives them in steps: a first one of modest size, and
//! further ones as they are needed, each as large as all before it together, up to a bound. So a
//! process whose address space is limited, before it starts or while it runs, has as much of it for other
//! things as famalloc does not use. Any other source is asked once, for all it has.
//!
//! ```text
//!   a range in steps                       its bookkeeping, by itself
//!   | extent | extent | extent | ...       | Range | taken, dirty | windows: 2,176 bytes each |
//!
//!   all there is at once (see `plan`)
//!   | extent | extent | extent | ...       | Space | table | Range | taken, dirty | windows | bitmaps |
//! ```
//!
//! The ranges of a space are in one list, by address. The extents of a range are known from the first on:
//! those whose windows have been committed and entered into the space's table. Its books stay for good,
//! since readers of its windows need no lock. Its addresses are given back when all that is unused is asked
//! for, or a process with a limit has freed what was very large: the range is *vacant* then, and when more
//! is needed its place is asked for again before any other.
//!
//! A run of extents lies within one range, even where two are neighbours: a source may insist on it.

mod steps;

use core::ptr::{self, NonNull};

use crate::error::{AllocError, AllocErrorKind};
use crate::options;
use crate::os::PageSource;
use crate::sync::{AtomicBool, AtomicPtr, AtomicU32, Ordering};

use super::Space;
use super::map::{WINDOW_GRANULES, WINDOW_SHIFT};
use super::owner_tags::OwnerTags;
use super::reserved::Reserved;
use super::window::Window;

/// How many windows are made known at a time: as many as are known, but no fewer than the first number and no
/// more than the second. Each takes half a page, and a part of that is written at once. An interpreter needs long
/// for each window, whenever all extents are looked at.
const KNOWN_STEPS: [u32; 2] = if cfg!(miri) { [1, 1] } else { [4, 32] };

/// A range of addresses, and which of its extents are to be had. All that changes is written under
/// the lock of the space's extents.
#[derive(Debug)]
pub(crate) struct Range {
    base: NonNull<u8>,
    /// The extent at the base.
    pub(super) first: u32,
    /// How many there are.
    pub(super) count: u32,
    /// Where this is, and how far behind it the descriptions of the windows lie.
    books: NonNull<u8>,
    windows: usize,
    /// One bit for each extent: in use, or not to be had. In a range that is all free the bits are zeros, so that
    /// no page of a large range's bits is touched before its extents are.
    taken: NonNull<AtomicU32>,
    /// One bit for each extent: not in use, and with memory.
    dirty: NonNull<AtomicU32>,
    /// No extent of the words of `taken` before this one is free.
    first_word: AtomicU32,
    pub(super) free_count: AtomicU32,
    pub(super) dirty_count: AtomicU32,
    /// How many of its windows are known.
    known: AtomicU32,
    /// Whether its addresses have been given back. No extent is free then.
    vacant: AtomicBool,
    /// The next higher one.
    next: AtomicPtr<Range>,
}

// SAFETY: the pointers are to memory that lives as long as the process, and what they lead to is atomics.
unsafe impl Send for Range {}
// SAFETY: as above.
unsafe impl Sync for Range {}

/// Where the parts of a range's bookkeeping lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Books {
    taken: usize,
    dirty: usize,
    windows: usize,
    /// The bytes to commit at once.
    pub(super) head: usize,
    pub(super) bytes: usize,
}

impl Books {
    /// Those of a range of `count` extents.
    pub(super) const fn of(count: usize, extent_shift: u32, page: usize) -> Self {
        let bits = count.div_ceil(32) * 4;
        let taken = size_of::<Range>().next_multiple_of(64);
        let dirty = taken + bits;
        let windows = (dirty + bits).next_multiple_of(64);
        let per_window = 1 << (WINDOW_SHIFT - extent_shift);
        let bytes = windows + count.div_ceil(per_window) * Window::stride(per_window);
        Self {
            taken,
            dirty,
            windows,
            head: windows.next_multiple_of(page),
            bytes: bytes.next_multiple_of(page),
        }
    }
}

/// One bit of a bitmap, and its word.
fn bit(bits: NonNull<AtomicU32>, at: u32) -> (&'static AtomicU32, u32) {
    // SAFETY: within the bitmap (all callers), which lives as long as the process.
    (unsafe { bits.add(at as usize / 32).as_ref() }, 1 << (at % 32))
}

impl Range {
    /// Writes the description of a range at `books`.
    ///
    /// # Safety
    ///
    /// There are zeros of [`Books::bytes`] bytes for `count` extents at `books`, of which the first
    /// [`Books::head`] are committed, for as long as the process lives. `base` is where `count` extents
    /// of this range of the space lie, of which the first has the number `first`.
    pub(super) unsafe fn write(
        books: NonNull<u8>,
        layout: Books,
        base: NonNull<u8>,
        first: u32,
        count: u32,
    ) -> &'static Self {
        // SAFETY: within the books (contract).
        let at = |offset: usize| unsafe { books.add(offset) };
        let range = books.cast::<Self>();
        // SAFETY: committed, large enough, at the start of a page (contract).
        unsafe {
            range.write(Self {
                base,
                first,
                count,
                books,
                windows: layout.windows,
                taken: at(layout.taken).cast(),
                dirty: at(layout.dirty).cast(),
                first_word: AtomicU32::new(0),
                free_count: AtomicU32::new(count),
                dirty_count: AtomicU32::new(0),
                known: AtomicU32::new(0),
                vacant: AtomicBool::new(false),
                next: AtomicPtr::new(ptr::null_mut()),
            });
        }
        // SAFETY: written just now, and stays.
        unsafe { range.as_ref() }
    }

    /// Makes all extents free, or none.
    fn set_all_free(&self, free: bool) {
        for word in 0..self.words() {
            let bits = if free { 0 } else { u32::MAX };
            bit(self.taken, word * 32).0.store(bits, Ordering::Relaxed);
        }
        self.first_word.store(0, Ordering::Relaxed);
        self.free_count.store(if free { self.count } else { 0 }, Ordering::Relaxed);
    }

    /// How many words each bitmap has.
    fn words(&self) -> u32 {
        self.count.div_ceil(32)
    }

    /// The extents of a word that are free, as its bits.
    fn free_in(&self, word: u32) -> u32 {
        let there = u32::MAX >> (32 - (self.count - word * 32).min(32));
        !bit(self.taken, word * 32).0.load(Ordering::Relaxed) & there
    }

    /// The extents of a word that are dirty, as its bits.
    fn dirty_in(&self, word: u32) -> u32 {
        bit(self.dirty, word * 32).0.load(Ordering::Relaxed)
    }

    fn bytes(&self, space: &Space) -> usize {
        (self.count as usize) << space.extent_shift
    }

    pub(super) fn is_vacant(&self) -> bool {
        self.vacant.load(Ordering::Relaxed)
    }

    /// One past the last extent.
    pub(super) fn end(&self) -> u32 {
        self.first + self.count
    }

    pub(super) fn holds(&self, extent: u32) -> bool {
        (self.first..self.end()).contains(&extent)
    }

    fn bit(&self, bits: NonNull<AtomicU32>, extent: u32) -> (&AtomicU32, u32) {
        debug_assert!(self.holds(extent));
        bit(bits, extent - self.first)
    }

    fn get(&self, bits: NonNull<AtomicU32>, extent: u32) -> bool {
        let (word, bit) = self.bit(bits, extent);
        word.load(Ordering::Relaxed) & bit != 0
    }

    /// Turns a bit over, and counts one more or one less.
    fn turn(&self, bits: NonNull<AtomicU32>, extent: u32, count: &AtomicU32, more: bool) {
        let (word, bit) = self.bit(bits, extent);
        word.store(word.load(Ordering::Relaxed) ^ bit, Ordering::Relaxed);
        let number = count.load(Ordering::Relaxed);
        count.store(if more { number + 1 } else { number - 1 }, Ordering::Relaxed);
    }

    pub(super) fn is_free(&self, extent: u32) -> bool {
        !self.get(self.taken, extent)
    }

    pub(super) fn is_dirty(&self, extent: u32) -> bool {
        self.get(self.dirty, extent)
    }

    pub(super) fn set_free(&self, extent: u32, free: bool) {
        debug_assert!(self.is_free(extent) != free);
        self.turn(self.taken, extent, &self.free_count, free);
        let word = (extent - self.first) / 32;
        // It only moves down here. The next search moves it up, as it has to look at these words
        // anyway.
        if free && word < self.first_word.load(Ordering::Relaxed) {
            self.first_word.store(word, Ordering::Relaxed);
        }
    }

    pub(super) fn set_dirty(&self, extent: u32, dirty: bool) {
        debug_assert!(self.is_dirty(extent) != dirty);
        self.turn(self.dirty, extent, &self.dirty_count, dirty);
    }

    /// The lowest extent of those that `of` names, from a word on.
    fn lowest(&self, from: u32, of: impl Fn(u32) -> u32) -> Option<u32> {
        (from..self.words()).find_map(|word| {
            let bits = of(word);
            (bits != 0).then(|| self.first + word * 32 + bits.trailing_zeros())
        })
    }

    pub(super) fn lowest_dirty(&self) -> Option<u32> {
        if self.dirty_count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        self.lowest(0, |word| self.dirty_in(word))
    }

    pub(super) fn lowest_free(&self) -> Option<u32> {
        if self.free_count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let first = self.first_word.load(Ordering::Relaxed);
        let lowest = self.lowest(first, |word| self.free_in(word))?;
        self.first_word.store((lowest - self.first) / 32, Ordering::Relaxed);
        Some(lowest)
    }

    /// Whether an extent of it is known.
    pub(super) fn is_known(&self, space: &Space, extent: u32) -> bool {
        self.known(space).contains(&extent)
    }

    /// What is wrong with the counts, if anything. The caller has the lock of the extents.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let count =
            |of: &dyn Fn(u32) -> u32| (0..self.words()).map(|it| of(it).count_ones()).sum::<u32>();
        let (free, dirty) = (|word| self.free_in(word), |word| self.dirty_in(word));
        let right = count(&free) == self.free_count.load(Ordering::Relaxed)
            && count(&dirty) == self.dirty_count.load(Ordering::Relaxed)
            && self.lowest(0, free).is_none_or(|lowest| {
                (lowest - self.first) / 32 >= self.first_word.load(Ordering::Relaxed)
            });
        (!right).then_some("the count of a range's free extents is wrong")
    }

    /// The extents that are known, whatever they are.
    pub(super) fn known(&self, space: &Space) -> core::ops::Range<u32> {
        let per_window = WINDOW_GRANULES / space.granules_per_extent();
        let known = self.known.load(Ordering::Acquire) * per_window;
        self.first..self.first + known.min(self.count)
    }

    /// Makes all extents below `end` known. The caller has the lock of the extents.
    pub(super) fn make_known(&'static self, space: &Space, end: u32) -> Result<(), AllocError> {
        let per_window = WINDOW_GRANULES / space.granules_per_extent();
        let (old, all) = (self.known.load(Ordering::Relaxed), self.count.div_ceil(per_window));
        let wanted = (end - self.first).div_ceil(per_window);
        if wanted <= old {
            return Ok(());
        }
        let step = old.clamp(KNOWN_STEPS[0], KNOWN_STEPS[1]);
        let new = wanted.next_multiple_of(step).min(all);
        let (page, stride) = (space.page_size(), Window::stride(per_window as usize));
        // What was committed before keeps its contents, so a page that is shared may be named again.
        let from = (self.windows + old as usize * stride) / page * page;
        let to = (self.windows + new as usize * stride).next_multiple_of(page);
        // SAFETY: whole pages of the range's books, which start on a page.
        unsafe { space.source.commit(self.books.add(from), to - from) }
            .map_err(|_| AllocError::new(AllocErrorKind::Commit))?;
        let granules =
            |number: u32| self.first * space.granules_per_extent() + number * WINDOW_GRANULES;
        // Before the windows are known: a block may be founded there at once, and its owner tags need a
        // place.
        space.make_tags(granules(old)..granules(new))?;
        for number in old..new {
            // SAFETY: there is a description for each window of the range.
            let window = unsafe { self.books.add(self.windows + number as usize * stride) };
            let window = window.cast::<Window>();
            // SAFETY: as above, of the range itself.
            let start = unsafe { self.base.add((number as usize) << WINDOW_SHIFT) };
            // SAFETY: committed zeros, which are a description of nothing in use, but for what is written
            // here.
            unsafe {
                (&raw mut (*window.as_ptr()).start).write(start);
                (&raw mut (*window.as_ptr()).range).write(self);
            }
            space.enter_window(self.first / per_window + number, number, window);
        }
        // Last: a reader of the number, without the lock, finds that many windows in the table.
        self.known.store(new, Ordering::Release);
        Ok(())
    }
}

/// An address far from where systems put mappings of their own choice, so that what lies behind it is
/// free for ranges to come. Not the same in each process, where the system puts the stack in another place
/// each time.
fn remote_place() -> usize {
    const FIRST: usize = 0x2000_0000_0000;
    const PLACES: usize = 1 << 12;
    let local = 0_u8;
    let mixed =
        ((&raw const local).addr() >> 12).wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as usize) >> 32;
    FIRST + ((mixed % PLACES) << 30)
}

/// The ranges of a space, by address.
#[derive(Debug)]
pub(super) struct Ranges {
    lowest: AtomicPtr<Range>,
    /// Whether the source is asked for more.
    grows: bool,
}

impl Ranges {
    pub(super) const fn new(grows: bool) -> Self {
        Self { lowest: AtomicPtr::new(ptr::null_mut()), grows }
    }

    /// Whether addresses are reserved in steps.
    pub(super) fn grows(&self) -> bool {
        self.grows
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &'static Range> + use<> {
        let mut next = self.lowest.load(Ordering::Acquire);
        core::iter::from_fn(move || {
            // SAFETY: ranges live as long as the process.
            let range = unsafe { next.as_ref() }?;
            next = range.next.load(Ordering::Acquire);
            Some(range)
        })
    }

    /// Adds a range. The caller has the lock of the extents, or is alone.
    pub(super) fn insert(&self, range: &'static Range) {
        let below = self.iter().take_while(|other| other.first < range.first).last();
        let link = below.map_or(&self.lowest, |below| &below.next);
        // The list is read without a lock: the new range leads on before anything leads to it.
        range.next.store(link.load(Ordering::Relaxed), Ordering::Relaxed);
        link.store(ptr::from_ref(range).cast_mut(), Ordering::Release);
    }
}

impl Space {
    /// Makes a range of what is reserved.
    fn write_books(&self, data: Reserved, count: u32) -> Option<&'static Range> {
        let layout = Books::of(count as usize, self.extent_shift, self.page_size);
        let books = Reserved::new(self.source, 0, layout.bytes, self.page_size)?;
        // SAFETY: reserved just now.
        unsafe { self.source.commit(books.start, layout.head) }.ok()?;
        let first = ((data.start.addr().get() - self.span) >> self.extent_shift) as u32;
        // SAFETY: fresh pages of so many bytes, and as many extents.
        Some(unsafe { Range::write(books.keep(), layout, data.keep(), first, count) })
    }

    /// A space whose source is asked for addresses in steps: the first of them, of at most `most` bytes,
    /// and the table.
    pub(super) fn reserve_in_steps(
        source: &'static dyn PageSource,
        most: usize,
        extent_shift: u32,
        span_bytes: usize,
    ) -> Result<&'static Self, AllocError> {
        let refused = AllocError::new(AllocErrorKind::AddressSpace);
        let (page, window) = (source.page_size(), 1 << WINDOW_SHIFT);
        let mut bytes = options::first_range().min(most & !(window - 1)).max(window);
        let remote = remote_place();
        let data = loop {
            if let Some(data) = Reserved::new(source, remote, bytes, window) {
                break data;
            }
            // A limit on the address space may leave less: half as much each time, down to a window.
            if bytes == window {
                return Err(refused);
            }
            bytes = (bytes / 2).next_multiple_of(window);
        };
        // Further ranges lie behind it in the remote place, and on either side of it elsewhere.
        let both_sides = data.start.addr().get() != remote;
        let before = if both_sides { span_bytes / 2 } else { 0 };
        let span = data.start.addr().get().saturating_sub(before) & !(window - 1);
        let near = OwnerTags::near(span_bytes, data.start.addr().get() - span, both_sides);
        let table = size_of::<Self>().next_multiple_of(64);
        let directory = table + (span_bytes >> WINDOW_SHIFT) * size_of::<usize>();
        let head = (directory + OwnerTags::head(span_bytes, &near)).next_multiple_of(page);
        let header = Reserved::new(source, 0, head, page).ok_or(refused)?;
        // SAFETY: reserved just now.
        unsafe { source.commit(header.start, head) }
            .map_err(|_| AllocError::new(AllocErrorKind::Commit))?;
        // SAFETY: committed zeros, as long as this needs.
        let space = unsafe {
            let head = header.start.add(directory);
            let tags = OwnerTags::write(head, span_bytes, near, ptr::null_mut());
            let table = header.start.add(table).cast();
            let space = header.start.cast::<Self>();
            space.write(Self::new(source, span, span_bytes, extent_shift, table, tags, None));
            space.as_ref()
        };
        let count = (bytes >> extent_shift) as u32;
        let range = space.write_books(data, count).ok_or(refused)?;
        space.ranges.insert(range);
        space.extents.lock().reserved = count;
        // Not sooner: where a step before this failed, the addresses went back.
        header.keep();
        Ok(space)
    }

    /// All extents about which anything is known, in address order.
    pub(crate) fn extents_known(&self) -> impl Iterator<Item = u32> + use<'_> {
        self.ranges.iter().flat_map(|range| range.known(self))
    }
}
