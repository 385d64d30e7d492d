//! What comes into being: places of spaces are listed, sets are listed, families become known, under
//! one lock and counted, so that a fork can find everything there is to lock and be sure that nothing
//! is added.
//!
//! The lock is the innermost of all: nobody waits for another while he has it.

use core::ptr;

#[cfg(feature = "std")]
use crate::sync::AtomicUsize;
use crate::sync::{AtomicBool, AtomicPtr, Lock, Ordering};

use super::SpaceCell;
#[cfg(feature = "std")]
use super::{SYSTEM_SPACE, Space};

/// Held while something comes into being.
static BIRTH: Lock<()> = Lock::new(());

/// How many things have come into being. Written under the lock.
#[cfg(feature = "std")]
static BIRTHS: AtomicUsize = AtomicUsize::new(0);

/// All places of spaces that were ever used, newest first.
static CELLS: AtomicPtr<SpaceCell> = AtomicPtr::new(ptr::null_mut());

/// A place in the list of places.
#[derive(Debug)]
pub(super) struct Listing {
    listed: AtomicBool,
    next: AtomicPtr<SpaceCell>,
    /// Whether the thread that forks holds the locks here.
    #[cfg(feature = "std")]
    held: AtomicBool,
}

impl Listing {
    pub(super) const fn new() -> Self {
        Self {
            listed: AtomicBool::new(false),
            next: AtomicPtr::new(ptr::null_mut()),
            #[cfg(feature = "std")]
            held: AtomicBool::new(false),
        }
    }
}

/// Has `publish` make something known to other threads; nothing else comes into being meanwhile.
pub(crate) fn give_birth<T>(publish: impl FnOnce() -> T) -> T {
    let _birth = BIRTH.lock();
    let published = publish();
    // Not sooner: who has read the new count has to find what was published.
    #[cfg(feature = "std")]
    BIRTHS.store(BIRTHS.load(Ordering::Relaxed) + 1, Ordering::Release);
    published
}

impl SpaceCell {
    /// Adds this to the list of all.
    pub(super) fn list(&'static self) {
        if self.listing.listed.load(Ordering::Acquire) {
            return;
        }
        give_birth(|| {
            if self.listing.listed.load(Ordering::Relaxed) {
                return;
            }
            #[cfg(feature = "std")]
            if crate::sync::is_forking() {
                self.hold();
            }
            self.listing.next.store(CELLS.load(Ordering::Relaxed), Ordering::Relaxed);
            CELLS.store(ptr::from_ref(self).cast_mut(), Ordering::Release);
            self.listing.listed.store(true, Ordering::Release);
        });
    }
}

/// How many things have come into being so far.
#[cfg(feature = "std")]
pub(crate) fn count() -> usize {
    BIRTHS.load(Ordering::Acquire)
}

/// Lets nothing more come into being.
#[cfg(feature = "std")]
pub(crate) fn hold() {
    BIRTH.hold();
}

/// Lets things come into being again.
///
/// # Safety
///
/// As for [`Lock::let_go`].
#[cfg(feature = "std")]
pub(crate) unsafe fn let_go() {
    // SAFETY: passed on.
    unsafe { BIRTH.let_go() };
}

#[cfg(feature = "std")]
impl SpaceCell {
    /// All places, in the order in which a fork takes their locks: the system's last, since a page
    /// source of the program's own may allocate in families that have their pages from there.
    pub(crate) fn in_lock_order() -> impl Iterator<Item = &'static Self> {
        let mut next = CELLS.load(Ordering::Acquire);
        let all = core::iter::from_fn(move || {
            // SAFETY: only statics are listed.
            let cell = unsafe { next.as_ref() }?;
            next = cell.listing.next.load(Ordering::Relaxed);
            Some(cell)
        });
        let others = all.filter(|cell| !ptr::eq(*cell, &raw const SYSTEM_SPACE));
        others.chain(core::iter::once(&SYSTEM_SPACE))
    }

    /// Keeps the place as it is, reserved or not.
    pub(crate) fn hold(&self) {
        self.reserving.hold();
        self.listing.held.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_held(&self) -> bool {
        self.listing.held.load(Ordering::Relaxed)
    }

    /// The space, if it has been reserved. It stays so while the place is held.
    pub(crate) fn reserved(&self) -> Option<&'static Space> {
        self.space.get()
    }

    /// Ends what [`Self::hold`] began.
    ///
    /// # Safety
    ///
    /// As for [`Lock::let_go`].
    pub(crate) unsafe fn let_go(&self) {
        self.listing.held.store(false, Ordering::Relaxed);
        // SAFETY: passed on.
        unsafe { self.reserving.let_go() };
    }
}

#[cfg(feature = "std")]
impl Space {
    /// Takes the locks of the space itself, inside those of all its families.
    pub(crate) fn hold(&self) {
        self.tables.hold();
        self.extents.hold();
    }

    /// Takes the locks of a space that nobody knows yet, if the calling thread forks and so has all
    /// others.
    pub(super) fn hold_newborn(&self) {
        if crate::sync::is_forking() {
            self.hold();
        }
    }

    /// Ends what [`Self::hold`] began.
    ///
    /// # Safety
    ///
    /// As for [`Lock::let_go`].
    pub(crate) unsafe fn let_go(&self) {
        // SAFETY: passed on.
        unsafe { self.extents.let_go() };
        // SAFETY: passed on.
        unsafe { self.tables.let_go() };
    }
}
