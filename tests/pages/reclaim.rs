//! Pages between live objects: what [`reclaim`] and [`flush`] give back of blocks in use is all that
//! lies free there, and nothing else.

use core::ops::Range;
use core::sync::atomic::{AtomicBool, Ordering};
use std::collections::BTreeMap;

use crate::common::recorder::{Asked, Recorder};
use crate::common::{Parcel, Random, assert_all_given_back, one_at_a_time, system, usage};
use famalloc::{Family, alloc_family, check, flush, query, reclaim};

/// For each block, by its start: from the first to past the last slot that was ever handed out.
type Reach = BTreeMap<usize, Range<usize>>;

fn note_reach(reach: &mut Reach, parcel: &Parcel) {
    let found = query(parcel.start.as_ptr()).unwrap();
    let slot = found.slot..found.slot + found.slot_bytes;
    let range = reach.entry(found.block).or_insert(slot.clone());
    *range = range.start.min(slot.start)..range.end.max(slot.end);
}

fn fill<F: Family>(size: usize, count: usize) -> Vec<Parcel> {
    (0..count).map(|at| Parcel::new::<F>(size, at as u8)).collect()
}

/// The slots of live objects, in order.
fn slots(live: &[Parcel]) -> Vec<Range<usize>> {
    let slot = |parcel: &Parcel| query(parcel.start.as_ptr()).unwrap();
    let mut slots: Vec<_> =
        live.iter().map(slot).map(|it| it.slot..it.slot + it.slot_bytes).collect();
    slots.sort_unstable_by_key(|slot| slot.start);
    slots
}

fn touches(slots: &[Range<usize>], range: &Range<usize>) -> bool {
    let after = slots.partition_point(|slot| slot.end <= range.start);
    slots.get(after).is_some_and(|slot| slot.start < range.end)
}

/// Every page that lies whole within what was handed out of a block and in which nothing lives was
/// discarded, and none in which something does.
fn assert_discarded(page: usize, live: &[Parcel], reach: &Reach, discarded: &[Range<usize>]) {
    let live_slots = slots(live);
    for range in discarded {
        assert!(!touches(&live_slots, range), "something lives in {range:#x?}");
    }
    let mut gone: Vec<_> = discarded.to_vec();
    gone.sort_unstable_by_key(|range| range.start);
    assert!(gone.windows(2).all(|pair| pair[0].end <= pair[1].start), "a page went twice");
    for range in reach.values() {
        // Blocks without live objects go as a whole.
        if !touches(&live_slots, range) {
            continue;
        }
        let first = range.start.next_multiple_of(page);
        for start in (first..range.end).step_by(page).take_while(|at| at + page <= range.end) {
            let dead = !touches(&live_slots, &(start..start + page));
            assert_eq!(dead, touches(&gone, &(start..start + page)), "the page at {start:#x}");
        }
    }
}

/// Whether any page of these ranges is in memory.
fn any_resident(ranges: &[Range<usize>]) -> bool {
    ranges.iter().any(|range| {
        // SAFETY: asks about mapped pages.
        unsafe { system::any_resident(range.start, range.len()) }
    })
}

/// Of many objects a few stay, with free slots between them.
fn thin_out<F: Family>(source: &Recorder, page: usize, size: usize, seed: u64) {
    let mut random = Random::new(seed);
    let mut reach = Reach::new();
    let mut live = fill::<F>(size, (100 + (400 << 10) / size).min(20_000));
    live.iter().for_each(|parcel| note_reach(&mut reach, parcel));
    // Runs of the dead between single ones and small groups of the living.
    let (mut left, mut keep) = (0, false);
    live.retain(|_| {
        if left == 0 {
            keep = !keep;
            left = 1 + random.below(if keep { 3 } else { 60_000 / size + 3 });
        }
        left -= 1;
        keep
    });
    source.calls();
    let went = flush();
    check().unwrap();
    let calls = source.calls();
    let of = |asked| calls.iter().filter(move |call| call.asked == asked);
    let discarded: Vec<_> = of(Asked::Discard).map(|call| call.range.clone()).collect();
    let decommitted: usize = of(Asked::Decommit).map(|call| call.range.len()).sum();
    let bytes: usize = discarded.iter().map(|range| range.len()).sum();
    assert_eq!(went, bytes + decommitted, "of {size} bytes");
    assert_discarded(page, &live, &reach, &discarded);
    assert!(bytes > 0 || size > 16_384, "nothing went between objects of {size} bytes");
    assert!(!any_resident(&discarded));
    live.iter().for_each(Parcel::verify);
    assert_eq!(flush(), 0, "the second time, of {size} bytes");
    assert_eq!(source.calls().len(), 0);
    // What lay there can be had again, and is whole.
    let more = fill::<F>(size, 3000);
    live.iter().chain(&more).for_each(Parcel::verify);
    drop((live, more));
    assert_all_given_back::<F::Set>();
}

