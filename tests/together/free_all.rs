//! Freeing a whole family at once: against a model, from every place where a free slot can wait, for
//! every kind of family, and refused while another thread's magazines could hold free slots.

use core::ptr::NonNull;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Barrier, Mutex};
use std::thread;

use crate::common::sources::Strict;
use crate::common::{Parcel, Random, Watchdog, assert_all_given_back, one_at_a_time, usage};
use famalloc::{
    AllocErrorKind, Family, FamilyBox, FamilyUse, InUseError, Snapshot, alloc_family, alloc_in,
    check, flush, free_in, query, reclaim, walk,
};

/// No two tests free all of the same family: the thread of a test that is over may still be about to
/// end, and has its magazines until then.
#[alloc_family]
enum Lives {
    Plain,
    #[family(isolate)]
    Alone,
    #[family(zero_on_free)]
    Secret,
    #[family(block = "1 MiB")]
    Long,
    #[family(limit = "2 MiB")]
    Small,
    #[family(isolate)]
    Keeper,
    NotKeeper,
    Shared,
    Watched,
    Forgotten,
    Other,
}

const MIB: usize = 1 << 20;

/// Addresses that may be handed to another thread.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Address(NonNull<u8>);

// SAFETY: whoever has the address has the memory; the tests see to it.
unsafe impl Send for Address {}

/// What is live, by address: its size and what it is filled with.
#[derive(Default)]
struct Model(BTreeMap<Address, (usize, u8)>);

impl Model {
    fn insert(&mut self, start: NonNull<u8>, size: usize, fill: u8) {
        let (from, end) = (start.addr().get(), start.addr().get() + size);
        let below = self.0.range(..Address(start)).next_back();
        let above = self.0.range(Address(start)..).next();
        assert!(below.is_none_or(|(it, (size, _))| it.0.addr().get() + size <= from), "overlap");
        assert!(above.is_none_or(|(it, _)| it.0.addr().get() >= end), "overlap");
        self.0.insert(Address(start), (size, fill));
    }

    fn verify(&self) {
        for (&Address(start), &(size, fill)) in &self.0 {
            let ends = [0, size / 2, size - 1];
            // SAFETY: live, and written at these places.
            assert!(ends.iter().all(|&at| unsafe { start.add(at).read() } == fill), "{start:p}");
        }
    }
}

fn make<F: Family>(size: usize, fill: u8) -> Address {
    let start = alloc_in::<F>(size).unwrap();
    for at in [0, size / 2, size - 1] {
        // SAFETY: within the allocation.
        unsafe { start.add(at).write(fill) };
    }
    Address(start)
}

/// Sizes that share a few classes, the smallest among them, and now and then a large one.
fn size(random: &mut Random) -> usize {
    const SIZES: [usize; 8] = [1, 2, 3, 4, 24, 48, 700, 9_000];
    match random.below(1000) {
        0 => 5 * MIB + random.below(MIB),
        1..6 => 33_000 + random.below(MIB),
        other => SIZES[other % SIZES.len()],
    }
}

/// Nothing of a family is left.
fn assert_empty(used: &FamilyUse) {
    assert_eq!((used.live_objects, used.live_bytes, used.large_objects), (0, 0, 0), "{used:?}");
    assert_eq!((used.blocks, used.committed_bytes), (0, 0), "{used:?}");
    for class in &used.classes {
        assert_eq!(
            (class.live_objects, class.parked_objects, class.blocks),
            (0, 0, 0),
            "{class:?}"
        );
        assert_eq!(class.committed_bytes, 0, "{class:?}");
    }
}

/// Frees all of family `F`, of which so many objects are live.
fn free_all<F: Family>(live: usize) {
    // SAFETY: no test uses what was live before, and no other thread uses the family.
    assert_eq!(unsafe { famalloc::free_all(F::default()) }, Ok(live));
    check().unwrap();
    assert_empty(&usage::<F>());
}

