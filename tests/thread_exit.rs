//! The end of a thread: nothing it had is lost, nothing it hands on is taken from under others, and
//! whatever runs while it ends may still allocate and free.

mod common;

use std::cell::RefCell;
#[cfg(unix)]
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use common::{Parcel, Watchdog, assert_all_given_back, one_at_a_time, resident_bytes, usage};
use famalloc::lifecycle::thread_finalize;
use famalloc::{FamilyBox, ScopeGuard, Snapshot, alloc_family, check, query, raw};

#[alloc_family]
enum Lives {
    Early,
    Late,
    Never,
}

/// Nothing is left in magazines of threads that are no more: all that is parked is in lanes, and
/// goes with a flush.
fn assert_nothing_left() {
    assert_all_given_back::<Lives>();
    for family in Snapshot::of::<Lives>().families {
        let parked: usize = family.classes.iter().map(|class| class.parked_objects).sum();
        assert_eq!(parked, 0, "slots of {} are in magazines of nobody", family.name);
    }
}

/// The set of the many short threads.
#[alloc_family]
enum Brief {
    Own,
    Legacy,
}

/// One thread's life: objects of several classes and families, one of which outlives it.
fn short_life(number: usize) -> Parcel {
    let legacy = Parcel::new::<brief::Legacy>(72, number as u8);
    let own: Vec<_> =
        (0..8).map(|object| Parcel::new::<brief::Own>(16 << (object % 5), object as u8)).collect();
    drop(own);
    legacy
}

fn live_through(threads: usize) {
    for number in 0..threads / 2 {
        let handles: [_; 2] =
            core::array::from_fn(|at| thread::spawn(move || short_life(number + at)));
        handles.into_iter().for_each(|handle| drop(handle.join().unwrap()));
    }
}

fn committed_bytes() -> usize {
    Snapshot::of::<Brief>().families.iter().map(|family| family.committed_bytes).sum()
}

#[test]
fn ten_thousand_threads_leave_no_more_behind_than_a_hundred() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(55);
    live_through(100);
    let (resident, committed) = (resident_bytes(), committed_bytes());
    live_through(9_900);
    // What this thread freed and has not flushed keeps a block here and there.
    let grown = committed_bytes().saturating_sub(committed);
    assert!(grown <= 256 << 10, "{grown} bytes more are in blocks");
    let grown = resident_bytes().saturating_sub(resident);
    assert!(grown <= 256 << 10, "{grown} bytes more are in memory");
    for class in Snapshot::of::<Brief>().families.iter().flat_map(|family| &family.classes) {
        // Two threads at a time, and this one.
        assert!(class.lanes <= 3, "threads that went left their {} lanes in use", class.lanes);
    }
    assert_all_given_back::<Brief>();
}

/// A value in thread-local storage whose destructor works in three families: one that its thread
/// used before, one it used after, and one it did not use.
struct Testament {
    held: RefCell<Vec<Parcel>>,
}

static TESTAMENTS: AtomicUsize = AtomicUsize::new(0);

impl Drop for Testament {
    fn drop(&mut self) {
        let mut held = self.held.take();
        for round in 0..100usize {
            held.push(Parcel::new::<lives::Early>(40, round as u8));
            held.push(Parcel::new::<lives::Late>(40, round as u8));
            held.push(Parcel::new::<lives::Never>(1 + round * 50, round as u8));
            held.swap_remove(round);
        }
        drop(held);
        TESTAMENTS.fetch_add(1, Ordering::Relaxed);
    }
}

thread_local! {
    static TESTAMENT: Testament = const { Testament { held: RefCell::new(Vec::new()) } };
}

fn bequeath() {
    TESTAMENT.with(|testament| {
        testament.held.borrow_mut().extend((0..20).map(|_| Parcel::new::<lives::Late>(40, 1)));
    });
}

/// Registers the thread-local's destructor without using any family.
fn register() {
    TESTAMENT.with(|testament| assert!(testament.held.borrow().is_empty()));
}

