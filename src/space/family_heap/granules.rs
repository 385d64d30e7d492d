//! Granules of a family's extents: taking so many side by side, and giving them back.
//!
//! Those of a block or a chunk come from the lowest extent that has room for them, so that a family's
//! memory gathers at low addresses, and what was touched before is used again. They are in one extent,
//! since their maps are. Those of a large allocation come from the shortest run that will do
//! ([`runs`](super::runs)), so that room for larger ones stays; it may reach from one extent into the next.
//! Where there is no room, a new extent is taken, the lowest there is: where that lies beside one of the
//! family, what is free in both is one run.
//!
//! An extent that becomes wholly free goes back to the reservation, except where the family is isolated:
//! then its addresses stay with the family for good (I1), and only its memory goes back.
//!
//! Each extent has a bit for each of its granules: whether it is free, whether it may hold old contents,
//! whether its memory was given back. What is taken or given is looked at extent by extent for that.

use crate::error::{AllocError, AllocErrorKind};
use crate::options;
use crate::space::map::{ExtentKind, ExtentLinks, GRANULE_SHIFT, GranuleKind, Stale};
use crate::space::maps::Map;
use crate::sync::Ordering;

use super::runs::{Run, RunLinks, Runs};
use super::{FamilyHeap, Granules, HeapState};

/// How many extents with room are looked at, from the lowest on.
const SEARCHED_EXTENTS: usize = 16;
/// So many runs that are long enough are looked at for a place that is aligned, before one is taken that
/// is so long that it must have one.
const TRIED_RUNS: usize = 16;
/// From this many extents on, a family's new extents are given huge pages.
const HUGE_PAGES_FROM: u32 = 8;

/// Granules side by side, as somebody wants them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    count: u32,
    /// The address of the first is a multiple of so many: a power of two.
    align: u32,
    /// Whether they are to be in one extent.
    in_one_extent: bool,
    /// How many free ones had better be behind them.
    room: u32,
}

impl Wanted {
    pub(super) fn block(count: u32) -> Self {
        Self { count, align: 1, in_one_extent: true, room: 0 }
    }

    pub(super) fn chunk(count: u32, align: u32) -> Self {
        Self { count, align, in_one_extent: true, room: 0 }
    }

    pub(super) fn large(count: u32, align: u32) -> Self {
        Self { count, align, in_one_extent: false, room: 0 }
    }

    /// The same with room to grow.
    pub(super) fn with_room(self, room: u32) -> Self {
        Self { room, ..self }
    }

    /// How long a run is that has a place for them for sure.
    fn sure_length(&self) -> u32 {
        let aligned = self.count + self.align - 1;
        // Of two parts of a run that a border of extents divides, one is at least half of it.
        if self.in_one_extent { 2 * aligned - 1 } else { aligned }
    }
}

/// The bits of `count` granules from position `first`.
pub(super) fn run_mask(first: u32, count: u32) -> u32 {
    (((1u64 << count) - 1) << first) as u32
}

/// The lowest position, a multiple of `align`, at which `count` bits of `free` are set.
fn lowest_fit(free: u32, count: u32, align: u32, per_extent: u32) -> Option<u32> {
    let mut first = free.trailing_zeros().next_multiple_of(align);
    while first + count <= per_extent {
        let mask = run_mask(first, count);
        if free & mask == mask {
            return Some(first);
        }
        first += align;
    }
    None
}

impl FamilyHeap {
    /// Takes granules of one extent for a block, with a map of this sort.
    pub(super) fn alloc_mapped(
        &self,
        state: &mut HeapState,
        count: u32,
        map: Map,
    ) -> Result<Granules, AllocError> {
        let taken = self.alloc_granules(state, &Wanted::block(count))?;
        let (extent, _) = self.space.granule_in_extent(taken.first);
        self.space.ensure_map(extent, map).map(|()| taken).inspect_err(|_| {
            // SAFETY: taken just now.
            unsafe { self.free_granules(state, taken.first, count) };
        })
    }

