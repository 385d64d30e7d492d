//! Giving memory back.
//!
//! Freeing is cheap because it defers: slots wait in magazines, depots and mailboxes, empty blocks
//! keep their pages, empty extents stay warm. All of that is memory that was given up and not given
//! back. [`reclaim`] does as much of the deferred work as it takes to give back a goal of bytes,
//! the cheapest first; [`flush`] does all of it. Neither can touch the magazines of other threads,
//! which hold at most two magazines for each cell that the thread uses and are emptied when it ends; what
//! a thread has left behind all the same is found by both.

use crate::space::Space;
use crate::table::SetTable;
use crate::thread::exit;

/// Gives at least `goal` bytes of unused memory back to the system, or all there is. Returns how
/// many bytes went; where objects were freed between others since the last time, pages there that
/// went then may be counted again.
///
/// First go extents that are empty already, then what the calling thread and the lanes have put
/// off, family by family, then the free pages of extents in use, and last the pages between live
/// objects. No lock is held for more than a few calls to the system at a time.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, reclaim, FamilyBox, Snapshot};
///
/// #[alloc_family]
/// enum Lives {
///     Phase,
/// }
///
/// #[alloc_family(Lives::Phase)]
/// struct Token([u8; 24]);
///
/// let tokens: Vec<_> = (0..100_000).map(|_| FamilyBox::new(Token([0; 24]))).collect();
/// drop(tokens);
/// assert!(reclaim(usize::MAX) > 2_000_000);
/// assert_eq!(Snapshot::of::<Lives>().families[0].blocks, 0);
/// ```
pub fn reclaim(goal: usize) -> usize {
    let mut gone = 0;
    for space in Space::all() {
        if gone < goal {
            gone += space.purge(goal - gone);
        }
    }
    if gone >= goal {
        return gone;
    }
    exit::close_all_of_dead();
    exit::unload_rows();
    for family in SetTable::all().flat_map(SetTable::all_used) {
        family.settle();
        let space = family.holding.space;
        gone += space.purge(goal - gone);
        if gone < goal {
            gone += family.holding.decommit_free(goal - gone);
        }
        if gone < goal {
            gone += family.trim(goal - gone);
        }
        if gone >= goal {
            return gone;
        }
    }
    gone
}

/// Gives all unused memory back to the system: [`reclaim`] without an end. Returns how many bytes
/// went.
///
/// # Examples
///
/// ```
/// famalloc::flush();
/// assert_eq!(famalloc::flush(), 0);
/// ```
pub fn flush() -> usize {
    reclaim(usize::MAX)
}
