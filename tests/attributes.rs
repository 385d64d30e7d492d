//! What a family asks for is what it gets, and what a snapshot says is what a model counted.

mod common;

use std::collections::BTreeSet;

use common::{
    Parcel, Random, assert_all_given_back, assert_success, case, child, one_at_a_time,
    resident_bytes, usage,
};
use core::alloc::Layout;
use famalloc::{
    Family, QueryKind, RawAlloc, Snapshot, System, alloc_family, alloc_in, alloc_zeroed_in, check,
    flush, free_in, options, query, realloc_in, reclaim,
};

#[alloc_family]
enum Lives {
    Plain,
    Other,
    #[family(zero_on_free)]
    Secret,
    #[family(align = "natural")]
    Natural,
    #[family(block = "1 MiB")]
    Bulk,
    #[family(block = "2 MiB")]
    Most,
}

/// The granules (64 KiB) that some parcels lie in.
fn granules(parcels: &[Parcel]) -> BTreeSet<usize> {
    let covered =
        |parcel: &Parcel| (parcel.address() >> 16)..=((parcel.address() + parcel.size - 1) >> 16);
    parcels.iter().flat_map(covered).collect()
}

/// [`one_at_a_time`], and nothing goes back because a machine was busy for a while.
fn alone() -> std::sync::MutexGuard<'static, Option<i32>> {
    let alone = one_at_a_time();
    options::set_purge_delay(options::NEVER);
    alone
}

#[test]
fn addresses_of_an_isolated_family_are_its_own_for_good() {
    #[alloc_family]
    enum Set {
        #[family(isolate)]
        Alone,
        #[family(isolate)]
        Second,
        A,
        B,
    }
    const SIZES: [usize; 6] = [8, 100, 5_000, 70_000, 1 << 20, 5 << 20];
    fn some<F: Family>(round: usize) -> Vec<Parcel> {
        let few = |size: usize| (1 << 20) / size.max(400) + 2;
        SIZES
            .iter()
            .flat_map(|&size| (0..few(size)).map(move |_| size))
            .map(|size| Parcel::new::<F>(size, round as u8))
            .collect()
    }
    let _alone = alone();
    let mut ever: [BTreeSet<usize>; 3] = Default::default();
    let mut others = some::<set::A>(0);
    for round in 0..6 {
        // Others free, give back and take again, before and after and while the isolated ones do.
        ever[2].extend(granules(&others));
        drop(others);
        if round % 2 == 0 {
            flush();
        }
        let (alone, second) = (some::<set::Alone>(round), some::<set::Second>(round));
        let before = ever[0].len();
        ever[0].extend(granules(&alone));
        ever[1].extend(granules(&second));
        assert!(round == 0 || ever[0].len() - before <= before / 8, "it does not reuse its own");
        drop((alone, second));
        match round % 3 {
            0 => drop(flush()),
            1 => drop(reclaim(4 << 20)),
            _ => {}
        }
        others = some::<set::A>(round);
        others.extend(some::<set::B>(round));
        ever[2].extend(granules(&others));
        check().unwrap();
        for (first, second) in [(0, 1), (0, 2), (1, 2)] {
            let shared = ever[first].intersection(&ever[second]).count();
            assert_eq!(shared, 0, "granules of {first} and {second} in round {round}");
        }
    }
    drop(others);
    assert_all_given_back::<Set>();
}

