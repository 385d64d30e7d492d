//! Large memory: runs of granules that reach from one extent into the next, and whole extents. Nothing
//! overlaps and nothing is lost, whatever is taken, given back and resized; little more is in memory than
//! was asked for; and what grows seldom moves.

mod common;

use core::alloc::Layout;
use core::ptr::NonNull;
use std::collections::BTreeMap;

use common::{Parcel, Random, assert_all_given_back, child, one_at_a_time, resident_bytes, usage};
use famalloc::{
    Family, FamilyUse, PageError, PageSource, RawAlloc, System, alloc_family, alloc_in,
    alloc_zeroed_in, check, flush, free_in, query, raw, realloc_in,
};

const PAGE: usize = 4096;
const GRANULE: usize = 64 << 10;
const EXTENT: usize = 2 << 20;
const MIB: usize = 1 << 20;

/// A live allocation: what it is, and what is in it.
#[derive(Clone, Copy)]
struct Live {
    start: NonNull<u8>,
    layout: Layout,
    seed: u64,
}

impl Live {
    /// A word for each page, and one at the end.
    fn words(&self) -> impl Iterator<Item = usize> + use<> {
        let size = self.layout.size();
        (0..size - 16).step_by(PAGE).chain([size - 8])
    }

    fn fill(&self) {
        for at in self.words() {
            // SAFETY: within the allocation, which is live.
            unsafe { self.start.add(at).cast::<u64>().write_unaligned(self.seed ^ at as u64) };
        }
    }

    /// What was written is there, as far as the first `size` bytes go.
    fn verify(&self, size: usize) {
        for at in self.words().filter(|at| at + 8 <= size) {
            // SAFETY: as above, and written.
            let word = unsafe { self.start.add(at).cast::<u64>().read_unaligned() };
            assert_eq!(word, self.seed ^ at as u64, "{at} bytes into {:?}", self.layout);
        }
    }
}

/// What is live, by address, in an order in which it can be drawn from.
struct Oracle<F> {
    live: Vec<Live>,
    by_address: BTreeMap<usize, usize>,
    random: Random,
    family: core::marker::PhantomData<F>,
}

impl<F: Family> Oracle<F> {
    fn new(seed: u64) -> Self {
        Self {
            live: Vec::new(),
            by_address: BTreeMap::new(),
            random: Random::new(seed),
            family: core::marker::PhantomData,
        }
    }

    /// From 33 KiB to more than an extent, many of an odd number of granules, a few of several extents.
    fn layout(&mut self) -> Layout {
        let size = match self.random.below(16) {
            0..9 => 33_000 + self.random.below(700_000),
            9..13 => 33_000 + self.random.below(EXTENT),
            13..15 => (1 + self.random.below(32)) * GRANULE,
            _ => EXTENT + self.random.below(4 * EXTENT),
        };
        let align = match self.random.below(8) {
            0 => PAGE << self.random.below(10),
            _ => 16,
        };
        Layout::from_size_align(size, align).unwrap()
    }

    /// Notes an allocation, which overlaps none that is live.
    fn add(&mut self, live: Live) {
        let (start, size) = (live.start.addr().get(), live.layout.size());
        assert_eq!(start % live.layout.align(), 0);
        let before = self.by_address.range(..start).next_back();
        assert!(
            before.is_none_or(|(other, bytes)| other + bytes <= start),
            "overlaps what is before"
        );
        let behind = self.by_address.range(start..).next();
        assert!(behind.is_none_or(|(&other, _)| start + size <= other), "overlaps what is behind");
        self.by_address.insert(start, size);
        // Every byte of it is known for a part of it.
        for at in [0, size / 2, size - 1] {
            let found = query(live.start.as_ptr().wrapping_add(at)).expect("it is live");
            assert_eq!((found.slot, found.offset), (start, at));
            assert_eq!(found.slot_bytes, size.next_multiple_of(PAGE));
        }
        live.fill();
        self.live.push(live);
    }

    fn remove(&mut self) -> Live {
        let live = self.live.swap_remove(self.random.below(self.live.len()));
        self.by_address.remove(&live.start.addr().get());
        live
    }

    fn alloc(&mut self) {
        let layout = self.layout();
        let start = F::default().alloc(layout).unwrap();
        let seed = self.random.next();
        self.add(Live { start, layout, seed });
    }

