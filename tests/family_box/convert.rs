//! To and from the other owners.

use std::fmt::Display;
use std::rc::Rc;
use std::sync::Arc;

use famalloc::FamilyBox;

use crate::common::lives;
use crate::common::{InA, Ledger, Tracked};

#[test]
fn values_move_from_and_to_a_box() {
    let ledger = Ledger::default();
    let boxed: InA<Tracked> = Box::new(ledger.value()).into();
    assert_eq!(ledger.live(), 1);
    let boxed: Box<_> = FamilyBox::into_box(boxed);
    assert_eq!(ledger.live(), 1);
    let nested: InA<Box<_>> = InA::new_in(boxed, lives::A);
    assert_eq!(nested.index, 0);
}

#[test]
fn objects_move_from_and_to_a_box() {
    let ledger = Ledger::default();
    let value = ledger.value();
    let boxed: Box<dyn Fn() -> usize> = Box::new(move || value.number() + 7);
    let boxed: InA<dyn Fn() -> usize> = InA::from_box(boxed);
    assert_eq!(boxed(), 7);
    let boxed: Box<dyn Fn() -> usize> = FamilyBox::into_box(boxed);
    assert_eq!((boxed(), ledger.live()), (7, 1));

    struct Nothing;
    impl Display for Nothing {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("nothing")
        }
    }
    let nothing: Box<dyn Display> = Box::new(Nothing);
    let nothing: InA<dyn Display> = InA::from_box(nothing);
    assert_eq!(FamilyBox::into_box(nothing).to_string(), "nothing");
}

#[test]
fn values_move_to_shared_owners() {
    let ledger = Ledger::default();
    let shared: Rc<Tracked> = InA::new_in(ledger.value(), lives::A).into();
    assert_eq!((Rc::strong_count(&shared), ledger.live()), (1, 1));
    let shared: Arc<[_]> = InA::<[_]>::from(ledger.values(3)).into();
    assert_eq!((shared.len(), ledger.live()), (3, 4));
    let shared: Rc<str> = InA::<str>::from("text").into();
    assert_eq!(&*shared, "text");
    let shared: Arc<dyn Display> =
        famalloc::unsize!(InA::new_in(7, lives::A) => dyn Display).into();
    assert_eq!(shared.to_string(), "7");
}
