//! Page sources that refuse, that are small, and that watch: every refusal comes back as an error
//! of its kind and leaves everything whole (I6), and no page is touched that is not committed.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use crate::common::sources::{Call, Faulty, Strict};
use crate::common::{Parcel, Random, Watchdog, assert_all_given_back, one_at_a_time, usage};
use famalloc::{
    AllocError, AllocErrorKind, Family, PageError, PageSource, System, alloc_family, check, flush,
    reclaim, walk,
};

/// What [`operate`] met.
#[derive(Default)]
struct Refusals(Vec<AllocErrorKind>);

impl Refusals {
    /// Notes an error; the structure is whole at that moment.
    fn note<T>(&mut self, result: Result<T, AllocError>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                check().unwrap();
                self.0.push(error.kind());
                None
            }
        }
    }
}

/// A bit of everything in a family, each of it allowed to fail. All is freed at the end.
fn operate<F: Family>() -> Refusals {
    const SMALL: [usize; 5] = [1, 24, 300, 5_000, 32_000];
    let mut met = Refusals::default();
    let mut held = Vec::new();
    for round in 0..60 {
        held.extend(met.note(Parcel::try_new::<F>(SMALL[round % 5], round as u8)));
    }
    for size in [40_000, 100_000, 1 << 20, 5 << 20] {
        held.extend(met.note(Parcel::try_new_zeroed::<F>(size, 0xAB)));
    }
    // Small to large to huge and back.
    for parcel in held.iter_mut().step_by(21) {
        for size in [200_000, 6 << 20, 9 << 20, 70_000, 10] {
            met.note(parcel.try_resize::<F>(size));
        }
    }
    let mut odd = false;
    held.retain(|_| {
        odd = !odd;
        odd
    });
    check().unwrap();
    // By pieces first, then all that is left by runs.
    for _ in 0..4 {
        reclaim(100 << 10);
    }
    flush();
    check().unwrap();
    held.extend(met.note(Parcel::try_new_zeroed::<F>(3 << 20, 0xCD)));
    // Another thread frees what this one allocated, and has work of its own.
    let theirs = held.split_off(held.len() / 2);
    let thread = thread::spawn(move || {
        drop(theirs);
        let mut met = Refusals::default();
        let own = (0..30).map(|at| met.note(Parcel::try_new::<F>(SMALL[at % 5], at as u8)));
        let own: Vec<_> = own.flatten().collect();
        (own, met)
    });
    let (theirs, more) = thread.join().unwrap();
    met.0.extend(more.0);
    for round in 0..40 {
        held.extend(met.note(Parcel::try_new::<F>(SMALL[round % 5], round as u8)));
    }
    drop(theirs);
    drop(held);
    check().unwrap();
    met
}

/// Lets every call of a kind fail in turn, once and for good, until the script meets no failure.
fn fail_everywhere<F: Family>(source: &Faulty, call: Call, error: Option<AllocErrorKind>) -> usize {
    let mut most = 0;
    for lasting in [false, true] {
        for n in 1.. {
            source.fail_at(call, n, lasting);
            let met = operate::<F>();
            let refused = source.refused();
            source.recover();
            assert!(met.0.iter().all(|&kind| Some(kind) == error), "{:?} at call {n}", met.0);
            assert_all_given_back::<F::Set>();
            assert!(operate::<F>().0.is_empty(), "still refused after call {n} had failed");
            assert_all_given_back::<F::Set>();
            if refused == 0 {
                most = most.max(n - 1);
                break;
            }
            // A lasting refusal of memory cannot stay unnoticed; a single one can where the
            // allocator has another way.
            assert!(!lasting || error.is_none() || !met.0.is_empty());
            assert!(n < 1_000, "the script does not come to an end");
        }
    }
    most
}

#[test]
fn a_refusal_to_commit_comes_back_as_an_error_wherever_it_happens() {
    static PAGES: Faulty = Faulty::new(1 << 40);
    #[alloc_family(source = PAGES)]
    enum Lives {
        A,
    }
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(55);
    let calls = fail_everywhere::<lives::A>(&PAGES, Call::Commit, Some(AllocErrorKind::Commit));
    assert!(calls >= 10, "the script commits {calls} times");
}

#[test]
fn a_refusal_to_commit_small_extents_comes_back_too() {
    static PAGES: Faulty = Faulty::new(64 << 20);
    #[alloc_family(source = PAGES)]
    enum Lives {
        A,
    }
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(55);
    let calls = fail_everywhere::<lives::A>(&PAGES, Call::Commit, Some(AllocErrorKind::Commit));
    assert!(calls >= 10, "the script commits {calls} times");
}

