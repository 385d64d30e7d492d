//! What comes into being: places of spaces are listed, sets are listed, families become known, under
//! one lock and counted, so that a fork can find everything there is to lock and be sure that nothing
//! is added.
//!
//! The lock is the innermost of all: no thread waits for another lock while it holds this one.
//!
//! A child that has to start over (`thread::fork` says when) gives all spaces up: their places are empty,
//! as if nobody had used them yet. What is in a space that was given up stays where it is; it can be told
//! by its address, and nothing there is changed any more.

use core::ptr;

use crate::sync::{AtomicBool, AtomicPtr, Lock, Ordering};
#[cfg(feature = "std")]
use crate::sync::{AtomicUsize, Patience};

#[cfg(feature = "std")]
use super::SYSTEM_SPACE;
use super::{Space, SpaceCell};

/// Held while something comes into being.
static BIRTH: Lock<()> = Lock::new(());

/// How many things have come into being. Written under the lock.
#[cfg(feature = "std")]
static REGISTRY: AtomicUsize = AtomicUsize::new(0);

/// All places of spaces that were ever used, newest first.
static CELLS: AtomicPtr<SpaceCell> = AtomicPtr::new(ptr::null_mut());

/// A place in the list of places.
#[derive(Debug)]
pub(super) struct Listing {
    listed: AtomicBool,
    next: AtomicPtr<SpaceCell>,
}

impl Listing {
    pub(super) const fn new() -> Self {
        Self { listed: AtomicBool::new(false), next: AtomicPtr::new(ptr::null_mut()) }
    }
}

/// Has `publish` make something known to other threads; nothing else comes into being meanwhile.
pub(crate) fn register<T>(publish: impl FnOnce() -> T) -> T {
    // A fork takes this lock last. While it holds it the count stands still, so it knows that it has
    // locked all there is to lock.
    let _birth = BIRTH.lock();
    let published = publish();
    // Not sooner: a thread that has read the new count has to find what was published.
    #[cfg(feature = "std")]
    REGISTRY.store(REGISTRY.load(Ordering::Relaxed) + 1, Ordering::Release);
    published
}

impl SpaceCell {
    /// Adds this to the list of all.
    pub(super) fn list(&'static self) {
        if self.listing.listed.load(Ordering::Acquire) {
            return;
        }
        register(|| {
            if self.listing.listed.load(Ordering::Relaxed) {
                return;
            }
            let first = CELLS.load(Ordering::Relaxed);
            // It is, where a fork has interrupted this.
            if !ptr::eq(first, self) {
                // The system's place is held by every fork, known or not.
                #[cfg(feature = "std")]
                self.reserving.lock_newborn();
                self.listing.next.store(first, Ordering::Relaxed);
                CELLS.store(ptr::from_ref(self).cast_mut(), Ordering::Release);
            }
            self.listing.listed.store(true, Ordering::Release);
        });
    }
}

/// How many things have come into being so far.
#[cfg(feature = "std")]
pub(crate) fn count() -> usize {
    REGISTRY.load(Ordering::Acquire)
}

/// Lets nothing more come into being; returns whether it could before its patience was over.
#[cfg(feature = "std")]
pub(crate) fn lock_for_fork(patience: &mut Patience) -> bool {
    BIRTH.lock_for_fork(patience)
}

/// Lets things come into being again.
///
/// # Safety
///
/// As for [`Lock::unlock`].
#[cfg(feature = "std")]
pub(crate) unsafe fn unlock() {
    // SAFETY: passed on.
    unsafe { BIRTH.unlock() };
}

/// The lock under which things come into being.
#[cfg(feature = "std")]
pub(crate) fn lock() -> &'static Lock<()> {
    &BIRTH
}

/// Whether this process has given spaces up.
#[cfg(feature = "std")]
static STARTED_OVER: AtomicBool = AtomicBool::new(false);

/// Whether there may be memory in spaces that were given up.
#[inline]
pub(crate) fn has_started_over() -> bool {
    #[cfg(feature = "std")]
    return STARTED_OVER.load(Ordering::Relaxed);
    #[cfg(not(feature = "std"))]
    false
}

/// Whether an address is in a space that was given up.
#[inline]
pub(crate) fn is_given_up(address: usize) -> bool {
    has_started_over() && given_up(address)
}

#[cold]
fn given_up(address: usize) -> bool {
    Space::all().any(|space| space.contains(address) && space.is_given_up())
}

impl Space {
    /// All spaces but those that were given up.
    pub(crate) fn all_in_use() -> impl Iterator<Item = &'static Self> {
        Self::all().filter(|space| !space.is_given_up())
    }

    /// Whether it was given up.
    #[inline]
    pub(crate) fn is_given_up(&self) -> bool {
        #[cfg(feature = "std")]
        return has_started_over() && SpaceCell::is_in_none(self);
        #[cfg(not(feature = "std"))]
        false
    }
}

/// Gives all spaces up.
///
/// # Safety
///
/// In the child of a fork, of which this is the only thread. Nobody reserves a space nor makes anything
/// known any more; where that was interrupted, what becomes of it is no matter.
#[cfg(feature = "std")]
pub(crate) unsafe fn start_over() {
    STARTED_OVER.store(true, Ordering::Relaxed);
    for cell in SpaceCell::in_lock_order() {
        // Only the place is emptied. The space itself stays in the list of all, so whoever frees an old
        // object finds by its address that it was given up.
        cell.space.forget();
        // SAFETY: passed on; it guards nothing but the place itself.
        unsafe { cell.reserving.reset() };
    }
    // SAFETY: passed on; what is known, is known whole: the lists are changed by one store.
    unsafe { BIRTH.reset() };
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

    #[cold]
    fn is_in_none(space: &Space) -> bool {
        !Self::in_lock_order().any(|cell| cell.reserved().is_some_and(|it| ptr::eq(it, space)))
    }

    /// The lock of reserving the space: the place stays as it is, reserved or not, while that is held.
    pub(crate) fn lock(&self) -> &Lock<()> {
        &self.reserving
    }

    /// The space, if it has been reserved.
    pub(crate) fn reserved(&self) -> Option<&'static Space> {
        self.space.get()
    }
}

#[cfg(feature = "std")]
impl Space {
    /// Takes the locks of the space itself, inside those of all its families; returns whether it could
    /// before its patience was over.
    pub(crate) fn lock_for_fork(&self, patience: &mut Patience) -> bool {
        self.tables.lock_for_fork(patience) && self.extents.lock_for_fork(patience)
    }

    /// Takes the locks of a space that nobody knows yet, if those of all others are held for a fork.
    pub(super) fn lock_newborn(&self) {
        self.tables.lock_newborn();
        self.extents.lock_newborn();
    }

    /// Ends what [`Self::lock_for_fork`] began.
    ///
    /// # Safety
    ///
    /// As for [`Lock::unlock`].
    pub(crate) unsafe fn unlock(&self) {
        // SAFETY: passed on.
        unsafe { self.extents.unlock() };
        // SAFETY: passed on.
        unsafe { self.tables.unlock() };
    }

    /// Whether somebody holds one of its locks.
    pub(crate) fn is_held(&self) -> bool {
        self.tables.is_held() || self.extents.is_held()
    }

    /// Whether the calling thread holds one of its locks.
    pub(crate) fn is_mine(&self) -> bool {
        self.tables.is_mine() || self.extents.is_mine()
    }
}