/// Huge memory of an isolated family that shrinks in place or is remapped stays its own as well.
#[test]
fn isolated_memory_that_is_resized_stays_its_own() {
    #[alloc_family]
    enum Set {
        #[family(isolate)]
        Alone,
        Other,
    }
    let _alone = alone();
    let mut ever: [BTreeSet<usize>; 2] = Default::default();
    for round in 0..4 {
        let mut own = Parcel::new::<set::Alone>(3 << 20, round);
        for size in [20 << 20, 5 << 20, 40 << 20, 100_000, 9 << 20] {
            ever[0].extend(granules(core::slice::from_ref(&own)));
            own.try_resize::<set::Alone>(size).unwrap();
            ever[0].extend(granules(core::slice::from_ref(&own)));
            let others: Vec<_> = [1 << 20, 4 << 20, 17 << 20, 60]
                .map(|size| Parcel::new::<set::Other>(size, 1))
                .into();
            ever[1].extend(granules(&others));
        }
        drop(own);
        flush();
        assert_eq!(ever[0].intersection(&ever[1]).count(), 0, "in round {round}");
    }
    assert_all_given_back::<Set>();
}

/// Every byte of a freed slot that the family later hands out again is zero, whatever had used how
/// much of it.
#[test]
fn what_a_family_zeroes_is_zero_when_it_is_handed_out_again() {
    let _alone = alone();
    for size in [1, 3, 40, 48, 100, 4_000, 32_768, 40_000, 300_000, 3 << 20] {
        let starts: Vec<_> = (0..20).map(|_| alloc_in::<lives::Secret>(size).unwrap()).collect();
        let whole = query(starts[0].as_ptr()).unwrap().slot_bytes;
        let mut seen = BTreeSet::new();
        for &start in &starts {
            seen.insert(start);
            // SAFETY: live; all that can be used of it is used.
            unsafe {
                start.write_bytes(0xEE, whole);
                free_in::<lives::Secret>(start, size);
            }
        }
        let (mut again, mut reused) = (Vec::new(), 0);
        while reused < 10 && again.len() < 400 {
            let start = alloc_in::<lives::Secret>(size).unwrap();
            again.push(start);
            if seen.contains(&start) {
                reused += 1;
                // SAFETY: live, and written above.
                let bytes = unsafe { core::slice::from_raw_parts(start.as_ptr(), whole) };
                assert!(bytes.iter().all(|&byte| byte == 0), "a secret of {size} bytes");
            }
        }
        assert_eq!(reused, 10, "too few of {size} bytes were handed out again");
        for start in again {
            // SAFETY: live.
            unsafe { free_in::<lives::Secret>(start, size) };
        }
    }
    assert_all_given_back::<Lives>();
}

/// What a reallocation leaves behind is freed memory too: where it moved from, and the tail that
/// it gave up in place.
#[test]
fn what_a_reallocation_gives_up_is_zeroed_too() {
    let _alone = alone();
    for (old, new) in [
        (100, 30),
        (100, 5_000),
        (48, 41),
        (60_000, 5_000),
        (500_000, 70_000),
        (8 << 20, 3 << 20),
        (1 << 20, 1_000_000),
        (5 << 20, 9 << 20),
    ] {
        let start = alloc_in::<lives::Secret>(old).unwrap();
        let found = query(start.as_ptr()).unwrap();
        let (before, whole) = (start.addr().get(), found.slot_bytes);
        // SAFETY: live; freed with its last size.
        let moved = unsafe {
            start.write_bytes(0xEE, old);
            let moved = realloc_in::<lives::Secret>(start, old, new).unwrap();
            free_in::<lives::Secret>(moved, new);
            moved
        };
        // Until the family hands those addresses out again.
        let (mut held, mut looked) = (Vec::new(), 0);
        while looked == 0 && held.len() < 400 {
            let start = alloc_in::<lives::Secret>(old).unwrap();
            let from = start.addr().get();
            if from < before + whole && before < from + whole {
                let (low, high) = (from.max(before), (from + whole).min(before + whole));
                // SAFETY: live, and what the two have in common was written before.
                let bytes = unsafe {
                    core::slice::from_raw_parts(start.as_ptr().add(low - from), high - low)
                };
                assert!(bytes.iter().all(|&byte| byte == 0), "{old} to {new} at {moved:p}");
                looked += 1;
            }
            held.push(start);
        }
        assert!(looked > 0, "{old} to {new}: not handed out again");
        for start in held {
            // SAFETY: live.
            unsafe { free_in::<lives::Secret>(start, old) };
        }
    }
    assert_all_given_back::<Lives>();
}

