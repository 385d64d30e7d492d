//! A panic at any point: everything that was made is dropped once, and every slot is freed.

use std::iter;

use famalloc::FamilyBox;
use famalloc::rc::Counter;

use crate::common::times;
use crate::ledger::{Ledger, Tracked, lives, panic_of};
use crate::{InA, WeakInA, slots};

fn in_the_constructor<C: Counter>() {
    let failing = || InA::<_, C>::new_with_in(|| -> Tracked { panic!("constructor") }, lives::A);
    assert_eq!(panic_of(failing), "constructor");
    let failing =
        || InA::<_, C>::try_new_with_in(|| -> Tracked { panic!("constructor") }, lives::A);
    assert_eq!(panic_of(failing), "constructor");
    struct NoDefault;
    impl Default for NoDefault {
        fn default() -> Self {
            panic!("default")
        }
    }
    assert_eq!(panic_of(InA::<NoDefault, C>::default), "default");
    assert_eq!(slots(), 0);
}

fn in_the_constructor_of_a_cycle<C: Counter>() {
    let failing = || InA::<_, C>::new_cyclic_in(|_| -> Tracked { panic!("cycle") }, lives::A);
    assert_eq!(panic_of(failing), "cycle");
    assert_eq!(slots(), 0);
    // A weak handle that is kept keeps the slot, and never gets a value.
    let mut kept: Option<WeakInA<Tracked, C>> = None;
    let failing = || {
        InA::<_, C>::new_cyclic_in(
            |weak| -> Tracked {
                kept = Some(weak.clone());
                panic!("cycle")
            },
            lives::A,
        )
    };
    assert_eq!(panic_of(failing), "cycle");
    let kept = kept.unwrap();
    assert!(kept.upgrade().is_none());
    assert_eq!((kept.strong_count(), kept.weak_count(), slots()), (0, 0, 1));
    drop(kept);
    assert_eq!(slots(), 0);
}

fn in_the_destructor<C: Counter>() {
    let ledger = Ledger::default();
    let one = InA::<_, C>::new_in((ledger.value(), ledger.value()), lives::A);
    ledger.drop_fails_at(0);
    assert_eq!(panic_of(|| drop(one)), "drop");
    assert_eq!((ledger.live(), slots()), (0, 0));

    let one = InA::<_, C>::new_in((ledger.value(), ledger.value()), lives::A);
    let weak = InA::downgrade(&one);
    ledger.drop_fails_at(2);
    assert_eq!(panic_of(|| drop(one)), "drop");
    assert_eq!((ledger.live(), slots()), (0, 1));
    assert!(weak.upgrade().is_none());
    drop(weak);
    assert_eq!(slots(), 0);
}

fn in_the_destructor_of_an_element<C: Counter>() {
    for failing in 0..4 {
        let ledger = Ledger::default();
        let slice = InA::<[_], C>::from(ledger.values(4));
        ledger.drop_fails_at(failing);
        assert_eq!(panic_of(|| drop(slice)), "drop");
        assert_eq!((ledger.live(), slots()), (0, 0));
    }
}

fn in_the_destructor_of_the_old_value_of_an_assignment<C: Counter>() {
    let ledger = Ledger::default();
    let mut one = InA::<_, C>::new_in(ledger.value(), lives::A);
    ledger.drop_fails_at(0);
    let replacement = InA::new_in(ledger.value(), lives::A);
    assert_eq!(panic_of(|| one = replacement), "drop");
    assert_eq!((one.index, ledger.live(), slots()), (1, 1, 1));
}

fn in_clone<C: Counter>() {
    let ledger = Ledger::default();
    let mut one = InA::<_, C>::new_in(ledger.value(), lives::A);
    let other = one.clone();
    ledger.clone_fails_after(0);
    assert_eq!(panic_of(|| InA::make_mut(&mut one).index), "clone");
    assert!(InA::ptr_eq(&one, &other));
    assert_eq!((InA::strong_count(&one), slots()), (2, 1));
    ledger.clone_fails_after(0);
    assert_eq!(panic_of(|| InA::unwrap_or_clone(one)), "clone");
    assert_eq!((InA::strong_count(&other), ledger.live(), slots()), (1, 1, 1));
}

fn in_the_clone_of_an_element<C: Counter>() {
    for clones in (0..5).step_by(times(1, 2)) {
        let ledger = Ledger::default();
        let mut slice = InA::<[_], C>::from(ledger.values(5));
        ledger.clone_fails_after(clones);
        assert_eq!(panic_of(|| InA::<[_], C>::from(&slice[..])), "clone");
        assert_eq!((ledger.made(), ledger.live(), slots()), (5 + clones, 5, 1));
        let other = slice.clone();
        ledger.clone_fails_after(clones);
        assert_eq!(panic_of(|| InA::make_mut(&mut slice).len()), "clone");
        assert!(InA::ptr_eq(&slice, &other));
        assert_eq!((ledger.live(), slots()), (5, 1));
    }
}

fn in_an_iterator_that_is_collected<C: Counter>() {
    for failing in [0, 1, 3, 4, 5, 20].into_iter().step_by(times(1, 2)) {
        for hint in [0, 1, 20, 100].into_iter().step_by(times(1, 3)) {
            let ledger = Ledger::default();
            let mut made = 0;
            let values = iter::from_fn(|| {
                assert!(made < failing, "iterator");
                made += 1;
                Some(ledger.value())
            });
            let foretold = iter::repeat_with(|| unreachable!()).take(hint);
            let values = values.chain(foretold);
            assert_eq!(panic_of(|| values.collect::<InA<[_], C>>()), "iterator");
            assert_eq!((ledger.made(), ledger.live(), slots()), (failing, 0, 0));
        }
    }
}

fn while_a_value_is_taken_out<C: Counter>() {
    let ledger = Ledger::default();
    // The box's own slot is freed whatever comes after it.
    let boxed = FamilyBox::new_in(ledger.value(), lives::A);
    let one = InA::<Tracked, C>::from(boxed);
    assert_eq!(slots(), 1);
    ledger.drop_fails_at(0);
    assert_eq!(panic_of(|| drop(InA::into_inner(one))), "drop");
    assert_eq!((ledger.live(), slots()), (0, 0));
}

both!(
    in_the_constructor,
    in_the_constructor_of_a_cycle,
    in_the_destructor,
    in_the_destructor_of_an_element,
    in_the_destructor_of_the_old_value_of_an_assignment,
    in_clone,
    in_the_clone_of_an_element,
    in_an_iterator_that_is_collected,
    while_a_value_is_taken_out,
);
