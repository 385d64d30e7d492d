//! bumpalo. A reset keeps its last chunk, which after a few rounds has room for all.

use core::ptr::NonNull;

use bumpalo::Bump;

use super::{BulkFree, Object, touched};

/// bumpalo, as the crate comes by default.
#[derive(Debug)]
pub struct Bumpalo(Bump);

impl<const WORDS: usize> BulkFree<WORDS> for Bumpalo {
    const NAME: &'static str = "bumpalo";

    fn new() -> Self {
        Self(Bump::new())
    }

    #[inline(always)]
    fn alloc(&mut self, word: u64) -> NonNull<u64> {
        touched(self.0.alloc_with(Object::<WORDS>::uninit), word)
    }

    #[inline(always)]
    unsafe fn free_all(&mut self, _: &[NonNull<u64>]) {
        self.0.reset();
    }
}
