//! Taking whole extents from the reservation and giving them back.
//!
//! An extent is *free* (an address without memory), *dirty* (free, its memory still there), or in
//! use. Released extents stay dirty for the [purge delay](crate::options), because taking memory back from the
//! system costs more than anything else an allocator does. After that everybody who gives a magazine
//! of slots or an extent back, or takes extents that are not dirty, returns a small piece to the
//! system, so that nobody has to wait for a large one. A thread that takes dirty ones does not: it is
//! about to use the others.
//! [`Space::purge`] returns all, and the memory of a long run goes when it is released: as much as lies
//! side by side in one call. Single extents are taken dirty ones first, lowest first; runs wherever
//! they fit first.
//!
//! All of it happens under one lock, the last in the lock order (lane, family heap, extents).

use crate::error::{AllocError, AllocErrorKind};
use crate::options;
use crate::sync::{Guard, Ordering};

use super::Space;
use super::map::{ExtentKind, GRANULE_SHIFT};
use super::maps::Pool;
use super::order::NONE;
use super::ranges::Range;

/// How many granules are returned to the system on the way, at most, where pages are small: that
/// takes the system some ten microseconds. A huge page is returned whole, which takes no longer.
pub(super) const PURGE_STEP: u32 = 2;
/// A released run longer than this many extents is given back at once.
pub(super) const LONGEST_DIRTY_RUN: u32 = 32;

/// What the lock of the extents guards, beside the bits of the ranges.
#[derive(Debug)]
pub(super) struct Extents {
    /// The list of dirty extents, longest free first.
    earliest: u32,
    latest: u32,
    /// Addresses for maps, of each sort.
    pub(super) pools: [Pool; 3],
    /// How many extents all ranges have.
    pub(super) reserved: u32,
    /// In how many places neighbours differ in whether huge pages were asked for.
    pub(super) seams: u32,
}

/// For whom extents are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taker {
    /// Anyone: extents that others have had will do, dirty ones best.
    Any,
    /// An isolated family: extents that nobody ever had.
    Isolated,
}

/// An extent or a run of them, just taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    pub(crate) first: u32,
    /// Whether its memory is known to be zero.
    pub(crate) fresh: bool,
}

impl Extents {
    pub(super) const fn new() -> Self {
        Self {
            earliest: NONE,
            latest: NONE,
            pools: [const { Pool::new() }; 3],
            reserved: 0,
            seams: 0,
        }
    }
}

/// The extents of a space, with the lock held.
pub(super) struct Locked<'a> {
    pub(super) space: &'a Space,
    pub(super) state: Guard<'a, Extents>,
}

