//! Threads that sleep with full magazines: others take what is in them, while the owners may wake at any
//! moment, and nothing is handed out twice or lost.
//!
//! Where the system has no barrier for all threads (`membarrier`), magazines of others stay as they are, and
//! there is nothing to test.

mod common;

use core::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use common::recorder::Recorder;
use common::system::{has_barrier, threads as tasks};
use common::{
    Parcel, Random, Sent, Watchdog, assert_all_given_back, one_at_a_time, patience, rounds, usage,
};
use famalloc::{
    ClassUse, Family, FamilyBox, alloc_family, alloc_in, check, flush, free_all, free_in,
    lifecycle, raw, reclaim,
};

#[alloc_family]
enum Lives {
    Short,
    Other,
}

const THREADS: usize = 8;
const SIZES: [usize; 7] = [8, 24, 64, 200, 1000, 3000, 20_000];

/// Threads that have freed nearly all they had, and wait; and what lets them go on.
fn sleepers<F: Family>(work: fn(usize)) -> (Vec<thread::JoinHandle<()>>, [Arc<Barrier>; 2]) {
    let barriers = [0, 1].map(|_| Arc::new(Barrier::new(THREADS + 1)));
    let threads = (0..THREADS)
        .map(|seed| {
            let [asleep, awake] = barriers.clone();
            thread::spawn(move || {
                for size in SIZES {
                    let many = (400_000 / size).min(1000);
                    let parcels: Vec<_> =
                        (0..many).map(|at| Parcel::new::<F>(size, at as u8)).collect();
                    drop(parcels);
                }
                let kept = Parcel::new::<F>(40, seed as u8);
                asleep.wait();
                awake.wait();
                work(seed);
                drop(kept);
            })
        })
        .collect();
    barriers[0].wait();
    (threads, barriers)
}

/// How many free slots of a family are in magazines, and in the lanes for them.
fn parked<F: Family>() -> usize {
    ClassUse::of(F::default()).map(|class| class.parked_objects).sum()
}

/// Makes and frees parcels of all sizes at random.
fn churn<F: Family>(seed: usize) {
    let mut random = Random::new(seed as u64);
    let mut held: Vec<Parcel> = Vec::new();
    for step in 0..rounds(20_000) {
        let size = SIZES[random.below(SIZES.len())] - random.below(4);
        if held.len() < 300 {
            held.push(Parcel::new::<F>(size, step as u8));
        } else {
            let at = random.below(held.len());
            held.swap_remove(at);
        }
    }
}

fn wake_and_join(threads: Vec<thread::JoinHandle<()>>, barriers: &[Arc<Barrier>; 2]) {
    barriers[1].wait();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn what_sleeping_threads_hold_goes_back_and_they_go_on() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(120);
    if !has_barrier() {
        return;
    }
    let (threads, barriers) = sleepers::<lives::Short>(churn::<lives::Short>);
    let before = usage::<lives::Short>();
    assert_eq!(before.live_objects, THREADS);
    assert!(parked::<lives::Short>() > 10 * THREADS);
    flush();
    check().unwrap();
    let after = usage::<lives::Short>();
    assert_eq!(after.live_objects, THREADS);
    // The uppermost of each magazine may stay: of each size, and of the one of what is kept.
    let stay = THREADS * (SIZES.len() + 1);
    let stayed = parked::<lives::Short>();
    assert!(stayed <= stay, "{stayed} slots are kept");
    assert!(after.committed_bytes < before.committed_bytes);
    // A second time there is nothing more.
    assert_eq!(flush(), 0);
    wake_and_join(threads, &barriers);
    assert_all_given_back::<Lives>();
}

