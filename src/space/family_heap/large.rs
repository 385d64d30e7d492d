//! Large allocations, which are runs of granules in an extent of the family, and huge ones, which
//! are runs of whole extents. Both are counted and resized here. The chunks of regions are runs of
//! the same two sorts.

use crate::error::{AllocError, AllocErrorKind};
use crate::space::extents::{LONGEST_DIRTY_RUN, Taken};
use crate::space::map::{ExtentKind, ExtentLinks, GRANULE};
use crate::sync::Ordering;

use super::granules::Wanted;
use super::runs::{Run, RunLinks};
use super::{FamilyHeap, HeapState, Large, Use};

/// Alignments above this are refused: such an address lies so far out that the map up to it would
/// cost more than anything that is put there.
const LARGEST_ALIGN: usize = 1 << 36;
/// An allocation that has grown to up to so many extents is put where it has room to double. A longer one is
/// moved each time: that costs less than the addresses would, as its pages need not be copied.
const ROOMY_EXTENTS: u32 = 4;

impl FamilyHeap {
    /// A large or huge allocation: `size` bytes, above zero, at a multiple of `align`.
    pub(crate) fn alloc_large(
        &self,
        size: usize,
        align: usize,
        used: Use,
    ) -> Result<Large, AllocError> {
        let too_large = AllocError::new(AllocErrorKind::TooLarge);
        let bytes = size.checked_next_multiple_of(self.space.page_size()).ok_or(too_large)?;
        let mut state = self.lock();
        state.usage.commit(bytes, self.spec.limit_bytes())?;
        let extent_bytes = self.space.extent_bytes();
        let taken = if bytes <= extent_bytes && align <= extent_bytes {
            self.alloc_granule_run(&mut state, bytes, align, used)
        } else {
            self.alloc_extent_run(&mut state, bytes, align, used)
        };
        match taken {
            Ok(large) => {
                state.usage.large_objects += 1;
                state.usage.large_bytes += bytes;
                state.usage.raise_peaks();
                Ok(large)
            }
            Err(error) => {
                state.usage.committed -= bytes;
                Err(error)
            }
        }
    }

    fn alloc_granule_run(
        &self,
        state: &mut HeapState,
        bytes: usize,
        align: usize,
        used: Use,
    ) -> Result<Large, AllocError> {
        let count = bytes.div_ceil(GRANULE) as u32;
        let wanted = Wanted::large(count, align.div_ceil(GRANULE) as u32);
        let room = match self.should_have_room(used) {
            // Room to double, within what granules can hold: what is longer than an extent becomes a
            // huge allocation.
            true => count.min(self.space.granules_per_extent() - count),
            false => 0,
        };
        let taken = self.alloc_granules(state, &wanted.with_room(room))?;
        self.write_tails(taken.first, 1, count);
        self.space.granule(taken.first).make_large(self, count, bytes);
        Ok(Large { start: self.space.granule_start(taken.first), fresh: taken.fresh })
    }

    fn alloc_extent_run(
        &self,
        state: &mut HeapState,
        bytes: usize,
        align: usize,
        used: Use,
    ) -> Result<Large, AllocError> {
        let roomy = match self.should_have_room(used) {
            true => self.alloc_roomy_extents(state, bytes, align),
            false => None,
        };
        let (taken, count) = match roomy {
            Some(taken) => taken,
            None => self.alloc_extents(state, bytes, align)?,
        };
        self.want_huge_pages_for(state, taken.first, (0, bytes), used);
        self.write_huge(taken.first, count, bytes, ExtentKind::Huge);
        Ok(Large { start: self.space.extent_start(taken.first), fresh: taken.fresh })
    }

    /// Whether there had better be room behind an allocation: what has grown is likely to grow again, and
    /// then it should not have to move each time. An isolated family would keep the addresses for good.
    fn should_have_room(&self, used: Use) -> bool {
        matches!(used, Use::Moved(_)) && !self.spec.is_isolated()
    }

    /// As [`alloc_extents`](Self::alloc_extents), but at a round address, behind which as much room is likely to
    /// stay free: everybody takes the lowest extents there are, so those before a round address go first.
    fn alloc_roomy_extents(
        &self,
        state: &mut HeapState,
        bytes: usize,
        align: usize,
    ) -> Option<(Taken, u32)> {
        let extents = u32::try_from(bytes >> self.space.extent_shift).ok()?;
        if extents > ROOMY_EXTENTS {
            return None;
        }
        let round = (2 * bytes).next_power_of_two();
        self.alloc_extents(state, bytes, align.max(round)).ok()
    }

