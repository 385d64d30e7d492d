//! What a thread leaves behind its exit hook, or for want of one, is found by those after it; and who only
//! frees a little leaves nothing.

#![cfg(all(target_os = "linux", not(miri)))]

mod common;

use core::ffi::c_void;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;

use common::{
    Parcel, Watchdog, assert_all_given_back, assert_success, case, child, on_a_thread,
    one_at_a_time,
};
use famalloc::{ClassUse, Family, alloc_family, check, walk};

#[alloc_family]
enum Lives {
    Work,
    Other,
}

/// The slots in the magazines and depots of a family.
fn parked<F: Family>() -> usize {
    ClassUse::of(F::default()).map(|class| class.parked_objects).sum()
}

/// Runs a function on a thread that the C library alone knows of, and waits for it to be gone.
fn on_a_bare_thread(body: extern "C" fn(*mut c_void) -> *mut c_void) {
    let mut thread = MaybeUninit::uninit();
    // SAFETY: valid for writes, and a function of the right type.
    let made =
        unsafe { libc::pthread_create(thread.as_mut_ptr(), ptr::null(), body, ptr::null_mut()) };
    assert_eq!(made, 0);
    // SAFETY: created just now.
    assert_eq!(unsafe { libc::pthread_join(thread.assume_init(), ptr::null_mut()) }, 0);
}

/// Ends the calling thread as the C library's last step does, without its others.
fn end_at_once() -> ! {
    // SAFETY: the thread has nothing to drop.
    unsafe { libc::syscall(libc::SYS_exit, 0) };
    unreachable!();
}

/// Works in both families, in some classes, and ends without a word to anyone.
extern "C" fn work_and_vanish(_: *mut c_void) -> *mut c_void {
    for size in [8, 40, 700] {
        drop((0..60).map(|_| Parcel::new::<lives::Work>(size, 1)).collect::<Vec<_>>());
        drop(Parcel::new::<lives::Other>(size, 2));
    }
    end_at_once()
}

/// Most of what a thread as above leaves in the magazines of a family.
const LEFT: usize = 3 * 2 * 126;

#[test]
fn who_vanishes_is_found_by_those_who_come() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    let mut most = 0;
    for _ in 0..500 {
        on_a_bare_thread(work_and_vanish);
        most = most.max(parked::<lives::Work>());
    }
    // Marks of no use are at most a third of those of the living, and a few.
    assert!(most <= 4 * LEFT, "{most} slots are lost");
    for class in ClassUse::of(lives::Work) {
        assert!(class.lanes <= 4, "those who vanished keep {} lanes", class.lanes);
    }
    check().unwrap();
    assert_all_given_back::<Lives>();
    assert_eq!(parked::<lives::Work>() + parked::<lives::Other>(), 0);
}

/// The memory that it left is there when it is asked for, without a new thread.
#[test]
fn who_vanishes_is_found_by_a_flush_a_walk_and_who_is_at_a_limit() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    on_a_bare_thread(work_and_vanish);
    assert!(parked::<lives::Work>() > 0, "nothing was left");
    famalloc::flush();
    assert_eq!(parked::<lives::Work>(), 0);

    on_a_bare_thread(work_and_vanish);
    walk(lives::Work, |_, _| unreachable!("no object is left")).unwrap();
    assert_eq!(parked::<lives::Work>(), 0);

    on_a_bare_thread(work_and_vanish);
    // SAFETY: nothing of the family is in use.
    unsafe { famalloc::free_all(lives::Work) }.unwrap();
    assert_eq!(parked::<lives::Work>(), 0);
    assert_all_given_back::<Lives>();
}

#[alloc_family]
enum Narrow {
    /// Room for two blocks.
    #[family(limit = "128 KiB")]
    Cell,
}

#[test]
fn what_was_left_serves_who_is_at_the_limit() {
    extern "C" fn take_all_and_vanish(_: *mut c_void) -> *mut c_void {
        drop((0..4).map(|_| Parcel::new::<narrow::Cell>(32 << 10, 1)).collect::<Vec<_>>());
        end_at_once()
    }
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    // This thread has a mark, and so will not look for that.
    drop(Parcel::new::<lives::Work>(8, 0));
    on_a_bare_thread(take_all_and_vanish);
    let held: Vec<_> =
        core::iter::from_fn(|| Parcel::try_new::<narrow::Cell>(32 << 10, 2).ok()).collect();
    assert_eq!(held.len(), 4, "not all of the limit's 128 KiB could be had");
    drop(held);
    assert_all_given_back::<Narrow>();
}

