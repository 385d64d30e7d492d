//! A thread's caches: made at first use, given back when the thread ends.
//!
//! The caches of a thread hang in one list, which the thread's exit hook takes down: it empties every
//! magazine into its lane, gives up the lanes and the caches, and points the cache slots at the empty cache
//! again. Whatever the thread still allocates or frees after that (other exit hooks may) goes to
//! the lanes without magazines; so does everything on a thread for which no hook can be had, and
//! everything where the standard library is missing and nobody has promised that there is but one
//! thread.
//!
//! The hook may never be called: the caches were made by the last of the thread's steps, behind it,
//! or the thread ended without the C library. So a thread's first allocation makes caches, and its
//! first frees do not: a thread that only ends frees a few blocks for the C library. Rows that are left
//! behind all the same are found by way of [life marks](super::life), and closed as the hook would have
//! done; only the cache slots are not reset, as they went with the thread.

use core::cell::Cell;
use core::ffi::c_void;
use core::ptr::{self, NonNull};

#[cfg(feature = "std")]
use crate::lane::Lane;
use crate::os;
use crate::sync::{AtomicBool, Ordering, light_barrier};
use crate::table::FamilyTable;

#[cfg(feature = "std")]
use super::life::{self, LifeMark};
use super::{CacheSlot, CacheSlots, EMPTY_CACHE, ThreadCache};

/// So many frees a thread without caches does one by one, before it is taken for one that lives on them.
const FREES_WITHOUT: u8 = 16;

/// How many magazines the calling thread may have of one cell.
pub(crate) fn most_magazines() -> usize {
    if may_have_caches() { 2 } else { 0 }
}

/// Whether scopes are the calling thread's own.
#[inline(always)]
pub(crate) fn has_scopes() -> bool {
    cfg!(feature = "std") || may_have_caches()
}

/// Whether threads can be told apart, so that the calling one may have caches.
#[cfg(feature = "std")]
fn may_have_caches() -> bool {
    true
}

/// Whether there is nothing to tell apart.
#[cfg(not(feature = "std"))]
fn may_have_caches() -> bool {
    super::one::is_promised()
}

/// Whether the calling thread is changing which caches it has. No lock tells that, and a fork in a signal
/// handler has to know.
#[derive(Debug)]
struct Busy(AtomicBool);

/// It is, as long as this lives.
struct Mark<'a> {
    busy: &'a Busy,
    before: bool,
}

impl Busy {
    const fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    fn mark(&self) -> Mark<'_> {
        let before = self.0.load(Ordering::Relaxed);
        self.0.store(true, Ordering::Relaxed);
        // Nothing of what follows is to be done before.
        light_barrier();
        Mark { busy: self, before }
    }
}

impl Drop for Mark<'_> {
    fn drop(&mut self) {
        light_barrier();
        self.busy.0.store(self.before, Ordering::Relaxed);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// No cache was ever made.
    New,
    /// The exit hook is set.
    Hooked,
    /// It is, but what was made then has been given up.
    #[cfg(feature = "std")]
    Again,
    /// The exit hook has run, or none can be had: there are no caches.
    Without,
}

struct ThreadState {
    stage: Cell<Stage>,
    caches: Cell<*const ThreadCache>,
    /// How often it has freed without caches.
    frees: Cell<u8>,
    /// None before its first cache, and where none can be had.
    #[cfg(feature = "std")]
    mark: Cell<Option<&'static LifeMark>>,
    /// Whether caches come or go.
    busy: Busy,
}

impl ThreadState {
    const fn new() -> Self {
        Self {
            stage: Cell::new(Stage::New),
            caches: Cell::new(ptr::null()),
            frees: Cell::new(0),
            #[cfg(feature = "std")]
            mark: Cell::new(None),
            busy: Busy::new(),
        }
    }

