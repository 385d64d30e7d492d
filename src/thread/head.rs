//! A head: a thread's two magazines of one cell, and the fast path.
//!
//! ```text
//! the magazine to allocate from             the magazine to free into
//! start    bottom       top                 start    free from   free top    free limit
//! |. . . . |a b c d e f |                   |. . . . |g h i      |          |
//!  taken                                     free taken
//! ```
//!
//! Between `bottom` and `top`, and from what was taken of the other up to `free top`, are the addresses
//! that the head holds. Normally nothing is taken and `bottom` is the start; another thread that wants
//! the slots of one that idles takes them from the front, and leaves the rest where it is: see
//! [`handshake`](super::handshake), which says why both can be at work at once. The owner's slow
//! path moves the rest to the front when it has to do with the magazine next.
//!
//! A *closed* head has a bottom above and a limit below everything: what is popped next, or pushed, goes to
//! the slow path. The magazine to free into stays closed while something is taken.

use core::ptr::{self, NonNull};

use crate::class;
use crate::error::AllocError;
use crate::lane::Lane;
use crate::lane::magazine::MagazineBox;
use crate::space::provenance::renewed;
use crate::sync::{AtomicBool, AtomicPtr, AtomicU8, Ordering};
use crate::table::FamilyTable;

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
    /// Where the two magazines start.
    start: AtomicPtr<*mut u8>,
    free_start: AtomicPtr<*mut u8>,
    /// How many slots other threads have taken from the front of each.
    taken: AtomicU8,
    free_taken: AtomicU8,
    /// Whether the magazines have changed places since the lane was last told how many slots lie
    /// idle, ...
    swapped: AtomicBool,
    /// ... and how many of these are in the one that is freed into. It is not allocated from, so they
    /// still lie idle.
    kept: AtomicU8,
    /// Whether the lane has added slots since they last changed places, with some in the other.
    topped_up: AtomicBool,
}

const _: () = assert!(size_of::<Head>() == 1 << class::SCALE);

/// The bottom of a closed head.
const CLOSED: *mut *mut u8 = ptr::without_provenance_mut(usize::MAX);

/// How many slots lie from `from` to `to`, at most as many as a magazine of the class can hold: on
/// another thread than the row's the two may be of different magazines.
fn between(from: *mut *mut u8, to: *mut *mut u8, class: usize) -> usize {
    let bytes = to.addr().wrapping_sub(from.addr());
    (bytes / size_of::<*mut u8>()).min(class::magazine_capacity(class))
}

impl Head {
    pub(super) const fn new() -> Self {
        Self {
            top: AtomicPtr::new(ptr::null_mut()),
            bottom: AtomicPtr::new(ptr::null_mut()),
            free_top: AtomicPtr::new(ptr::null_mut()),
            free_limit: AtomicPtr::new(ptr::null_mut()),
            lane: AtomicPtr::new(ptr::null_mut()),
            start: AtomicPtr::new(ptr::null_mut()),
            free_start: AtomicPtr::new(ptr::null_mut()),
            taken: AtomicU8::new(0),
            free_taken: AtomicU8::new(0),
            swapped: AtomicBool::new(false),
            kept: AtomicU8::new(0),
            topped_up: AtomicBool::new(false),
        }
    }

    /// Takes a slot from the magazine to allocate from.
    #[inline(always)]
    pub(crate) fn pop(&self) -> Option<NonNull<u8>> {
        let top = self.top.load(Ordering::Relaxed);
        if top <= self.bottom.load(Ordering::Relaxed) {
            return None;
        }
        // SAFETY: above the bottom, so there is a slot below.
        let top = unsafe { top.sub(1) };
        self.top.store(top, Ordering::Relaxed);
        // SAFETY: slots from the bottom to the top are addresses that this thread owns, and others do not
        // take the uppermost.
        Some(unsafe { NonNull::new_unchecked(*top) })
    }