    /// Takes granules that are side by side.
    pub(super) fn alloc_granules(
        &self,
        state: &mut HeapState,
        wanted: &Wanted,
    ) -> Result<Granules, AllocError> {
        let low = if wanted.in_one_extent { self.find_low_place(state, wanted) } else { None };
        let found = low.or_else(|| self.find_place(state, wanted, wanted.count + wanted.room));
        if let Some((run, first)) = found {
            return self.alloc_part(state, run, first, wanted.count);
        }
        let (extent, run) = match self.alloc_extent(state, wanted.in_one_extent) {
            Ok(taken) => taken,
            Err(refused) => {
                let (run, first) = self.find_place(state, wanted, wanted.count).ok_or(refused)?;
                return self.alloc_part(state, run, first, wanted.count);
            }
        };
        // There is a place at the start of the extent, if not before; one that lies before it as a whole
        // would leave it empty.
        let start = self.granules_of(extent).first;
        let first = self.place_in(run, wanted).filter(|first| first + wanted.count > start);
        let first = first.unwrap_or(start);
        let taken = self.alloc_part(state, run, first, wanted.count);
        if taken.is_err() {
            // What of the run lies before the extent could not be committed.
            self.release_part(state, run, extent);
        }
        taken
    }

    /// The place in the lowest extent that has room for what is wanted, and the run that it is in.
    fn find_low_place(&self, state: &HeapState, wanted: &Wanted) -> Option<(Run, u32)> {
        let (space, links) = (self.space, ExtentLinks(self.space));
        let per_extent = space.granules_per_extent();
        let free = |extent| space.extent(extent).free.load(Ordering::Relaxed);
        let mut candidate = state.room.lowest();
        // Bounded, as the family is locked meanwhile. Past so many nearly full extents the order of
        // runs is asked, which takes a few steps.
        for _ in 0..SEARCHED_EXTENTS {
            let extent = candidate?;
            let bits = free(extent);
            let Some(position) = lowest_fit(bits, wanted.count, wanted.align, per_extent) else {
                candidate = state.room.after(&links, extent);
                continue;
            };
            let place = extent * per_extent + position;
            // The run may start in the extent before this one, which has not got enough room itself.
            let used = !bits & run_mask(0, position);
            let mut first = extent * per_extent + (u32::BITS - used.leading_zeros());
            let before = first.checked_sub(1);
            if used == 0 && before.is_some_and(|before| self.is_free_beside(before, first)) {
                // No further back: an extent that is wholly free would have had room itself, and is
                // lower.
                let used = !free(extent - 1) & self.all();
                first -= per_extent - (u32::BITS - used.leading_zeros());
            }
            return Some((Runs::starting_at(&RunLinks(space), first), place));
        }
        None
    }

    /// A run of at least so many free granules that has a place for what is wanted, and the place.
    pub(super) fn find_place(
        &self,
        state: &HeapState,
        wanted: &Wanted,
        least: u32,
    ) -> Option<(Run, u32)> {
        let links = RunLinks(self.space);
        let mut candidate = state.runs.shortest(&links, least);
        for _ in 0..TRIED_RUNS {
            let run = candidate?;
            if let Some(first) = self.place_in(run, wanted) {
                return Some((run, first));
            }
            candidate = state.runs.after(&links, run);
        }
        // Those were misaligned, or cut by a border of extents. A run of this length cannot lack a
        // place.
        let run = state.runs.shortest(&links, wanted.sure_length().max(least))?;
        Some((run, self.place_in(run, wanted)?))
    }

    /// The lowest place in a run for what is wanted.
    fn place_in(&self, run: Run, wanted: &Wanted) -> Option<u32> {
        let number = self.space.granule_start(run.first).addr().get() >> GRANULE_SHIFT;
        let align = wanted.align as usize;
        let skipped = u32::try_from(number.checked_next_multiple_of(align)? - number).ok()?;
        let mut first = run.first.checked_add(skipped)?;
        if wanted.in_one_extent {
            let per_extent = self.space.granules_per_extent();
            let (extent, position) = self.space.granule_in_extent(first);
            if position + wanted.count > per_extent {
                // An extent's start is aligned to whatever fits an extent.
                first = (extent + 1) * per_extent;
            }
        }
        (first.checked_add(wanted.count)? <= run.end()).then_some(first)
    }

    /// Takes `count` granules from `first` on out of a free run.
    pub(super) fn alloc_part(
        &self,
        state: &mut HeapState,
        run: Run,
        first: u32,
        count: u32,
    ) -> Result<Granules, AllocError> {
        let part = Run { first, len: count };
        let fresh = self.claim(state, part)?;
        state.runs.cut(&RunLinks(self.space), run, part);
        Ok(Granules { first, fresh })
    }

