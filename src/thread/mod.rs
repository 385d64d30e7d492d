//! Threads: caches of magazines, and the fast path.
//!
//! ```text
//! thread-local, in the user's crate        from the reservation
//! cache slots   Ast -----> the empty cache         cache of (this thread, Object)
//!         Code ----> the empty cache         class   0     1     2    ...   82
//!         Object ------------------------> heads | top, bottom, limit, lane, ..., previous |
//!                                                   |                                |
//!                                                   v                                v
//!                                              |a|b|c| | |                       |d|e|f|g|h|
//!                                              the loaded magazine               the previous one
//! ```
//!
//! Freeing pushes on the loaded magazine, allocating pops from it, so that what was freed last is handed out
//! first. When it is full or empty, the previous one takes its place or the lane is asked: see [`head`].
//! Before a family's first use a cache slot points at the one static cache whose every head is empty and full
//! at once: the fast path needs no check for it, as its first step fails there into the slow path,
//! which makes a cache.
//!
//! A cache belongs to its own thread (I3); when that is gone, to the thread that finds this out. The fields of
//! a cache are atomics, read and written as plain words. There are two reasons for that: a snapshot reads from
//! outside how full the magazines are; and other threads can take the slots of a thread that idles, by a
//! [`handshake`] that costs the fast path nothing.

#[cfg(feature = "std")]
pub(crate) mod background;
mod cache_slot;
mod cache_slots;
pub(crate) mod decay;
pub(crate) mod exit;
#[cfg(feature = "std")]
mod fork;
pub(crate) mod handshake;
#[cfg(all(test, feature = "std", not(miri)))]
mod handshake_tests;
pub(crate) mod head;
#[cfg(feature = "std")]
mod life;
#[cfg(not(feature = "std"))]
pub(crate) mod one;
mod taken;

pub use cache_slot::{CacheSlot, CacheSlots, HeadAt};
#[cfg(feature = "std")]
pub(crate) use fork::{attend, family, used};
pub(crate) use taken::Taken;

use core::ptr::{self, NonNull};

use crate::abort;
use crate::class;
use crate::error::{AllocError, AllocErrorKind};
use crate::lane::Lane;
use crate::space::registry;
use crate::space::tables::Table;
use crate::sync::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};
use crate::table::{CacheLinks, FamilyTable, SetTable};

pub(crate) use head::Head;

/// A thread's magazines of one family.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct ThreadCache {
    /// First, so that a head lies at the [scaled](class::SCALE) class.
    heads: [Head; class::COUNT],
    links: CacheLinks,
    family: AtomicPtr<FamilyTable>,
    /// The next cache of the same thread.
    next_of_thread: AtomicPtr<ThreadCache>,
    /// The classes of which there are magazines, a bit each.
    used: [AtomicU64; 2],
    /// Counts how often the thread has begun and ended its slow path: odd while it is in the midst.
    turn: AtomicU32,
    /// What the turn was at the last look for threads that idle, ...
    seen: AtomicU32,
    /// ... and the millisecond of the first look at which it was that; 0 before any.
    seen_at: AtomicU32,
    /// Whether the slow path has to wait.
    closed: AtomicBool,
}

impl Table for ThreadCache {
    const KIND: usize = 3;
}

/// The cache of threads that have none: every head is empty and full at once.
#[derive(Debug)]
#[repr(transparent)]
pub struct EmptyCache(ThreadCache);

#[doc(hidden)]
pub static EMPTY_CACHE: EmptyCache = EmptyCache(ThreadCache::new());

impl EmptyCache {
    /// As any cache.
    pub(crate) const fn as_cache(&'static self) -> *const ThreadCache {
        &raw const self.0
    }
}

