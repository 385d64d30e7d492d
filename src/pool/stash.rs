//! The addresses of idle objects: a stack whose oldest end can be taken from as well.
//!
//! They are kept in arrays of their own, in slots of the pool's family, and never in the objects,
//! which stay as they are. The arrays are chained, so that one more address costs at most one more
//! array, however many there are, and no copying.
//!
//! ```text
//!   bottom                                        top
//!   +--------------+      +--------------+      +--------------+
//!   | . . . 3 4 .. | <--> | .. 28 ..     | <--> | 57 58 . . .  |        spare: an empty one,
//!   +--------------+      +--------------+      +--------------+        kept for the next push
//!         ^ first: the oldest                        ^ end: the newest is before it
//! ```
//!
//! - **S1.** Every array in the chain, and the spare one, was allocated in the family for a `Chunk`,
//!   is initialised, and is reached by this stash alone.
//! - **S2.** In each of them `first < end <= ENTRIES`, and the entries from `first` to `end` are
//!   written. (The spare one is not in the chain, and has none.)
//! - **S3.** `top` and `bottom` are the ends of the chain, or both are none, and `len` is the number
//!   of entries in it.

use core::mem::MaybeUninit;
use core::ptr::NonNull;

use crate::error::AllocError;
use crate::family_key::FamilyKey;
use crate::heap::alloc::{alloc_value, free_value};

/// With this many addresses an array fills a slot of 256 bytes.
const ENTRIES: usize = 28;

struct Chunk {
    /// The next one towards the oldest.
    below: Option<NonNull<Chunk>>,
    /// The next one towards the newest.
    above: Option<NonNull<Chunk>>,
    first: usize,
    end: usize,
    entries: [MaybeUninit<NonNull<u8>>; ENTRIES],
}

/// See the [file](self).
pub(super) struct Stash<F: FamilyKey> {
    top: Option<NonNull<Chunk>>,
    bottom: Option<NonNull<Chunk>>,
    spare: Option<NonNull<Chunk>>,
    len: usize,
    family: F,
}

// SAFETY: the stash owns its arrays, and any thread may free slots (I4); of the objects it knows
// nothing but addresses.
unsafe impl<F: FamilyKey> Send for Stash<F> {}

