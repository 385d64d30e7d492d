//! A static buffer as page source, and the small extents of small spaces.

use core::alloc::Layout;
use std::thread;

use crate::common::sources::Strict;
use crate::common::{Parcel, Random, assert_all_given_back, one_at_a_time, times, usage};
use famalloc::{AllocErrorKind, Family, FixedBuffer, RawAlloc, alloc_family, check, flush};

/// Something random in a family. What is refused is refused for want of addresses.
fn churn<F: Family>(random: &mut Random, held: &mut Vec<Parcel>, most: usize) -> usize {
    let pattern = random.next() as u8;
    let size = if random.below(20) == 0 { 1 + random.below(most / 4) } else { random.size() };
    let result = match random.below(9) {
        0..3 => Parcel::try_new::<F>(size, pattern).map(|new| held.push(new)),
        3 => Parcel::try_new_zeroed::<F>(size, pattern).map(|new| held.push(new)),
        4 if !held.is_empty() => {
            let at = random.below(held.len());
            held[at].try_resize::<F>(size)
        }
        5 => {
            held.truncate(held.len() / 2);
            Ok(())
        }
        _ => {
            drop((!held.is_empty()).then(|| held.swap_remove(random.below(held.len()))));
            Ok(())
        }
    };
    match result {
        Ok(()) => 0,
        Err(error) => {
            assert_eq!(error.kind(), AllocErrorKind::AddressSpace);
            1
        }
    }
}

/// Random operations in all families of a set, over a source that has no more than `most` bytes;
/// returns how many of them were refused.
fn exercise<A: Family, B: Family, C: Family>(
    seed: u64,
    most: usize,
    inside: impl Fn(&Parcel),
) -> usize {
    let mut refused = 0;
    for round in 0..times(4, 1) as u64 {
        let mut random = Random::new(seed + round);
        let mut held: [Vec<Parcel>; 3] = Default::default();
        for step in 0..times(3_000, 16) {
            refused += match random.below(3) {
                0 => churn::<A>(&mut random, &mut held[0], most),
                1 => churn::<B>(&mut random, &mut held[1], most),
                _ => churn::<C>(&mut random, &mut held[2], most),
            };
            held.iter().filter_map(|held| held.last()).for_each(&inside);
            // Miri comes to each of these with a twentieth of the steps.
            match step * times(1, 20) % 500 {
                100 => {
                    let away = core::mem::take(&mut held[random.below(3)]);
                    thread::spawn(move || drop(away)).join().unwrap();
                }
                200 => drop(flush()),
                300 => check().unwrap(),
                _ => {}
            }
        }
        drop(held);
        assert_all_given_back::<A::Set>();
    }
    refused
}

macro_rules! exercised {
    ($name:ident, $bytes:expr) => {
        #[test]
        fn $name() {
            static PAGES: FixedBuffer<{ $bytes }> = FixedBuffer::new();
            #[alloc_family(source = PAGES)]
            enum Lives {
                Plain,
                #[family(zero_on_free)]
                Secret,
                #[family(block = "256 KiB", align = "natural")]
                Bulk,
            }
            let _alone = one_at_a_time();
            let refused = exercise::<lives::Plain, lives::Secret, lives::Bulk>(
                $bytes as u64,
                $bytes,
                |parcel| {
                    assert!(PAGES.contains(parcel.start.as_ptr()));
                    let last = parcel.start.as_ptr().wrapping_add(parcel.size - 1);
                    assert!(PAGES.contains(last));
                },
            );
            assert!(refused > 0 || cfg!(miri), "the buffer was never full");
        }
    };
}

exercised!(a_small_buffer_is_used_to_the_full, 1 << 20);
exercised!(a_buffer_of_an_odd_size_is_used_to_the_full, (3 << 20) + 5 * 4096);
exercised!(a_buffer_of_granules_is_used_to_the_full, (16 << 20) - 4096);
exercised!(a_buffer_of_small_extents_is_used_to_the_full, 17 << 20);

/// The smallest extents keep the contract: no page is touched that is not committed.
#[test]
#[cfg_attr(miri, ignore = "an interpreter has no mappings")]
fn only_committed_pages_are_touched_where_an_extent_is_a_granule() {
    static PAGES: Strict = Strict::new(4 << 20, true);
    #[alloc_family(source = PAGES)]
    enum Lives {
        Plain,
        #[family(zero_on_free)]
        Secret,
        #[family(block = "256 KiB")]
        Bulk,
    }
    let _alone = one_at_a_time();
    let refused = exercise::<lives::Plain, lives::Secret, lives::Bulk>(7, 4 << 20, |_| {});
    assert!(refused > 0 || cfg!(miri), "the source was never used up");
    PAGES.assert_kept();
}