const SIZES: [usize; 9] = [1, 16, 40, 48, 100, 1000, 4096, 9216, 20_480];

#[test]
fn all_pages_without_live_objects_go_and_no_other() {
    static PAGES: Recorder = Recorder::new();
    #[alloc_family(source = PAGES)]
    enum Lives {
        First,
        Second,
        #[family(block = "1 MiB")]
        Long,
        #[family(isolate)]
        Alone,
    }
    let _alone = one_at_a_time();
    for (at, size) in SIZES.into_iter().enumerate() {
        let seed = at as u64;
        thin_out::<lives::First>(&PAGES, 4096, size, seed);
        // The first block of a cell begins somewhere else for each family.
        thin_out::<lives::Second>(&PAGES, 4096, size, seed + 10);
        thin_out::<lives::Long>(&PAGES, 4096, size, seed + 20);
    }
    thin_out::<lives::Alone>(&PAGES, 4096, 48, 1);
}

#[test]
fn pages_may_be_larger() {
    static PAGES: Recorder = Recorder::with_pages_of(16 << 10);
    #[alloc_family(source = PAGES)]
    enum Lives {
        A,
    }
    let _alone = one_at_a_time();
    for size in [24, 1000, 9216] {
        thin_out::<lives::A>(&PAGES, 16 << 10, size, 5);
    }
}

/// Every 300th of these parcels; the others are freed.
fn survivors(mut parcels: Vec<Parcel>) -> Vec<Parcel> {
    let mut at = 0;
    parcels.retain(|_| {
        at += 1;
        at % 300 == 0
    });
    parcels
}

/// A program with phases: what lives through them all is in the same blocks in each.
#[test]
fn what_each_phase_leaves_goes_after_each_phase() {
    static PAGES: Recorder = Recorder::new();
    #[alloc_family(source = PAGES)]
    enum Lives {
        Phase,
    }
    let _alone = one_at_a_time();
    let kept = survivors(fill::<lives::Phase>(64, 20_000));
    assert!(flush() > 0);
    PAGES.calls();
    let mut went = Vec::new();
    for phase in 0..4 {
        drop(fill::<lives::Phase>(64, 15_000));
        if phase == 3 {
            // A source that cannot give pages up.
            PAGES.discards.store(false, Ordering::SeqCst);
        }
        let blocks = usage::<lives::Phase>().blocks;
        flush();
        went.push(PAGES.bytes(Asked::Discard));
        assert_eq!(usage::<lives::Phase>().blocks, blocks, "each has survivors");
        assert_eq!(flush(), 0);
        assert_eq!(PAGES.calls().len(), 0);
    }
    assert!(went[0] > 500_000 && went.iter().all(|&bytes| bytes == went[0]), "{went:?}");
    PAGES.discards.store(true, Ordering::SeqCst);
    kept.iter().for_each(Parcel::verify);
    drop(kept);
    assert_all_given_back::<Lives>();
}

/// A source that cannot discard keeps the pages, and nothing is said to have gone.
#[test]
fn what_a_source_keeps_is_not_counted() {
    static PAGES: Recorder = Recorder::new();
    #[alloc_family(source = PAGES)]
    enum Lives {
        A,
    }
    let _alone = one_at_a_time();
    PAGES.discards.store(false, Ordering::SeqCst);
    let kept = survivors(fill::<lives::A>(64, 20_000));
    PAGES.calls();
    assert_eq!(flush(), PAGES.bytes(Asked::Decommit));
    kept.iter().for_each(Parcel::verify);
    drop(kept);
    assert_all_given_back::<Lives>();
}

