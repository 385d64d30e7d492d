//! A head: a thread's magazines of one cell, and the fast path.
//!
//! ```text
//! the loaded magazine                       the previous one
//! start    bottom       top        limit    previous      + previous_len
//! |. . . . |a b c d e f |          |        |g h i j k l m n|
//!  taken                                     full, or empty, or not made yet
//! ```
//!
//! A freed slot is put on top of the loaded magazine, and the next allocation takes it from there again,
//! while it is in the processor's cache. The previous magazine takes the place of the loaded one when that
//! is empty, or full, and it is the other way round itself; only when it is not is the lane asked. So at
//! least a magazine's worth of operations lies between two visits to the lane, whatever their order, once
//! magazines are filled whole (the loaded and the previous magazine of Bonwick and Adams, "Magazines and
//! Vmem", 2001).
//!
//! Between `bottom` and `top`, and in the previous magazine, are the addresses that the head holds.
//! Normally nothing is taken and `bottom` is the start; another thread that wants the slots of one that idles
//! takes them from the front, and leaves the rest where it is: see
//! [`handshake`](super::handshake), which says why both can be at work at once. The owner's slow
//! path moves the rest to the front when it has to do with the magazine next.
//!
//! A *closed* head has a bottom above and a limit below everything: what is popped next, or pushed, goes to
//! the slow path.

use core::ptr::{self, NonNull};

use crate::class;
use crate::error::AllocError;
use crate::lane::Lane;
use crate::lane::magazine::MagazineBox;
use crate::space::provenance::renewed;
use crate::sync::{AtomicPtr, AtomicU8, Ordering};
use crate::table::FamilyTable;

/// So many slots a magazine gets from blocks at first; then twice as many each time, until it is full. What a
/// thread has of a cell is then in proportion to what it does there, and so is how far the
/// [peak](crate::ClassUse::peak_objects) may be above what it was.
const FIRST_FILL: usize = 4;
/// So often it is twice as many.
const DOUBLINGS: u8 = 5;

const _: () = assert!(FIRST_FILL << DOUBLINGS >= class::MAX_MAGAZINE);

/// What became of a slot that was put into a magazine.
pub(crate) enum Pushed {
    Done,
    /// There is no room.
    NoRoom,
    /// It was put in a moment ago.
    Again,
}

/// A thread's magazines of one cell.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Head {
    /// One past the last slot of the loaded magazine, its first, and where there is no more room.
    top: AtomicPtr<*mut u8>,
    bottom: AtomicPtr<*mut u8>,
    limit: AtomicPtr<*mut u8>,
    /// The lane this thread is assigned; null until the cell's first use.
    lane: AtomicPtr<Lane>,
    /// Where the loaded magazine starts.
    start: AtomicPtr<*mut u8>,
    /// Where the previous one does; null until it is needed.
    previous: AtomicPtr<*mut u8>,
    /// How many slots other threads have taken from the front of the loaded one.
    taken: AtomicU8,
    /// How many slots are in the previous one.
    previous_len: AtomicU8,
    /// How often the lane was asked for slots since the magazines were last emptied, up to [`DOUBLINGS`]
    /// times.
    refills: AtomicU8,
}

const _: () = assert!(size_of::<Head>() == 1 << class::SCALE);

/// The bottom of a closed head.
const CLOSED: *mut *mut u8 = ptr::without_provenance_mut(usize::MAX);

/// How many slots lie from `from` to `to`, at most as many as a magazine of the class can hold: on
/// another thread than the cache's the two may be of different magazines.
fn between(from: *mut *mut u8, to: *mut *mut u8, class: usize) -> usize {
    let bytes = to.addr().wrapping_sub(from.addr());
    (bytes / size_of::<*mut u8>()).min(class::magazine_capacity(class))
}

impl Head {
    pub(super) const fn new() -> Self {
        Self {
            top: AtomicPtr::new(ptr::null_mut()),
            bottom: AtomicPtr::new(ptr::null_mut()),
            limit: AtomicPtr::new(ptr::null_mut()),
            lane: AtomicPtr::new(ptr::null_mut()),
            start: AtomicPtr::new(ptr::null_mut()),
            previous: AtomicPtr::new(ptr::null_mut()),
            taken: AtomicU8::new(0),
            previous_len: AtomicU8::new(0),
            refills: AtomicU8::new(0),
        }
    }

