//! Threads: rows of magazines, and the fast path.
//!
//! ```text
//! thread-local, in the user's crate        from the reservation
//! homes   Ast -----> the empty row         row of (this thread, Object)
//!         Code ----> the empty row         class   0     1     2    ...   82
//!         Object ------------------------> heads | top, bottom, free top, free limit, lane |
//!                                                   |                |
//!                                                   v                v
//!                                              |a|b|c| | |      |d| | | | |     two magazines
//!                                              allocate here     free here
//! ```
//!
//! Allocating pops from one magazine, freeing pushes into the other, and when the first is empty or
//! the second full they change places (the loaded and the previous magazine of Bonwick and Adams,
//! "Magazines and Vmem", 2001), or, where that would not help for long, the lane fills or takes one.
//! Two of them rather than one, so that a pair of operations does not wait for its own last store.
//! Before a family's first use a home points at the one static row whose every head is empty and full
//! at once: the fast path needs no check for it, as its first step fails there into the slow path,
//! which makes a row.
//!
//! A row is touched by its own thread alone (I3), and by whoever finds that this is gone. Its fields are atomics, read and written as plain
//! words, because a snapshot reads from outside how full the magazines are.

pub(crate) mod exit;
#[cfg(feature = "std")]
mod fork;
mod home;
mod homes;
#[cfg(feature = "std")]
mod life;
#[cfg(not(feature = "std"))]
pub(crate) mod one;

#[cfg(feature = "std")]
pub(crate) use fork::family;
pub use home::{Homes, RowHome};

use core::ptr::{self, NonNull};

use crate::class;
use crate::error::{AllocError, AllocErrorKind};
use crate::lane::Lane;
use crate::lane::magazine::MagazineBox;
use crate::space::tables::Table;
use crate::sync::{AtomicBool, AtomicPtr, AtomicU8, Ordering};
use crate::table::{FamilyTable, RowLinks, SetTable};

/// A thread's magazines of one family.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Row {
    /// First, so that a head lies at the [scaled](class::SCALE) class.
    heads: [Head; class::COUNT],
    links: RowLinks,
    family: AtomicPtr<FamilyTable>,
    home: AtomicPtr<RowHome>,
    /// The next row of the same thread.
    next_of_thread: AtomicPtr<Row>,
}

const _: () = assert!(size_of::<Head>() == 1 << class::SCALE);

impl Table for Row {
    const KIND: usize = 3;
}

/// The row of who has none: every head is empty and full at once.
#[derive(Debug)]
#[repr(transparent)]
pub struct EmptyRow(Row);

#[doc(hidden)]
pub static EMPTY_ROW: EmptyRow = EmptyRow(Row::new());

impl EmptyRow {
    /// As any row.
    pub(crate) const fn as_row(&'static self) -> *const Row {
        &raw const self.0
    }
}

/// A magazine with at most this part of its slots has few.
const FEW: usize = 4;

/// What became of a slot that was put into a magazine.
pub(crate) enum Pushed {
    Done,
    /// There is no room.
    NoRoom,
    /// It was put in a moment ago.
    Again,
}

/// A thread's two magazines of one cell.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Head {
    /// One past the last slot to allocate, and the first.
    top: AtomicPtr<*mut u8>,
    bottom: AtomicPtr<*mut u8>,
    /// Where the next freed slot goes, and where there is no more room.
    free_top: AtomicPtr<*mut u8>,
    free_limit: AtomicPtr<*mut u8>,
    /// The lane this thread is assigned; null until the cell's first use.
    lane: AtomicPtr<Lane>,
    /// Whether the magazines have changed places since the lane was last told how many slots lie
    /// idle, ...
    swapped: AtomicBool,
    /// ... and how many of these are in the one that is freed into. It is not allocated from, so they
    /// still lie idle.
    kept: AtomicU8,
    /// Whether the lane has added slots since they last changed places, with some in the other.
    topped_up: AtomicBool,
}

impl Head {
    const fn new() -> Self {
        Self {
            top: AtomicPtr::new(ptr::null_mut()),
            bottom: AtomicPtr::new(ptr::null_mut()),
            free_top: AtomicPtr::new(ptr::null_mut()),
            free_limit: AtomicPtr::new(ptr::null_mut()),
            lane: AtomicPtr::new(ptr::null_mut()),
            swapped: AtomicBool::new(false),
            kept: AtomicU8::new(0),
            topped_up: AtomicBool::new(false),
        }
    }

