//! Returning memory to the system.
//!
//! Freeing is cheap because it defers work: free slots wait in magazines, depots and mailboxes, empty
//! blocks keep their pages, and empty extents are retained. [`reclaim`] does as much of the deferred work
//! as it needs to return a goal of bytes, the cheapest first; [`flush`] does all of it. Where the system
//! can make all threads pass a barrier, the magazines of other threads are emptied too, except for the
//! topmost slot of each. The magazines of threads that have ended are emptied as well.
//!
//! Memory that is idle for a while is returned step by step: see `thread::decay`.

use crate::space::Space;
use crate::table::{FamilyTable, SetTable};
use crate::thread::{self, exit, handshake};

/// Returns at least `goal` bytes of unused memory to the system, or all there is. Returns the number of
/// bytes. Pages between live objects that were purged before may be counted again if objects were freed
/// around them since.
///
/// It purges empty extents first. Then it does the deferred work of the calling thread and the lanes,
/// family by family, and purges the free pages of extents in use, then the pages between live objects.
/// Last it takes the free slots in the magazines of other threads, and purges what they held up. With a
/// goal it skips threads that have refilled from their lanes within the last hundredth of a second, since
/// they would need the slots again at once, and would wait for them (their activity is known from the last
/// visit to them). Without a goal (`usize::MAX`) it empties all magazines first, and breaks up huge pages
/// for the free pages in them. No lock is held for more than a few system calls at a time.
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
    // Before the lanes are drained, as their blocks come free by what is put into them.
    exit::unload_caches();
    if goal == usize::MAX {
        // Of all families before any is drained: a flush spares nobody, so that one draining of each
        // will do.
        families().for_each(handshake::unload_all);
        return gone + drain_and_give_back(goal);
    }
    gone += drain_and_give_back(goal - gone);
    if gone < goal {
        families().for_each(handshake::unload_idle);
        gone += drain_and_give_back(goal - gone);
    }
    gone
}

fn families() -> impl Iterator<Item = &'static FamilyTable> {
    SetTable::all().flat_map(SetTable::all_used)
}

/// Does the deferred work of the lanes, family by family, and gives back what comes of it, until `goal`
/// bytes have gone; returns how many went.
fn drain_and_give_back(goal: usize) -> usize {
    let mut gone = 0;
    // Without a goal there is no end to it: what is left of that would be one.
    let left = |gone: usize| if goal == usize::MAX { goal } else { goal.saturating_sub(gone) };
    for family in families() {
        family.drain();
        let space = family.heap.space;
        // In the order of what it costs the program to have it again: whole extents, granules, and then
        // pages between objects.
        gone += space.purge(left(gone));
        gone += family.heap.decommit_free(left(gone));
        gone += family.trim(left(gone));
        if left(gone) == 0 {
            break;
        }
    }
    gone
}

/// Returns all unused memory to the system: [`reclaim`] without a goal. Returns the number of bytes.
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
