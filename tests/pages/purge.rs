//! Emptied extents keep their memory for half a second; then whoever gives a magazine back returns a
//! small piece of it, until all is gone. By a clock that the test sets, and a record of what the source
//! was asked.

use core::ops::Range;
use core::sync::atomic::Ordering;

use crate::common::recorder::{Asked, Recorder};
use crate::common::{Parcel, assert_all_given_back, one_at_a_time, usage};
use famalloc::{Family, Region, alloc_family, check, flush, reclaim};

const EXTENT: usize = 2 << 20;
/// What is returned in one go at most.
const PIECE: usize = 128 << 10;

/// So many objects of a kilobyte fit one extent, and are many magazines.
const CROWD: usize = 1600;

/// Objects in an extent of their own.
fn crowd<F: Family>() -> Vec<Parcel> {
    (0..CROWD).map(|_| Parcel::new::<F>(1000, 1)).collect()
}

/// Frees objects until the thread has given a magazine to its lane; allocates more when there are
/// few left.
fn give_magazine<F: Family>(held: &mut Vec<Parcel>) {
    if held.len() < 200 {
        held.resize_with(CROWD, || Parcel::new::<F>(1000, 1));
    }
    let before = usage::<F>().lock_acquisitions;
    while usage::<F>().lock_acquisitions == before {
        held.pop().expect("a magazine holds less than are left");
    }
}

/// Memory of two extents that are warm from now on; returns where.
fn warm_up<F: Family>(source: &Recorder) -> Range<usize> {
    let parcel = Parcel::new::<F>(2 * EXTENT, 1);
    let range = parcel.address()..parcel.address() + parcel.size;
    drop(parcel);
    assert_eq!(source.ranges(Asked::Decommit), [], "given back at once");
    range
}

