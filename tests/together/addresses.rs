//! Where a set's addresses come from: page sources that give what was given back again, that never do, and that
//! have others' addresses on both sides.

use core::ptr::NonNull;

use crate::common::sources::{Faulty, TopDown};
use crate::common::{Random, assert_all_given_back, one_at_a_time};
#[cfg(target_os = "linux")]
use famalloc::System;
use famalloc::raw::{self, Claim, free_bytes_or_else};
use famalloc::{alloc_family, alloc_in, check, free_in, reclaim};

/// Addresses that were given back come again as parts of others.
#[test]
fn addresses_that_come_again_are_not_those_of_two() {
    static PAGES: TopDown = TopDown::new();
    #[alloc_family(source = PAGES)]
    enum Lives {
        Shared,
        #[family(isolate)]
        Alone,
    }
    let _alone = one_at_a_time();
    let mut random = Random::new(9);
    let (mut held, mut shared, mut alone) = (Vec::new(), Vec::new(), Vec::new());
    let are_apart = |all: &[(NonNull<u8>, usize)], start: NonNull<u8>, size: usize| {
        all.iter().all(|&(other, len)| {
            let (start, other) = (start.addr().get(), other.addr().get());
            start + size <= other || other + len <= start
        })
    };
    for round in 0..400 {
        match random.below(8) {
            0..4 => {
                let size = (1 + random.below(300)) << 20;
                let start = alloc_in::<lives::Shared>(size).unwrap();
                assert!(are_apart(&held, start, size), "{size} bytes are others', {round}");
                assert!(are_apart(&alone, start, size), "{size} bytes are isolated, {round}");
                held.push((start, size));
                shared.push((start, size));
            }
            4 => {
                let start = alloc_in::<lives::Alone>(5 << 20).unwrap();
                assert!(are_apart(&shared, start, 5 << 20), "they were others', {round}");
                alone.push((start, 5 << 20));
            }
            5..7 => held.drain(random.below(held.len() + 1)..).for_each(|(start, size)| {
                // SAFETY: allocated above with this size.
                unsafe { free_in::<lives::Shared>(start, size) };
            }),
            // Ranges without anything in them go.
            _ => {
                reclaim(usize::MAX);
            }
        }
        check().unwrap();
    }
}

/// Of a source that never puts a range where one was, addresses are not asked for again and again: the books of
/// what was given back stay.
#[test]
fn addresses_that_never_come_again_are_kept_in_the_end() {
    static PAGES: TopDown = TopDown::once_each();
    #[alloc_family(source = PAGES)]
    enum Lives {
        A,
    }
    let _alone = one_at_a_time();
    let mut ranges = Vec::new();
    for _ in 0..200 {
        let start = alloc_in::<lives::A>(100 << 20).unwrap();
        // SAFETY: allocated above with this size.
        unsafe { free_in::<lives::A>(start, 100 << 20) };
        reclaim(usize::MAX);
        ranges.push(PAGES.ranges());
        check().unwrap();
    }
    // That they are given back at all, ...
    assert!(ranges[10] > ranges[0] + 10, "{ranges:?}");
    // ... and that it comes to an end.
    assert_eq!(ranges[150], ranges[199], "{ranges:?}");
    assert_all_given_back::<Lives>();
}

/// Where somebody else is on both sides of what a set has, it goes on further away.
#[test]
#[cfg(target_os = "linux")]
fn others_on_both_sides_are_not_in_the_way() {
    static PAGES: System = System::new();
    #[alloc_family(source = PAGES)]
    enum Lives {
        A,
    }
    const MIB: usize = 1 << 20;
    let _alone = one_at_a_time();
    let first = alloc_in::<lives::A>(MIB).unwrap();
    let at = first.addr().get() / (2 * MIB) * (2 * MIB);
    // The nearest addresses on either side that are not taken, each with 1 GiB of others' behind it.
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    let map = |start: usize| {
        let start = core::ptr::without_provenance_mut(start);
        let flags = flags | libc::MAP_FIXED_NOREPLACE;
        // SAFETY: where there is nothing yet.
        let mapped = unsafe { libc::mmap(start, 1 << 30, libc::PROT_NONE, flags, -1, 0) };
        (mapped != libc::MAP_FAILED).then_some(mapped)
    };
    let above = (1..512).find_map(|step| map(at + step * 2 * MIB)).unwrap();
    let below = (0..512).find_map(|step| map(at - step * 2 * MIB - (1 << 30))).unwrap();
    let more: Vec<_> = (0..3000).map(|_| alloc_in::<lives::A>(MIB).unwrap()).collect();
    for start in more.into_iter().chain([first]) {
        // SAFETY: allocated above with this size.
        unsafe { free_in::<lives::A>(start, MIB) };
    }
    assert_all_given_back::<Lives>();
    for mapped in [above, below] {
        // SAFETY: mapped above, and not used.
        unsafe { libc::munmap(mapped, 1 << 30) };
    }
}

/// What lies beyond the addresses whose marks are one array is found as well: in a family whose first 2 GiB are
/// taken, by its address alone.
#[test]
fn what_is_far_is_freed_by_its_address_all_the_same() {
    static PAGES: Faulty = Faulty::new(4 << 30);
    #[alloc_family(source = PAGES)]
    enum Lives {
        A,
    }
    const LARGE: usize = 700 << 20;
    let _alone = one_at_a_time();
    let large = [0; 3].map(|_| alloc_in::<lives::A>(LARGE).unwrap());
    let lowest = large.iter().min().unwrap().addr().get();
    for size in (16..=1024).step_by(56).chain([5_000, 30_000, 100_000]) {
        let bytes = || raw::alloc_bytes_in_scope::<Lives>(size).unwrap();
        let slot = bytes();
        assert!(slot.addr().get() - lowest >= 2 << 30, "{size} bytes are near");
        let usable = raw::usable_bytes::<Lives>(slot).unwrap();
        let start = slot.as_ptr();
        let claims = [Claim::Nothing, Claim::Exactly(size), Claim::AtLeast(size)];
        let wrong = [Claim::Exactly(usable + 1), Claim::AtLeast(usable + 1)];
        for claim in claims {
            for wrong in wrong {
                let mut errors = 0;
                // SAFETY: refused.
                unsafe { free_bytes_or_else::<Lives>(start, wrong, |_, _| errors += 1) };
                assert_eq!(errors, 1, "{size} is no {wrong:?}");
            }
            let mut errors = 0;
            // SAFETY: refused: no object of C's starts there.
            unsafe { free_bytes_or_else::<Lives>(start.add(8), claim, |_, _| errors += 1) };
            assert_eq!(errors, 1, "{size}, {claim:?}");
            // SAFETY: allocated above, or below, and not used again.
            unsafe {
                free_bytes_or_else::<Lives>(start, claim, |_, error| panic!("{size}: {error}"));
            };
            assert_eq!(bytes(), slot, "{size} bytes were not put where they are taken first");
        }
        // SAFETY: allocated above, and not used again.
        unsafe { raw::free::<Lives>(slot) }.unwrap();
    }
    for start in large {
        // SAFETY: allocated above with this size.
        unsafe { free_in::<lives::A>(start, LARGE) };
    }
    assert_all_given_back::<Lives>();
}