#[test]
fn a_refusal_to_decommit_costs_memory_but_nothing_else() {
    static PAGES: Faulty = Faulty::new(1 << 40);
    #[alloc_family(source = PAGES)]
    enum Lives {
        #[family(zero_on_free)]
        A,
    }
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(55);
    let calls = fail_everywhere::<lives::A>(&PAGES, Call::Decommit, None);
    assert!(calls >= 5, "the script decommits {calls} times");
    // What could not be given back is given back as soon as it can.
    drop(Parcel::new::<lives::A>(1 << 20, 1));
    PAGES.fail_at(Call::Decommit, 1, true);
    assert_eq!(flush(), 0);
    assert!(PAGES.refused() > 0);
    PAGES.recover();
    assert!(flush() >= 1 << 20);
}

#[test]
fn a_set_that_got_no_address_space_works_as_soon_as_there_is_some() {
    static PAGES: Faulty = Faulty::new(1 << 40);
    #[alloc_family(source = PAGES)]
    enum Lives {
        A,
    }
    let _alone = one_at_a_time();
    PAGES.fail_at(Call::Reserve, 1, true);
    for _ in 0..3 {
        let met = operate::<lives::A>();
        assert!(met.0.len() > 100);
        assert!(met.0.iter().all(|&kind| kind == AllocErrorKind::AddressSpace));
    }
    // Smaller reservations are asked for before giving up.
    assert!(PAGES.refused() > 30);
    assert_eq!(usage::<lives::A>().live_objects, 0);
    assert_eq!(PAGES.reservations.load(Ordering::SeqCst), 0);
    PAGES.recover();
    assert!(operate::<lives::A>().0.is_empty());
    assert_eq!(PAGES.reservations.load(Ordering::SeqCst), 1);
    assert_all_given_back::<Lives>();
}

/// Sets of which each is used for the first time with another call failing.
macro_rules! fresh_sets {
    ($($module:ident)*) => {
        $(mod $module {
            use famalloc::alloc_family;
            pub(crate) static PAGES: super::Faulty = super::Faulty::new(1 << 40);
            #[alloc_family(source = PAGES)]
            pub(crate) enum Lives {
                A,
            }
        })*
        type Check = fn(&Faulty);
        static FRESH: &[(&Faulty, fn() -> Refusals, Check)] = &[
            $((&$module::PAGES, operate::<$module::lives::A>, |source| {
                assert_all_given_back::<$module::Lives>();
                assert!(operate::<$module::lives::A>().0.is_empty());
                assert_eq!(source.reservations.load(Ordering::SeqCst), 1);
                assert_all_given_back::<$module::Lives>();
            })),*
        ];
    };
}

fresh_sets! { s00 s01 s02 s03 s04 s05 s06 s07 s08 s09 s10 s11 s12 s13 s14 s15 }

#[test]
fn first_use_survives_each_of_its_calls_failing() {
    let _alone = one_at_a_time();
    for (at, &(source, operate, assert_whole)) in FRESH.iter().enumerate() {
        // The calls are: header, two kinds of descriptors, the extent of tables and its bitmap, the
        // first extent and its bitmap, and so on.
        let (call, n) = if at < 4 { (Call::Reserve, at + 1) } else { (Call::Commit, at / 2 - 1) };
        source.fail_at(call, n, at % 2 == 1);
        let met = operate();
        assert!(source.refused() > 0 || (call == Call::Reserve && n > 1), "call {n} of {call:?}");
        let may_be = |kind| match call {
            Call::Reserve => kind == AllocErrorKind::AddressSpace,
            _ => kind == AllocErrorKind::Commit,
        };
        assert!(met.0.iter().all(|&kind| may_be(kind)), "{:?}", met.0);
        source.recover();
        assert_whole(source);
    }
}

