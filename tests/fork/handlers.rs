//! The program's own handlers of a fork, which use the allocator and fork themselves.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use std::thread;

use famalloc::check;

use crate::births::use_set;
use crate::common::{Parcel, Random, Watchdog, assert_success, case, child};
use crate::kit::{Busy, Child, begin as note_process, on_a_thread, some, use_everything};

/// What handlers keep from one to the next.
static KEPT: Mutex<Vec<Parcel>> = Mutex::new(Vec::new());
/// How many families the program has begun to use.
static PROGRESS: AtomicUsize = AtomicUsize::new(0);
/// How often the handlers may still fork, in this process.
static FORKS_LEFT: AtomicI32 = AtomicI32::new(0);
/// Whether this process is the child of a fork in a handler, in the midst of the outer fork.
static FORKED_INSIDE: AtomicBool = AtomicBool::new(false);
static CALLS: AtomicUsize = AtomicUsize::new(0);

/// A handler: it frees what the last one made, and makes some more.
extern "C" fn handle() {
    CALLS.fetch_add(1, Ordering::Relaxed);
    let mut kept = std::mem::take(&mut *KEPT.lock().unwrap());
    use_everything(&mut kept);
    // A family that nobody has used before; the busy threads are soon to follow.
    use_set(PROGRESS.fetch_add(1, Ordering::Relaxed));
    kept.extend(some());
    *KEPT.lock().unwrap() = kept;
    if FORKS_LEFT.fetch_sub(1, Ordering::Relaxed) > 0 {
        Child::new(|| use_everything(&mut some())).wait();
    }
}

/// A handler that forks, and lets both processes go on with the outer fork.
extern "C" fn fork_inside() {
    if FORKS_LEFT.fetch_sub(1, Ordering::Relaxed) != 1 {
        return;
    }
    // SAFETY: what the child does is what is tested.
    match unsafe { libc::fork() } {
        0 => FORKED_INSIDE.store(true, Ordering::Relaxed),
        pid => Child(pid).wait(),
    }
    use_everything(&mut some());
}

pub(crate) fn register(handler: extern "C" fn(), stages: [bool; 3]) {
    let [prepare, parent, child] = stages.map(|wanted| {
        // The two types differ in that a call of the one is unsafe.
        wanted.then_some(handler as unsafe extern "C" fn())
    });
    // SAFETY: functions of the type asked for.
    assert_eq!(unsafe { libc::pthread_atfork(prepare, parent, child) }, 0);
}

/// Forks with handlers, while others are busy.
fn fork_with_handlers(turns: usize, forks_inside: i32) {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for thread in 0..2 {
            let stop = &stop;
            scope.spawn(move || {
                let mut random = Random::new(thread);
                while !stop.load(Ordering::Relaxed) {
                    use_set(random.below(PROGRESS.load(Ordering::Relaxed) + 1));
                }
            });
        }
        let _busy = Busy::threads(2);
        for _ in 0..turns {
            FORKS_LEFT.store(forks_inside, Ordering::Relaxed);
            let child = Child::new(|| {
                use_everything(&mut some());
                on_a_thread(|| use_everything(&mut some()));
            });
            child.wait();
            if FORKED_INSIDE.load(Ordering::Relaxed) {
                use_everything(&mut some());
                // SAFETY: the other process goes on with the test.
                unsafe { libc::_exit(0) };
            }
            check().unwrap();
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(CALLS.load(Ordering::Relaxed) >= 2 * turns || forks_inside > 0);
}

const ALL: [bool; 3] = [true; 3];

#[test]
fn handlers_use_the_allocator() {
    let cases = [
        "before",
        "after",
        "both",
        "first",
        "prepare forks",
        "parent forks",
        "child forks",
        "after forks",
        "prepare goes on",
        "child goes on",
        "after goes on",
    ];
    let Some(case) = case() else {
        for case in cases {
            assert_success(child("handlers::handlers_use_the_allocator", case));
        }
        return;
    };
    let _watchdog = Watchdog::of_seconds(300);
    note_process();
    // What makes the first use of a family, and so has the allocator's handlers registered.
    let begin = || drop(some());
    match case.as_str() {
        "before" => {
            register(handle, ALL);
            begin();
            fork_with_handlers(4, 0);
        }
        "after" => {
            begin();
            register(handle, ALL);
            fork_with_handlers(4, 0);
        }
        "both" => {
            register(handle, ALL);
            begin();
            register(handle, ALL);
            fork_with_handlers(3, 0);
        }
        "first" => {
            // The first allocation of all is in a handler of a fork.
            register(handle, ALL);
            Child::new(|| use_everything(&mut some())).wait();
            fork_with_handlers(4, 0);
        }
        "prepare forks" => {
            register(handle, [true, false, false]);
            begin();
            fork_with_handlers(3, 1);
        }
        "parent forks" => {
            register(handle, [false, true, false]);
            begin();
            fork_with_handlers(3, 1);
        }
        "child forks" => {
            register(handle, [false, false, true]);
            begin();
            fork_with_handlers(3, 1);
        }
        "after forks" => {
            begin();
            register(handle, ALL);
            fork_with_handlers(3, 2);
        }
        "prepare goes on" => {
            register(fork_inside, [true, false, false]);
            begin();
            fork_with_handlers(3, 1);
        }
        "child goes on" => {
            register(fork_inside, [false, false, true]);
            begin();
            fork_with_handlers(3, 1);
        }
        "after goes on" => {
            begin();
            register(fork_inside, [true, false, false]);
            fork_with_handlers(3, 1);
        }
        _ => panic!("no such case"),
    }
}
