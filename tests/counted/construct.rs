//! Making counted values, and where they lie.

use std::fmt::{Debug, Display};
use std::marker::PhantomPinned;
use std::pin::Pin;

use famalloc::rc::{Counted, Counter};
use famalloc::{AllocErrorKind, FamilyBox, FamilyOf, FamilyRc, FamilyRcWeak, QueryKind, query};

use crate::common::times;
use crate::ledger::{Ledger, Node, lives};
use crate::{InA, WeakInA, slots};

fn the_family_is_that_of_the_type<C: Counter>() {
    let node: Counted<Node, FamilyOf<Node>, C> = Counted::new(Node(7));
    assert_eq!(slots(), 1);
    let more = [
        Counted::try_new(Node(7)).unwrap(),
        Counted::new_with(|| Node(7)),
        Counted::try_new_with(|| Node(7)).unwrap(),
        Counted::new_cyclic(|_| Node(7)),
        Pin::into_inner(Counted::pin(Node(7))),
        Pin::into_inner(Counted::try_pin(Node(7)).unwrap()),
        InA::new_in(Node(7), lives::A),
        InA::try_new_in(Node(7), lives::A).unwrap(),
        InA::new_with_in(|| Node(7), lives::A),
        InA::try_new_with_in(|| Node(7), lives::A).unwrap(),
        InA::from(Node(7)),
        InA::from(FamilyBox::new(Node(7))),
        InA::from(Box::new(Node(7))),
    ];
    assert_eq!(slots(), 1 + more.len());
    assert!(more.iter().all(|other| *other == node && !Counted::ptr_eq(other, &node)));
    assert_eq!(*InA::<Node, C>::default(), Node(0));
    let in_b = Counted::<_, _, C>::new_in(Node(7), lives::B);
    let found = query(Counted::as_ptr(&in_b)).unwrap();
    // The number lies behind the counter, in a slot for both.
    assert_eq!((found.family, found.kind), ("B", QueryKind::Slot));
    assert_eq!((found.offset, found.slot_bytes), (8, 16));
}

fn handles_are_one_word<C: Counter>() {
    macro_rules! same_size {
        ($($value:ty),*) => {$(
            assert_eq!(size_of::<InA<$value, C>>(), size_of::<Box<$value>>());
            assert_eq!(size_of::<Option<InA<$value, C>>>(), size_of::<Box<$value>>());
            assert_eq!(size_of::<Option<WeakInA<$value, C>>>(), size_of::<Box<$value>>());
        )*};
    }
    same_size!(u8, (), [u64; 1000], [u8], str, dyn Debug);
    assert_eq!(size_of::<FamilyRc<Node>>(), size_of::<usize>());
    assert_eq!(size_of::<FamilyRcWeak<Node>>(), size_of::<usize>());
}

#[repr(align(4096))]
#[derive(Clone, PartialEq, Debug)]
struct Page([u8; 4096]);

#[repr(align(1024))]
#[derive(Clone, PartialEq, Debug)]
struct AlignedNothing;

fn round_trip<T: Clone + PartialEq + Debug, C: Counter>(value: &T) {
    let one = InA::<_, C>::new_in(value.clone(), lives::A);
    assert!(InA::as_ptr(&one).is_aligned());
    let other = InA::<_, C>::new_in(value.clone(), lives::A);
    assert!(!InA::ptr_eq(&one, &other));
    assert_eq!((&*one, &*other), (value, value));
    assert_eq!(InA::into_inner(one), Some(value.clone()));
    let weak = InA::downgrade(&other);
    drop(other);
    assert_eq!(slots(), 1);
    drop(weak);
    let many = InA::<[T], C>::from(vec![value.clone(); 3]);
    assert!(many.as_ptr().is_aligned());
    assert_eq!(*many, *vec![value.clone(); 3]);
    let many = InA::<[T], C>::from(&many[..2]);
    assert_eq!(*many, *vec![value.clone(); 2]);
    let boxed = FamilyBox::<T, _>::new_in(value.clone(), lives::A);
    assert_eq!(*InA::<T, C>::from(boxed), *value);
}

fn any_layout_works<C: Counter>() {
    round_trip::<_, C>(&());
    round_trip::<_, C>(&AlignedNothing);
    round_trip::<_, C>(&7_u8);
    round_trip::<_, C>(&[1_u8, 2, 3]);
    round_trip::<_, C>(&(1_u8, 2_u64, 3_u16));
    round_trip::<_, C>(&u128::MAX);
    round_trip::<_, C>(&[0x5a_u8; 64 << 10]);
    round_trip::<_, C>(&Page([0xa5; 4096]));
    round_trip::<_, C>(&String::from("owns"));
}

fn values_do_not_overlap_their_counters<C: Counter>() {
    let handles: Vec<_> = (0..times(1000, 30) as u64)
        .map(|number| InA::<_, C>::new_in([number; 3], lives::A))
        .collect();
    let copies: Vec<_> = handles.to_vec();
    let weak: Vec<_> = handles.iter().map(InA::downgrade).collect();
    for (number, handle) in (0..).zip(&handles) {
        assert_eq!(**handle, [number; 3]);
        assert_eq!((InA::strong_count(handle), InA::weak_count(handle)), (2, 1));
    }
    drop((copies, weak));
}

