//! A growing vector uses all of its slot, and moves only when it has to.

use famalloc::collections::Vec;
use famalloc::region::{RegionString, RegionVec};
use famalloc::{Region, alloc_family};

use crate::common::{times, usage};

#[alloc_family]
enum Lives {
    Growing,
    Small,
    Frame,
}

#[test]
fn large_vectors_grow_and_shrink_with_their_contents() {
    let many = times(1 << 20, 1_500) as u64;
    let mut vec = Vec::<u64, lives::Growing>::new();
    for value in 0..many {
        vec.push(value);
    }
    assert!(vec.iter().copied().eq(0..many));
    assert_eq!(usage::<lives::Growing>().live_objects, 1);
    vec.truncate(1000);
    vec.shrink_to_fit();
    assert!(vec.capacity() < 1200, "{}", vec.capacity());
    assert!(vec.iter().copied().eq(0..1000));
    drop(vec);
    assert_eq!(usage::<lives::Growing>().live_objects, 0);
}

#[test]
fn the_capacity_is_that_of_the_slot() {
    // 65 bytes are served in a slot of 72.
    let vec = Vec::<u8, lives::Small>::with_capacity(65);
    assert_eq!(vec.capacity(), 72);
    let mut vec = Vec::<[u8; 7], lives::Small>::with_capacity(10);
    assert_eq!(vec.capacity(), 10);
    let start = vec.as_ptr();
    vec.resize(vec.capacity(), [1; 7]);
    assert_eq!(vec.as_ptr(), start);
}

#[test]
fn the_last_object_of_a_region_grows_in_place() {
    let frame = Region::<lives::Frame>::new();
    let mut vec = RegionVec::new_in(frame.allocator());
    vec.push(0_u64);
    let start = vec.as_ptr();
    vec.extend(1..4000);
    assert_eq!(vec.as_ptr(), start);
    // Its capacity is all that it takes of the region.
    assert_eq!(frame.usage().live_bytes, vec.capacity() * 8);

    // Behind another object it has to move, and what it leaves can be used again.
    let mut text = RegionString::from_str_in("last", frame.allocator());
    vec.reserve(vec.capacity());
    assert_ne!(vec.as_ptr(), start);
    assert!(vec.iter().copied().eq(0..4000));
    assert!(frame.usage().free_bytes >= 4000 * 8);
    text.push_str(" but one");
    assert_eq!(text, "last but one");

    vec.truncate(10);
    vec.shrink_to_fit();
    assert_eq!(vec.capacity(), 10);
    drop((vec, text));
    assert_eq!(frame.usage().live_bytes, 0);
}
