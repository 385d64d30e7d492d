//! One lifetime of an allocator, as an allocator: for workloads that know no lifetimes.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::allocator::Allocator;

/// Objects all of the lifetime with this number.
#[derive(Clone, Copy, Debug)]
pub struct OfLife<A, const LIFE: usize>(A);

impl<A: Allocator, const LIFE: usize> Allocator for OfLife<A, LIFE> {
    const NAME: &'static str = A::NAME;

    fn new() -> Self {
        Self(A::new())
    }

    #[inline(always)]
    fn alloc<const SIZE: usize>(&self) -> NonNull<u64> {
        self.0.alloc_of_life::<LIFE, SIZE>()
    }

    #[inline(always)]
    unsafe fn free<const SIZE: usize>(&self, object: NonNull<u64>) {
        // SAFETY: allocated above with the same lifetime and size (contract).
        unsafe { self.0.free_of_life::<LIFE, SIZE>(object) };
    }

    #[inline(always)]
    fn alloc_layout(&self, layout: Layout) -> NonNull<u8> {
        self.0.alloc_layout(layout)
    }

    #[inline(always)]
    unsafe fn free_layout(&self, start: NonNull<u8>, layout: Layout) {
        // SAFETY: passed on.
        unsafe { self.0.free_layout(start, layout) };
    }

    #[inline(always)]
    unsafe fn grow_layout(&self, start: NonNull<u8>, layout: Layout, size: usize) -> NonNull<u8> {
        // SAFETY: passed on.
        unsafe { self.0.grow_layout(start, layout, size) }
    }

    fn rest(&mut self) {
        self.0.rest();
    }

    fn leave(&self) {
        self.0.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workloads::counting::Counting;

    #[test]
    fn objects_are_of_the_lifetime() {
        type A = Counting<14>;
        let third = OfLife::<A, 2>::new();
        let object = third.alloc::<48>();
        assert!(A::live_cells().into_iter().eq([(2, 48)]));
        // SAFETY: allocated above with the same size.
        unsafe { third.free::<48>(object) };
        third.leave();
        let counts = A::counts();
        assert_eq!((counts.live, counts.wrong, counts.left), (0, 0, 1));
    }
}
