//! What is no arena: each object is freed by itself, in the order in which they came.

use core::ptr::NonNull;

use super::{BulkFree, Object};
use crate::allocator::Allocator;

/// An allocator without regions. famalloc takes part in this way, as it has none.
#[derive(Debug)]
pub struct OneByOne<A>(A);

impl<A: Allocator> BulkFree for OneByOne<A> {
    const NAME: &'static str = A::NAME;

    fn new() -> Self {
        Self(A::new())
    }

    #[inline(always)]
    fn alloc(&mut self, word: u64) -> NonNull<u64> {
        self.0.alloc_touched::<{ size_of::<Object>() }>(word)
    }

    #[inline(always)]
    unsafe fn free_all(&mut self, objects: &[NonNull<u64>]) {
        for &object in objects {
            // SAFETY: allocated above, and each is there once (contract).
            unsafe { self.0.free::<{ size_of::<Object>() }>(object) };
        }
    }
}