    /// Makes `caches` the list of the thread's caches, and returns what it was.
    fn replace_caches(&self, caches: *const ThreadCache) -> *const ThreadCache {
        #[cfg(feature = "std")]
        if let Some(mark) = self.mark.get() {
            mark.caches.store(caches.cast_mut(), Ordering::Relaxed);
        }
        self.caches.replace(caches)
    }
}

#[cfg(feature = "std")]
crate::__thread_local! {
    // No destructor, so that it can be used until the very end of the thread.
    static THREAD: ThreadState = const { ThreadState::new() };
}

#[cfg(not(feature = "std"))]
static THREAD: super::one::OneThread<ThreadState> = super::one::OneThread::new(ThreadState::new());

/// The calling thread's cache of a family, made now if this is its first use; `None` where the
/// thread has to do without.
pub(crate) fn cache<'a>(
    cache_slot: &'a CacheSlot,
    family: &'static FamilyTable,
) -> Option<&'a ThreadCache> {
    if cache_slot.cache().is_empty_cache() { make_cache(family) } else { Some(cache_slot.cache()) }
}

/// [`cache`] for a thread that frees: `None` also where it has no caches at all and has not freed much.
pub(crate) fn cache_to_free<'a>(
    cache_slot: &'a CacheSlot,
    family: &'static FamilyTable,
) -> Option<&'a ThreadCache> {
    if cache_slot.cache().is_empty_cache() && THREAD.with(frees_in_passing) {
        return None;
    }
    cache(cache_slot, family)
}

/// Whether a thread that frees has no caches yet, and shall have none for it. Counts.
fn frees_in_passing(thread: &ThreadState) -> bool {
    let frees = thread.frees.get();
    let in_passing = thread.stage.get() == Stage::New && frees < FREES_WITHOUT;
    if in_passing {
        thread.frees.set(frees + 1);
    }
    in_passing
}

fn make_cache<'a>(family: &'static FamilyTable) -> Option<&'a ThreadCache> {
    if !may_have_caches() {
        return None;
    }
    THREAD.with(|thread| {
        match thread.stage.get() {
            Stage::Without => return None,
            Stage::Hooked => {}
            #[cfg(feature = "std")]
            Stage::Again => {
                thread.stage.set(Stage::Hooked);
                begin_life(thread, family);
            }
            Stage::New => {
                // Setting the hook may allocate (glibc does for keys from 32 on): until it is set
                // this thread does without.
                thread.stage.set(Stage::Without);
                // Any value but null makes the hook run.
                let value = ptr::from_ref(thread).cast_mut().cast::<c_void>();
                if !os::exit_hook(end_thread, value) {
                    return None;
                }
                #[cfg(feature = "std")]
                begin_life(thread, family);
                thread.stage.set(Stage::Hooked);
            }
        }
        // Where a signal handler comes in here and forks, its child inherits lists that may be half
        // changed. This tells it so, and it starts over.
        let _busy = thread.busy.mark();
        let raw = family.heap.space.alloc_table::<ThreadCache>().ok()?;
        // SAFETY: room for a cache, ours alone. A cache of zeros is an empty cache.
        unsafe { raw.write_bytes(0, 1) };
        // SAFETY: initialised just now.
        let cache = unsafe { raw.as_ref() };
        cache.family.store(ptr::from_ref(family).cast_mut(), Ordering::Relaxed);
        cache.next_of_thread.store(thread.caches.get().cast_mut(), Ordering::Relaxed);
        thread.replace_caches(raw.as_ptr());
        // SAFETY: written just now.
        let links = unsafe { ThreadCache::links_of(raw) };
        // SAFETY: in no list yet; `close` takes it out.
        unsafe { family.caches.lock().insert(links) };
        // Not where a signal handler's child has started over meanwhile and gone on.
        if !family.heap.space.is_given_up() {
            point_cache_slot(family, raw.as_ptr());
        }
        #[cfg(feature = "std")]
        super::background::wake();
        Some(cache)
    })
}

