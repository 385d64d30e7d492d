//! Every size, every alignment, every offset: what the arithmetic of classes promises is not sampled but
//! tried out, each by a reckoning of its own that shares nothing with the code.

use core::alloc::Layout;
use std::collections::BTreeSet;

use super::*;

/// An interpreter takes this many steps at once, since arithmetic is not what it is there for; what is
/// compiled takes each.
const STEP: usize = if cfg!(miri) { 24_001 } else { 1 };
/// The longest block.
const LONGEST_BLOCK: usize = 2 << 20;
/// The largest alignment that is tried, and one more than any slot has.
const MAX_ALIGN_LOG: u32 = 16;

/// The slot sizes, spelt out from the words at the top of the module.
fn sizes() -> Vec<usize> {
    let mut sizes = vec![1, 2, 4];
    sizes.extend((8..=64).step_by(8));
    let mut doubling = 64;
    while doubling < 32 << 10 {
        sizes.extend((1..=8).map(|step| doubling + step * doubling / 8));
        doubling *= 2;
    }
    sizes
}

/// The smallest class whose slots hold the size, by looking at all of them in turn.
fn first_that_holds(sizes: &[usize], size: usize) -> Option<usize> {
    if size == 0 { None } else { sizes.iter().position(|&slot| slot >= size) }
}

#[test]
fn the_slots_are_those_of_the_description() {
    let sizes = sizes();
    assert_eq!(sizes.len(), COUNT);
    assert_eq!(sizes, (0..COUNT).map(slot_size).collect::<Vec<_>>());
    assert_eq!(sizes.last(), Some(&MAX_SMALL));
    assert!(sizes.is_sorted_by(|one, next| one < next));
}

#[test]
fn every_size_gets_the_smallest_slot_that_holds_it() {
    let sizes = sizes();
    for size in (0..=2 * MAX_SMALL).step_by(STEP) {
        let class = of_size(size);
        assert_eq!(class, first_that_holds(&sizes, size), "{size}");
        let Some(class) = class else {
            assert!(size == 0 || size > MAX_SMALL);
            continue;
        };
        assert_eq!(class, compute_class(size), "the table and the formula differ at {size}");
        assert_eq!(slot_size(class), compute_slot_size(class));
        let waste = slot_size(class) - size;
        if size > 64 {
            assert!(waste * 8 <= size, "{size} wastes over an eighth of itself");
            assert!(waste * 8 <= slot_size(class), "{size} leaves over an eighth of its slot");
        } else {
            assert!(waste < 8 && (size > 8 || waste < size), "{size} wastes {waste}");
        }
    }
}

#[test]
fn no_size_near_the_top_of_the_address_space_has_a_class() {
    for log in MAX_SMALL.ilog2()..usize::BITS {
        let power = 1_usize << log;
        for size in [power - 1, power, power + 1, usize::MAX - power, usize::MAX - power + 1] {
            assert_eq!(of_size(size).is_some(), size <= MAX_SMALL, "{size}");
            assert_eq!(of_small_c_size(size), None, "{size}");
        }
    }
    for align_log in 0..usize::BITS - 1 {
        let align = 1_usize << align_log;
        let most = (isize::MAX as usize + 1) - align;
        for size in [most, most.saturating_sub(1), most / 2 + 1] {
            let layout = Layout::from_size_align(size, align).unwrap();
            let padded = size.checked_next_multiple_of(align).unwrap();
            assert_eq!(
                of_layout(layout).is_some(),
                (1..=MAX_SMALL).contains(&padded),
                "{layout:?}"
            );
        }
    }
    assert_eq!(of_size(usize::MAX), None);
}

/// The class of a layout is the smallest whose every slot is long enough and aligned: there is none
/// below it with both.
#[test]
fn every_layout_gets_the_smallest_slots_of_its_alignment() {
    let sizes = sizes();
    for align_log in 0..=MAX_ALIGN_LOG {
        let align = 1_usize << align_log;
        for size in (0..=MAX_SMALL + 64).step_by(STEP) {
            let class = of_layout(Layout::from_size_align(size, align).unwrap());
            let from = first_that_holds(&sizes, size);
            let expected = from.and_then(|from| (from..COUNT).find(|&at| sizes[at] % align == 0));
            assert_eq!(class, expected, "{size} at {align}");
        }
    }
}

