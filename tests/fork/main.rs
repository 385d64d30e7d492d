//! `fork` in the midst of everything: a child of busy threads can use all of the allocator.

// Windows has no forks.
#![cfg(unix)]

mod births;
#[path = "../common/mod.rs"]
mod common;
mod handlers;
mod kit;
mod over;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use common::{Parcel, Watchdog, assert_success, case, child, one_at_a_time, usage};
use famalloc::{
    ClassUse, InUseError, alloc_family, alloc_in, check, flush, free_all, free_in, walk,
};
use kit::{Busy, Child, lives, some, use_everything};

#[test]
fn a_child_of_busy_threads_can_use_everything() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(300);
    let _busy = Busy::threads(3);
    for turn in 0..100 {
        let mut inherited = some();
        let child = Child::new(|| {
            use_everything(&mut inherited);
            match turn % 3 {
                0 => {
                    let own = Busy::threads(2);
                    thread::sleep(Duration::from_millis(2));
                    drop(own);
                }
                1 => drop(flush()),
                _ => return,
            }
            check().unwrap();
        });
        inherited.truncate(turn % 50);
        child.wait();
    }
    check().unwrap();
}

#[test]
fn several_threads_fork_at_once() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(300);
    let _busy = Busy::threads(2);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..15 {
                    let mut inherited = some();
                    Child::new(|| use_everything(&mut inherited)).wait();
                }
            });
        }
    });
    check().unwrap();
}

#[test]
fn children_have_children() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(300);
    let _busy = Busy::threads(2);
    for _ in 0..5 {
        let mut inherited = some();
        Child::new(|| {
            let busy = Busy::threads(2);
            let mut own = some();
            for _ in 0..3 {
                Child::new(|| {
                    use_everything(&mut own);
                    use_everything(&mut inherited);
                    // With nobody else there.
                    Child::new(|| use_everything(&mut some())).wait();
                })
                .wait();
            }
            drop(busy);
            use_everything(&mut inherited);
        })
        .wait();
    }
}

/// Threads that do little but hold locks, and children that take them all once.
#[test]
fn a_child_finds_no_lock_held() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(300);
    /// Large and huge allocations, and slots of which few fit into a magazine.
    fn lock_often() {
        let sizes = [70_000, 3 << 20, 40_000_000, 32_768, 32_768, 32_768, 20_000, 20_000, 20_000];
        let slots = sizes.map(|size| (alloc_in::<lives::Any>(size).unwrap(), size));
        for (slot, size) in slots {
            // SAFETY: allocated above with this size.
            unsafe { free_in::<lives::Any>(slot, size) };
        }
    }
    /// Stops the threads even where a child fails.
    struct Stop<'a>(&'a AtomicBool);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let _stop = Stop(&stop);
        for _ in 0..3 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    lock_often();
                }
            });
        }
        for _ in 0..200 {
            Child::new(|| {
                lock_often();
                check().unwrap();
                flush();
            })
            .wait();
        }
    });
    check().unwrap();
}

/// [`a_child_finds_no_lock_held`] where nobody calls the handlers.
#[test]
fn a_child_that_nobody_was_told_of_can_use_everything() {
    if case().is_none() {
        return assert_success(child(
            "a_child_that_nobody_was_told_of_can_use_everything",
            "alone",
        ));
    }
    let _watchdog = Watchdog::of_seconds(300);
    let busy = Busy::threads(3);
    for turn in 0..200 {
        let mut inherited = some();
        let work = || {
            use_everything(&mut inherited);
            let unnoticed = || use_everything(&mut some());
            match turn % 3 {
                0 => Child::unnoticed(unnoticed).wait(),
                1 => Child::new(unnoticed).wait(),
                _ => {}
            }
            flush();
            check().unwrap();
        };
        Child::unnoticed(work).wait();
    }
    drop(busy);
    check().unwrap();
    // With nobody else there nothing is lost.
    let kept = some();
    let before = usage::<lives::Small>().live_objects;
    Child::unnoticed(|| {
        kept.iter().for_each(Parcel::verify);
        let more = some();
        assert!(usage::<lives::Small>().live_objects > before);
        drop(more);
        assert_eq!(usage::<lives::Small>().live_objects, before);
        walk(lives::Small, |_, _| ()).unwrap();
    })
    .wait();
}