#[test]
fn raw_sizes_are_aligned_as_the_family_asks() {
    fn alignment_of<F: Family>(size: usize, most: usize) {
        let parcels: Vec<_> = (0..5).map(|_| Parcel::new::<F>(size, 1)).collect();
        let natural = (1 << size.trailing_zeros()).min(most);
        for parcel in &parcels {
            assert_eq!(parcel.address() % natural, 0, "{size} bytes at {:p}", parcel.start);
        }
    }
    let _alone = alone();
    for size in (1..=9_000).chain((9_000..140_000).step_by(509)).chain([1 << 16, 1 << 20, 3 << 20])
    {
        alignment_of::<lives::Natural>(size, 4096);
        alignment_of::<lives::Plain>(size, 16);
    }
    // And so they are after a reallocation.
    let mut parcel = Parcel::new::<lives::Natural>(8, 1);
    for size in [64, 4096, 12, 8192, 40_960, 96, 1 << 20] {
        parcel.try_resize::<lives::Natural>(size).unwrap();
        assert_eq!(parcel.address() % (1 << size.trailing_zeros()).min(4096), 0, "{size}");
    }
    drop(parcel);
    assert_all_given_back::<Lives>();
}

#[test]
fn blocks_are_as_long_as_the_family_asks() {
    fn block_of<F: Family>(size: usize, expected: usize) {
        let parcel = Parcel::new::<F>(size, 1);
        let found = query(parcel.start.as_ptr()).unwrap();
        assert_eq!((found.kind, found.block_bytes), (QueryKind::Slot, expected), "{size} bytes");
        assert_eq!(found.block % (64 << 10), 0);
        assert!(found.slot >= found.block && found.slot + size <= found.block + expected);
        assert_eq!(usage::<F>().committed_bytes % expected, 0);
    }
    let _alone = alone();
    for size in [1, 48, 1_000, 8_192] {
        block_of::<lives::Plain>(size, 64 << 10);
        block_of::<lives::Bulk>(size, 1 << 20);
        block_of::<lives::Most>(size, 2 << 20);
    }
    // At least eight slots to a block, whatever was asked.
    block_of::<lives::Plain>(32_768, 256 << 10);
    block_of::<lives::Bulk>(32_768, 1 << 20);
    // A long block is used to its end.
    let all: Vec<_> =
        (0..(1 << 20) / 1_024).map(|_| Parcel::new::<lives::Bulk>(1_024, 1)).collect();
    let blocks: BTreeSet<_> =
        all.iter().map(|parcel| query(parcel.start.as_ptr()).unwrap().block).collect();
    assert_eq!(blocks.len(), 1);
    drop(all);
    assert_all_given_back::<Lives>();
}

