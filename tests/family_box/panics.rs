//! A panic at any point: everything that was made is dropped once, and every slot is freed.
//!
//! That values are dropped once is checked by the [`Ledger`]; that slots are freed, by whatever
//! counts the slots of the process.

use std::iter;

use famalloc::{FamilyBox, unsize};

use crate::common::lives;
use crate::common::{InA, Ledger, Tracked, panic_of};
use crate::times;

#[test]
fn in_the_constructor() {
    let ledger = Ledger::default();
    let _kept = ledger.value();
    assert_eq!(
        panic_of(|| InA::new_with_in(|| -> Tracked { panic!("constructor") }, lives::A)),
        "constructor"
    );
    let failing = || InA::try_new_with_in(|| -> Tracked { panic!("constructor") }, lives::A);
    assert_eq!(panic_of(failing), "constructor");
    assert_eq!(panic_of(|| FamilyBox::new_with(|| -> crate::common::Node { panic!("x") })), "x");

    struct NoDefault;
    impl Default for NoDefault {
        fn default() -> Self {
            panic!("default")
        }
    }
    assert_eq!(panic_of(InA::<NoDefault>::default), "default");
}

#[test]
fn in_the_destructor() {
    let ledger = Ledger::default();
    let boxed = InA::new_in((ledger.value(), ledger.value()), lives::A);
    ledger.drop_fails_at(0);
    assert_eq!(panic_of(|| drop(boxed)), "drop");
    assert_eq!(ledger.live(), 0);

    let object = unsize!(InA::new_in(ledger.value(), lives::A) => dyn CastAway);
    ledger.drop_fails_at(2);
    assert_eq!(panic_of(|| drop(object)), "drop");
}

trait CastAway {}
impl<T> CastAway for T {}

#[test]
fn in_the_destructor_of_an_element() {
    for failing in 0..4 {
        let ledger = Ledger::default();
        let slice = InA::<[_]>::from(ledger.values(4));
        ledger.drop_fails_at(failing);
        assert_eq!(panic_of(|| drop(slice)), "drop");
        assert_eq!(ledger.live(), 0);
    }
}

#[test]
fn in_clone() {
    let ledger = Ledger::default();
    let boxed = InA::new_in(ledger.value(), lives::A);
    ledger.clone_fails_after(0);
    assert_eq!(panic_of(|| boxed.clone()), "clone");
    assert_eq!(ledger.made(), 1);
    let mut other = InA::new_in(ledger.value(), lives::A);
    assert_eq!(panic_of(|| other.clone_from(&boxed)), "clone");
    assert_eq!(ledger.live(), 2);
}

#[test]
fn in_the_clone_of_an_element() {
    for clones in (0..5).step_by(times(1, 2)) {
        let ledger = Ledger::default();
        let slice = InA::<[_]>::from(ledger.values(5));
        ledger.clone_fails_after(clones);
        assert_eq!(panic_of(|| slice.clone()), "clone");
        assert_eq!((ledger.made(), ledger.live()), (5 + clones, 5));

        ledger.clone_fails_after(clones);
        assert_eq!(panic_of(|| InA::<[_]>::from(&slice[..])), "clone");
        assert_eq!(ledger.live(), 5);

        let mut same_length = InA::<[_]>::from(ledger.values(5));
        ledger.clone_fails_after(clones);
        assert_eq!(panic_of(|| same_length.clone_from(&slice)), "clone");
        assert_eq!(ledger.live(), 10);

        let mut shorter = InA::<[_]>::from(ledger.values(2));
        ledger.clone_fails_after(clones);
        assert_eq!(panic_of(|| shorter.clone_from(&slice)), "clone");
        assert_eq!(shorter.len(), 2);

        let rest = slice.into_iter();
        ledger.clone_fails_after(clones);
        assert_eq!(panic_of(|| rest.clone()), "clone");
    }
}

#[test]
fn in_a_clone_and_again_in_the_destructors_of_the_others() {
    let ledger = Ledger::default();
    let slice = InA::<[_]>::from(ledger.values(3));
    ledger.clone_fails_after(2);
    // A second panic while the first unwinds would abort, so the bomb is in one of the originals.
    ledger.drop_fails_at(1);
    assert_eq!(panic_of(|| slice.clone()), "clone");
    assert_eq!(panic_of(|| drop(slice)), "drop");
    assert_eq!(ledger.live(), 0);
}

#[test]
fn in_an_iterator_that_is_collected() {
    for failing in [0, 1, 3, 4, 5, 20].into_iter().step_by(times(1, 2)) {
        for hint in [0, 1, 20, 100].into_iter().step_by(times(1, 3)) {
            let ledger = Ledger::default();
            let mut made = 0;
            let values = iter::from_fn(|| {
                assert!(made < failing, "iterator");
                made += 1;
                Some(ledger.value())
            });
            // `take` and `chain` give a lower bound without knowing better.
            let foretold = iter::repeat_with(|| unreachable!()).take(hint);
            let values = values.chain(foretold);
            assert_eq!(panic_of(|| values.collect::<InA<[_]>>()), "iterator");
            assert_eq!((ledger.made(), ledger.live()), (failing, 0));
        }
    }
}

#[test]
fn in_map() {
    let ledger = Ledger::default();
    let boxed = InA::new_in(ledger.value(), lives::A);
    assert_eq!(panic_of(|| FamilyBox::map(boxed, |_| -> Tracked { panic!("map") })), "map");
    assert_eq!(ledger.live(), 0);
    let boxed = InA::new_in(ledger.value(), lives::A);
    assert_eq!(panic_of(|| FamilyBox::map(boxed, |_| -> [u8; 99] { panic!("map") })), "map");
    assert_eq!(ledger.live(), 0);
}

#[test]
fn while_iterating_by_value() {
    for failing in 0..4 {
        // When the iterator is dropped.
        let ledger = Ledger::default();
        let mut values = InA::<[_]>::from(ledger.values(4)).into_iter();
        let first = values.next();
        ledger.drop_fails_at(failing);
        if failing == 0 {
            assert_eq!(panic_of(|| drop(first)), "drop");
            drop(values);
        } else {
            assert_eq!(panic_of(|| drop(values)), "drop");
            drop(first);
        }
        assert_eq!(ledger.live(), 0);

        // When elements are skipped: the iterator goes on after them.
        let ledger = Ledger::default();
        let mut values = InA::<[_]>::from(ledger.values(6)).into_iter();
        ledger.drop_fails_at(failing);
        assert_eq!(panic_of(|| values.nth(4).map(|value| value.index)), "drop");
        assert_eq!(values.next().map(|value| value.index), Some(4));
        assert_eq!(values.len(), 1);
    }
}

#[test]
fn in_the_destructor_of_the_old_value_of_an_assignment() {
    let ledger = Ledger::default();
    let mut boxed = InA::new_in(ledger.value(), lives::A);
    ledger.drop_fails_at(0);
    let replacement = InA::new_in(ledger.value(), lives::A);
    assert_eq!(panic_of(|| boxed = replacement), "drop");
    assert_eq!((boxed.index, ledger.live()), (1, 1));
}
