//! A bump pointer: the physical limit, not a rival.
//!
//! Its free does nothing. The memory comes back only when everything is dead, so it takes part in
//! the workloads that have such a moment, and none of the ratios count it as a peer.

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
    fn rest(&mut self) {
        self.0.reset();
    }
}
