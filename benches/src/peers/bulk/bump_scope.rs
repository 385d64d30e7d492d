//! bump-scope. A reset keeps its largest chunk, which after a few rounds has room for all.

use core::ptr::NonNull;

use bump_scope::{Bump, BumpBox};

use super::{BulkFree, touched};

/// bump-scope, as the crate comes by default.
#[derive(Debug)]
pub struct BumpScope(Bump);

impl<const WORDS: usize> BulkFree<WORDS> for BumpScope {
    const NAME: &'static str = "bump-scope";

    fn new() -> Self {
        Self(Bump::new())
    }

    #[inline(always)]
    fn alloc(&mut self, word: u64) -> NonNull<u64> {
        touched(BumpBox::leak(self.0.alloc_uninit::<[u64; WORDS]>()), word)
    }

    #[inline(always)]
    unsafe fn free_all(&mut self, _: &[NonNull<u64>]) {
        self.0.reset();
    }
}
