//! Limits: of a family, of sizes and alignments, of the process. Each is an error of its kind that
//! leaves everything usable, also for those it does not concern.

mod common;

use core::alloc::Layout;
use std::process::Command;
use std::thread;

use common::{
    Parcel, Random, assert_aborted, assert_all_given_back, assert_success, case, child,
    one_at_a_time, usage,
};
use famalloc::{
    AllocErrorKind, Family, FamilyBox, QueryKind, RawAlloc, alloc_family, alloc_in, check, flush,
    free_in, query, realloc_in, realloc_zeroed_in,
};

#[alloc_family]
enum Lives {
    #[family(limit = "64 KiB")]
    Tiny,
    #[family(limit = "1 MiB")]
    Mid,
    #[family(limit = "12 MiB")]
    Wide,
    #[family(limit = "1 MiB", isolate)]
    Alone,
    Free,
}

const MIB: usize = 1 << 20;

/// Parcels until the family says that it has reached its limit, of at most `limit` bytes.
fn fill<F: Family>(size: usize) -> Vec<Parcel> {
    let limit = F::SPEC.limit_bytes().unwrap();
    let mut held = Vec::new();
    loop {
        match Parcel::try_new::<F>(size, held.len() as u8) {
            Ok(parcel) => held.push(parcel),
            Err(error) => {
                assert_eq!(error.kind(), AllocErrorKind::Limit);
                let used = usage::<F>();
                assert!(used.committed_bytes <= limit, "{} bytes", used.committed_bytes);
                assert!(used.peak_committed_bytes <= limit);
                return held;
            }
        }
    }
}

fn limit_holds<F: Family>() {
    let limit = F::SPEC.limit_bytes().unwrap();
    for size in [1, 16, 64, 1_000, 1_024, 8_000, 32_768, 40_000, 65_536, 300_000, 5 * MIB] {
        let least_block = (size.next_power_of_two() * 8).max(1 << 16);
        let large = size > 32_768;
        if limit / size > 70_000 {
            continue;
        }
        if size > limit {
            assert_eq!(alloc_in::<F>(size).unwrap_err().kind(), AllocErrorKind::Limit, "{size}");
            continue;
        }
        let held = fill::<F>(size);
        let whole = if large { size.next_multiple_of(4096) } else { size };
        // All of it is usable, but for what a block or the next allocation would need.
        let rest = if large { whole } else { least_block + limit / 8 };
        assert!(held.len() * whole + rest > limit, "{} of {size} bytes in {limit}", held.len());
        assert!(held.len() * whole <= limit);
        check().unwrap();
        // The others do not notice.
        drop(Parcel::new::<lives::Free>(size, 1));
        // One freed is one that can be had.
        let mut held = held;
        for _ in 0..100 {
            held.swap_remove(held.len() / 2);
            held.push(Parcel::new::<F>(size, 7));
        }
        assert_eq!(Parcel::try_new::<F>(size, 0).unwrap_err().kind(), AllocErrorKind::Limit);
        drop(held);
        flush();
        check().unwrap();
        assert_eq!(usage::<F>().committed_bytes, 0);
    }
}

#[test]
fn a_familys_limit_holds_for_every_size() {
    let _alone = one_at_a_time();
    limit_holds::<lives::Tiny>();
    limit_holds::<lives::Mid>();
    limit_holds::<lives::Wide>();
    limit_holds::<lives::Alone>();
    assert_all_given_back::<Lives>();
}

#[test]
fn a_limit_holds_for_threads_together() {
    let _alone = one_at_a_time();
    let handles: Vec<_> = (0..6).map(|_| thread::spawn(|| fill::<lives::Mid>(128))).collect();
    let held: Vec<_> = handles.into_iter().flat_map(|handle| handle.join().unwrap()).collect();
    // Each thread gave up when there was no block for it; together they had them all.
    assert!(usage::<lives::Mid>().peak_committed_bytes <= MIB);
    assert!(held.len() * 128 >= MIB - 6 * 65_536, "{} of {}", held.len(), MIB / 128);
    assert!(held.len() * 128 <= MIB);
    drop(held);
    assert_all_given_back::<Lives>();
}

