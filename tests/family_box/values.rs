//! Taking a value out, putting another in, changing it.

use std::borrow::{Borrow, BorrowMut};
use std::collections::HashMap;

use famalloc::FamilyBox;

use crate::common::lives;
use crate::common::{InA, Ledger};

#[test]
fn into_inner_moves_out() {
    let ledger = Ledger::default();
    let value = FamilyBox::into_inner(InA::new_in(ledger.value(), lives::A));
    assert_eq!(ledger.live(), 1);
    drop(value);
}

#[test]
fn take_keeps_the_slot() {
    let ledger = Ledger::default();
    let boxed = InA::new_in(ledger.value(), lives::A);
    let address = FamilyBox::as_ptr(&boxed);
    let (first, slot) = FamilyBox::take(boxed);
    let boxed = FamilyBox::write(slot, ledger.value());
    assert!(std::ptr::eq(FamilyBox::as_ptr(&boxed), address));
    assert_eq!((first.index, boxed.index), (0, 1));
}

#[test]
fn map_keeps_the_slot_where_it_fits() {
    let boxed = InA::new_in(7_u32, lives::A);
    let address = FamilyBox::as_ptr(&boxed);
    let boxed = FamilyBox::map(boxed, |value| value as f32);
    assert!(std::ptr::eq(FamilyBox::as_ptr(&boxed).cast(), address));
    assert_eq!(*boxed, 7.0);
    let boxed = FamilyBox::map(boxed, |value| value.to_string());
    assert_eq!(*boxed, "7");
    FamilyBox::into_inner(FamilyBox::map(boxed, drop));

    let ledger = Ledger::default();
    let mapped =
        FamilyBox::map(InA::new_in(ledger.value(), lives::A), |value| (value, ledger.value()));
    assert_eq!(ledger.live(), 2);
    drop(FamilyBox::map(mapped, |(value, _)| value));
}

#[test]
fn a_value_is_a_slice_of_one() {
    let ledger = Ledger::default();
    let slice = FamilyBox::into_boxed_slice(InA::new_in(ledger.value(), lives::A));
    assert_eq!((slice.len(), ledger.live()), (1, 1));
}

#[test]
fn references_lead_to_the_value() {
    fn generic(
        mut boxed: impl AsRef<u32> + AsMut<u32> + BorrowMut<u32> + std::ops::DerefMut<Target = u32>,
    ) -> u32 {
        *boxed.as_mut() += 1;
        *BorrowMut::<u32>::borrow_mut(&mut boxed) += 1;
        *boxed += 1;
        assert_eq!(*boxed.as_ref(), *Borrow::<u32>::borrow(&boxed));
        *boxed
    }
    assert_eq!(generic(InA::new_in(7, lives::A)), generic(Box::new(7)));

    let mut names = HashMap::new();
    names.insert(InA::<str>::from("x"), 7);
    assert_eq!(names.get("x"), Some(&7));
}
