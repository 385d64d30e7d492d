//! The table: class x family -> cell -> lanes, as sparse as its use.
//!
//! ```text
//! SetTable (static, in the user's crate)
//!   families   Ast       Code      Object    ...        one word each until first use
//!               |                   |
//!             FamilyTable         FamilyTable           from the reservation
//!             family heap, caches       class  0 1 2 3 ... 82
//!                                 cells  . . . | ... .  a word each until first use
//!                                              v
//!                                            lane -> lane
//! ```
//!
//! A family comes into being when it is first allocated from, a cell's first lane when a thread
//! first uses the cell, a further lane when two threads use it at once, up to the number of cores. A
//! lane is never taken down; a thread that goes leaves it to the next.

mod caches;
#[cfg(feature = "std")]
pub(crate) mod fork_locks;

pub(crate) use caches::{CacheLinks, CacheList};

use core::ptr::{self, NonNull};

use once_cell::race::OnceNonZeroUsize;

use crate::class;
use crate::error::AllocError;
use crate::lane::{Drained, Lane, Occasion};
use crate::os;
use crate::space::family_heap::FamilyHeap;
use crate::space::owner_tags::{Cell, TagLookup};
use crate::space::tables::Table;
use crate::space::{Space, SpaceCell, registry};
use crate::spec::FamilySpec;
use crate::sync::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, First, Guard, Lock, Ordering,
};

/// The table of one family set. The macro makes one static of it for each set.
#[derive(Debug)]
pub struct SetTable {
    pub(crate) name: &'static str,
    specs: &'static [FamilySpec],
    families: &'static [FamilyCell],
    space: &'static SpaceCell,
    /// Where the calling thread has its cache slots of the set.
    cache_slots: fn() -> *const (),
    listed: AtomicBool,
    /// The number of the first family among those of all sets; 0 until a family is used.
    number: AtomicUsize,
    /// The way to the tags of its blocks, once a family is used.
    lookup: TagLookup,
    next: AtomicPtr<SetTable>,
}

/// The place of one family in the table: a word until the family is used.
#[derive(Debug)]
pub struct FamilyCell {
    family: First<FamilyTable>,
}

impl FamilyCell {
    /// A family that nobody has used yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { family: First::new() }
    }
}

impl Default for FamilyCell {
    fn default() -> Self {
        Self::new()
    }
}

/// One column of the table: a family's memory and its cells.
#[derive(Debug)]
pub(crate) struct FamilyTable {
    pub(crate) heap: FamilyHeap,
    /// The first lane of each class.
    cells: [AtomicPtr<Lane>; class::COUNT],
    /// Held while a cell grows a lane, and while deferred work is done from outside: slots may be in
    /// nobody's sight for a moment then.
    growth: Lock<()>,
    /// The caches of magazines that threads have for this family.
    pub(crate) caches: Lock<CacheList>,
    pub(crate) decay: Decay,
    /// Whether slots may be in the magazines of threads that a fork left behind: nobody knows which.
    orphans: AtomicBool,
    /// Where the calling thread has its cache slots of the set.
    pub(crate) cache_slots: fn() -> *const (),
}

impl Table for FamilyTable {
    const KIND: usize = 2;
}

/// All sets that were ever used, newest first.
static SETS: AtomicPtr<SetTable> = AtomicPtr::new(ptr::null_mut());

