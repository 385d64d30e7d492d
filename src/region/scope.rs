//! Scopes within a region, and checkpoints.

use core::marker::PhantomData;

use crate::arena;
use crate::family::Family;

use super::{Kind, Region};

/// A state of a region to go back to; see [`Region::checkpoint`].
#[derive(Debug)]
#[must_use = "nothing is given up before the region is rewound"]
pub struct Checkpoint<F: Family, K: Kind> {
    state: arena::checkpoint::Checkpoint,
    region: PhantomData<fn() -> Region<F, K>>,
}

impl<F: Family, K: Kind> Region<F, K> {
    /// Calls `work` with a region within this one, which ends when `work` returns or panics.
    ///
    /// The inner region has chunks of its own, so both can be used at will meanwhile. What it has counts
    /// against the limit of this one. Its first chunk is one that an earlier scope left behind, if there
    /// is one, so a scope costs a few dozen instructions. Scopes may be nested.
    ///
    /// # Panics
    ///
    /// If `work` does, or a destructor of the inner region; what was in that is gone then.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Unit }
    /// let unit = Region::<lives::Unit>::new();
    /// let longest = unit.scope(|scratch| {
    ///     let words = scratch.alloc_slice_from_iter("let there be arenas".split(' '));
    ///     words.sort_by_key(|word| word.len());
    ///     unit.alloc_str(words.last().unwrap())
    /// });
    /// assert_eq!(longest, "arenas");
    /// assert_eq!(unit.usage().live_bytes, 8);
    /// ```
    ///
    /// Nothing of the inner region gets out:
    ///
    /// ```compile_fail
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Unit }
    /// let unit = Region::<lives::Unit>::new();
    /// let seven = unit.scope(|scratch| scratch.alloc(7));
    /// ```
    pub fn scope<R>(&self, work: impl FnOnce(&Self) -> R) -> R {
        // SAFETY: it is only lent to `work`, and ends with this call, during which this region is
        // borrowed.
        let inner = Self::with_arena(unsafe { self.arena.nested() });
        work(&inner)
    }

    /// The present state, to go back to by [`rewind`](Self::rewind). A few instructions.
    ///
    /// Checkpoints may be nested; each is rewound to, or forgotten, before those made before it. Objects
    /// that are older than the checkpoint can be freed meanwhile, but their memory is used again only
    /// after the region is swept or reset.
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

    /// Gives up everything that was allocated since the checkpoint. O(chunks since then); the largest of
    /// them is kept for what comes next. If the region [runs destructors](Kind), those of what was
    /// allocated since run first.
    ///
    /// # Panics
    ///
    /// If a destructor does; all others have run then, and everything has been given up.
    ///
    /// # Safety
    ///
    /// - The checkpoint was made by this region, which has since neither been reset or swept nor gone back
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
