//! What is packed into the words of the block map comes out as it went in, at every bound.

use super::*;

/// A fence around each bound of a number of so many bits.
fn around(bits: u32) -> Vec<usize> {
    let mut found: Vec<usize> = (0..=bits)
        .flat_map(|log| {
            let power = 1_usize << log;
            [power - 1, power, power + 1]
        })
        .filter(|&number| number < 1 << bits)
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn sets() -> impl Iterator<Item = u32> {
    around(30).into_iter().map(|set| set as u32).filter(|&set| set < Mark::SETS)
}

#[test]
fn a_mark_gives_back_the_set_the_family_and_the_class() {
    for set in sets() {
        let of_set = Mark::of_family(set, 0, false);
        assert_eq!((of_set.set(), of_set.class()), (set, 0));
        for family in around(16) {
            for class in 0..class::COUNT {
                let mark = Mark::of_family(set, family, false).with_class(class);
                assert_eq!((mark.set(), mark.class()), (set, class));
                assert_eq!(Mark::of_all(mark.bits()), mark);
                let cell = mark.in_set_of(of_set).expect("a block of the set");
                assert_eq!((cell.family(), cell.class()), (family, class), "set {set}");
                assert_eq!(cell.scaled_class(), class << class::SCALE);
            }
        }
    }
}

#[test]
fn every_class_fits_beside_every_family() {
    // All families, the last class: one bit too many would change the neighbour.
    let (set, last) = (Mark::SETS - 1, class::COUNT - 1);
    for family in 0..=usize::from(u16::MAX) {
        let cell = Mark::of_family(set, family, false).with_class(last);
        let cell = cell.in_set_of(Mark::of_family(set, 0, false)).unwrap();
        assert_eq!((cell.family(), cell.class()), (family, last));
    }
}

#[test]
fn no_two_cells_have_one_mark() {
    let mut seen = std::collections::HashSet::new();
    for set in sets() {
        for family in around(16) {
            for class in [0, 1, class::COUNT - 1] {
                for special in [false, true] {
                    let mark = Mark::of_family(set, family, special).with_class(class);
                    assert!(seen.insert(mark.bits()), "{mark:?}");
                }
            }
        }
    }
}

#[test]
fn what_is_special_of_another_set_or_no_mark_is_in_no_set() {
    let sets: Vec<u32> = sets().collect();
    for &set in &sets {
        let of_set = Mark::of_family(set, 0, false);
        for family in around(16) {
            for class in [0, class::COUNT - 1] {
                let special = Mark::of_family(set, family, true).with_class(class);
                assert_eq!(special.in_set_of(of_set), None);
                assert_eq!((special.set(), special.class()), (set, class));
            }
        }
        for &other in sets.iter().filter(|&&other| other != set) {
            let block = Mark::of_family(other, 3, false).with_class(7);
            assert_eq!(block.in_set_of(of_set), None, "{other} in {set}");
        }
        // Numbers of bytes, which stand in the same word where there is no block.
        for bytes in around(47).into_iter().chain([0, 1 << 47, isize::MAX as usize]) {
            assert_eq!(Mark::of_all(bytes).in_set_of(of_set), None, "{bytes} bytes");
        }
    }
}

#[test]
fn a_set_without_blocks_matches_none() {
    for set in sets() {
        for family in around(16) {
            for special in [false, true] {
                let mark = Mark::of_family(set, family, special);
                assert_ne!(mark, Mark::UNSET);
                for class in [0, 1, class::COUNT - 1] {
                    assert_eq!(mark.with_class(class).in_set_of(Mark::UNSET), None);
                }
            }
        }
    }
    for bytes in around(47) {
        assert_eq!(Mark::of_all(bytes).in_set_of(Mark::UNSET), None);
    }
    // Nor is it a block of any set itself.
    for set in sets() {
        assert_eq!(Mark::UNSET.in_set_of(Mark::of_family(set, 0, false)), None);
    }
}

/// A granule of which nothing was ever said. All of it is atomics, for which zero is a value.
fn granule() -> GranuleDesc {
    // SAFETY: every bit pattern of every field is valid.
    unsafe { core::mem::zeroed() }
}

const KINDS: [GranuleKind; 5] = [
    GranuleKind::Free,
    GranuleKind::Block,
    GranuleKind::Tail,
    GranuleKind::Large,
    GranuleKind::Chunk,
];

#[test]
fn a_granules_kind_and_its_stale_bitmaps_leave_each_other_alone() {
    for stale in [[false, false], [false, true], [true, false], [true, true]] {
        for before in KINDS {
            for after in KINDS {
                let desc = granule();
                desc.set_kind(before);
                desc.set_stale(Stale::Narrow, stale[0]);
                desc.set_stale(Stale::Wide, stale[1]);
                assert_eq!(desc.kind(), before);
                desc.set_kind(after);
                assert_eq!(desc.kind(), after);
                assert_eq!([desc.is_stale(Stale::Narrow), desc.is_stale(Stale::Wide)], stale);
                desc.set_stale(Stale::Wide, false);
                assert_eq!(
                    [desc.is_stale(Stale::Narrow), desc.is_stale(Stale::Wide)],
                    [stale[0], false]
                );
                assert_eq!(desc.kind(), after);
            }
        }
    }
}

#[test]
fn what_becomes_free_has_no_mark_and_what_becomes_anything_else_keeps_it() {
    let mark = Mark::of_family(1, 2, false).with_class(3);
    for kind in KINDS {
        let desc = granule();
        desc.set_mark(mark);
        desc.set_kind(kind);
        let kept = if kind == GranuleKind::Free { Mark::of_all(0) } else { mark };
        assert_eq!(desc.mark(), kept);
    }
}

#[test]
fn an_extent_is_what_it_was_said_to_be() {
    for kind in [
        ExtentKind::Free,
        ExtentKind::Warm,
        ExtentKind::Family,
        ExtentKind::Huge,
        ExtentKind::Tail,
        ExtentKind::Tables,
        ExtentKind::Chunk,
    ] {
        // SAFETY: as for granules.
        let desc: ExtentDesc = unsafe { core::mem::zeroed() };
        assert_eq!(desc.kind(), ExtentKind::Free);
        desc.set_kind(kind);
        assert_eq!(desc.kind(), kind);
    }
}

/// A descriptor is a cache line, and what is counted in a byte of it fits.
#[test]
fn descriptors_are_lines_and_their_bytes_are_enough() {
    assert_eq!((size_of::<GranuleDesc>(), size_of::<ExtentDesc>()), (64, 64));
    // The granules of the longest block, and the distance of its last one.
    assert!((2 << 20) / GRANULE <= usize::from(u8::MAX));
    for class in 0..class::COUNT {
        for family in 0..1024 {
            assert!(class::colour(class, family) <= usize::from(u16::MAX));
        }
        // The last word of a bitmap.
        assert!((2 << 20) / class::slot_size(class) / 64 <= usize::from(u16::MAX) + 1);
    }
}
