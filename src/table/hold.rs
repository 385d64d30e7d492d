//! Holding every lock there is, for a fork.
//!
//! The order in which locks nest, outermost first, is the order in which they are taken here:
//!
//! 1. for each place of a space (the newest first, the system's last): the lock of reserving it;
//! 2. for each family over that space: growth, rows, the lanes of each class in their order, the
//!    holding;
//! 3. the space's tables, then its extents;
//! 4. last of all the lock under which things come into being.
//!
//! Nobody holds locks of two families of one space at once. A page source of the program's own may
//! allocate in other families, under locks of its space: those of the system's come after, so that
//! is fine. Two sources of the program's own must not both do that with each other's families, which
//! could wait for each other without a fork as well; and where one does, its space is to be used
//! first after the other's.
//!
//! What comes into being while locks are taken is noticed by the count of births; then all are let
//! go and it starts again. From then on nothing can: neither a set nor a family becomes known, nor is
//! a space reserved or a lane added, but by the thread that has all the locks. What that makes is
//! held from the start.

use core::ptr;

use crate::class;
use crate::space::{SpaceCell, births};
use crate::sync::{Ordering, is_forking};

use super::{FamilyTable, SetTable};

/// Takes all locks.
pub(crate) fn hold_all() {
    loop {
        let count = births::count();
        for cell in SpaceCell::in_lock_order() {
            cell.hold();
            families_over(cell).for_each(FamilyTable::hold);
            if let Some(space) = cell.reserved() {
                space.hold();
            }
        }
        births::hold();
        if births::count() == count {
            return;
        }
        // SAFETY: taken above.
        unsafe { let_all_go() };
    }
}

/// Lets all locks go.
///
/// # Safety
///
/// The calling thread holds them by [`hold_all`], or is the child of the thread that does, and has no
/// guard of any.
pub(crate) unsafe fn let_all_go() {
    // SAFETY: passed on.
    unsafe { let_held_go() };
    // SAFETY: passed on.
    unsafe { births::let_go() };
}

/// Lets the locks go that are marked as held.
///
/// # Safety
///
/// As for [`let_all_go`], for these.
unsafe fn let_held_go() {
    for cell in SpaceCell::in_lock_order().filter(|cell| cell.is_held()) {
        if let Some(space) = cell.reserved() {
            // SAFETY: passed on: held when the place is.
            unsafe { space.let_go() };
        }
        for family in families_over(cell) {
            if family.held.load(Ordering::Relaxed) {
                // SAFETY: passed on.
                unsafe { family.let_go() };
            }
        }
        // SAFETY: passed on.
        unsafe { cell.let_go() };
    }
}

/// The families whose memory is from there.
fn families_over(cell: &'static SpaceCell) -> impl Iterator<Item = &'static FamilyTable> {
    SetTable::all().filter(move |set| ptr::eq(set.space, cell)).flat_map(SetTable::all_used)
}

impl FamilyTable {
    fn hold(&self) {
        self.growth.hold();
        self.rows.hold();
        for class in 0..class::COUNT {
            self.lanes(class).for_each(|lane| lane.hold());
        }
        self.holding.hold();
        self.held.store(true, Ordering::Relaxed);
    }

    /// Takes the locks of a family that nobody knows yet, if the calling thread forks and so has all
    /// others.
    pub(super) fn hold_newborn(&self) {
        if is_forking() {
            self.hold();
        }
    }

    /// # Safety
    ///
    /// As for [`let_all_go`], for this family.
    unsafe fn let_go(&self) {
        self.held.store(false, Ordering::Relaxed);
        // SAFETY: passed on.
        unsafe { self.holding.let_go() };
        for lane in (0..class::COUNT).flat_map(|class| self.lanes(class)) {
            // SAFETY: passed on; no lane is added before the growth lock is let go.
            unsafe { lane.let_go() };
        }
        // SAFETY: passed on.
        unsafe { self.rows.let_go() };
        // SAFETY: passed on.
        unsafe { self.growth.let_go() };
    }
}