impl Locked<'_> {
    /// The lowest dirty extent.
    fn lowest_dirty(&self) -> Option<u32> {
        if self.state.earliest == NONE {
            return None;
        }
        self.space.ranges.iter().find_map(Range::lowest_dirty)
    }

    /// Whether an extent is not to be had.
    fn is_refused(&self, range: &Range, extent: u32, taker: Taker) -> bool {
        // An extent that is not known was never used, and its descriptor has no memory yet: it must not
        // be read.
        !range.is_free(extent)
            || (taker == Taker::Isolated
                && range.is_known(self.space, extent)
                && self.space.extent(extent).used.load(Ordering::Relaxed) != 0)
    }

    /// The lowest run of `count` free extents whose first address is a multiple of `align` extents.
    fn lowest_run(&self, count: u32, align: u32, taker: Taker) -> Option<u32> {
        self.space.ranges.iter().find_map(|range| self.lowest_run_in(range, count, align, taker))
    }

    fn lowest_run_in(&self, range: &Range, count: u32, align: u32, taker: Taker) -> Option<u32> {
        if range.free_count.load(Ordering::Relaxed) < count {
            return None;
        }
        // Alignment is a matter of the address, not of the extent's number: the span may start at any
        // extent.
        let base = self.space.span >> self.space.extent_shift;
        let aligned = |extent: u32| {
            let absolute = (base + extent as usize).checked_next_multiple_of(align as usize)?;
            u32::try_from(absolute - base).ok()
        };
        let mut first = aligned(range.lowest_free()?)?;
        'search: loop {
            let end = first.checked_add(count).filter(|&end| end <= range.end())?;
            // From the back, so that one refusal rules out every run it is in.
            for at in (first..end).rev() {
                if self.is_refused(range, at, taker) {
                    first = aligned(at + 1)?;
                    continue 'search;
                }
            }
            return Some(first);
        }
    }

    fn unlink_dirty(&mut self, range: &Range, extent: u32) {
        let desc = self.space.extent(extent);
        let earlier = desc.earlier.load(Ordering::Relaxed);
        let later = desc.later.load(Ordering::Relaxed);
        match earlier {
            NONE => self.state.earliest = later,
            _ => self.space.extent(earlier).later.store(later, Ordering::Relaxed),
        }
        match later {
            NONE => self.state.latest = earlier,
            _ => self.space.extent(later).earlier.store(earlier, Ordering::Relaxed),
        }
        range.set_dirty(extent, false);
        self.note_due();
    }

    /// Lists an extent as dirty since now.
    fn link_dirty(&mut self, range: &Range, extent: u32, now: u64) {
        let desc = self.space.extent(extent);
        // At the end, so that the list stays in the order in which extents became free, and its first
        // is the one that is due next.
        desc.later.store(NONE, Ordering::Relaxed);
        desc.earlier.store(self.state.latest, Ordering::Relaxed);
        match self.state.latest {
            NONE => self.state.earliest = extent,
            latest => self.space.extent(latest).later.store(extent, Ordering::Relaxed),
        }
        self.state.latest = extent;
        desc.set_kind(ExtentKind::Dirty);
        desc.since.store(now, Ordering::Relaxed);
        range.set_dirty(extent, true);
        self.note_due();
    }

    /// Writes down when the next dirty extent is due to be given back.
    fn note_due(&self) {
        let due = match self.state.earliest {
            NONE => u64::MAX,
            earliest => {
                let since = self.space.extent(earliest).since.load(Ordering::Relaxed);
                since.saturating_add(options::purge_delay())
            }
        };
        self.space.purge_due.store(due, Ordering::Relaxed);
    }

    /// Makes a dirty extent whose memory has been given back a free one.
    fn forget_dirty(&mut self, range: &Range, extent: u32) {
        // The maps go with the extent's memory and not sooner: as long as it is retained, its next
        // family can use them.
        self.space.decommit_maps(extent);
        self.unlink_dirty(range, extent);
        self.space.extent(extent).set_kind(ExtentKind::Free);
    }

    /// Gives back a piece of the extent that has been dirty the longest, if that is since `before` at
    /// the latest. Returns how many bytes went: 0 where there is no such extent, or the source refuses.
    fn purge_step(&mut self, before: u64) -> usize {
        let (space, extent) = (self.space, self.state.earliest);
        if extent == NONE || space.extent(extent).since.load(Ordering::Relaxed) > before {
            return 0;
        }
        let desc = space.extent(extent);
        let all = u32::MAX >> (32 - space.granules_per_extent());
        // To give back what is absent would cost a call and gain nothing, so the step starts behind it.
        let absent = desc.absent.load(Ordering::Relaxed);
        let whole = desc.huge_pages.load(Ordering::Relaxed) != 0;
        let most = if whole { space.granules_per_extent() } else { PURGE_STEP };
        // The granule that was in use last is not absent, so there is one.
        let first = (all & !absent).trailing_zeros().min(space.granules_per_extent() - 1);
        let count = ((all & !absent) >> first).trailing_ones().clamp(1, most);
        let (start, bytes) = (space.extent_start(extent), (count as usize) << GRANULE_SHIFT);
        // SAFETY: within the extent.
        let start = unsafe { start.add((first as usize) << GRANULE_SHIFT) };
        // SAFETY: granules of a dirty extent, which is committed and in nobody's use.
        if unsafe { space.source.decommit(start, bytes) }.is_err() {
            return 0;
        }
        let absent = absent | (u32::MAX >> (32 - count)) << first;
        desc.absent.store(absent, Ordering::Relaxed);
        // Until nothing is left the extent stays the first of the list, and the next step goes on with
        // it.
        if absent == all {
            self.forget_dirty(space.range_of(extent), extent);
        }
        bytes
    }

    /// Gives back the extent that has been dirty the longest and all dirty ones beside it, in one call, as
    /// long as they are not more than a piece of `most` bytes. Returns how many bytes went.
    fn purge_run(&mut self, most: usize) -> usize {
        let (space, earliest) = (self.space, self.state.earliest);
        if earliest == NONE {
            return 0;
        }
        let range = space.range_of(earliest);
        let most = (most >> space.extent_shift).clamp(1, LONGEST_DIRTY_RUN as usize) as u32;
        let goes = |extent: &u32| range.holds(*extent) && range.is_dirty(*extent);
        // One call for all that lies side by side with the oldest. Some of these are not due yet; to
        // wait for them would cost a call each.
        let before = (0..earliest).rev().take_while(goes).take(most as usize - 1).count() as u32;
        let first = earliest - before;
        let count = (first..).take_while(goes).take(most as usize).count() as u32;
        let bytes = (count as usize) << space.extent_shift;
        // SAFETY: dirty extents of one range, which are committed, but for what of them is absent.
        if unsafe { space.source.decommit(space.extent_start(first), bytes) }.is_err() {
            return 0;
        }
        // What was absent before did not go now. Counted again, it would let a reclaim stop short of
        // its goal.
        let absent = |extent| space.extent(extent).absent.load(Ordering::Relaxed).count_ones();
        let gone: u32 = (first..first + count).map(absent).sum();
        for extent in first..first + count {
            self.forget_dirty(range, extent);
        }
        bytes - ((gone as usize) << GRANULE_SHIFT)
    }

    /// [`Self::purge_step`] for what has been dirty long enough.
    fn purge_overdue(&mut self) {
        let delay = options::purge_delay();
        if delay != options::NEVER {
            self.purge_step(self.space.source.milliseconds().saturating_sub(delay));
        }
    }

    /// Marks committed extents as taken.
    fn claim(&mut self, first: u32, count: u32) -> Taken {
        let range = self.space.range_of(first);
        let mut fresh = true;
        for extent in first..first + count {
            if range.is_dirty(extent) {
                self.unlink_dirty(range, extent);
                fresh = false;
            }
            range.set_free(extent, false);
            self.space.extent(extent).absent.store(0, Ordering::Relaxed);
            // For good: an isolated family does not take it any more (I1).
            self.space.extent(extent).used.store(1, Ordering::Relaxed);
        }
        Taken { first, fresh }
    }
}

