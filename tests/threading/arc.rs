//! Handles of several threads at once: clone, drop, downgrade, upgrade and the rest race, each value
//! is dropped once, and each slot is freed.
//!
//! The values hold plain memory that handles read and the destructor writes, so that a missing
//! ordering is a data race, for ThreadSanitizer and Miri to see, and not only a wrong count.

use std::hint;
use std::ptr;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use crate::common::{Random, Watchdog, on_a_thread, one_at_a_time, usage};
use famalloc::{AnyFamily, FamilyArc, FamilyArcWeak, ThinStr, alloc_family};

#[alloc_family]
enum Lives {
    Shared,
}

type Handle = FamilyArc<Value, lives::Shared>;
type Weak = FamilyArcWeak<Value, lives::Shared>;

/// Fewer under an interpreter.
const ROUNDS: usize = if cfg!(miri) { 10 } else { 2_000 };

const ALIVE: u64 = 0x1234_5678_9abc_def0;

static MADE: AtomicUsize = AtomicUsize::new(0);
static DROPPED: AtomicUsize = AtomicUsize::new(0);

/// Plain memory that says whether the value is alive.
struct Value {
    state: u64,
    touched: u64,
}

impl Value {
    fn new() -> Self {
        MADE.fetch_add(1, Ordering::Relaxed);
        Self { state: ALIVE, touched: 0 }
    }

    fn check(&self) {
        // Each time from memory.
        // SAFETY: a field of ours.
        let state = unsafe { ptr::read_volatile(&self.state) };
        assert_eq!(state, ALIVE, "a handle leads to a value that is gone");
    }
}

impl Clone for Value {
    fn clone(&self) -> Self {
        self.check();
        let mut copy = Self::new();
        copy.touched = self.touched;
        copy
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.check();
        // SAFETY: a field of ours.
        unsafe { ptr::write_volatile(&mut self.state, 0) };
        DROPPED.fetch_add(1, Ordering::Relaxed);
    }
}

/// After the test every value was dropped once and no slot is in use. It joins every thread that it
/// starts, since counts are exact only when they have ended.
fn nothing_is_left(test: impl FnOnce() + Send) {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(300);
    MADE.store(0, Ordering::Relaxed);
    DROPPED.store(0, Ordering::Relaxed);
    on_a_thread(test);
    assert_eq!(MADE.load(Ordering::Relaxed), DROPPED.load(Ordering::Relaxed));
    assert!(MADE.load(Ordering::Relaxed) > 0);
    assert_eq!(usage::<lives::Shared>().live_objects, 0);
}

/// Runs both sides of each round at the same time, each with what `make` made for it.
fn race<A: Send, B: Send>(
    make: impl Fn() -> (A, B),
    one: impl Fn(A) + Sync,
    other: impl Fn(B) + Sync,
) {
    let barrier = Barrier::new(2);
    let (send, receive) = channel();
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let receive = receive;
            for part in receive {
                barrier.wait();
                other(part);
            }
        });
        let mut random = Random::new(1);
        for _ in 0..ROUNDS {
            let (part, their_part) = make();
            send.send(their_part).unwrap();
            barrier.wait();
            // Not always the same one is first.
            (0..random.below(64)).for_each(|_| hint::spin_loop());
            one(part);
        }
        drop(send);
        thread.join().unwrap();
    });
}

fn pair() -> (Handle, Handle) {
    let one = Handle::new_in(Value::new(), lives::Shared);
    (one.clone(), one)
}

fn strong_and_weak() -> (Handle, Weak) {
    let one = Handle::new_in(Value::new(), lives::Shared);
    let weak = FamilyArc::downgrade(&one);
    (one, weak)
}