/// What is filled, emptied and filled again holds as much as before, and most of the buffer.
#[test]
fn most_of_a_buffer_can_be_used_again_and_again() {
    static PAGES: FixedBuffer<{ 2 << 20 }> = FixedBuffer::new();
    #[alloc_family(source = PAGES)]
    enum Lives {
        A,
        B,
    }
    fn fill<F: Family>(size: usize) -> Vec<Parcel> {
        core::iter::from_fn(|| Parcel::try_new::<F>(size, 3).ok()).collect()
    }
    let _alone = one_at_a_time();
    let mut before = Vec::new();
    // Under Miri, the largest.
    let sizes = [24, 1_000, 30_000, 60_000, 300_000].into_iter().skip(times(0, 4));
    for round in 0..3 {
        for (at, size) in sizes.clone().enumerate() {
            let all = fill::<lives::A>(size);
            let bytes = all.len() * size;
            assert!(bytes >= (2 << 20) * 55 / 100, "only {bytes} bytes in pieces of {size}");
            assert_eq!(usage::<lives::A>().live_objects, all.len());
            drop(all);
            assert_all_given_back::<Lives>();
            // The other family can have what this one had.
            let all = fill::<lives::B>(size);
            assert!(all.len() * size >= (2 << 20) * 55 / 100, "in the other family: {size}");
            drop(all);
            assert_all_given_back::<Lives>();
            if round == 0 {
                before.push(bytes);
            } else if round == 2 {
                // All that the tables grow by they have grown by.
                assert!(bytes * 10 >= before[at] * 9, "{bytes} after {}", before[at]);
            }
        }
    }
}

/// The buffer is found to be in use up, and a second set over it has nothing.
#[test]
fn a_second_set_over_the_same_buffer_gets_an_error() {
    static PAGES: FixedBuffer<{ 1 << 20 }> = FixedBuffer::new();
    #[alloc_family(source = PAGES)]
    enum First {
        A,
    }
    #[alloc_family(source = PAGES)]
    enum Second {
        A,
    }
    let _alone = one_at_a_time();
    drop(Parcel::new::<first::A>(10, 1));
    let error = Parcel::try_new::<second::A>(10, 1).unwrap_err();
    assert_eq!(error.kind(), AllocErrorKind::AddressSpace);
    drop(Parcel::new::<first::A>(10, 1));
    check().unwrap();
}

/// Every alignment that fits in has its place, also above that of an extent.
#[test]
fn alignments_are_kept_where_an_extent_is_a_granule() {
    static PAGES: FixedBuffer<{ 4 << 20 }> = FixedBuffer::new();
    #[alloc_family(source = PAGES)]
    enum Lives {
        A,
    }
    let _alone = one_at_a_time();
    for log in (0..=20).step_by(times(1, 10)) {
        for size in [1, 100, 5_000, 70_000, 200_000].into_iter().step_by(times(1, 2)) {
            let layout = Layout::from_size_align(size, 1 << log).unwrap();
            let start = lives::A.alloc(layout).unwrap();
            assert_eq!(start.addr().get() % layout.align(), 0, "{layout:?}");
            // SAFETY: so many bytes, this test's own.
            unsafe { start.write_bytes(1, size) };
            check().unwrap();
            // SAFETY: allocated above with this layout.
            unsafe { lives::A.free(start, layout) };
        }
    }
    let layout = Layout::from_size_align(1, 8 << 20).unwrap();
    let in_it = |address: usize| PAGES.contains(core::ptr::without_provenance(address));
    match lives::A.alloc(layout) {
        Ok(start) => assert!(in_it(start.addr().get()), "chance has put it there"),
        Err(error) => assert_eq!(error.kind(), AllocErrorKind::AddressSpace),
    }
    flush();
    check().unwrap();
}

/// Less than the smallest reservation is an error and nothing else.
#[test]
fn a_buffer_too_small_is_refused() {
    static PAGES: FixedBuffer<{ 128 << 10 }> = FixedBuffer::new();
    #[alloc_family(source = PAGES)]
    enum Lives {
        A,
    }
    let _alone = one_at_a_time();
    let error = Parcel::try_new::<lives::A>(10, 1).unwrap_err();
    assert_eq!(error.kind(), AllocErrorKind::AddressSpace);
    check().unwrap();
}

/// The smallest buffer serves a family.
#[test]
fn the_smallest_buffer_serves_a_family() {
    static PAGES: FixedBuffer<{ 256 << 10 }> = FixedBuffer::new();
    #[alloc_family(source = PAGES)]
    enum Lives {
        A,
    }
    let _alone = one_at_a_time();
    let all: Vec<_> =
        (0..times(1_000, 60)).map(|at| Parcel::new::<lives::A>(60, at as u8)).collect();
    assert_eq!(usage::<lives::A>().live_objects, times(1_000, 60));
    drop(all);
    assert_all_given_back::<Lives>();
}
