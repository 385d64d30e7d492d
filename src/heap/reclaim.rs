//! Giving memory back.
//!
//! Freeing is cheap because it defers: slots wait in magazines, depots and mailboxes, empty blocks
//! keep their pages, empty extents stay warm. All of that is memory that was given up and not given
//! back. [`reclaim`] does as much of the deferred work as it takes to give back a goal of bytes,
//! the cheapest first; [`flush`] does all of it. The magazines of other threads are emptied too, where the
//! system can have all threads pass a barrier: but for the uppermost slot of each; and what
//! a thread has left behind that is gone is found.
//!
//! What nobody has asked back goes back by and by, when it has lain idle for a while: see
//! `thread::decay`.

use crate::space::Space;
use crate::table::{FamilyTable, SetTable};
use crate::thread::{self, exit, handshake};

/// Gives at least `goal` bytes of unused memory back to the system, or all there is. Returns how
/// many bytes went; where objects were freed between others since the last time, pages there that
/// went then may be counted again.
///
/// First go extents that are empty already, then what the calling thread and the lanes have put
/// off, family by family, then the free pages of extents in use, then the pages between live
/// objects, and last, of all this, what the free slots in the magazines of other threads held up:
/// of those that have not asked their lanes for any for a hundredth of a second, as others need them again at once,
/// and would wait for them (what a thread did before is known from the last time that somebody looked).
/// Without a goal (`usize::MAX`) all magazines are emptied first, and huge pages are broken up for the free
/// pages in them. No lock is held for more than a few calls to the system at a time.
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
    thread::attend();
    for space in Space::all_in_use() {
        // The cheapest first: these extents are in nobody's use, and no lane is locked for them.
        if gone < goal {
            gone += space.purge(goal - gone);
        }
    }
    if gone >= goal {
        return gone;
    }
    exit::close_all_of_dead();
    // Before the lanes are settled, as their blocks come free by what is put into them.
    exit::unload_rows();
    if goal == usize::MAX {
        // Of all families before any is settled: a flush spares nobody, so that one settling of each
        // will do.
        families().for_each(handshake::unload_all);
        return gone + settle_and_give_back(goal);
    }
    gone += settle_and_give_back(goal - gone);
    if gone < goal {
        families().for_each(handshake::unload_idle);
        gone += settle_and_give_back(goal - gone);
    }
    gone
}

fn families() -> impl Iterator<Item = &'static FamilyTable> {
    SetTable::all().flat_map(SetTable::all_used)
}

/// Does the deferred work of the lanes, family by family, and gives back what comes of it, until `goal`
/// bytes have gone; returns how many went.
fn settle_and_give_back(goal: usize) -> usize {
    let mut gone = 0;
    // Without a goal there is no end to it: what is left of that would be one.
    let left = |gone: usize| if goal == usize::MAX { goal } else { goal.saturating_sub(gone) };
    for family in families() {
        family.settle();
        let space = family.holding.space;
        // In the order of what it costs the program to have it again: whole extents, granules, and then
        // pages between objects.
        gone += space.purge(left(gone));
        gone += family.holding.decommit_free(left(gone));
        gone += family.trim(left(gone));
        if left(gone) == 0 {
            break;
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