/// The rows of threads that have been joined are closed; those of scoped threads may be closed later,
/// so these are not used here.
fn in_threads<T: Send + 'static>(
    count: usize,
    work: impl Fn(usize, &Barrier) -> T + Send + Sync + 'static,
) -> Vec<T> {
    let shared = std::sync::Arc::new((Barrier::new(count), work));
    let threads = (0..count).map(|index| {
        let shared = std::sync::Arc::clone(&shared);
        thread::spawn(move || (shared.1)(index, &shared.0))
    });
    threads.collect::<Vec<_>>().into_iter().map(|it| it.join().unwrap()).collect()
}

/// A life of a family: threads that come, trade what they have made, free some of it and end; then
/// the calling thread makes some, and frees some of its own and of theirs. So free slots wait in
/// depots, remote batches, mailboxes and magazines. Returns what is live.
fn live<F: Family>(seed: u64, count: usize) -> Model {
    let mut random = Random::new(seed);
    let mut model = Model::default();
    // The calling thread's lanes come first, and others free into them.
    let mine: Vec<_> = (0..count)
        .map(|_| {
            let size = size(&mut random);
            (make::<F>(size, 1), size)
        })
        .collect();
    let market = Mutex::new(mine);
    let made = in_threads(1 + random.below(6), move |index, barrier| {
        let mut random = Random::new(seed * 31 + index as u64);
        barrier.wait();
        let mut held: Vec<_> = (0..count)
            .map(|_| {
                let size = size(&mut random);
                (make::<F>(size, index as u8), size)
            })
            .collect();
        market.lock().unwrap().append(&mut held);
        barrier.wait();
        for _ in 0..count {
            let (Address(start), size) = {
                let mut market = market.lock().unwrap();
                let at = random.below(market.len());
                market.swap_remove(at)
            };
            if random.below(3) == 0 {
                // SAFETY: live, and taken out of the market.
                unsafe { free_in::<F>(start, size) };
            } else {
                held.push((Address(start), size));
            }
        }
        barrier.wait();
        held.append(&mut market.lock().unwrap());
        held
    });
    let mut made: Vec<_> = made.into_iter().flatten().collect();
    // The caller frees in its own order: runs, and then at random, of all lanes.
    made.sort_unstable();
    for _ in 0..made.len() / 3 {
        let at = if random.below(2) == 0 { made.len() - 1 } else { random.below(made.len()) };
        let (Address(start), size) = made.swap_remove(at);
        // SAFETY: live.
        unsafe { free_in::<F>(start, size) };
    }
    for (Address(start), size) in made {
        // SAFETY: live, and written at its start.
        model.insert(start, size, unsafe { start.read() });
    }
    for _ in 0..count / 2 {
        let (size, fill) = (size(&mut random), random.next() as u8);
        model.insert(make::<F>(size, fill).0, size, fill);
    }
    model
}

fn rounds<F: Family>(seed: u64, count: usize) {
    let others: Vec<_> = (0..400)
        .map(|at| Parcel::new::<lives::Other>([5, 60, 900, 40_000][at % 4], at as u8))
        .collect();
    let huge = Parcel::new::<lives::Other>(5 * MIB, 77);
    for round in 0..count {
        let model = live::<F>(seed + round as u64, 200 + 400 * (round % 5));
        model.verify();
        assert_eq!(usage::<F>().live_objects, model.0.len());
        assert!(usage::<F>().classes.iter().any(|class| class.parked_objects > 0));
        if round % 4 == 3 {
            // Empty blocks, trimmed ones, memory that has gone.
            reclaim(MIB << (round % 3));
        }
        free_all::<F>(model.0.len());
        if round % 3 == 0 {
            free_all::<F>(0);
        }
        // At once, with the same row: nothing is handed out twice.
        let mut again = Model::default();
        for at in 0..3_000 {
            let size = [1, 2, 4, 8, 48, 700][at % 6];
            again.insert(make::<F>(size, at as u8).0, size, at as u8);
        }
        again.verify();
        check().unwrap();
        let mut walked = BTreeSet::new();
        walk(F::default(), |object, _| assert!(walked.insert(Address(object)))).unwrap();
        assert!(walked.iter().eq(again.0.keys()));
        if round % 2 == 0 {
            free_all::<F>(again.0.len());
        } else {
            for (Address(start), (size, _)) in again.0 {
                // SAFETY: live.
                unsafe { free_in::<F>(start, size) };
            }
            assert_eq!(usage::<F>().live_objects, 0);
        }
    }
    for parcel in &others {
        parcel.verify();
    }
    huge.verify();
    free_all::<F>(0);
}

