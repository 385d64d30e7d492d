//! How long blocks are: as long as their slots need, longer with the lane, early where slots are large,
//! and shorter where there is no more room.

mod common;

use std::collections::BTreeMap;

use common::{Parcel, assert_all_given_back, one_at_a_time, resident_bytes, usage};
use famalloc::{AllocErrorKind, Family, System, alloc_family, check, flush, query};

const GRANULE: usize = 64 << 10;

/// Fills blocks of one size until there are so many bytes; returns the parcels and the blocks'
/// bytes, in the order in which they were taken.
fn grow<F: Family>(size: usize, bytes: usize) -> (Vec<Parcel>, Vec<usize>) {
    let (mut parcels, mut lengths, mut seen) = (Vec::new(), Vec::new(), BTreeMap::new());
    while lengths.iter().sum::<usize>() < bytes {
        let parcel = Parcel::new::<F>(size, lengths.len() as u8);
        let found = query(parcel.start.as_ptr()).unwrap();
        if seen.insert(found.block, found.block_bytes).is_none() {
            lengths.push(found.block_bytes);
        }
        parcels.push(parcel);
    }
    (parcels, lengths)
}

/// At least eight slots are in a block.
fn least(size: usize) -> usize {
    (8 * size).next_multiple_of(GRANULE).next_power_of_two()
}

#[test]
fn blocks_of_large_slots_grow_with_their_lane_and_stop() {
    static PAGES: System = System::new();
    #[alloc_family(source = PAGES)]
    enum Lives {
        A,
    }
    let _alone = one_at_a_time();
    // Many slots to a granule: short blocks up to 4 MiB, then half an extent.
    for size in [16, 48, 1024] {
        let (parcels, lengths) = grow::<lives::A>(size, (4 << 20) + 3 * (1 << 20));
        let mut expected = vec![GRANULE; 64];
        expected.extend([1 << 20; 3]);
        assert_eq!(lengths, expected, "{size} bytes");
        drop(parcels);
        flush();
    }
    for size in [1152, 4096, 5120, 9216, 20_480, 32_768] {
        let (parcels, lengths) = grow::<lives::A>(size, 4 << 20);
        let mut before = 0;
        for &bytes in &lengths {
            assert!(bytes.is_power_of_two() && bytes >= least(size));
            // Longer than it needs to be only as far as it takes for 64 slots, ...
            assert!(bytes == least(size) || bytes / 2 / size < 64, "{lengths:?} of {size} bytes");
            // ... to a quarter of an extent, and to a quarter of what the lane has.
            assert!(bytes == least(size) || (bytes <= 512 << 10 && bytes * 4 <= before));
            before += bytes;
        }
        // And it did grow.
        let longest = lengths[lengths.len() - 1];
        assert!(longest / size >= 64 || longest == 512 << 10, "{lengths:?} of {size} bytes");
        check().unwrap();
        // When they are gone the lane starts over.
        drop(parcels);
        flush();
        let (parcels, again) = grow::<lives::A>(size, 2 << 20);
        assert_eq!(again, lengths[..again.len()]);
        drop(parcels);
        flush();
    }
    assert_all_given_back::<Lives>();
}

/// Where the limit leaves no room for a long block, a short one will do, down to the last granule.
#[test]
fn a_short_block_is_better_than_none() {
    #[alloc_family]
    enum Lives {
        #[family(limit = "1984 KiB")]
        Odd,
        #[family(limit = "192 KiB", block = "128 KiB")]
        Wide,
    }
    let _alone = one_at_a_time();
    let mut held = Vec::new();
    let error = loop {
        match Parcel::try_new::<lives::Odd>(32_768, 1) {
            Ok(parcel) => held.push(parcel),
            Err(error) => break error.kind(),
        }
    };
    // Every granule of 31 has two.
    assert_eq!((error, held.len()), (AllocErrorKind::Limit, 62));
    let error = loop {
        match Parcel::try_new::<lives::Wide>(1000, 1) {
            Ok(parcel) => held.push(parcel),
            Err(error) => break error.kind(),
        }
    };
    assert_eq!((error, usage::<lives::Wide>().blocks), (AllocErrorKind::Limit, 2));
    assert!(held.len() >= 62 + 191);
    check().unwrap();
    drop(held);
    assert_all_given_back::<Lives>();
}

/// So much of one size, of which one in twenty stays.
fn survivors<F: Family>(size: usize) -> Vec<Parcel> {
    let all = (0..24 * MIB / size).map(|at| Parcel::new::<F>(size, at as u8)).collect::<Vec<_>>();
    all.into_iter().enumerate().filter(|(at, _)| at % 20 == 0).map(|(_, parcel)| parcel).collect()
}

const MIB: usize = 1 << 20;

/// The pages between the survivors of one phase are there for the next, whether that takes new memory or
/// what it left behind itself earlier.
#[test]
fn a_family_that_grows_gives_back_what_lies_idle() {
    #[alloc_family]
    enum Lives {
        A,
    }
    let _alone = one_at_a_time();
    flush();
    let start = resident_bytes();
    let first = survivors::<lives::A>(3000);
    let second = survivors::<lives::A>(2300);
    let grown = resident_bytes().saturating_sub(start);
    assert!(grown < 40 * MIB, "{} MiB are in memory after 24 and 24", grown / MIB);
    // Nothing new is needed for as much again.
    let committed = usage::<lives::A>().committed_bytes;
    let again = survivors::<lives::A>(3000);
    assert!(usage::<lives::A>().committed_bytes <= committed + 4 * MIB);
    let grown = resident_bytes().saturating_sub(start);
    assert!(grown < 40 * MIB, "{} MiB are in memory after 24 once more", grown / MIB);
    [&first, &second, &again].into_iter().flatten().for_each(Parcel::verify);
    drop((first, second, again));
    assert_all_given_back::<Lives>();
}
