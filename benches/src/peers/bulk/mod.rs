//! Those that free everything at once: arenas, and for comparison an allocator that frees one by
//! one.
//!
//! An arena that can be reset is reset, and may keep its memory; one that cannot is dropped and made
//! anew.

mod bump_scope;
mod bumpalo;
mod multitude;
mod one_by_one;
mod region;
mod typed_arena;

pub use bump_scope::BumpScope;
pub use bumpalo::Bumpalo;
pub use multitude::Multitude;
pub use one_by_one::OneByOne;
pub use region::FamilyRegion;
pub use typed_arena::TypedArena;

use core::mem::MaybeUninit;
use core::ptr::NonNull;

/// What is allocated: so many words of 8 bytes. Arenas know its type.
pub type Object<const WORDS: usize> = MaybeUninit<[u64; WORDS]>;

/// Something that frees all its objects, of so many words each, together.
pub trait BulkFree<const WORDS: usize>: 'static {
    /// What the reports call it.
    const NAME: &'static str;

    /// An empty one.
    fn new() -> Self;

    /// A new [`Object`] whose first word has been written.
    fn alloc(&mut self, word: u64) -> NonNull<u64>;

    /// Frees all objects.
    ///
    /// # Safety
    ///
    /// `objects` are all that [`alloc`](Self::alloc) has given since the last time, and none of
    /// them is used again.
    unsafe fn free_all(&mut self, objects: &[NonNull<u64>]);
}

/// Writes an object's first word, as any use of it would do.
#[inline(always)]
fn touched<const WORDS: usize>(object: &mut Object<WORDS>, word: u64) -> NonNull<u64> {
    let object = NonNull::from(object).cast();
    // SAFETY: at least 8 bytes, aligned to 8, borrowed here.
    unsafe { object.write(word) };
    object
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::peers::{Famalloc, System};

    /// Objects of several rounds are apart and keep what is written into them.
    fn keeps_objects_apart<B: BulkFree<6>>() {
        let mut home = B::new();
        for round in 0..3 {
            let objects: Vec<_> = (0..3000_u64).map(|number| home.alloc(number ^ round)).collect();
            for object in &objects {
                // SAFETY: a live object of six words; the first stays as it is.
                unsafe { object.add(1).write_bytes(0xff, 5) };
            }
            let mut seen = HashSet::new();
            for (object, number) in objects.iter().zip(0..) {
                // SAFETY: as above.
                assert_eq!(unsafe { object.read() }, number ^ round, "{}", B::NAME);
                assert!(seen.insert(object.addr().get()), "{} gave it twice", B::NAME);
            }
            // SAFETY: these are all, and they are not used again.
            unsafe { home.free_all(&objects) };
        }
    }

    #[test]
    fn all_keep_objects_apart() {
        keeps_objects_apart::<Bumpalo>();
        keeps_objects_apart::<BumpScope>();
        keeps_objects_apart::<Multitude>();
        keeps_objects_apart::<TypedArena<6>>();
        keeps_objects_apart::<FamilyRegion>();
        keeps_objects_apart::<OneByOne<Famalloc>>();
        keeps_objects_apart::<OneByOne<System>>();
    }
}