    /// Takes a slot from the magazine to allocate from.
    #[inline(always)]
    pub(crate) fn pop(&self) -> Option<NonNull<u8>> {
        let top = self.top.load(Ordering::Relaxed);
        if top == self.bottom.load(Ordering::Relaxed) {
            return None;
        }
        // SAFETY: above the bottom, so there is a slot below.
        let top = unsafe { top.sub(1) };
        self.top.store(top, Ordering::Relaxed);
        // SAFETY: slots from the bottom to the top are addresses that this thread owns.
        Some(unsafe { NonNull::new_unchecked(*top) })
    }

    /// Puts a slot into the magazine to free into; `false` if there is no room.
    #[inline(always)]
    pub(crate) fn push(&self, slot: NonNull<u8>) -> bool {
        let top = self.free_top.load(Ordering::Relaxed);
        if top == self.free_limit.load(Ordering::Relaxed) {
            return false;
        }
        // SAFETY: below the limit there is room for another, ours alone.
        unsafe { *top = slot.as_ptr() };
        // SAFETY: at most the limit.
        self.free_top.store(unsafe { top.add(1) }, Ordering::Relaxed);
        true
    }

    /// [`push`](Self::push) that looks whether the slot is the one that was put in last: the commonest
    /// of double frees.
    #[inline(always)]
    pub(crate) fn push_another(&self, slot: NonNull<u8>) -> Pushed {
        let top = self.free_top.load(Ordering::Relaxed);
        if top == self.free_limit.load(Ordering::Relaxed) {
            return Pushed::NoRoom;
        }
        // SAFETY: not the empty row's, which is full. Before the first slot lies the magazine's length,
        // which is no address.
        if unsafe { *top.sub(1) } == slot.as_ptr() {
            return Pushed::Again;
        }
        // SAFETY: as in `push`.
        unsafe { *top = slot.as_ptr() };
        // SAFETY: as in `push`.
        self.free_top.store(unsafe { top.add(1) }, Ordering::Relaxed);
        Pushed::Done
    }

    /// Whether a slot is the one that was put in last.
    #[inline]
    pub(crate) fn gave_last(&self, slot: NonNull<u8>) -> bool {
        let top = self.free_top.load(Ordering::Relaxed);
        // SAFETY: where there is a magazine, before its first slot lies its length, which is no address.
        !top.is_null() && unsafe { *top.sub(1) } == slot.as_ptr()
    }

