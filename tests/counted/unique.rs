//! What the only handle may do, and when a handle is the only one.

use famalloc::rc::Counter;

use crate::ledger::Ledger;
use crate::lives;
use crate::{InA, slots};

fn a_value_can_be_changed_by_its_only_handle<C: Counter>() {
    let mut one = InA::<_, C>::new_in(7, lives::A);
    *InA::get_mut(&mut one).unwrap() += 1;
    let weak = InA::downgrade(&one);
    assert!(InA::get_mut(&mut one).is_none(), "a weak handle could become a strong one");
    drop(weak);
    let other = one.clone();
    assert!(InA::get_mut(&mut one).is_none());
    drop(other);
    assert_eq!(InA::get_mut(&mut one), Some(&mut 8));
}

fn a_shared_value_is_cloned_to_be_changed<C: Counter>() {
    let ledger = Ledger::default();
    let mut one = InA::<_, C>::new_in((ledger.value(), 1), lives::A);
    InA::make_mut(&mut one).1 = 2;
    assert_eq!((ledger.made(), slots()), (1, 1));
    let other = one.clone();
    InA::make_mut(&mut one).1 = 3;
    assert_eq!((one.1, other.1, ledger.made(), slots()), (3, 2, 2, 2));
    assert_eq!((InA::strong_count(&one), InA::strong_count(&other)), (1, 1));
}

fn a_watched_value_moves_to_be_changed<C: Counter>() {
    let ledger = Ledger::default();
    let mut one = InA::<_, C>::new_in((ledger.value(), 1), lives::A);
    let weak = InA::downgrade(&one);
    InA::make_mut(&mut one).1 = 2;
    assert_eq!((ledger.made(), ledger.live(), slots()), (1, 1, 2));
    assert!(weak.upgrade().is_none());
    assert_eq!((InA::strong_count(&one), InA::weak_count(&one)), (1, 0));
    drop(weak);
    assert_eq!(slots(), 1);
    // Slices and text too, whatever their length.
    let mut words = InA::<[String], C>::from([String::from("x"), String::from("y")]);
    let weak = InA::downgrade(&words);
    InA::make_mut(&mut words)[1].push('z');
    assert!(weak.upgrade().is_none());
    assert_eq!(*words, ["x", "yz"]);
    let mut text = InA::<str, C>::from("text");
    let other = text.clone();
    InA::make_mut(&mut text).make_ascii_uppercase();
    assert_eq!((&*text, &*other), ("TEXT", "text"));
    let weak = InA::downgrade(&text);
    InA::make_mut(&mut text).make_ascii_lowercase();
    assert_eq!((&*text, weak.strong_count()), ("text", 0));
}

fn the_only_strong_handle_gives_the_value<C: Counter>() {
    let ledger = Ledger::default();
    let one = InA::<_, C>::new_in(ledger.value(), lives::A);
    let weak = InA::downgrade(&one);
    let value = InA::try_unwrap(one).map_err(drop).unwrap();
    assert!(weak.upgrade().is_none());
    assert_eq!((value.index, ledger.live(), slots()), (0, 1, 1));
    drop(weak);
    assert_eq!(slots(), 0);

    let one = InA::<_, C>::new_in(value, lives::A);
    let other = one.clone();
    let one = InA::try_unwrap(one).map(drop).unwrap_err();
    assert_eq!(InA::strong_count(&one), 2);
    assert!(InA::into_inner(one).is_none());
    assert_eq!(InA::strong_count(&other), 1);
    let weak = InA::downgrade(&other);
    let value = InA::into_inner(other).unwrap();
    assert_eq!((slots(), weak.strong_count()), (1, 0));
    let one = InA::<_, C>::new_in(value, lives::A);
    drop(weak);
    assert_eq!(InA::unwrap_or_clone(one).index, 0);
    assert_eq!((ledger.made(), ledger.live(), slots()), (1, 0, 0));
}

both!(
    a_value_can_be_changed_by_its_only_handle,
    a_shared_value_is_cloned_to_be_changed,
    a_watched_value_moves_to_be_changed,
    the_only_strong_handle_gives_the_value,
);
