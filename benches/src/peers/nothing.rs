//! No allocator: it shows what the rest of a workload costs.

use core::alloc::Layout;
use core::cell::Cell;
use core::ptr::NonNull;

use crate::allocator::Allocator;

/// The places of an array in turn, whether or not anything lives there.
///
/// The array is the handle's own: places have to be used by one thread at a time, and before
/// [`ROOMS`](Self::ROOMS) others have been handed out.
#[derive(Debug)]
pub struct Nothing {
    words: Box<[Cell<u64>]>,
    next: Cell<usize>,
}

impl Nothing {
    /// How many places there are.
    pub const ROOMS: usize = 2048;
    /// The largest object that has a place.
    const LARGEST: usize = 256;

    #[inline(always)]
    fn room(&self, size: usize) -> NonNull<u64> {
        assert!(size <= Self::LARGEST, "there is room for small objects");
        let place = self.next.get();
        self.next.set((place + 1) % Self::ROOMS);
        // SAFETY: the array has so many places of the largest size.
        let start = unsafe { self.words.as_ptr().add(place * size.div_ceil(8)) };
        // SAFETY: in an array, so it is not null.
        unsafe { NonNull::new_unchecked(start.cast_mut().cast()) }
    }
}

impl Allocator for Nothing {
    const NAME: &'static str = "nothing";

    fn new() -> Self {
        let words = vec![Cell::new(0); Self::ROOMS * Self::LARGEST / 8];
        Self { words: words.into(), next: Cell::new(0) }
    }

    #[inline(always)]
    fn alloc<const SIZE: usize>(&self) -> NonNull<u64> {
        self.room(SIZE)
    }

    #[inline(always)]
    unsafe fn free<const SIZE: usize>(&self, _: NonNull<u64>) {}

    #[inline(always)]
    fn alloc_layout(&self, layout: Layout) -> NonNull<u8> {
        assert!(layout.align() <= 8, "places are aligned to 8");
        self.room(layout.size()).cast()
    }

    #[inline(always)]
    unsafe fn free_layout(&self, _: NonNull<u8>, _: Layout) {}

    unsafe fn grow_layout(&self, start: NonNull<u8>, layout: Layout, size: usize) -> NonNull<u8> {
        let room = self.room(size).cast::<u8>();
        // SAFETY: both have that many bytes; they may be the same place, and `copy_from` allows it.
        unsafe { room.copy_from(start, layout.size()) };
        room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_do_not_overlap_and_come_again() {
        let nothing = Nothing::new();
        let turn = || -> Vec<usize> {
            (0..Nothing::ROOMS).map(|_| nothing.alloc_touched::<256>(1).addr().get()).collect()
        };
        let (first, second) = (turn(), turn());
        assert_eq!(first, second);
        assert!(first.windows(2).all(|pair| pair[1] - pair[0] == 256));
        let words: u64 = nothing.words.iter().map(Cell::get).sum();
        assert_eq!(words, Nothing::ROOMS as u64, "all are in the array");
    }
}