#[test]
fn growth_by_reallocation_stops_at_the_limit_and_keeps_the_contents() {
    let _alone = one_at_a_time();
    let mut grown = Parcel::new::<lives::Wide>(10, 5);
    let mut last = 10;
    // Both the old and the new place count while the contents move.
    for size in [100, 5_000, 33_000, 500_000, MIB, 3 * MIB, 4 * MIB, 7 * MIB, 11 * MIB, 13 * MIB] {
        match grown.try_resize::<lives::Wide>(size) {
            Ok(()) => last = size,
            Err(error) => {
                assert_eq!(error.kind(), AllocErrorKind::Limit, "from {last} to {size}");
                assert!(last + size > 12 * MIB, "{last} to {size} would fit the limit");
                grown.verify();
            }
        }
        assert!(usage::<lives::Wide>().committed_bytes <= 12 * MIB);
    }
    assert!(last >= 7 * MIB, "grew to {last} only");
    assert_eq!(
        grown.try_resize::<lives::Wide>(13 * MIB).unwrap_err().kind(),
        AllocErrorKind::Limit
    );
    // In place too, and the count stays as it was.
    let committed = usage::<lives::Wide>().committed_bytes;
    let [old, new] = [grown.size, 13 * MIB].map(|size| Layout::from_size_align(size, 16).unwrap());
    // SAFETY: live.
    assert!(!unsafe { lives::Wide.resize_in_place(grown.start, old, new) });
    assert_eq!(usage::<lives::Wide>().committed_bytes, committed);
    grown.verify();
    drop(grown);
    // A slot that cannot move stays.
    let held = fill::<lives::Tiny>(64);
    // SAFETY: live, and as it was after an error.
    let error = unsafe { realloc_in::<lives::Tiny>(held[3].start, 64, 65) }.unwrap_err();
    assert_eq!(error.kind(), AllocErrorKind::Limit);
    // SAFETY: as above.
    let error = unsafe { realloc_zeroed_in::<lives::Tiny>(held[4].start, 64, 40_000) }.unwrap_err();
    assert_eq!(error.kind(), AllocErrorKind::Limit);
    drop(held);
    assert_all_given_back::<Lives>();
}

#[test]
fn sizes_beyond_all_bounds_are_errors() {
    fn kind_in<F: Family>(size: usize, align: usize) -> Option<AllocErrorKind> {
        let layout = Layout::from_size_align(size, align).ok()?;
        let zeroed = F::default().alloc_zeroed(layout).unwrap_err().kind();
        assert_eq!(F::default().alloc(layout).unwrap_err().kind(), zeroed);
        Some(zeroed)
    }
    let _alone = one_at_a_time();
    const MOST: usize = isize::MAX as usize;
    for size in [usize::MAX, usize::MAX - 1, usize::MAX - 4095, MOST + 1, MOST + 2, 1 << 63] {
        assert_eq!(alloc_in::<lives::Free>(size).unwrap_err().kind(), AllocErrorKind::TooLarge);
        assert_eq!(alloc_in::<lives::Tiny>(size).unwrap_err().kind(), AllocErrorKind::TooLarge);
        let mut kept = Parcel::new::<lives::Free>(100, 9);
        let error = kept.try_resize::<lives::Free>(size).unwrap_err();
        assert_eq!(error.kind(), AllocErrorKind::TooLarge, "{size:#x}");
        // SAFETY: live, and as it was after an error.
        let error = unsafe { realloc_zeroed_in::<lives::Free>(kept.start, 100, size) };
        assert_eq!(error.unwrap_err().kind(), AllocErrorKind::TooLarge, "{size:#x}");
    }
    // Legal layouts that no address space has room for: as a size, and by rounding.
    for (size, align) in [
        (MOST, 1),
        (MOST - 15, 16),
        (MOST - 4095, 4096),
        (1 << 62, 1 << 21),
        (1, 1 << 62),
        (MOST / 2, 1),
    ] {
        let kind = kind_in::<lives::Free>(size, align).unwrap();
        assert_eq!(kind, AllocErrorKind::AddressSpace, "{size:#x} at {align:#x}");
    }
    assert_eq!(kind_in::<lives::Mid>(MOST, 1), Some(AllocErrorKind::Limit));
    check().unwrap();
    assert_all_given_back::<Lives>();
}