    fn free(&mut self) {
        let live = self.remove();
        live.verify(live.layout.size());
        // SAFETY: live, of this layout.
        unsafe { F::default().free(live.start, live.layout) };
    }

    fn resize(&mut self) {
        let live = self.remove();
        let kept = live.layout.size();
        let layout = match self.random.below(3) {
            // A little more, or a little less.
            0 => {
                let size = (kept + self.random.below(2 * GRANULE)).max(33_000 + GRANULE) - GRANULE;
                Layout::from_size_align(size, live.layout.align()).unwrap()
            }
            _ => self.layout(),
        };
        // SAFETY: live, of this layout.
        let start = unsafe { F::default().realloc(live.start, live.layout, layout) }.unwrap();
        live_at(start, &live).verify(kept.min(layout.size()));
        self.add(Live { start, layout, seed: live.seed });
    }

    fn run(&mut self, steps: usize, most: usize) {
        for _ in 0..steps {
            let taking = self.live.len() < most && self.random.below(10) < 6;
            match self.random.below(4) {
                0 if !self.live.is_empty() => self.resize(),
                _ if taking || self.live.is_empty() => self.alloc(),
                _ => self.free(),
            }
        }
        check().unwrap();
        self.live.iter().for_each(|live| live.verify(live.layout.size()));
        let pages = |live: &Live| live.layout.size().next_multiple_of(PAGE);
        let used = usage::<F>();
        assert_eq!(used.large_objects, self.live.len());
        assert_eq!(used.large_bytes, self.live.iter().map(pages).sum::<usize>());
    }

    fn free_all(mut self) {
        while !self.live.is_empty() {
            self.free();
        }
        check().unwrap();
    }
}

/// The same contents at another address.
fn live_at(start: NonNull<u8>, live: &Live) -> Live {
    Live { start, ..*live }
}

#[test]
fn whatever_is_taken_given_back_and_resized_nothing_overlaps() {
    #[alloc_family]
    enum Lives {
        A,
        #[family(isolate)]
        Alone,
        #[family(zero_on_free)]
        Secret,
    }
    let _alone = one_at_a_time();
    for seed in 0..3 {
        let mut a = Oracle::<lives::A>::new(seed);
        let mut alone = Oracle::<lives::Alone>::new(seed + 10);
        let mut secret = Oracle::<lives::Secret>::new(seed + 20);
        for most in [20, 150, 60, 5] {
            // Two and more families lie between each other's extents.
            for _ in 0..4 {
                a.run(100, most);
                alone.run(60, most / 2);
                secret.run(20, most / 4);
            }
            flush();
            check().unwrap();
        }
        a.free_all();
        alone.free_all();
        secret.free_all();
        assert_all_given_back::<Lives>();
    }
}

/// A source whose memory is given back as soon as it is free, and whose commits may be refused.
mod refusing {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    pub(super) struct Refusing {
        pub(super) system: System,
        /// Every so many commits one is refused; 0 for none.
        pub(super) every: AtomicUsize,
        pub(super) commits: AtomicUsize,
    }

    // SAFETY: every call is refused or passed on unchanged.
    unsafe impl PageSource for Refusing {
        fn page_size(&self) -> usize {
            self.system.page_size()
        }
        fn reserve(&self, size: usize, align: usize) -> Result<NonNull<u8>, PageError> {
            self.system.reserve(size, align)
        }
        unsafe fn commit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError> {
            let number = self.commits.fetch_add(1, Ordering::SeqCst);
            let every = self.every.load(Ordering::SeqCst);
            if every > 0 && number % every == 0 {
                return Err(PageError);
            }
            // SAFETY: passed on.
            unsafe { self.system.commit(start, size) }
        }
        unsafe fn decommit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError> {
            // SAFETY: passed on.
            unsafe { self.system.decommit(start, size) }
        }
        unsafe fn release(&self, start: NonNull<u8>, size: usize) {
            // SAFETY: passed on.
            unsafe { self.system.release(start, size) };
        }
    }
}

