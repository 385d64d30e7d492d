//! What the calling thread has freed and keeps at hand, looked at before the process ends.
//!
//! It may be called from where nothing can be relied on: a signal handler that ends the process, of a
//! thread that was in the midst of a call to the allocator. So it waits for no lock, leaves magazines as they
//! are but for those in mailboxes, and believes no count without a bound. A magazine that is just changing
//! hands is seen twice, in the thread's cache and in its lane; it is looked at once.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::class;
use crate::error::FreeError;
use crate::space::registry;
use crate::table::{FamilyTable, SetTable};
use crate::thread::exit;

use super::check::Addresses;
use super::query;

/// Magazines of a cell that are looked at, at most: the thread's two, and those in the depots and
/// remote batches of so many lanes.
const MOST_MAGAZINES: usize = 2 + 4 * (class::MAX_DEPOT + 4);

type Wrong = (NonNull<u8>, FreeError);

/// Looks at all there is. See [`check_freed`](super::raw::check_freed).
pub(super) fn check() -> Result<(), Wrong> {
    if exit::most_magazines() == 0 {
        return Ok(());
    }
    // Slots that another thread moves from here to a lane meanwhile would be seen twice.
    exit::undisturbed(look_at_all).unwrap_or(Ok(()))
}

fn look_at_all() -> Result<(), Wrong> {
    // Without memory for a list there is no look.
    let room = MOST_MAGAZINES * class::MAX_MAGAZINE;
    let Ok(mut seen) = Addresses::with_room_for(room) else { return Ok(()) };
    for set in SetTable::all() {
        for family in set.all_used() {
            for class in family.classes() {
                seen.clear();
                gather(family, class, &mut seen);
                look(set, family, class, &mut seen)?;
            }
        }
    }
    Ok(())
}

/// Lists what is at hand of a cell.
fn gather(family: &FamilyTable, class: usize, seen: &mut Addresses) {
    let mut own = [core::ptr::null::<*mut u8>(); 2];
    exit::for_each_magazine(family, class, |slots| {
        if !own.contains(&slots.as_ptr()) {
            own[usize::from(!own[0].is_null())] = slots.as_ptr();
            let known = |slot: &&*mut u8| !registry::is_given_up(slot.addr());
            slots.iter().filter(known).for_each(|slot| seen.push(slot.addr()));
        }
    });
    for lane in family.lanes(class) {
        lane.try_magazines(|slots| {
            if !own.contains(&slots.as_ptr()) {
                slots.iter().for_each(|slot| seen.push(slot.addr()));
            }
        });
    }
}

fn look(
    set: &'static SetTable,
    family: &'static FamilyTable,
    class: usize,
    seen: &mut Addresses,
) -> Result<(), Wrong> {
    let Some(lane) = family.lanes(class).next() else { return Ok(()) };
    let twice = seen.find_twice();
    let stray = lane.stray(seen.as_slice());
    let found = stray
        .or(twice)
        .and_then(|address| NonNull::new(core::ptr::without_provenance_mut(address)));
    let Some(slot) = found else { return Ok(()) };
    let layout = Layout::from_size_align(class::slot_size(class), 1);
    let layout = layout.unwrap_or(Layout::new::<u8>());
    let error = query::live(set, family.heap.index, slot, layout);
    Err((slot, error.err().unwrap_or(FreeError::AlreadyFree)))
}
