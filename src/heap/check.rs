//! The integrity check.
//!
//! For every family of every set: the extents (free granules are free, others are not, the bytes
//! add up), every block (its bitmap, cursor and counts), every lane (its counts are the sums of its
//! blocks, exactly the blocks with room are listed), and every slot that is parked in a lane or in
//! the calling thread's magazines (it is a slot of that cell, it is not free in its block, it is in
//! one place only: I2).
//!
//! Magazines of other threads are not checked: only their own thread may access them (I3). Lanes are
//! checked under their locks, so the check can run at any time.

use core::fmt;
use core::ptr::NonNull;

use crate::class;
use crate::lane::Lane;
use crate::space::{Space, registry};
use crate::table::{FamilyTable, SetTable};
use crate::thread::{self, exit};

/// What [`check`] found to be damaged, and where.
///
/// # Examples
///
/// ```
/// if let Err(corruption) = famalloc::check() {
///     panic!("the heap is damaged: {corruption}");
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CorruptionError {
    /// The family set; empty if the damage is in the reservation itself.
    pub set: &'static str,
    /// The family; empty if the damage is in the reservation itself.
    pub family: &'static str,
    /// The address of the slot, block or extent, or 0 if a count is wrong.
    pub address: usize,
    /// What is wrong.
    pub what: &'static str,
}

impl fmt::Display for CorruptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.set.is_empty() {
            write!(f, "family {}::{}: ", self.set, self.family)?;
        }
        f.write_str(self.what)?;
        if self.address != 0 {
            write!(f, " at {:#x}", self.address)?;
        }
        Ok(())
    }
}

impl core::error::Error for CorruptionError {}

/// Checks every structure of every family set that was ever used.
///
/// Takes time in proportion to the blocks and bitmaps of the process. Holds the locks of one cell at a
/// time.
///
/// # Errors
///
/// The first damage found.
///
/// # Examples
///
/// ```
/// assert_eq!(famalloc::check(), Ok(()));
/// ```
pub fn check() -> Result<(), CorruptionError> {
    thread::attend();
    for space in Space::all_in_use() {
        // The space first: what is said of families and blocks below is read by way of its extents.
        space.fault().map_or(Ok(()), |(address, what)| {
            Err(CorruptionError { set: "", family: "", address, what })
        })?;
    }
    for family in SetTable::all().flat_map(SetTable::all_used) {
        check_family(family).map_err(|(address, what)| CorruptionError {
            set: family.heap.set_name,
            family: family.heap.spec.name(),
            address,
            what,
        })?;
    }
    Ok(())
}

