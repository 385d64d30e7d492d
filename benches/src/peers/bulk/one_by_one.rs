//! What is no arena: each object is freed by itself, in the order in which they came.

use core::alloc::Layout;
use core::ptr::NonNull;

use super::{BulkFree, Object};
use crate::allocator::Allocator;

/// An allocator by its other calls.
#[derive(Debug)]
pub struct OneByOne<A>(A);

impl<A: Allocator, const WORDS: usize> BulkFree<WORDS> for OneByOne<A> {
    const NAME: &'static str = A::NAME;

    fn new() -> Self {
        Self(A::new())
    }

    #[inline(always)]
    fn alloc(&mut self, word: u64) -> NonNull<u64> {
        let object = self.0.alloc_layout(Layout::new::<Object<WORDS>>()).cast();
        // SAFETY: at least one word, ours alone.
        unsafe { object.write(word) };
        object
    }

    #[inline(always)]
    unsafe fn free_all(&mut self, objects: &[NonNull<u64>]) {
        for &object in objects {
            let layout = Layout::new::<Object<WORDS>>();
            // SAFETY: allocated above, and each is there once (contract).
            unsafe { self.0.free_layout(object.cast(), layout) };
        }
    }
}