#[test]
fn destructors_of_thread_locals_allocate_and_free() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    let before = TESTAMENTS.load(Ordering::Relaxed);
    let orders: [fn(); 3] = [
        // The family before the destructor is registered, and after, and not at all.
        || {
            drop(Parcel::new::<lives::Early>(40, 2));
            bequeath();
        },
        || {
            register();
            drop(Parcel::new::<lives::Early>(40, 2));
            bequeath();
        },
        register,
    ];
    for order in orders {
        for _ in 0..5 {
            thread::spawn(order).join().unwrap();
        }
    }
    assert_eq!(TESTAMENTS.load(Ordering::Relaxed) - before, 15);
    assert_nothing_left();
}

#[test]
fn objects_outlive_the_thread_that_made_them() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    let (send, receive) = channel();
    for thread in 0..8u8 {
        let send = send.clone();
        thread::spawn(move || {
            let mine = (0..1_000).map(|at| Parcel::new::<lives::Early>(1 + at % 300, thread));
            send.send(mine.collect::<Vec<_>>()).unwrap();
        })
        .join()
        .unwrap();
    }
    drop(send);
    let legacies: Vec<_> = receive.iter().flatten().collect();
    assert_eq!(usage::<lives::Early>().live_objects, 8_000);
    check().unwrap();
    // Others work in the lanes that became free, without touching what is live there.
    thread::spawn(|| {
        drop(
            (0..10_000).map(|at| Parcel::new::<lives::Early>(1 + at % 300, 99)).collect::<Vec<_>>(),
        );
    })
    .join()
    .unwrap();
    legacies.iter().for_each(Parcel::verify);
    assert_eq!(usage::<lives::Early>().live_objects, 8_000);
    drop(legacies);
    assert_nothing_left();
}

#[test]
fn a_thread_that_only_frees_brings_everything_home() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    let mine: Vec<_> = (0..5_000).map(|_| Parcel::new::<lives::Never>(200, 4)).collect();
    let addresses: Vec<_> = mine.iter().map(Parcel::address).collect();
    let highest = addresses.iter().max().copied().unwrap();
    thread::spawn(move || drop(mine)).join().unwrap();
    check().unwrap();
    assert_eq!(usage::<lives::Never>().live_objects, 0);
    // What was freed is served again before anything new.
    let again: Vec<_> = (0..5_000).map(|_| Parcel::new::<lives::Never>(200, 4)).collect();
    let reused = again.iter().filter(|parcel| addresses.contains(&parcel.address())).count();
    assert!(reused >= 4_500, "only {reused} of 5,000 slots came back");
    assert!(again.iter().all(|parcel| parcel.address() <= highest + (1 << 16)));
    drop(again);
    assert_nothing_left();
}

/// Destructors of thread-specific keys run after those of thread-locals, in rounds, and famalloc's
/// own among them: this one works in families in every round, before and after it.
#[cfg(unix)] // Windows has no such keys
#[test]
fn destructors_of_keys_allocate_and_free_to_the_last() {
    use core::ffi::c_void;
    static ROUNDS: AtomicUsize = AtomicUsize::new(0);
    static KEY: AtomicUsize = AtomicUsize::new(0);

    unsafe extern "C" fn last_words(value: *mut c_void) {
        let rounds = ROUNDS.fetch_add(1, Ordering::Relaxed);
        let mut held: Vec<_> = (0..100).map(|_| Parcel::new::<lives::Early>(88, 6)).collect();
        held.push(Parcel::new::<lives::Never>(100_000, rounds as u8));
        held.truncate(30);
        held.push(Parcel::new::<lives::Late>(3, rounds as u8));
        drop(held);
        let key = KEY.load(Ordering::Relaxed) as libc::pthread_key_t;
        // SAFETY: the key was created and is never deleted. Asks for another round.
        unsafe { libc::pthread_setspecific(key, value) };
    }

    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    // Keys are served in order of their number: one before famalloc's, if it has none yet, and one
    // after it.
    for used_before in [false, true] {
        let mut key: libc::pthread_key_t = 0;
        if used_before {
            drop(Parcel::new::<lives::Early>(8, 0));
        }
        // SAFETY: valid for writes, and a hook of the right type.
        assert_eq!(unsafe { libc::pthread_key_create(&raw mut key, Some(last_words)) }, 0);
        KEY.store(key as usize, Ordering::Relaxed);
        for uses_family in [true, false] {
            let before = ROUNDS.load(Ordering::Relaxed);
            thread::spawn(move || {
                if uses_family {
                    drop(Parcel::new::<lives::Early>(88, 5));
                }
                // SAFETY: the key was created; any value but null makes its hook run.
                unsafe { libc::pthread_setspecific(key, (&raw const ROUNDS).cast()) };
            })
            .join()
            .unwrap();
            let rounds = ROUNDS.load(Ordering::Relaxed) - before;
            assert!(rounds >= 4, "the destructor ran {rounds} times");
            check().unwrap();
            assert_nothing_left();
        }
    }
}