#[test]
fn agrees_with_a_model_over_random_lives() {
    let (_alone, _watchdog) = (one_at_a_time(), Watchdog::of_seconds(300));
    rounds::<lives::Plain>(1, 30);
    assert_all_given_back::<Lives>();
}

#[test]
fn agrees_with_a_model_where_the_family_is_isolated_or_zeroed_or_has_long_blocks() {
    let (_alone, _watchdog) = (one_at_a_time(), Watchdog::of_seconds(300));
    rounds::<lives::Alone>(1_000, 12);
    rounds::<lives::Secret>(2_000, 12);
    rounds::<lives::Long>(3_000, 12);
    assert_all_given_back::<Lives>();
}

#[test]
fn a_family_nobody_used_has_nothing() {
    #[alloc_family]
    enum Unused {
        Object,
    }

    // SAFETY: there are no objects.
    assert_eq!(unsafe { famalloc::free_all(unused::Object) }, Ok(0));
}

#[test]
fn refused_while_another_thread_has_magazines_and_nothing_changes() {
    let _alone = one_at_a_time();
    let mine = Parcel::new::<lives::Shared>(48, 3);
    drop(Parcel::new::<lives::Shared>(48, 4));
    let (made, wait) = channel();
    let (go_on, gate) = channel::<()>();
    let other = thread::spawn(move || {
        let kept =
            [1, 48, 5_000, 100_000, 5 * MIB].map(|size| Parcel::new::<lives::Shared>(size, 9));
        made.send(()).unwrap();
        gate.recv().unwrap();
        kept.iter().for_each(Parcel::verify);
    });
    wait.recv().unwrap();
    let counts = |used: FamilyUse| {
        let of_class = |it: &famalloc::ClassUse| (it.live_objects, it.parked_objects, it.blocks);
        let classes: Vec<_> = used.classes.iter().map(of_class).collect();
        (used.live_objects, used.committed_bytes, used.large_objects, classes)
    };
    let before = counts(usage::<lives::Shared>());
    assert_eq!(before.0, 1 + 5);
    // SAFETY: it is refused.
    assert_eq!(unsafe { famalloc::free_all(lives::Shared) }, Err(InUseError));
    assert_eq!(counts(usage::<lives::Shared>()), before);
    check().unwrap();
    mine.verify();
    go_on.send(()).unwrap();
    other.join().unwrap();
    core::mem::forget(mine);
    free_all::<lives::Shared>(1);
    assert_all_given_back::<Lives>();
}

/// What counted against the limit does so no more: as much fits as the first time.
#[test]
fn a_limit_has_all_its_room_again() {
    let _alone = one_at_a_time();
    for size in [1, 48, 1_000, 40_000, MIB] {
        let mut counts = [0; 4];
        for count in &mut counts {
            let refusal = loop {
                match alloc_in::<lives::Small>(size) {
                    Ok(_) => *count += 1,
                    Err(error) => break error,
                }
            };
            assert_eq!(refusal.kind(), AllocErrorKind::Limit);
            free_all::<lives::Small>(*count);
        }
        assert!(counts[0] > 0 && counts.iter().all(|it| *it == counts[0]), "{size}: {counts:?}");
    }
}