#[test]
fn random_operations_of_several_threads() {
    fn work(seed: u64, first: Handle) {
        let mut random = Random::new(seed);
        let (mut strong, mut weak) = (vec![first], Vec::<Weak>::new());
        for _ in 0..ROUNDS * 10 {
            match random.below(10) {
                0 | 1 if !strong.is_empty() && strong.len() < 20 => {
                    strong.push(strong[random.below(strong.len())].clone());
                }
                2 | 3 if strong.len() > 1 => {
                    drop(strong.swap_remove(random.below(strong.len())));
                }
                4 | 5 if !strong.is_empty() && weak.len() < 20 => {
                    weak.push(FamilyArc::downgrade(&strong[random.below(strong.len())]));
                }
                6 if !weak.is_empty() => drop(weak.swap_remove(random.below(weak.len()))),
                7 | 8 if !weak.is_empty() => {
                    if let Some(handle) = weak[random.below(weak.len())].upgrade() {
                        handle.check();
                        if strong.len() < 20 {
                            strong.push(handle);
                        }
                    }
                }
                _ => {
                    let at = random.below(strong.len());
                    strong[at].check();
                    if random.below(20) == 0 {
                        FamilyArc::make_mut(&mut strong[at]).touched += 1;
                    } else if let Some(value) = FamilyArc::get_mut(&mut strong[at]) {
                        value.touched += 1;
                    }
                }
            }
        }
    }
    nothing_is_left(|| {
        let first = Handle::new_in(Value::new(), lives::Shared);
        thread::scope(|scope| {
            let threads = [0, 1, 2, 3].map(|seed| {
                let first = first.clone();
                scope.spawn(move || work(seed, first))
            });
            drop(first);
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
    });
}

#[test]
fn the_last_of_two_drops_the_value() {
    nothing_is_left(|| {
        let side = |handle: Handle| {
            handle.check();
            drop(handle);
        };
        race(pair, side, side);
        assert_eq!(MADE.load(Ordering::Relaxed), ROUNDS);
    });
}

#[test]
fn exactly_one_gets_the_value_of_into_inner() {
    nothing_is_left(|| {
        let got = AtomicUsize::new(0);
        let side = |handle: Handle| {
            handle.check();
            if let Some(mut value) = FamilyArc::into_inner(handle) {
                value.touched += 1;
                got.fetch_add(1, Ordering::Relaxed);
            }
        };
        race(pair, side, side);
        assert_eq!(got.into_inner(), ROUNDS);
    });
}

#[test]
fn at_most_one_unwraps_the_value() {
    nothing_is_left(|| {
        let got = AtomicUsize::new(0);
        let side = |handle: Handle| {
            handle.check();
            match FamilyArc::try_unwrap(handle) {
                Ok(mut value) => {
                    value.touched += 1;
                    got.fetch_add(1, Ordering::Relaxed);
                }
                Err(handle) => handle.check(),
            }
        };
        race(pair, side, side);
        assert!(got.load(Ordering::Relaxed) <= ROUNDS);
        // And with a weak handle that may become a strong one meanwhile.
        race(strong_and_weak, side, |weak| {
            if let Some(handle) = weak.upgrade() {
                handle.check();
            }
        });
    });
}

#[test]
fn a_value_is_borrowed_mutably_by_its_only_handle() {
    nothing_is_left(|| {
        let until_alone = |mut handle: Handle| {
            let value = loop {
                match FamilyArc::get_mut(&mut handle) {
                    Some(value) => break value,
                    None => thread::yield_now(),
                }
            };
            // What the others read before.
            value.state = 0;
            value.touched += 1;
            value.state = ALIVE;
        };
        race(pair, until_alone, |handle| handle.check());
        race(strong_and_weak, until_alone, |weak| {
            if let Some(handle) = weak.clone().upgrade() {
                handle.check();
            }
        });
    });
}

#[test]
fn a_value_parts_from_its_other_handles() {
    nothing_is_left(|| {
        let change = |mut handle: Handle| {
            let value = FamilyArc::make_mut(&mut handle);
            value.state = 0;
            value.touched += 1;
            value.state = ALIVE;
            handle.check();
        };
        race(pair, change, change);
        race(strong_and_weak, change, |weak| {
            let handle = weak.upgrade();
            drop(weak);
            if let Some(handle) = handle {
                handle.check();
            }
        });
    });
}

#[test]
fn weak_handles_race_with_the_last_strong_one() {
    nothing_is_left(|| {
        let (gone, there) = (AtomicUsize::new(0), AtomicUsize::new(0));
        race(strong_and_weak, drop::<Handle>, |weak| match weak.upgrade() {
            Some(handle) => {
                handle.check();
                there.fetch_add(1, Ordering::Relaxed);
            }
            None => {
                assert_eq!((weak.strong_count(), weak.weak_count()), (0, 0));
                gone.fetch_add(1, Ordering::Relaxed);
            }
        });
        assert_eq!(gone.into_inner() + there.into_inner(), ROUNDS);
    });
}

#[test]
fn the_last_of_two_weak_handles_frees_the_slot() {
    nothing_is_left(|| {
        let watched = || {
            let (one, weak) = strong_and_weak();
            drop(one);
            (weak.clone(), weak)
        };
        race(watched, drop::<Weak>, drop::<Weak>);
    });
}

#[test]
fn the_value_of_a_cycle_is_seen_whole() {
    nothing_is_left(|| {
        let (send, receive) = channel::<Weak>();
        thread::scope(|scope| {
            let thread = scope.spawn(move || {
                for weak in receive {
                    let handle = loop {
                        match weak.upgrade() {
                            Some(handle) => break handle,
                            None => thread::yield_now(),
                        }
                    };
                    handle.check();
                }
            });
            for _ in 0..ROUNDS {
                let mut watch = None;
                let handle = Handle::new_cyclic_in(
                    |weak| {
                        watch = Some(weak.clone());
                        send.send(weak.clone()).unwrap();
                        Value::new()
                    },
                    lives::Shared,
                );
                handle.check();
                // Until the other thread had it: it would wait for ever for a value that is gone.
                let watch = watch.unwrap();
                while watch.weak_count() > 1 {
                    thread::yield_now();
                }
            }
            drop(send);
            thread.join().unwrap();
        });
    });
}

#[test]
fn values_may_be_dropped_by_another_thread_than_made_them() {
    nothing_is_left(|| {
        let (send, receive) = channel();
        thread::scope(|scope| {
            let thread = scope.spawn(move || {
                for _ in 0..ROUNDS {
                    send.send(Handle::new_in(Value::new(), lives::Shared)).unwrap();
                }
            });
            let kept: Vec<Handle> = receive.into_iter().collect();
            thread.join().unwrap();
            kept.iter().for_each(|handle| handle.check());
            assert_eq!(usage::<lives::Shared>().live_objects, ROUNDS);
        });
    });
}

#[test]
fn handles_in_a_family_known_at_run_time_race_as_well() {
    nothing_is_left(|| {
        let home = AnyFamily::from(Lives::Shared);
        let watched = || {
            let one = FamilyArc::new_in((Value::new(), ThinStr::from_str_in("text", home)), home);
            let weak = FamilyArc::downgrade(&one);
            ((one.clone(), weak.clone()), (one, weak))
        };
        type Pair = (Value, ThinStr<AnyFamily<Lives>>);
        type Watched = (FamilyArc<Pair, AnyFamily<Lives>>, FamilyArcWeak<Pair, AnyFamily<Lives>>);
        let side = |(mut handle, weak): Watched| {
            handle.0.check();
            match FamilyArc::get_mut(&mut handle) {
                Some(value) => value.0.touched += 1,
                None => drop(handle),
            }
            if let Some(handle) = weak.upgrade() {
                handle.0.check();
                assert_eq!(handle.1, "text");
            }
        };
        race(watched, side, side);
        assert_eq!(MADE.load(Ordering::Relaxed), ROUNDS);
    });
}
