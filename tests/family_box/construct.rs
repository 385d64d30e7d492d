//! The constructors.

use std::marker::PhantomPinned;
use std::mem::MaybeUninit;
use std::pin::Pin;

use famalloc::{AllocErrorKind, FamilyBox};

use crate::common::{InA, InB, Ledger, Node, lives};

#[test]
fn a_type_of_a_family_needs_no_more_words() {
    let node = FamilyBox::new(Node(7));
    let same: FamilyBox<Node, lives::A> = node;
    assert_eq!(*same, Node(7));
    assert_eq!(*FamilyBox::try_new(Node(7)).unwrap(), Node(7));
    assert_eq!(*FamilyBox::new_with(|| Node(7)), Node(7));
    assert_eq!(*FamilyBox::try_new_with(|| Node(7)).unwrap(), Node(7));
    assert_eq!(*FamilyBox::pin(Node(7)), Node(7));
    assert_eq!(*FamilyBox::try_pin(Node(7)).unwrap(), Node(7));
    let slot: FamilyBox<MaybeUninit<Node>> = FamilyBox::<Node>::new_uninit();
    assert_eq!(*FamilyBox::write(slot, Node(7)), Node(7));
    let nodes: FamilyBox<[Node]> = [Node(1), Node(2)].into();
    assert_eq!(nodes[1], Node(2));
}

#[test]
fn any_type_can_be_put_into_a_named_family() {
    assert_eq!(*InA::new_in(7, lives::A), 7);
    assert_eq!(*InB::new_in(Node(7), lives::B), Node(7));
    assert_eq!(*InA::try_new_in(7, lives::A).unwrap(), 7);
    assert_eq!(*InA::new_with_in(|| 7, lives::A), 7);
    assert_eq!(*InA::try_new_with_in(|| 7, lives::A).unwrap(), 7);
    assert_eq!(*InA::pin_in(7, lives::A), 7);
    assert_eq!(*InA::try_pin_in(7, lives::A).unwrap(), 7);
    assert_eq!(*InA::from(7), 7);
    assert_eq!(*InA::<u32>::default(), 0);
}

#[test]
fn a_slot_can_be_filled_later() {
    let ledger = Ledger::default();
    let slot = InA::new_uninit();
    drop(FamilyBox::write(slot, ledger.value()));
    // A slot that is never filled drops nothing.
    drop(InA::<String>::new_uninit());
    drop(InA::<String>::try_new_uninit().unwrap());
    drop(InA::<[String]>::new_uninit_slice(3));
}

#[test]
fn zeroed_slots_are_zero() {
    // Leave something behind that a careless allocator would hand out again.
    drop(InA::new_in([0xff_u8; 100], lives::A));
    // SAFETY: zero bytes are valid integers.
    unsafe {
        assert_eq!(*InA::<[u8; 100]>::new_zeroed().assume_init(), [0; 100]);
        assert_eq!(*InA::<[u8; 100]>::try_new_zeroed().unwrap().assume_init(), [0; 100]);
        assert_eq!(*InA::<[u8]>::new_zeroed_slice(100).assume_init(), [0; 100]);
        assert_eq!(*InA::<[u8]>::try_new_zeroed_slice(100).unwrap().assume_init(), [0; 100]);
        assert!(InA::<[u64]>::new_zeroed_slice(0).assume_init().is_empty());
        drop(InA::<()>::new_zeroed().assume_init());
    }
}

#[test]
fn uninitialised_slices_have_their_length() {
    let mut slots = InA::<[u16]>::new_uninit_slice(5);
    for (slot, value) in slots.iter_mut().zip(0..) {
        slot.write(value);
    }
    // SAFETY: all were written.
    assert_eq!(*unsafe { slots.assume_init() }, [0, 1, 2, 3, 4]);
    assert_eq!(InA::<[String]>::try_new_uninit_slice(0).unwrap().len(), 0);
    assert_eq!(InA::<[()]>::new_uninit_slice(usize::MAX).len(), usize::MAX);
}

#[test]
fn slices_beyond_isize_are_refused() {
    let too_long = isize::MAX as usize / 8 + 1;
    let error = InA::<[u64]>::try_new_uninit_slice(too_long).unwrap_err();
    assert_eq!(error.kind(), AllocErrorKind::TooLarge);
    let error = InA::<[u64]>::try_new_zeroed_slice(usize::MAX).unwrap_err();
    assert_eq!(error.kind(), AllocErrorKind::TooLarge);
    let message = crate::common::panic_of(|| InA::<[u64]>::new_uninit_slice(too_long));
    assert_eq!(message, "capacity overflow");
    let message = crate::common::panic_of(|| InA::<[u64]>::new_zeroed_slice(usize::MAX));
    assert_eq!(message, "capacity overflow");
}

#[test]
fn pinned_values_stay_where_they_are() {
    struct Anchored {
        own_address: *const Self,
        _pinned: PhantomPinned,
    }
    let mut anchored =
        InA::pin_in(Anchored { own_address: std::ptr::null(), _pinned: PhantomPinned }, lives::A);
    let address: *const Anchored = &raw const *anchored;
    // SAFETY: writing a field moves nothing.
    unsafe { anchored.as_mut().get_unchecked_mut() }.own_address = address;
    let moved: Pin<InA<Anchored>> = anchored;
    assert_eq!(moved.own_address, &raw const *moved);
    assert_eq!(*Pin::<InA<u32>>::default(), 0);
    assert_eq!(*Pin::from(InA::new_in(7, lives::A)), 7);
}
