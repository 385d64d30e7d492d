//! The end of threads and of the process with famalloc as the global allocator: destructors of
//! thread-locals and of keys, in whatever order and however many rounds, allocate and free, and
//! nothing stays behind.

mod common;

#[cfg(unix)]
use core::ffi::c_void;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use common::{Watchdog, case, child, one_at_a_time, outcome, resident_bytes, usage};
use famalloc::{FamAlloc, ScopeGuard, Snapshot, alloc_family, check, flush, query};

#[alloc_family]
#[derive(Clone, Copy)]
enum Lives {
    General,
    Early,
    Late,
    Never,
}

#[global_allocator]
static GLOBAL: FamAlloc<Lives> = FamAlloc::new();

const FAMILIES: [Lives; 3] = [Lives::Early, Lives::Late, Lives::Never];

/// Nothing is live in the families that are the tests' own, nor in magazines of nobody.
fn assert_nothing_left() {
    flush();
    check().unwrap();
    for used in &Snapshot::of::<Lives>().families[1..] {
        assert_eq!((used.live_objects, used.committed_bytes), (0, 0), "left in {}", used.name);
        let parked: usize = used.classes.iter().map(|class| class.parked_objects).sum();
        assert_eq!(parked, 0, "slots of {} are in magazines of nobody", used.name);
    }
}

/// A map of texts that grew, shrank, and is in the family named; by what any code does.
fn library(lives: Lives, size: usize) -> BTreeMap<usize, Rc<Vec<String>>> {
    let _scope = ScopeGuard::enter(&lives);
    let mut map = BTreeMap::new();
    for shelf in 0..size {
        let books: Vec<String> = (0..shelf % 7).map(|book| format!("{shelf}/{book}")).collect();
        map.insert(shelf, Rc::new(books));
    }
    map.retain(|shelf, _| shelf % 3 > 0);
    map
}

fn verify(library: &BTreeMap<usize, Rc<Vec<String>>>, lives: Lives) {
    let name = ["General", "Early", "Late", "Never"][lives as usize];
    for (shelf, books) in library {
        assert_eq!(query(&raw const **books).unwrap().family, name);
        assert!(books.iter().zip(0..).all(|(text, book)| *text == format!("{shelf}/{book}")));
    }
}

/// A value in thread-local storage whose destructor works in all families, and then calls on the
/// next, which may be made only then.
struct Testament {
    held: RefCell<BTreeMap<usize, Rc<Vec<String>>>>,
    next: Option<&'static thread::LocalKey<Testament>>,
}

static TESTAMENTS: AtomicUsize = AtomicUsize::new(0);

impl Testament {
    const fn before(next: Option<&'static thread::LocalKey<Self>>) -> Self {
        Self { held: RefCell::new(BTreeMap::new()), next }
    }
}

impl Drop for Testament {
    fn drop(&mut self) {
        let held = self.held.take();
        for lives in FAMILIES {
            let new = library(lives, 15);
            verify(&new, lives);
        }
        if let Some(next) = self.next {
            // It may be gone already.
            let _ =
                next.try_with(|next| next.held.borrow_mut().append(&mut library(Lives::Late, 9)));
        }
        verify(&held, Lives::Late);
        drop(held);
        TESTAMENTS.fetch_add(1, Ordering::Relaxed);
    }
}

thread_local! {
    static FIRST: Testament = const { Testament::before(Some(&SECOND)) };
    static SECOND: Testament = const { Testament::before(Some(&THIRD)) };
    // Not constant: made, with an allocation, at its first use.
    static THIRD: Testament = Testament { held: RefCell::new(library(Lives::Late, 5)), next: None };
}