/// Where memory is refused in the midst of taking it, what there was before is as it was.
#[test]
fn a_refusal_leaves_the_runs_whole() {
    use refusing::Refusing;
    use std::sync::atomic::{AtomicUsize, Ordering};
    static PAGES: Refusing = Refusing {
        system: System::new(),
        every: AtomicUsize::new(0),
        commits: AtomicUsize::new(0),
    };
    #[alloc_family(source = PAGES)]
    enum Lives {
        A,
    }
    let _alone = one_at_a_time();
    let mut random = Random::new(3);
    let mut held: Vec<Parcel> = Vec::new();
    let mut refused = 0;
    for step in 0..3_000 {
        PAGES.every.store(if step < 100 { 0 } else { 2 }, Ordering::SeqCst);
        let size = 33_000 + random.below(EXTENT);
        match random.below(5) {
            0 | 1 => match Parcel::try_new::<lives::A>(size, step as u8) {
                Ok(parcel) => held.push(parcel),
                Err(_) => refused += 1,
            },
            2 if !held.is_empty() => {
                let at = random.below(held.len());
                let size = held[at].size + random.below(5 * GRANULE);
                refused += usize::from(held[at].try_resize::<lives::A>(size).is_err());
            }
            3 if !held.is_empty() => drop(held.swap_remove(random.below(held.len()))),
            // What is free has no memory then, and needs some to be taken again.
            _ if step % 7 == 0 => drop(flush()),
            _ => {}
        }
        if held.len() > 60 {
            held.truncate(20);
        }
        if step % 50 == 0 {
            check().unwrap();
        }
    }
    PAGES.every.store(0, Ordering::SeqCst);
    assert!(refused > 50, "{refused} were refused");
    drop(held);
    assert_all_given_back::<Lives>();
}

/// Sizes of each number of granules, and some of more than an extent.
const FILLED: &[usize] = &[
    65_536, 66_000, 100_000, 132_000, 190_000, 300_000, 393_216, 430_000, 590_000, 700_000,
    850_000, 1_000_000, 1_100_000, 1_114_112, 1_300_000, 1_500_000, 1_800_000, 2_000_000,
    2_097_152, 2_097_153, 3_000_000, 5_500_000, 9_000_000, 33_000_000, 67_108_864,
];

/// So much is asked for of each size.
const ASKED: usize = 72 * MIB;

/// What is in memory is what was asked for, a tenth, and two mebibytes.
#[test]
fn little_more_is_in_memory_than_was_asked_for() {
    #[alloc_family]
    enum Lives {
        A,
    }
    if common::case().is_none() {
        // In a process of its own, where nothing else comes and goes.
        let test = "little_more_is_in_memory_than_was_asked_for";
        return common::assert_success(child(test, "filled"));
    }
    for &size in FILLED {
        flush();
        let before = resident_bytes();
        let count = ASKED.div_ceil(size);
        let all: Vec<_> = (0..count).map(|_| filled::<lives::A>(size)).collect();
        let more = resident_bytes() - before;
        let bound = count * size / 10 * 11 + 2 * MIB;
        assert!(more <= bound, "{count} of {size} bytes: {more} are in memory");
        let told = usage::<lives::A>().resident_bytes.unwrap();
        assert!(told >= count * size && told <= bound, "{told} of {count} of {size} bytes");
        // Half of them go, and as many come: that takes the places of those.
        let mut all = all;
        let halves: Vec<_> = (0..count / 2).map(|at| all.swap_remove(at)).collect();
        drop(halves);
        all.extend((0..count / 2).map(|_| filled::<lives::A>(size)));
        let more = resident_bytes() - before;
        assert!(more <= bound, "{count} of {size} bytes: {more} are in memory, later");
        check().unwrap();
    }
    assert_all_given_back::<Lives>();
}

fn filled<F: Family>(size: usize) -> Parcel {
    let parcel = Parcel::new::<F>(size, 3);
    // SAFETY: live, of this size.
    unsafe { parcel.start.write_bytes(3, size) };
    parcel
}