    /// Takes as many whole extents as so many bytes need, and says how many those are.
    pub(super) fn alloc_extents(
        &self,
        state: &mut HeapState,
        bytes: usize,
        align: usize,
    ) -> Result<(Taken, u32), AllocError> {
        let space = self.space;
        let too_large = AllocError::new(AllocErrorKind::AddressSpace);
        let count = bytes.div_ceil(space.extent_bytes());
        let count = u32::try_from(count).map_err(|_| too_large)?;
        if align > LARGEST_ALIGN {
            return Err(too_large);
        }
        let align = align.div_ceil(space.extent_bytes()) as u32;
        let taken = match self.alloc_own_run(state, count, align) {
            Some(taken) => taken,
            None => space.alloc_extents(count, align, self.taker())?,
        };
        Ok((taken, count))
    }

    /// A run of empty extents that an isolated family has from before. Other families do not keep
    /// empty extents.
    fn alloc_own_run(&self, state: &mut HeapState, count: u32, align: u32) -> Option<Taken> {
        if !self.spec.is_isolated() {
            return None;
        }
        let (space, per_extent) = (self.space, self.space.granules_per_extent());
        let len = count.checked_mul(per_extent)?;
        let wanted = Wanted::large(len, align.checked_mul(per_extent)?);
        let (run, place) = self.find_place(state, &wanted, len)?;
        let (first, _) = space.granule_in_extent(place);
        let bytes = (count as usize) << space.extent_shift;
        // SAFETY: extents of this family; those that have memory keep it.
        unsafe { space.source.commit(space.extent_start(first), bytes) }.ok()?;
        let mut fresh = true;
        for extent in first..first + count {
            let desc = space.extent(extent);
            fresh &= desc.dirty.load(Ordering::Relaxed) == 0;
            desc.absent.store(0, Ordering::Relaxed);
            state.room.remove(&ExtentLinks(space), extent);
        }
        state.runs.cut(&RunLinks(space), run, Run { first: place, len });
        state.usage.extents -= count;
        Some(Taken { first, fresh })
    }

    /// Releases a run of whole extents: to the reservation, or, where the family is isolated, to
    /// be used again by the family.
    ///
    /// # Safety
    ///
    /// The run is this family heap's, and nothing in it is in use.
    pub(super) unsafe fn release_run(&self, state: &mut HeapState, first: u32, count: u32) {
        if !self.spec.is_isolated() {
            // SAFETY: passed on.
            unsafe { self.space.release_extents(first, count) };
            return;
        }
        for extent in first..first + count {
            self.adopt(state, extent, false);
            // The addresses stay the family's (I1). The memory of a long run goes at once, as it does
            // elsewhere.
            if count > LONGEST_DIRTY_RUN {
                self.decommit_granules(extent, self.all());
            }
        }
    }

    pub(super) fn write_huge(&self, first: u32, count: u32, bytes: usize, kind: ExtentKind) {
        for position in 1..count {
            let tail = self.space.extent(first + position);
            tail.back.store(position, Ordering::Relaxed);
            tail.set_kind(ExtentKind::Tail);
        }
        let desc = self.space.extent(first);
        desc.owner.set(self);
        desc.extents.store(count, Ordering::Relaxed);
        desc.bytes.store(bytes, Ordering::Relaxed);
        desc.set_kind(kind);
    }

    /// Frees the large allocation whose first granule this is.
    ///
    /// # Safety
    ///
    /// It is one of this family heap's, and nobody uses it.
    pub(crate) unsafe fn free_large(&self, granule: u32) {
        let mut state = self.lock();
        let large = self.space.granule(granule).large();
        self.forget_large(&mut state, large.bytes());
        // SAFETY: passed on.
        unsafe { self.free_granules(&mut state, granule, large.granules()) };
    }

    /// Frees the huge allocation whose first extent this is.
    ///
    /// # Safety
    ///
    /// It is one of this family heap's, and nobody uses it.
    pub(crate) unsafe fn free_huge(&self, extent: u32) {
        let mut state = self.lock();
        let desc = self.space.extent(extent);
        self.forget_large(&mut state, desc.bytes.load(Ordering::Relaxed));
        let count = desc.extents.load(Ordering::Relaxed);
        // SAFETY: passed on.
        unsafe { self.release_run(&mut state, extent, count) };
    }