#[test]
fn who_vanishes_is_found_by_who_grows() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    drop(Parcel::new::<lives::Work>(8, 0));
    on_a_bare_thread(work_and_vanish);
    assert!(parked::<lives::Other>() > 0, "nothing was left");
    let held: Vec<_> = (0..16 << 10).map(|_| Parcel::new::<lives::Work>(1 << 10, 2)).collect();
    assert_eq!(parked::<lives::Other>(), 0);
    drop(held);
    assert_all_given_back::<Lives>();
}

/// Living threads, at rest or at work, are never taken for dead by those that come and go.
#[test]
fn who_lives_keeps_what_is_his() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    let (ready, done) = (Barrier::new(7), AtomicBool::new(false));
    thread::scope(|scope| {
        let (ready, done) = (&ready, &done);
        let spawn = |number: u8| {
            scope.spawn(move || {
                drop(Parcel::new::<lives::Work>(40, 3));
                ready.wait();
                let mut held = Vec::new();
                while !done.load(Ordering::Relaxed) {
                    if number % 2 == 0 {
                        held.push(Parcel::new::<lives::Work>(40, number));
                        held.truncate(50);
                    } else {
                        thread::sleep(core::time::Duration::from_millis(1));
                    }
                }
            })
        };
        let living: Vec<_> = (0..6).map(spawn).collect();
        ready.wait();
        for _ in 0..300 {
            on_a_bare_thread(work_and_vanish);
            on_a_thread(|| drop(Parcel::new::<lives::Work>(40, 5)));
        }
        done.store(true, Ordering::Relaxed);
        living.into_iter().for_each(|thread| thread.join().unwrap());
    });
    check().unwrap();
    assert_all_given_back::<Lives>();
}

/// Some vanish and some end as they should, many at once.
#[test]
fn who_vanishes_beside_others_is_found() {
    extern "C" fn work_and_end(_: *mut c_void) -> *mut c_void {
        drop(Parcel::new::<lives::Work>(40, 4));
        ptr::null_mut()
    }
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    thread::scope(|scope| {
        for number in 0..6 {
            scope.spawn(move || {
                for round in 0..200 {
                    let ends = (round + number) % 3 == 0;
                    on_a_bare_thread(if ends { work_and_end } else { work_and_vanish });
                }
            });
        }
    });
    check().unwrap();
    assert_all_given_back::<Lives>();
    assert_eq!(parked::<lives::Work>() + parked::<lives::Other>(), 0);
}

/// The thread that forked is the child's first. It has rows from before, vanishes, and is found.
#[test]
fn who_vanishes_in_a_child_is_found() {
    extern "C" fn find(_: *mut c_void) -> *mut c_void {
        for _ in 0..5_000 {
            famalloc::flush();
            if parked::<lives::Work>() == 0 {
                // SAFETY: the child ends without a word to anyone.
                unsafe { libc::_exit(0) };
            }
            thread::sleep(core::time::Duration::from_millis(1));
        }
        // SAFETY: as above.
        unsafe { libc::_exit(1) };
    }
    extern "C" fn fork(_: *mut c_void) -> *mut c_void {
        drop(Parcel::new::<lives::Work>(40, 4));
        // SAFETY: the child uses what a child may use.
        let child = unsafe { libc::fork() };
        if child == 0 {
            assert!(parked::<lives::Work>() > 0);
            let mut thread = MaybeUninit::uninit();
            // SAFETY: valid for writes, and a function of the right type.
            unsafe {
                libc::pthread_create(thread.as_mut_ptr(), ptr::null(), find, ptr::null_mut());
            }
            end_at_once();
        }
        let mut status = -1;
        // SAFETY: valid for writes.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!(status, 0, "what the thread left in the child was not found");
        ptr::null_mut()
    }
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    on_a_bare_thread(fork);
    assert_all_given_back::<Lives>();
}

/// Rows of a family are made by its first allocation, or by many frees: not by the few that the C library
/// does for a thread that ends.
#[test]
fn a_few_frees_leave_nothing() {
    static HELD: Mutex<Vec<Parcel>> = Mutex::new(Vec::new());
    static SEEN: Mutex<Vec<usize>> = Mutex::new(Vec::new());
    extern "C" fn free_one_by_one(_: *mut c_void) -> *mut c_void {
        while let Some(parcel) = HELD.lock().unwrap().pop() {
            drop(parcel);
            SEEN.lock().unwrap().push(parked::<lives::Work>());
        }
        ptr::null_mut()
    }

    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    HELD.lock().unwrap().extend((0..100).map(|_| Parcel::new::<lives::Work>(56, 4)));
    famalloc::lifecycle::thread_finalize();
    famalloc::flush();
    on_a_bare_thread(free_one_by_one);
    let seen = SEEN.lock().unwrap();
    let few = seen.iter().take_while(|&&parked| parked == 0).count();
    assert!((8..=16).contains(&few), "after {few} frees something was parked: {seen:?}");
    assert_eq!(seen.last(), Some(&(100 - few)), "the thread went on without magazines");
    // Its hook was called.
    assert_eq!(parked::<lives::Work>(), 0);
    assert_all_given_back::<Lives>();
}