type Fault = (usize, &'static str);

fn check_family(family: &'static FamilyTable) -> Result<(), Fault> {
    if cfg!(not(feature = "std")) && exit::most_magazines() > 0 {
        // There is nowhere to keep a list of what is parked, so nothing may be.
        exit::unload_caches_of(family);
        family.drain();
    }
    // The same again: lanes find their blocks by the granules that are looked at here.
    family.heap.fault().map_or(Ok(()), Err)?;
    for class in family.classes() {
        let Some(first) = family.lanes(class).next() else { continue };
        // Nobody takes slots from this thread's magazines meanwhile.
        let _still = family.hold_still();
        family.lanes(class).find_map(Lane::fault).map_or(Ok(()), Err)?;
        // The bound on what can be parked grows while we count; what is too much is not looked at.
        let parked: u64 = family.lanes(class).map(|lane| lane.counts().parked).sum();
        let own = exit::most_magazines() * class::magazine_capacity(class);
        let mut seen = Addresses::with_room_for(2 * parked as usize + own)?;
        gather(first, first, &mut seen, family, class)?;
    }
    Ok(())
}

/// Collects the addresses parked in `lane` and all that follow it, and those in the calling
/// thread's magazines, and looks at them while all these lanes are locked: a moment later any of
/// them may be in another place.
fn gather(
    lane: &'static Lane,
    first: &'static Lane,
    seen: &mut Addresses,
    family: &FamilyTable,
    class: usize,
) -> Result<(), Fault> {
    let mut found = Ok(());
    lane.with_parked(|parked| {
        parked.for_each(|slot| seen.push(slot.addr().get()));
        found = match lane.following() {
            Some(next) => gather(next, first, seen, family, class),
            None => {
                exit::for_each_slot(family, class, |slot| {
                    // What is in memory that was given up was freed since, and is in no block any more.
                    if !registry::is_given_up(slot.addr()) {
                        seen.push(slot.addr());
                    }
                });
                look_at_parked(first, seen)
            }
        };
    });
    found
}

/// Whether each address is a slot of its cell, and in one place only (I2). All lanes of the cell
/// are locked.
fn look_at_parked(first: &Lane, seen: &mut Addresses) -> Result<(), Fault> {
    // By sorting all of them: no look at a single slot tells that another place has it as well.
    if let Some(address) = seen.find_twice() {
        return Err((address, "a free slot is in two places"));
    }
    let stray = seen.as_slice().iter().copied().find_map(|slot| first.slot_fault(slot));
    stray.map_or(Ok(()), Err)
}

/// A list of addresses in pages of its own: the check must not allocate from what it checks.
pub(super) struct Addresses {
    start: NonNull<usize>,
    len: usize,
    bytes: usize,
}

impl Addresses {
    #[cfg(feature = "std")]
    pub(super) fn with_room_for(count: usize) -> Result<Self, Fault> {
        use crate::os::{PageSource, SYSTEM};
        let page = SYSTEM.page_size();
        let bytes = (count.max(1) * size_of::<usize>()).next_multiple_of(page);
        let refused = (0, "no memory is available for the check itself");
        let start = SYSTEM.reserve(bytes, page).map_err(|_| refused)?;
        let addresses = Self { start: start.cast(), len: 0, bytes };
        // SAFETY: reserved just now.
        unsafe { SYSTEM.commit(start, bytes) }.map_err(|_| refused)?;
        Ok(addresses)
    }

    /// Without the standard library there are no such pages, and nothing to list.
    #[cfg(not(feature = "std"))]
    pub(super) fn with_room_for(_: usize) -> Result<Self, Fault> {
        Ok(Self { start: NonNull::dangling(), len: 0, bytes: 0 })
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    pub(super) fn push(&mut self, address: usize) {
        // The list cannot grow: to get more pages in the midst of it would be under the locks of all
        // lanes of a cell.
        if (self.len + 1) * size_of::<usize>() <= self.bytes {
            // SAFETY: within the committed pages.
            unsafe { self.start.add(self.len).write(address) };
            self.len += 1;
        }
    }

    pub(super) fn as_slice(&self) -> &[usize] {
        // SAFETY: the first `len` are written.
        unsafe { core::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }

    /// An address that is in the list twice. Sorts it.
    pub(super) fn find_twice(&mut self) -> Option<usize> {
        // SAFETY: as in `as_slice`; borrowed mutably.
        let all = unsafe { core::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) };
        all.sort_unstable();
        all.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
    }
}

#[cfg(feature = "std")]
impl Drop for Addresses {
    fn drop(&mut self) {
        use crate::os::{PageSource, SYSTEM};
        // SAFETY: reserved by `with_room_for`, and not used again.
        unsafe { SYSTEM.release(self.start.cast(), self.bytes) };
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;
    use crate::family_set::FamilySet;
    use crate::thread::CacheSlots;

    #[famalloc::alloc_family]
    enum Lives {
        Any,
    }

    /// A slot that is twice in a magazine, of whichever class in use.
    #[test]
    fn what_a_magazine_has_wrongly_is_found_in_each_class() {
        let sizes = [8, 48, 500];
        let slots = sizes.map(|size| famalloc::alloc_in::<lives::Any>(size).unwrap());
        // SAFETY: the thread's own, which this does not outlive; there is such a family.
        let cache = unsafe { CacheSlots::cache_slot_of(Lives::cache_slots(), 0) }.cache();
        assert_eq!(check(), Ok(()));
        for (size, slot) in sizes.into_iter().zip(slots) {
            let head = &cache.heads()[class::of_size(size).unwrap()];
            let other = head.pop().unwrap();
            assert!(head.push(other) && head.push(other));
            let found = check();
            assert_eq!(head.pop(), Some(other));
            let found = found.unwrap_err();
            assert_eq!(
                (found.what, found.address),
                ("a free slot is in two places", other.addr().get())
            );
            assert_eq!(check(), Ok(()));
            // SAFETY: allocated above with this size.
            unsafe { famalloc::free_in::<lives::Any>(slot, size) };
        }
    }
}
