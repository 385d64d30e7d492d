//! typed-arena. It cannot be reset: it is dropped, and the next one asks the system's allocator
//! again.

use core::fmt;
use core::ptr::NonNull;

use typed_arena::Arena;

use super::{BulkFree, Object, touched};

/// typed-arena, as the crate comes by default.
pub struct TypedArena<const WORDS: usize>(Arena<Object<WORDS>>);

impl<const WORDS: usize> fmt::Debug for TypedArena<WORDS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TypedArena")
    }
}

impl<const WORDS: usize> BulkFree<WORDS> for TypedArena<WORDS> {
    const NAME: &'static str = "typed-arena";

    fn new() -> Self {
        Self(Arena::new())
    }

    #[inline(always)]
    fn alloc(&mut self, word: u64) -> NonNull<u64> {
        touched(self.0.alloc(Object::uninit()), word)
    }

    #[inline(always)]
    unsafe fn free_all(&mut self, _: &[NonNull<u64>]) {
        self.0 = Arena::new();
    }
}
