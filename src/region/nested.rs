//! Regions within a region, and checkpoints.

use core::marker::PhantomData;

use crate::arena;
use crate::family_key::FamilyKey;

use super::{Kind, Region};

/// A state of a region; see [`Region::checkpoint`].
#[derive(Debug)]
#[must_use = "a checkpoint has no effect unless the region is rewound to it"]
pub struct Checkpoint<F: FamilyKey, K: Kind> {
    state: arena::checkpoint::Checkpoint,
    region: PhantomData<fn() -> Region<F, K>>,
}

impl<F: FamilyKey, K: Kind> Region<F, K> {
    /// Calls `work` with an inner region, which ends when `work` returns or panics.
    ///
    /// The inner region has chunks of its own, so both regions can be used meanwhile. It counts against
    /// the limit of the outer one. Its first chunk is one that an earlier one left, if any, so it
    /// costs a few dozen instructions. Nested regions may be nested again.
    ///
    /// # Panics
    ///
    /// If `work` panics, or a destructor of the inner region; the inner region is then gone.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Unit }
    /// let unit = Region::<lives::Unit>::new();
    /// let longest = unit.nested(|scratch| {
    ///     let words = scratch.alloc_slice_fill_iter("let there be arenas".split(' '));
    ///     words.sort_by_key(|word| word.len());
    ///     unit.alloc_str(words.last().unwrap())
    /// });
    /// assert_eq!(longest, "arenas");
    /// assert_eq!(unit.usage().live_bytes, 8);
    /// ```
    ///
    /// No reference into the inner region can escape:
    ///
    /// ```compile_fail
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Unit }
    /// let unit = Region::<lives::Unit>::new();
    /// let seven = unit.nested(|scratch| scratch.alloc(7));
    /// ```
    pub fn nested<R>(&self, work: impl FnOnce(&Self) -> R) -> R {
        // SAFETY: it is only lent to `work`, and ends with this call, during which this region is
        // borrowed.
        let inner = Self::with_arena(unsafe { self.arena.nested() }, self.family);
        work(&inner)
    }

    /// The present state, for [`rewind`](Self::rewind). Takes a few instructions.
    ///
    /// Checkpoints may be nested: rewind to each, or forget it, before those made before it. Objects older
    /// than the checkpoint can be freed meanwhile, but their memory is reused only after the region is
    /// swept or reset.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Unit }
    /// let unit = Region::<lives::Unit>::new();
    /// let kept = unit.alloc(1);
    /// let checkpoint = unit.checkpoint();
    /// for number in 0..1000 {
    ///     unit.alloc(number);
    /// }
    /// // SAFETY: the numbers are not used again.
    /// unsafe { unit.rewind(checkpoint) };
    /// assert_eq!((*kept, unit.usage().live_bytes), (1, 8));
    /// ```
    pub fn checkpoint(&self) -> Checkpoint<F, K> {
        Checkpoint { state: self.arena.checkpoint(), region: PhantomData }
    }

    /// Frees everything that was allocated since the checkpoint. O(chunks since then); the largest of them
    /// is kept for later use. If the region [runs destructors](Kind), those of the freed objects run
    /// first.
    ///
    /// # Panics
    ///
    /// If a destructor panics. All others have then run, and everything has been freed.
    ///
    /// # Safety
    ///
    /// - The checkpoint was made by this region, which has since neither been reset or swept nor rewound
    ///   to an earlier one;
    /// - nothing that was allocated since is used again.
    ///
    /// # Examples
    ///
    /// See [`checkpoint`](Self::checkpoint).
    pub unsafe fn rewind(&self, checkpoint: Checkpoint<F, K>) {
        /// Rewinds also when a destructor panics.
        struct Rewind<'a>(&'a arena::Arena, arena::checkpoint::Checkpoint);
        impl Drop for Rewind<'_> {
            fn drop(&mut self) {
                // SAFETY: promised to whoever made this.
                unsafe { self.0.rewind(&self.1) };
            }
        }
        // Its destructor needs what the caller of `rewind` has promised.
        let rewind = Rewind(&self.arena, checkpoint.state);
        if K::DROPS {
            rewind.0.run_destructors_since(&rewind.1);
        }
    }
}
