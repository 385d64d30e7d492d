//! The thread in the background: what it leaves alone, and whose it is. (That it gives back what sleeping
//! threads hold is among the tests of those.)

mod common;

use std::thread;
use std::time::Duration;

use common::recorder::{Asked, Recorder};
use common::system::threads as tasks;
use common::{Parcel, Watchdog, assert_success, case, child, on_a_thread};
use famalloc::{alloc_family, lifecycle, options};

#[cfg(unix)]
/// A period after which nobody looks any more here.
const LONG: Duration = Duration::from_secs(3600);

/// Waits until the thread that there is beside `before` others has ended.
fn wait_for_its_end(before: usize) {
    while tasks() > before {
        thread::sleep(Duration::from_millis(1));
    }
}

#[cfg(unix)] // Windows has no forks
/// What [`fork`](libc::fork) does; or, by the system's own call, what nobody is told of.
fn forked(unnoticed: bool) -> libc::pid_t {
    if unnoticed {
        // SAFETY: as a fork, of which only the C library does not know; the child uses little of that.
        unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) as libc::pid_t }
    } else {
        // SAFETY: what the child does is what is tested.
        unsafe { libc::fork() }
    }
}

#[cfg(unix)]
/// A child does `work`, within a minute, and all goes well.
fn in_a_child(unnoticed: bool, work: fn()) {
    let pid = forked(unnoticed);
    assert_ne!(pid, -1, "no more processes");
    if pid == 0 {
        // SAFETY: no handler is set: the signal ends the child.
        unsafe { libc::alarm(60) };
        let done = std::panic::catch_unwind(work);
        // SAFETY: has no preconditions.
        unsafe { libc::_exit(i32::from(done.is_err())) }
    }
    let mut status = -1;
    // SAFETY: `status` is valid for writes.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    assert_eq!(status, 0, "the child failed");
}

#[cfg(unix)]
/// A child has none, and may have one of its own.
fn has_one_of_its_own() {
    assert_eq!(tasks(), 1);
    lifecycle::stop_background();
    assert!(lifecycle::start_background(LONG));
    assert_eq!(tasks(), 2, "there is one, it is said, and there is none");
    lifecycle::stop_background();
    wait_for_its_end(1);
}

#[cfg(unix)]
#[test]
fn a_child_has_a_thread_of_its_own() {
    #[alloc_family]
    enum Lives {
        Any,
    }
    let _watchdog = Watchdog::of_seconds(120);
    let Some(case) = case() else {
        for case in ["before any use", "unnoticed"] {
            assert_success(child("a_child_has_a_thread_of_its_own", case));
        }
        return;
    };
    let unnoticed = case == "unnoticed";
    if unnoticed {
        drop(Parcel::new::<lives::Any>(100, 1));
    }
    assert!(lifecycle::start_background(LONG));
    in_a_child(unnoticed, has_one_of_its_own);
    lifecycle::stop_background();
}

/// By the thread in the background neither.
#[test]
fn what_shall_stay_for_ever_stays() {
    static PAGES: Recorder = Recorder::new();
    #[alloc_family(source = PAGES)]
    enum Kept {
        Any,
    }
    let _watchdog = Watchdog::of_seconds(120);
    if case().is_none() {
        assert_success(child("what_shall_stay_for_ever_stays", "alone"));
        return;
    }
    options::set_purge_delay(options::NEVER);
    on_a_thread(|| {
        drop((0..50_000).map(|_| Parcel::new::<kept::Any>(100, 1)).collect::<Vec<_>>());
    });
    let before = tasks();
    assert!(lifecycle::start_background(Duration::from_millis(1)));
    // Nobody has magazines: it ends by itself, after it has given back what it would.
    wait_for_its_end(before);
    assert_eq!(PAGES.ranges(Asked::Decommit), [], "memory was given back");
    famalloc::reclaim(usize::MAX);
    assert_ne!(PAGES.ranges(Asked::Decommit), [], "there was nothing to give back");
}