    /// Takes the slot that was put in last.
    #[inline(always)]
    pub(crate) fn pop(&self) -> Option<NonNull<u8>> {
        let top = self.top.load(Ordering::Relaxed);
        // Not only where both are the same: the bottom of a closed head lies above every top.
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

    /// Puts a slot into the loaded magazine; `false` if there is no room.
    #[inline(always)]
    pub(crate) fn push(&self, slot: NonNull<u8>) -> bool {
        let top = self.top.load(Ordering::Relaxed);
        // Not only where both are the same: the limit of a closed head is null.
        if top >= self.limit.load(Ordering::Relaxed) {
            return false;
        }
        // SAFETY: below the limit there is room for another, ours alone.
        unsafe { *top = renewed(slot).as_ptr() };
        // Release: a thread that sees the new top sees the slot below it.
        // SAFETY: at most the limit.
        self.top.store(unsafe { top.add(1) }, Ordering::Release);
        true
    }

    /// [`push`](Self::push) that looks whether the slot is the one that was put in last: the commonest
    /// of double frees.
    #[inline(always)]
    pub(crate) fn push_another(&self, slot: NonNull<u8>) -> Pushed {
        let top = self.top.load(Ordering::Relaxed);
        if top >= self.limit.load(Ordering::Relaxed) {
            return Pushed::NoRoom;
        }
        // SAFETY: not the empty cache's, which is full. Before the first slot lies the magazine's length,
        // which is no address, or null where others have taken slots.
        if unsafe { *top.sub(1) } == slot.as_ptr() {
            return Pushed::Again;
        }
        // SAFETY: as in `push`.
        unsafe { *top = renewed(slot).as_ptr() };
        // SAFETY: as in `push`.
        self.top.store(unsafe { top.add(1) }, Ordering::Release);
        Pushed::Done
    }

    /// Whether a slot is the one that was put in last.
    #[inline(always)]
    pub(crate) fn gave_last(&self, slot: *mut u8) -> bool {
        let top = self.top.load(Ordering::Relaxed);
        // SAFETY: where there is a magazine, that is its last slot, or what `push_another` says.
        !top.is_null() && unsafe { *top.sub(1) } == slot
    }

    pub(super) fn lane(&self) -> Option<&'static Lane> {
        // SAFETY: null, or a lane, which lives as long as the process.
        unsafe { self.lane.load(Ordering::Relaxed).as_ref() }
    }

    pub(super) fn forget_lane(&self) {
        self.lane.store(ptr::null_mut(), Ordering::Relaxed);
    }

    /// The first address in the loaded magazine.
    fn first(&self) -> *mut *mut u8 {
        let taken = usize::from(self.taken.load(Ordering::Relaxed));
        self.start.load(Ordering::Relaxed).wrapping_add(taken)
    }

    /// How many slots are in the magazines. Exact on the cache's own thread and while that
    /// thread rests; in between it is a bound.
    pub(crate) fn len(&self, class: usize) -> usize {
        self.loaded_len(class) + self.previous_len()
    }

    /// How many slots are in the loaded magazine.
    fn loaded_len(&self, class: usize) -> usize {
        between(self.first(), self.top.load(Ordering::Acquire), class)
    }

    /// How many slots are in the previous one.
    fn previous_len(&self) -> usize {
        self.previous_len.load(Ordering::Relaxed).into()
    }

    /// Calls `visit` with the slots of each magazine, on the cache's own thread. Whatever that was in
    /// the midst of, no count is believed beyond what a magazine can hold.
    pub(crate) fn for_each_magazine(&self, class: usize, mut visit: impl FnMut(&[*mut u8])) {
        if self.lane().is_none() {
            return;
        }
        let bytes = self.top.load(Ordering::Relaxed).addr().wrapping_sub(self.first().addr());
        let taken = usize::from(self.taken.load(Ordering::Relaxed));
        let loaded = (self.first(), bytes / size_of::<*mut u8>(), taken);
        let previous = (self.previous.load(Ordering::Relaxed), self.previous_len(), 0);
        for (first, count, taken) in [loaded, previous] {
            if count > 0 && count + taken <= class::magazine_capacity(class) {
                // SAFETY: a magazine has so many slots; those up to the top are written, and others have
                // been committed as zero.
                visit(unsafe { core::slice::from_raw_parts(first, count) });
            }
        }
    }

