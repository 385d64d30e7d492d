//! Counts that are given up and taken up again.

use famalloc::rc::Counter;

use crate::ledger::Ledger;
use crate::lives;
use crate::{InA, WeakInA, slots};

fn a_count_outlives_its_handle<C: Counter>() {
    let ledger = Ledger::default();
    let one = InA::<_, C>::new_in(ledger.value(), lives::A);
    let address = InA::as_ptr(&one);
    let raw = InA::into_raw(one.clone());
    assert_eq!((raw, InA::strong_count(&one)), (address, 2));
    drop(one);
    assert_eq!(ledger.live(), 1);
    // SAFETY: from `into_raw`, once.
    let one = unsafe { InA::<_, C>::from_raw(raw) };
    assert_eq!((one.index, InA::strong_count(&one)), (0, 1));
    let weak = InA::downgrade(&one).into_raw();
    assert_eq!((weak, InA::weak_count(&one)), (address, 1));
    drop(one);
    assert_eq!((ledger.live(), slots()), (0, 1));
    // SAFETY: from `into_raw`, once.
    assert!(unsafe { WeakInA::<_, C>::from_raw(weak) }.upgrade().is_none());
    assert_eq!(slots(), 0);
}

fn counts_can_be_changed_by_address<C: Counter>() {
    let ledger = Ledger::default();
    let raw = InA::into_raw(InA::<_, C>::new_in(ledger.value(), lives::A));
    // SAFETY: there is the count of `raw` throughout.
    unsafe { InA::<_, C>::increment_strong_count(raw) };
    // SAFETY: the count just made.
    unsafe { InA::<_, C>::decrement_strong_count(raw) };
    assert_eq!(ledger.live(), 1);
    // SAFETY: the count of `raw`.
    unsafe { InA::<_, C>::decrement_strong_count(raw) };
    assert_eq!((ledger.live(), slots()), (0, 0));
}

fn wide_handles_too<C: Counter>() {
    let text = InA::<str, C>::from("text");
    // SAFETY: from `into_raw`, once.
    let text = unsafe { InA::<str, C>::from_raw(InA::into_raw(text)) };
    let weak = InA::downgrade(&text);
    // SAFETY: from `into_raw`, once.
    let weak = unsafe { WeakInA::<str, C>::from_raw(weak.into_raw()) };
    assert_eq!(&*weak.upgrade().unwrap(), "text");
    // A value without a size has a slot for its counter, in front of its address.
    let nothing = InA::<_, C>::new_in((), lives::A);
    // SAFETY: from `into_raw`, once.
    let nothing = unsafe { InA::<(), C>::from_raw(InA::into_raw(nothing)) };
    assert_eq!((InA::strong_count(&nothing), slots()), (1, 2));
}

both!(a_count_outlives_its_handle, counts_can_be_changed_by_address, wide_handles_too);
