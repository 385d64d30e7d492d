//! Holding every lock there is, for a fork.
//!
//! The order in which locks nest, outermost first, is the order in which they are taken here:
//!
//! 1. for each place of a space (the newest first, the system's last): the lock of reserving it;
//! 2. for each family over that space: growth, caches, the lanes of each class in their order, the
//!    family heap;
//! 3. the space's tables, then its extents;
//! 4. last of all the lock under which things come into being.
//!
//! Nobody holds locks of two families of one space at once. A page source of the program's own may
//! allocate in other families, under locks of its space: those of the system's come after, so that
//! is fine. Two sources of the program's own must not both do that with each other's families, which
//! could wait for each other without a fork as well; and where one does, its space is to be used
//! first after the other's.
//!
//! What comes into being while locks are taken is noticed by the count of registrations; then all are let
//! go and it starts again. Once all are held, nothing more comes into being: no set and no family becomes
//! known, no space is reserved, no lane is added. The exceptions are threads that pass the locks
//! ([`guests`]): what they make is held from the start. Locks that are held for the fork are marked as such,
//! and these are let go.

use core::ptr;

use crate::space::{SpaceCell, registry};
use crate::sync::{Patience, guests};

use super::{FamilyTable, SetTable};

/// Takes all locks; returns whether it could before its patience was over, and has none otherwise.
pub(crate) fn lock_all_for_fork(patience: &mut Patience) -> bool {
    loop {
        // Before anything is gone through: what becomes known from here on may be missed, and then the
        // count differs.
        let count = registry::count();
        let held = SpaceCell::in_lock_order().all(|cell| {
            cell.lock().lock_for_fork(patience)
                && families_over(cell).all(|family| family.lock_for_fork(patience))
                && cell.reserved().is_none_or(|space| space.lock_for_fork(patience))
        });
        // The innermost, so the last. With it nothing more becomes known.
        let held = held && registry::lock_for_fork(patience);
        if held && registry::count() == count {
            return true;
        }
        // SAFETY: taken above.
        unsafe { unlock_all() };
        if !held {
            return false;
        }
    }
}

/// Lets all locks go that are held for the fork.
///
/// # Safety
///
/// The calling thread has called [`lock_all_for_fork`], or is the child of the thread that did, and nobody has a guard
/// of any.
pub(crate) unsafe fn unlock_all() {
    for cell in SpaceCell::in_lock_order() {
        if let Some(space) = cell.reserved() {
            // SAFETY: passed on.
            unsafe { space.unlock() };
        }
        for family in families_over(cell) {
            // SAFETY: passed on.
            unsafe { family.unlock() };
        }
        // SAFETY: passed on.
        unsafe { cell.lock().unlock() };
    }
    // SAFETY: passed on.
    unsafe { registry::unlock() };
}

/// Whether anybody holds a lock.
pub(crate) fn is_any_held() -> bool {
    registry::lock().is_held()
        || SpaceCell::in_lock_order().any(|cell| {
            cell.lock().is_held()
                || cell.reserved().is_some_and(|space| space.is_held())
                || families_over(cell).any(FamilyTable::is_held)
        })
}

/// Whether the calling thread holds a lock: it has interrupted itself.
pub(crate) fn is_any_mine() -> bool {
    guests::is_passing()
        || registry::lock().is_mine()
        || SpaceCell::in_lock_order().any(|cell| {
            cell.lock().is_mine()
                || cell.reserved().is_some_and(|space| space.is_mine())
                || families_over(cell).any(FamilyTable::is_mine)
        })
}

/// Forgets all families, and gives all spaces up: everything comes into being anew, at its next use.
///
/// # Safety
///
/// In the child of a fork, of which this is the only thread; it has no caches.
pub(crate) unsafe fn start_over() {
    for set in SetTable::all() {
        // What is freed by its address alone then takes the slow path, which asks whether that was
        // given up.
        set.lookup.forget();
        set.families.iter().for_each(|cell| cell.family.forget());
    }
    // SAFETY: passed on.
    unsafe { registry::start_over() };
}

/// The families whose memory is from there.
fn families_over(cell: &'static SpaceCell) -> impl Iterator<Item = &'static FamilyTable> {
    SetTable::all().filter(move |set| ptr::eq(set.space, cell)).flat_map(SetTable::all_used)
}

impl FamilyTable {
    fn lock_for_fork(&self, patience: &mut Patience) -> bool {
        self.growth.lock_for_fork(patience)
            && self.caches.lock_for_fork(patience)
            && self.all_lanes().all(|lane| lane.lock_for_fork(patience))
            && self.heap.lock_for_fork(patience)
    }

    /// Takes the locks of a family that nobody knows yet, if those of all others are held for a fork.
    pub(super) fn lock_newborn(&self) {
        self.growth.lock_newborn();
        self.caches.lock_newborn();
        self.heap.lock_newborn();
    }

    fn is_held(&self) -> bool {
        self.growth.is_held()
            || self.caches.is_held()
            || self.heap.is_held()
            || self.all_lanes().any(|lane| lane.is_held())
    }

    fn is_mine(&self) -> bool {
        self.growth.is_mine()
            || self.caches.is_mine()
            || self.heap.is_mine()
            || self.all_lanes().any(|lane| lane.is_mine())
    }

    /// # Safety
    ///
    /// As for [`unlock_all`].
    unsafe fn unlock(&self) {
        // SAFETY: passed on.
        unsafe { self.heap.unlock() };
        for lane in self.all_lanes() {
            // SAFETY: passed on.
            unsafe { lane.unlock() };
        }
        // SAFETY: passed on.
        unsafe { self.caches.unlock() };
        // SAFETY: passed on.
        unsafe { self.growth.unlock() };
    }
}