/// The numbers of a snapshot against a model that counts for itself.
#[test]
fn a_snapshot_agrees_with_a_model() {
    #[alloc_family]
    enum Set {
        A,
        B,
    }
    const SIZES: [(usize, usize); 5] =
        [(1, 1), (40, 40), (200, 208), (4_096, 4_096), (50_000, 53_248)];
    let _alone = alone();
    let mut random = Random::new(7);
    let mut held: Vec<(usize, Parcel)> = Vec::new();
    let mut peak = 0;
    for step in 0..20_000 {
        let growing = (step / 2_500) % 2 == 0;
        if random.below(10) < if growing { 7 } else { 3 } {
            let which = match random.below(100) {
                0 => 4,
                small => small % 4,
            };
            held.push((which, Parcel::new::<set::A>(SIZES[which].0, step as u8)));
        } else if !held.is_empty() {
            held.swap_remove(random.below(held.len()));
        }
        let bytes: usize = held.iter().map(|&(which, _)| SIZES[which].1).sum();
        peak = peak.max(bytes);
        if step % 500 != 0 {
            continue;
        }
        let used = usage::<set::A>();
        assert_eq!((used.live_objects, used.live_bytes), (held.len(), bytes));
        let count = |which| held.iter().filter(|entry| entry.0 == which).count();
        assert_eq!(used.large_objects, count(4));
        for class in &used.classes {
            let which = SIZES.iter().position(|size| size.1 == class.slot_bytes).unwrap();
            assert_eq!(class.live_objects, count(which));
            assert_eq!(class.live_bytes, count(which) * class.slot_bytes);
            // Blocks of small slots have one granule; those of larger ones grow.
            assert!(class.committed_bytes >= class.blocks << 16);
            assert!(class.committed_bytes == class.blocks << 16 || class.slot_bytes > 1_024);
            assert!(class.peak_objects >= class.live_objects);
        }
        // At least what was live, at most what was out in magazines too.
        assert!(used.peak_bytes >= peak && used.peak_bytes <= peak + 4 * 128 * 4_096);
        let blocks: usize = used.classes.iter().map(|class| class.committed_bytes).sum();
        assert_eq!(used.committed_bytes, blocks + count(4) * SIZES[4].1);
        assert_eq!(used.blocks, used.classes.iter().map(|class| class.blocks).sum::<usize>());
        assert!(used.committed_bytes >= used.live_bytes);
        assert!(used.peak_committed_bytes >= used.committed_bytes);
        assert!(used.extents << 21 >= used.committed_bytes);
        let unused = usage::<set::B>();
        assert_eq!((unused.live_objects, unused.extents, unused.lock_acquisitions), (0, 0, 0));
    }
    let snapshot = Snapshot::of::<Set>();
    assert_eq!(snapshot.family("A").unwrap().live_objects, held.len());
    assert!(snapshot.to_string().contains(&format!("{}", held.len())));
    drop(held);
    assert_all_given_back::<Set>();
    assert_eq!(usage::<set::A>().extents, 0);
}

/// A lock is taken once for a magazine of operations, at the most.
#[test]
fn locks_are_taken_once_for_many_operations() {
    #[alloc_family]
    enum Set {
        Pairs,
        Batches,
        Fifo,
    }
    const COUNT: usize = 64_000;
    let _alone = alone();
    let locks = |at: usize| Snapshot::of::<Set>().families[at].lock_acquisitions as usize;
    for _ in 0..COUNT {
        drop(Parcel::new::<set::Pairs>(64, 1));
    }
    assert!(locks(0) <= 10, "{} for pairs", locks(0));
    for _ in 0..COUNT / 640 {
        let mut batch: Vec<_> = (0..640).map(|_| Parcel::new::<set::Batches>(64, 1)).collect();
        while batch.pop().is_some() {}
    }
    assert!(locks(1) <= COUNT / 64 * 2 + 20, "{} for batches", locks(1));
    assert!(locks(1) >= 10, "{} for batches are not counted", locks(1));
    let mut queue = std::collections::VecDeque::new();
    for _ in 0..COUNT {
        queue.push_back(Parcel::new::<set::Fifo>(64, 1));
        if queue.len() > 5_000 {
            queue.pop_front();
        }
    }
    drop(queue);
    assert!(locks(2) <= COUNT / 64 * 2 + 200, "{} for a queue", locks(2));
    assert_all_given_back::<Set>();
}