/// Gives the calling thread its life mark, and looks at some of those of others.
#[cfg(feature = "std")]
fn begin_life(thread: &ThreadState, family: &FamilyTable) {
    thread.mark.set(life::begin(family.heap.space));
    close_caches_of_dead(life::LOOKS);
}

/// The exit hook.
unsafe extern "C" fn end_thread(_: *mut c_void) {
    THREAD.with(|thread| {
        // First: what is allocated or freed from here on must not make a thread cache again, as nobody
        // would close it.
        thread.stage.set(Stage::Without);
    });
    close_caches();
    #[cfg(feature = "std")]
    if let Some(mark) = THREAD.with(|thread| thread.mark.take()) {
        life::end(mark);
    }
}

/// Closes the caches that threads which are gone have left behind. Looks at some of the life marks; the
/// next time at the next.
pub(crate) fn close_some_of_dead() {
    #[cfg(feature = "std")]
    close_caches_of_dead(life::LOOKS);
}

/// [`close_all_of_dead`] where another thread has a cache of this family. Nobody holds the family still.
pub(crate) fn close_dead_users(family: &FamilyTable) {
    if !is_only_user(family) {
        close_all_of_dead();
    }
}

/// Closes all caches that threads which are gone have left behind.
pub(crate) fn close_all_of_dead() {
    #[cfg(feature = "std")]
    close_caches_of_dead(life::all());
}

#[cfg(feature = "std")]
fn close_caches_of_dead(mut looks: usize) {
    while let Some(dead) = life::next_dead(&mut looks) {
        // SAFETY: caches of a thread that is gone, whose list nobody else has.
        unsafe { close_list(dead.caches(), Owner::Gone) };
    }
}

/// For the child of a fork: the calling thread is known by another name.
#[cfg(feature = "std")]
pub(super) fn begin_again() {
    THREAD.with(|thread| thread.mark.set(life::begin_again(thread.mark.get())));
}

/// Gives back all caches of the calling thread. Those that it needs again are made anew.
pub(crate) fn close_caches() {
    if !may_have_caches() {
        return;
    }
    super::attend();
    THREAD.with(|thread| {
        let _busy = thread.busy.mark();
        let caches = thread.replace_caches(ptr::null());
        // SAFETY: caches of this thread, taken out of its list.
        unsafe { close_list(caches, Owner::Here) };
    });
}

/// Whose the caches are that are to be closed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// They are the calling thread's.
    Here,
    /// They went with their thread.
    #[cfg(feature = "std")]
    Gone,
}

/// Closes a thread's caches.
///
/// # Safety
///
/// They are the calling thread's, or those of one that is gone, and in no thread's list any more.
unsafe fn close_list(mut next: *const ThreadCache, owner: Owner) {
    while let Some(raw) = NonNull::new(next.cast_mut()) {
        // SAFETY: caches are valid until closed.
        next = unsafe { raw.as_ref() }.next_of_thread.load(Ordering::Relaxed);
        // SAFETY: passed on.
        unsafe { close(raw, owner) };
    }
    // These may have been the last.
    #[cfg(feature = "std")]
    super::background::wake();
}

/// Empties a cache and gives it back.
///
/// # Safety
///
/// As for [`close_list`], for this cache.
unsafe fn close(raw: NonNull<ThreadCache>, owner: Owner) {
    // SAFETY: valid (contract).
    let cache = unsafe { raw.as_ref() };
    let family = family_of(cache);
    // From here on the thread takes the slow path, and finds nothing of what is taken apart.
    if owner == Owner::Here {
        point_cache_slot(family, EMPTY_CACHE.as_cache());
    }
    // Others may be at it, since it is still in the family's list: this waits, and keeps them out until
    // it is not.
    let turn = cache.begin();
    for (class, head) in cache.heads.iter().enumerate() {
        if let Some(lane) = head.lane() {
            let magazines = [Some(head.unload(class)), head.take_previous()];
            head.forget_lane();
            lane.retire(magazines);
        }
    }
    // SAFETY: valid (contract).
    let links = unsafe { ThreadCache::links_of(raw) };
    // After the lanes have all: as long as it is listed, a walk knows that some slots are in nobody's sight.
    // SAFETY: in this list since it was made.
    unsafe { family.caches.lock().remove(links) };
    // Its end is written to what is given back next.
    drop(turn);
    // SAFETY: from this space, and nobody refers to it any more.
    unsafe { family.heap.space.free_table(raw) };
}

