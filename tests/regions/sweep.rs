//! Sweeping a region, where the random walk of `oracle` seldom comes: runs of every length that
//! die and join, and a `keep` that panics.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

use crate::common::one_at_a_time;
use famalloc::region::Tracked;
use famalloc::{Region, alloc_family};

#[alloc_family]
enum Lives {
    Plain,
    #[family(zero_on_free)]
    Zeroed,
}

/// How many objects: Miri is content with fewer.
const COUNT: usize = if cfg!(miri) { 150 } else { 1000 };

/// Objects of so many words each, filled with their numbers.
fn filled<F: famalloc::Family>(
    region: &Region<F, Tracked>,
    words: impl Iterator<Item = usize>,
) -> Vec<NonNull<u64>> {
    let fill = |(number, words)| region.alloc_slice_fill_copy(words, number as u64);
    words.enumerate().map(|pair| NonNull::from(fill(pair)).cast()).collect()
}

#[test]
fn runs_of_every_length_die_and_join() {
    let _alone = one_at_a_time();
    // So many die, then one stays; the length of objects goes past that of a word of the bitmap.
    // Miri is content with a few of them.
    let (dying, words): (&[usize], &[usize]) = if cfg!(miri) {
        (&[3], &[65])
    } else {
        (&[1, 2, 3, 7, 63, 64, 65, 200], &[1, 2, 5, 63, 64, 65, 130])
    };
    for &dying in dying {
        for &words in words {
            let mut region = Region::<lives::Plain, Tracked>::new();
            let objects = filled(&region, std::iter::repeat_n(words, COUNT));
            let mut expected = Vec::new();
            for round in [dying + 1, 3 * (dying + 1)] {
                expected = objects.iter().copied().step_by(round).collect();
                let mut visited = 0;
                // SAFETY: what is declined is not used again.
                let freed = unsafe {
                    region.sweep(|object, bytes| {
                        visited += 1;
                        assert_eq!(bytes, words * 8);
                        expected.contains(&object.cast())
                    })
                };
                assert_eq!(freed, visited - expected.len(), "{dying} of {words} words die");
                assert_eq!(region.usage().live_bytes, expected.len() * words * 8);
                let mut found = Vec::new();
                region.walk(|object, _| found.push(object.cast::<u64>()));
                assert_eq!(found, expected);
            }
            // What is free is used again, and nothing that lives is.
            let before = region.allocated_bytes();
            let room = before * 8 / 10 / (words * 8) - expected.len();
            let fresh = filled(&region, std::iter::repeat_n(words, room));
            assert_eq!(region.allocated_bytes(), before, "{dying} of {words} words die");
            assert!(fresh.iter().all(|object| !expected.contains(object)));
            assert_eq!(region.objects(), room + expected.len());
        }
    }
}

#[test]
fn what_a_panicking_keep_has_declined_is_free_and_the_rest_is_not() {
    let _alone = one_at_a_time();
    let limits: &[usize] = if cfg!(miri) { &[64] } else { &[0, 1, 64, 500, 999] };
    for &limit in limits {
        let mut region = Region::<lives::Plain, Tracked>::new();
        let objects = filled(&region, (0..COUNT).map(|number| 1 + number % 5));
        let stays = |number: usize| number % 97 == 3;
        let mut number = 0;
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            // SAFETY: what is declined is not used again.
            unsafe {
                region.sweep(|_, _| {
                    assert!(number < limit, "as far as this");
                    number += 1;
                    stays(number - 1)
                })
            }
        }));
        assert!(panicked.is_err());
        let left = |number: &usize| *number >= limit || stays(*number);
        let expected = Vec::from_iter((0..COUNT).filter(left).map(|number| objects[number]));
        let mut found = Vec::new();
        region.walk(|object, _| found.push(object.cast::<u64>()));
        assert_eq!(found, expected, "{limit}");
        let words = (0..COUNT).filter(left).map(|number| 1 + number % 5);
        assert_eq!(region.usage().live_bytes, words.sum::<usize>() * 8);
        // SAFETY: nothing is used again.
        assert_eq!(unsafe { region.sweep(|_, _| false) }, expected.len());
        assert_eq!(region.usage().live_bytes, 0);
    }
}

#[test]
fn what_is_swept_is_zero_where_the_family_wishes_that() {
    let _alone = one_at_a_time();
    let mut region = Region::<lives::Zeroed, Tracked>::new();
    filled(&region, (0..COUNT).map(|_| 3));
    let mut objects = Vec::new();
    // SAFETY: what is declined is not used again, but looked at below, where its references are no more.
    unsafe {
        region.sweep(|object, _| {
            objects.push(object.cast::<u64>());
            (objects.len() - 1) % 10 == 0
        });
    }
    for (number, object) in objects.iter().enumerate() {
        let expected = if number % 10 == 0 { number as u64 } else { 0 };
        for word in 0..3 {
            // SAFETY: the chunk stays as long as something in it does.
            assert_eq!(unsafe { object.add(word).read() }, expected, "{number}");
        }
    }
}
