//! What the README and the crate's documentation say about sizes, tried at every size through the
//! interface: which slot serves it, how it is aligned, which byte belongs to which slot, and that a run of
//! freed slots is that run, wherever in a bitmap it begins and ends.

use core::alloc::Layout;
use core::ptr::NonNull;
use std::collections::BTreeSet;

use crate::common::{assert_all_given_back, one_at_a_time, usage};
use famalloc::{Family, QueryKind, RawAlloc, alloc_family, alloc_in, flush, free_in, query};

/// An interpreter takes this many steps at once; what is compiled takes each.
const STEP: usize = if cfg!(miri) { 997 } else { 1 };
/// The largest size that is served in a slot.
const MAX_SMALL: usize = 32 << 10;

/// The slot for a size, by the words of the documentation: powers of two up to 8 bytes, multiples of 8 up
/// to 64, and eight steps to each doubling above.
fn slot_for(size: usize) -> usize {
    match size {
        0..=8 => size.next_power_of_two(),
        9..=64 => size.next_multiple_of(8),
        _ => {
            let doubling = (size - 1).ilog2();
            size.next_multiple_of(1 << (doubling - 3))
        }
    }
}

fn slot_of(address: NonNull<u8>) -> (QueryKind, usize, usize) {
    let found = query(address.as_ptr()).expect("just handed out");
    (found.kind, found.slot_bytes, found.offset)
}

#[test]
fn every_size_is_served_by_one_of_eighty_three_slots() {
    #[alloc_family]
    enum Sizes {
        A,
    }
    let _alone = one_at_a_time();
    let mut slots = BTreeSet::new();
    for size in (1..=MAX_SMALL).step_by(STEP) {
        let start = alloc_in::<sizes::A>(size).unwrap();
        assert_eq!(slot_of(start), (QueryKind::Slot, slot_for(size), 0), "{size} bytes");
        // What is not of the slot is of no use; above 64 bytes that is an eighth at most.
        assert!(size <= 64 || (slot_for(size) - size) * 8 <= slot_for(size), "{size} bytes");
        slots.insert(slot_for(size));
        // SAFETY: allocated above with this size, and not used again.
        unsafe { free_in::<sizes::A>(start, size) };
    }
    assert!(cfg!(miri) || slots.len() == 83, "{} classes", slots.len());
    // What is larger takes whole pages.
    for size in [1, 2, 4095, 4096, 4097, 32 << 10, 100_000].map(|more| MAX_SMALL + more) {
        let start = alloc_in::<sizes::A>(size).unwrap();
        let (kind, bytes, offset) = slot_of(start);
        assert!(kind != QueryKind::Slot && offset == 0, "{size} bytes");
        assert!(bytes >= size && bytes < size + 4096 && bytes % 4096 == 0, "{size} in {bytes}");
        // SAFETY: as above.
        unsafe { free_in::<sizes::A>(start, size) };
    }
    assert_all_given_back::<Sizes>();
}

#[test]
fn every_layout_is_aligned_and_has_room() {
    #[alloc_family]
    enum Layouts {
        A,
    }
    let _alone = one_at_a_time();
    for align_log in 0..=16 {
        let align = 1_usize << align_log;
        // Every size about each multiple of a cache line, and some between.
        let sizes = (1..=MAX_SMALL + 4096).filter(|size| (size + 2) % 64 < 5 || size % 7 == 0);
        for size in sizes.step_by(STEP) {
            let layout = Layout::from_size_align(size, align).unwrap();
            let start = layouts::A.alloc(layout).unwrap();
            assert_eq!(start.addr().get() % align, 0, "{layout:?} at {start:p}");
            let (_, bytes, offset) = slot_of(start);
            assert!(offset == 0 && bytes >= size, "{layout:?} has {bytes} bytes");
            // SAFETY: allocated above with this layout, and not used again.
            unsafe { layouts::A.free(start, layout) };
        }
    }
    assert_all_given_back::<Layouts>();
}

/// Each byte of a few blocks of each class is found to be of the slot that it is of.
#[test]
fn every_byte_is_known_to_be_of_its_slot() {
    #[alloc_family]
    enum Bytes {
        A,
    }
    let _alone = one_at_a_time();
    let mut size = 1;
    while size <= MAX_SMALL {
        let count = if cfg!(miri) { 3 } else { (70 << 10) / size + 3 };
        let slots: Vec<_> = (0..count).map(|_| alloc_in::<bytes::A>(size).unwrap()).collect();
        for slot in &slots {
            // All of the small ones; the ends of the others and some between.
            let step = if size <= 256 { 1 } else { 61 };
            for at in (0..size).step_by(step).chain(size - 3.min(size)..size) {
                let found = query(slot.as_ptr().wrapping_add(at)).expect("in a slot");
                let expected = (slot.addr().get(), at, size);
                assert_eq!((found.slot, found.offset, found.slot_bytes), expected);
            }
        }
        for slot in slots {
            // SAFETY: allocated above with this size, and not used again.
            unsafe { free_in::<bytes::A>(slot, size) };
        }
        size = slot_for(size + 1);
    }
    assert_all_given_back::<Bytes>();
}

/// Frees a run of neighbouring slots, of every length from every position over three words of a bitmap, in
/// either direction, and has those very slots again, the lowest first.
#[test]
fn every_run_over_three_words_of_a_bitmap_comes_back_as_that_run() {
    #[alloc_family]
    enum Runs {
        A,
    }
    const SLOTS: usize = 192;

    fn all_runs<F: Family>(size: usize) {
        let mut slots: Vec<_> = (0..SLOTS).map(|_| alloc_in::<F>(size).unwrap()).collect();
        slots.sort_unstable();
        let last = slots[0].as_ptr().wrapping_add((SLOTS - 1) * size);
        assert_eq!(slots[SLOTS - 1].as_ptr(), last, "a new block hands out neighbours");
        for first in (0..SLOTS).step_by(STEP.min(61)) {
            for end in (first + 1..=SLOTS).step_by(STEP.min(61)) {
                let run = &slots[first..end];
                let free = |slot: &NonNull<u8>| {
                    // SAFETY: live, of this size, and not used before it is allocated again.
                    unsafe { free_in::<F>(*slot, size) };
                };
                if (first + end) % 2 == 0 {
                    run.iter().for_each(free);
                } else {
                    run.iter().rev().for_each(free);
                }
                flush();
                let used = usage::<F>();
                let counted = (used.live_objects, used.classes[0].parked_objects);
                assert_eq!(counted, (SLOTS - run.len(), 0), "{first}..{end} of {size} bytes");
                for &slot in run {
                    let again = alloc_in::<F>(size).unwrap();
                    assert_eq!(again, slot, "{first}..{end} of {size} bytes");
                }
            }
        }
        slots.into_iter().for_each(|slot| {
            // SAFETY: as above.
            unsafe { free_in::<F>(slot, size) };
        });
        flush();
    }

    let _alone = one_at_a_time();
    for size in [1, 8, 64] {
        all_runs::<runs::A>(size);
    }
    assert_all_given_back::<Runs>();
}
