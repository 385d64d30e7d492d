//! Slices, arrays, vectors, and iteration by value.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::iter;

use famalloc::FamilyBox;

use crate::common::lives;
use crate::common::{InA, Ledger, panic_of};
use crate::times;

#[test]
fn slices_come_from_everything_that_is_a_row() {
    let expected = ["a".to_owned(), "b".to_owned()];
    let vec = expected.to_vec();
    assert_eq!(*InA::<[String]>::from(&vec[..]), expected);
    assert_eq!(*InA::<[String]>::from(&mut vec.clone()[..]), expected);
    assert_eq!(*InA::<[String]>::from(expected.clone()), expected);
    assert_eq!(*InA::<[String]>::from(Cow::Borrowed(&vec[..])), expected);
    assert_eq!(*InA::<[String]>::from(Cow::<[String]>::Owned(vec.clone())), expected);
    assert_eq!(*InA::<[String]>::from(vec.clone().into_boxed_slice()), expected);
    assert_eq!(*InA::<[String]>::from(InA::new_in(expected.clone(), lives::A)), expected);
    assert_eq!(*InA::<[String]>::from(vec.clone()), expected);
    assert_eq!(*vec.into_iter().collect::<InA<[String]>>(), expected);
    assert!(InA::<[String]>::default().is_empty());
    assert!(InA::<[String]>::from(Vec::new()).is_empty());
    let with_room = Vec::<u8>::with_capacity(100);
    assert!(InA::<[u8]>::from(with_room).is_empty());
}

#[test]
fn slices_become_vectors_and_boxes() {
    let slice = InA::<[String]>::from(["a".to_owned(), "b".to_owned()]);
    assert_eq!(slice.clone().into_vec(), ["a", "b"]);
    assert_eq!(Vec::from(slice.clone()), ["a", "b"]);
    let boxed: Box<[String]> = slice.into();
    assert_eq!(*boxed, ["a", "b"]);
}

#[test]
fn arrays_and_slices_of_their_length_are_one() {
    let slice = InA::<[String]>::from(["a".to_owned(), "b".to_owned()]);
    let address = slice.as_ptr();
    let slice = InA::<[String; 3]>::try_from(slice).unwrap_err();
    let array = InA::<[String; 2]>::try_from(slice).unwrap();
    assert_eq!(array.as_ptr(), address);
    let slice: InA<[String]> = array.into();
    assert_eq!(slice.as_ptr(), address);
    assert_eq!(slice.clone().into_array::<1>(), None);
    assert_eq!(slice.into_array::<2>().unwrap()[1], "b");

    let vec = InA::<[i32; 2]>::try_from(vec![1, 2, 3]).unwrap_err();
    assert_eq!(*InA::<[i32; 3]>::try_from(vec).unwrap(), [1, 2, 3]);
}

#[test]
fn collecting_works_whatever_the_iterator_foretells() {
    /// An iterator with a size hint of its own.
    struct Foretold<I>(I, (usize, Option<usize>));
    impl<I: Iterator> Iterator for Foretold<I> {
        type Item = I::Item;
        fn next(&mut self) -> Option<I::Item> {
            self.0.next()
        }
        fn size_hint(&self) -> (usize, Option<usize>) {
            self.1
        }
    }

    for len in [0, 1, 3, 4, 5, 100].into_iter().take(times(6, 5)) {
        for hint in [(0, None), (1, Some(1)), (len, Some(len)), (1000, Some(2)), (5, Some(0))] {
            let ledger = Ledger::default();
            let values = Foretold(iter::repeat_with(|| ledger.value()).take(len), hint);
            let slice = values.collect::<InA<[_]>>();
            assert_eq!((slice.len(), ledger.live()), (len, len));
            assert!(slice.iter().map(|value| value.index).eq(0..len));

            let nothings = Foretold(iter::repeat_n((), len), hint);
            assert_eq!(nothings.collect::<InA<[()]>>().len(), len);
        }
    }
    let message = panic_of(|| Foretold(0..1_u64, (usize::MAX, None)).collect::<InA<[_]>>());
    assert_eq!(message, "capacity overflow");
}

#[test]
fn slices_are_iterated_by_reference() {
    let mut slice = InA::<[i32]>::from([1, 2, 3]);
    for number in &mut slice {
        *number *= 2;
    }
    let mut seen = Vec::new();
    for number in &slice {
        seen.push(*number);
    }
    for number in slice {
        seen.push(number);
    }
    assert_eq!(seen, [2, 4, 6, 2, 4, 6]);
}

/// Every sequence of steps up to a length, beside the iterator of a `VecDeque`.
#[test]
fn iteration_by_value_is_that_of_a_queue() {
    const STEPS: usize = 5;
    let length = times(5, 2) as u32;
    for len in 0..5 {
        for mut steps in 0..STEPS.pow(length) {
            let ledger = Ledger::default();
            let mut ours = InA::<[_]>::from(ledger.values(len)).into_iter();
            let mut theirs = (0..len).collect::<VecDeque<_>>().into_iter();
            for _ in 0..length {
                let (our, their) = match steps % STEPS {
                    0 => (ours.next(), theirs.next()),
                    1 => (ours.next_back(), theirs.next_back()),
                    2 => (ours.nth(1), theirs.nth(1)),
                    3 => (ours.nth_back(1), theirs.nth_back(1)),
                    _ => (ours.nth(usize::MAX), theirs.nth(usize::MAX)),
                };
                steps /= STEPS;
                assert_eq!(our.map(|value| value.index), their);
                assert_eq!(ours.size_hint(), theirs.size_hint());
                assert_eq!(ours.as_slice().len(), theirs.len());
                assert_eq!(ledger.live(), theirs.len());
            }
            assert!(ours.map(|value| value.index).eq(theirs));
        }
    }
}

#[test]
fn iterators_can_be_asked_cloned_and_cut_short() {
    let ledger = Ledger::default();
    let mut values = InA::<[_]>::from(ledger.values(4)).into_iter();
    values.next();
    assert_eq!(values.clone().count(), 3);
    assert_eq!(values.clone().last().unwrap().index, ledger.made() - 1);
    values.as_mut_slice().swap(0, 2);
    assert!(values.map(|value| value.index).eq([3, 2, 1]));
    assert_eq!(famalloc::boxed::IntoIter::<u8, crate::common::lives::A>::default().next(), None);
    let mut ended = InA::<[u8]>::from([1]).into_iter();
    ended.next();
    assert_eq!((ended.next(), ended.next_back(), ended.nth(3)), (None, None, None));
}

#[test]
fn clone_from_keeps_the_slot_of_a_slice_of_the_same_length() {
    let mut slice = InA::<[String]>::from(["a".to_owned(), "b".to_owned()]);
    let address = slice.as_ptr();
    slice.clone_from(&InA::from(["c".to_owned(), "d".to_owned()]));
    assert_eq!((slice.as_ptr(), &*slice), (address, &["c".to_owned(), "d".to_owned()][..]));
    slice.clone_from(&InA::from(["e".to_owned()]));
    assert_eq!(*slice, ["e"]);

    let mut value = InA::new_in(String::from("a"), lives::A);
    let address = FamilyBox::as_ptr(&value);
    value.clone_from(&InA::new_in(String::from("b"), lives::A));
    assert_eq!((FamilyBox::as_ptr(&value), value.as_str()), (address, "b"));
}
