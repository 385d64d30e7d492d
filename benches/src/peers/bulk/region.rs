//! A region of famalloc's. A reset keeps its largest chunk, which after a few rounds has room for all.

use core::ptr::NonNull;

use famalloc::{Region, alloc_family};

use super::{BulkFree, Object, touched};
use crate::allocator::Allocator;
use crate::peers::Famalloc;

#[alloc_family]
enum Lives {
    Batch,
}

/// famalloc, as an arena.
#[derive(Debug)]
pub struct FamilyRegion(Region<lives::Batch>);

impl<const WORDS: usize> BulkFree<WORDS> for FamilyRegion {
    const NAME: &'static str = Famalloc::NAME;

    fn new() -> Self {
        Self(Region::new())
    }

    #[inline(always)]
    fn alloc(&mut self, word: u64) -> NonNull<u64> {
        touched(self.0.alloc(Object::<WORDS>::uninit()), word)
    }

    #[inline(always)]
    unsafe fn free_all(&mut self, _: &[NonNull<u64>]) {
        self.0.reset();
    }
}