/// What is freed after a thread's magazines have gone goes to its block at once: a full block has room
/// again, and an empty one goes.
#[cfg(unix)]
#[test]
fn what_is_freed_last_of_all_comes_home_one_by_one() {
    use core::ffi::c_void;
    static HELD: Mutex<Vec<Parcel>> = Mutex::new(Vec::new());

    unsafe extern "C" fn free_half(_: *mut c_void) {
        let mut held = HELD.lock().unwrap();
        let half = held.len() / 2;
        held.truncate(half);
    }

    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    // Famalloc's own key first.
    drop(Parcel::new::<lives::Early>(8, 0));
    let mut key: libc::pthread_key_t = 0;
    // SAFETY: valid for writes, and a hook of the right type.
    assert_eq!(unsafe { libc::pthread_key_create(&raw mut key, Some(free_half)) }, 0);
    let parcels = (0..400).map(|_| Parcel::new::<lives::Early>(1000, 5));
    HELD.lock().unwrap().extend(parcels);
    for half in [200, 100, 50] {
        let before = usage::<lives::Early>();
        thread::spawn(move || {
            drop(Parcel::new::<lives::Late>(88, 5));
            // SAFETY: the key was created; any value but null makes its hook run.
            unsafe { libc::pthread_setspecific(key, (&raw const HELD).cast()) };
        })
        .join()
        .unwrap();
        check().unwrap();
        let after = usage::<lives::Early>();
        assert_eq!(after.live_objects, half);
        // One of those that became empty may be kept.
        let freed = before.live_objects - after.live_objects;
        assert!(before.blocks - after.blocks + 2 >= freed / 64, "{before:?} {after:?}");
        assert!(after.lock_acquisitions >= before.lock_acquisitions + freed as u64);
        let class = after.classes.iter().find(|class| class.slot_bytes == 1024).unwrap();
        assert!(class.peak_objects >= 400, "{class:?}");
    }
    HELD.lock().unwrap().clear();
    assert_nothing_left();
}

/// What a thread gave up is not where the scope allocates: another family's row is there by then.
#[test]
fn the_scope_forgets_a_cache_that_was_given_up() {
    #[alloc_family]
    enum Lives {
        General,
        Inner,
        Other,
    }
    let _alone = one_at_a_time();
    let families = [(Lives::General, "General"), (Lives::Inner, "Inner")];
    for (family, name) in families {
        let _scope = ScopeGuard::enter(&family);
        let family_now = || {
            let start = raw::alloc_bytes_in_scope::<Lives>(48).unwrap();
            let family = query(start.as_ptr()).unwrap().family;
            // SAFETY: allocated just now, and not used again.
            unsafe { raw::free::<Lives>(start).unwrap() };
            family
        };
        assert_eq!(family_now(), name);
        thread_finalize();
        drop(FamilyBox::<[u64; 6], _>::new_in([7; 6], lives::Other));
        assert_eq!(family_now(), name);
        thread_finalize();
    }
    assert_all_given_back::<Lives>();
}