    /// Puts a slot into the magazine to free into; `false` if there is no room.
    #[inline(always)]
    pub(crate) fn push(&self, slot: NonNull<u8>) -> bool {
        let top = self.free_top.load(Ordering::Relaxed);
        if top >= self.free_limit.load(Ordering::Relaxed) {
            return false;
        }
        // SAFETY: below the limit there is room for another, ours alone.
        unsafe { *top = renewed(slot).as_ptr() };
        // Who sees the new top sees the slot.
        // SAFETY: at most the limit.
        self.free_top.store(unsafe { top.add(1) }, Ordering::Release);
        true
    }

    /// [`push`](Self::push) that looks whether the slot is the one that was put in last: the commonest
    /// of double frees.
    #[inline(always)]
    pub(crate) fn push_another(&self, slot: NonNull<u8>) -> Pushed {
        let top = self.free_top.load(Ordering::Relaxed);
        if top >= self.free_limit.load(Ordering::Relaxed) {
            return Pushed::NoRoom;
        }
        // SAFETY: not the empty row's, which is full. Before the first slot lies the magazine's length,
        // which is no address.
        if unsafe { *top.sub(1) } == slot.as_ptr() {
            return Pushed::Again;
        }
        // SAFETY: as in `push`.
        unsafe { *top = renewed(slot).as_ptr() };
        // SAFETY: as in `push`.
        self.free_top.store(unsafe { top.add(1) }, Ordering::Release);
        Pushed::Done
    }

    /// Whether a slot is the one that was put in last.
    #[inline]
    pub(crate) fn gave_last(&self, slot: NonNull<u8>) -> bool {
        let top = self.free_top.load(Ordering::Relaxed);
        // Where nothing is left, what lies below the top may be of a slot that others have taken.
        // SAFETY: where there is a magazine with a slot, that is what lies below its top.
        top != self.free_first() && unsafe { *top.sub(1) } == slot.as_ptr()
    }