impl ThreadCache {
    const fn new() -> Self {
        Self {
            heads: [const { Head::new() }; class::COUNT],
            links: CacheLinks::new(),
            family: AtomicPtr::new(ptr::null_mut()),
            next_of_thread: AtomicPtr::new(ptr::null_mut()),
            used: [const { AtomicU64::new(0) }; 2],
            turn: AtomicU32::new(0),
            seen: AtomicU32::new(0),
            seen_at: AtomicU32::new(0),
            closed: AtomicBool::new(false),
        }
    }

    fn is_empty_cache(&self) -> bool {
        ptr::eq(self, EMPTY_CACHE.as_cache())
    }

    /// Where the links of a cache are.
    ///
    /// # Safety
    ///
    /// A valid cache.
    pub(super) unsafe fn links_of(cache: NonNull<Self>) -> NonNull<CacheLinks> {
        // SAFETY: within the cache (contract).
        unsafe { cache.byte_add(core::mem::offset_of!(Self, links)) }.cast()
    }

    /// Where the cache is whose links these are.
    ///
    /// # Safety
    ///
    /// They are the links of a cache, reached by way of that.
    pub(super) unsafe fn at_links(links: NonNull<CacheLinks>) -> NonNull<Self> {
        // SAFETY: the links are so far into the cache (contract).
        unsafe { links.byte_sub(core::mem::offset_of!(Self, links)) }.cast()
    }

    /// The cache whose links these are.
    ///
    /// # Safety
    ///
    /// They are the links of a cache that stays valid for `'a`.
    pub(crate) unsafe fn of_links<'a>(links: NonNull<CacheLinks>) -> &'a Self {
        // SAFETY: passed on.
        unsafe { Self::at_links(links).as_ref() }
    }

    pub(crate) fn heads(&self) -> &[Head; class::COUNT] {
        &self.heads
    }

