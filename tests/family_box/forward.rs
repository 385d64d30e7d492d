//! Iterators, futures and hashers in a box, with `Box` as the oracle.

use std::collections::VecDeque;
use std::future::{poll_fn, ready};
use std::hash::{DefaultHasher, Hasher};
use std::iter::{FusedIterator, successors};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use famalloc::{FamilyBox, unsize};

use crate::common::InA;
use crate::common::lives;

#[test]
fn iterators_with_a_size() {
    like_box!(0..10, |b| (
        b.next(),
        b.size_hint(),
        b.nth(2),
        b.next_back(),
        b.nth_back(1),
        b.len()
    ));
    like_box!(successors(Some(1), |n| (n < &9).then_some(n * 2)), |b| (b.size_hint(), b.last()));
    like_box!((0..3).filter(|n| n % 2 == 0), |b| b.collect::<Vec<_>>());
    fn fused<I: FusedIterator>(iterator: I) -> usize {
        iterator.count()
    }
    like_box!(0..3, |b| fused(b));
    let boxed = InA::new_in(0..3, lives::A);
    let mut seen = Vec::new();
    for number in boxed {
        seen.push(number);
    }
    assert_eq!(seen, [0, 1, 2]);
}

#[test]
fn iterator_objects() {
    let numbers = || InA::new_in(0..10, lives::A);
    assert_eq!(unsize!(numbers() => dyn Iterator<Item = i32>).sum::<i32>(), 45);
    assert_eq!(unsize!(numbers() => dyn Iterator<Item = i32> + Send).nth(3), Some(3));
    assert_eq!(
        unsize!(numbers() => dyn Iterator<Item = i32> + Send + Sync).size_hint(),
        (10, Some(10))
    );
    let mut both_ends = unsize!(numbers() => dyn DoubleEndedIterator<Item = i32>);
    assert_eq!(
        (both_ends.next(), both_ends.next_back(), both_ends.nth_back(1)),
        (Some(0), Some(9), Some(7))
    );
    assert!(
        unsize!(InA::new_in(0..3, lives::A) => dyn DoubleEndedIterator<Item = i32> + Send)
            .rev()
            .eq([2, 1, 0])
    );
    let sized = InA::new_in(vec![1, 2, 3].into_iter(), lives::A);
    assert_eq!(unsize!(sized => dyn ExactSizeIterator<Item = i32>).len(), 3);
    let mut fused = unsize!(InA::new_in(0..1, lives::A) => dyn FusedIterator<Item = i32>);
    assert_eq!((fused.next(), fused.next(), fused.next()), (Some(0), None, None));

    let local = [1, 2, 3];
    let borrowing = unsize!(InA::new_in(local.iter(), lives::A) => dyn Iterator<Item = &i32> + '_);
    assert_eq!(borrowing.copied().collect::<VecDeque<_>>(), local);
}

#[test]
fn objects_of_other_iterator_traits_are_iterated_by_reference() {
    trait Numbers: Iterator<Item = i32> {}
    impl<I: Iterator<Item = i32>> Numbers for I {}
    let mut numbers = unsize!(InA::new_in(0..3, lives::A) => dyn Numbers);
    let mut seen = Vec::new();
    for number in &mut *numbers {
        seen.push(number);
    }
    assert_eq!(seen, [0, 1, 2]);
}

fn poll_once<T>(future: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn futures() {
    like_box!(ready(7), |b| poll_once(pin!(b)));
    let mut polls = 0;
    let future = poll_fn(|_| {
        polls += 1;
        if polls == 2 { Poll::Ready(polls) } else { Poll::Pending }
    });
    let mut boxed = pin!(InA::new_in(future, lives::A));
    assert_eq!(poll_once(boxed.as_mut()), Poll::Pending);
    assert_eq!(poll_once(boxed.as_mut()), Poll::Ready(2));
    // One that may not move is a future when its box is pinned.
    let mut pinned = InA::pin_in(async { ready(7).await }, lives::A);
    assert_eq!(poll_once(pin!(pinned.as_mut())), Poll::Ready(7));
    let object = unsize!(InA::new_in(ready(7), lives::A) => dyn Future<Output = i32> + Unpin);
    assert_eq!(poll_once(pin!(object)), Poll::Ready(7));
}

#[test]
fn hashers() {
    fn everything(mut hasher: impl Hasher) -> u64 {
        hasher.write(b"bytes");
        hasher.write_u8(1);
        hasher.write_u16(2);
        hasher.write_u32(3);
        hasher.write_u64(4);
        hasher.write_u128(5);
        hasher.write_usize(6);
        hasher.write_i8(-1);
        hasher.write_i16(-2);
        hasher.write_i32(-3);
        hasher.write_i64(-4);
        hasher.write_i128(-5);
        hasher.write_isize(-6);
        hasher.finish()
    }
    like_box!(DefaultHasher::new(), |b| everything(b));
    let object: FamilyBox<dyn Hasher, _> =
        unsize!(InA::new_in(DefaultHasher::new(), lives::A) => dyn Hasher);
    assert_eq!(everything(object), everything(DefaultHasher::new()));
}