/// An allocation that would be refused has what others hold and do not need.
#[test]
fn who_comes_to_the_limit_gets_what_sleeping_threads_hold() {
    /// Eight blocks of 65.
    #[alloc_family]
    enum Tight {
        #[family(limit = "512 KiB")]
        Full,
    }
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(120);
    if !has_barrier() {
        return;
    }
    let objects = |count| (0..count).map_while(|_| Parcel::try_new::<tight::Full>(1000, 1).ok());
    let barriers = [0, 1].map(|_| Barrier::new(THREADS + 1));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                drop(objects(30).collect::<Vec<_>>());
                barriers.iter().for_each(|barrier| {
                    barrier.wait();
                });
            });
        }
        barriers[0].wait();
        let held = parked::<tight::Full>();
        assert!(held > 10 * THREADS, "only {held} slots are held");
        let got: Vec<_> = objects(usize::MAX).collect();
        assert!(got.len() >= 500 - THREADS, "{} objects", got.len());
        check().unwrap();
        drop(got);
        barriers[1].wait();
    });
}

/// A slot that was taken from a magazine into which it had been freed looks like one that is freed twice,
/// if its address stays there.
#[test]
fn a_slot_that_was_taken_can_be_freed_again() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(60);
    if !has_barrier() {
        return;
    }
    let barriers = [0, 1].map(|_| Arc::new(Barrier::new(2)));
    let [asleep, awake] = barriers.clone();
    let owner = thread::spawn(move || {
        for _ in 0..50 {
            // SAFETY: freed once, with its size, by this thread.
            let (first, second) = unsafe {
                let both = (alloc_in::<lives::Short>(48), alloc_in::<lives::Short>(48));
                let (first, second) = (both.0.unwrap(), both.1.unwrap());
                free_in::<lives::Short>(second, 48);
                raw::free::<Lives>(first).unwrap();
                (first, second)
            };
            asleep.wait();
            awake.wait();
            // The lowest are what the lane gives first: among them what was taken.
            let again: Vec<_> = (0..200).map(|_| alloc_in::<lives::Short>(48).unwrap()).collect();
            assert!(again.contains(&first) && again.contains(&second));
            // The one that was freed last before goes first.
            let others = again.iter().filter(|&&slot| slot != first);
            core::iter::once(&first).chain(others).for_each(|&slot| {
                // SAFETY: as above.
                unsafe { raw::free::<Lives>(slot) }.unwrap();
            });
            lifecycle::thread_collect();
        }
    });
    for _ in 0..50 {
        barriers[0].wait();
        flush();
        check().unwrap();
        barriers[1].wait();
    }
    owner.join().unwrap();
    assert_all_given_back::<Lives>();
}

/// So does one that another thread had since, and sends to this one.
#[test]
fn a_slot_that_was_taken_can_be_freed_by_whom_it_was_taken_from() {
    /// One block, so that all have their slots from the same lane.
    #[alloc_family]
    enum Tight {
        #[family(limit = "64 KiB")]
        Shared,
    }
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(60);
    if !has_barrier() {
        return;
    }
    let barriers = [0, 1].map(|_| Arc::new(Barrier::new(2)));
    let [asleep, awake] = barriers.clone();
    let (send, receive) = channel::<Vec<Sent>>();
    let owner = thread::spawn(move || {
        // Several, so that some are taken and the uppermost is not.
        let slots: Vec<_> = (0..12).map(|_| alloc_in::<tight::Shared>(48).unwrap()).collect();
        let free = |slot: &NonNull<u8>| {
            // SAFETY: freed once, by this thread.
            unsafe { raw::free::<Tight>(*slot) }.unwrap();
        };
        slots.iter().for_each(free);
        asleep.wait();
        awake.wait();
        let left = alloc_in::<tight::Shared>(48).unwrap();
        assert_eq!(left, slots[11], "the uppermost is left");
        let sent = receive.recv().unwrap();
        assert!(sent.iter().any(|slot| slot.get() == slots[10]), "what was below it is sent");
        for slot in sent {
            // Each in the place of the uppermost, with what was taken below it.
            free(&slot.get());
            assert_eq!(alloc_in::<tight::Shared>(48).unwrap(), slot.get());
        }
    });
    barriers[0].wait();
    flush();
    let taken = (0..100).map(|_| Sent::new(alloc_in::<tight::Shared>(48).unwrap())).collect();
    send.send(taken).unwrap();
    barriers[1].wait();
    owner.join().unwrap();
    // SAFETY: no object of the family is used any more.
    unsafe { free_all(tight::Shared) }.unwrap();
    assert_all_given_back::<Tight>();
}