/// A process whose first call is to make a thread known: the family is there then, and so has a fork to
/// be noticed.
#[test]
fn a_thread_made_known_by_hand_is_noticed() {
    if case().is_none() {
        return assert_success(child("a_thread_made_known_by_hand_is_noticed", "alone"));
    }
    let _watchdog = Watchdog::of_seconds(100);
    assert!(famalloc::lifecycle::thread_initialize(kit::lives::Any));
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let slot = alloc_in::<lives::Any>(3 << 20).unwrap();
                    // SAFETY: allocated just now.
                    unsafe { free_in::<lives::Any>(slot, 3 << 20) };
                }
            });
        }
        for _ in 0..200 {
            Child::new(|| {
                let slot = alloc_in::<lives::Any>(3 << 20).unwrap();
                // SAFETY: allocated just now.
                unsafe { free_in::<lives::Any>(slot, 3 << 20) };
            })
            .wait();
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_child_may_do_nothing() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(300);
    let _busy = Busy::threads(2);
    for _ in 0..50 {
        Child::new(|| ()).wait();
    }
}

#[alloc_family]
enum Left {
    Behind,
}

/// How a class of the family is used.
fn class_use(bytes: usize) -> ClassUse {
    ClassUse::of(left::Behind).find(|class| class.slot_bytes == bytes).unwrap()
}

#[test]
fn what_other_threads_had_is_forgotten_in_the_child_and_theirs_in_the_parent() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(300);
    const BYTES: usize = 48;
    let own: Vec<_> = (0..10).map(|_| Parcel::new::<left::Behind>(BYTES, 1)).collect();
    thread::scope(|scope| {
        let (made, wait) = channel();
        let mut gates = Vec::new();
        for _ in 0..2 {
            let (open, gate) = channel::<()>();
            let made = made.clone();
            gates.push(open);
            scope.spawn(move || {
                let some: Vec<_> = (0..5).map(|_| Parcel::new::<left::Behind>(BYTES, 2)).collect();
                made.send(()).unwrap();
                // Nothing comes: the gate goes.
                gate.recv().unwrap_err();
                drop(some);
            });
        }
        wait.recv().unwrap();
        wait.recv().unwrap();
        let before = class_use(BYTES);
        assert_eq!(before.live_objects, 20);
        for _ in 0..3 {
            Child::new(|| {
                let after = class_use(BYTES);
                // One thread's two magazines at the most, and what lies in lanes: nothing.
                assert!(after.parked_objects < before.parked_objects);
                let all = before.live_objects + before.parked_objects;
                assert_eq!(after.live_objects + after.parked_objects, all);
                assert_eq!(walk(left::Behind, |_, _| {}), Err(InUseError));
                // The threads to come get the lanes of those that went.
                let (begun, wait) = channel();
                thread::scope(|scope| {
                    let (open, gate) = channel::<()>();
                    let new = scope.spawn(move || {
                        drop(Parcel::new::<left::Behind>(BYTES, 3));
                        begun.send(()).unwrap();
                        gate.recv().unwrap_err();
                    });
                    wait.recv().unwrap();
                    assert_eq!(class_use(BYTES).lanes, before.lanes);
                    // A fork of the child forgets the child's thread.
                    Child::new(|| assert!(class_use(BYTES).parked_objects < before.parked_objects))
                        .wait();
                    drop(open);
                    new.join().unwrap();
                });
                check().unwrap();
                // SAFETY: nothing of the family is used any more in this process.
                let freed = unsafe { free_all(left::Behind) }.unwrap();
                assert!(freed >= 20, "{freed}");
                assert_eq!(usage::<left::Behind>().live_objects, 0);
                let parcel = Parcel::new::<left::Behind>(BYTES, 4);
                let mut visited = 0;
                walk(left::Behind, |_, _| visited += 1).unwrap();
                assert_eq!(visited, 1);
                drop(parcel);
                flush();
                check().unwrap();
                assert_eq!(usage::<left::Behind>().committed_bytes, 0);
            })
            .wait();
        }
        assert_eq!(class_use(BYTES), before);
        assert_eq!(walk(left::Behind, |_, _| {}), Err(InUseError));
        drop(gates);
    });
    drop(own);
}

/// A thread that ends while others fork is forgotten at whatever stage it is, and a child of a
/// single thread may walk.
#[test]
fn a_child_of_one_thread_may_walk() {
    #[alloc_family]
    enum Alone {
        Object,
    }
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(300);
    let parcels: Vec<_> = (0..10).map(|_| Parcel::new::<alone::Object>(32, 1)).collect();
    Child::new(|| {
        let mut visited = 0;
        walk(alone::Object, |_, _| visited += 1).unwrap();
        assert_eq!(visited, 10);
    })
    .wait();
    drop(parcels);
}
