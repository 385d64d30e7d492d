//! What the model does not reach: conversions, comparison, errors, iterators from both ends.

use std::borrow::Cow;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::io::Write;

use famalloc::collections::{SmallVec, Vec as FamilyVec};
use famalloc::{AllocErrorKind, FamilyBox, alloc_family};

use crate::common::{times, usage};
use crate::ledger::{Ledger, panic_of};

#[alloc_family]
enum Lives {
    Plain,
    #[family(limit = "2 MiB")]
    Limited,
    Boxes,
    Odd,
}

type Small = SmallVec<u32, 3, lives::Plain>;

#[test]
fn a_plain_vector_is_three_words_wide() {
    assert_eq!(size_of::<FamilyVec<u64, lives::Plain>>(), size_of::<Vec<u64>>());
    assert_eq!(size_of::<SmallVec<u64, 1, lives::Plain>>(), size_of::<Vec<u64>>());
    assert_eq!(size_of::<SmallVec<u32, 2, lives::Plain>>(), size_of::<Vec<u64>>());
}

#[test]
fn from_and_into() {
    for len in 0..7 {
        let numbers: Vec<u32> = (0..len).collect();
        let small = Small::from(&numbers[..]);
        assert_eq!(small, numbers);
        assert_eq!(Small::from(numbers.clone()), numbers);
        assert_eq!(Small::from(Cow::Borrowed(&numbers[..])), numbers);
        assert_eq!(Small::from(Cow::<[u32]>::Owned(numbers.clone())), numbers);
        assert_eq!(numbers.iter().collect::<Vec<_>>(), small.iter().collect::<Vec<_>>());
        assert_eq!(numbers.iter().copied().collect::<Small>(), numbers);
        assert_eq!(Vec::from(small.clone()), numbers);
        let mut extended = Small::new();
        extended.extend(&numbers);
        assert_eq!(extended, numbers);
        assert_eq!(small.clone().into_array::<3>().is_ok(), len == 3);
        let boxed = FamilyBox::<[u32], lives::Plain>::from(small);
        assert_eq!(boxed[..], numbers);
        assert_eq!(Small::from(boxed), numbers);
    }
    let mut bytes = SmallVec::<u8, 4, lives::Plain>::new();
    write!(bytes, "{}-{}", 12, 345).unwrap();
    assert_eq!(bytes, *b"12-345");
}

#[test]
fn clone_from_makes_them_equal_and_keeps_the_room() {
    for (from, to) in (0..7).flat_map(|from| (0..7).map(move |to| (from, to))) {
        let source: Small = (0..from).collect();
        let mut target: Small = (10..10 + to).collect();
        let room = target.capacity();
        target.clone_from(&source);
        assert_eq!(target, source);
        assert!(target.capacity() >= room);
    }
}

#[test]
fn boxes_keep_the_slot_where_it_fits_and_are_counted_once() {
    type F = lives::Boxes;
    let live = || usage::<F>().live_objects;
    let boxed = FamilyBox::<[u64], F>::from([7; 100]);
    let address = boxed.as_ptr();
    let vec = SmallVec::<u64, 10, F>::from(boxed);
    assert_eq!((vec.as_ptr(), vec.len(), live()), (address, 100, 1));
    let boxed = vec.into_boxed_slice();
    assert_eq!((boxed.as_ptr(), live()), (address, 1));
    // What fits inside moves there, and the slot is freed.
    let vec = SmallVec::<u64, 100, F>::from(boxed);
    assert_eq!((vec.spilled(), live()), (false, 0));
    assert_eq!(vec, [7; 100]);
    let boxed = vec.into_boxed_slice();
    assert_eq!((live(), boxed.len()), (1, 100));
    // Of elements without a size, and of none.
    drop(boxed);
    assert_eq!(SmallVec::<(), 1, F>::from([(); 9]).into_boxed_slice().len(), 9);
    assert_eq!(SmallVec::<u64, 1, F>::with_capacity(9).into_boxed_slice().len(), 0);
    assert_eq!(SmallVec::<u64, 1, F>::from(FamilyBox::<[u64], F>::default()).len(), 0);
    assert_eq!(live(), 0);
}