#[test]
fn destructors_of_thread_locals_work_in_all_families_for_many_rounds() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    let bequeath = || {
        FIRST.with(|first| first.held.borrow_mut().append(&mut library(Lives::Late, 30)));
    };
    // How each thread begins, and how many destructors it gets to run.
    let orders: [(fn(), usize); 4] = [
        (|| FIRST.with(|_| ()), 3),
        (|| drop(library(Lives::Early, 30)), 3),
        (|| THIRD.with(|_| ()), 3),
        (|| (FIRST.with(|_| ()), SECOND.with(|_| ()), THIRD.with(|_| ())).0, 3),
    ];
    for (begin, expected) in orders {
        for _ in 0..5 {
            let before = TESTAMENTS.load(Ordering::Relaxed);
            thread::spawn(move || {
                begin();
                bequeath();
            })
            .join()
            .unwrap();
            let ran = TESTAMENTS.load(Ordering::Relaxed) - before;
            // Where the standard library keeps them by keys, one that is gone can be made again.
            let made_again = cfg!(all(windows, target_env = "gnu"));
            assert!(ran == expected || (made_again && ran > expected), "{ran} of {expected}");
        }
        assert_nothing_left();
    }
    // Nothing but destructors uses the families, and they were never used by this thread before.
    thread::spawn(|| FIRST.with(|_| ())).join().unwrap();
    assert_nothing_left();
}

/// Destructors of keys run after those of thread-locals, in rounds; famalloc's own is among them, made
/// before `main`, so all others come after it.
#[cfg(unix)] // Windows has no such keys
#[test]
fn destructors_of_keys_allocate_to_the_last() {
    static ROUNDS: AtomicUsize = AtomicUsize::new(0);
    static KEY: AtomicUsize = AtomicUsize::new(0);

    unsafe extern "C" fn last_words(value: *mut c_void) {
        // SAFETY: the value is always one of these.
        let held = unsafe { Box::from_raw(value.cast::<BTreeMap<usize, Rc<Vec<String>>>>()) };
        verify(&held, Lives::Never);
        drop(held);
        if ROUNDS.fetch_add(1, Ordering::Relaxed) % 4 < 3 {
            for lives in FAMILIES {
                verify(&library(lives, 40), lives);
            }
            // For another round; the box is of the fallback's family, what is in it is not.
            let next = Box::into_raw(Box::new(library(Lives::Never, 40)));
            let key = KEY.load(Ordering::Relaxed) as libc::pthread_key_t;
            // SAFETY: the key was created and is never deleted.
            unsafe { libc::pthread_setspecific(key, next.cast()) };
        }
    }

    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    // From the 33rd on the C library allocates for each thread.
    for _ in 0..40 {
        let mut key: libc::pthread_key_t = 0;
        // SAFETY: valid for writes, and a hook of the right type.
        assert_eq!(unsafe { libc::pthread_key_create(&raw mut key, Some(last_words)) }, 0);
        KEY.store(key as usize, Ordering::Relaxed);
        let before = ROUNDS.load(Ordering::Relaxed);
        thread::spawn(move || {
            let first = Box::into_raw(Box::new(library(Lives::Never, 40)));
            // SAFETY: the key was created.
            unsafe { libc::pthread_setspecific(key, first.cast()) };
        })
        .join()
        .unwrap();
        assert_eq!(ROUNDS.load(Ordering::Relaxed) - before, 4);
    }
    assert_nothing_left();
}

/// What a thread of the many does.
fn short_life(number: usize) -> Vec<Rc<Vec<String>>> {
    // A scope that is never left.
    core::mem::forget(ScopeGuard::enter(&FAMILIES[number % 3]));
    let own: Vec<Vec<u8>> = (0..20).map(|at| vec![number as u8; 1 + at * at * at / 2]).collect();
    FIRST.with(|first| first.held.borrow_mut().append(&mut library(Lives::Late, number % 20)));
    assert!(own.iter().all(|own| own.iter().step_by(99).all(|&byte| byte == number as u8)));
    Vec::new()
}