impl<F: FamilyKey> Stash<F> {
    pub(super) const fn new(family: F) -> Self {
        Self { top: None, bottom: None, spare: None, len: 0, family }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Puts an address on top.
    ///
    /// # Errors
    ///
    /// When an array is needed and there is no memory for it; nothing is changed.
    pub(super) fn push(&mut self, object: NonNull<u8>) -> Result<(), AllocError> {
        let top = match self.top {
            // SAFETY: S1.
            Some(top) if unsafe { top.as_ref() }.end < ENTRIES => top,
            _ => self.grow()?,
        };
        // SAFETY: S1, and no other reference to an array exists.
        let top = unsafe { &mut *top.as_ptr() };
        top.entries[top.end].write(object);
        top.end += 1;
        self.len += 1;
        Ok(())
    }

    /// Takes the address on top.
    pub(super) fn pop(&mut self) -> Option<NonNull<u8>> {
        let at = self.top?;
        // SAFETY: S1, and no other reference to an array exists.
        let top = unsafe { &mut *at.as_ptr() };
        top.end -= 1;
        // SAFETY: S2: the last entry before `end`.
        let object = unsafe { top.entries[top.end].assume_init() };
        self.len -= 1;
        if top.first == top.end {
            self.unlink_top(at, top.below);
        }
        Some(object)
    }

    /// Takes the address that has been here for longest.
    pub(super) fn pop_oldest(&mut self) -> Option<NonNull<u8>> {
        let at = self.bottom?;
        // SAFETY: S1, and no other reference to an array exists.
        let bottom = unsafe { &mut *at.as_ptr() };
        // SAFETY: S2: the first entry.
        let object = unsafe { bottom.entries[bottom.first].assume_init() };
        bottom.first += 1;
        self.len -= 1;
        if bottom.first == bottom.end {
            self.unlink_bottom(at, bottom.above);
        }
        Some(object)
    }

    /// Frees the array that is kept for the next push.
    pub(super) fn free_spare(&mut self) {
        if let Some(spare) = self.spare.take() {
            // SAFETY: S1, and it is in no chain.
            unsafe { free_value(self.family, spare) };
        }
    }

    /// Puts an empty array on top, for one entry to be written at once.
    #[cold]
    fn grow(&mut self) -> Result<NonNull<Chunk>, AllocError> {
        let new = match self.spare.take() {
            Some(spare) => spare,
            None => alloc_value(self.family)?,
        };
        let entries = [MaybeUninit::uninit(); ENTRIES];
        let chunk = Chunk { below: self.top, above: None, first: 0, end: 0, entries };
        // SAFETY: a slot for a chunk, in no chain.
        unsafe { new.write(chunk) };
        match self.top {
            // SAFETY: S1, and no other reference to an array exists.
            Some(top) => unsafe { &mut *top.as_ptr() }.above = Some(new),
            None => self.bottom = Some(new),
        }
        self.top = Some(new);
        Ok(new)
    }

    fn unlink_top(&mut self, empty: NonNull<Chunk>, below: Option<NonNull<Chunk>>) {
        self.top = below;
        match below {
            // SAFETY: S1, and no other reference to an array is used after this.
            Some(below) => unsafe { &mut *below.as_ptr() }.above = None,
            None => self.bottom = None,
        }
        self.retire(empty);
    }

    fn unlink_bottom(&mut self, empty: NonNull<Chunk>, above: Option<NonNull<Chunk>>) {
        self.bottom = above;
        match above {
            // SAFETY: S1, and no other reference to an array is used after this.
            Some(above) => unsafe { &mut *above.as_ptr() }.below = None,
            None => self.top = None,
        }
        self.retire(empty);
    }

    /// Keeps an array that has left the chain for the next push: a pool whose number of idle objects
    /// goes up and down by one allocates nothing.
    fn retire(&mut self, empty: NonNull<Chunk>) {
        self.free_spare();
        self.spare = Some(empty);
    }
}

impl<F: FamilyKey> Drop for Stash<F> {
    /// Frees the arrays. The objects are the pool's to destroy, and it has done so.
    fn drop(&mut self) {
        while self.pop().is_some() {}
        self.free_spare();
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::heap::snapshot::Snapshot;
    use famalloc_macros::alloc_family;

    #[alloc_family]
    enum Lives {
        Stashed,
    }

    fn arrays() -> usize {
        Snapshot::of::<Lives>().family("Stashed").unwrap().live_objects
    }

    fn address(number: usize) -> NonNull<u8> {
        NonNull::new(core::ptr::without_provenance_mut(number + 1)).unwrap()
    }

    #[test]
    fn it_behaves_like_a_deque_and_keeps_one_array_more_than_it_needs() {
        assert_eq!(size_of::<Chunk>(), 256);
        let mut stash = Stash::new(lives::Stashed);
        let mut oracle = VecDeque::new();
        let mut random = 1_u64;
        for number in 0..if cfg!(miri) { 1_000 } else { 200_000 } {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Whether it tends to grow or to shrink changes now and then.
            let growing = (number / 1000) % 2 == 0;
            match (random >> 33) % 8 {
                0..3 => {
                    stash.push(address(number)).unwrap();
                    oracle.push_back(address(number));
                }
                3..5 if growing => {
                    stash.push(address(number)).unwrap();
                    oracle.push_back(address(number));
                }
                3..6 => assert_eq!(stash.pop(), oracle.pop_back()),
                _ => assert_eq!(stash.pop_oldest(), oracle.pop_front()),
            }
            assert_eq!(stash.len(), oracle.len());
            if number % 100 == 0 {
                assert!(arrays() <= oracle.len() / ENTRIES + 3, "{} arrays", arrays());
            }
        }
        assert!(oracle.len() > 100);
        while !oracle.is_empty() {
            assert_eq!(stash.pop_oldest(), oracle.pop_front());
        }
        assert_eq!((stash.pop(), stash.pop_oldest(), arrays()), (None, None, 1));
        stash.push(address(0)).unwrap();
        stash.free_spare();
        assert_eq!(stash.pop(), Some(address(0)));
        stash.free_spare();
        assert_eq!(arrays(), 0);
        (0..100).for_each(|number| stash.push(address(number)).unwrap());
        drop(stash);
        assert_eq!(arrays(), 0);
    }
}