/// In particular: without an alignment beyond its own a layout has the class of its size.
#[test]
fn a_layout_of_natural_alignment_has_the_class_of_its_size() {
    for size in (0..=MAX_SMALL + 1).step_by(STEP) {
        let align = natural_align(size, MAX_SMALL);
        for align in [1, align] {
            let layout = Layout::from_size_align(size, align).unwrap();
            assert_eq!(of_layout(layout), of_size(size), "{layout:?}");
        }
    }
}

#[test]
fn every_size_up_to_what_is_usable_has_the_class_of_the_allocation() {
    for align_log in 0..=MAX_ALIGN_LOG {
        let align = 1 << align_log;
        for size in (0..=MAX_SMALL + 64).step_by(STEP) {
            let layout = Layout::from_size_align(size, align).unwrap();
            let usable = usable(layout);
            assert!(usable >= size, "{layout:?} has {usable} bytes");
            assert!(of_layout(layout).is_some() || usable == size);
            for fitting in [size, size.midpoint(usable), usable] {
                let fitting = Layout::from_size_align(fitting, align).unwrap();
                assert_eq!(of_layout(fitting), of_layout(layout), "{layout:?}");
            }
        }
    }
}

#[test]
fn every_c_size_gets_the_smallest_slot_that_is_aligned_for_any_object() {
    for size in 0..=FINE + 1 {
        let fits = Layout::from_size_align(size.max(1), C_ALIGN).unwrap();
        let expected = of_layout(fits).filter(|_| size <= FINE);
        let scaled = of_small_c_size(size);
        assert_eq!(scaled.map(|scaled| scaled >> SCALE), expected, "{size}");
        assert!(scaled.is_none_or(|scaled| scaled % (1 << SCALE) == 0), "{size}");
        assert!(expected.is_none_or(|class| slot_size(class) % C_ALIGN == 0), "{size}");
    }
    for size in (FINE + 1..=MAX_SMALL).step_by(STEP) {
        assert_eq!(slot_size(of_size(size).unwrap()) % C_ALIGN, 0, "{size}");
    }
}

/// Both divisions at every offset of the longest block, for every class. The quotient is counted, so
/// that no division checks a division.
#[test]
fn every_offset_of_a_block_finds_its_slot_by_multiplication() {
    for class in 0..COUNT {
        let (divisor, size) = (Divisor::of(class), slot_size(class));
        let (mut slot, mut rest) = (0, 0);
        for offset in 0..LONGEST_BLOCK / STEP {
            let exact = (rest == 0).then_some(slot);
            // One comparison: there are 174 million of them.
            if divisor.divide(offset) != slot || divisor.divide_exactly(offset) != exact {
                panic!("byte {offset} of a block of {size}-byte slots is byte {rest} of {slot}");
            }
            rest += 1;
            if rest == size {
                (slot, rest) = (slot + 1, 0);
            }
        }
        assert_eq!(slot_at(class, LONGEST_BLOCK - 1), (LONGEST_BLOCK - 1) / size);
    }
}

/// What lies before the first slot of a coloured block, and what a distance that is out of date leads
/// far beyond its end, is the start of no slot that exists.
#[test]
fn no_offset_outside_of_a_block_finds_a_slot_in_it() {
    // A granule's distance to its head is a byte.
    let farthest = 256_usize << 16;
    for class in 0..COUNT {
        let divisor = Divisor::of(class);
        for before in (1..=COLOUR_BYTES + COLOUR_PAGES * COLOUR_PAGE).step_by(STEP) {
            assert_eq!(divisor.divide_exactly(0_usize.wrapping_sub(before)), None);
        }
        for offset in (LONGEST_BLOCK..farthest).step_by(STEP * 61) {
            let found = divisor.divide_exactly(offset);
            let right = found.is_none_or(|slot| slot * slot_size(class) == offset);
            assert!(right, "{offset} in class {class} finds {found:?}");
        }
    }
}