    /// Marks free granules as in use, in their extents; returns whether they are fresh.
    fn claim(&self, state: &mut HeapState, part: Run) -> Result<bool, AllocError> {
        let space = self.space;
        // In two passes: the source may refuse in the second of two extents, and then nothing must be
        // marked as taken in the first (I6). What was committed there stays so.
        for (extent, mask) in self.by_extent(part) {
            let desc = space.extent(extent);
            let absent = desc.absent.load(Ordering::Relaxed);
            if absent & mask != 0 {
                let start = extent * space.granules_per_extent() + mask.trailing_zeros();
                let bytes = (mask.count_ones() as usize) << GRANULE_SHIFT;
                // SAFETY: granules of this family heap; those that have memory keep it.
                unsafe { space.source.commit(space.granule_start(start), bytes) }
                    .map_err(|_| AllocError::new(AllocErrorKind::Commit))?;
                desc.absent.store(absent & !mask, Ordering::Relaxed);
            }
        }
        let mut fresh = true;
        for (extent, mask) in self.by_extent(part) {
            let desc = space.extent(extent);
            let free = desc.free.load(Ordering::Relaxed) & !mask;
            desc.free.store(free, Ordering::Relaxed);
            if free == 0 {
                state.room.remove(&ExtentLinks(space), extent);
            }
            let dirty = desc.dirty.load(Ordering::Relaxed);
            // It counts as used from now on. Only a loss of its memory makes it fresh again.
            desc.dirty.store(dirty | mask, Ordering::Relaxed);
            fresh &= dirty & mask == 0;
        }
        Ok(fresh)
    }

    /// Adds an extent, all its granules free; returns it, and the run that it is in. It will be used all
    /// over where that is by blocks and chunks: these are filled from the front. Of a large allocation
    /// nobody knows, and what it leaves of the extent may stay unused for long.
    fn alloc_extent(&self, state: &mut HeapState, dense: bool) -> Result<(u32, Run), AllocError> {
        let space = self.space;
        let taken = space.alloc_extents(1, 1, self.taker())?;
        self.grow_on();
        let run = self.adopt(state, taken.first, taken.fresh);
        if taken.fresh {
            let wanted = dense && state.usage.extents > HUGE_PAGES_FROM;
            space.advise(taken.first, 1, options::huge_pages().wanted(wanted));
        }
        Ok((taken.first, run))
    }

    /// Adds the extent behind a free run that ends with an extent, or with which nothing free ends; returns
    /// whether it could be had.
    pub(super) fn alloc_extent_at(&self, state: &mut HeapState, extent: u32) -> bool {
        match self.space.alloc_extents_at(extent, 1, self.taker()) {
            Ok(taken) => {
                self.grow_on();
                self.adopt(state, extent, taken.fresh);
                true
            }
            Err(_) => false,
        }
    }

    /// Makes a taken extent one of this family's, all its granules free; returns the run that it is in.
    pub(super) fn adopt(&self, state: &mut HeapState, extent: u32, fresh: bool) -> Run {
        let space = self.space;
        let desc = space.extent(extent);
        desc.owner.set(self);
        desc.free.store(self.all(), Ordering::Relaxed);
        desc.dirty.store(if fresh { 0 } else { self.all() }, Ordering::Relaxed);
        let stale = Stale::Wide as u8;
        // The flag moves from the extent to its granules. Each of these is cleared when a block first
        // needs it, so that to take an extent touches no map.
        let stale = desc.maps.fetch_and(!stale, Ordering::Relaxed) & stale != 0;
        let granules = self.granules_of(extent);
        for granule in granules.first..granules.end() {
            let granule = space.granule(granule);
            granule.make_free();
            if stale {
                granule.set_stale(Stale::Wide, true);
            }
        }
        // Last: a reader that finds this kind finds the owner and the granules written.
        desc.set_kind(ExtentKind::Family);
        state.usage.extents += 1;
        state.room.insert(&ExtentLinks(space), extent);
        let run = self.join(state, granules);
        state.runs.add(&RunLinks(space), run);
        run
    }

