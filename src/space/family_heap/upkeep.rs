//! What is done to a family's extents now and then: giving the memory of free granules back, looking
//! at how much is in memory, and the integrity check.

use crate::space::extents::PURGE_STEP;
use crate::space::map::{ExtentKind, ExtentLinks, GRANULE_SHIFT, GranuleKind, View};
use crate::sync::Ordering;

use super::granules::run_mask;
use super::runs::{Run, RunLinks};
use super::{FamilyHeap, HeapState};

impl FamilyHeap {
    /// All extents of this family that are cut into granules, in address order.
    pub(crate) fn extents(&self) -> impl Iterator<Item = u32> {
        self.space.extents_known().filter(|&extent| self.has(extent, ExtentKind::Family))
    }

    /// The first extents of all huge allocations of this family, in address order.
    pub(crate) fn huge_allocations(&self) -> impl Iterator<Item = u32> {
        self.space.extents_known().filter(|&extent| self.has(extent, ExtentKind::Huge))
    }

    /// The first extents of all chunks of whole extents of this family's regions.
    fn extent_chunks(&self) -> impl Iterator<Item = u32> {
        self.space.extents_known().filter(|&extent| self.has(extent, ExtentKind::Chunk))
    }

    /// Whether an extent is this family's, and of this kind.
    pub(super) fn has(&self, extent: u32, kind: ExtentKind) -> bool {
        let desc = self.space.extent(extent);
        // The kind first: it is written after the owner, so an owner from before is not taken for
        // that of now.
        desc.kind() == kind && desc.owner.is(self)
    }

    /// Gives back the memory of free granules in extents that are still in use, until `goal`
    /// bytes have gone. Returns how many bytes went.
    pub(crate) fn decommit_free(&self, goal: usize) -> usize {
        let space = self.space;
        let mut gone = 0;
        for extent in self.extents() {
            // The lock is let go of after each piece.
            while gone < goal {
                let _state = self.lock();
                let desc = space.extent(extent);
                if !self.has(extent, ExtentKind::Family) {
                    break;
                }
                let stale = desc.free.load(Ordering::Relaxed) & desc.dirty.load(Ordering::Relaxed);
                let first = stale.trailing_zeros();
                let count = (stale.checked_shr(first).unwrap_or(0)).trailing_ones();
                match self.decommit_granules(extent, run_mask(first, count.min(PURGE_STEP))) {
                    // None left, or the source refuses.
                    0 => break,
                    bytes => gone += bytes,
                }
            }
        }
        gone
    }

    /// Gives back the memory of a run of free granules, named by their bits; returns how many
    /// bytes went. The caller holds the lock.
    pub(super) fn decommit_granules(&self, extent: u32, mask: u32) -> usize {
        if mask == 0 {
            return 0;
        }
        let space = self.space;
        let desc = space.extent(extent);
        let first = extent * space.granules_per_extent() + mask.trailing_zeros();
        let bytes = (mask.count_ones() as usize) << GRANULE_SHIFT;
        // SAFETY: committed granules that are free; nobody can take them meanwhile, as the family heap
        // is locked.
        if unsafe { space.source.decommit(space.granule_start(first), bytes) }.is_err() {
            return 0;
        }
        // What is committed again is zero, so a large allocation of zeros need not write there.
        desc.dirty.fetch_and(!mask, Ordering::Relaxed);
        desc.absent.fetch_or(mask, Ordering::Relaxed);
        bytes
    }

    /// How many bytes of this family's extents are in memory, at a guess; `None` if the source does not
    /// know. What is taken or given up meanwhile may be counted or not.
    pub(crate) fn resident(&self) -> Option<usize> {
        let space = self.space;
        let look = |extent: u32, bytes: usize| {
            // SAFETY: extents of the space, whoever has them by now.
            unsafe { space.source.resident(space.extent_start(extent), bytes) }
        };
        let mut sum = 0;
        for extent in self.extents() {
            sum += look(extent, space.extent_bytes())?;
        }
        for extent in self.huge_allocations().chain(self.extent_chunks()) {
            let extents = space.extent(extent).extents.load(Ordering::Relaxed);
            // Seen as whole extents: what lies behind the last byte belongs to nobody else.
            sum += look(extent, (extents as usize) << space.extent_shift)?;
        }
        Some(sum)
    }

    /// What is wrong with this family's extents, if anything: an address, and what.
    pub(crate) fn fault(&self) -> Option<(usize, &'static str)> {
        let state = self.state.lock();
        let (space, per_extent) = (self.space, self.space.granules_per_extent());
        let (mut extents, mut committed) = (0, 0);
        for extent in self.extents() {
            let desc = space.extent(extent);
            let free = desc.free.load(Ordering::Relaxed);
            extents += 1;
            let wrong = |what| Some((space.extent_start(extent).addr().get(), what));
            if state.room.contains(&ExtentLinks(space), extent) != (free != 0) {
                return wrong(
                    "an extent is listed as having free granules and has none, or the reverse",
                );
            }
            if free == self.all() && !self.spec.is_isolated() {
                return wrong("an empty extent was not released");
            }
            for position in 0..per_extent {
                let granule = space.granule(extent * per_extent + position);
                let view = granule.view();
                if (free >> position & 1 != 0) != matches!(view, View::Free) {
                    return wrong(
                        "a granule is free in its extent but not in the block map, or the reverse",
                    );
                }
                committed += match view {
                    View::Block(block) => (block.granules() as usize) << GRANULE_SHIFT,
                    View::Large(large) => large.bytes(),
                    View::Chunk(chunk) => chunk.bytes(),
                    View::Free | View::Tail => 0,
                };
            }
        }
        for extent in self.huge_allocations().chain(self.extent_chunks()) {
            committed += space.extent(extent).bytes.load(Ordering::Relaxed);
        }
        if let Some(fault) = self.fault_of_runs(&state) {
            return Some(fault);
        }
        if extents != state.usage.extents {
            return Some((0, "the count of extents is wrong"));
        }
        (committed != state.usage.committed).then_some((0, "the count of committed bytes is wrong"))
    }

    /// What is wrong with the list of free runs, given that granules are free where the map says so.
    fn fault_of_runs(&self, state: &HeapState) -> Option<(usize, &'static str)> {
        let (space, links) = (self.space, RunLinks(self.space));
        let wrong = |run: Run, what| Some((space.granule_start(run.first).addr().get(), what));
        let (mut found, mut run) = (0, Run { first: 0, len: 0 });
        let is_wrong = |run: Run| run.len > 0 && !state.runs.contains(&links, run);
        for extent in self.extents() {
            let granules = self.granules_of(extent);
            for granule in granules.first..granules.end() {
                let free = space.granule(granule).kind() == GranuleKind::Free;
                let goes_on = run.len > 0 && run.end() == granule && {
                    let (last, _) = space.granule_in_extent(granule - 1);
                    last == extent || self.is_of_one_range(last, extent)
                };
                if free && goes_on {
                    run.len += 1;
                    continue;
                }
                if is_wrong(run) {
                    return wrong(run, "a run of free granules is not in the list of free runs");
                }
                let len = u32::from(free);
                found += len;
                run = Run { first: granule, len };
            }
        }
        if is_wrong(run) {
            return wrong(run, "a run of free granules is not in the list of free runs");
        }
        let next = |run: &Run| state.runs.after(&links, *run);
        let listed = core::iter::successors(state.runs.shortest(&links, 1), next);
        let listed = listed.take(found as usize + 1).count();
        (listed != found as usize)
            .then_some((0, "the list of free runs has an entry that is not a free run"))
    }
}