    fn forget_large(&self, state: &mut HeapState, bytes: usize) {
        state.usage.committed -= bytes;
        state.usage.large_objects -= 1;
        state.usage.large_bytes -= bytes;
    }

    /// Makes a large allocation `size` bytes long without moving it; returns whether it could.
    pub(crate) fn resize_large(&self, granule: u32, size: usize) -> bool {
        let Some(bytes) = size.checked_next_multiple_of(self.space.page_size()) else {
            return false;
        };
        if bytes > self.space.extent_bytes() {
            return false;
        }
        let mut state = self.lock();
        let large = self.space.granule(granule).large();
        let (old, old_bytes) = (large.granules(), large.bytes());
        let new = bytes.div_ceil(GRANULE).max(1) as u32;
        // Counted first, and counted back where there is no room: what is taken is never above the
        // limit.
        if !self.recount_large(&mut state, old_bytes, bytes) {
            return false;
        }
        if new > old {
            let grown = self.grow_run(&mut state, granule + old, new - old);
            if !grown {
                self.recount_large(&mut state, bytes, old_bytes);
                return false;
            }
            self.write_tails(granule, old, new);
        }
        large.set_length(new, bytes);
        if new < old {
            // SAFETY: the tail of the allocation, which is not part of it any more.
            unsafe { self.free_granules(&mut state, granule + new, old - new) };
        }
        state.usage.raise_peaks();
        true
    }

    /// Takes the `count` granules from `behind` on, which lies behind a granule in use; returns whether it
    /// could.
    fn grow_run(&self, state: &mut HeapState, behind: u32, count: u32) -> bool {
        let run = self.run_from(behind).unwrap_or(Run { first: behind, len: 0 });
        let (extent, position) = self.space.granule_in_extent(run.end());
        let opens = run.len < count;
        // What there is reaches to the end of its extent, and the next one can be had.
        if opens && (position != 0 || !self.alloc_extent_at(state, extent)) {
            return false;
        }
        let Some(run) = self.run_from(behind) else { return false };
        let taken = self.alloc_part(state, run, behind, count);
        // The extent was taken for this alone, and a family keeps none in which nothing is in use.
        if taken.is_err() && opens {
            self.release_part(state, run, extent);
        }
        taken.is_ok()
    }

    /// Makes a huge allocation `size` bytes long without moving it; returns whether it could.
    pub(crate) fn resize_huge(&self, extent: u32, size: usize) -> bool {
        let space = self.space;
        let Some(bytes) = size.checked_next_multiple_of(space.page_size()) else { return false };
        // A huge allocation never shrinks to what an extent's granules would hold.
        let Ok(new) = u32::try_from(bytes.div_ceil(space.extent_bytes()).max(1)) else {
            return false;
        };
        let mut state = self.lock();
        let desc = space.extent(extent);
        let old = desc.extents.load(Ordering::Relaxed);
        let old_bytes = desc.bytes.load(Ordering::Relaxed);
        if !self.recount_large(&mut state, old_bytes, bytes) {
            return false;
        }
        if new > old && space.alloc_extents_at(extent + old, new - old, self.taker()).is_err() {
            self.recount_large(&mut state, bytes, old_bytes);
            return false;
        }
        if new > old {
            let range = (old_bytes, bytes);
            self.want_huge_pages_for(&mut state, extent, range, Use::Unknown);
        }
        self.write_huge(extent, new, bytes, ExtentKind::Huge);
        if new < old {
            // SAFETY: the tail of the allocation, which is not part of it any more.
            unsafe { self.release_run(&mut state, extent + new, old - new) };
        }
        state.usage.raise_peaks();
        true
    }

    /// Counts a large allocation of `old` bytes as one of `new`; `false` if that is over the limit.
    fn recount_large(&self, state: &mut HeapState, old: usize, new: usize) -> bool {
        if new > old && state.usage.commit(new - old, self.spec.limit_bytes()).is_err() {
            return false;
        }
        if new < old {
            state.usage.committed -= old - new;
        }
        state.usage.large_bytes = state.usage.large_bytes - old + new;
        true
    }
}