impl SetTable {
    /// The table of the set `name`, whose families are described by `specs` and kept in `families`. `cache_slots` says
    /// where the calling thread has its cache slots of the set.
    #[must_use]
    pub const fn new<const N: usize>(
        name: &'static str,
        specs: &'static [FamilySpec; N],
        families: &'static [FamilyCell; N],
        space: &'static SpaceCell,
        cache_slots: fn() -> *const (),
    ) -> Self {
        Self {
            name,
            specs,
            families,
            space,
            cache_slots,
            listed: AtomicBool::new(false),
            number: AtomicUsize::new(0),
            lookup: TagLookup::new(),
            next: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// All sets that were ever used.
    pub(crate) fn all() -> impl Iterator<Item = &'static Self> {
        let mut next = SETS.load(Ordering::Acquire);
        core::iter::from_fn(move || {
            // SAFETY: only statics are listed.
            let set = unsafe { next.as_ref() }?;
            next = set.next.load(Ordering::Relaxed);
            Some(set)
        })
    }

    fn list(&'static self) {
        if self.listed.load(Ordering::Acquire) {
            return;
        }
        registry::register(|| {
            if !self.listed.load(Ordering::Relaxed) {
                let first = SETS.load(Ordering::Relaxed);
                // It is, where a fork has interrupted this.
                if !ptr::eq(first, self) {
                    self.next.store(first, Ordering::Relaxed);
                    SETS.store(ptr::from_ref(self).cast_mut(), Ordering::Release);
                }
                self.listed.store(true, Ordering::Release);
            }
        });
    }

    /// The family and the class of the slot at an address, if it is a slot of this set, and one with which
    /// nothing has to be done before it is given up. The caller says how many families there
    /// are, which is a constant to it.
    #[inline]
    pub(crate) fn cell_at(&self, address: usize, families: usize) -> Option<Cell> {
        debug_assert!(families == self.families.len());
        self.lookup.cell_at(address, families)
    }

    /// The same for callers that have looked [near by](Self::cell_near) in vain.
    pub(crate) fn cell_far(&self, address: usize, families: usize) -> Option<Cell> {
        debug_assert!(families == self.families.len());
        self.lookup.cell_far(address, families)
    }

    /// [`cell_at`](Self::cell_at) if that is near, as most are, and `None` otherwise.
    #[inline(always)]
    pub(crate) fn cell_near(&self, address: usize, families: usize) -> Option<Cell> {
        debug_assert!(families == self.families.len());
        self.lookup.cell_near(address, families)
    }

    /// [`cell_near`](Self::cell_near), if an object of C's may start there.
    #[inline(always)]
    pub(crate) fn cell_of_c_object_near(&self, address: usize, families: usize) -> Option<Cell> {
        debug_assert!(families == self.families.len());
        self.lookup.cell_of_c_object_near(address, families)
    }

    /// The family at such an address, if the class is this one, scaled.
    #[inline(always)]
    pub(crate) fn family_of_c_object_near(
        &self,
        address: usize,
        scaled: usize,
        families: usize,
    ) -> Option<usize> {
        debug_assert!(families == self.families.len());
        self.lookup.family_of_c_object_near(address, scaled, families)
    }

    /// Makes it look as it does in the midst of its first use.
    #[cfg(test)]
    pub(crate) fn note_space(&self, space: &'static Space) {
        self.lookup.set(space, self.number(), self.families.len());
    }

    /// The number of its first family in the tags of blocks; the other families have the numbers behind it. A
    /// set keeps its numbers for as long as the process lives, and no other set has them.
    fn number(&self) -> usize {
        static USED: AtomicUsize = AtomicUsize::new(1);
        let number = self.number.load(Ordering::Relaxed);
        if number != 0 {
            return number;
        }
        let new = USED.fetch_add(self.families.len(), Ordering::Relaxed);
        // Where another thread was first, numbers are lost.
        match self.number.compare_exchange(0, new, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => new,
            Err(number) => number,
        }
    }

    /// Whether a family is of this set.
    pub(crate) fn is_set_of(&self, family: &FamilyHeap) -> bool {
        self.number.load(Ordering::Relaxed) + family.index == family.number
    }

    /// The families, used or not, in order of declaration.
    pub(crate) fn specs(&self) -> &'static [FamilySpec] {
        self.specs
    }

    /// A family, if it was ever used.
    pub(crate) fn used(&self, family: usize) -> Option<&'static FamilyTable> {
        self.families[family].family.get()
    }

    /// The families that were ever used.
    pub(crate) fn all_used(&self) -> impl Iterator<Item = &'static FamilyTable> {
        self.families.iter().filter_map(|cell| cell.family.get())
    }

    /// A family, made now if this is its first use. The layers above ask
    /// `thread::family`, which first sees to it that a fork is noticed.
    pub(crate) fn family(&'static self, family: usize) -> Result<&'static FamilyTable, AllocError> {
        let cell = &self.families[family].family;
        if let Some(table) = cell.get() {
            return Ok(table);
        }
        self.list();
        let space = self.space.get()?;
        // Before the family is known: once it is, a slot of it may be freed by its address, on any
        // thread.
        self.lookup.set(space, self.number(), self.families.len());
        let raw = space.alloc_table::<FamilyTable>()?;
        // SAFETY: room for a family table, ours alone.
        unsafe { FamilyTable::write(raw, space, self, family) };
        // SAFETY: written just now, and not given back once others see it.
        let ours = unsafe { raw.as_ref() };
        let table = registry::register(|| {
            // Nothing else becomes known while this runs, so what is held here is what becomes known;
            // and what is given back below is not held.
            #[cfg(feature = "std")]
            if cell.get().is_none() {
                ours.lock_newborn();
            }
            cell.get_or_set(ours)
        });
        if !ptr::eq(ours, table) {
            // Another thread was first.
            // SAFETY: nobody has seen ours.
            unsafe { space.free_table(raw) };
        }
        Ok(table)
    }
}

