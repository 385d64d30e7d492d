//! Giving the pointer away and taking it back.

use std::alloc::Layout;
use std::ptr::{self, NonNull};

use famalloc::{FamilyBox, RawAlloc, unsize};

use crate::common::{InA, Ledger, lives};

#[test]
fn a_value_survives_the_way_out_and_back() {
    let ledger = Ledger::default();
    let boxed = InA::new_in(ledger.value(), lives::A);
    let address = FamilyBox::as_ptr(&boxed);
    let raw = FamilyBox::into_raw(boxed);
    assert!(ptr::eq(address, raw));
    assert_eq!(ledger.live(), 1);
    // SAFETY: from `into_raw`, once.
    drop(unsafe { InA::from_raw(raw) });
    assert_eq!(ledger.live(), 0);

    let value = FamilyBox::into_non_null(InA::new_in(ledger.value(), lives::A));
    // SAFETY: from `into_non_null`, once.
    drop(unsafe { InA::from_non_null(value) });
}

#[test]
fn wide_pointers_go_the_same_way() {
    let raw = FamilyBox::into_raw(InA::<str>::from("text"));
    // SAFETY: from `into_raw`, once.
    assert_eq!(&*unsafe { InA::from_raw(raw) }, "text");
    let object = unsize!(InA::new_in(7, lives::A) => dyn std::fmt::Display);
    let raw = FamilyBox::into_raw(object);
    // SAFETY: from `into_raw`, once.
    assert_eq!(unsafe { InA::from_raw(raw) }.to_string(), "7");
}

#[test]
fn slots_of_the_raw_interface_are_the_same_slots() {
    let layout = Layout::new::<[u64; 3]>();
    let slot = lives::A.alloc(layout).unwrap().cast::<[u64; 3]>();
    // SAFETY: a new slot of the layout.
    unsafe { slot.write([1, 2, 3]) };
    // SAFETY: it holds a value now, and was allocated in family A with its layout.
    let boxed = unsafe { FamilyBox::<[u64; 3], lives::A>::from_non_null(slot) };
    assert_eq!(boxed.iter().sum::<u64>(), 6);
    let slot = FamilyBox::into_non_null(boxed);
    // SAFETY: a slot of family A, of that layout, whose value needs no destructor.
    unsafe { lives::A.free(slot.cast(), layout) };
    // SAFETY: a value without a size needs no slot but an aligned address.
    drop(unsafe { InA::<()>::from_non_null(NonNull::dangling()) });
}

#[test]
fn pointers_taken_without_references_stay_usable() {
    let mut boxed = InA::new_in([0_u8; 4], lives::A);
    let first = FamilyBox::as_mut_ptr(&mut boxed).cast::<u8>();
    let second = FamilyBox::as_mut_ptr(&mut boxed).cast::<u8>();
    // SAFETY: both lead to the value, which is alive, and no reference to it was made meanwhile.
    unsafe {
        first.write(1);
        second.add(3).write(2);
        first.write(first.read() + 1);
    }
    assert_eq!(*boxed, [2, 0, 0, 2]);
}

#[test]
fn leaked_values_live_on() {
    let ledger = Ledger::default();
    {
        let leaked: &mut _ = FamilyBox::leak(InA::new_in(ledger.value(), lives::A));
        assert_eq!(ledger.live(), 1);
        // SAFETY: `leak` gave us the only pointer; so that these tests end with nothing leaked.
        drop(unsafe { InA::from_raw(leaked) });
    }
    let local = 7;
    let leaked: &mut &i32 = FamilyBox::leak(InA::new_in(&local, lives::A));
    assert_eq!(**leaked, 7);
    // SAFETY: as above.
    drop(unsafe { InA::from_raw(leaked) });
}
