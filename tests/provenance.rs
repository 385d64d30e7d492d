//! What comes back from the program is handed out again whole: to all of its bytes, for reading and
//! writing, whatever the reference was like by which it was freed.
//!
//! The values are right on any machine. It is Miri that notices where a slot's next user has inherited
//! what its last one could do, and that the program runs at all with famalloc as its global allocator.

use core::alloc::Layout;
use core::ptr::NonNull;
use std::collections::{BTreeMap, HashMap};

use famalloc::{
    FamAlloc, FamilyBox, PageError, PageSource, RawAlloc, System, alloc_family, alloc_in, flush,
    free_in, raw,
};

#[alloc_family]
enum Lives {
    General,
    Other,
}

#[global_allocator]
static GLOBAL: FamAlloc<Lives> = FamAlloc::new();

/// Writes all that a slot of the class of 24 bytes has, and frees it.
fn use_all(slot: NonNull<u8>) {
    // SAFETY: 24 bytes, ours.
    unsafe { slot.write_bytes(7, 24) };
    // SAFETY: as above.
    assert_eq!(unsafe { slot.add(23).read() }, 7);
    // SAFETY: allocated with this size, and not used again.
    unsafe { free_in::<lives::Other>(slot, 24) };
}

/// Allocates until a slot is handed out that was freed; uses all of that one.
fn use_again(freed: NonNull<u8>) {
    let mut slots: Vec<_> = Vec::new();
    while slots.last() != Some(&freed) {
        assert!(slots.len() < 300, "it is lost");
        slots.push(alloc_in::<lives::Other>(24).unwrap());
    }
    slots.into_iter().rev().for_each(use_all);
}

#[test]
fn a_slot_that_was_freed_by_a_reference_to_less_is_handed_out_whole() {
    let mut value = FamilyBox::<[u8; 17], _>::new_in([1; 17], lives::Other);
    let start = NonNull::from(&mut *value).cast::<u8>();
    let _ = FamilyBox::into_raw(value);
    // SAFETY: the box's memory, of this layout; the box is no more.
    unsafe { lives::Other.free(start, Layout::new::<[u8; 17]>()) };
    use_again(start);
}

#[test]
fn a_slot_that_was_freed_by_a_shared_reference_can_be_written() {
    let value = FamilyBox::<[u8; 24], _>::new_in([1; 24], lives::Other);
    let start = NonNull::from(&*value).cast::<u8>();
    let _ = FamilyBox::into_raw(value);
    // SAFETY: as above.
    unsafe { raw::free::<Lives>(start).unwrap() };
    use_again(start);
}

#[test]
fn what_grows_where_it_is_can_be_used_up_to_its_new_end() {
    // 17 to 24 bytes are one class, and what was a slice of a box becomes a vector with room.
    let mut bytes = vec![1_u8; 17].into_boxed_slice().into_vec();
    bytes.reserve_exact(7);
    bytes.extend([2; 7]);
    assert_eq!(bytes[16..], [1, 2, 2, 2, 2, 2, 2, 2]);
    let (old, new) = (Layout::new::<[u8; 17]>(), Layout::new::<[u8; 24]>());
    let mut value = FamilyBox::<[u8; 17], _>::new_in([1; 17], lives::Other);
    let start = NonNull::from(&mut *value).cast::<u8>();
    let _ = FamilyBox::into_raw(value);
    // SAFETY: the box's memory, of this layout; the box is no more.
    use_all(unsafe { lives::Other.realloc(start, old, new).unwrap() });
}

#[test]
fn a_row_of_a_thread_that_has_ended_is_the_next_ones() {
    for _ in 0..3 {
        let sum = std::thread::spawn(|| {
            let all: Vec<_> =
                (0..20).map(|value| FamilyBox::<u64, _>::new_in(value, lives::Other)).collect();
            all.iter().map(|number| **number).sum::<u64>()
        });
        assert_eq!(sum.join().unwrap(), 190);
    }
}

#[test]
fn the_standard_library_lives_on_it() {
    let words = ["a", "rose", "is", "a", "rose"];
    let mut counts = BTreeMap::new();
    words.iter().for_each(|word| *counts.entry(word.to_string()).or_insert(0) += 1);
    assert_eq!(counts.into_values().collect::<Vec<_>>(), [2, 1, 2]);
    let lengths: HashMap<_, _> = words.iter().map(|word| (*word, word.len())).collect();
    let (send, receive) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || send.send(Box::new([lengths["rose"]; 30])).unwrap());
    assert_eq!(receive.recv().unwrap()[29], 4);
    thread.join().unwrap();
    drop(vec![1_u8; 100_000]);
    flush();
}

#[test]
fn ranges_of_the_system_are_apart_and_zero_and_go_back() {
    static PAGES: System = System::new();
    let size = 4 * PAGES.page_size();
    let ranges = [(); 3].map(|()| PAGES.reserve(size, 1 << 18).unwrap());
    for range in ranges {
        assert_eq!(range.addr().get() % (1 << 18), 0);
        // SAFETY: reserved above, and committed before it is touched.
        unsafe {
            PAGES.commit(range, size).unwrap();
            assert_eq!(range.add(size - 1).read(), 0);
            range.write_bytes(1, size);
            PAGES.decommit(range, size).unwrap();
            PAGES.commit(range, size).unwrap();
            assert_eq!(range.add(size / 2).read(), 0);
        }
    }
    // SAFETY: not used again.
    ranges.into_iter().for_each(|range| unsafe { PAGES.release(range, size) });
    assert_eq!(PAGES.reserve(1 << 60, 1 << 18), Err(PageError));
}