    fn lane(&self) -> Option<&'static Lane> {
        // SAFETY: null, or a lane, which lives as long as the process.
        unsafe { self.lane.load(Ordering::Relaxed).as_ref() }
    }

    fn free_bottom(&self, class: usize) -> *mut *mut u8 {
        self.free_limit.load(Ordering::Relaxed).wrapping_sub(class::magazine_capacity(class))
    }

    /// How many slots are in the two magazines. Exact on the row's own thread and while that
    /// thread rests; in between it is a bound.
    pub(crate) fn len(&self, class: usize) -> usize {
        if self.lane.load(Ordering::Relaxed).is_null() {
            return 0;
        }
        let capacity = class::magazine_capacity(class);
        let count = |top: &AtomicPtr<*mut u8>, bottom: *mut *mut u8| {
            let bytes = top.load(Ordering::Relaxed).addr().wrapping_sub(bottom.addr());
            (bytes / size_of::<*mut u8>()).min(capacity)
        };
        count(&self.top, self.bottom.load(Ordering::Relaxed))
            + count(&self.free_top, self.free_bottom(class))
    }

    /// How many slots have been in a magazine all the while since the lane was last told. Exact or
    /// too few, as [`Self::len`] is exact or not.
    pub(crate) fn idle(&self) -> usize {
        let kept = usize::from(self.kept.load(Ordering::Relaxed));
        if self.swapped.load(Ordering::Relaxed) { kept } else { kept + self.loaded_len() }
    }

    /// How many slots are in the magazine to allocate from; exact on the row's own thread.
    fn loaded_len(&self) -> usize {
        let (top, bottom) = (self.top.load(Ordering::Relaxed), self.bottom.load(Ordering::Relaxed));
        (top.addr().wrapping_sub(bottom.addr()) / size_of::<*mut u8>()).min(class::MAX_MAGAZINE)
    }

    /// How many slots are in the magazine to free into, on the row's own thread.
    fn freed_len(&self, class: usize) -> usize {
        let top = self.free_top.load(Ordering::Relaxed).addr();
        (top - self.free_bottom(class).addr()) / size_of::<*mut u8>()
    }

    /// [`Self::idle`], to tell the lane.
    fn tell_idle(&self) -> usize {
        let idle = self.idle();
        self.swapped.store(false, Ordering::Relaxed);
        self.kept.store(0, Ordering::Relaxed);
        idle
    }

    /// Calls `visit` with the slots of the two magazines, on the row's own thread. Whatever that was in
    /// the midst of, no count is believed beyond what a magazine can hold.
    pub(crate) fn for_each_magazine(&self, class: usize, mut visit: impl FnMut(&[*mut u8])) {
        if self.lane().is_none() {
            return;
        }
        let bottom = self.bottom.load(Ordering::Relaxed);
        let halves = [(bottom, &self.top), (self.free_bottom(class), &self.free_top)];
        for (bottom, top) in halves {
            let bytes = top.load(Ordering::Relaxed).addr().wrapping_sub(bottom.addr());
            let count = bytes / size_of::<*mut u8>();
            if count <= class::magazine_capacity(class) {
                // SAFETY: a magazine has so many slots; those up to the top are written, and others have
                // been committed as zero.
                visit(unsafe { core::slice::from_raw_parts(bottom, count) });
            }
        }
    }

    /// The addresses in the two magazines, on the row's own thread.
    pub(crate) fn slots(&self, class: usize) -> impl Iterator<Item = *mut u8> {
        let range = |bottom: *mut *mut u8, top: *mut *mut u8| {
            let count = (top.addr() - bottom.addr()) / size_of::<*mut u8>();
            // SAFETY: the slots from the bottom to the top are written.
            (0..count).map(move |index| unsafe { *bottom.add(index) })
        };
        let used = self.lane().is_some();
        let load = |it: &AtomicPtr<*mut u8>| it.load(Ordering::Relaxed);
        used.then(|| {
            range(load(&self.bottom), load(&self.top))
                .chain(range(self.free_bottom(class), load(&self.free_top)))
        })
        .into_iter()
        .flatten()
    }

    /// Makes `magazine` the one to allocate from.
    fn load(&self, magazine: MagazineBox) {
        let len = magazine.len();
        let bottom = magazine.into_bottom();
        self.bottom.store(bottom, Ordering::Relaxed);
        self.top.store(bottom.wrapping_add(len), Ordering::Relaxed);
    }

    /// Makes `magazine` the one to free into.
    fn load_for_freeing(&self, magazine: MagazineBox, class: usize) {
        let len = magazine.len();
        let bottom = magazine.into_bottom();
        let limit = bottom.wrapping_add(class::magazine_capacity(class));
        self.free_limit.store(limit, Ordering::Relaxed);
        self.free_top.store(bottom.wrapping_add(len), Ordering::Relaxed);
    }

    /// Takes the magazine to allocate from out; another has to be put in at once.
    fn unload(&self) -> MagazineBox {
        let (bottom, top) = (self.bottom.load(Ordering::Relaxed), self.top.load(Ordering::Relaxed));
        let len = (top.addr() - bottom.addr()) / size_of::<*mut u8>();
        // SAFETY: the head was equipped, so this is the bottom of a magazine whose slots up to the
        // top are written.
        unsafe { MagazineBox::from_bottom(bottom, len) }
    }

    /// Takes the magazine to free into out; another has to be put in at once.
    fn unload_for_freeing(&self, class: usize) -> MagazineBox {
        let bottom = self.free_bottom(class);
        let len =
            (self.free_top.load(Ordering::Relaxed).addr() - bottom.addr()) / size_of::<*mut u8>();
        // SAFETY: as in `unload`.
        unsafe { MagazineBox::from_bottom(bottom, len) }
    }

    /// Lets the two magazines change places.
    fn swap(&self, class: usize) {
        // Slots that change places a second time have been in reach of the program in between.
        let first = !self.swapped.load(Ordering::Relaxed);
        let kept = if first { self.loaded_len() as u8 } else { 0 };
        self.kept.store(kept, Ordering::Relaxed);
        let (loaded, freed) = (self.unload(), self.unload_for_freeing(class));
        self.load(freed);
        self.load_for_freeing(loaded, class);
        self.swapped.store(true, Ordering::Relaxed);
        self.topped_up.store(false, Ordering::Relaxed);
    }

    /// Gives an unused head its lane and its magazines.
    fn equip(
        &self,
        family: &'static FamilyTable,
        class: usize,
    ) -> Result<&'static Lane, AllocError> {
        if let Some(lane) = self.lane() {
            return Ok(lane);
        }
        let space = family.holding.space;
        let loaded = MagazineBox::new(space)?;
        let freed = match MagazineBox::new(space) {
            Ok(freed) => freed,
            Err(error) => {
                loaded.discard(space);
                return Err(error);
            }
        };
        match family.assign_lane(class) {
            Ok(lane) => {
                self.load(loaded);
                self.load_for_freeing(freed, class);
                self.lane.store(ptr::from_ref(lane).cast_mut(), Ordering::Relaxed);
                Ok(lane)
            }
            Err(error) => {
                loaded.discard(space);
                freed.discard(space);
                Err(error)
            }
        }
    }

    /// Takes a slot when the magazine to allocate from is empty.
    ///
    /// The other one takes its place, unless there is so little in that that they would soon change
    /// places again: a program that allocates and frees in turn keeps the sum of the two as it is,
    /// and would come here once in so many operations. Then the lane adds to the sum, once: a program
    /// that only allocates comes to what it freed before.
    fn refill(&self, lane: &Lane, class: usize) -> Result<NonNull<u8>, AllocError> {
        let freed = self.freed_len(class);
        let few = freed <= class::magazine_capacity(class) / FEW;
        if freed > 0 && (!few || self.topped_up.load(Ordering::Relaxed)) {
            self.swap(class);
        } else {
            let idle = self.tell_idle();
            match lane.exchange(self.unload(), idle) {
                Ok(full) => {
                    self.kept.store(freed as u8, Ordering::Relaxed);
                    self.topped_up.store(freed > 0, Ordering::Relaxed);
                    self.load(full);
                }
                Err((empty, error)) => {
                    self.load(empty);
                    if freed == 0 {
                        return Err(error);
                    }
                    self.swap(class);
                }
            }
        }
        match self.pop() {
            Some(slot) => Ok(slot),
            None => unreachable!("a refilled magazine is empty"),
        }
    }

    /// Makes room in the magazine to free into: the other one takes its place if there is hardly
    /// anything in it, otherwise the lane takes what was freed.
    fn make_room(&self, lane: &Lane, class: usize) {
        if self.loaded_len() <= class::magazine_capacity(class) / FEW {
            self.swap(class);
        } else {
            let idle = self.tell_idle();
            let empty = lane.park(self.unload_for_freeing(class), idle);
            self.load_for_freeing(empty, class);
        }
    }
}