    /// The addresses in the magazines, on the cache's own thread.
    pub(crate) fn slots(&self, class: usize) -> impl Iterator<Item = *mut u8> {
        let range = |first: *mut *mut u8, count: usize| {
            // SAFETY: the slots from the first to the top are written.
            (0..count).map(move |index| unsafe { *first.add(index) })
        };
        range(self.first(), self.loaded_len(class))
            .chain(range(self.previous.load(Ordering::Relaxed), self.previous_len()))
    }

    /// Makes `magazine` the loaded one.
    pub(super) fn load(&self, magazine: MagazineBox, class: usize) {
        let len = magazine.len();
        let start = magazine.into_bottom();
        self.start.store(start, Ordering::Relaxed);
        self.bottom.store(start, Ordering::Relaxed);
        let limit = start.wrapping_add(class::magazine_capacity(class));
        self.limit.store(limit, Ordering::Relaxed);
        self.top.store(start.wrapping_add(len), Ordering::Relaxed);
    }

    /// Takes the loaded magazine out; another has to be put in at once.
    pub(super) fn unload(&self, class: usize) -> MagazineBox {
        let (start, len) = (self.start.load(Ordering::Relaxed), self.loaded_len(class));
        // A magazine that changes hands is filled from its start on.
        if self.taken.load(Ordering::Relaxed) != 0 {
            // SAFETY: both lie in the magazine, and so many slots from the first on are written.
            unsafe { self.first().copy_to(start, len) };
            self.taken.store(0, Ordering::Relaxed);
        }
        // SAFETY: the head was equipped, so this is the bottom of a magazine whose slots up to the
        // top are written.
        unsafe { MagazineBox::from_bottom(start, len) }
    }

    /// Makes `magazine` the previous one. A signal handler that comes in between finds it empty.
    fn put_back(&self, magazine: MagazineBox) {
        let len = magazine.len() as u8;
        self.previous.store(magazine.into_bottom(), Ordering::Relaxed);
        self.previous_len.store(len, Ordering::Release);
    }

    /// Takes the previous magazine out, if there is one.
    pub(super) fn take_previous(&self) -> Option<MagazineBox> {
        let (start, len) = (self.previous.load(Ordering::Relaxed), self.previous_len());
        if start.is_null() {
            return None;
        }
        // The length first: a signal handler that comes in between finds no slots here, and not those
        // of a magazine that is on its way.
        self.previous_len.store(0, Ordering::Relaxed);
        self.previous.store(ptr::null_mut(), Ordering::Release);
        // SAFETY: the bottom of a magazine in which so many slots are written.
        Some(unsafe { MagazineBox::from_bottom(start, len) })
    }

    /// Calls `empty` with each magazine in turn, which takes all slots out of it.
    pub(super) fn empty_each(&self, class: usize, mut empty: impl FnMut(&mut MagazineBox)) {
        let mut loaded = self.unload(class);
        empty(&mut loaded);
        self.load(loaded, class);
        if let Some(mut previous) = self.take_previous() {
            empty(&mut previous);
            self.put_back(previous);
        }
        // The next fills are small again: what was of no use here shall not come back all at once.
        self.refills.store(0, Ordering::Relaxed);
    }

