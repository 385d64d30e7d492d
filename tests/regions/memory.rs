//! What regions take from the system and give back: pages, chunks, and bitmaps that others use after
//! them.

// It reads what the system says of each mapping.
#![cfg(target_os = "linux")]

use core::alloc::Layout;
use core::ops::Range;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::common::recorder::Recorder;
use crate::common::{Parcel, Random, Watchdog, one_at_a_time, times, usage};
use famalloc::region::{Forget, Kind, SendDrops, Tracked};
use famalloc::{Family, Region, RegionPool, alloc_family, check, flush, reclaim};

/// The bytes in memory of all mappings that lie in a range.
fn resident(range: &Range<usize>) -> usize {
    let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let (mut inside, mut bytes) = (false, 0);
    for line in maps.lines() {
        let word = line.split(' ').next().unwrap();
        if let Some((start, end)) = word.split_once('-') {
            let [start, end] = [start, end].map(|part| usize::from_str_radix(part, 16).unwrap());
            inside = range.start <= start && end <= range.end;
        } else if inside && word == "Rss:" {
            let number = line.split_ascii_whitespace().nth(1).unwrap();
            bytes += number.parse::<usize>().unwrap() << 10;
        }
    }
    bytes
}

#[test]
#[cfg_attr(miri, ignore = "an interpreter has no mappings")]
fn ten_small_objects_touch_two_pages_at_most() {
    static PAGES: Recorder = Recorder::new();
    #[alloc_family(source = PAGES)]
    enum Lives {
        A,
    }
    fn touched<K: Kind>() -> usize {
        // What is the family's and not the region's is there before.
        let warm = Region::<lives::A, K>::new();
        warm.alloc_layout(Layout::new::<u64>()).unwrap();
        let before = resident(&PAGES.reservation());
        assert!(before > 0);
        let region = Region::<lives::A, K>::new();
        for _ in 0..10 {
            let start = region.alloc_layout(Layout::new::<[u64; 4]>()).unwrap();
            // SAFETY: 32 bytes.
            unsafe { start.write_bytes(1, 32) };
        }
        (resident(&PAGES.reservation()) - before) / 4096
    }
    let _alone = one_at_a_time();
    assert_eq!(touched::<Forget>(), 1);
    reclaim(usize::MAX);
    assert!((1..=2).contains(&touched::<Tracked>()));
    // And a region that is not used touches none.
    let before = resident(&PAGES.reservation());
    let region = Region::<lives::A, Tracked>::new();
    assert_eq!((region.allocated_bytes(), resident(&PAGES.reservation())), (0, before));
}

#[test]
#[cfg_attr(miri, ignore = "an interpreter has no mappings")]
fn reset_keeps_one_chunk_and_drop_gives_all_back() {
    static PAGES: Recorder = Recorder::new();
    #[alloc_family(source = PAGES)]
    enum Lives {
        Plain,
        #[family(isolate)]
        Alone,
    }
    fn grow<F: Family>(region: &Region<F, Tracked>) {
        for at in 0..5_000 {
            let size = if at % 500 == 0 { 300_000 } else { 100 + at % 900 };
            let start = region.alloc_layout(Layout::array::<u8>(size).unwrap()).unwrap();
            // SAFETY: that many bytes.
            unsafe { start.write_bytes(1, size) };
        }
    }
    fn run<F: Family>(tables: usize) {
        let mut region = Region::<F, Tracked>::new();
        let mut kept = 0;
        for round in 0..4 {
            grow(&region);
            assert!(region.usage().chunks > 1 || round > 0);
            region.reset();
            let found = region.usage();
            assert_eq!((found.chunks, found.live_bytes, found.free_bytes), (1, 0, 0));
            assert!(found.committed_bytes >= kept);
            kept = found.committed_bytes;
            assert_eq!(usage::<F>().committed_bytes, kept);
            check().unwrap();
        }
        drop(region);
        assert_eq!(usage::<F>().committed_bytes, 0);
        let held = resident(&PAGES.reservation());
        assert!(held >= 1 << 20, "{held}");
        reclaim(usize::MAX);
        let left = resident(&PAGES.reservation());
        assert!(left < tables, "{left}");
        check().unwrap();
    }
    let _alone = one_at_a_time();
    run::<lives::Plain>(128 << 10);
    // The maps of extents stay while a family has those: an eighth of what was tracked.
    run::<lives::Alone>(2 << 20);
}

/// Fills the maps of chunks of all sorts with all that can be in them, and gives them back.
fn litter<F: Family>(random: &mut Random) {
    let regions: Vec<_> = (0..6).map(|_| Region::<F, Tracked>::new()).collect();
    for _ in 0..times(3_000, 25) {
        let large = random.below(times(300, 20)) == 0;
        let size = if large { random.below(times(3 << 20, 1 << 19)) + 1 } else { random.size() };
        let region = &regions[random.below(6)];
        let layout = Layout::array::<u8>(size).unwrap();
        let start = region.alloc_layout(layout).unwrap();
        if random.below(3) == 0 {
            // SAFETY: live, with this layout, and not used again.
            unsafe { region.free_layout(start, layout) };
        }
    }
}

