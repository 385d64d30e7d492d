//! How wide a box is, and that any layout works.

use std::fmt::Debug;
use std::ptr;

use famalloc::{FamilyBox, boxed::IntoIter};

use crate::common::{InA, Ledger, Node, lives};

#[test]
fn a_box_is_as_wide_as_a_pointer_and_has_a_niche() {
    macro_rules! same_size {
        ($($value:ty),*) => {$(
            assert_eq!(size_of::<InA<$value>>(), size_of::<Box<$value>>());
            assert_eq!(size_of::<Option<InA<$value>>>(), size_of::<Box<$value>>());
            assert_eq!(align_of::<InA<$value>>(), align_of::<Box<$value>>());
        )*};
    }
    same_size!(u8, (), [u64; 1000], [u8], str, dyn Debug, std::path::Path);
    assert_eq!(size_of::<FamilyBox<Node>>(), size_of::<usize>());
    assert_eq!(size_of::<Result<FamilyBox<Node>, ()>>(), size_of::<usize>());
    assert_eq!(size_of::<IntoIter<u8, lives::A>>(), size_of::<std::vec::IntoIter<u8>>());
}

#[repr(align(4096))]
#[derive(Clone, PartialEq, Debug)]
struct Page([u8; 4096]);

#[repr(align(1024))]
#[derive(Clone, PartialEq, Debug)]
struct AlignedNothing;

fn round_trip<T: Clone + PartialEq + Debug>(value: &T) {
    let boxed = InA::new_in(value.clone(), lives::A);
    assert!(ptr::from_ref(&*boxed).is_aligned());
    assert_eq!(*boxed, *value);
    let other = boxed.clone();
    assert!(size_of::<T>() == 0 || !ptr::eq(&*boxed, &*other));
    assert_eq!(FamilyBox::into_inner(boxed), *value);
    let boxed = InA::<[T]>::from(vec![value.clone(); 3]);
    assert!(boxed.as_ptr().is_aligned());
    assert_eq!(boxed.into_vec(), vec![value.clone(); 3]);
    let boxed = FamilyBox::into_box(other);
    assert_eq!(*InA::from_box(boxed), *value);
}

#[test]
fn any_layout_works() {
    round_trip(&());
    round_trip(&AlignedNothing);
    round_trip(&7_u8);
    round_trip(&[1_u8, 2, 3]);
    round_trip(&(1_u8, 2_u64, 3_u16));
    round_trip(&[0x5a_u128; 4 << 10]);
    round_trip(&Page([0xa5; 4096]));
    round_trip(&String::from("owns"));
}

#[test]
fn values_without_a_size_are_dropped_too() {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    static DROPS: AtomicU32 = AtomicU32::new(0);

    #[derive(Clone)]
    struct Counted;
    impl Drop for Counted {
        fn drop(&mut self) {
            DROPS.fetch_add(1, Relaxed);
        }
    }

    drop(InA::new_in(Counted, lives::A));
    assert_eq!(DROPS.swap(0, Relaxed), 1);
    drop(InA::<[Counted]>::from([Counted, Counted, Counted]));
    assert_eq!(DROPS.swap(0, Relaxed), 3);
    let mut five = (0..5).map(|_| Counted).collect::<InA<[Counted]>>().into_iter();
    assert!(five.next().is_some());
    assert_eq!((five.len(), DROPS.swap(0, Relaxed)), (4, 1));
    drop(five);
    assert_eq!(DROPS.swap(0, Relaxed), 4);
    drop(FamilyBox::into_box(InA::new_in(Counted, lives::A)));
    assert_eq!(DROPS.load(Relaxed), 1);
}

#[test]
fn a_box_drops_its_value_once() {
    let ledger = Ledger::default();
    let one = InA::new_in(ledger.value(), lives::A);
    let many = InA::<[_]>::from(ledger.values(3));
    assert_eq!((ledger.made(), ledger.live()), (4, 4));
    drop(one);
    assert_eq!(ledger.live(), 3);
    drop(many);
}