#[test]
fn sizes_above_four_gibibytes_are_what_they_say() {
    let _alone = one_at_a_time();
    for size in [(1usize << 32) - 1, 1 << 32, (1 << 32) + 1, (1 << 33) + 4097] {
        let start = alloc_in::<lives::Free>(size).unwrap();
        let last = start.as_ptr().wrapping_add(size - 1);
        let found = query(last).unwrap();
        assert_eq!((found.kind, found.offset), (QueryKind::Huge, size - 1));
        assert!(found.slot_bytes >= size && found.slot_bytes < size + 4096);
        // SAFETY: live; of the many pages one is touched.
        unsafe {
            last.write(1);
            free_in::<lives::Free>(start, size);
        }
        assert!(query(last).is_none());
    }
    assert_all_given_back::<Lives>();
}

#[test]
fn every_alignment_is_served() {
    fn at<F: Family>(size: usize, align: usize) {
        let layout = Layout::from_size_align(size, align).unwrap();
        let [first, second] = [0, 1].map(|_| F::default().alloc(layout).unwrap());
        for (start, pattern) in [(first, 1), (second, 2)] {
            assert_eq!(start.addr().get() % align, 0, "{size} at {align:#x}");
            // SAFETY: live.
            unsafe {
                start.write(pattern);
                start.add(size - 1).write(pattern);
            }
        }
        // SAFETY: live, each freed once; the alignment changes on the way.
        unsafe {
            assert_eq!((first.read(), first.add(size - 1).read()), (1, 1));
            F::default().free(second, layout);
            let flat = Layout::from_size_align(size + 10, 1).unwrap();
            let moved = F::default().realloc(first, layout, flat).unwrap();
            assert_eq!(moved.read(), 1);
            let back = F::default().realloc(moved, flat, layout).unwrap();
            assert_eq!((back.read(), back.addr().get() % align), (1, 0));
            F::default().free(back, layout);
        }
    }
    let _alone = one_at_a_time();
    for log in 0..=26 {
        for size in [1, 7, 24, 100, 1_000, 5_000, 33_000, 70_000, 3 << 20] {
            at::<lives::Free>(size, 1 << log);
        }
        at::<lives::Alone>(48, 1 << log.min(16));
        let none = Layout::from_size_align(0, 1 << log).unwrap();
        let start = lives::Free.alloc(none).unwrap();
        assert_eq!(start.addr().get() % (1 << log), 0);
        // SAFETY: of no size.
        unsafe { lives::Free.free(start, none) };
    }
    check().unwrap();
    assert_all_given_back::<Lives>();
}

/// In a process of its own: every structure that grows with the highest extent in use grows here.
#[test]
fn absurd_alignments_are_served_or_refused() {
    if case().is_none() {
        return assert_success(child("absurd_alignments_are_served_or_refused", "here"));
    }
    for (log, size) in [(30, 1), (30, 3 << 20), (33, 100_000), (40, 5), (40, 1 << 22), (47, 1)] {
        let layout = Layout::from_size_align(size, 1 << log).unwrap();
        match lives::Free.alloc(layout) {
            Ok(start) => {
                assert_eq!(start.addr().get() % (1 << log), 0);
                // SAFETY: live, and not used again.
                unsafe {
                    start.add(size - 1).write(1);
                    lives::Free.free(start, layout);
                }
            }
            Err(error) => assert_eq!(error.kind(), AllocErrorKind::AddressSpace),
        }
        check().unwrap();
        drop(Parcel::new::<lives::Free>(100, 1));
    }
    assert_all_given_back::<Lives>();
}

#[test]
fn no_size_needs_no_memory() {
    let _alone = one_at_a_time();
    let start = alloc_in::<lives::Free>(0).unwrap();
    assert_eq!(start.addr().get() % 16, 0);
    assert!(query(start.as_ptr()).is_none());
    // SAFETY: of no size, then of some, then of none again.
    unsafe {
        free_in::<lives::Free>(start, 0);
        let some = realloc_in::<lives::Free>(start, 0, 20).unwrap();
        some.write_bytes(1, 20);
        let none = realloc_in::<lives::Free>(some, 20, 0).unwrap();
        assert!(query(none.as_ptr()).is_none());
        free_in::<lives::Free>(none, 0);
    }
    assert_all_given_back::<Lives>();
}