    pub(super) fn lane(&self) -> Option<&'static Lane> {
        // SAFETY: null, or a lane, which lives as long as the process.
        unsafe { self.lane.load(Ordering::Relaxed).as_ref() }
    }

    pub(super) fn forget_lane(&self) {
        self.lane.store(ptr::null_mut(), Ordering::Relaxed);
    }

    /// The first address in the magazine to allocate from.
    fn first(&self) -> *mut *mut u8 {
        let taken = usize::from(self.taken.load(Ordering::Relaxed));
        self.start.load(Ordering::Relaxed).wrapping_add(taken)
    }

    /// The first address in the magazine to free into.
    fn free_first(&self) -> *mut *mut u8 {
        let taken = usize::from(self.free_taken.load(Ordering::Relaxed));
        self.free_start.load(Ordering::Relaxed).wrapping_add(taken)
    }

    /// How many slots are in the two magazines. Exact on the row's own thread and while that
    /// thread rests; in between it is a bound.
    pub(crate) fn len(&self, class: usize) -> usize {
        self.loaded_len(class) + self.freed_len(class)
    }

    /// How many slots have been in a magazine all the while since the lane was last told. Exact or
    /// too few, as [`Self::len`] is exact or not.
    pub(crate) fn idle(&self, class: usize) -> usize {
        let kept = usize::from(self.kept.load(Ordering::Relaxed));
        if self.swapped.load(Ordering::Relaxed) { kept } else { kept + self.loaded_len(class) }
    }

    /// How many slots are in the magazine to allocate from.
    fn loaded_len(&self, class: usize) -> usize {
        between(self.first(), self.top.load(Ordering::Relaxed), class)
    }

    /// How many slots are in the magazine to free into.
    fn freed_len(&self, class: usize) -> usize {
        between(self.free_first(), self.free_top.load(Ordering::Acquire), class)
    }

    /// [`Self::idle`], to tell the lane.
    pub(super) fn tell_idle(&self, class: usize) -> usize {
        let idle = self.idle(class);
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
        let halves = [
            (self.first(), &self.taken, &self.top),
            (self.free_first(), &self.free_taken, &self.free_top),
        ];
        for (first, taken, top) in halves {
            let bytes = top.load(Ordering::Relaxed).addr().wrapping_sub(first.addr());
            let count = bytes / size_of::<*mut u8>();
            let taken = usize::from(taken.load(Ordering::Relaxed));
            if count + taken <= class::magazine_capacity(class) {
                // SAFETY: a magazine has so many slots; those up to the top are written, and others have
                // been committed as zero.
                visit(unsafe { core::slice::from_raw_parts(first, count) });
            }
        }
    }

    /// The addresses in the two magazines, on the row's own thread.
    pub(crate) fn slots(&self, class: usize) -> impl Iterator<Item = *mut u8> {
        let range = |first: *mut *mut u8, count: usize| {
            // SAFETY: the slots from the first to the top are written.
            (0..count).map(move |index| unsafe { *first.add(index) })
        };
        range(self.first(), self.loaded_len(class))
            .chain(range(self.free_first(), self.freed_len(class)))
    }

    /// Makes `magazine` the one to allocate from.
    pub(super) fn load(&self, magazine: MagazineBox) {
        let len = magazine.len();
        let start = magazine.into_bottom();
        self.start.store(start, Ordering::Relaxed);
        self.bottom.store(start, Ordering::Relaxed);
        self.top.store(start.wrapping_add(len), Ordering::Relaxed);
    }

    /// Makes `magazine` the one to free into.
    pub(super) fn load_for_freeing(&self, magazine: MagazineBox, class: usize) {
        let len = magazine.len();
        let start = magazine.into_bottom();
        let limit = start.wrapping_add(class::magazine_capacity(class));
        self.free_start.store(start, Ordering::Relaxed);
        self.free_limit.store(limit, Ordering::Relaxed);
        self.free_top.store(start.wrapping_add(len), Ordering::Relaxed);
    }

    /// Takes the magazine to allocate from out; another has to be put in at once.
    pub(super) fn unload(&self, class: usize) -> MagazineBox {
        let (start, len) = (self.start.load(Ordering::Relaxed), self.loaded_len(class));
        if self.taken.load(Ordering::Relaxed) != 0 {
            // SAFETY: both lie in the magazine, and so many slots from the first on are written.
            unsafe { self.first().copy_to(start, len) };
            self.taken.store(0, Ordering::Relaxed);
        }
        // SAFETY: the head was equipped, so this is the bottom of a magazine whose slots up to the
        // top are written.
        unsafe { MagazineBox::from_bottom(start, len) }
    }

    /// Takes the magazine to free into out; another has to be put in at once.
    pub(super) fn unload_for_freeing(&self, class: usize) -> MagazineBox {
        let (start, len) = (self.free_start.load(Ordering::Relaxed), self.freed_len(class));
        if self.free_taken.load(Ordering::Relaxed) != 0 {
            // SAFETY: as in `unload`.
            unsafe { self.free_first().copy_to(start, len) };
            self.free_taken.store(0, Ordering::Relaxed);
        }
        // SAFETY: as in `unload`.
        unsafe { MagazineBox::from_bottom(start, len) }
    }

    /// Lets the two magazines change places.
    fn swap(&self, class: usize) {
        // Slots that change places a second time have been in reach of the program in between.
        let first = !self.swapped.load(Ordering::Relaxed);
        let kept = if first { self.loaded_len(class) as u8 } else { 0 };
        self.kept.store(kept, Ordering::Relaxed);
        let (loaded, freed) = (self.unload(class), self.unload_for_freeing(class));
        self.load(freed);
        self.load_for_freeing(loaded, class);
        self.swapped.store(true, Ordering::Relaxed);
        self.topped_up.store(false, Ordering::Relaxed);
    }

    /// Gives an unused head its lane and its magazines.
    pub(super) fn equip(
        &self,
        family: &'static FamilyTable,
        class: usize,
    ) -> Result<&'static Lane, AllocError> {
        let space = family.holding.space;
        let loaded = MagazineBox::new(space, class)?;
        let freed = match MagazineBox::new(space, class) {
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
    pub(super) fn refill(&self, lane: &Lane, class: usize) -> Result<NonNull<u8>, AllocError> {
        let freed = self.freed_len(class);
        let few = freed <= class::magazine_capacity(class) / FEW;
        if freed > 0 && (!few || self.topped_up.load(Ordering::Relaxed)) {
            self.swap(class);
        } else {
            let idle = self.tell_idle(class);
            match lane.exchange(self.unload(class), idle) {
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

    /// Makes room in the magazine to free into: what is left in it is moved to the front, if others
    /// have taken something from there, and it is open again; or the other one takes its place if there is hardly anything in
    /// it; otherwise the lane takes what was freed.
    pub(super) fn make_room(&self, lane: &Lane, class: usize) {
        if self.free_taken.load(Ordering::Relaxed) != 0 {
            let magazine = self.unload_for_freeing(class);
            self.load_for_freeing(magazine, class);
        } else if self.loaded_len(class) <= class::magazine_capacity(class) / FEW {
            self.swap(class);
        } else {
            let idle = self.tell_idle(class);
            let empty = lane.park(self.unload_for_freeing(class), idle);
            self.load_for_freeing(empty, class);
        }
    }
}

/// What other threads do, under the rules of [`handshake`](super::handshake).
impl Head {
    /// Whether there is anything to take. A hint, unless the head is closed.
    pub(super) fn has_to_take(&self, class: usize) -> bool {
        self.loaded_len(class) > 1 || self.freed_len(class) > 0
    }

    /// Sends the owner to the slow path, whatever it does next.
    pub(super) fn close(&self) {
        self.bottom.store(CLOSED, Ordering::Relaxed);
        self.free_limit.store(ptr::null_mut(), Ordering::Relaxed);
    }

    /// Ends what [`close`](Self::close) began; but the magazine to free into stays closed if something was
    /// taken from it. [`push_another`](Self::push_another) could take what lies below its top for a slot
    /// that was freed just now.
    pub(super) fn open(&self, class: usize) {
        if self.free_taken.load(Ordering::Relaxed) == 0 {
            let start = self.free_start.load(Ordering::Relaxed);
            let limit = start.wrapping_add(class::magazine_capacity(class));
            self.free_limit.store(limit, Ordering::Relaxed);
        }
        self.bottom.store(self.first(), Ordering::Relaxed);
    }

    /// Moves all slots but the uppermost out of the magazine to allocate from.
    ///
    /// # Safety
    ///
    /// The head is closed, every thread has passed a barrier since then, and the owner's slow path waits.
    pub(super) unsafe fn take_loaded(&self, class: usize, into: &mut MagazineBox) {
        let count = self.loaded_len(class).saturating_sub(1);
        // SAFETY: passed on: all of these are below the one that the owner may be about to take.
        unsafe { take(self.first(), count, into) };
        self.taken.fetch_add(count as u8, Ordering::Relaxed);
    }

    /// Moves all slots out of the magazine to free into.
    ///
    /// # Safety
    ///
    /// As for [`take_loaded`](Self::take_loaded).
    pub(super) unsafe fn take_freed(&self, class: usize, into: &mut MagazineBox) {
        let count = self.freed_len(class);
        // SAFETY: passed on: all of these are below the place where the owner may be about to write.
        unsafe { take(self.free_first(), count, into) };
        self.free_taken.fetch_add(count as u8, Ordering::Relaxed);
    }
}

/// Copies `count` addresses from `first` on into an empty magazine.
///
/// # Safety
///
/// They are written, the magazine has room for them, and nobody writes there meanwhile.
unsafe fn take(first: *mut *mut u8, count: usize, into: &mut MagazineBox) {
    debug_assert!(into.is_empty());
    for (index, place) in into.buffer(count).iter_mut().enumerate() {
        // SAFETY: passed on.
        *place = unsafe { *first.add(index) };
    }
    // SAFETY: written just now.
    unsafe { into.set_len(count) };
}
