//! A growing vector uses all of its slot, and moves only when it has to.

use famalloc::alloc_family;
use famalloc::collections::Vec;

use crate::common::{times, usage};

#[alloc_family]
enum Lives {
    Growing,
    Small,
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
