//! From values to trait objects and slices, and back.

use std::any::Any;
use std::fmt::{Debug, Display};

use famalloc::rc::Counter;
use famalloc::unsize;

use crate::ledger::Ledger;
use crate::lives;
use crate::{InA, WeakInA, slots};

fn the_value_and_the_counts_stay<C: Counter>() {
    let ledger = Ledger::default();
    let value = ledger.value();
    let one = InA::<_, C>::new_in(move || value.number(), lives::A);
    let other = one.clone();
    let object: InA<dyn Fn() -> usize, C> = unsize!(one => dyn Fn() -> usize);
    assert!(std::ptr::addr_eq(InA::as_ptr(&object), InA::as_ptr(&other)));
    assert_eq!((object(), InA::strong_count(&object)), (0, 2));
    let weak: WeakInA<dyn Fn() -> usize, C> = unsize!(InA::downgrade(&other) => dyn Fn() -> usize);
    drop(other);
    assert_eq!(weak.upgrade().map(|object| object()), Some(0));
    drop(object);
    assert_eq!((ledger.live(), slots()), (0, 1));
    assert!(weak.upgrade().is_none());
    drop(weak);
    assert_eq!(slots(), 0);
}

#[repr(align(256))]
#[derive(Debug)]
struct Aligned;

/// Large, and soon shown.
struct Large(#[expect(dead_code, reason = "it is there for its size")] [u8; 64 << 10]);

impl Debug for Large {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Large")
    }
}

fn objects_of_any_layout_are_dropped_and_freed<C: Counter>() {
    fn there_and_gone<T: Debug + 'static, C: Counter>(value: T) {
        let shown = format!("{value:?}");
        let object = unsize!(InA::<_, C>::new_in(value, lives::A) => dyn Debug);
        assert_eq!(format!("{object:?}"), shown);
        let weak = InA::downgrade(&object);
        drop(object);
        assert_eq!(slots(), 1);
        drop(weak);
        assert_eq!(slots(), 0);
    }
    there_and_gone::<_, C>(());
    there_and_gone::<_, C>(7_u8);
    there_and_gone::<_, C>(u128::MAX);
    there_and_gone::<_, C>(Aligned);
    there_and_gone::<_, C>(Large([0x5a; 64 << 10]));
    there_and_gone::<_, C>(vec![String::from("x")]);
}

fn slices_too<C: Counter>() {
    let ledger = Ledger::default();
    let slice = unsize!(InA::<_, C>::new_in([ledger.value(), ledger.value()], lives::A) => [_]);
    assert_eq!((slice.len(), ledger.live()), (2, 2));
    let object = unsize!(slice.clone() => [_]);
    assert!(InA::ptr_eq(&slice, &object));
}

fn a_handle_that_leads_nowhere_still_does<C: Counter>() {
    let nowhere = unsize!(WeakInA::<u32, C>::new() => dyn Display);
    assert!(nowhere.upgrade().is_none());
    assert!(nowhere.clone().ptr_eq(&nowhere));
    let nowhere = unsize!(WeakInA::<[u32; 3], C>::new() => [u32]);
    assert_eq!((nowhere.strong_count(), nowhere.weak_count()), (0, 0));
}

fn objects_of_boxes_move_in<C: Counter>() {
    let ledger = Ledger::default();
    let value = ledger.value();
    let boxed: Box<dyn Fn() -> usize> = Box::new(move || value.number());
    let object = InA::<dyn Fn() -> usize, C>::from(boxed);
    assert_eq!((object(), slots()), (0, 1));
    let boxed = unsize!(crate::ledger::InA::new_in(8, lives::A) => dyn Display);
    assert_eq!(InA::<dyn Display, C>::from(boxed).to_string(), "8");
    assert_eq!(slots(), 1);
}

fn objects_become_what_they_were<C: Counter>() {
    macro_rules! there_and_back {
        ($object:ty) => {{
            let object = unsize!(InA::<_, C>::new_in(String::from("x"), lives::A) => $object);
            let other = object.clone();
            let object = object.downcast::<u32>().unwrap_err();
            assert_eq!(*object.downcast::<String>().unwrap(), "x");
            assert_eq!(InA::strong_count(&other), 1);
            // SAFETY: just made of one.
            assert_eq!(*unsafe { other.downcast_unchecked::<String>() }, "x");
        }};
    }
    there_and_back!(dyn Any);
    there_and_back!(dyn Any + Send);
    there_and_back!(dyn Any + Send + Sync);
}

both!(
    the_value_and_the_counts_stay,
    objects_of_any_layout_are_dropped_and_freed,
    slices_too,
    a_handle_that_leads_nowhere_still_does,
    objects_of_boxes_move_in,
    objects_become_what_they_were,
);