/// The most lanes of a cell: as many as there are cores, or half of that or a quarter where slots are
/// large. What a thread does with an object of kilobytes takes longer than waiting for a lock once in a
/// few of them, and each lane keeps memory of its own ready.
///
/// It was twice the cores, so that a thread that sleeps with a lock held up nobody. Threads that come and
/// go then left slots free in twice as many places: `malloc/bench/server.c` had 33 MiB instead of 23
/// at its peak, and 18 with fewer lanes for large slots; none of the programs there became slower (2
/// cores, 2026-11).
fn most_lanes(class: usize) -> usize {
    static CORES: OnceNonZeroUsize = OnceNonZeroUsize::new();
    let cores = CORES.get_or_init(|| core::num::NonZeroUsize::MIN.saturating_add(os::cores() - 1));
    let share = match class::slot_size(class) {
        0..=512 => 1,
        513..=2048 => 2,
        _ => 4,
    };
    cores.get().div_ceil(share)
}

/// How far a family has been gone through for what nobody uses: see `thread::decay`.
#[derive(Debug)]
pub(crate) struct Decay {
    /// When the next round begins, by the clock of the family's page source.
    pub(crate) due: AtomicU64,
    /// Where this round is.
    pub(crate) place: AtomicUsize,
    /// How often the lock of the family heap had been taken at the last one.
    pub(crate) locks_seen: AtomicU64,
    /// Whether there was something to do in this round, or somebody at work.
    working: AtomicBool,
    /// How many rounds there were in a row in which that was not so.
    quiet: AtomicU32,
}

impl Decay {
    const fn new() -> Self {
        Self {
            due: AtomicU64::new(0),
            place: AtomicUsize::new(0),
            locks_seen: AtomicU64::new(0),
            working: AtomicBool::new(false),
            quiet: AtomicU32::new(0),
        }
    }

    pub(crate) fn note_work(&self) {
        self.working.store(true, Ordering::Relaxed);
    }

    /// Ends the round; the next one begins then.
    pub(crate) fn end_round(&self, due: u64) {
        // By a swap: work that is noted at this moment counts for this round or the next, and is not
        // lost.
        let quiet = match self.working.swap(false, Ordering::Relaxed) {
            true => 0,
            false => self.quiet.load(Ordering::Relaxed).saturating_add(1),
        };
        self.quiet.store(quiet, Ordering::Relaxed);
        self.due.store(due, Ordering::Relaxed);
    }

    /// For how many rounds there was nothing to do, and nobody at work.
    #[cfg(feature = "std")]
    pub(crate) fn quiet_rounds(&self) -> u32 {
        if self.working.load(Ordering::Relaxed) { 0 } else { self.quiet.load(Ordering::Relaxed) }
    }
}

impl FamilyTable {
    /// # Safety
    ///
    /// `raw` is valid for writes.
    unsafe fn write(raw: NonNull<Self>, space: &'static Space, set: &SetTable, family: usize) {
        let table = Self {
            heap: FamilyHeap::new(
                space,
                set.name,
                &set.specs[family],
                family,
                set.number() + family,
            ),
            cells: [const { AtomicPtr::new(ptr::null_mut()) }; class::COUNT],
            growth: Lock::new(()),
            caches: Lock::new(CacheList::new()),
            decay: Decay::new(),
            cache_slots: set.cache_slots,
            orphans: AtomicBool::new(false),
        };
        // SAFETY: passed on.
        unsafe { raw.write(table) };
    }