impl Row {
    const fn new() -> Self {
        Self {
            heads: [const { Head::new() }; class::COUNT],
            links: RowLinks::new(),
            family: AtomicPtr::new(ptr::null_mut()),
            home: AtomicPtr::new(ptr::null_mut()),
            next_of_thread: AtomicPtr::new(ptr::null_mut()),
        }
    }

    fn is_empty_row(&self) -> bool {
        ptr::eq(self, EMPTY_ROW.as_row())
    }

    /// The head of a class.
    ///
    /// # Safety
    ///
    /// `class` is below [`class::COUNT`].
    #[inline(always)]
    pub(crate) unsafe fn head(&self, class: usize) -> &Head {
        debug_assert!(class < class::COUNT);
        // SAFETY: passed on.
        unsafe { self.heads.get_unchecked(class) }
    }

    /// The head of a class that is [scaled](class::SCALE).
    ///
    /// # Safety
    ///
    /// It is a class below [`class::COUNT`], scaled.
    #[inline(always)]
    pub(crate) unsafe fn head_at(&self, scaled: usize) -> &Head {
        debug_assert!(
            scaled < size_of::<[Head; class::COUNT]>() && scaled % size_of::<Head>() == 0
        );
        let heads = (&raw const self.heads).cast::<Head>();
        // SAFETY: passed on: within the heads, at one's start.
        unsafe { &*heads.byte_add(scaled) }
    }