    /// Releases a wholly free extent, which is part of this run, unless the family keeps such.
    pub(super) fn release_part(&self, state: &mut HeapState, run: Run, extent: u32) {
        if self.spec.is_isolated() {
            return;
        }
        state.runs.cut(&RunLinks(self.space), run, self.granules_of(extent));
        state.room.remove(&ExtentLinks(self.space), extent);
        state.usage.extents -= 1;
        // SAFETY: all its granules are free.
        unsafe { self.space.release_extents(extent, 1) };
    }

    /// # Safety
    ///
    /// The granules are this family heap's and nothing in them is in use.
    pub(super) unsafe fn free_granules(&self, state: &mut HeapState, first: u32, count: u32) {
        let (space, given) = (self.space, Run { first, len: count });
        for granule in first..given.end() {
            space.granule(granule).make_free();
        }
        let links = RunLinks(space);
        let mut rest = self.join(state, given);
        for (extent, mask) in self.by_extent(given) {
            let desc = space.extent(extent);
            let before = desc.free.load(Ordering::Relaxed);
            let free = before | mask;
            desc.free.store(free, Ordering::Relaxed);
            if before == 0 {
                state.room.insert(&ExtentLinks(space), extent);
            }
            if free == self.all() && !self.spec.is_isolated() {
                // What lies before it stays.
                let whole = self.granules_of(extent);
                state.runs.add(&links, Run { first: rest.first, len: whole.first - rest.first });
                rest = Run { first: whole.end(), len: rest.end() - whole.end() };
                state.room.remove(&ExtentLinks(space), extent);
                state.usage.extents -= 1;
                // SAFETY: all its granules are free.
                unsafe { space.release_extents(extent, 1) };
            }
        }
        state.runs.add(&links, rest);
    }

    /// Granules that have become free, and what is free beside them: a run that is in no order yet.
    fn join(&self, state: &mut HeapState, given: Run) -> Run {
        let (first, last) = (given.first, given.end() - 1);
        let before = first.checked_sub(1).is_some_and(|before| self.is_free_beside(before, first));
        let behind = self.is_free_beside(given.end(), last);
        state.runs.join(&RunLinks(self.space), given, before, behind)
    }

    /// Whether a granule, if there is one, is this family's and free, as part of the range that its
    /// neighbour is in: what was reserved apart stays apart.
    fn is_free_beside(&self, granule: u32, neighbour: u32) -> bool {
        let (extent, _) = self.space.granule_in_extent(granule);
        let (beside, _) = self.space.granule_in_extent(neighbour);
        (extent == beside || self.is_of_one_range(extent, beside))
            && self.has(extent, ExtentKind::Family)
            && self.space.granule(granule).kind() == GranuleKind::Free
    }

    /// Whether an extent, if there is one, is known and of the range that its neighbour is in.
    pub(super) fn is_of_one_range(&self, extent: u32, neighbour: u32) -> bool {
        let range = self.space.range_of(neighbour);
        range.holds(extent) && self.space.is_known(extent)
    }

    /// The free run of which this granule is the first, where the one before it is this family's and not
    /// free.
    pub(super) fn run_from(&self, granule: u32) -> Option<Run> {
        let free = self.is_free_beside(granule, granule - 1);
        free.then(|| Runs::starting_at(&RunLinks(self.space), granule))
    }

    /// All granules of an extent, as bits.
    pub(super) fn all(&self) -> u32 {
        run_mask(0, self.space.granules_per_extent())
    }

    /// All granules of an extent.
    pub(super) fn granules_of(&self, extent: u32) -> Run {
        let len = self.space.granules_per_extent();
        Run { first: extent * len, len }
    }

    /// The extents that granules side by side are in, and which granules of each they are.
    pub(super) fn by_extent(&self, run: Run) -> impl Iterator<Item = (u32, u32)> + use<> {
        let space = self.space;
        let mut at = run.first;
        core::iter::from_fn(move || {
            let (extent, position) = space.granule_in_extent(at);
            let count = (run.end() - at).min(space.granules_per_extent() - position);
            at += count;
            (count > 0).then(|| (extent, run_mask(position, count)))
        })
    }

    /// Makes the granules from position `from` to `to` of the run at `first` tails of it.
    pub(crate) fn write_tails(&self, first: u32, from: u32, to: u32) {
        for position in from..to {
            self.space.granule(first + position).make_tail(position);
        }
    }
}