/// What is live need not be in memory, and a family knows how much is.
#[test]
fn what_is_in_memory_is_told_apart_from_what_is_live() {
    #[alloc_family]
    enum Lives {
        Sparse,
        Unused,
        Hinted,
    }
    let _alone = one_at_a_time();
    // What is warm is in memory already.
    flush();
    let told = || usage::<lives::Sparse>().resident_bytes.unwrap();
    let size = 64 * MIB;
    for round in 0..3 {
        let start = alloc_in::<lives::Sparse>(size).unwrap();
        assert!(told() < MIB / 4, "{} in round {round}", told());
        // SAFETY: within the allocation.
        unsafe { start.add(5 * MIB).write_bytes(1, MIB) };
        assert_eq!(usage::<lives::Sparse>().live_bytes, size);
        assert!((MIB..MIB * 5 / 4).contains(&told()), "{} in round {round}", told());
        // Sixteen more, a page for each huge page: no more than these pages is in memory.
        let many: Vec<_> = (0..16).map(|_| alloc_in::<lives::Sparse>(size).unwrap()).collect();
        for start in &many {
            for at in (0..size).step_by(EXTENT) {
                // SAFETY: within the allocation.
                unsafe { start.add(at).write(1) };
            }
        }
        assert!(told() < 2 * MIB + 16 * 32 * PAGE * 2, "{} in round {round}", told());
        // SAFETY: allocated above with this size.
        many.into_iter().chain([start]).for_each(|start| unsafe {
            free_in::<lives::Sparse>(start, size);
        });
        flush();
    }
    assert_eq!(told(), 0);
    let (unused, totals) = (FamilyUse::of(lives::Unused), FamilyUse::totals(lives::Sparse));
    assert_eq!((unused.resident_bytes, totals.resident_bytes), (Some(0), None));
    // What was free before may be in memory still; it is given back, and is not any more.
    drop(filled::<lives::Hinted>(MIB));
    let kept = filled::<lives::Hinted>(GRANULE);
    flush();
    assert_eq!(usage::<lives::Hinted>().resident_bytes, Some(GRANULE));
    drop(kept);
    assert_all_given_back::<Lives>();
}

/// Grows a few bytes at a time by `resize`; returns how often it moved.
fn moves_until(
    size: usize,
    start: NonNull<u8>,
    mut resize: impl FnMut(NonNull<u8>, usize, usize) -> NonNull<u8>,
) -> (usize, NonNull<u8>) {
    let (mut at, mut old, mut moves) = (start, 40_000, 0);
    while old < size {
        // SAFETY: within the allocation.
        unsafe { at.add(old - 1).write(old as u8) };
        let new = (old + 3_000).min(size);
        let next = resize(at, old, new);
        // SAFETY: as above.
        assert_eq!(unsafe { next.add(old - 1).read() }, old as u8);
        moves += usize::from(next != at);
        (at, old) = (next, new);
    }
    (moves, at)
}

/// What grows by little is moved a few times for each of its ten doublings at most, whether it is alone or
/// others are taken meanwhile.
#[test]
fn what_grows_by_little_seldom_moves() {
    #[alloc_family]
    enum Lives {
        Typed,
        Untyped,
    }
    let _alone = one_at_a_time();
    for others in [false, true] {
        let mut behind = Vec::new();
        let mut random = Random::new(1);
        let start = alloc_in::<lives::Typed>(40_000).unwrap();
        // SAFETY: live each time, with the size it has then.
        let (moves, start) = moves_until(40 * MIB, start, |start, old, new| unsafe {
            if others && random.below(8) == 0 {
                behind.push(Parcel::new::<lives::Typed>(33_000 + random.below(200_000), 1));
            }
            realloc_in::<lives::Typed>(start, old, new).unwrap()
        });
        // SAFETY: as above.
        unsafe { free_in::<lives::Typed>(start, 40 * MIB) };
        let bound = if others { 30 } else { 11 };
        assert!(moves <= bound, "{moves} moves, others: {others}");
        behind.iter().for_each(Parcel::verify);
    }
    let layout = |size| Layout::from_size_align(size, 16).unwrap();
    let start = lives::Untyped.alloc(layout(40_000)).unwrap();
    // SAFETY: as above.
    let (moves, start) = moves_until(40 * MIB, start, |start, old, new| unsafe {
        raw::realloc::<Lives>(start, layout(new), old).unwrap()
    });
    // SAFETY: as above.
    unsafe { raw::free::<Lives>(start).unwrap() };
    assert!(moves <= 11, "{moves} moves");
    assert_all_given_back::<Lives>();
}

