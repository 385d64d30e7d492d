//! Reallocation by the address alone, in steps: how often memory moves, and how much is set aside for it to
//! grow. Counted, not timed.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::common::one_at_a_time;
use famalloc::{RawAlloc, alloc_family, check, raw};

#[alloc_family]
enum Lives {
    General,
    #[family(limit = "128 KiB")]
    Limited,
}

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 8).unwrap()
}

fn usable(start: NonNull<u8>) -> usize {
    raw::usable_size(start.as_ptr()).unwrap()
}

/// Reallocates what has `keep` bytes.
fn resized(start: NonNull<u8>, keep: usize, size: usize) -> NonNull<u8> {
    // SAFETY: live; what moved is not used again.
    unsafe { raw::realloc::<Lives>(start, layout(size), keep) }.unwrap()
}

fn free(start: NonNull<u8>) {
    // SAFETY: live, and not used again.
    unsafe { raw::free::<Lives>(start) }.unwrap();
}

#[test]
fn what_grows_in_small_steps_moves_as_seldom_as_what_grows_by_half() {
    const MOST: usize = 32 << 10;
    let _alone = one_at_a_time();
    let mut start = lives::General.alloc(layout(8)).unwrap();
    let mut moves = 0;
    for size in (8..=MOST).step_by(8) {
        let word = start.cast::<u64>();
        // SAFETY: `size` bytes are allocated, aligned to words.
        unsafe { word.add(size / 8 - 1).write(size as u64) };
        if size == MOST {
            break;
        }
        let moved = resized(start, size, size + 8);
        moves += usize::from(moved != start);
        start = moved;
        // Never more than half of it and a class' rounding are set aside.
        let most = ((size + 8) * 3 / 2).next_multiple_of(8) * 9 / 8 + 8;
        assert!(usable(start) <= most.max(16), "{} bytes for {}", usable(start), size + 8);
    }
    // Sixteen classes up to 128 bytes, and from there on log(256) / log(1.5) = 13.7.
    assert!(moves <= 16 + 14, "{moves} moves");
    for size in (8..=MOST).step_by(8) {
        // SAFETY: written above, and moved with the rest.
        let word = unsafe { start.cast::<u64>().add(size / 8 - 1).read() };
        assert_eq!(word, size as u64);
    }
    free(start);
    check().unwrap();
}

/// Who takes larger steps, or makes it smaller, sets aside what he wants himself.
#[test]
fn what_grows_in_larger_steps_has_what_was_asked_for() {
    let _alone = one_at_a_time();
    for (part, least) in [(8, 128), (4, 128), (1, 8)] {
        let mut size = least;
        let mut start = lives::General.alloc(layout(size)).unwrap();
        while size < 20_000 {
            let larger = usable(start) + usable(start).div_ceil(part);
            start = resized(start, size, larger);
            size = larger;
            assert!(usable(start) <= size + size / 8 + 8, "{} bytes for {size}", usable(start));
        }
        start = resized(start, size, 1000);
        assert!(usable(start) <= 1024);
        free(start);
    }
    check().unwrap();
}

/// Where there is no room for more than was asked for, that is what one gets.
#[test]
fn room_to_grow_is_not_insisted_on() {
    let _alone = one_at_a_time();
    // A block of each of two classes, and the limit allows no third.
    let small = lives::Limited.alloc(layout(1024)).unwrap();
    let next = lives::Limited.alloc(layout(1152)).unwrap();
    let moved = resized(small, 1024, 1030);
    assert_eq!(usable(moved), 1152);
    free(moved);
    free(next);
    check().unwrap();
}