#[test]
fn a_thousand_threads_leave_nothing_behind() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(55);
    let live_through = |threads: usize| {
        for number in (0..threads).step_by(4) {
            let (send, receive) = channel();
            let handles: [_; 4] = core::array::from_fn(|at| {
                let send = send.clone();
                // Also what a thread is made of is of some scope.
                let _scope = ScopeGuard::enter(&FAMILIES[at % 3]);
                thread::spawn(move || {
                    assert!(short_life(number + at).is_empty());
                    send.send(vec![at; 100]).unwrap();
                })
            });
            drop(send);
            assert_eq!(receive.iter().flatten().sum::<usize>(), 600);
            handles.into_iter().for_each(|handle| handle.join().unwrap());
        }
    };
    // Until the blocks that the fallback keeps for all of this have been entered.
    live_through(600);
    flush();
    let (resident, objects) = (resident_bytes(), usage::<lives::General>().live_objects);
    live_through(600);
    flush();
    let grown = resident_bytes().saturating_sub(resident);
    assert!(grown <= 512 << 10, "{grown} bytes more are in memory");
    let more = usage::<lives::General>().live_objects.saturating_sub(objects);
    assert!(more <= 100, "{more} objects more are in the fallback");
    assert_nothing_left();
}

#[test]
fn what_a_thread_leaves_to_others_is_theirs() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    static LEFT: Mutex<Vec<Vec<String>>> = Mutex::new(Vec::new());
    for number in 0..50 {
        thread::spawn(move || {
            let lives = FAMILIES[number % 3];
            let books = library(lives, 50);
            let _scope = ScopeGuard::enter(&Lives::Early);
            let books = books.into_values().map(|books| Rc::into_inner(books).unwrap());
            LEFT.lock().unwrap().extend(books);
        })
        .join()
        .unwrap();
    }
    let left = std::mem::take(&mut *LEFT.lock().unwrap());
    assert_eq!(left.len(), 50 * 33);
    check().unwrap();
    let texts: usize = left.iter().map(Vec::len).sum();
    let live: usize =
        Snapshot::of::<Lives>().families[1..].iter().map(|used| used.live_objects).sum();
    // Each text, each list that is not empty, and the list of lists.
    assert_eq!(live, texts + left.iter().filter(|books| !books.is_empty()).count() + 1);
    thread::spawn(move || drop(left)).join().unwrap();
    assert_nothing_left();
}

/// Runs in a process of its own, on its main thread.
#[test]
fn leaves() {
    unsafe extern "C" {
        fn atexit(hook: extern "C" fn()) -> core::ffi::c_int;
    }
    extern "C" fn at_exit() {
        for lives in FAMILIES {
            verify(&library(lives, 300), lives);
        }
        let whole = check().is_ok() && flush() > 0 && check().is_ok();
        // The harness has ended, and with it what captures output.
        println!("at exit: {}", if whole { "whole" } else { "broken" });
    }
    let Some(case) = case() else { return };
    // SAFETY: a function of the right type.
    assert_eq!(unsafe { atexit(at_exit) }, 0);
    FIRST.with(|first| first.held.borrow_mut().append(&mut library(Lives::Late, 30)));
    if case == "by exit" {
        println!("1 passed, but for the exit");
        std::process::exit(0);
    }
    // Threads that are still at work when the process ends.
    if case == "with threads" {
        for number in 0..4 {
            thread::spawn(move || {
                loop {
                    verify(&library(FAMILIES[number % 3], 20), FAMILIES[number % 3]);
                }
            });
        }
    }
}

#[test]
fn the_process_ends_with_the_main_threads_destructors() {
    let _alone = one_at_a_time();
    for case in ["by return", "by exit", "with threads"] {
        for _ in 0..5 {
            let (output, said) = outcome(child("leaves", case));
            let out = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{case}: {}\n{out}\n{said}", output.status);
            // There the standard library ends the process without the C library.
            let goes_by_c = !(cfg!(windows) && case == "by exit");
            let ended = !goes_by_c || out.contains("at exit: whole");
            assert!(out.contains("1 passed") && ended, "{case}: {out}");
        }
    }
}