/// Words that say whose they are.
struct Marked {
    start: NonNull<[usize; 2]>,
    mark: usize,
}

impl Marked {
    fn new<F: Family>(mark: usize) -> Self {
        Self::mark(alloc_in::<F>(16).unwrap(), mark)
    }

    /// Marks 16 bytes, just allocated.
    fn mark(start: NonNull<u8>, mark: usize) -> Self {
        let start = start.cast();
        // SAFETY: as said, the test's own.
        unsafe { start.write([mark, !mark]) };
        Self { start, mark }
    }

    fn free<F: Family>(self) {
        // SAFETY: live, written when it was made.
        let found = unsafe { self.start.read() };
        assert_eq!(found, [self.mark, !self.mark], "{:p} is another's too", self.start);
        // SAFETY: allocated in this family with this size, and not used again.
        unsafe { free_in::<F>(self.start.cast(), 16) };
    }
}

/// Allocates and frees in runs of all lengths until told to stop.
fn run_until<F: Family>(stop: &AtomicBool, seed: usize) -> usize {
    let mut random = Random::new(seed as u64);
    let (mut held, mut mark) = (Vec::new(), seed << 40);
    let mut slots = [NonNull::dangling(); 60];
    while !stop.load(Ordering::Relaxed) {
        let some = &mut slots[..random.below(60)];
        // As fast as can be, so that the processor has many of these stores under way.
        for slot in some.iter_mut() {
            *slot = alloc_in::<F>(16).unwrap();
        }
        for &slot in some.iter() {
            mark += 1;
            held.push(Marked::mark(slot, mark));
        }
        for _ in 0..random.below(60).min(held.len()) {
            held.pop().unwrap().free::<F>();
        }
        if held.len() > 1000 {
            held.drain(..500).for_each(Marked::free::<F>);
        }
    }
    held.into_iter().for_each(Marked::free::<F>);
    mark
}

/// The owners run all the while. Where a slot is taken that an owner is about to hand out, two have it; where
/// one is forgotten, it never comes back.
#[test]
fn owners_at_work_and_those_who_take_do_not_share_a_slot() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(300);
    if !has_barrier() {
        return;
    }
    const ROUNDS: usize = if cfg!(debug_assertions) { 4_000 } else { 20_000 };
    let stop = AtomicBool::new(false);
    let stop = &stop;
    thread::scope(|scope| {
        let owners =
            [1, 2, 3].map(|seed| scope.spawn(move || run_until::<lives::Short>(stop, seed)));
        for round in 0..rounds(ROUNDS) {
            // What was taken is handed out at once.
            reclaim(usize::MAX);
            let mark = |at: usize| (9 << 40) + round * 1000 + at;
            let taken: Vec<_> = (0..300).map(|at| Marked::new::<lives::Short>(mark(at))).collect();
            if round % 16 == 0 {
                check().unwrap();
            }
            taken.into_iter().for_each(Marked::free::<lives::Short>);
        }
        stop.store(true, Ordering::Relaxed);
        // (A scope may end before its threads' magazines are given back.)
        for owner in owners {
            owner.join().unwrap();
        }
    });
    assert_all_given_back::<Lives>();
}

/// Threads come and go, and others take from them.
#[test]
fn threads_end_while_others_take() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(300);
    let left = AtomicUsize::new(3);
    thread::scope(|scope| {
        for seed in 0..3 {
            let left = &left;
            scope.spawn(move || {
                for round in 0..rounds(150) {
                    common::on_a_thread(|| {
                        let some = (0..200).map(|at| {
                            Marked::new::<lives::Short>((seed + 1) << 40 | round << 16 | at)
                        });
                        let some: Vec<_> = some.collect();
                        some.into_iter().for_each(Marked::free::<lives::Short>);
                        if round % 2 == 0 {
                            lifecycle::thread_finalize();
                        }
                    });
                }
                left.fetch_sub(1, Ordering::Relaxed);
            });
        }
        while left.load(Ordering::Relaxed) > 0 {
            flush();
            check().unwrap();
        }
    });
    assert_all_given_back::<Lives>();
}