/// A destructor of a key that runs first in the last round, when no hook is called any more.
#[test]
fn what_the_last_round_of_destructors_leaves_is_found() {
    static KEY: AtomicUsize = AtomicUsize::new(0);
    static LAST: AtomicUsize = AtomicUsize::new(0);
    unsafe extern "C" fn again(round: *mut c_void) {
        let key = KEY.load(Ordering::Relaxed) as libc::pthread_key_t;
        if round.addr() < 4 {
            // SAFETY: the key was created. Asks for another round.
            unsafe { libc::pthread_setspecific(key, round.wrapping_byte_add(1)) };
        } else {
            drop((0..80).map(|_| Parcel::new::<lives::Work>(90, 8)).collect::<Vec<_>>());
            LAST.fetch_add(1, Ordering::Relaxed);
        }
    }
    extern "C" fn set(_: *mut c_void) -> *mut c_void {
        let key = KEY.load(Ordering::Relaxed) as libc::pthread_key_t;
        // SAFETY: the key was created; any value but null makes its hook run.
        unsafe { libc::pthread_setspecific(key, ptr::without_provenance(1)) };
        ptr::null_mut()
    }

    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    // Famalloc's key first: it is served before in each round.
    drop(Parcel::new::<lives::Work>(90, 0));
    let mut key: libc::pthread_key_t = 0;
    // SAFETY: valid for writes, and a hook of the right type.
    assert_eq!(unsafe { libc::pthread_key_create(&raw mut key, Some(again)) }, 0);
    KEY.store(key as usize, Ordering::Relaxed);
    let mut most = 0;
    for _ in 0..300 {
        on_a_bare_thread(set);
        most = most.max(parked::<lives::Work>());
    }
    assert_eq!(LAST.load(Ordering::Relaxed), 300);
    assert!(most <= 4 * LEFT, "{most} slots are lost");
    assert_all_given_back::<Lives>();
    assert_eq!(parked::<lives::Work>(), 0);
}

/// Makes all keys that there are still to be had.
fn take_keys() -> Vec<libc::pthread_key_t> {
    let mut key: libc::pthread_key_t = 0;
    // SAFETY: valid for writes.
    let make = || (unsafe { libc::pthread_key_create(&raw mut key, None) } == 0).then_some(key);
    core::iter::from_fn(make).collect()
}

fn delete_key(key: libc::pthread_key_t) {
    // SAFETY: made by `take_keys`, and never used.
    assert_eq!(unsafe { libc::pthread_key_delete(key) }, 0);
}

/// How many keys are still to be had.
fn free_keys() -> usize {
    take_keys().into_iter().map(delete_key).count()
}

/// In a process that has used all keys, threads do without magazines, and leave nothing.
#[test]
fn without_keys() {
    if case().is_none() {
        return assert_success(child("without_keys", "here"));
    }
    let mut keys = take_keys();
    for round in 0..3u8 {
        on_a_thread(|| {
            let held: Vec<_> = (0..50).map(|_| Parcel::new::<lives::Work>(40, round)).collect();
            drop(held);
            assert_eq!(parked::<lives::Work>(), 0, "there are magazines, and no hook");
        });
    }
    // A key has become free: those that come now have magazines.
    keys.pop().map(delete_key).unwrap();
    on_a_thread(|| {
        drop(Parcel::new::<lives::Work>(40, 7));
        assert!(parked::<lives::Work>() > 0, "there is a key, and no magazine");
    });
    assert_eq!(parked::<lives::Work>(), 0);
    check().unwrap();
    assert_all_given_back::<Lives>();
}

/// Threads that are the first to use a family at once take one key among them.
#[test]
fn one_key_for_all() {
    if case().is_none() {
        for _ in 0..40 {
            assert_success(child("one_key_for_all", "here"));
        }
        return;
    }
    const THREADS: usize = 2;
    // The family is there, and nobody has a key: what is left to do at its first use is to make one.
    let keys = take_keys();
    drop(Parcel::new::<lives::Work>(40, 7));
    keys.into_iter().for_each(delete_key);
    let before = free_keys();
    let (ready, made) = (AtomicUsize::new(0), Barrier::new(THREADS + 1));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                ready.fetch_add(1, Ordering::Relaxed);
                while ready.load(Ordering::Relaxed) < THREADS {
                    core::hint::spin_loop();
                }
                drop(Parcel::new::<lives::Work>(40, 7));
                made.wait();
            });
        }
        made.wait();
    });
    assert_eq!(free_keys(), before - 1);
}
