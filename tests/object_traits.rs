//! The traits of object allocators: each implementation against the same oracle, the methods that a
//! trait provides as well as those that an allocator writes itself; and pools of raw memory, whose
//! hooks are called as a model foretells.

mod common;

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::NonNull;
use std::alloc::System;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::panic::{self, AssertUnwindSafe};

use common::{Random, all_are, assert_all_given_back, one_at_a_time, times, usage};
use famalloc::object_alloc::{FamilyObjectAlloc, Lent, ObjectState, SlotAlloc};
use famalloc::pool::{RawPool, Retention};
use famalloc::{
    AllocError, AllocErrorKind, AnyFamily, Family, FamilyBox, FamilyKey, Pool, RawAlloc,
    alloc_family,
};

#[alloc_family]
enum Lives {
    Raw,
    Objects,
    #[family(limit = "256 KiB")]
    Limited,
}

/// Counts what this thread asks of the system's allocator.
struct Counting;

thread_local! {
    static ASKED: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: it is the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ASKED.set(ASKED.get() + 1);
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: passed on.
        unsafe { System.dealloc(start, layout) };
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// A family through nothing but what [`RawAlloc`] demands: the rest is the trait's own.
struct Plain<F: Family>(F);

// SAFETY: that of the family.
unsafe impl<F: Family> RawAlloc for Plain<F> {
    fn alloc(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        self.0.alloc(layout)
    }

    unsafe fn free(&self, start: NonNull<u8>, layout: Layout) {
        // SAFETY: passed on.
        unsafe { self.0.free(start, layout) };
    }
}

/// Live memory, filled with a pattern.
struct Piece {
    start: NonNull<u8>,
    layout: Layout,
    pattern: u8,
}

impl Piece {
    fn verify(&self, len: usize, pattern: u8) {
        // SAFETY: live, and written that far.
        let bytes = unsafe { core::slice::from_raw_parts(self.start.as_ptr(), len) };
        assert!(all_are(bytes, pattern), "{:?} was overwritten", self.layout);
        assert_eq!(self.start.as_ptr().addr() % self.layout.align(), 0);
    }

    fn fill(&self) {
        // SAFETY: live, and that long.
        unsafe { self.start.write_bytes(self.pattern, self.layout.size()) };
    }
}

fn any_layout(random: &mut Random) -> Layout {
    if cfg!(miri) {
        let align = [1, 1, 8, 4096][random.below(4)];
        return Layout::from_size_align(random.size() - 7, align).unwrap();
    }
    let size = if random.below(10) == 0 { 0 } else { random.size().min(100_000) };
    Layout::from_size_align(size, 1 << random.below(14)).unwrap()
}

/// Random work; returns how often memory was resized where it lay.
fn raw_memory<A: RawAlloc>(memory: &A, seed: u64) -> usize {
    let mut random = Random::new(seed);
    let mut pieces: Vec<Piece> = Vec::new();
    let mut in_place = 0;
    for round in 0..times(4000, 25) {
        let pattern = round as u8;
        let layout = any_layout(&mut random);
        let chosen = if pieces.is_empty() { None } else { Some(random.below(pieces.len())) };
        match (random.below(6), chosen) {
            (0..3, _) if pieces.len() < 200 => {
                let zeroed = random.below(3) == 0;
                let start = if zeroed {
                    memory.alloc_zeroed(layout).unwrap()
                } else {
                    memory.alloc(layout).unwrap()
                };
                let piece = Piece { start, layout, pattern };
                if zeroed {
                    piece.verify(layout.size(), 0);
                }
                piece.fill();
                pieces.push(piece);
            }
            (3, Some(at)) => {
                let piece = &mut pieces[at];
                let kept = piece.layout.size().min(layout.size());
                // SAFETY: live, of this layout.
                piece.start = unsafe { memory.realloc(piece.start, piece.layout, layout) }.unwrap();
                piece.layout = layout;
                piece.verify(kept, piece.pattern);
                piece.fill();
            }
            (4, Some(at)) => {
                let piece = &mut pieces[at];
                let old = piece.layout;
                let size = old.size() + random.below(old.size() / 4 + 2);
                let new = Layout::from_size_align(size, old.align()).unwrap();
                // SAFETY: live, of this layout.
                if unsafe { memory.resize_in_place(piece.start, old, new) } {
                    in_place += 1;
                    piece.layout = new;
                    piece.verify(old.size(), piece.pattern);
                    piece.fill();
                }
            }
            (5, Some(at)) => {
                let piece = pieces.swap_remove(at);
                piece.verify(piece.layout.size(), piece.pattern);
                // SAFETY: live, and not used again.
                unsafe { memory.free(piece.start, piece.layout) };
            }
            _ => {}
        }
    }
    for piece in pieces {
        piece.verify(piece.layout.size(), piece.pattern);
        // SAFETY: live, and not used again.
        unsafe { memory.free(piece.start, piece.layout) };
    }
    in_place
}

#[test]
fn raw_memory_is_whole_whoever_hands_it_out() {
    let _alone = one_at_a_time();
    for seed in 0..times(4, 1) as u64 {
        assert!(raw_memory(&lives::Raw, seed) > times(10, 0));
        assert_eq!(raw_memory(&Plain(lives::Raw), seed), 0);
    }
    // What has no memory cannot be resized in its place.
    let (nothing, large) = (Layout::new::<()>(), Layout::new::<[u8; 1 << 20]>());
    let start = lives::Raw.alloc(nothing).unwrap();
    // SAFETY: handed out with this layout.
    assert!(!unsafe { lives::Raw.resize_in_place(start, nothing, large) });
    let error = lives::Raw
        .alloc(Layout::from_size_align(isize::MAX as usize - 4095, 4096).unwrap())
        .unwrap_err();
    assert_ne!(error.kind(), AllocErrorKind::Limit);
    assert_all_given_back::<Lives>();
}

#[test]
fn a_resize_that_fails_leaves_the_memory_as_it_was() {
    fn check(memory: &dyn RawAlloc) {
        let (old, new) =
            (Layout::array::<u8>(1000).unwrap(), Layout::array::<u8>(1 << 20).unwrap());
        let piece = Piece { start: memory.alloc(old).unwrap(), layout: old, pattern: 7 };
        piece.fill();
        // SAFETY: live, of this layout.
        let error = unsafe { memory.realloc(piece.start, old, new) }.unwrap_err();
        assert_eq!(error.kind(), AllocErrorKind::Limit);
        piece.verify(1000, 7);
        // SAFETY: live, and not used again.
        unsafe { memory.free(piece.start, old) };
    }
    let _alone = one_at_a_time();
    check(&lives::Limited);
    check(&Plain(lives::Limited));
    assert_all_given_back::<Lives>();
}

thread_local! {
    /// How many [`Counted`] were made, and dropped.
    static COUNTS: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

#[derive(Debug)]
struct Counted {
    uses: usize,
}

impl Default for Counted {
    fn default() -> Self {
        let (made, dropped) = COUNTS.get();
        COUNTS.set((made + 1, dropped));
        Self { uses: 0 }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let (made, dropped) = COUNTS.get();
        COUNTS.set((made, dropped + 1));
    }
}

/// What anyone may expect of an allocator of objects, by the state it promises.
fn objects<A: FamilyObjectAlloc<Counted>>(allocator: &A) {
    COUNTS.set((0, 0));
    let mut random = Random::new(7);
    let mut held: Vec<Lent<'_, Counted, A>> = Vec::new();
    let (mut most, mut gets, mut reused) = (0, 0, 0);
    for _ in 0..times(3000, 50) {
        if held.len() < times(100, 20) && random.below(2) == 0 {
            let mut object = allocator.try_object().unwrap();
            gets += 1;
            reused += usize::from(object.uses > 0);
            object.uses += 1;
            assert!(held.iter().all(|other| !core::ptr::eq(&**other, &*object)));
            held.push(object);
        } else if !held.is_empty() {
            let object = held.swap_remove(random.below(held.len()));
            assert!(core::ptr::eq(Lent::home(&object), allocator));
            drop(object);
        }
        most = most.max(held.len());
    }
    let (made, dropped) = COUNTS.get();
    match A::STATE {
        ObjectState::New => assert_eq!((made, dropped, reused), (gets, gets - held.len(), 0)),
        ObjectState::Kept => assert_eq!((made, dropped, reused), (most, 0, gets - most)),
    }
    // An object that leaves is dropped by whoever has it.
    let detached: FamilyBox<Counted, A::Family> = Lent::detach(held.pop().unwrap());
    drop(detached);
    assert_eq!(COUNTS.get().1, dropped + 1);
    // And by hand.
    let object = Lent::into_non_null(held.pop().unwrap());
    // SAFETY: handed out by this allocator, and not used again.
    unsafe { allocator.free_object(object) };
}

#[test]
fn objects_are_in_the_state_that_is_promised() {
    let _alone = one_at_a_time();
    let all_dropped = || assert_eq!(COUNTS.get().0, COUNTS.get().1);
    let any = AnyFamily::from(Lives::Objects);
    objects(&lives::Objects);
    all_dropped();
    objects(&any);
    all_dropped();
    let pool = Pool::<Counted, _>::new_in(Counted::default, lives::Objects);
    objects(&pool);
    drop(pool);
    all_dropped();
    let pool = Pool::<Counted, _>::new_in(Counted::default, lives::Objects);
    objects(&pool.front());
    drop(pool);
    all_dropped();
    let pool = Pool::<Counted, _>::new_in(Counted::default, any);
    objects(&pool.front());
    drop(pool);
    all_dropped();
    assert_all_given_back::<Lives>();
}

/// What the hooks were called with, by address.
#[derive(Default)]
struct Calls {
    log: Vec<(char, usize)>,
    fails: Option<char>,
}

thread_local! {
    static CALLS: RefCell<Calls> = RefCell::default();
}

fn call(which: char, object: NonNull<u8>) {
    CALLS.with_borrow_mut(|calls| {
        calls.log.push((which, object.addr().get()));
        assert!(calls.fails.take_if(|fails| *fails == which).is_none(), "{which}");
    });
}

fn log() -> Vec<(char, usize)> {
    CALLS.with_borrow_mut(|calls| std::mem::take(&mut calls.log))
}

const LAYOUT: Layout = match Layout::from_size_align(200, 64) {
    Ok(layout) => layout,
    Err(_) => unreachable!(),
};

unsafe fn init(object: NonNull<u8>) {
    call('i', object);
    // SAFETY: called with slots of the layout.
    unsafe { object.write_bytes(1, 200) };
}

unsafe fn reset(object: NonNull<u8>) {
    call('r', object);
    // SAFETY: called with initialised objects.
    unsafe { object.write(object.add(1).read()) };
}

unsafe fn finish(object: NonNull<u8>) {
    // SAFETY: called with initialised objects.
    assert_eq!(unsafe { object.add(199).read() }, 1);
    // SAFETY: the same.
    unsafe { object.write_bytes(0, 200) };
    call('f', object);
}

fn raw_pool<F: FamilyKey>(family: F) -> RawPool<F> {
    // SAFETY: hooks for 200 bytes, which they initialise and expect initialised.
    unsafe { RawPool::new_in(LAYOUT, family).with_init(init).with_reset(reset).with_finish(finish) }
}

#[test]
fn a_pool_of_raw_memory_calls_its_hooks_as_often_as_it_has_to() {
    let _alone = one_at_a_time();
    calls_its_hooks(lives::Raw);
    calls_its_hooks(AnyFamily::from(Lives::Raw));
}

fn calls_its_hooks<F: FamilyKey>(family: F) {
    log();
    let pool = raw_pool(family).with_retention(Retention::everything().at_most(30));
    let mut random = Random::new(3);
    let (mut used, mut idle) = (Vec::new(), Vec::new());
    let mut expected: Vec<(char, usize)> = Vec::new();
    let mut addresses = HashMap::new();
    for _ in 0..times(4000, 100) {
        match random.below(20) {
            0..9 => {
                let object = pool.try_alloc_slot().unwrap();
                // SAFETY: initialised, or reset.
                assert_eq!(unsafe { object.read() }, 1);
                // SAFETY: ours.
                unsafe { object.write(9) };
                let address = object.addr().get();
                match idle.pop() {
                    Some(newest) => assert_eq!(address, newest),
                    None => expected.push(('i', address)),
                }
                assert!(!used.contains(&address) && address % 64 == 0);
                addresses.insert(address, object);
                used.push(address);
            }
            9..18 if !used.is_empty() => {
                let address = used.swap_remove(random.below(used.len()));
                // SAFETY: handed out by this pool, and not used again.
                unsafe { pool.free_slot(addresses[&address]) };
                expected.push(('r', address));
                if idle.len() < 30 {
                    idle.push(address);
                } else {
                    expected.push(('f', address));
                }
            }
            18 => {
                let keep = random.below(40);
                let beyond = idle.len().saturating_sub(keep);
                assert_eq!(pool.trim(keep), beyond);
                expected.extend(idle.drain(..beyond).map(|address| ('f', address)));
            }
            _ => {}
        }
        assert_eq!((log(), pool.len()), (std::mem::take(&mut expected), idle.len()));
    }
    let counts = pool.counts();
    assert!(cfg!(miri) || (counts.reused > 500 && counts.released > 100), "{pool:?}");
    for address in used {
        // SAFETY: handed out by this pool, and not used again.
        unsafe { pool.put(addresses[&address]) };
    }
    log();
    let left = pool.len();
    drop(pool);
    assert_eq!(log().iter().filter(|(which, _)| *which == 'f').count(), left);
    assert_all_given_back::<Lives>();
}

#[test]
fn a_hook_that_panics_loses_no_slot() {
    let _alone = one_at_a_time();
    log();
    let fails = |which, action: &mut dyn FnMut()| {
        CALLS.with_borrow_mut(|calls| calls.fails = Some(which));
        assert!(panic::catch_unwind(AssertUnwindSafe(action)).is_err());
        log().iter().map(|(which, _)| which).collect::<String>()
    };
    let live = || usage::<lives::Raw>().live_objects;
    {
        let pool = raw_pool(lives::Raw);
        assert_eq!(fails('i', &mut || _ = pool.get()), "i");
        assert_eq!((live(), pool.counts().made), (0, 0));
        let object = pool.get();
        // SAFETY: handed out by this pool, and not used again.
        assert_eq!(fails('r', &mut || unsafe { pool.put(object) }), "irf");
        assert_eq!((live(), pool.len()), (0, 0));
        let hundred: Vec<_> = (0..100).map(|_| pool.get()).collect();
        // SAFETY: handed out by this pool, and not used again.
        hundred.into_iter().for_each(|object| unsafe { pool.put(object) });
        log();
        assert_eq!(fails('f', &mut || _ = pool.trim(40)), "f".repeat(60));
        assert_eq!((pool.len(), pool.counts().released), (40, 60));
        assert_eq!(fails('f', &mut || pool.clear()), "f".repeat(40));
    }
    assert_all_given_back::<Lives>();
}

#[test]
fn a_pool_of_raw_memory_has_a_working_set_and_a_limit() {
    let _alone = one_at_a_time();
    let pool = RawPool::<lives::Limited>::new(Layout::new::<[u8; 1 << 14]>())
        .with_retention(Retention::working_set());
    let mut held = Vec::new();
    let error = loop {
        match pool.try_get() {
            Ok(object) => held.push(object),
            Err(error) => break error,
        }
    };
    assert_eq!((error.kind(), pool.counts().made), (AllocErrorKind::Limit, held.len()));
    let most = held.len();
    // SAFETY: handed out by this pool, and not used again.
    held.into_iter().for_each(|object| unsafe { pool.put(object) });
    let released = pool.counts().released;
    assert_eq!(pool.len() + released, most);
    pool.end_period();
    // SAFETY: handed out by this pool, and not used again.
    unsafe { pool.put(pool.get()) };
    assert_eq!((pool.end_period(), pool.len()), (most - released - 1, 1));
    drop(pool);
    assert_all_given_back::<Lives>();
}

#[test]
fn pools_ask_the_global_allocator_for_nothing() {
    let _alone = one_at_a_time();
    let pool = Pool::<[u64; 9], _>::new_in(|| [7; 9], lives::Objects)
        .with_reset(|object| object[0] = 7)
        .with_retention(Retention::working_set().at_most(400));
    let mut held: Vec<Lent<'_, _, Pool<_, _>>> = Vec::with_capacity(1000);
    let before = ASKED.get();
    let front = pool.front();
    for _ in 0..times(5, 2) {
        held.extend((0..times(500, 25)).map(|_| pool.get()));
        held.clear();
        (0..times(100, 10)).for_each(|_| drop([front.get(), front.get()]));
        pool.end_period();
    }
    drop(front);
    pool.trim(5);
    pool.clear();
    assert_eq!(ASKED.get(), before);
    drop(std::hint::black_box(Box::new(7)));
    assert_eq!(ASKED.get(), before + 1, "the counter counts");
    drop(held);
    drop(pool);
    assert_all_given_back::<Lives>();
}