    /// Where the links of a row are.
    ///
    /// # Safety
    ///
    /// A valid row.
    pub(super) unsafe fn links_of(row: NonNull<Self>) -> NonNull<RowLinks> {
        // SAFETY: within the row (contract).
        unsafe { row.byte_add(core::mem::offset_of!(Self, links)) }.cast()
    }

    /// The row whose links these are.
    ///
    /// # Safety
    ///
    /// They are the links of a row that stays valid for `'a`.
    pub(crate) unsafe fn of_links<'a>(links: NonNull<RowLinks>) -> &'a Self {
        // SAFETY: the links are so far into the row (contract).
        unsafe { links.byte_sub(core::mem::offset_of!(Self, links)).cast::<Self>().as_ref() }
    }

    pub(crate) fn heads(&self) -> &[Head; class::COUNT] {
        &self.heads
    }
}

/// A family, made now if this is its first use.
#[cfg(not(feature = "std"))]
#[inline]
pub(crate) fn family(
    set: &'static SetTable,
    index: usize,
) -> Result<&'static FamilyTable, AllocError> {
    set.family(index)
}

/// Takes a slot when the fast path could not.
#[cold]
#[inline(never)]
pub(crate) fn take_slowly(
    home: &RowHome,
    set: &'static SetTable,
    family: usize,
    class: usize,
) -> Result<NonNull<u8>, AllocError> {
    let family = self::family(set, family)?;
    take_once(home, family, class)
        .or_else(|error| take_under_pressure(home, family, class, error.kind()).ok_or(error))
}

fn take_once(
    home: &RowHome,
    family: &'static FamilyTable,
    class: usize,
) -> Result<NonNull<u8>, AllocError> {
    if let Some(row) = exit::row(home, family) {
        let head = &row.heads[class];
        if let Ok(lane) = head.equip(family, class) {
            let slot = head.refill(lane, class)?;
            if family.holding.has_grown() {
                family.trim_idle();
                exit::close_some_of_dead();
            }
            return Ok(slot);
        }
    }
    family.any_lane(class)?.take_one()
}

/// Takes a slot when no block is to be had: there may be room in what was freed and is kept
/// elsewhere, or in another lane of the cell.
#[cold]
fn take_under_pressure(
    home: &RowHome,
    family: &'static FamilyTable,
    class: usize,
    kind: AllocErrorKind,
) -> Option<NonNull<u8>> {
    relieve(family, kind);
    let again = take_once(home, family, class).ok();
    again.or_else(|| family.lanes(class).find_map(|lane| lane.take_one().ok()))
}

/// Does the deferred work that may cure a refusal: of the family where its limit is reached, of
/// every family of the same reservation where that has no more to give.
#[cold]
pub(crate) fn relieve(family: &'static FamilyTable, kind: AllocErrorKind) {
    exit::close_all_of_dead();
    if kind == AllocErrorKind::Limit {
        exit::unload_rows_of(family);
        family.settle();
        return;
    }
    exit::unload_rows();
    let space = family.holding.space;
    SetTable::all()
        .flat_map(SetTable::all_used)
        .filter(|other| ptr::eq(other.holding.space, space))
        .for_each(FamilyTable::settle);
}

/// Frees a slot when the fast path could not.
///
/// # Safety
///
/// The slot is of this cell, and the caller's to free.
#[cold]
#[inline(never)]
pub(crate) unsafe fn give_slowly(
    home: &RowHome,
    set: &'static SetTable,
    family: usize,
    class: usize,
    slot: NonNull<u8>,
) {
    let Some(family) = set.used(family) else {
        crate::os::die(format_args!(
            "freed {slot:p} in family {}::{}, from which nothing was ever allocated",
            set.name,
            set.specs()[family]
        ))
    };
    if let Some(row) = exit::row_to_free(home, family) {
        let head = &row.heads[class];
        if let Ok(lane) = head.equip(family, class) {
            if !head.push(slot) {
                head.make_room(lane, class);
                let pushed = head.push(slot);
                debug_assert!(pushed, "there was room");
            }
            return;
        }
    }
    match family.lanes(class).next() {
        Some(lane) => lane.give_unbuffered(slot),
        None => crate::os::die(format_args!(
            "freed {slot:p} in family {}::{} as {} bytes, of which nothing was ever allocated there",
            set.name,
            family.holding.spec,
            class::slot_size(class)
        )),
    }
}