/// A goal is reached and not overshot by more than a block; page by page, it comes to an end.
#[test]
fn reclaiming_in_small_steps_ends_when_all_is_gone() {
    static PAGES: Recorder = Recorder::new();
    #[alloc_family(source = PAGES)]
    enum Lives {
        A,
        B,
    }
    let _alone = one_at_a_time();
    flush();
    let kept = [
        survivors(fill::<lives::A>(64, 20_000)),
        survivors(fill::<lives::B>(64, 20_000)),
        survivors(fill::<lives::B>(1000, 2_000)),
    ];
    // What is free as a whole goes first.
    PAGES.calls();
    let (mut steps, mut discarded) = (0, Vec::new());
    loop {
        let went = reclaim(4096);
        let calls = PAGES.calls();
        assert_eq!(went, calls.iter().map(|call| call.range.len()).sum::<usize>());
        let before = discarded.len();
        discarded.extend(calls.into_iter().filter(|call| call.asked == Asked::Discard));
        if went == 0 {
            break;
        }
        assert!(went <= 128 << 10, "{went} bytes for 4096");
        steps += 1;
        assert!(steps < 1000, "there is no end of it");
        assert!(discarded.len() == before || went <= 64 << 10);
    }
    discarded.sort_unstable_by_key(|call| call.range.start);
    assert!(discarded.windows(2).all(|pair| pair[0].range.end <= pair[1].range.start));
    assert!(steps >= 40, "{steps} steps for blocks of which each has something to give");
    assert_eq!(flush(), 0);
    kept.iter().flatten().for_each(Parcel::verify);
    drop(kept);
    assert_all_given_back::<Lives>();
}

/// Where huge pages were asked for, only whole granules are worth breaking one up, unless all is asked
/// back.
#[test]
fn huge_pages_are_not_broken_up_for_little() {
    static PAGES: Recorder = Recorder::new();
    #[alloc_family(source = PAGES)]
    enum Lives {
        #[family(block = "512 KiB")]
        Many,
    }
    let _alone = one_at_a_time();
    let mut live = fill::<lives::Many>(16_384, (28 << 20) / 16_384);
    let huge = PAGES.ranges(Asked::HugePages(true));
    assert!(!huge.is_empty());
    let is_huge = |at: usize| huge.iter().any(|range| range.contains(&at));
    // Runs of 1 to 12 dead slots: 16 to 192 KiB.
    let mut at = 0;
    live.retain(|_| {
        at += 1;
        let place = at % 78;
        (0..12).any(|run| place == run * (run + 1) / 2)
    });
    let discarded = || -> (Vec<_>, Vec<_>) {
        PAGES.ranges(Asked::Discard).into_iter().partition(|range| is_huge(range.start))
    };
    reclaim(1 << 30);
    let (in_huge, in_small) = discarded();
    assert!(!in_huge.is_empty() && in_huge.iter().all(|range| range.len() >= 64 << 10));
    assert!(in_small.iter().any(|range| range.len() < 64 << 10));
    assert_eq!(reclaim(1 << 30), 0);
    flush();
    let (in_huge, in_small) = discarded();
    assert!(in_huge.iter().any(|range| range.len() < 64 << 10) && in_small.is_empty());
    live.iter().for_each(Parcel::verify);
    assert_eq!(flush(), 0);
    drop(live);
    assert_all_given_back::<Lives>();
}

/// Pages go while other threads take slots of the same blocks.
#[test]
fn pages_go_while_others_work() {
    static PAGES: Recorder = Recorder::new();
    #[alloc_family(source = PAGES)]
    enum Lives {
        A,
    }
    let _alone = one_at_a_time();
    let (done, gone) = (AtomicBool::new(false), AtomicBool::new(false));
    let gone = &gone;
    let went = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..2)
            .map(|seed| {
                scope.spawn(move || {
                    let mut random = Random::new(seed);
                    let mut held = Vec::new();
                    // Until pages between their objects have gone, which the reclaimer may take a
                    // while for where there are few cores.
                    for round in 0..10_000 {
                        if round >= 40 && gone.load(Ordering::Relaxed) {
                            break;
                        }
                        held.extend((0..1000).map(|_| {
                            Parcel::new::<lives::A>([48, 500][random.below(2)], seed as u8)
                        }));
                        held = survivors(held);
                    }
                })
            })
            .collect();
        let reclaimer = scope.spawn(|| {
            let mut went = 0;
            while !done.load(Ordering::Relaxed) {
                went += reclaim(usize::MAX);
                check().unwrap();
                if !gone.load(Ordering::Relaxed) {
                    gone.store(PAGES.bytes(Asked::Discard) > 0, Ordering::Relaxed);
                }
            }
            went
        });
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        done.store(true, Ordering::Relaxed);
        reclaimer.join().unwrap()
    });
    assert!(went > 0 && gone.load(Ordering::Relaxed));
    assert_all_given_back::<Lives>();
}