/// Empties all magazines of the calling thread.
pub(crate) fn unload_caches() {
    super::attend();
    caches().for_each(unload_cache);
}

/// Empties the calling thread's magazines of a family.
pub(crate) fn unload_caches_of(family: &FamilyTable) {
    caches_of(family).for_each(unload_cache);
}

/// Drops all addresses in the calling thread's magazines of a family; returns how many.
pub(crate) fn forget_caches_of(family: &FamilyTable) -> usize {
    caches_of(family).map(forget_cache).sum()
}

/// Whether no other thread has a cache of this family.
pub(crate) fn is_only_user(family: &FamilyTable) -> bool {
    let all = family.caches.lock().iter().count();
    all == caches_of(family).count()
}

/// Takes all caches of a family but the calling thread's off its list and gives them back, magazines and
/// all that is in them left alone; returns how many. For the child of a fork: their threads are no more.
#[cfg(feature = "std")]
pub(super) fn close_caches_of_others(family: &FamilyTable) -> usize {
    let mut list = family.caches.lock();
    let mut closed = 0;
    loop {
        // SAFETY: caches in the list stay valid while the list is locked.
        let cache_of = |links| unsafe { ThreadCache::of_links(links) };
        let is_own = |cache: &ThreadCache| caches_of(family).any(|own| ptr::eq(own, cache));
        let Some(other) = list.iter().find(|&links| !is_own(cache_of(links))) else {
            return closed;
        };
        // SAFETY: the links of a cache.
        let cache = unsafe { ThreadCache::at_links(other) };
        // SAFETY: in this list, which is locked.
        unsafe { list.remove(other) };
        // SAFETY: from this space, and nobody refers to it: the cache slot was in the storage of its thread.
        unsafe { family.heap.space.free_table(cache) };
        closed += 1;
    }
}

/// How many caches of the calling thread have been assigned this lane of a family: one at the most.
#[cfg(feature = "std")]
pub(super) fn caches_with_lane(family: &FamilyTable, lane: &Lane) -> usize {
    let has =
        |cache: &&ThreadCache| cache.heads[lane.class].lane().is_some_and(|it| ptr::eq(it, lane));
    caches_of(family).filter(has).count()
}

/// Whether the calling thread is in the midst of changing a cache: it has interrupted itself.
#[cfg(feature = "std")]
pub(super) fn is_busy() -> bool {
    THREAD.with(|thread| thread.busy.0.load(Ordering::Relaxed))
        || caches().any(ThreadCache::is_in_turn)
}

/// Has the calling thread's cache slots point at the empty cache, so that whatever it allocates or frees is out of
/// line.
#[cfg(feature = "std")]
pub(super) fn hide_caches() {
    caches().for_each(|cache| point_cache_slot(family_of(cache), EMPTY_CACHE.as_cache()));
}

/// Ends what [`hide_caches`] began.
#[cfg(feature = "std")]
pub(super) fn show_caches() {
    caches().for_each(|cache| point_cache_slot(family_of(cache), cache));
}

/// Leaves the calling thread's caches where they are, and its life mark, and has it do without until it makes
/// others.
#[cfg(feature = "std")]
pub(super) fn forget_caches() {
    hide_caches();
    THREAD.with(|thread| {
        thread.caches.set(ptr::null());
        thread.mark.set(None);
        if thread.stage.get() == Stage::Hooked {
            thread.stage.set(Stage::Again);
        }
        thread.busy.0.store(false, Ordering::Relaxed);
    });
    life::start_over();
}

