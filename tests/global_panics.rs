//! A panic within a scope: what its hook makes and keeps is outside of all scopes, and the scopes are as they were.

mod common;

use std::cell::Cell;
use std::panic::{catch_unwind, panic_any};
use std::sync::{Mutex, MutexGuard, PoisonError};

use common::{case, child, outcome};
use famalloc::{
    FamAlloc, Family, ScopeGuard, Snapshot, alloc_family, query, raw, run_panic_hook_outside,
};

#[alloc_family]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lives {
    First,
    #[family(fallback)]
    General,
    Request,
    Inner,
}

#[global_allocator]
static GLOBAL: FamAlloc<Lives> = FamAlloc::new();

/// A set that is not the global allocator's.
#[alloc_family]
enum Others {
    Here,
    There,
}

/// The family in which this thread allocates now.
fn here() -> &'static str {
    let fresh = [query(&*Box::new(7u64)).unwrap(), query(&*vec![1u8; 100_000]).unwrap()];
    assert_eq!(fresh[0].family, fresh[1].family);
    fresh[0].family
}

/// The hook is the process's: one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a hook found, on its thread.
type Found = (&'static str, &'static str);

thread_local! {
    static FOUND: Cell<Option<Found>> = const { Cell::new(None) };
}

/// Panics in scopes of both sets: what the hook found, and what is there after it.
fn panic_in_scopes() -> (Option<Found>, Found) {
    let now = || (here(), ScopeGuard::<Others>::current().spec().name());
    let after = lives::Request::scope(|| {
        let _other = others::There::enter();
        let caught = catch_unwind(|| lives::Inner::scope(|| panic_any(7)));
        assert_eq!(caught.unwrap_err().downcast_ref(), Some(&7));
        now()
    });
    assert_eq!(here(), "General");
    (FOUND.take(), after)
}

#[test]
fn the_hook_runs_outside_of_the_scopes_of_the_sets_that_asked() {
    let _alone = alone();
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {
        FOUND.set(Some((here(), ScopeGuard::<Others>::current().spec().name())));
    }));
    assert_eq!(panic_in_scopes(), (Some(("Inner", "There")), ("Request", "There")));
    run_panic_hook_outside::<Lives>();
    assert_eq!(panic_in_scopes(), (Some(("General", "There")), ("Request", "There")));
    run_panic_hook_outside::<Others>();
    assert_eq!(panic_in_scopes(), (Some(("General", "Here")), ("Request", "There")));
    // Once more does no harm, and other threads have it as well.
    run_panic_hook_outside::<Lives>();
    let other = std::thread::spawn(panic_in_scopes).join().unwrap();
    assert_eq!(other, (Some(("General", "Here")), ("Request", "There")));
    std::panic::set_hook(before);
}

#[test]
fn outside_is_the_fallback_family_and_ends() {
    lives::Request::scope(|| {
        assert_eq!(lives::Request::outside(here), "General");
        // By whichever family, by the trait, and by a guard.
        fn by_trait<F: Family>() -> &'static str {
            F::outside(here)
        }
        assert_eq!(
            (lives::Inner::outside(here), by_trait::<lives::First>()),
            ("General", "General")
        );
        let outside = ScopeGuard::<Lives>::outside();
        assert_eq!(here(), "General");
        assert_eq!(lives::Inner::scope(here), "Inner");
        drop(outside);
        assert_eq!(here(), "Request");
    });
    assert_eq!(here(), "General");
    // A panic ends it too, and sets have scopes of their own.
    let _other = others::There::enter();
    lives::Request::scope(|| {
        let _alone = alone();
        let panics = || lives::Request::outside(|| panic_any(here()));
        assert_eq!(catch_unwind(panics).unwrap_err().downcast_ref(), Some(&"General"));
        assert_eq!(here(), "Request");
        assert_eq!(ScopeGuard::<Others>::current().spec().name(), "There");
        assert_eq!(others::There::outside(ScopeGuard::<Others>::current).spec().name(), "Here");
    });
    // It is the same for who allocates without a layout.
    let outside = lives::Request::scope(|| {
        lives::Request::outside(|| raw::alloc_bytes_in_scope::<Lives>(100).unwrap())
    });
    assert_eq!(query(outside.as_ptr()).unwrap().family, "General");
    // SAFETY: allocated above, and not used again.
    unsafe { raw::free::<Lives>(outside) }.unwrap();
}

/// Panics in a scope, with a backtrace, and prints the bytes that this left in the family.
fn panic_with_a_backtrace(outside: bool) {
    let live = || Snapshot::of::<Lives>().family("Request").unwrap().live_bytes;
    if outside {
        run_panic_hook_outside::<Lives>();
    }
    // The first use of the family.
    drop(lives::Request::scope(|| Box::new(7)));
    let before = live();
    assert!(lives::Request::scope(|| catch_unwind(|| panic!("in the scope"))).is_err());
    println!("left: {}", live() - before);
}

#[test]
#[cfg_attr(miri, ignore = "runs a process")]
fn backtraces_leave_nothing_in_the_family() {
    const NAME: &str = "backtraces_leave_nothing_in_the_family";
    if let Some(case) = case() {
        return panic_with_a_backtrace(case == "outside");
    }
    let left = |case| -> usize {
        let mut command = child(NAME, case);
        command.env("RUST_BACKTRACE", "1");
        let (output, said) = outcome(command);
        assert!(output.status.success() && said.contains("panic_with_a_backtrace"), "{said}");
        let text = String::from_utf8_lossy(&output.stdout);
        let (_, left) = text.split_once("left: ").expect("printed");
        left.split_whitespace().next().unwrap().parse().unwrap()
    };
    // The payload was dropped; nothing but what the hook keeps can be there.
    let (inside, outside) = (left("inside"), left("outside"));
    assert_eq!(outside, 0);
    assert!(inside > 100_000, "the test does not see what it looks for: {inside}");
    println!(
        "a panic with a backtrace left {inside} bytes in the family of its scope; outside, {outside}"
    );
}
