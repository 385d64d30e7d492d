//! A panic in a constructor, a reset or a destructor loses no slot and drops nothing twice.

use std::panic::{self, AssertUnwindSafe};

use famalloc::Pool;
use famalloc::pool::{Pooled, Retention};

use crate::common::{assert_all_given_back, one_at_a_time, times, usage};
use crate::{
    Books, CAPACITY, InProbe, Lives, Probe, books, dropped, everything_was_dropped_once, lives,
    made, pool,
};

pub(crate) fn panic_of<R>(action: impl FnOnce() -> R) -> String {
    let Err(payload) = panic::catch_unwind(AssertUnwindSafe(action)) else {
        panic!("this was to panic");
    };
    match payload.downcast::<&str>() {
        Ok(text) => (*text).to_owned(),
        Err(payload) => *payload.downcast::<String>().unwrap(),
    }
}

#[test]
fn a_constructor_that_panics_gives_its_slot_back() {
    let _alone = one_at_a_time();
    {
        let pool = pool();
        let front = pool.front();
        let _kept = pool.get();
        let live = usage::<lives::Probe>().live_objects;
        books(|books| books.make_fails = true);
        assert_eq!(panic_of(|| drop(pool.get())), "make");
        books(|books| books.make_fails = true);
        assert_eq!(panic_of(|| drop(front.get())), "make");
        assert_eq!(panic_of(|| drop(pool.get_with(|| panic!("with")))), "with");
        assert_eq!((usage::<lives::Probe>().live_objects, pool.counts().made), (live, 1));
        assert_eq!(pool.get().id, 1);
    }
    everything_was_dropped_once();
    assert_all_given_back::<Lives>();
}

#[test]
fn a_reset_that_panics_costs_its_object_alone() {
    let _alone = one_at_a_time();
    {
        let pool = pool();
        let front = pool.front();
        let (zero, one, two) = (pool.get(), pool.get(), front.get());
        books(|books| books.reset_fails = Some(1));
        assert_eq!(panic_of(|| drop(one)), "reset");
        assert_eq!((books(|books| books.drops[1]), pool.len()), (1, 0));
        books(|books| books.reset_fails = Some(2));
        assert_eq!(panic_of(|| drop(two)), "reset");
        assert_eq!((books(|books| books.drops[2]), front.len()), (1, 0));
        drop(zero);
        assert_eq!((pool.len(), pool.get().id), (1, 0));
        let boxed = InProbe::new_in(Probe::new(), lives::Probe);
        books(|books| books.reset_fails = Some(3));
        assert_eq!(panic_of(|| pool.put(boxed)), "reset");
        assert_eq!((made(), dropped(), pool.len()), (4, 3, 1));
    }
    everything_was_dropped_once();
    assert_all_given_back::<Lives>();
}

/// Fills a pool with a hundred objects, of which one cannot be dropped without a panic, and lets
/// `action` drop `destroyed` of them.
fn with_a_bomb(
    retention: Retention,
    bomb: usize,
    destroyed: usize,
    action: impl FnOnce(Pool<Probe, lives::Probe>) -> Option<Pool<Probe, lives::Probe>>,
) {
    books(|books| *books = Books::default());
    let pool = pool().with_retention(retention);
    let hundred: Vec<_> = (0..100).map(|_| pool.get()).collect();
    drop(hundred);
    pool.end_period();
    assert_eq!(dropped(), 0);
    books(|books| books.drop_fails = Some(bomb));
    let mut left = None;
    assert_eq!(panic_of(|| left = action(pool)), "drop");
    assert_eq!(dropped(), destroyed);
    drop(left);
    assert_eq!(made(), 100);
    everything_was_dropped_once();
    assert_all_given_back::<Lives>();
}

#[test]
fn a_destructor_that_panics_neither_leaks_nor_repeats() {
    let _alone = one_at_a_time();
    let everything = Retention::everything();
    for bomb in [0, 27, 28, 63, 99].into_iter().step_by(times(1, 2)).take(times(5, 2)) {
        with_a_bomb(everything, bomb, 100, |pool| {
            drop(pool);
            None
        });
    }
    // What panics is lost to the caller; so these keep the pool outside.
    for bomb in [0, 10, 49].into_iter().skip(times(0, 2)) {
        let kept = |action: fn(&Pool<Probe, lives::Probe>), retention, destroyed| {
            books(|books| *books = Books::default());
            let pool = pool().with_retention(retention);
            drop((0..100).map(|_| pool.get()).collect::<Vec<_>>());
            pool.end_period();
            books(|books| books.drop_fails = Some(bomb));
            assert_eq!(panic_of(|| action(&pool)), "drop");
            assert_eq!((dropped(), pool.len()), (destroyed, 100 - destroyed));
            assert_eq!(pool.get().id, 99, "the pool is as usable as before");
            drop(pool);
            everything_was_dropped_once();
            assert_all_given_back::<Lives>();
        };
        kept(|pool| _ = pool.trim(30), Retention::everything(), 70);
        kept(|pool| _ = pool.end_period(), Retention::working_set().step(50), 50);
        kept(|pool| _ = pool.trim(1), Retention::everything(), 99);
    }
}

#[test]
fn a_destructor_that_panics_in_a_hand_back_costs_nothing_else() {
    let _alone = one_at_a_time();
    {
        let pool = pool().with_retention(Retention::everything().at_most(4));
        let front = pool.front();
        // The front gives its older half back, of which the pool keeps four.
        let used: Vec<_> = (0..=CAPACITY).map(|_| front.get()).collect();
        books(|books| books.drop_fails = Some(10));
        assert_eq!(panic_of(|| drop(used)), "drop");
        assert_eq!((pool.len(), front.len(), dropped()), (4, CAPACITY / 2 + 1, 12));
        // And all of it.
        books(|books| books.drop_fails = Some(20));
        assert_eq!(panic_of(|| drop(front)), "drop");
        assert_eq!((pool.len(), dropped()), (4, made() - 4));
        let five: Vec<_> = (0..5).map(|_| pool.get()).collect();
        let last = five.last().unwrap().id;
        books(|books| books.drop_fails = Some(last));
        assert_eq!(panic_of(|| drop(five)), "drop");
        assert_eq!(pool.len(), 4);
    }
    everything_was_dropped_once();
    assert_all_given_back::<Lives>();
}

#[test]
fn what_is_in_use_during_a_panic_goes_back_once() {
    let _alone = one_at_a_time();
    {
        let pool = pool();
        let panicking = || {
            let front = pool.front();
            let _used = (pool.get(), front.get(), front.get());
            let _detached = Pooled::detach(pool.get());
            panic!("elsewhere")
        };
        assert_eq!(panic_of(panicking), "elsewhere");
        assert_eq!((pool.len(), dropped()), (3, 1));
    }
    everything_was_dropped_once();
    assert_all_given_back::<Lives>();
}