/// The family of a cache.
fn family_of(cache: &ThreadCache) -> &'static FamilyTable {
    // SAFETY: families live as long as the process.
    unsafe { &*cache.family.load(Ordering::Relaxed) }
}

/// Points the calling thread's cache slot of a family at its cache, or at the empty one.
fn point_cache_slot(family: &FamilyTable, cache: *const ThreadCache) {
    let cache_slots = (family.cache_slots)().cast::<CacheSlots<0>>();
    // SAFETY: the cache slots of this thread, which still runs, for the set of this family.
    unsafe { CacheSlots::point(cache_slots, family.heap.index, cache) };
}

fn unload_cache(cache: &ThreadCache) {
    let _turn = cache.begin();
    for (class, head) in cache.heads.iter().enumerate() {
        if let Some(lane) = head.lane() {
            head.empty_each(class, |magazine| lane.unload(magazine));
        }
    }
}

fn forget_cache(cache: &ThreadCache) -> usize {
    let mut forgotten = 0;
    let _turn = cache.begin();
    for (class, head) in cache.heads.iter().enumerate() {
        if let Some(lane) = head.lane() {
            // Before, since a forgotten slot looks as if the program had it.
            lane.note_peak_now();
            head.empty_each(class, |magazine| forgotten += magazine.clear());
        }
    }
    forgotten
}

/// Whether the calling thread has `slot` in a magazine of this class and family.
pub(crate) fn holds(family: &FamilyTable, class: usize, slot: NonNull<u8>) -> bool {
    caches_of(family).any(|cache| {
        let _turn = cache.begin();
        cache.heads[class].slots(class).any(|held| held == slot.as_ptr())
    })
}

/// Does something while nobody takes slots from the calling thread's magazines. Where another thread does just
/// now, it returns `None` and does nothing. Waits for no one, and may be called in the midst of anything.
pub(crate) fn undisturbed<R>(work: impl FnOnce() -> R) -> Option<R> {
    undisturbed_from(caches(), work)
}

fn undisturbed_from<R>(
    mut caches: impl Iterator<Item = &'static ThreadCache>,
    work: impl FnOnce() -> R,
) -> Option<R> {
    match caches.next() {
        Some(cache) => {
            // By recursion, since each turn has to last as long as the work, and there is no memory for
            // a list of them.
            let _turn = cache.try_begin()?;
            undisturbed_from(caches, work)
        }
        None => Some(work()),
    }
}

/// Calls `visit` with the slots of each of the calling thread's magazines of a class and family. The caller
/// is [`undisturbed`].
pub(crate) fn for_each_magazine(
    family: &FamilyTable,
    class: usize,
    mut visit: impl FnMut(&[*mut u8]),
) {
    caches_of(family).for_each(|cache| cache.heads[class].for_each_magazine(class, &mut visit));
}

/// Calls `visit` with every address in the calling thread's magazines of a class and family. Where the
/// caller holds the lock of a lane, it holds that of the family's growth as well.
pub(crate) fn for_each_slot(family: &FamilyTable, class: usize, mut visit: impl FnMut(*mut u8)) {
    for cache in caches_of(family) {
        let _turn = cache.begin();
        cache.heads[class].slots(class).for_each(&mut visit);
    }
}

/// The calling thread's caches of a family: one at the most.
fn caches_of(family: &FamilyTable) -> impl Iterator<Item = &'static ThreadCache> {
    caches().filter(move |cache| ptr::eq(cache.family.load(Ordering::Relaxed), family))
}

/// The calling thread's caches.
fn caches() -> impl Iterator<Item = &'static ThreadCache> {
    let mut next = THREAD.with(|thread| thread.caches.get());
    core::iter::from_fn(move || {
        // SAFETY: caches in the thread's list are valid until they are closed, which they
        // are not while this iterator, which cannot leave this module, is in use.
        let cache = unsafe { next.as_ref() }?;
        next = cache.next_of_thread.load(Ordering::Relaxed);
        Some(cache)
    })
}