fn slots_can_be_had_before_their_values<C: Counter>() {
    let mut slot = InA::<u32, C>::new_uninit();
    InA::get_mut(&mut slot).unwrap().write(7);
    let copy = slot.clone();
    // SAFETY: just written.
    let (value, copy) = unsafe { (slot.assume_init(), copy.assume_init()) };
    assert!(InA::ptr_eq(&value, &copy));
    // SAFETY: zeros are valid numbers.
    let zeros = unsafe { InA::<[u64; 100], C>::new_zeroed().assume_init() };
    assert_eq!((*value, *zeros), (7, [0; 100]));
    // SAFETY: zeros are valid numbers.
    let zeros = unsafe { InA::<[u16], C>::new_zeroed_slice(5).assume_init() };
    assert_eq!(*zeros, [0; 5]);
    // Filled with something before, so that zeros have to be written.
    drop(InA::<_, C>::new_in([u64::MAX; 12], lives::A));
    // SAFETY: zeros are valid numbers.
    let zeros = unsafe { InA::<[u64; 12], C>::try_new_zeroed().unwrap().assume_init() };
    assert_eq!(*zeros, [0; 12]);
}

fn what_is_too_large_is_refused<C: Counter>() {
    for len in [usize::MAX, usize::MAX / 4, isize::MAX.unsigned_abs() / 4] {
        let error = InA::<[u32], C>::try_new_uninit_slice(len).unwrap_err();
        assert_eq!(error.kind(), AllocErrorKind::TooLarge, "{len}");
        let message = crate::ledger::panic_of(|| InA::<[u32], C>::new_uninit_slice(len));
        assert_eq!(message, "capacity overflow");
    }
}

fn a_cycle_leads_back<C: Counter>() {
    struct Gadget<C: Counter> {
        me: WeakInA<Gadget<C>, C>,
        number: u32,
    }
    let gadget = InA::<_, C>::new_cyclic_in(
        |me| {
            assert!(me.upgrade().is_none());
            assert!(me.clone().upgrade().is_none());
            Gadget { me: me.clone(), number: 7 }
        },
        lives::A,
    );
    assert_eq!((InA::strong_count(&gadget), InA::weak_count(&gadget)), (1, 1));
    assert_eq!(gadget.me.upgrade().unwrap().number, 7);
}

fn pinned_values_stay<C: Counter>() {
    struct Anchored(u32, PhantomPinned);
    let pinned = InA::<_, C>::pin_in(Anchored(7, PhantomPinned), lives::A);
    let copy = pinned.clone();
    assert!(std::ptr::eq(&*pinned, &*copy));
    assert_eq!(
        (pinned.0, InA::<_, C>::try_pin_in(8, lives::A).unwrap().as_ref().get_ref()),
        (7, &8)
    );
    assert_eq!(*Pin::<InA<u32, C>>::default(), 0);
}

fn values_show_through<C: Counter>() {
    let one = InA::<_, C>::new_in(String::from("x"), lives::A);
    assert_eq!(format!("{one} {one:?} {one:p}"), format!("x \"x\" {:p}", InA::as_ptr(&one)));
    assert_eq!((one.as_ref() as &String, &*one), (&String::from("x"), &String::from("x")));
    let numbers = [1, 2, 2].map(InA::<f64, C>::new_in_f64);
    assert!(numbers[0] < numbers[1] && numbers[1] == numbers[2] && numbers[1] >= numbers[2]);
    let nan = InA::<f64, C>::new_in(f64::NAN, lives::A);
    assert!(nan != nan.clone() && nan.partial_cmp(&nan).is_none());
    // Found by its borrowed form.
    let set: std::collections::BTreeSet<InA<str, C>> = ["x".into(), "y".into()].into();
    assert!(set.contains("x") && !set.contains("z"));
    let set: std::collections::HashSet<InA<str, C>> = ["x".into(), "y".into()].into();
    assert!(set.contains("x") && !set.contains("z"));
    fn shown(error: &dyn std::error::Error) -> String {
        error.to_string()
    }
    assert_eq!(shown(&InA::<_, C>::new_in(std::fmt::Error, lives::A)), std::fmt::Error.to_string());
    fn any<T: Display + ?Sized>(value: &T) -> String {
        value.to_string()
    }
    assert_eq!(any(&InA::<str, C>::from("text")), "text");
}

trait FromInteger<T> {
    fn new_in_f64(value: i32) -> Self;
}

impl<C: Counter> FromInteger<f64> for InA<f64, C> {
    fn new_in_f64(value: i32) -> Self {
        Self::new_in(value.into(), lives::A)
    }
}

fn values_are_dropped_once_and_in_order<C: Counter>() {
    let ledger = Ledger::default();
    let one = InA::<_, C>::new_in(ledger.value(), lives::A);
    let copies = [one.clone(), one.clone()];
    drop(one);
    assert_eq!((ledger.live(), slots()), (1, 1));
    drop(copies);
    assert_eq!((ledger.live(), slots()), (0, 0));

    // Elements from first to last; a handle within before what is behind it.
    struct Noting<'a>(u32, &'a std::cell::RefCell<Vec<u32>>);
    impl Drop for Noting<'_> {
        fn drop(&mut self) {
            self.1.borrow_mut().push(self.0);
        }
    }
    let order = std::cell::RefCell::new(Vec::new());
    let inner = InA::<_, C>::new_in(Noting(1, &order), lives::A);
    drop(InA::<_, C>::new_in((Noting(0, &order), inner, Noting(2, &order)), lives::A));
    drop(InA::<[_], C>::from([Noting(3, &order), Noting(4, &order)]));
    assert_eq!(*order.borrow(), [0, 1, 2, 3, 4]);
}

both!(
    the_family_is_that_of_the_type,
    handles_are_one_word,
    any_layout_works,
    values_do_not_overlap_their_counters,
    slots_can_be_had_before_their_values,
    what_is_too_large_is_refused,
    a_cycle_leads_back,
    pinned_values_stay,
    values_show_through,
    values_are_dropped_once_and_in_order,
);