/// The same for a chunk of whole extents that is full of small objects.
fn litter_extents<F: Family>() {
    let region = Region::<F, Tracked>::new();
    while region.allocated_bytes() < times(14 << 20, 600 << 10) {
        region.alloc_layout(Layout::new::<[u64; 4]>()).unwrap();
        // Larger ones under Miri, so that fewer fill it.
        region.alloc_layout(Layout::new::<[u64; times(70, 1_500)]>()).unwrap();
    }
}

/// Blocks of all classes, of which every slot is used.
fn use_blocks<F: Family>(random: &mut Random) {
    // Several extents of them.
    let mut parcels: Vec<_> =
        (0..times(500, 10)).map(|at| Parcel::new::<F>(20_000, at as u8)).collect();
    let sizes = [1, 2, 3, 4, 6, 8, 12, 16, 24, 48, 100, 500, 3_000, 20_000, 100_000, 5 << 20];
    for size in sizes.into_iter().step_by(times(1, 4)) {
        let count = (100_000 / size).clamp(2, times(9_000, 15));
        parcels.extend((0..count).map(|at| Parcel::new::<F>(size, at as u8)));
    }
    check().unwrap();
    for at in (1..parcels.len()).rev() {
        parcels.swap(at, random.below(at + 1));
    }
    let addresses = |parcels: &[Parcel]| {
        let mut all: Vec<_> =
            parcels.iter().map(|parcel| (parcel.address(), parcel.size)).collect();
        all.sort_unstable();
        assert!(all.windows(2).all(|pair| pair[0].0 + pair[0].1 <= pair[1].0));
    };
    addresses(&parcels);
    parcels.truncate(parcels.len() / 2);
    parcels.extend((0..times(9_000, 30)).map(|at| Parcel::new::<F>(1 + at % 8, at as u8)));
    addresses(&parcels);
    check().unwrap();
    drop(parcels);
    flush();
    check().unwrap();
}

fn blocks_after_regions<F: Family>(seed: u64) {
    let mut random = Random::new(seed);
    for round in 0..times(3, 2) {
        litter::<F>(&mut random);
        litter_extents::<F>();
        check().unwrap();
        if round == 1 {
            // Bitmaps come back zero, or as they were.
            reclaim(usize::MAX);
        }
        use_blocks::<F>(&mut random);
        assert_eq!(usage::<F>().committed_bytes, 0);
    }
}

#[test]
fn blocks_in_granules_that_regions_had_find_their_bitmaps_clean() {
    #[alloc_family]
    enum Lives {
        Plain,
        #[family(isolate)]
        Alone,
    }
    let _alone = one_at_a_time();
    blocks_after_regions::<lives::Plain>(1);
    blocks_after_regions::<lives::Alone>(2);
}

#[test]
fn pooled_regions_are_one_users_at_a_time_and_come_back_empty() {
    #[alloc_family]
    enum Lives {
        Request,
    }
    struct Counts(&'static AtomicUsize);
    impl Drop for Counts {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }
    static LIVE: AtomicUsize = AtomicUsize::new(0);
    static POOL: RegionPool<lives::Request, SendDrops<'static>> =
        RegionPool::with_limits(8 << 20, 3);

    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    let work = |thread: u64| {
        move || {
            let mut random = Random::new(thread);
            for _ in 0..times(300, 5) {
                let mut region = POOL.get();
                assert_eq!((region.usage().live_bytes, region.limit()), (0, Some(8 << 20)));
                let slices: Vec<_> = (0..random.below(40))
                    .map(|_| &*region.alloc_slice_fill_copy(random.below(200), thread))
                    .collect();
                for _ in 0..random.below(20) {
                    LIVE.fetch_add(1, Ordering::Relaxed);
                    region.alloc(Counts(&LIVE));
                }
                thread::yield_now();
                assert!(slices.iter().all(|slice| slice.iter().all(|&item| item == thread)));
                if random.below(50) == 0 {
                    POOL.shrink(1);
                }
                if random.below(10) == 0 {
                    region.set_limit(None);
                }
            }
        }
    };
    thread::scope(|scope| {
        let threads: Vec<_> =
            (0..times(6, 3) as u64).map(|thread| scope.spawn(work(thread))).collect();
        // Joined, since a scope alone does not wait until a thread's magazines are given back.
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
    assert_eq!(LIVE.load(Ordering::Relaxed), 0);
    assert!(POOL.idle() <= 3);
    let held: Vec<_> = (0..5).map(|_| POOL.get()).collect();
    assert_eq!(POOL.idle(), 0);
    drop(held);
    assert_eq!(POOL.idle(), 3);
    assert_eq!(POOL.shrink(7), 3);
    assert_eq!((POOL.shrink(2), POOL.idle()), (2, 2));
    // One whose destructors panic is not given to others.
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("a destructor");
        }
    }
    let region = POOL.get();
    region.alloc(Panics);
    assert!(std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| drop(region))).is_err());
    assert_eq!((POOL.idle(), POOL.shrink(0)), (1, 0));
    flush();
    assert_eq!(usage::<lives::Request>().committed_bytes, 0);
    check().unwrap();
}