#[test]
fn large_memory_grows_and_shrinks_in_place_where_there_is_room() {
    // With addresses of its own, so that nobody else's extents lie in the way.
    static PAGES: System = System::new();
    #[alloc_family(source = PAGES)]
    enum Set {
        Only,
    }
    let _alone = alone();
    let layout = |size| Layout::from_size_align(size, 16).unwrap();
    for sizes in [[100_000, 120_000, 800_000, 90_000], [5 << 20, 6 << 20, 30 << 20, 3 << 20]] {
        let start = set::Only.alloc(layout(sizes[0])).unwrap();
        let mut old = sizes[0];
        // SAFETY: live, each time with the layout it has then.
        unsafe {
            start.write(1);
            start.add(sizes[3] - 1).write(2);
            for new in sizes {
                assert!(new == old || set::Only.resize_in_place(start, layout(old), layout(new)));
                let found = query(start.as_ptr()).unwrap();
                assert_eq!((found.slot, found.offset), (start.addr().get(), 0));
                assert_eq!(found.slot_bytes, new.next_multiple_of(4096));
                assert_eq!(usage::<set::Only>().live_bytes, found.slot_bytes);
                start.add(new - 1).write(3);
                assert_eq!(start.read(), 1);
                old = new;
                check().unwrap();
            }
            // What was given up is nobody's.
            assert!(query(start.as_ptr().wrapping_add(sizes[2] - 1)).is_none());
            // Something lies behind it now: it stays as it is, and moves when it has to.
            let behind: Vec<_> = (0..40).map(|_| Parcel::new::<set::Only>(sizes[3], 9)).collect();
            assert!(!set::Only.resize_in_place(start, layout(old), layout(sizes[2])));
            assert_eq!(query(start.as_ptr()).unwrap().slot_bytes, old.next_multiple_of(4096));
            start.add(old - 1).write(4);
            let moved = set::Only.realloc(start, layout(old), layout(sizes[2])).unwrap();
            assert_ne!(moved, start);
            assert_eq!((moved.read(), moved.add(old - 1).read()), (1, 4));
            moved.add(sizes[2] - 1).write(5);
            set::Only.free(moved, layout(sizes[2]));
            drop(behind);
        }
    }
    assert_all_given_back::<Set>();
}

/// Zeroed memory is zero also where something else was before, in granules and in extents, warm or
/// given back and taken again.
#[test]
fn zeroed_memory_is_zero_when_it_is_used_again() {
    let _alone = alone();
    for round in 0..6 {
        for size in [20, 3_000, 33_000, 250_000, 2 << 20, 7 << 20] {
            let dirty: Vec<_> = (0..3).map(|_| alloc_in::<lives::Plain>(size).unwrap()).collect();
            for start in dirty {
                // SAFETY: live.
                unsafe {
                    start.write_bytes(0xDD, size);
                    free_in::<lives::Plain>(start, size);
                }
            }
            match round % 3 {
                0 => {}
                1 => drop(reclaim(64 << 10)),
                _ => drop(flush()),
            }
            let starts: Vec<_> =
                (0..3).map(|_| alloc_zeroed_in::<lives::Plain>(size).unwrap()).collect();
            for start in starts {
                // SAFETY: live.
                unsafe {
                    let words = core::slice::from_raw_parts(start.as_ptr(), size);
                    assert!(words.iter().step_by(7).all(|&byte| byte == 0), "{size} in {round}");
                    free_in::<lives::Plain>(start, size);
                }
            }
        }
    }
    assert_all_given_back::<Lives>();
}

