//! What one family holds: its extents, cut into granules for blocks and large allocations, and its
//! huge allocations. The family's limit is enforced here, where memory is taken.
//!
//! This file: blocks and the granules they are made of; `large`: large and huge allocations;
//! `chunk`: the chunks of regions; `upkeep`: giving free memory back, and the integrity check.
//!
//! Granules are taken from the lowest extent that has room for them, so that a family's memory
//! gathers at low addresses and high extents empty. An extent that becomes wholly free goes back to
//! the reservation, except where the family is isolated: then its addresses stay with the family
//! for good (I1), and only its memory goes back.

use core::ptr::{self, NonNull};

use crate::error::{AllocError, AllocErrorKind};
use crate::options;
use crate::spec::FamilySpec;
use crate::sync::{AtomicBool, AtomicUsize, Guard, Lock, Ordering};

use super::Space;
use super::extents::Taker;
use super::map::{ExtentKind, ExtentLinks, GRANULE_SHIFT, GranuleKind, Mark, Stale};
use super::maps::Map;
use super::order::Order;

mod chunk;
mod large;
mod upkeep;

pub(crate) use chunk::Chunk;

/// How many extents with room are looked at before a new one is taken.
const SEARCHED_EXTENTS: usize = 16;
/// From this many extents on, a family's new extents are given huge pages.
const HUGE_PAGES_FROM: u32 = 8;

/// The memory of one family.
pub(crate) struct Holding {
    pub(crate) space: &'static Space,
    pub(crate) set_name: &'static str,
    pub(crate) spec: &'static FamilySpec,
    /// The position of the family in its set.
    pub(crate) index: usize,
    /// The mark of its blocks.
    pub(crate) mark: Mark,
    state: Lock<HoldingState>,
    /// Whether an extent was taken since somebody last asked, ...
    grown: AtomicBool,
    /// ... and how much memory that was given back has been used again, up to an extent of it.
    regrown: AtomicUsize,
}

#[derive(Debug)]
struct HoldingState {
    /// Extents with at least one free granule.
    room: Order,
    usage: HoldingUse,
}

/// How much a family holds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HoldingUse {
    /// Extents cut into granules.
    pub(crate) extents: u32,
    /// Bytes of blocks, of chunks, and of large and huge allocations: what counts against the limit.
    pub(crate) committed: usize,
    /// The most that was ever committed at once.
    pub(crate) committed_peak: usize,
    /// Large and huge allocations.
    pub(crate) large_objects: usize,
    pub(crate) large_bytes: usize,
    pub(crate) large_bytes_peak: usize,
    /// Bytes of regions' chunks.
    pub(crate) chunk_bytes: usize,
    /// How often the lock was taken.
    pub(crate) locks: u64,
}

impl HoldingUse {
    fn commit(&mut self, bytes: usize, limit: Option<usize>) -> Result<(), AllocError> {
        let committed = self.committed + bytes;
        if limit.is_some_and(|limit| committed > limit) {
            return Err(AllocError::new(AllocErrorKind::Limit));
        }
        self.committed = committed;
        Ok(())
    }

    fn settle(&mut self) {
        self.committed_peak = self.committed_peak.max(self.committed);
        self.large_bytes_peak = self.large_bytes_peak.max(self.large_bytes);
    }
}

/// A run of granules, just taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Granules {
    pub(crate) first: u32,
    /// Whether its memory is known to be zero, and so not yet touched.
    pub(crate) fresh: bool,
}

/// A large or huge allocation, just made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Large {
    pub(crate) start: NonNull<u8>,
    /// Whether its memory is known to be zero.
    pub(crate) fresh: bool,
}