#[alloc_family(Lives::Tiny)]
struct Block([u8; 20_000]);

/// The infallible road ends with the standard library's message.
#[test]
fn a_box_at_the_limit_ends_the_process_as_any_failed_allocation_does() {
    const NAME: &str = "a_box_at_the_limit_ends_the_process_as_any_failed_allocation_does";
    if case().is_some() {
        let boxes: Vec<_> = (0..10).map(|fill| FamilyBox::new(Block([fill; 20_000]))).collect();
        panic!("{} boxes were had", boxes.len() + usize::from(boxes[0].0[0]));
    }
    let said = assert_aborted(child(NAME, "here"));
    assert!(said.contains("memory allocation of 20000 bytes failed"), "{said}");
}

/// The families of a program that is short of addresses.
#[alloc_family]
enum Dozen {
    A,
    B,
    C,
    D,
    E,
    F,
    G,
    H,
    I,
    J,
    #[family(isolate)]
    K,
    #[family(zero_on_free, block = "1 MiB")]
    L,
}

fn dozen(family: usize, size: usize) -> Parcel {
    use dozen::{A, B, C, D, E, F, G, H, I, J, K, L};
    let make = [
        Parcel::new::<A>,
        Parcel::new::<B>,
        Parcel::new::<C>,
        Parcel::new::<D>,
        Parcel::new::<E>,
        Parcel::new::<F>,
        Parcel::new::<G>,
        Parcel::new::<H>,
        Parcel::new::<I>,
        Parcel::new::<J>,
        Parcel::new::<K>,
        Parcel::new::<L>,
    ][family];
    make(size, family as u8)
}

fn program() {
    let handles: Vec<_> = (0..4u64)
        .map(|seed| {
            thread::spawn(move || {
                let mut random = Random::new(seed);
                let mut held = Vec::new();
                for _ in 0..20_000 {
                    if held.len() < 500 && random.below(2) == 0 {
                        let size = [24, 100][random.below(2)];
                        held.push(dozen(random.below(12), size));
                    } else if !held.is_empty() {
                        drop(held.swap_remove(random.below(held.len())));
                    }
                }
            })
        })
        .collect();
    handles.into_iter().for_each(|handle| handle.join().unwrap());
    drop(dozen(0, 3 * MIB));
    assert_all_given_back::<Dozen>();
}

/// The program runs in as little address space as this, in KiB.
fn run_within(kib: usize) {
    const NAME: &str = "a_dozen_families_and_threads_fit_little_address_space";
    let inner = child(NAME, "here");
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("ulimit -v {kib} && exec \"$0\" \"$@\""));
    shell.arg(inner.get_program()).args(inner.get_args());
    shell.envs(inner.get_envs().filter_map(|(key, value)| Some((key, value?))));
    assert_success(shell);
}

#[test]
#[cfg_attr(windows, ignore = "Windows has no such limit")]
fn a_dozen_families_and_threads_fit_little_address_space() {
    if case().is_some() {
        return program();
    }
    for kib in [64 << 10, 256 << 10, 1 << 20, 8 << 20] {
        run_within(kib);
    }
}

/// What a family has freed serves it again at its limit, wherever it is kept.
#[test]
fn at_the_limit_freed_memory_serves_any_class_and_any_thread() {
    #[alloc_family]
    enum Lives {
        #[family(limit = "64 KiB")]
        One,
    }

    let sizes = [16, 48, 1024, 40_000, 8, 65_536];
    for size in sizes {
        let start = alloc_in::<lives::One>(size).unwrap();
        // SAFETY: live.
        unsafe { free_in::<lives::One>(start, size) };
    }
    // The only block there can be is of this thread's lane; another thread is served from it.
    let ours = alloc_in::<lives::One>(32).unwrap().addr();
    let theirs = std::thread::spawn(|| alloc_in::<lives::One>(32).unwrap().addr()).join().unwrap();
    assert!(ours != theirs && ours.get() >> 16 == theirs.get() >> 16);
    assert_eq!(
        alloc_in::<lives::One>(64).map_err(|error| error.kind()),
        Err(AllocErrorKind::Limit)
    );
    check().unwrap();
}