/// A colour keeps every slot aligned, leaves room for the slots that a block must have, and neither
/// neighbouring classes nor families of small slots share one.
#[test]
fn colours_keep_slots_aligned_and_cost_little() {
    let (mut seen, mut pages) = (BTreeSet::new(), BTreeSet::new());
    for class in 0..COUNT {
        let align = natural_align(slot_size(class), 1 << 20);
        for family in (0..=u16::MAX as usize).step_by(STEP) {
            let colour = colour(class, family);
            assert!(colour < COLOUR_BYTES && colour % COLOUR_UNIT == 0);
            assert_eq!(colour % align, 0, "slots of {} bytes", slot_size(class));
            seen.insert(colour);
            let page = page_colour(class, family);
            assert!(page < COLOUR_PAGES * COLOUR_PAGE && page % COLOUR_PAGE == 0);
            assert_eq!(page % align, 0, "slots of {} bytes", slot_size(class));
            pages.insert(page);
        }
        let granule = 64 << 10;
        let bytes = block_granules(class, granule) * granule;
        let families = (0..COLOUR_BYTES).step_by(STEP.min(61));
        let of_family = |family| page_colour(class, family) + colour(class, family);
        let most = families.map(of_family).max().unwrap();
        assert!((bytes - most) / slot_size(class) >= MIN_SLOTS, "class {class} with {most}");
    }
    assert_eq!(seen.len(), COLOUR_BYTES / COLOUR_UNIT);
    assert!(colour(9, 0) != colour(10, 0) && colour(9, 0) != colour(9, 1));
    assert_eq!(pages.len(), COLOUR_PAGES);
    let of_size = |size| page_colour(of_size(size).unwrap(), 0);
    let of_c: BTreeSet<_> = (1..=COLOUR_PAGES).map(|count| of_size(count * C_ALIGN)).collect();
    assert_eq!(of_c.len(), COLOUR_PAGES, "the first classes of C's have each a page");
    assert!(page_colour(9, 0) != page_colour(10, 0) && page_colour(9, 0) != page_colour(9, 1));
}

#[test]
fn blocks_hold_enough_slots_and_are_no_longer_than_they_must_be() {
    let granule = 64 << 10;
    for class in 0..COUNT {
        let granules = block_granules(class, granule);
        let bytes = MIN_SLOTS * slot_size(class);
        assert!(granules.is_power_of_two() && granules * granule >= bytes);
        assert!(granules == 1 || granules / 2 * granule < bytes, "class {class}: {granules}");
        assert!(granules * granule <= LONGEST_BLOCK);
    }
}

#[test]
fn magazines_and_depots_hold_what_their_bytes_allow() {
    let mut slots_before = usize::MAX;
    for class in 0..COUNT {
        let (size, slots, magazines) =
            (slot_size(class), magazine_capacity(class), depot_capacity(class));
        assert!((2..=MAX_MAGAZINE).contains(&slots) && (2..=MAX_DEPOT).contains(&magazines));
        assert!(slots <= slots_before, "larger slots, more of them");
        slots_before = slots;
        if size <= SMALL {
            assert_eq!((slots, magazines), (MAX_MAGAZINE, MAX_DEPOT), "{size}");
            continue;
        }
        // As many as fit, but for what is always and what is never.
        assert!(slots == 2 || slots * size <= MAGAZINE_BYTES, "{size}");
        assert!(slots == MAX_MAGAZINE || (slots + 1) * size > MAGAZINE_BYTES, "{size}");
        assert!(magazines == 2 || magazines * slots * size <= DEPOT_BYTES, "{size}");
        assert!(magazines == MAX_DEPOT || (magazines + 1) * slots * size > DEPOT_BYTES, "{size}");
    }
    // What the crate's documentation says of the most a thread keeps of one cell.
    let most = |class| 2 * magazine_capacity(class) * slot_size(class);
    let largest = (0..COUNT).map(most).max().unwrap();
    assert!(largest <= 2 * (64 << 10), "{largest}");
    // A thread cache has a head for each class, and a scaled class is how far into it that lies.
    assert!(COUNT << SCALE <= usize::from(u16::MAX));
}

#[test]
fn natural_alignment_is_the_largest_dividing_power_of_two() {
    for cap_log in [0, 4, 12, MAX_ALIGN_LOG] {
        let cap = 1 << cap_log;
        for size in (1..=4 * MAX_SMALL).step_by(STEP) {
            let dividing = (0..=cap_log).rev().map(|log| 1 << log).find(|align| size % align == 0);
            assert_eq!(Some(natural_align(size, cap)), dividing, "{size} up to {cap}");
        }
        assert_eq!(natural_align(0, cap), 1);
        assert_eq!(natural_align(1 << 63, cap), cap);
        assert_eq!(natural_align(usize::MAX, cap), 1);
    }
}

#[test]
fn c_objects_start_where_they_may() {
    for size in [0, 1, 8, 9, 16, 17, 1000] {
        let slot = slot_size(of_small_c_size(size).unwrap() >> SCALE);
        assert_eq!(slot % C_ALIGN, 0, "{size}");
    }
}