impl Space {
    pub(super) fn lock_extents(&self) -> Locked<'_> {
        Locked { space: self, state: self.extents.lock() }
    }

    /// The range of an extent that is known.
    pub(super) fn range_of(&self, extent: u32) -> &'static Range {
        self.known_window(self.extent_in_window(extent).0).range()
    }

    /// Takes `count` extents side by side, the first at an address that is a multiple of `align`
    /// extents. They are committed. The caller writes their descriptors and last their kinds.
    pub(super) fn alloc_extents(
        &self,
        count: u32,
        align: u32,
        taker: Taker,
    ) -> Result<Taken, AllocError> {
        let mut extents = self.lock_extents();
        // Retained extents lie scattered, so they are searched for single ones alone; a run takes those
        // that happen to lie in it.
        let one = count == 1 && align == 1 && taker == Taker::Any;
        let dirty = if one { extents.lowest_dirty() } else { None };
        if dirty.is_none() {
            extents.purge_overdue();
        }
        let first = match dirty.or_else(|| extents.lowest_run(count, align, taker)) {
            Some(first) => first,
            None => extents
                .grow(count, align, taker)
                .and_then(|()| extents.lowest_run(count, align, taker))
                .ok_or(AllocError::new(AllocErrorKind::AddressSpace))?,
        };
        // A retained extent with all of its memory needs no call. Where the source refuses, nothing is
        // marked as taken yet (I6).
        let whole = |extent| self.extent(extent).absent.load(Ordering::Relaxed) == 0;
        if !dirty.is_some_and(whole) {
            self.commit_extents(first, count)?;
        }
        Ok(extents.claim(first, count))
    }

    /// Takes the `count` extents from `first` on, if they are all free, and of the range of the extent
    /// before.
    pub(super) fn alloc_extents_at(
        &self,
        first: u32,
        count: u32,
        taker: Taker,
    ) -> Result<Taken, AllocError> {
        let refused = AllocError::new(AllocErrorKind::AddressSpace);
        // Not beyond this range, even where another begins at its end: a source may insist on getting
        // back what it gave as it gave it.
        let range = self.range_of(first - 1);
        let end = first.checked_add(count).filter(|&end| end <= range.end());
        let end = end.ok_or(refused)?;
        let mut extents = self.lock_extents();
        if (first..end).any(|extent| extents.is_refused(range, extent, taker)) {
            return Err(refused);
        }
        self.commit_extents(first, count)?;
        Ok(extents.claim(first, count))
    }

    /// Commits extents of one range, and makes them known. The caller has the lock.
    fn commit_extents(&self, first: u32, count: u32) -> Result<(), AllocError> {
        let range = self.ranges.iter().find(|range| range.holds(first));
        let range = range.ok_or(AllocError::new(AllocErrorKind::AddressSpace))?;
        range.make_known(self, first + count)?;
        let bytes = (count as usize) << self.extent_shift;
        // SAFETY: within the range; dirty extents keep what they have.
        unsafe { self.source.commit(self.extent_start(first), bytes) }
            .map_err(|_| AllocError::new(AllocErrorKind::Commit))
    }

    /// Releases extents in use. They are dirty from now on; the memory of a long run is given back at
    /// once, by a few calls.
    ///
    /// # Safety
    ///
    /// The caller took them, as one run or as neighbours in one range, and nothing in them is in use any
    /// more.
    pub(super) unsafe fn release_extents(&self, first: u32, count: u32) {
        let mut extents = self.lock_extents();
        let now = self.source.milliseconds();
        let long = match options::purge_delay() {
            0 => true,
            options::NEVER => false,
            _ => count > LONGEST_DIRTY_RUN,
        };
        let range = self.range_of(first);
        // They are in use until then, so nobody waits for the lock while the system is at it.
        if long {
            drop(extents);
            let bytes = (count as usize) << self.extent_shift;
            // SAFETY: committed extents of one range, which nobody uses (contract).
            let gone = unsafe { self.source.decommit(self.extent_start(first), bytes) }.is_ok();
            extents = self.lock_extents();
            if gone {
                for extent in first..first + count {
                    self.decommit_maps(extent);
                    self.extent(extent).set_kind(ExtentKind::Free);
                    range.set_free(extent, true);
                }
                // A process with a limit may need the addresses for other things.
                if self.source.largest_range(self.extent_bytes()) != usize::MAX {
                    extents.vacate();
                }
                return;
            }
        }
        for extent in first..first + count {
            range.set_free(extent, true);
            // A long run comes here, too, where the source has just refused to take it: its memory is
            // still there.
            extents.link_dirty(range, extent, now);
        }
        extents.purge_overdue();
    }

    /// Gives back a piece of what is due to be given back, unless somebody is at it.
    pub(crate) fn purge_on_the_way(&self) {
        let due = self.purge_due.load(Ordering::Relaxed);
        if due == u64::MAX || self.source.milliseconds() < due {
            return;
        }
        if let Some(state) = self.extents.try_lock() {
            Locked { space: self, state }.purge_overdue();
        }
    }

    /// Gives the memory of dirty extents back, the longest free first, until `goal` bytes have gone
    /// or none is left; in the latter case also the addresses of ranges in which nothing is in use.
    /// Returns how many bytes went. Lets the lock go after each piece.
    pub(crate) fn purge(&self, goal: usize) -> usize {
        let mut gone = 0;
        while gone < goal {
            let mut extents = self.lock_extents();
            // Where less than an extent is wanted, pieces: no more goes than was asked for.
            let run = match goal - gone {
                left if left < self.extent_bytes() => 0,
                left => extents.purge_run(left),
            };
            match if run == 0 { extents.purge_step(u64::MAX) } else { run } {
                0 => {
                    extents.vacate();
                    break;
                }
                bytes => gone += bytes,
            }
        }
        gone
    }

    /// What is wrong with the extents of this space, if anything: an address, and what.
    pub(crate) fn fault(&self) -> Option<(usize, &'static str)> {
        let extents = self.lock_extents();
        let (mut dirty, mut end) = (0, 0);
        for range in self.ranges.iter() {
            if range.first < end {
                let start = self.extent_start(range.first).addr().get();
                return Some((start, "two address ranges overlap"));
            }
            end = range.end();
            for extent in range.known(self) {
                let kind = self.extent(extent).kind();
                let wrong = |what| Some((self.extent_start(extent).addr().get(), what));
                let unused = matches!(kind, ExtentKind::Free | ExtentKind::Dirty);
                // An extent is taken before its new owner has written what it is.
                if !unused && range.is_free(extent) {
                    return wrong("an extent in use is listed as free");
                }
                if range.is_dirty(extent) {
                    dirty += 1;
                    if kind != ExtentKind::Dirty || !range.is_free(extent) {
                        return wrong("an extent in use is listed as retained");
                    }
                }
            }
            if let Some(what) = range.fault() {
                return Some((self.extent_start(range.first).addr().get(), what));
            }
        }
        let listed = core::iter::successors(
            (extents.state.earliest != NONE).then_some(extents.state.earliest),
            |&at| {
                let later = self.extent(at).later.load(Ordering::Relaxed);
                (later != NONE).then_some(later)
            },
        );
        let listed = listed.take(dirty + 1).count();
        (listed != dirty).then_some((0, "the list of retained extents is damaged"))
    }

    /// A granule's extent, and its position there.
    pub(crate) fn granule_in_extent(&self, granule: u32) -> (u32, u32) {
        (granule >> (self.extent_shift - GRANULE_SHIFT), granule & (self.granules_per_extent() - 1))
    }
}
