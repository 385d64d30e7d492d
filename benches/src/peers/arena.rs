//! A bump pointer: the physical limit, not a rival.
//!
//! Its free does nothing. The memory comes back only when everything is dead, so it takes part in
//! the workloads that have such a moment, and none of the ratios count it as a peer.

use core::alloc::Layout;
use core::ptr::NonNull;

use bumpalo::Bump;

use crate::allocator::{Allocator, object_layout};

/// A bump pointer that never frees.
#[derive(Debug)]
pub struct Arena(Bump);

impl Allocator for Arena {
    const NAME: &'static str = "bump";

    fn new() -> Self {
        Self(Bump::new())
    }

    #[inline(always)]
    fn alloc<const SIZE: usize>(&self) -> NonNull<u64> {
        self.0.alloc_layout(const { object_layout::<SIZE>() }).cast()
    }

    #[inline(always)]
    unsafe fn free<const SIZE: usize>(&self, _: NonNull<u64>) {}

    #[inline(always)]
    fn alloc_layout(&self, layout: Layout) -> NonNull<u8> {
        self.0.alloc_layout(layout)
    }

    #[inline(always)]
    unsafe fn free_layout(&self, _: NonNull<u8>, _: Layout) {}

    unsafe fn grow_layout(&self, start: NonNull<u8>, layout: Layout, size: usize) -> NonNull<u8> {
        let grown = Layout::from_size_align(size, layout.align()).expect("sizes are small");
        let room = self.0.alloc_layout(grown);
        // SAFETY: both are allocations of this arena, of at least that many bytes.
        unsafe { room.copy_from_nonoverlapping(start, layout.size()) };
        room
    }

    #[inline(always)]
    fn rest(&mut self) {
        self.0.reset();
    }
}