fn within(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

#[test]
fn each_magazine_given_back_returns_a_piece_once_it_is_time() {
    static PAGES: Recorder = Recorder::new();
    #[alloc_family(source = PAGES)]
    enum Lives {
        Crowd,
        Passing,
    }
    let _alone = one_at_a_time();
    let mut held = crowd::<lives::Crowd>();
    let first = warm_up::<lives::Passing>(&PAGES);
    PAGES.set_time(1300);
    // In another place than the first, which is warm and would do.
    let (a, b) =
        (Parcel::new::<lives::Passing>(EXTENT, 2), Parcel::new::<lives::Passing>(EXTENT, 3));
    assert!(within(&first, &(a.address()..a.address() + 1)));
    let second = warm_up::<lives::Passing>(&PAGES);
    drop((a, b));
    for now in [1300, 1499, 1799] {
        PAGES.set_time(now);
        give_magazine::<lives::Crowd>(&mut held);
        assert_eq!(PAGES.ranges(Asked::Decommit), [], "at {now}");
    }
    // All are due at the same time: those released first go first, each magazine a piece of them.
    PAGES.set_time(1800);
    let mut gone = Vec::new();
    for _ in 0..16 {
        give_magazine::<lives::Crowd>(&mut held);
        let pieces = PAGES.ranges(Asked::Decommit);
        assert_eq!(pieces.len(), 1, "{pieces:x?}");
        gone.extend(pieces);
    }
    assert!(gone.iter().all(|piece| piece.len() == PIECE && within(&second, piece)), "{gone:x?}");
    // Pieces do not overlap.
    gone.sort_unstable_by_key(|piece| piece.start);
    assert!(gone.windows(2).all(|pair| pair[0].end <= pair[1].start), "{gone:x?}");
    check().unwrap();
    drop(held);
    assert_all_given_back::<Lives>();
}

/// As many magazines as there are pieces return all of it, and the bitmaps with it; then nobody looks at
/// the clock for it any more. (Now and then somebody does for what decays.)
#[test]
fn in_the_end_all_is_returned_and_nobody_looks_at_the_clock() {
    static PAGES: Recorder = Recorder::new();
    #[alloc_family(source = PAGES)]
    enum Lives {
        Blocks,
        Passing,
    }
    let _alone = one_at_a_time();
    let mut held = crowd::<lives::Blocks>();
    let readings = || PAGES.clock_readings.swap(0, Ordering::SeqCst);
    readings();
    give_magazine::<lives::Blocks>(&mut held);
    assert!(readings() <= 1, "nothing is warm");
    let range = warm_up::<lives::Passing>(&PAGES);
    readings();
    give_magazine::<lives::Blocks>(&mut held);
    assert!((1..=2).contains(&readings()), "it is not time yet");
    PAGES.set_time(5000);
    let mut gone = Vec::new();
    for _ in 0..32 {
        give_magazine::<lives::Blocks>(&mut held);
        // Two extents have their bitmaps, too.
        gone.extend(PAGES.ranges(Asked::Decommit).into_iter().filter(|it| within(&range, it)));
    }
    assert_eq!(gone.len(), 32);
    gone.sort_unstable_by_key(|piece| piece.start);
    assert_eq!(gone.first().unwrap().start, range.start);
    assert!(gone.windows(2).all(|pair| pair[0].end == pair[1].start));
    assert_eq!(gone.last().unwrap().end, range.end);
    readings();
    give_magazine::<lives::Blocks>(&mut held);
    assert_eq!(PAGES.ranges(Asked::Decommit), []);
    assert!(readings() <= 1, "nothing is warm any more");
    drop(held);
    assert_all_given_back::<Lives>();
}

/// Who takes a warm extent gives none back, and gets it whole, also what had gone of it.
#[test]
fn a_warm_extent_serves_whatever_has_gone_of_it() {
    static PAGES: Recorder = Recorder::new();
    #[alloc_family(source = PAGES)]
    enum Lives {
        Blocks,
        Passing,
    }
    let _alone = one_at_a_time();
    let mut held = crowd::<lives::Blocks>();
    let range = warm_up::<lives::Passing>(&PAGES);
    PAGES.set_time(2000);
    for _ in 0..3 {
        give_magazine::<lives::Blocks>(&mut held);
    }
    let gone = PAGES.ranges(Asked::Decommit);
    assert_eq!(gone.len(), 3);
    // Both are taken, one of them with holes; what is in them is not known to be zero.
    let mut taken = Vec::new();
    for _ in 0..2 {
        let parcel = Parcel::try_new_zeroed::<lives::Passing>(EXTENT, 7).unwrap();
        assert!(within(&range, &(parcel.address()..parcel.address() + parcel.size)));
        assert_eq!(PAGES.ranges(Asked::Decommit), []);
        taken.push(parcel);
    }
    drop(taken);
    // They are warm from now on, whole.
    PAGES.calls();
    PAGES.set_time(2499);
    give_magazine::<lives::Blocks>(&mut held);
    assert_eq!(PAGES.ranges(Asked::Decommit), []);
    PAGES.set_time(2500);
    assert!(reclaim(1) == PIECE && PAGES.bytes(Asked::Decommit) == PIECE);
    // Who needs others than there are warm ones returns a piece, too.
    let cold = Parcel::new::<lives::Passing>(5 * EXTENT, 1);
    assert_eq!(PAGES.bytes(Asked::Decommit), PIECE);
    held.iter().for_each(Parcel::verify);
    drop((cold, held));
    assert_all_given_back::<Lives>();
}

/// Much memory goes when it is freed, in one call; a little less does not.
#[test]
fn a_long_run_goes_at_once() {
    static PAGES: Recorder = Recorder::new();
    #[alloc_family(source = PAGES)]
    enum Lives {
        Deep,
    }
    let _alone = one_at_a_time();
    // Zeros, which are not given huge pages.
    let of = |extents| Parcel::try_new_zeroed::<lives::Deep>(extents * EXTENT, 1).unwrap();
    let long = of(33);
    drop(of(32));
    assert_eq!(PAGES.ranges(Asked::Decommit), []);
    drop(long);
    let gone = PAGES.ranges(Asked::Decommit);
    assert_eq!(gone.iter().map(|run| run.len()).collect::<Vec<_>>(), [33 * EXTENT], "in one call");
    // Of the other only what is asked for, or a piece more.
    assert_eq!(reclaim(EXTENT + 1), EXTENT + PIECE);
    PAGES.calls();
    assert_eq!(reclaim(usize::MAX), 31 * EXTENT - PIECE);
    assert_eq!(PAGES.ranges(Asked::Decommit).len(), 1, "what lies side by side goes in one call");
    assert_eq!(flush(), 0);
    assert_all_given_back::<Lives>();
}

/// Memory of which every byte is written, and which is then given up.
fn use_all_of<F: Family>(size: usize) {
    let parcel = Parcel::new::<F>(size, 7);
    // SAFETY: live, of this size.
    unsafe { parcel.start.write_bytes(7, size) };
}

/// Huge allocations are given huge pages, for as much of them as is whole extents, where those before them
/// were used all over; the chunks of regions are, too. Zeros are not, and nothing short is.
#[test]
#[cfg_attr(windows, ignore = "its source knows neither huge pages nor what is resident")]
fn long_memory_is_given_huge_pages_where_it_is_used() {
    static PAGES: Recorder = Recorder::new();
    #[alloc_family(source = PAGES)]
    enum Lives {
        Long,
    }
    let _alone = one_at_a_time();
    let wanted = || {
        let ranges = PAGES.ranges(Asked::HugePages(true));
        ranges.iter().map(|range| range.len() / EXTENT).collect::<Vec<_>>()
    };
    let of = |size| Parcel::new::<lives::Long>(size, 1);
    // Nothing is known, ...
    use_all_of::<lives::Long>(5 * EXTENT + 1);
    assert_eq!(wanted(), []);
    // ... and now something is.
    let zeros = Parcel::try_new_zeroed::<lives::Long>(9 * EXTENT, 1).unwrap();
    let short = of(4 * EXTENT - (4 << 10));
    let too_long = of(25 * EXTENT);
    assert_eq!(wanted(), []);
    let long = of(9 * EXTENT + 1);
    assert_eq!(wanted(), [9]);
    drop((zeros, short, long));
    flush();
    PAGES.calls();
    // A quarter of the pages was used.
    drop(too_long);
    let too_long = of(13 * EXTENT);
    assert_eq!(wanted(), []);
    let long = of(12 * EXTENT);
    assert_eq!(wanted(), [12]);
    drop((too_long, long));
    flush();
    PAGES.calls();
    let region = Region::<lives::Long>::new();
    region.alloc_slice_fill_copy(4 * EXTENT, 1_u8);
    region.alloc_slice_fill_copy(EXTENT, 1_u8);
    assert_eq!(wanted(), [4]);
    drop(region);
    assert_all_given_back::<Lives>();
}

/// A huge page goes whole: to break it up would cost more. What was asked for there stays asked for, as
/// to take it back would split a mapping.
#[test]
fn huge_pages_go_whole() {
    static PAGES: Recorder = Recorder::new();
    #[alloc_family(source = PAGES)]
    enum Lives {
        Many,
        Blocks,
    }
    let _alone = one_at_a_time();
    let mut held = crowd::<lives::Blocks>();
    let region = Region::<lives::Many>::new();
    region.alloc_slice_fill_copy(8 * EXTENT, 1_u8);
    let huge = PAGES.ranges(Asked::HugePages(true));
    assert_eq!(huge.len(), 1);
    drop(region);
    PAGES.set_time(1500);
    PAGES.calls();
    let mut gone = Vec::new();
    // Some of them are used again by those who come by.
    for _ in 0..100 {
        give_magazine::<lives::Blocks>(&mut held);
        let calls = PAGES.calls();
        let of = |asked| calls.iter().filter(move |call| call.asked == asked);
        gone.extend(of(Asked::Decommit).map(|call| call.range.clone()));
        assert_eq!(of(Asked::HugePages(false)).count(), 0);
    }
    let of_huge = |piece: &Range<usize>| huge.iter().any(|range| within(range, piece));
    assert!(gone.iter().any(of_huge));
    for piece in gone {
        let of_huge = of_huge(&piece);
        // Maps are of 16 KiB here.
        assert!(piece.len() == if of_huge { EXTENT } else { PIECE } || piece.len() < 64 << 10);
    }
    drop(held);
    assert_all_given_back::<Lives>();
}

/// Free memory of extents in use goes piece by piece as well, and only once.
#[test]
fn free_granules_go_piece_by_piece() {
    static PAGES: Recorder = Recorder::new();
    #[alloc_family(source = PAGES)]
    enum Lives {
        A,
    }
    let _alone = one_at_a_time();
    flush();
    let (kept, gone) = (Parcel::new::<lives::A>(64 << 10, 1), Parcel::new::<lives::A>(1 << 20, 2));
    drop(gone);
    PAGES.calls();
    assert_eq!(reclaim(PIECE + 1), 2 * PIECE);
    assert_eq!(flush(), (1 << 20) - 2 * PIECE);
    let pieces = PAGES.ranges(Asked::Decommit);
    assert!(pieces.iter().all(|piece| piece.len() == PIECE));
    assert!(pieces.windows(2).all(|pair| pair[0].end == pair[1].start));
    assert_eq!((pieces.len(), flush()), (8, 0));
    kept.verify();
    drop(kept);
    assert_all_given_back::<Lives>();
}

/// Without a clock memory goes from the moment on that it is free, by those who come for more or
/// give more back.
#[test]
fn without_a_clock_each_release_returns_a_piece() {
    static PAGES: Recorder = Recorder::new();
    #[alloc_family(source = PAGES)]
    enum Lives {
        A,
    }
    let _alone = one_at_a_time();
    PAGES.set_time(0);
    for _ in 0..3 {
        drop(Parcel::new::<lives::A>(3 * EXTENT, 1));
    }
    let gone = PAGES.ranges(Asked::Decommit);
    // Taken and released three times, at first when there was nothing to return.
    assert_eq!(gone.len(), 5);
    assert!(gone.iter().all(|piece| piece.len() == PIECE), "{gone:x?}");
    assert_all_given_back::<Lives>();
}

/// An isolated family keeps its addresses; the memory of what it does not use goes back all the same, some of it
/// whenever somebody comes by.
#[test]
fn what_an_isolated_family_does_not_use_goes_back_by_itself() {
    static PAGES: Recorder = Recorder::new();
    #[alloc_family(source = PAGES)]
    enum Lives {
        Crowd,
        #[family(isolate)]
        Alone,
    }
    let _alone = one_at_a_time();
    let mut held = crowd::<lives::Crowd>();
    let range = warm_up::<lives::Alone>(&PAGES);
    let mut gone = Vec::new();
    // A step of each family in turn, those of other tests among them.
    for step in 0..100_000 {
        PAGES.set_time(2000 + step);
        give_magazine::<lives::Crowd>(&mut held);
        gone.extend(PAGES.ranges(Asked::Decommit).into_iter().filter(|it| within(&range, it)));
        if gone.iter().map(|piece| piece.len()).sum::<usize>() >= range.len() {
            break;
        }
    }
    gone.sort_unstable_by_key(|piece| piece.start);
    assert_eq!(gone.first().map(|piece| piece.start), Some(range.start));
    assert!(gone.windows(2).all(|pair| pair[0].end == pair[1].start), "{gone:x?}");
    assert_eq!(gone.last().map(|piece| piece.end), Some(range.end));
    // It is there, and nobody else's.
    let (again, other) =
        (Parcel::new::<lives::Alone>(EXTENT, 2), Parcel::new::<lives::Crowd>(EXTENT, 3));
    assert!(within(&range, &(again.address()..again.address() + again.size)));
    assert!(!within(&range, &(other.address()..other.address() + 1)));
    drop((held, again, other));
    assert_all_given_back::<Lives>();
}
