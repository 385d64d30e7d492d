//! multitude, by the handles that live as long as the arena. A reset keeps the chunk in use, and
//! others in a cache.

use core::fmt;
use core::ptr::NonNull;

use multitude::{Alloc, Arena};

use super::{BulkFree, touched};

/// multitude, as the crate comes by default.
pub struct Multitude(Arena);

impl fmt::Debug for Multitude {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Multitude")
    }
}

impl<const WORDS: usize> BulkFree<WORDS> for Multitude {
    const NAME: &'static str = "multitude";

    fn new() -> Self {
        Self(Arena::new())
    }

    #[inline(always)]
    fn alloc(&mut self, word: u64) -> NonNull<u64> {
        touched(Alloc::leak(self.0.alloc_uninit::<[u64; WORDS]>()), word)
    }

    #[inline(always)]
    unsafe fn free_all(&mut self, _: &[NonNull<u64>]) {
        self.0.reset();
    }
}