/// A set whose source has 32 MiB of addresses and no more.
#[test]
fn address_space_that_is_used_up_comes_back_when_it_is_freed() {
    static PAGES: Faulty = Faulty::new(32 << 20);
    #[alloc_family(source = PAGES)]
    enum Lives {
        A,
        B,
    }
    fn fill<F: Family>(size: usize) -> Vec<Parcel> {
        let mut held = Vec::new();
        loop {
            match Parcel::try_new::<F>(size, held.len() as u8) {
                Ok(parcel) => held.push(parcel),
                Err(error) => {
                    assert_eq!(error.kind(), AllocErrorKind::AddressSpace);
                    return held;
                }
            }
        }
    }
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(55);
    for size in [1 << 20, 300_000, 60_000, 30_000, 1_000] {
        let held = fill::<lives::A>(size);
        check().unwrap();
        // A seventh of the range is bookkeeping; a 300,000 byte allocation takes two extents.
        let bytes = held.len() * size.next_multiple_of(if size > 1 << 18 { 1 << 18 } else { 1 });
        assert!(bytes >= 24 << 20, "only {bytes} bytes in pieces of {size}");
        let error = Parcel::try_new::<lives::B>(size, 0).unwrap_err();
        assert_eq!(error.kind(), AllocErrorKind::AddressSpace, "of what another family has");
        held.iter().for_each(Parcel::verify);
        // Half is freed and can be had again, by the same family without further ado.
        let mut odd = false;
        let (keep, gone): (Vec<_>, Vec<_>) = held.into_iter().partition(|_| {
            odd = !odd;
            odd
        });
        let freed = gone.len();
        drop(gone);
        let again = fill::<lives::A>(size);
        assert!(again.len() >= freed, "{} of {freed} pieces of {size}", again.len());
        keep.iter().for_each(Parcel::verify);
        drop((keep, again));
        flush();
        let other = fill::<lives::B>(size);
        let bytes = other.len() * size.next_multiple_of(if size > 1 << 18 { 1 << 18 } else { 1 });
        assert!(bytes >= 24 << 20, "only {bytes} bytes in pieces of {size} for the other family");
        drop(other);
        assert_all_given_back::<Lives>();
    }
    let whole = Parcel::new::<lives::B>(24 << 20, 1);
    drop(whole);
    assert_all_given_back::<Lives>();
}

/// Random operations in all families of a set over a [`Strict`] source.
macro_rules! strictly {
    ($name:ident, $largest:expr, $clock:expr, $seed:expr) => {
        #[test]
        fn $name() {
            static PAGES: Strict = Strict::new($largest, $clock);
            #[alloc_family(source = PAGES)]
            enum Lives {
                Plain,
                #[family(isolate)]
                Alone,
                #[family(zero_on_free)]
                Secret,
                #[family(block = "256 KiB")]
                Bulk,
            }
            let _alone = one_at_a_time();
            let _watchdog = Watchdog::of_seconds(55);
            let mut rested = Vec::new();
            for round in 0..4 {
                let mut random = Random::new($seed + round);
                let mut held: [Vec<Parcel>; 4] = Default::default();
                for step in 0..8_000 {
                    let size = if random.below(300) == 0 {
                        random.below(3 << 20) + 1
                    } else {
                        random.size()
                    };
                    match random.below(4) {
                        0 => churn::<lives::Plain>(&mut random, &mut held[0], size),
                        1 => churn::<lives::Alone>(&mut random, &mut held[1], size),
                        2 => churn::<lives::Secret>(&mut random, &mut held[2], size),
                        _ => churn::<lives::Bulk>(&mut random, &mut held[3], size),
                    }
                    match step % 1_000 {
                        250 => drop(reclaim(random.below(1 << 20))),
                        500 => drop(flush()),
                        750 => {
                            let away = core::mem::take(&mut held[random.below(4)]);
                            thread::spawn(move || drop(away)).join().unwrap();
                        }
                        999 => check().unwrap(),
                        _ => {}
                    }
                    PAGES.assert_kept();
                }
                drop(held);
                assert_all_given_back::<Lives>();
                rested.push(PAGES.committed());
            }
            PAGES.assert_kept();
            // At rest only the allocator's own tables and descriptors are left, and
            // they grow by no more than another extent.
            let extent = if $largest < 1 << 30 { 256 << 10 } else { 2 << 20 };
            assert!(rested[3] <= rested[1] + extent * 5 / 4, "{rested:?}");
            assert!(rested[3] <= 6 << 20, "{} bytes at rest", rested[3]);
        }
    };
}

fn churn<F: Family>(random: &mut Random, held: &mut Vec<Parcel>, size: usize) {
    let pattern = random.next() as u8;
    match random.below(8) {
        _ if held.is_empty() => held.push(Parcel::new::<F>(size, pattern)),
        0..3 => held.push(Parcel::new::<F>(size, pattern)),
        3 => held.push(Parcel::try_new_zeroed::<F>(size, pattern).unwrap()),
        4 => {
            let at = random.below(held.len());
            held[at].try_resize::<F>(size).unwrap();
        }
        5 if held.len() > 300 => held.truncate(50),
        _ => drop(held.swap_remove(random.below(held.len()))),
    }
}

strictly!(only_committed_pages_are_touched_in_a_large_reservation, 1 << 30, true, 1);
strictly!(only_committed_pages_are_touched_in_a_small_reservation, 256 << 20, true, 2);
strictly!(only_committed_pages_are_touched_without_a_clock, 1 << 30, false, 3);