/// By a clock that the test sets: whoever comes by empties the magazines, in another family than its own.
#[test]
fn what_nobody_uses_for_a_while_decays() {
    static PAGES: Recorder = Recorder::new();
    #[alloc_family(source = PAGES)]
    enum Slow {
        Asleep,
        Awake,
    }
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(120);
    PAGES.set_time(1000);
    let (threads, barriers) = sleepers::<slow::Asleep>(churn::<slow::Asleep>);
    let before = usage::<slow::Asleep>();
    let held = parked::<slow::Asleep>();
    let mut now = 1000;
    let mut work = |milliseconds| {
        for _ in 0..rounds(milliseconds) {
            now += patience();
            PAGES.set_time(now);
            // A few magazines of some families.
            let some: Vec<_> =
                (0..2000).map(|value| FamilyBox::<u64, _>::new_in(value, slow::Awake)).collect();
            drop(some);
        }
    };
    // Not before its time.
    work(300);
    assert_eq!(parked::<slow::Asleep>(), held);
    work(4000);
    let after = usage::<slow::Asleep>();
    check().unwrap();
    if has_barrier() {
        assert!(parked::<slow::Asleep>() <= THREADS * (SIZES.len() + 1));
        assert!(after.committed_bytes < before.committed_bytes);
    }
    assert_eq!(after.live_objects, THREADS);
    wake_and_join(threads, &barriers);
    assert_all_given_back::<Slow>();
}

/// Who sends slots home to a lane does not lock it: the lane looks as if nobody had been there.
#[test]
fn what_is_sent_to_lanes_that_nobody_uses_decays() {
    static PAGES: Recorder = Recorder::new();
    #[alloc_family(source = PAGES)]
    enum Post {
        Sent,
        Awake,
    }
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(120);
    if !has_barrier() {
        return;
    }
    PAGES.set_time(1000);
    let barriers = [0, 1].map(|_| Arc::new(Barrier::new(2)));
    let [asleep, awake] = barriers.clone();
    let (send, receive) = channel::<Vec<Parcel>>();
    let maker = thread::spawn(move || {
        send.send((0..3000).map(|_| Parcel::new::<post::Sent>(100, 1)).collect()).unwrap();
        asleep.wait();
        awake.wait();
    });
    // In a lane of its own, where there are several.
    let own = Parcel::new::<post::Sent>(100, 2);
    barriers[0].wait();
    let mut now = 1000;
    let mut wait = || {
        for _ in 0..rounds(4000) {
            now += patience();
            PAGES.set_time(now);
            drop(
                (0..2000)
                    .map(|value| FamilyBox::<u64, _>::new_in(value, post::Awake))
                    .collect::<Vec<_>>(),
            );
        }
    };
    wait();
    // Some magazines of them, and a part of one.
    let mut sent = receive.recv().unwrap();
    drop(sent.drain(..400));
    assert!(parked::<post::Sent>() > 0);
    wait();
    check().unwrap();
    // The uppermost of each magazine may stay.
    let stayed = parked::<post::Sent>();
    assert!(stayed <= 2, "{stayed} slots are kept");
    barriers[1].wait();
    maker.join().unwrap();
    drop((sent, own));
    assert_all_given_back::<Post>();
}

/// All threads sleep but the allocator's own.
#[test]
fn a_thread_in_the_background_gives_back_what_sleeping_threads_hold() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(120);
    if !has_barrier() {
        return;
    }
    let (threads, barriers) = sleepers::<lives::Other>(churn::<lives::Other>);
    assert!(lifecycle::start_background(Duration::from_millis(20)));
    let stay = THREADS * (SIZES.len() + 1);
    while parked::<lives::Other>() > stay {
        thread::sleep(Duration::from_millis(20));
    }
    // It goes on while they work, and ends when it is told to.
    wake_and_join(threads, &barriers);
    let with = tasks();
    lifecycle::stop_background();
    lifecycle::stop_background();
    while tasks() >= with {
        thread::sleep(Duration::from_millis(5));
    }
    assert_all_given_back::<Lives>();
}
