//! Slices and text: from whatever they are made.

use std::borrow::Cow;
use std::ffi::{CStr, OsStr};
use std::path::Path;
use std::rc::Rc;

use famalloc::FamilyBox;
use famalloc::rc::Counter;

use crate::common::times;
use crate::ledger::{Ledger, lives};
use crate::{InA, slots};

fn elements_move_in<C: Counter>() {
    for len in [0, 1, 2, 7, 100].into_iter().take(times(5, 4)) {
        let ledger = Ledger::default();
        let numbers = |slice: &[crate::ledger::Tracked]| {
            slice.iter().map(|value| value.index).collect::<Vec<_>>()
        };
        let expected: Vec<_> = (0..len).collect();
        let from_vec = InA::<[_], C>::from(ledger.values(len));
        assert_eq!((numbers(&from_vec), ledger.made(), slots()), (expected.clone(), len, 1));
        drop(from_vec);
        let ledger = Ledger::default();
        let from_box = InA::<[_], C>::from(ledger.values(len).into_boxed_slice());
        assert_eq!((numbers(&from_box), ledger.made(), slots()), (expected.clone(), len, 1));
        drop(from_box);
        let ledger = Ledger::default();
        let values = FamilyBox::<[_], lives::A>::from(ledger.values(len));
        let moved = InA::<[_], C>::from(values);
        assert_eq!((numbers(&moved), ledger.made(), slots()), (expected.clone(), len, 1));
        drop(moved);
        let ledger = Ledger::default();
        let collected: InA<[_], C> = (0..len).map(|_| ledger.value()).collect();
        assert_eq!((numbers(&collected), ledger.made(), slots()), (expected, len, 1));
        let cloned = InA::<[_], C>::from(&*collected);
        assert_eq!((cloned.len(), ledger.made(), slots()), (len, 2 * len, 2));
        let filtered: InA<[_], C> =
            ledger.values(len).into_iter().filter(|value| value.index % 2 == 0).collect();
        assert!(filtered.len() <= len && slots() == 3);
    }
}

fn arrays_are_slices<C: Counter>() {
    let ledger = Ledger::default();
    let slice = InA::<[_], C>::from([ledger.value(), ledger.value()]);
    let other = slice.clone();
    let slice = <InA<[_; 3], C>>::try_from(slice).map(drop).unwrap_err();
    let array = <InA<[_; 2], C>>::try_from(slice).map_err(drop).unwrap();
    assert_eq!((array[1].index, InA::strong_count(&array)), (1, 2));
    drop(array);
    assert_eq!((other.len(), ledger.live()), (2, 2));
    assert_eq!(*InA::<[u8], C>::default(), []);
    assert_eq!(*InA::<[u8], C>::from(&mut [1, 2][..]), [1, 2]);
    assert_eq!(*InA::<[u8], C>::from(Cow::Borrowed(&[1, 2][..])), [1, 2]);
    assert_eq!(*InA::<[u8], C>::from(Cow::<[u8]>::Owned(vec![1, 2])), [1, 2]);
}

fn text_is_like_that_of_std<C: Counter>() {
    for text in [
        "",
        "x",
        "seven b",
        "eight by",
        "nine byte",
        "\u{1f980} is a crab",
        &"long".repeat(times(99, 9)),
    ] {
        let ours = InA::<str, C>::from(text);
        let theirs: Rc<str> = text.into();
        assert_eq!(&*ours, &*theirs);
        assert_eq!(InA::<str, C>::from(String::from(text)), ours);
        assert_eq!(InA::<str, C>::from(text.to_owned().into_boxed_str()), ours);
        assert_eq!(InA::<str, C>::from(Cow::Borrowed(text)), ours);
        assert_eq!(InA::<str, C>::from(FamilyBox::<str, lives::A>::from(text)), ours);
        assert_eq!(text.chars().collect::<InA<str, C>>(), ours);
        assert_eq!(text.split(' ').collect::<InA<str, C>>().len(), text.replace(' ', "").len());
        assert_eq!(InA::<str, C>::from(&mut *text.to_owned()), ours);
        let weak = InA::downgrade(&ours);
        let bytes = InA::<[u8], C>::from(ours);
        assert_eq!((&*bytes, InA::weak_count(&bytes)), (text.as_bytes(), 1));
        assert_eq!(&*weak.upgrade().unwrap(), text);
    }
    assert_eq!(&*InA::<str, C>::default(), "");
    assert_eq!(&*InA::<Path, C>::from(Path::new("a/b")), Path::new("a/b"));
    assert_eq!(&*InA::<OsStr, C>::from(OsStr::new("a")), "a");
    assert_eq!(&*InA::<CStr, C>::from(c"text"), c"text");
}

both!(elements_move_in, arrays_are_slices, text_is_like_that_of_std);