/// The addresses of an isolated family stay with it, and it uses them again.
#[test]
fn an_isolated_family_keeps_its_addresses() {
    const EXTENT: usize = 2 << 20;
    let _alone = one_at_a_time();
    let fill = || {
        let small = (0..200_000).map(|_| alloc_in::<lives::Keeper>(48).unwrap());
        let mut all: Vec<_> = small.collect();
        all.extend((0..4).map(|_| alloc_in::<lives::Keeper>(5 * MIB).unwrap()));
        all
    };
    let places = |all: &[NonNull<u8>]| -> BTreeSet<usize> {
        all.iter().map(|it| it.addr().get() / EXTENT).collect()
    };
    let first = fill();
    let before = places(&first);
    free_all::<lives::Keeper>(first.len());
    let held = usage::<lives::Keeper>().extents;
    assert!(held >= before.len());
    // Others take as much, and none of that.
    let mut others: Vec<_> =
        (0..300_000).map(|_| alloc_in::<lives::NotKeeper>(48).unwrap()).collect();
    others.extend((0..8).map(|_| alloc_in::<lives::NotKeeper>(5 * MIB).unwrap()));
    assert!(places(&others).is_disjoint(&before));
    for round in 0..5 {
        let again = fill();
        assert_eq!(places(&again), before, "round {round}");
        free_all::<lives::Keeper>(again.len());
        assert_eq!(usage::<lives::Keeper>().extents, held);
    }
    free_all::<lives::NotKeeper>(others.len());
    flush();
    check().unwrap();
}

/// A family that comes and goes takes no more memory than it took the first time.
#[test]
fn nothing_leaks_over_many_rounds() {
    static PAGES: Strict = Strict::new(1 << 30, true);

    #[alloc_family(source = PAGES)]
    enum Watched {
        Phase,
        #[family(isolate)]
        Alone,
    }

    fn phase<F: Family>() {
        let mut made = Vec::new();
        for at in 0..20_000 {
            made.push((alloc_in::<F>([1, 3, 48, 700][at % 4]).unwrap(), [1, 3, 48, 700][at % 4]));
        }
        let mut random = Random::new(5);
        for _ in 0..8_000 {
            let (start, size) = made.swap_remove(random.below(made.len()));
            // SAFETY: live.
            unsafe { free_in::<F>(start, size) };
        }
        made.extend([40_000, 600_000, 5 * MIB].map(|size| (alloc_in::<F>(size).unwrap(), size)));
        for (start, size) in &made {
            // SAFETY: live.
            unsafe { start.write_bytes(1, *size) };
        }
        free_all::<F>(made.len());
    }

    let _alone = one_at_a_time();
    let mut committed = 0;
    for round in 0..100 {
        phase::<watched::Phase>();
        phase::<watched::Alone>();
        // With threads, which may be more at once than before, tables grow for a while.
        if round % 10 == 0 {
            let live = live::<watched::Phase>(round, 300);
            free_all::<watched::Phase>(live.0.len());
        }
        if round == 50 {
            flush();
            committed = PAGES.committed();
        }
    }
    flush();
    assert!(PAGES.committed() <= committed + (256 << 10), "{} > {committed}", PAGES.committed());
    PAGES.assert_kept();
    check().unwrap();
}

/// What is freed stays warm: the next phase asks the system for nothing.
#[test]
fn memory_is_warm_for_the_next_phase() {
    static PAGES: crate::common::recorder::Recorder = crate::common::recorder::Recorder::new();

    #[alloc_family(source = PAGES)]
    enum Recorded {
        Phase,
    }

    let _alone = one_at_a_time();
    let phase = || {
        let made: Vec<_> = (0..300_000).map(|_| alloc_in::<recorded::Phase>(48).unwrap()).collect();
        free_all::<recorded::Phase>(made.len());
        made
    };
    let first = phase();
    assert!(PAGES.bytes(crate::common::recorder::Asked::Commit) >= 300_000 * 48);
    let again = phase();
    assert_eq!(PAGES.bytes(crate::common::recorder::Asked::Commit), 0);
    assert!(first.into_iter().collect::<BTreeSet<_>>().is_superset(&again.into_iter().collect()));
}

