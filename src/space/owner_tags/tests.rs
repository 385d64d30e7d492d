//! What is packed into a tag comes out as it went in, at every bound; and what is no tag of a set is none.

use super::*;

/// A fence around each bound of a number of so many bits; around every fifteenth for an interpreter.
fn around(bits: u32) -> Vec<usize> {
    let mut found: Vec<usize> = (0..=bits)
        .filter(|log| !cfg!(miri) || log % 15 == 0 || *log == bits)
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

/// Numbers that tags have room for, around each bound.
fn numbers() -> impl Iterator<Item = usize> {
    around(16).into_iter().filter(|&number| number != 0)
}

fn of(number: usize, class: usize) -> OwnerTag {
    OwnerTag::of_family(number, false).with_class(class)
}

#[test]
fn a_mark_gives_back_the_family_and_the_class() {
    for first in numbers() {
        let of_first = OwnerTag::of_family(first, false).0;
        for family in around(16).into_iter().filter(|family| first + family <= OwnerTag::LAST) {
            for class in (0..class::COUNT).step_by(if cfg!(miri) { 41 } else { 1 }) {
                let tag = of(first + family, class);
                assert_eq!(tag.class(), class);
                let cell = tag.among(of_first, family + 1).expect("the last of so many");
                assert_eq!((cell.family(), cell.class()), (family, class), "from {first} on");
                assert_eq!(cell.scaled_class(), class << class::SCALE);
                assert_eq!(tag.among(of_first, family), None, "one fewer");
                for other in [0, 1, class, class::COUNT - 1] {
                    let found = tag.family_among(of_first, other << class::SCALE, family + 1);
                    assert_eq!(found, (other == class).then_some(family), "{other} for {class}");
                }
                assert_eq!(tag.family_among(of_first, cell.scaled_class(), family), None);
            }
        }
    }
}

#[test]
fn every_class_fits_beside_every_family() {
    // All families, the last class: one bit too many would change the neighbour.
    let (of_first, last) = (OwnerTag::of_family(1, false).0, class::COUNT - 1);
    let step = if cfg!(miri) { 251 } else { 1 };
    for family in (0..OwnerTag::LAST).step_by(step).chain([OwnerTag::LAST - 1]) {
        let cell = of(family + 1, last).among(of_first, OwnerTag::LAST).unwrap();
        assert_eq!((cell.family(), cell.class()), (family, last));
    }
}

#[test]
fn no_two_cells_have_one_mark() {
    let mut seen = std::collections::HashSet::new();
    for number in [0].into_iter().chain(numbers()) {
        for class in [0, 1, class::COUNT - 1] {
            assert!(seen.insert(of(number, class).0), "{number}, {class}");
        }
    }
}

#[test]
fn what_is_special_of_another_set_or_no_mark_is_in_no_set() {
    for first in numbers() {
        let of_first = OwnerTag::of_family(first, false).0;
        // Of more, a set makes no look-up.
        let most = OwnerTag::LAST + 1 - first;
        for families in [1, 2, 5, most].into_iter().filter(|&families| families <= most) {
            let is_of_none = |tag: OwnerTag| tag.among(of_first, families).is_none();
            assert!(is_of_none(OwnerTag::NONE));
            for scaled in (0..class::COUNT).map(|class| class << class::SCALE) {
                assert_eq!(OwnerTag::NONE.family_among(of_first, scaled, families), None);
            }
            for class in [0, 1, class::COUNT - 1] {
                let special = OwnerTag::of_family(first, true).with_class(class);
                assert!(is_of_none(special) && special.class() == class);
                assert!(is_of_none(
                    OwnerTag::of_family(OwnerTag::LAST + 1, false).with_class(class)
                ));
                assert!(is_of_none(of(first - 1, class)));
                assert!(is_of_none(of(first + families, class)), "{families} from {first} on");
            }
        }
    }
}

#[cfg(feature = "std")]
mod of_spaces {
    use std::sync::OnceLock;

    use super::*;
    use crate::os::{PageSource, SYSTEM};
    use crate::space::map::WINDOW_SHIFT;
    use crate::space::{EXTENT_SHIFT, SYSTEM_SPACE};

    const ALL: usize = OwnerTag::LAST;

    #[test]
    fn a_lookup_knows_no_address_before_it_is_set_nor_once_it_is_forgotten() {
        let space = SYSTEM_SPACE.get().unwrap();
        let granule = space.alloc_extents(1, 1, crate::space::extents::Taker::Any).unwrap().first
            * space.granules_per_extent();
        let address = space.granule_start(granule).addr().get();
        let lookup = TagLookup::new();
        // Numbers that no set of this test's process comes to.
        let first = OwnerTag::LAST - 1;
        space.tag(granule, of(first + 1, 7));
        assert_eq!(lookup.cell_at(address, 2), None);
        lookup.set(space, first, 2);
        let cell =
            lookup.cell_at(address + (1 << GRANULE_SHIFT) - 1, 2).expect("the second of two");
        assert_eq!((cell.family(), cell.class()), (1, 7));
        for at in 0..64 {
            let object = [0, 16, 32, 48].contains(&at).then_some(cell);
            assert_eq!(lookup.cell_of_c_object_near(address + at, 2), object, "{at}");
            let family = lookup.family_of_c_object_near(address + at, 7 << crate::class::SCALE, 2);
            assert_eq!(family, object.map(|_| 1), "{at}");
            assert_eq!(lookup.cell_at(address + at, 2), Some(cell), "{at}");
        }
        assert_eq!(lookup.family_of_c_object_near(address, 8 << crate::class::SCALE, 2), None);
        assert_eq!(lookup.cell_at(address - 1, 2), None);
        assert_eq!(lookup.cell_at(address + (1 << GRANULE_SHIFT), 2), None);
        // At the same place in other stretches, of which nothing is known.
        for stretch in 1..8 {
            let other = address + (stretch << STRETCH_SHIFT);
            assert_eq!(lookup.cell_at(other, 2), None, "{stretch} further");
        }
        // Of one family fewer.
        assert_eq!(lookup.cell_at(address, 1), None);
        space.tag(granule, OwnerTag::NONE);
        assert_eq!(lookup.cell_at(address, 2), None);
        space.tag(granule, of(first, 7));
        assert!(lookup.cell_at(address, 2).is_some());
        lookup.forget();
        assert_eq!(lookup.cell_at(address, 2), None);
        // One more than tags have room for.
        lookup.set(space, first, 3);
        assert_eq!(lookup.cell_at(address, 3), None);
        space.tag(granule, OwnerTag::NONE);
        // SAFETY: taken above, and used by nobody.
        unsafe { space.release_extents(granule / space.granules_per_extent(), 1) };
    }

    #[test]
    fn any_address_whatever_may_be_asked_for() {
        let space = SYSTEM_SPACE.get().unwrap();
        let lookup = TagLookup::new();
        lookup.set(space, 1, 0);
        let (start, end) = (space.span, space.span + space.span_bytes);
        let stretches = (start..end).step_by(1 << STRETCH_SHIFT);
        let around = |at: usize| [at.wrapping_sub(1), at, at + 1, at + (1 << GRANULE_SHIFT)];
        for address in stretches.flat_map(around).chain([0, 1, end, usize::MAX, 1 << 63]) {
            // Of no family, so whatever is there.
            assert_eq!(lookup.cell_at(address, 0), None, "{address:#x}");
        }
        assert_eq!(lookup.cell_at(end - 1, ALL), None);
    }

    /// Several stretches, the last of which is not whole.
    const BYTES: usize = (3 << STRETCH_SHIFT) + (5 << WINDOW_SHIFT);

    /// A space that has tags, and nothing at all at its addresses.
    fn of_tags_alone(near: Range<usize>, at_once: bool) -> Space {
        let reserve = |bytes: usize| SYSTEM.reserve(bytes, SYSTEM.page_size()).unwrap();
        let reserved = match at_once {
            true => reserve(OwnerTags::bytes(BYTES)).cast().as_ptr(),
            false => ptr::null_mut(),
        };
        let head_bytes = OwnerTags::head(BYTES, &near).next_multiple_of(SYSTEM.page_size());
        let head = reserve(head_bytes);
        // SAFETY: reserved just now.
        unsafe { SYSTEM.commit(head, head_bytes) }.unwrap();
        // SAFETY: committed, so zero, and never released; there is room for all tags, or null; and there are
        // such stretches.
        let tags = unsafe { OwnerTags::write(head, BYTES, near, reserved) };
        Space::new(&SYSTEM, 1 << 46, BYTES, EXTENT_SHIFT, NonNull::dangling(), tags, None)
    }

    #[test]
    fn every_stretch_has_marks_of_its_own_near_or_not() {
        static SPACES: [OnceLock<Space>; 8] = [const { OnceLock::new() }; 8];
        let nears = [0..1, 1..3, 0..4, 3..4];
        let kinds = nears.iter().flat_map(|near| [(near.clone(), false), (near.clone(), true)]);
        let some = if cfg!(miri) { 3 } else { 1 };
        for ((near, at_once), space) in kinds.zip(&SPACES).step_by(some) {
            let space = space.get_or_init(|| of_tags_alone(near.clone(), at_once));
            let lookup = TagLookup::new();
            lookup.set(space, 1, ALL);
            let address = |granule: usize| space.span + (granule << GRANULE_SHIFT);
            let family_at = |granule: usize| {
                let cell = lookup.cell_at(address(granule), ALL);
                let is_near = near.contains(&(granule >> STRETCH_GRANULES_SHIFT));
                let found = cell.filter(|_| is_near);
                assert_eq!(lookup.cell_near(address(granule), ALL), found);
                for at in 0..32 {
                    let object = lookup.cell_of_c_object_near(address(granule) + at, ALL);
                    assert_eq!(object, found.filter(|_| at % 16 == 0), "{near:?}, {at}");
                }
                cell.map(Cell::family)
            };
            // The first and the last granule of each stretch.
            let (granules, stretch) = (BYTES >> GRANULE_SHIFT, 1 << STRETCH_GRANULES_SHIFT);
            let bounds = (0..granules).step_by(stretch);
            let bounds: Vec<_> =
                bounds.flat_map(|first| [first, (first + stretch).min(granules) - 1]).collect();
            assert!(bounds.iter().all(|&granule| family_at(granule).is_none()));
            for (at, &granule) in bounds.iter().enumerate().rev() {
                space.make_tags(granule as u32..granule as u32 + 1).unwrap();
                space.tag(granule as u32, of(1 + at, 7));
                let tagged = |other: usize| (at <= other).then_some(other);
                for (other, &granule) in bounds.iter().enumerate() {
                    assert_eq!(family_at(granule), tagged(other), "{other}, from {at} on");
                }
            }
            // What is there stays, and between the tags is none.
            space.make_tags(0..granules as u32).unwrap();
            for (at, &granule) in bounds.iter().enumerate() {
                assert_eq!(family_at(granule), Some(at));
                let beside = if at % 2 == 0 { granule + 1 } else { granule - 1 };
                assert_eq!(family_at(beside), None);
            }
            // Where the near ones begin and end, the others go on.
            let (start, count) =
                (lookup.start.load(Ordering::Relaxed), lookup.granules.load(Ordering::Relaxed));
            let first = near.start << STRETCH_GRANULES_SHIFT;
            assert_eq!(
                (start, count as usize),
                (address(first), (near.end << STRETCH_GRANULES_SHIFT).min(granules) - first)
            );
            assert_eq!(lookup.cell_at(space.span + BYTES, ALL), None);
            assert_eq!(lookup.cell_at(space.span - 1, ALL), None);
            lookup.forget();
            assert!(bounds.iter().all(|&granule| family_at(granule).is_none()));
        }
    }

    #[test]
    fn what_is_near_is_in_the_span() {
        let shift = STRETCH_SHIFT;
        let of_a_tib = |first: usize, both: bool| OwnerTags::near(1 << 40, first << shift, both);
        assert_eq!(of_a_tib(0, false), 0..8);
        assert_eq!(of_a_tib(256, true), 252..260);
        assert_eq!(of_a_tib(2, true), 0..8);
        assert_eq!(of_a_tib(511, true), 504..512);
        assert_eq!(of_a_tib(511, false), 504..512);
        // Short spans are those of a process that has few addresses.
        assert_eq!(OwnerTags::near(SMALL_SPAN, 5 << shift, true), 5..6);
        assert_eq!(OwnerTags::near(1 << 20, 0, true), 0..1);
        assert_eq!(OwnerTags::head(1 << 20, &(0..1)), 8 + 16 * 4);
        assert_eq!(OwnerTags::head(1 << 40, &(0..8)), 512 * 8 + (1 << 20));
    }
}
