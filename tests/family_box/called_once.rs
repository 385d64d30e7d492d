//! Closures that are called once.

use famalloc::boxed::CallOnce;
use famalloc::{FamilyBox, unsize};

use crate::common::lives;
use crate::common::{InA, Ledger, panic_of};

#[test]
fn a_boxed_closure_is_called_and_consumed() {
    let ledger = Ledger::default();
    let value = ledger.value();
    let task = unsize!(
        InA::new_in(move |a: usize, b: usize| (value.index + a + b, value), lives::A)
            => dyn CallOnce<(usize, usize), Output = (usize, crate::common::Tracked)>
    );
    let (sum, value) = FamilyBox::call_once(task, (1, 2));
    assert_eq!((sum, ledger.live()), (3, 1));
    drop(value);
}

#[test]
fn a_closure_that_is_not_called_is_dropped() {
    let ledger = Ledger::default();
    let value = ledger.value();
    let task = unsize!(InA::new_in(move || drop(value), lives::A) => dyn CallOnce<(), Output = ()>);
    assert_eq!(ledger.live(), 1);
    drop(task);
}

#[test]
fn a_closure_that_panics_drops_what_it_holds() {
    let ledger = Ledger::default();
    let (value, argument) = (ledger.value(), ledger.value());
    let task = InA::new_in(
        move |_: crate::common::Tracked| {
            let _value = &value;
            panic!("task");
        },
        lives::A,
    );
    assert_eq!(panic_of(|| -> () { FamilyBox::call_once(task, (argument,)) }), "task");
    assert_eq!(ledger.live(), 0);
}

#[test]
fn functions_of_any_number_of_arguments_can_be_called() {
    assert_eq!(FamilyBox::call_once(InA::new_in(|| 0, lives::A), ()), 0);
    assert_eq!(FamilyBox::call_once(InA::new_in(|a: i32| a, lives::A), (1,)), 1);
    assert_eq!(FamilyBox::call_once(InA::new_in(i32::max, lives::A), (1, 2)), 2);
    let six = |a: i32, b: i32, c: i32, d: i32, e: i32, f: i32| a + b + c + d + e + f;
    assert_eq!(FamilyBox::call_once(InA::new_in(six, lives::A), (1, 2, 3, 4, 5, 6)), 21);
}

#[test]
fn a_closure_of_the_standard_librarys_trait_is_called_through_its_box() {
    let ledger = Ledger::default();
    let value = ledger.value();
    let task: FamilyBox<dyn FnOnce(usize) -> usize, lives::A> =
        unsize!(InA::new_in(move |a| a + value.number(), lives::A) => dyn FnOnce(usize) -> usize);
    assert_eq!(FamilyBox::into_box(task)(7), 7);
    assert_eq!(ledger.live(), 0);
}