    /// Gives an unused head its lane and a magazine.
    pub(super) fn equip(
        &self,
        family: &'static FamilyTable,
        class: usize,
    ) -> Result<&'static Lane, AllocError> {
        let space = family.heap.space;
        // Before the lane: an assigned lane counts this thread, which would have to be undone where
        // there is no magazine.
        let loaded = MagazineBox::new(space, class)?;
        match family.assign_lane(class) {
            Ok(lane) => {
                self.load(loaded, class);
                // Last: whoever looks takes a head with a lane for one with a magazine.
                self.lane.store(ptr::from_ref(lane).cast_mut(), Ordering::Relaxed);
                Ok(lane)
            }
            Err(error) => {
                loaded.discard(space);
                Err(error)
            }
        }
    }

    /// Takes a slot when the loaded magazine is empty: the previous one takes its place, unless that is
    /// empty too; then the lane fills it or gives another for it.
    pub(super) fn refill(&self, lane: &Lane, class: usize) -> Result<NonNull<u8>, AllocError> {
        let empty = self.unload(class);
        let full = match self.take_previous() {
            // No visit to the lane. The empty one stays at hand, for the frees that may follow.
            Some(previous) if !previous.is_empty() => {
                self.put_back(empty);
                Ok(previous)
            }
            previous => {
                if let Some(previous) = previous {
                    self.put_back(previous);
                }
                let refills = self.refills.load(Ordering::Relaxed);
                self.refills.store((refills + 1).min(DOUBLINGS), Ordering::Relaxed);
                lane.exchange(empty, FIRST_FILL << refills)
            }
        };
        match full {
            Ok(full) => self.load(full, class),
            Err((empty, error)) => {
                self.load(empty, class);
                return Err(error);
            }
        }
        match self.pop() {
            Some(slot) => Ok(slot),
            None => unreachable!("a refilled magazine is empty"),
        }
    }

    /// Makes room in the loaded magazine: what is left in it is moved to the front, if others have taken
    /// something from there; or the previous one takes its place, if that is empty; otherwise the lane
    /// takes the previous one, and gives an empty one for it.
    pub(super) fn make_room(&self, lane: &Lane, class: usize) {
        // As many slots as others have taken have room again, as soon as the rest is moved: no lane is
        // needed for that.
        let has_holes = self.taken.load(Ordering::Relaxed) != 0;
        let loaded = self.unload(class);
        if has_holes {
            return self.load(loaded, class);
        }
        let empty = match self.take_previous() {
            Some(previous) if previous.is_empty() => Ok(previous),
            // The previous one, not the loaded one: what was freed last is in the cache, and is handed
            // out next.
            Some(previous) => Ok(lane.park(previous)),
            None => MagazineBox::new(lane.space(), class),
        };
        match empty {
            Ok(empty) => {
                self.put_back(loaded);
                self.load(empty, class);
            }
            // There is no memory for another.
            Err(_) => self.load(lane.park(loaded), class),
        }
    }
}

/// What other threads do, under the rules of [`handshake`](super::handshake).
impl Head {
    /// Whether there is anything to take. A hint, unless the head is closed.
    pub(super) fn has_to_take(&self, class: usize) -> bool {
        self.loaded_len(class) > 1 || self.previous_len() > 0
    }

    /// Sends the owner to the slow path, whatever it does next.
    pub(super) fn close(&self) {
        self.bottom.store(CLOSED, Ordering::Relaxed);
        self.limit.store(ptr::null_mut(), Ordering::Relaxed);
    }

    /// Ends what [`close`](Self::close) began.
    pub(super) fn open(&self, class: usize) {
        let start = self.start.load(Ordering::Relaxed);
        let limit = start.wrapping_add(class::magazine_capacity(class));
        self.limit.store(limit, Ordering::Relaxed);
        self.bottom.store(self.first(), Ordering::Relaxed);
    }

    /// Moves all slots but the uppermost out of the loaded magazine.
    ///
    /// # Safety
    ///
    /// The head is closed, every thread has passed a barrier since then, and the owner's slow path waits.
    pub(super) unsafe fn take_loaded(&self, class: usize, into: &mut MagazineBox) {
        let count = self.loaded_len(class).saturating_sub(1);
        if count == 0 {
            return;
        }
        // SAFETY: passed on: all of these are below the one that the owner may be about to take.
        unsafe { take(self.first(), count, into) };
        // SAFETY: the last of them.
        let last = unsafe { self.first().add(count - 1) };
        // The owner would take it for a slot that it has, once it has no other.
        // SAFETY: as above.
        unsafe { last.write(ptr::null_mut()) };
        self.taken.fetch_add(count as u8, Ordering::Relaxed);
    }

    /// Moves all slots out of the previous magazine.
    ///
    /// # Safety
    ///
    /// The owner's slow path waits.
    pub(super) unsafe fn take_previous_slots(&self, into: &mut MagazineBox) {
        let count = self.previous_len();
        // SAFETY: passed on: nobody else comes by these.
        unsafe { take(self.previous.load(Ordering::Relaxed), count, into) };
        self.previous_len.store(0, Ordering::Relaxed);
        self.refills.store(0, Ordering::Relaxed);
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
