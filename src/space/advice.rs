//! Huge pages, extent by extent: what was asked of the source, and when it is asked anew.
//!
//! The system keeps what it was told in its list of mappings, so each place where neighbours differ costs
//! one, and a process may have but 65,530. So an extent that is given back keeps what was said of it until
//! somebody wants it otherwise, and when there are [`MOST_SEAMS`] such places, no more are made: whoever
//! takes an extent then makes do with what it has.

use crate::sync::Ordering;

use super::Space;
use super::extents::Locked;
use super::ranges::Range;

/// In how many places neighbours may differ.
const MOST_SEAMS: u32 = 1024;

impl Space {
    /// Whether huge pages were asked for where this granule lies.
    pub(crate) fn has_huge_pages(&self, granule: u32) -> bool {
        let (extent, _) = self.granule_in_extent(granule);
        self.has_advice(extent)
    }

    fn has_advice(&self, extent: u32) -> bool {
        self.extent(extent).huge_pages.load(Ordering::Relaxed) != 0
    }

    /// Asks for huge pages in extents of the caller's, side by side and committed, or for small ones.
    pub(super) fn advise(&self, first: u32, count: u32, wanted: bool) {
        let differs = |extent: &u32| self.has_advice(*extent) != wanted;
        let end = first + count;
        // Read without the lock: the extents are the caller's, so nobody else changes what is noted of
        // them. Most callers find nothing to do here.
        if !(first..end).any(|extent| differs(&extent)) {
            return;
        }
        let mut extents = self.lock_extents();
        let mut from = first;
        while let Some(start) = (from..end).find(differs) {
            let stop = (start..end).find(|extent| !differs(extent)).unwrap_or(end);
            extents.advise_run(start, stop, wanted);
            from = stop;
        }
    }
}

impl Locked<'_> {
    /// Forgets what was asked for in a range whose addresses are given back.
    pub(super) fn forget_advice(&mut self, range: &Range) {
        // The system forgets the mappings with the addresses: each place inside the range where
        // neighbours differ goes, and so do its two ends.
        let mut before = false;
        for extent in range.known(self.space) {
            let has = self.space.extent(extent).huge_pages.swap(0, Ordering::Relaxed) != 0;
            self.state.seams -= u32::from(has != before);
            before = has;
        }
        self.state.seams -= u32::from(before);
    }

    /// Asks for huge pages, or for small ones, in extents for all of which the other was asked before.
    fn advise_run(&mut self, first: u32, end: u32, wanted: bool) {
        let space = self.space;
        let range = space.range_of(first);
        let known = range.known(space);
        let same = |extent: u32| {
            let has = known.contains(&extent) && space.has_advice(extent);
            has == wanted
        };
        // A neighbour that is the same now will not differ any more, another will.
        let same = u32::from(same(first.wrapping_sub(1))) + u32::from(same(end));
        let seams = self.state.seams + 2 - 2 * same;
        if seams > MOST_SEAMS {
            return;
        }
        let bytes = ((end - first) as usize) << space.extent_shift;
        // SAFETY: committed extents of one range; the advice touches no contents.
        unsafe { space.source.huge_pages(space.extent_start(first), bytes, wanted) };
        self.state.seams = seams;
        for extent in first..end {
            space.extent(extent).huge_pages.store(u8::from(wanted), Ordering::Relaxed);
        }
    }
}
