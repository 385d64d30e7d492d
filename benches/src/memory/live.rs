//! Many live objects of one size: what they occupy, and what stays when they are gone.

use core::alloc::Layout;
use core::ptr::NonNull;

use super::resident;
use crate::allocator::{Heap, Life};

/// The objects of one weighing are at most this many, ...
const MOST_OBJECTS: usize = 1_000_000;
/// ... or as few as make up this many bytes.
const ENOUGH_BYTES: usize = 256 << 20;

/// How many objects of this size are weighed.
#[must_use]
pub const fn objects(size: usize) -> usize {
    let enough = ENOUGH_BYTES.div_ceil(size);
    if enough < MOST_OBJECTS { enough } else { MOST_OBJECTS }
}

/// Resident bytes above those before the first allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight {
    /// While all objects live.
    pub live: usize,
    /// When all are freed.
    pub freed: usize,
    /// When the allocator has been asked to give back what is unused.
    pub given_back: usize,
}

/// Allocates so many objects of this size, writes every byte of them, and frees them.
///
/// # Panics
///
/// Panics when `size` is 0.
#[must_use]
pub fn weigh(heap: &dyn Heap, size: usize, count: usize) -> Weight {
    let layout = natural_layout(size);
    // Touched before the baseline: the benchmark's own memory is not weighed.
    let mut objects = vec![NonNull::<u8>::dangling(); count];
    let baseline = resident();
    let above = || resident().saturating_sub(baseline);

    for object in &mut objects {
        *object = heap.alloc(Life::A, layout);
        // SAFETY: allocated just now with this size.
        unsafe { object.write_bytes(0xa5, size) };
    }
    let live = above();
    for &object in &objects {
        // SAFETY: allocated above, and not used again.
        unsafe { heap.free(Life::A, object, layout) };
    }
    let freed = above();
    heap.give_back();
    Weight { live, freed, given_back: above() }
}

/// The layout of a plain value of this size: aligned as far as the size is, up to a word.
fn natural_layout(size: usize) -> Layout {
    let align = 1 << size.trailing_zeros().min(3);
    Layout::from_size_align(size, align).expect("a benchmark's sizes are small")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_objects_or_enough_bytes() {
        assert_eq!(objects(1), 1_000_000);
        assert_eq!(objects(256), 1_000_000);
        assert_eq!(objects(512), 512 << 10);
        assert_eq!(objects(8192), 32 << 10);
        assert!(objects(300) * 300 >= ENOUGH_BYTES);
    }

    #[test]
    fn layouts_are_as_aligned_as_their_size() {
        let align = |size| natural_layout(size).align();
        assert_eq!([1, 2, 3, 4, 8, 12, 24, 4096].map(align), [1, 2, 1, 4, 8, 4, 8, 8]);
    }
}