/// The bits of `count` granules from position `first`.
fn run_mask(first: u32, count: u32) -> u32 {
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

impl Holding {
    pub(crate) const fn new(
        space: &'static Space,
        set_name: &'static str,
        spec: &'static FamilySpec,
        index: usize,
        set: u32,
    ) -> Self {
        Self {
            space,
            set_name,
            spec,
            index,
            mark: Mark::of_family(set, index, spec.zeroes_on_free()),
            state: Lock::new(HoldingState {
                room: Order::new(),
                usage: HoldingUse {
                    extents: 0,
                    committed: 0,
                    committed_peak: 0,
                    large_objects: 0,
                    large_bytes: 0,
                    large_bytes_peak: 0,
                    chunk_bytes: 0,
                    locks: 0,
                },
            }),
            grown: AtomicBool::new(false),
            regrown: AtomicUsize::new(0),
        }
    }

    fn lock(&self) -> Guard<'_, HoldingState> {
        let mut state = self.state.lock();
        state.usage.locks += 1;
        state
    }

    /// Keeps the family's memory as it is, until [`Self::let_go`].
    #[cfg(feature = "std")]
    pub(crate) fn hold(&self) {
        self.state.hold();
    }

    /// Ends what [`Self::hold`] began.
    ///
    /// # Safety
    ///
    /// As for [`Lock::let_go`].
    #[cfg(feature = "std")]
    pub(crate) unsafe fn let_go(&self) {
        // SAFETY: passed on.
        unsafe { self.state.let_go() };
    }

    /// How much is held now.
    pub(crate) fn usage(&self) -> HoldingUse {
        self.state.lock().usage
    }

    /// Has [`has_grown`](Self::has_grown) say so again.
    pub(crate) fn grow_on(&self) {
        self.grown.store(true, Ordering::Relaxed);
    }

    /// Notes that so many bytes are used again whose pages were given back: after an extent's worth of
    /// them, the family has grown as if by one.
    pub(crate) fn note_regrown(&self, bytes: usize) {
        if self.regrown.fetch_add(bytes, Ordering::Relaxed) + bytes >= self.space.extent_bytes() {
            self.regrown.store(0, Ordering::Relaxed);
            self.grow_on();
        }
    }

    /// Whether the family has grown since this was last asked.
    pub(crate) fn has_grown(&self) -> bool {
        self.grown.load(Ordering::Relaxed) && self.grown.swap(false, Ordering::Relaxed)
    }

    fn as_owner(&self) -> *mut () {
        ptr::from_ref(self).cast_mut().cast()
    }

    /// Whether an owner read from a descriptor is this holding.
    pub(crate) fn is_owner(&self, owner: *mut ()) -> bool {
        ptr::eq(owner, self.as_owner())
    }

    /// Takes `count` granules side by side for a block. Their descriptors are the caller's to
    /// write, in `found`, so that the map says at any time what the extent says. They have a `map`.
    pub(crate) fn take_block<T>(
        &self,
        count: u32,
        map: Map,
        found: impl FnOnce(Granules) -> T,
    ) -> Result<T, AllocError> {
        let mut state = self.lock();
        let bytes = (count as usize) << GRANULE_SHIFT;
        state.usage.commit(bytes, self.spec.limit_bytes())?;
        match self.take_mapped(&mut state, count, map) {
            Ok(taken) => {
                state.usage.settle();
                Ok(found(taken))
            }
            Err(error) => {
                state.usage.committed -= bytes;
                Err(error)
            }
        }
    }

    /// Takes back the granules of a block.
    ///
    /// # Safety
    ///
    /// From [`Self::take_block`] with this count, nothing in them in use, their bitmap all zero.
    pub(crate) unsafe fn give_block(&self, first: u32, count: u32) {
        let mut state = self.lock();
        state.usage.committed -= (count as usize) << GRANULE_SHIFT;
        // SAFETY: passed on.
        unsafe { self.give_granules(&mut state, first, count) };
    }

    /// Takes granules of one extent, with a map of this sort.
    fn take_mapped(
        &self,
        state: &mut HoldingState,
        count: u32,
        map: Map,
    ) -> Result<Granules, AllocError> {
        let taken = self.take_granules(state, count, 1)?;
        let (extent, _) = self.space.granule_in_extent(taken.first);
        self.space.ensure_map(extent, map).map(|()| taken).inspect_err(|_| {
            // SAFETY: taken just now.
            unsafe { self.give_granules(state, taken.first, count) };
        })
    }

    fn take_granules(
        &self,
        state: &mut HoldingState,
        count: u32,
        align: u32,
    ) -> Result<Granules, AllocError> {
        let space = self.space;
        let per_extent = space.granules_per_extent();
        let links = ExtentLinks(space);
        let mut candidate = state.room.lowest();
        let mut fit = None;
        for _ in 0..SEARCHED_EXTENTS {
            let Some(extent) = candidate else { break };
            let free = space.extent(extent).free.load(Ordering::Relaxed);
            if let Some(first) = lowest_fit(free, count, align, per_extent) {
                fit = Some((extent, first));
                break;
            }
            candidate = state.room.after(&links, extent);
        }
        let (extent, first) = match fit {
            Some(fit) => fit,
            None => (self.take_extent(state)?, 0),
        };
        let fresh = self.claim_granules(state, extent, first, count)?;
        Ok(Granules { first: extent * per_extent + first, fresh })
    }

    /// Marks free granules as in use; returns whether they are fresh.
    fn claim_granules(
        &self,
        state: &mut HoldingState,
        extent: u32,
        first: u32,
        count: u32,
    ) -> Result<bool, AllocError> {
        let desc = self.space.extent(extent);
        let mask = run_mask(first, count);
        let absent = desc.absent.load(Ordering::Relaxed);
        if absent & mask != 0 {
            let start = extent * self.space.granules_per_extent() + first;
            let bytes = (count as usize) << GRANULE_SHIFT;
            // SAFETY: granules of this holding; those that have memory keep it.
            unsafe { self.space.source.commit(self.space.granule_start(start), bytes) }
                .map_err(|_| AllocError::new(AllocErrorKind::Commit))?;
            desc.absent.store(absent & !mask, Ordering::Relaxed);
        }
        let free = desc.free.load(Ordering::Relaxed) & !mask;
        let dirty = desc.dirty.load(Ordering::Relaxed);
        desc.free.store(free, Ordering::Relaxed);
        desc.dirty.store(dirty | mask, Ordering::Relaxed);
        if free == 0 {
            state.room.remove(&ExtentLinks(self.space), extent);
        }
        Ok(dirty & mask == 0)
    }

    /// Adds an extent, all its granules free.
    fn take_extent(&self, state: &mut HoldingState) -> Result<u32, AllocError> {
        let space = self.space;
        let taken = space.take_extents(1, 1, self.taker())?;
        self.grow_on();
        self.adopt(state, taken.first, taken.fresh);
        if taken.fresh {
            let grown = state.usage.extents > HUGE_PAGES_FROM;
            space.advise(taken.first, 1, options::huge_pages().wanted(grown));
        }
        Ok(taken.first)
    }

    /// Makes a taken extent one of this family's, all its granules free.
    fn adopt(&self, state: &mut HoldingState, extent: u32, fresh: bool) {
        let (space, per_extent) = (self.space, self.space.granules_per_extent());
        let all = run_mask(0, per_extent);
        let desc = space.extent(extent);
        desc.owner.store(self.as_owner(), Ordering::Relaxed);
        desc.free.store(all, Ordering::Relaxed);
        desc.dirty.store(if fresh { 0 } else { all }, Ordering::Relaxed);
        let stale = Stale::Wide as u8;
        let stale = desc.maps.fetch_and(!stale, Ordering::Relaxed) & stale != 0;
        for granule in extent * per_extent..(extent + 1) * per_extent {
            let granule = space.granule(granule);
            granule.set_kind(GranuleKind::Free);
            if stale {
                granule.set_stale(Stale::Wide, true);
            }
        }
        desc.set_kind(ExtentKind::Family);
        state.usage.extents += 1;
        state.room.insert(&ExtentLinks(space), extent);
    }

    /// For whom this family takes extents.
    fn taker(&self) -> Taker {
        if self.spec.is_isolated() { Taker::Isolated } else { Taker::Any }
    }

    /// # Safety
    ///
    /// The granules are this holding's and nothing in them is in use.
    unsafe fn give_granules(&self, state: &mut HoldingState, first: u32, count: u32) {
        let space = self.space;
        for granule in first..first + count {
            space.granule(granule).set_kind(GranuleKind::Free);
        }
        let (extent, position) = space.granule_in_extent(first);
        let desc = space.extent(extent);
        let before = desc.free.load(Ordering::Relaxed);
        let after = before | run_mask(position, count);
        desc.free.store(after, Ordering::Relaxed);
        let links = ExtentLinks(space);
        if before == 0 {
            state.room.insert(&links, extent);
        }
        if after == run_mask(0, space.granules_per_extent()) && !self.spec.is_isolated() {
            state.room.remove(&links, extent);
            state.usage.extents -= 1;
            // SAFETY: all its granules are free.
            unsafe { space.release_extents(extent, 1) };
        }
    }

    /// Makes the granules from position `from` to `to` of the run at `first` tails of it.
    pub(crate) fn write_tails(&self, first: u32, from: u32, to: u32) {
        for position in from..to {
            let tail = self.space.granule(first + position);
            // An extent has fewer granules than that counts to.
            tail.back.store(position as u8, Ordering::Relaxed);
            tail.set_kind(GranuleKind::Tail);
        }
    }
}

impl core::fmt::Debug for Holding {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Holding")
            .field("set", &self.set_name)
            .field("family", &self.spec.name())
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}