/// Sixty-four families of which one is used cost what one costs.
#[test]
fn a_large_set_costs_what_is_used_of_it() {
    const NAME: &str = "a_large_set_costs_what_is_used_of_it";
    #[alloc_family]
    #[rustfmt::skip]
    enum Many {
        F00, F01, F02, F03, F04, F05, F06, F07, F08, F09, F10, F11, F12, F13, F14, F15,
        F16, F17, F18, F19, F20, F21, F22, F23, F24, F25, F26, F27, F28, F29, F30, F31,
        F32, F33, F34, F35, F36, F37, F38, F39, F40, F41, F42, F43, F44, F45, F46, F47,
        F48, F49, F50, F51, F52, F53, F54, F55, F56, F57, F58, F59, F60, F61, F62, F63,
    }
    #[alloc_family]
    enum One {
        Only,
    }
    let Some(case) = case() else {
        assert_success(child(NAME, "one"));
        assert_success(child(NAME, "many"));
        return;
    };
    // The runtime's own first touches.
    drop(Parcel::new::<lives::Plain>(64, 1));
    let before = resident_bytes();
    let parcel = match case.as_str() {
        "one" => Parcel::new::<one::Only>(64, 1),
        _ => Parcel::new::<many::F31>(64, 1),
    };
    // A row, a magazine, a lane, a family's table, a page of bitmap, descriptors, and the object.
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown <= 160 << 10, "{grown} bytes for one object");
    let snapshot = Snapshot::of::<Many>();
    for (at, family) in snapshot.families.iter().enumerate() {
        let expected = usize::from(case == "many" && at == 31);
        assert_eq!(
            (family.extents, family.blocks, family.classes.len()),
            (expected, expected, expected)
        );
        assert_eq!(family.lock_acquisitions > 0, expected > 0);
    }
    drop(parcel);
}

/// The peak of what rose and fell is at most a magazine above what it was, and no more above it than that itself;
/// and less than before changes nothing.
#[test]
fn the_peak_of_one_rise_is_about_what_it_was() {
    #[alloc_family]
    enum Lives {
        Few,
        Many,
    }

    fn rise_and_fall<F: Family>(count: usize) {
        let slots: Vec<_> = (0..count).map(|_| alloc_in::<F>(40).unwrap()).collect();
        // SAFETY: live, each once.
        slots.into_iter().for_each(|slot| unsafe { free_in::<F>(slot, 40) });
    }

    let peaks = || -> Vec<_> {
        Snapshot::of::<Lives>().families.iter().map(|family| family.peak_bytes / 40).collect()
    };
    rise_and_fall::<lives::Few>(10);
    rise_and_fall::<lives::Many>(10_000);
    flush();
    let first = peaks();
    assert!((10..20).contains(&first[0]), "{first:?}");
    assert!((10_000..10_126).contains(&first[1]), "{first:?}");
    rise_and_fall::<lives::Few>(5);
    rise_and_fall::<lives::Many>(5000);
    flush();
    assert_eq!(peaks(), first);
}

/// A huge allocation that moves again and again, because its way is blocked, keeps its contents.
#[test]
fn huge_memory_moves_as_often_as_it_must() {
    #[alloc_family]
    enum Lives {
        Growing,
        Between,
    }

    const MIB: usize = 1 << 20;
    let mut size = 3 * MIB;
    let mut start = alloc_in::<lives::Growing>(size).unwrap();
    let mut blocks = Vec::new();
    let stamp = |start: core::ptr::NonNull<u8>, from: usize, to: usize| {
        for at in (from..to).step_by(4096) {
            // SAFETY: within the allocation.
            unsafe { start.add(at).cast::<usize>().write(at) };
        }
    };
    stamp(start, 0, size);
    for step in 0..8 {
        // Right behind it, so that it cannot grow where it is.
        blocks.push((alloc_in::<lives::Between>(3 * MIB).unwrap(), 3 * MIB));
        let larger = size + (2 + step) * MIB;
        // SAFETY: live, and asked for with this size.
        start = unsafe { realloc_in::<lives::Growing>(start, size, larger) }.unwrap();
        for at in (0..size).step_by(4096) {
            // SAFETY: within the allocation, and stamped.
            assert_eq!(unsafe { start.add(at).cast::<usize>().read() }, at, "step {step}");
        }
        stamp(start, size, larger);
        size = larger;
        check().unwrap();
    }
    // SAFETY: live, each once.
    unsafe {
        free_in::<lives::Growing>(start, size);
        blocks.into_iter().for_each(|(block, size)| free_in::<lives::Between>(block, size));
    }
    flush();
    let committed = |family: &famalloc::FamilyUse| family.committed_bytes;
    assert!(Snapshot::of::<Lives>().families.iter().map(committed).all(|bytes| bytes == 0));
}