/// Some kernels unmap the destination of a move before they look at the source; if they then refuse,
/// the destination is gone, and nobody looks at it again before it is used.
#[test]
fn a_move_never_loses_its_destination() {
    let _alone = one_at_a_time();
    let pages = System::new();
    let page = pages.page_size();
    let from = pages.reserve(8 * page, page).unwrap();
    let to = pages.reserve(8 * page, page).unwrap();
    // SAFETY: within the ranges; half of `from` is given up, which some kernels move as it is and
    // others refuse, and nothing is touched that is not committed.
    unsafe {
        pages.commit(from, 8 * page).unwrap();
        pages.commit(to, 8 * page).unwrap();
        from.write_bytes(1, 4 * page);
        pages.release(from.add(4 * page), 4 * page);
        let moved = pages.move_pages(from, to, 8 * page);
        let (now, before) = if moved { (to, from) } else { (from, to) };
        assert_eq!((now.read(), now.add(4 * page - 1).read()), (1, 1));
        assert_eq!((before.read(), before.add(4 * page - 1).read()), (0, 0));
        from.write_bytes(2, 4 * page);
        to.write_bytes(2, 4 * page);
        if !moved {
            to.write_bytes(2, 8 * page);
        }
        pages.release(from, 4 * page);
        pages.release(to, 8 * page);
    }
}

/// A range there is only one of, given out slowly.
struct Single {
    system: System,
    given: AtomicBool,
}

// SAFETY: every call is refused or passed on unchanged.
unsafe impl PageSource for Single {
    fn page_size(&self) -> usize {
        self.system.page_size()
    }

    fn reserve(&self, size: usize, align: usize) -> Result<NonNull<u8>, PageError> {
        if size > 64 << 20 || self.given.swap(true, Ordering::SeqCst) {
            return Err(PageError);
        }
        std::thread::sleep(Duration::from_millis(50));
        self.system.reserve(size, align)
    }

    unsafe fn commit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError> {
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

/// Threads that meet at the first use share the one range there is.
#[test]
fn the_first_use_by_several_threads_reserves_once() {
    static PAGES: Single = Single { system: System::new(), given: AtomicBool::new(false) };

    #[alloc_family(source = PAGES)]
    enum Lives {
        Frame,
    }

    let _alone = one_at_a_time();
    let start = Barrier::new(4);
    std::thread::scope(|scope| {
        let work = || {
            start.wait();
            drop(Parcel::new::<lives::Frame>(48, 1));
            drop(Parcel::new::<lives::Frame>(100_000, 2));
        };
        // Joined, since a scope alone does not wait until a thread's magazines are given back.
        for thread in [(); 4].map(|()| scope.spawn(work)) {
            thread.join().unwrap();
        }
    });
    crate::common::assert_all_given_back::<Lives>();
}

/// A walk visits what is live and nothing else, also where there is no memory to sort the free slots
/// of several lanes in.
#[test]
fn a_walk_without_memory_visits_no_free_slot() {
    static PAGES: Faulty = Faulty::new(64 << 20);

    #[alloc_family(source = PAGES)]
    enum Lives {
        Object,
        Stock,
        Further,
    }

    /// Of every size up to 256 bytes enough to fill a depot with magazines when it is freed.
    fn stock<F: Family>() -> Vec<Parcel> {
        let sizes = [1, 2, 4].into_iter().chain((8..=256).step_by(8));
        sizes.flat_map(|size| (0..1200).map(move |_| Parcel::new::<F>(size, 1))).collect()
    }

    let _alone = one_at_a_time();
    let mut stocks = stock::<lives::Stock>();
    stocks.extend(stock::<lives::Further>());
    // Live objects of two lanes.
    let objects = |count| (0..count).map(|at| Parcel::new::<lives::Object>(64, at as u8));
    let mut ours: Vec<_> = objects(500).collect();
    let mut theirs: Vec<_> = thread::spawn(move || objects(300).collect()).join().unwrap();
    // Full magazines, two of them parked, that look like this lane's own but are not throughout.
    flush();
    for _ in 0..4 {
        drop(ours.pop());
        theirs.truncate(theirs.len() - 20);
        ours.truncate(ours.len() - 41);
    }
    // Without memory, parking the stock takes the last empty magazines. A few objects stay, lest
    // extents become free.
    PAGES.fail_at(Call::Commit, 1, true);
    let mut at = 0;
    stocks.retain(|_| {
        at += 1;
        at % 50 == 0
    });
    assert!(PAGES.refused() > 0);
    let mut visited = 0;
    walk(lives::Object, |_, _| visited += 1).unwrap();
    assert_eq!(visited, ours.len() + theirs.len());
    check().unwrap();
    PAGES.recover();
    drop((ours, theirs, stocks));
    assert_all_given_back::<Lives>();
}
