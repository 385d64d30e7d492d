//! Comparison, hashing, and formatting, with `Box` as the oracle.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use crate::common::InA;
use crate::common::lives;

#[test]
fn values_compare_as_in_a_box() {
    let numbers = [f64::NEG_INFINITY, -0.0, 0.0, 1.5, f64::NAN];
    for a in numbers {
        for b in numbers {
            let (ours, other) = (InA::new_in(a, lives::A), InA::new_in(b, lives::A));
            let (theirs, their_other) = (Box::new(a), Box::new(b));
            assert_eq!(ours == other, theirs == their_other);
            assert_eq!(ours != other, theirs != their_other);
            assert_eq!(ours < other, theirs < their_other);
            assert_eq!(ours <= other, theirs <= their_other);
            assert_eq!(ours > other, theirs > their_other);
            assert_eq!(ours >= other, theirs >= their_other);
            assert_eq!(ours.partial_cmp(&other), theirs.partial_cmp(&their_other));
        }
    }
    assert_eq!(InA::<str>::from("a").cmp(&InA::from("b")), Ordering::Less);
    assert_eq!(InA::<[u8]>::from([2]).max(InA::from([1, 9])), InA::<[u8]>::from([2]));
    let sorted: BTreeSet<InA<u32>> = [3, 1, 2].map(|value| InA::new_in(value, lives::A)).into();
    assert!(sorted.iter().map(|boxed| **boxed).eq([1, 2, 3]));
}

#[test]
fn hashes_are_those_of_the_values() {
    let hasher = BuildHasherDefault::<DefaultHasher>::new();
    assert_eq!(hasher.hash_one(InA::new_in(7_u32, lives::A)), hasher.hash_one(7_u32));
    assert_eq!(hasher.hash_one(InA::<str>::from("x")), hasher.hash_one("x"));
    assert_eq!(hasher.hash_one(InA::<[u16]>::from([1, 2])), hasher.hash_one([1_u16, 2].as_slice()));
}

#[test]
fn formatting_is_that_of_the_value() {
    like_box!(-7.25, |b| format!("{b} {b:?} {b:>+9.3} {b:09.1?}"));
    like_box!("q\"", |b| format!("{b} {b:?} {b:>5} {b:#?}"));
    like_box!(vec![Some(1)], |b| format!("{b:?} {b:#?}"));
    let boxed = InA::new_in(7, lives::A);
    assert_eq!(format!("{boxed:p}"), format!("{:p}", &raw const *boxed));
    assert_eq!(format!("{boxed:#?} {boxed:?}"), "7 7");
    let text = InA::<str>::from("text");
    assert_eq!(format!("{text:p}"), format!("{:p}", &raw const *text));
    let iter = InA::<[i32]>::from([1, 2]).into_iter();
    assert_eq!(format!("{iter:?}"), format!("{:?}", vec![1, 2].into_iter()));
}