/// Several that grow by turns do not stand in each other's way each time.
#[test]
fn what_grows_by_turns_seldom_moves() {
    #[alloc_family]
    enum Lives {
        A,
    }
    let _alone = one_at_a_time();
    let mut size = 40_000;
    let mut all: Vec<_> = (0..5).map(|_| alloc_in::<lives::A>(size).unwrap()).collect();
    let mut moves = 0;
    while size < EXTENT - 20_000 {
        for start in &mut all {
            // SAFETY: live, of this size.
            let at = unsafe { realloc_in::<lives::A>(*start, size, size + 20_000) }.unwrap();
            moves += usize::from(at != *start);
            *start = at;
        }
        size += 20_000;
    }
    // SAFETY: as above.
    all.iter().for_each(|&start| unsafe { free_in::<lives::A>(start, size) });
    assert!(moves <= 5 * 7, "{moves} moves for five that doubled five times");
    assert_all_given_back::<Lives>();
}

/// Within the last page of large memory a resize takes no lock.
#[test]
fn growth_within_a_page_takes_no_lock() {
    #[alloc_family]
    enum Lives {
        A,
    }
    let _alone = one_at_a_time();
    let layout = |size| Layout::from_size_align(size, 16).unwrap();
    for pages in [25, 300, 3_000] {
        let first = pages * PAGE - PAGE + 1;
        let start = lives::A.alloc(layout(first)).unwrap();
        let locks = usage::<lives::A>().lock_acquisitions;
        for size in first..=pages * PAGE {
            // SAFETY: live, of this family.
            let at = unsafe { raw::realloc::<Lives>(start, layout(size), 0) };
            assert_eq!(at, Ok(start));
            // SAFETY: as above.
            let at =
                unsafe { realloc_in::<lives::A>(start, size, size - usize::from(size > first)) };
            assert_eq!(at, Ok(start));
        }
        assert_eq!(usage::<lives::A>().lock_acquisitions, locks);
        // SAFETY: as above.
        unsafe { raw::free::<Lives>(start).unwrap() };
    }
    assert_all_given_back::<Lives>();
}

/// Large memory lies across extents where these lie side by side.
#[test]
fn large_memory_crosses_extents() {
    static PAGES: System = System::new();
    #[alloc_family(source = PAGES)]
    enum Lives {
        A,
    }
    let _alone = one_at_a_time();
    // 17 granules of 32: without crossing, half of the addresses would be lost.
    let size = 17 * GRANULE;
    let all: Vec<_> = (0..64).map(|at| Parcel::new::<lives::A>(size, at)).collect();
    // But for where what was reserved at once ends.
    let extents = usage::<lives::A>().extents;
    assert!(extents <= 64 * 17 / 32 + 2, "{extents}");
    let crossing = all
        .iter()
        .filter(|parcel| parcel.address() / EXTENT != (parcel.address() + size - 1) / EXTENT);
    assert!(crossing.count() >= 30);
    for parcel in &all {
        for at in (0..size).step_by(GRANULE) {
            let found = query(parcel.start.as_ptr().wrapping_add(at)).unwrap();
            assert_eq!((found.slot, found.offset), (parcel.address(), at));
        }
    }
    check().unwrap();
    drop(all);
    assert_eq!(usage::<lives::A>().extents, 0);
    // Zeros are zero across extents, of which one is dirty, or all are.
    flush();
    let (kept, dirty) = (filled::<lives::A>(10 * GRANULE), filled::<lives::A>(12 * GRANULE));
    drop(dirty);
    let zeros = Parcel::try_new_zeroed::<lives::A>(30 * GRANULE, 1).unwrap();
    assert_eq!(zeros.address(), kept.address() + 10 * GRANULE);
    drop((kept, zeros));
    let dirty: Vec<_> = (0..8).map(|_| filled::<lives::A>(size)).collect();
    drop(dirty);
    for _ in 0..8 {
        let start = alloc_zeroed_in::<lives::A>(size).unwrap();
        // SAFETY: live, and zero.
        let bytes = unsafe { core::slice::from_raw_parts(start.as_ptr(), size) };
        assert!(bytes.iter().all(|&byte| byte == 0));
        // SAFETY: allocated above with this size.
        unsafe { free_in::<lives::A>(start, size) };
    }
    assert_all_given_back::<Lives>();
}