#[test]
fn compares_and_hashes_like_a_slice() {
    let hash = |value: &dyn Fn(&mut DefaultHasher)| {
        let mut hasher = DefaultHasher::new();
        value(&mut hasher);
        hasher.finish()
    };
    for (a, b) in [(vec![], vec![1]), (vec![1, 2], vec![1, 3]), (vec![2], vec![1, 9, 9, 9])] {
        let (x, y) = (Small::from(&a[..]), Small::from(&b[..]));
        assert_eq!(x.cmp(&y), a.cmp(&b));
        assert_eq!(x.partial_cmp(&y), a.partial_cmp(&b));
        assert_eq!(x == y, a == b);
        assert_eq!(format!("{x:?}"), format!("{a:?}"));
        assert_eq!(hash(&|hasher| x.hash(hasher)), hash(&|hasher| a.hash(hasher)));
    }
    assert_eq!(Small::from([1]), FamilyVec::<u32, lives::Odd>::from([1]));
    assert_eq!(Small::from([1]), [1][..]);
    assert_eq!(Small::from([1]), &[1]);
}

#[test]
fn iterators_work_from_both_ends() {
    let mut numbers = Small::from([1, 2, 3, 4, 5]);
    let mut range = numbers.drain(1..=3);
    assert_eq!((range.next_back(), range.len(), range.next()), (Some(4), 2, Some(2)));
    assert_eq!(format!("{range:?}"), "Drain([3])");
    drop(range);
    assert_eq!(numbers, [1, 5]);
    let mut all = numbers.into_iter();
    let copy = all.clone();
    assert_eq!((all.next_back(), all.next(), all.next()), (Some(5), Some(1), None));
    assert_eq!(copy.as_slice(), [1, 5]);
    assert_eq!(copy.count(), 2);
}

#[test]
fn indices_out_of_range_panic_and_change_nothing() {
    let ledger = Ledger::default();
    let mut vec = SmallVec::<_, 2, lives::Odd>::from(ledger.values(3));
    panic_of(|| vec.insert(4, ledger.value()));
    panic_of(|| vec.remove(3));
    panic_of(|| vec.swap_remove(3));
    panic_of(|| drop(vec.split_off(4)));
    panic_of(|| drop(vec.drain(2..4)));
    #[expect(clippy::reversed_empty_ranges, reason = "the mistake that is tested")]
    panic_of(|| drop(vec.drain(2..1)));
    panic_of(|| drop(vec.drain(..=usize::MAX)));
    assert_eq!((vec.len(), ledger.live()), (3, 3));
}

#[test]
fn too_much_is_an_error_and_changes_nothing() {
    type F = lives::Limited;
    // Large ones under Miri, so that fewer fit.
    const WORDS: usize = times(1, 1024);
    let of = |number: u64| [number; WORDS];
    let mut vec = SmallVec::<[u64; WORDS], 2, F>::from([1, 2, 3].map(of));
    assert_eq!(vec.try_reserve(usize::MAX).unwrap_err().kind(), AllocErrorKind::TooLarge);
    assert_eq!(vec.try_reserve(usize::MAX / 8).unwrap_err().kind(), AllocErrorKind::TooLarge);
    assert_eq!(vec.try_reserve(1 << 20).unwrap_err().kind(), AllocErrorKind::Limit);
    assert_eq!(panic_of(|| vec.reserve(usize::MAX)), "capacity overflow");
    assert_eq!(vec, [1, 2, 3].map(of));
    // Twice what there is may be too much where one more is not: it goes on until nothing fits.
    let (mut vec, error) = (0..)
        .map(of)
        .try_fold(vec, |mut vec, value| match vec.try_push(value) {
            Ok(()) => Ok(vec),
            Err((lost, error)) => {
                assert_eq!(lost, value);
                Err((vec, error))
            }
        })
        .unwrap_err();
    assert_eq!(error.kind(), AllocErrorKind::Limit);
    assert!(vec.len() * WORDS > 1 << 17, "only {} fitted", vec.len());
    const MANY: usize = times(1000, 60);
    assert_eq!(vec[3..MANY + 3], *(0..MANY as u64).map(of).collect::<Vec<_>>());
    vec.clear();
    vec.shrink_to_fit();
    assert_eq!(usage::<F>().live_objects, 0);
    let mut nothings = SmallVec::<(), 0, F>::from([(); 3]);
    assert!(nothings.try_reserve(usize::MAX).is_err());
    assert!(nothings.try_reserve(usize::MAX - 3).is_ok());
}