    /// The lanes of a class.
    pub(crate) fn lanes(&self, class: usize) -> impl Iterator<Item = &'static Lane> {
        let mut next = self.cells[class].load(Ordering::Acquire);
        core::iter::from_fn(move || {
            // SAFETY: lanes live as long as the process.
            let lane = unsafe { next.as_ref() }?;
            next = lane.next.load(Ordering::Acquire);
            Some(lane)
        })
    }

    /// The classes that have lanes.
    pub(crate) fn classes(&self) -> impl Iterator<Item = usize> + '_ {
        let mut class = 0;
        core::iter::from_fn(move || {
            // Not by a range of all: most have none, and an interpreter goes through the inside of each step.
            while class < class::COUNT {
                let first = self.cells[class].load(Ordering::Relaxed);
                class += 1;
                if first.addr() != 0 {
                    return Some(class - 1);
                }
            }
            None
        })
    }

    /// All lanes.
    pub(crate) fn all_lanes(&self) -> impl Iterator<Item = &'static Lane> {
        self.classes().flat_map(|class| self.lanes(class))
    }

    /// Assigns the calling thread a lane of a class: an idle one, a new one, or the one with the
    /// fewest threads.
    pub(crate) fn assign_lane(&'static self, class: usize) -> Result<&'static Lane, AllocError> {
        // Held until the thread is counted: two that come at once must not both take the same lane for
        // an idle one.
        let _growth = self.growth.lock();
        let least = self.lanes(class).min_by_key(|lane| lane.users.load(Ordering::Relaxed));
        let lane = match least {
            Some(lane)
                if lane.users.load(Ordering::Relaxed) == 0
                    || self.lanes(class).count() >= most_lanes(class) =>
            {
                lane
            }
            // A thread can make do with a lane that others use.
            Some(lane) => self.add_lane(class).unwrap_or(lane),
            None => self.add_lane(class)?,
        };
        lane.users.fetch_add(1, Ordering::Relaxed);
        Ok(lane)
    }

    /// Does the deferred work of all lanes: mail, depots, remote batches, empty blocks.
    pub(crate) fn drain(&self) {
        for class in self.classes() {
            // Twice: draining a lane may post slots to another that was drained before.
            for _ in 0..2 {
                for lane in self.lanes(class) {
                    // Anew for each: a thread that wants a lane meanwhile waits for one to be drained,
                    // not for all.
                    let _still = self.hold_still();
                    lane.drain();
                }
            }
        }
    }

    /// Keeps the lanes as they are: while this is held, no lane is added, and nobody moves free slots from one
    /// lane to another, except threads that have caches, in their slow paths.
    pub(crate) fn hold_still(&self) -> Guard<'_, ()> {
        self.growth.lock()
    }

    /// Whether slots may be in the magazines of threads that a fork has left behind.
    pub(crate) fn has_orphans(&self) -> bool {
        self.orphans.load(Ordering::Relaxed)
    }

    #[cfg(feature = "std")]
    pub(crate) fn note_orphans(&self) {
        self.orphans.store(true, Ordering::Relaxed);
    }

    /// Notes that all slots of the family have been freed, whoever had them.
    pub(crate) fn forget_orphans(&self) {
        self.orphans.store(false, Ordering::Relaxed);
    }

    /// Gives back pages without live slots, in all lanes, until `goal` bytes have gone; returns how
    /// many went.
    pub(crate) fn trim(&self, goal: usize) -> usize {
        let left = |gone: usize| if goal == usize::MAX { goal } else { goal.saturating_sub(gone) };
        self.all_lanes().fold(0, |gone, lane| gone + lane.trim(left(gone)))
    }

    /// Settles and trims the lanes that nobody has used since this was last called.
    #[cold]
    pub(crate) fn trim_idle(&self) {
        for lane in self.all_lanes().filter(|lane| lane.is_idle(Occasion::Growth)) {
            if !self.drain_and_trim(lane, Lane::trim_while_growing) {
                // The rest is for whoever comes next.
                self.heap.grow_on();
                return;
            }
        }
    }

    /// Settles a lane of this family and trims some of it; returns whether that was all.
    pub(crate) fn drain_and_trim(&self, lane: &Lane, trim: fn(&Lane, Drained) -> bool) -> bool {
        let drained = {
            let _still = self.hold_still();
            lane.drain()
        };
        // Lanes may move slots again: a trim gives back pages of free slots, and moves none.
        trim(lane, drained)
    }

    /// Some lane of a class, without being assigned to it.
    pub(crate) fn any_lane(&'static self, class: usize) -> Result<&'static Lane, AllocError> {
        match self.lanes(class).next() {
            Some(lane) => Ok(lane),
            None => {
                let _growth = self.growth.lock();
                match self.lanes(class).next() {
                    Some(lane) => Ok(lane),
                    None => self.add_lane(class),
                }
            }
        }
    }

    /// Adds a lane behind the others. The caller holds the growth lock.
    fn add_lane(&'static self, class: usize) -> Result<&'static Lane, AllocError> {
        let raw = self.heap.space.alloc_table::<Lane>()?;
        // SAFETY: room for a lane, ours alone.
        unsafe { raw.write(Lane::new(&self.heap, class)) };
        // SAFETY: written just now, and never given back.
        let lane = unsafe { raw.as_ref() };
        // Before it is linked: where all locks are held for a fork, this one is too from its birth.
        #[cfg(feature = "std")]
        lane.lock_newborn();
        let link = match self.lanes(class).last() {
            Some(last) => &last.next,
            None => &self.cells[class],
        };
        // Release: lanes are gone through without this lock, and are found written.
        link.store(raw.as_ptr(), Ordering::Release);
        Ok(lane)
    }
}