/// The peak is what was live, not what came after.
#[test]
fn the_peak_is_told_before_all_goes() {
    #[alloc_family]
    enum Counted {
        Object,
    }

    let _alone = one_at_a_time();
    let peak = || usage::<counted::Object>().classes[0].peak_objects;
    // Hardly more than there was came with the first into the magazine.
    alloc_in::<counted::Object>(8).unwrap();
    free_all::<counted::Object>(1);
    assert!((1..=4).contains(&peak()), "{}", peak());
    let made: Vec<_> = (0..100_000).map(|_| alloc_in::<counted::Object>(8).unwrap()).collect();
    free_all::<counted::Object>(made.len());
    assert!((100_000..100_200).contains(&peak()), "{}", peak());
    // With free slots in both magazines and in the depot, nothing of which was ever live at once with
    // more than there are now.
    for _ in 0..5 {
        let made: Vec<_> = (0..90_000).map(|_| alloc_in::<counted::Object>(8).unwrap()).collect();
        for &start in &made[..1_000] {
            // SAFETY: live.
            unsafe { free_in::<counted::Object>(start, 8) };
        }
        free_all::<counted::Object>(89_000);
        assert!(peak() < 100_200, "{}", peak());
    }
    let made: Vec<_> = (0..120_000).map(|_| alloc_in::<counted::Object>(8).unwrap()).collect();
    free_all::<counted::Object>(made.len());
    assert!((120_000..120_200).contains(&peak()), "{}", peak());
}

/// Others may look and tidy up meanwhile.
#[test]
fn may_be_beside_checks_snapshots_and_reclaims() {
    let (_alone, _watchdog) = (one_at_a_time(), Watchdog::of_seconds(300));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let beside = |work: fn()| {
            let done = &done;
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    work();
                }
            });
        };
        beside(|| _ = flush());
        beside(|| check().unwrap());
        beside(|| _ = Snapshot::of::<Lives>());
        for round in 0..25 {
            let model = live::<lives::Watched>(9_000 + round, 400);
            model.verify();
            // SAFETY: nothing is used again, and those beside do not allocate there.
            assert_eq!(unsafe { famalloc::free_all(lives::Watched) }, Ok(model.0.len()));
            assert_empty(&usage::<lives::Watched>());
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_all_given_back::<Lives>();
}

#[test]
fn handles_that_were_forgotten_go_and_are_known_to_have_gone() {
    let _alone = one_at_a_time();
    let forgotten: Vec<_> = (0..1_000u64)
        .map(|at| FamilyBox::into_raw(FamilyBox::<u64, _>::new_in(at, lives::Forgotten)))
        .collect();
    let live = |it: &*mut u64| query(*it).is_some();
    assert!(forgotten.iter().all(live));
    free_all::<lives::Forgotten>(1_000);
    assert!(!forgotten.iter().any(live));
    let next = FamilyBox::<u64, _>::new_in(5, lives::Forgotten);
    assert_eq!(*next, 5);
    drop(next);
    assert_all_given_back::<Lives>();
}

/// An extent that becomes free may be another family's before all of it has been gone through.
#[test]
fn stays_in_its_family() {
    const SIZE: usize = 100_000;

    #[alloc_family]
    enum Neighbours {
        Freed,
        North,
        East,
        South,
    }

    /// Takes an extent and gives it back, again and again.
    fn come_and_go<F: Family>(done: &AtomicBool) {
        while !done.load(Ordering::Relaxed) {
            let pair = [(); 2].map(|()| alloc_in::<F>(SIZE).unwrap());
            // SAFETY: live.
            pair.into_iter().for_each(|it| unsafe { free_in::<F>(it, SIZE) });
        }
    }

    /// Ends the others, also where the test panics.
    struct Finish<'a>(&'a AtomicBool);

    impl Drop for Finish<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    let _alone = one_at_a_time();
    let done = AtomicBool::new(false);
    let mut wrong = None;
    thread::scope(|scope| {
        scope.spawn(|| come_and_go::<neighbours::North>(&done));
        scope.spawn(|| come_and_go::<neighbours::East>(&done));
        scope.spawn(|| come_and_go::<neighbours::South>(&done));
        let _finish = Finish(&done);
        for _ in 0..100_000 {
            alloc_in::<neighbours::Freed>(SIZE).unwrap();
            // SAFETY: the one object there is is not used again.
            let freed = unsafe { famalloc::free_all(neighbours::Freed) };
            if freed != Ok(1) {
                wrong = Some(freed);
                break;
            }
        }
    });
    assert_eq!(wrong, None);
    check().unwrap();
}