    /// The lane of a class, assigned now with magazines if the thread has none of it.
    fn equip(
        &self,
        family: &'static FamilyTable,
        class: usize,
    ) -> Result<&'static Lane, AllocError> {
        let head = &self.heads[class];
        if let Some(lane) = head.lane() {
            return Ok(lane);
        }
        let lane = head.equip(family, class)?;
        // Only once the head has a magazine: others close and open the heads of the classes named here,
        // and would open one without a magazine onto no memory.
        let used = &self.used[class / 64];
        used.store(used.load(Ordering::Relaxed) | 1 << (class % 64), Ordering::Relaxed);
        Ok(lane)
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

/// A family, if it was ever used.
#[cfg(not(feature = "std"))]
#[inline]
pub(crate) fn used(set: &'static SetTable, index: usize) -> Option<&'static FamilyTable> {
    set.used(index)
}

/// There are no forks to attend to.
#[cfg(not(feature = "std"))]
#[inline]
pub(crate) fn attend() {}

/// Takes a slot when the fast path could not.
#[inline(always)]
pub(crate) fn take_slowly(
    cache_slot: &CacheSlot,
    set: &'static SetTable,
    family: usize,
    class: usize,
) -> Result<NonNull<u8>, AllocError> {
    take_out_of_line(cache_slot, set, family, class).into_result()
}

#[cold]
#[inline(never)]
fn take_out_of_line(
    cache_slot: &CacheSlot,
    set: &'static SetTable,
    family: usize,
    class: usize,
) -> Taken {
    let taken = self::family(set, family).and_then(|family| {
        take_once(cache_slot, family, class).or_else(|error| {
            alloc_under_pressure(cache_slot, family, class, error.kind()).ok_or(error)
        })
    });
    Taken::new(taken)
}

fn take_once(
    cache_slot: &CacheSlot,
    family: &'static FamilyTable,
    class: usize,
) -> Result<NonNull<u8>, AllocError> {
    if let Some(cache) = exit::cache(cache_slot, family) {
        if let Some(slot) = take_in_turn(cache, family, class)? {
            // The family came to need more: what its idle lanes hold, and dead threads, spares it the
            // next extent. The slot is in hand and no lock is held, so nobody waits for this.
            if family.heap.has_grown() {
                family.trim_idle();
                exit::close_some_of_dead();
            }
            decay::pass_by(cache, family);
            return Ok(slot);
        }
    }
    family.any_lane(class)?.alloc_one()
}

/// Takes a slot of the thread's own cache; `None` where there is no memory for magazines.
fn take_in_turn(
    cache: &ThreadCache,
    family: &'static FamilyTable,
    class: usize,
) -> Result<Option<NonNull<u8>>, AllocError> {
    let _turn = cache.begin();
    let head = &cache.heads[class];
    let Ok(lane) = cache.equip(family, class) else { return Ok(None) };
    // There may be one where others have been at the cache.
    match head.pop() {
        Some(slot) => Ok(Some(slot)),
        None => head.refill(lane, class).map(Some),
    }
}

/// Takes a slot when no block is to be had. What was freed and is kept elsewhere may give room, and another
/// lane of the cell may have some.
#[cold]
fn alloc_under_pressure(
    cache_slot: &CacheSlot,
    family: &'static FamilyTable,
    class: usize,
    kind: AllocErrorKind,
) -> Option<NonNull<u8>> {
    relieve(family, kind);
    let again = take_once(cache_slot, family, class).ok();
    again.or_else(|| family.lanes(class).find_map(|lane| lane.alloc_one().ok()))
}

/// Does the deferred work that may cure a refusal: of the family where its limit is reached, of
/// every family of the same reservation where that has no more to give.
#[cold]
pub(crate) fn relieve(family: &'static FamilyTable, kind: AllocErrorKind) {
    if family.heap.space.is_given_up() {
        return;
    }
    exit::close_all_of_dead();
    let drain = |family: &FamilyTable| {
        handshake::unload_all(family);
        family.drain();
    };
    if kind == AllocErrorKind::Limit {
        // Before the lanes are drained: only what is in them by then comes free.
        exit::unload_caches_of(family);
        drain(family);
        return;
    }
    exit::unload_caches();
    let space = family.heap.space;
    SetTable::all()
        .flat_map(SetTable::all_used)
        .filter(|other| ptr::eq(other.heap.space, space))
        .for_each(drain);
}

/// Frees a slot when the fast path could not. The slot is the first argument, as it is in a free by address:
/// so it stays in its register.
///
/// # Safety
///
/// The slot is of this cell, and the caller's to free.
#[cold]
#[inline(never)]
pub(crate) unsafe fn give_slowly(
    slot: NonNull<u8>,
    cache_slot: &CacheSlot,
    set: &'static SetTable,
    family: usize,
    class: usize,
) {
    let Some(family) = used(set, family) else {
        if registry::is_given_up(slot.addr().get()) {
            return;
        }
        let name = abort::Name { set: set.name, family: set.specs()[family].name() };
        abort::unused_family(name, slot)
    };
    if let Some(cache) = exit::cache_to_free(cache_slot, family) {
        if give_in_turn(cache, family, class, slot) {
            decay::pass_by(cache, family);
            return;
        }
    }
    match family.lanes(class).next() {
        // Any lane of the cell will do, as it looks for the owner.
        Some(lane) => lane.free_unbuffered(slot),
        None if registry::is_given_up(slot.addr().get()) => {}
        None => {
            let name = abort::Name { set: set.name, family: family.heap.spec.name() };
            abort::unused_class(name, slot, class::slot_size(class))
        }
    }
}

/// Puts a slot into the thread's own cache; returns whether it did, and not where there is no memory for
/// magazines.
fn give_in_turn(
    cache: &ThreadCache,
    family: &'static FamilyTable,
    class: usize,
    slot: NonNull<u8>,
) -> bool {
    let _turn = cache.begin();
    let head = &cache.heads[class];
    let Ok(lane) = cache.equip(family, class) else { return false };
    if !head.push(slot) {
        head.make_room(lane, class);
        let pushed = head.push(slot);
        debug_assert!(pushed, "there was room");
    }
    true
}
