//! Taking whole extents from the reservation and giving them back.
//!
//! An extent is *free* (an address without memory), *warm* (free, its memory still there), or in
//! use. Released extents stay warm for [`DECAY_MILLISECONDS`], because taking memory back from the
//! system costs more than anything else an allocator does; after that the next one to take or
//! release an extent gives a few of them back, and [`Space::purge`] gives back all. Single extents
//! are taken warm ones first, lowest first; runs wherever they fit first.
//!
//! All of it happens under one lock, the last in the lock order (lane, holding, extents).

use core::ptr::NonNull;

use crate::error::{AllocError, AllocErrorKind};
use crate::sync::{Guard, Ordering};

use super::map::{ExtentKind, GRANULE_SHIFT};
use super::order::NONE;
use super::{KNOWN_STEP, Space};

/// How long a released extent keeps its memory.
pub(crate) const DECAY_MILLISECONDS: u64 = 500;
/// The most extents that one release or take gives back on the way.
const PURGE_STEP: usize = 4;
/// A released run longer than this many extents is given back at once.
pub(super) const LONGEST_WARM_RUN: u32 = 16;

/// Which extents are in use, and which are warm.
#[derive(Debug)]
pub(super) struct Extents {
    /// One bit per extent: in use.
    taken: NonNull<u64>,
    /// One bit per extent: warm.
    warm: NonNull<u64>,
    /// All words of `taken` before this one are full.
    first_word: usize,
    /// The list of warm extents, longest free first.
    earliest: u32,
    latest: u32,
    warm_count: u32,
}

/// For whom extents are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taker {
    /// Anyone: extents that others have had will do, warm ones best.
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
    pub(super) const fn new(taken: NonNull<u64>, warm: NonNull<u64>) -> Self {
        Self { taken, warm, first_word: 0, earliest: NONE, latest: NONE, warm_count: 0 }
    }
}

/// The extents of a space, with the lock held.
pub(super) struct Locked<'a> {
    space: &'a Space,
    state: Guard<'a, Extents>,
}

impl Locked<'_> {
    fn words(&self) -> usize {
        (self.space.extent_count as usize).div_ceil(64)
    }

    fn word(&self, bits: NonNull<u64>, word: usize) -> u64 {
        debug_assert!(word < self.words());
        // SAFETY: both bitmaps have a bit for each extent, are committed with the header, and are
        // touched only under this lock.
        unsafe { bits.add(word).read() }
    }

    fn set(&mut self, bits: NonNull<u64>, extent: u32, value: bool) {
        let (word, bit) = (extent as usize / 64, 1 << (extent % 64));
        let old = self.word(bits, word);
        // SAFETY: as in `word`.
        unsafe { bits.add(word).write(if value { old | bit } else { old & !bit }) };
    }

    fn is_taken(&self, extent: u32) -> bool {
        self.word(self.state.taken, extent as usize / 64) >> (extent % 64) & 1 != 0
    }

    fn is_warm(&self, extent: u32) -> bool {
        self.word(self.state.warm, extent as usize / 64) >> (extent % 64) & 1 != 0
    }

    /// The lowest warm extent.
    fn lowest_warm(&self) -> Option<u32> {
        if self.state.warm_count == 0 {
            return None;
        }
        (self.state.first_word..self.words()).find_map(|word| {
            let bits = self.word(self.state.warm, word);
            (bits != 0).then(|| word as u32 * 64 + bits.trailing_zeros())
        })
    }

    /// Whether an extent is not to be had.
    fn is_refused(&self, extent: u32, taker: Taker) -> bool {
        self.is_taken(extent)
            || (taker == Taker::Isolated
                && self.space.extent(extent).used.load(Ordering::Relaxed) != 0)
    }

    /// The lowest run of `count` free extents whose first address is a multiple of `align` extents.
    fn lowest_run(&mut self, count: u32, align: u32, taker: Taker) -> Option<u32> {
        while self.state.first_word < self.words()
            && self.word(self.state.taken, self.state.first_word) == u64::MAX
        {
            self.state.first_word += 1;
        }
        let base = self.space.base.addr().get() >> self.space.extent_shift;
        let aligned = |extent: u32| {
            let absolute = (base + extent as usize).checked_next_multiple_of(align as usize)?;
            u32::try_from(absolute - base).ok()
        };
        let mut first = aligned(self.state.first_word as u32 * 64)?;
        'search: loop {
            let end = first.checked_add(count)?;
            if end > self.space.extent_count {
                return None;
            }
            // Extents that were never known are free. The others are looked at from the back, so
            // that one refusal rules out every run it is in.
            for at in (first..end.min(self.space.known())).rev() {
                if self.is_refused(at, taker) {
                    first = aligned(at + 1)?;
                    continue 'search;
                }
            }
            return Some(first);
        }
    }

    fn unlink_warm(&mut self, extent: u32) {
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
        self.state.warm_count -= 1;
        let warm = self.state.warm;
        self.set(warm, extent, false);
    }

    fn link_warm(&mut self, extent: u32, now: u64) {
        let desc = self.space.extent(extent);
        desc.set_kind(ExtentKind::Warm);
        desc.since.store(now, Ordering::Relaxed);
        desc.later.store(NONE, Ordering::Relaxed);
        desc.earlier.store(self.state.latest, Ordering::Relaxed);
        match self.state.latest {
            NONE => self.state.earliest = extent,
            latest => self.space.extent(latest).later.store(extent, Ordering::Relaxed),
        }
        self.state.latest = extent;
        self.state.warm_count += 1;
        let warm = self.state.warm;
        self.set(warm, extent, true);
    }

    /// Commits the descriptors of all extents below `count`.
    fn make_known(&mut self, count: u32) -> Result<(), AllocError> {
        let old = self.space.known() as usize;
        if count as usize <= old {
            return Ok(());
        }
        let new =
            (count as usize).next_multiple_of(KNOWN_STEP).min(self.space.extent_count as usize);
        let page = self.space.page_size;
        let commit = |area: NonNull<u8>, entry: usize| {
            let (from, to) = (old * entry / page * page, (new * entry).next_multiple_of(page));
            // SAFETY: the area has an entry for each extent and ends on a page; pages that were
            // committed before keep their contents.
            unsafe { self.space.source.commit(area.add(from), to - from) }
        };
        let per_extent = self.space.granules_per_extent() as usize;
        commit(self.space.extent_descs.cast(), size_of::<super::ExtentDesc>())
            .and_then(|()| {
                let entry = per_extent * size_of::<super::GranuleDesc>();
                commit(self.space.granule_descs.cast(), entry)
            })
            .map_err(|_| AllocError::new(AllocErrorKind::Commit))?;
        self.space.known.store(new as u32, Ordering::Release);
        Ok(())
    }

    /// Gives the memory of a warm extent back; returns whether the source took it.
    fn purge_one(&mut self, extent: u32) -> bool {
        let (space, bytes) = (self.space, self.space.extent_bytes());
        let desc = space.extent(extent);
        // SAFETY: a warm extent is committed and in nobody's use.
        if unsafe { space.source.decommit(space.extent_start(extent), bytes) }.is_err() {
            return false;
        }
        if desc.huge_pages.swap(0, Ordering::Relaxed) != 0 {
            // SAFETY: within the reservation; the advice touches no contents.
            unsafe { space.source.huge_pages(space.extent_start(extent), bytes, false) };
        }
        // The bitmaps are all zero while no block is carved, so nothing is lost if this fails.
        // SAFETY: the extent's own stride of the bitmaps, in nobody's use.
        let _ = unsafe {
            space.source.decommit(
                space.bitmaps.add(extent as usize * space.bitmap_stride),
                space.bitmap_stride,
            )
        };
        self.unlink_warm(extent);
        desc.set_kind(ExtentKind::Free);
        true
    }

    /// Gives back up to `most` warm extents that were released before `before`.
    fn purge(&mut self, before: u64, most: usize) -> usize {
        let mut purged = 0;
        while purged < most && self.state.earliest != NONE {
            let extent = self.state.earliest;
            if self.space.extent(extent).since.load(Ordering::Relaxed) > before
                || !self.purge_one(extent)
            {
                break;
            }
            purged += 1;
        }
        purged
    }
}

impl Space {
    fn lock_extents(&self) -> Locked<'_> {
        Locked { space: self, state: self.extents.lock() }
    }

    /// Takes `count` extents side by side, the first at an address that is a multiple of `align`
    /// extents. They are committed, with their bitmaps. The caller writes their descriptors and last
    /// their kinds.
    pub(super) fn take_extents(
        &self,
        count: u32,
        align: u32,
        taker: Taker,
    ) -> Result<Taken, AllocError> {
        let mut extents = self.lock_extents();
        let one = count == 1 && align == 1 && taker == Taker::Any;
        let warm = if one { extents.lowest_warm() } else { None };
        if warm.is_none() {
            // Who takes a warm one is about to use the others, perhaps after a rest.
            let now = self.source.milliseconds();
            extents.purge(now.saturating_sub(DECAY_MILLISECONDS), PURGE_STEP);
        }
        let first = match warm {
            Some(extent) => extent,
            None => extents
                .lowest_run(count, align, taker)
                .ok_or(AllocError::new(AllocErrorKind::AddressSpace))?,
        };
        let whole = |extent| self.extent(extent).absent.load(Ordering::Relaxed) == 0;
        if !warm.is_some_and(whole) {
            extents.make_known(first + count)?;
            self.commit_extents(first, count)?;
        }
        Ok(extents.claim(first, count))
    }

    /// Takes the `count` extents from `first` on, if they are all free.
    pub(super) fn take_extents_at(
        &self,
        first: u32,
        count: u32,
        taker: Taker,
    ) -> Result<Taken, AllocError> {
        let refused = AllocError::new(AllocErrorKind::AddressSpace);
        let end = first.checked_add(count).filter(|&end| end <= self.extent_count);
        let end = end.ok_or(refused)?;
        let mut extents = self.lock_extents();
        let known = end.min(self.known());
        if (first..known).any(|extent| extents.is_refused(extent, taker)) {
            return Err(refused);
        }
        extents.make_known(end)?;
        self.commit_extents(first, count)?;
        Ok(extents.claim(first, count))
    }

    fn commit_extents(&self, first: u32, count: u32) -> Result<(), AllocError> {
        let refused = |_| AllocError::new(AllocErrorKind::Commit);
        let bytes = (count as usize) << self.extent_shift;
        // SAFETY: within the reservation; warm extents keep what they have.
        unsafe { self.source.commit(self.extent_start(first), bytes) }.map_err(refused)?;
        // With their bitmaps, whatever becomes of them now: warm extents of a huge allocation are
        // taken one by one as they are.
        let stride = self.bitmap_stride;
        // SAFETY: the extents' own strides of the bitmaps, which lie side by side.
        unsafe {
            let bitmaps = self.bitmaps.add(first as usize * stride);
            self.source.commit(bitmaps, count as usize * stride)
        }
        .map_err(refused)
    }

    /// Releases extents in use. They are warm from now on, or free where the run is long.
    ///
    /// # Safety
    ///
    /// The caller took them, and nothing in them is in use any more.
    pub(super) unsafe fn release_extents(&self, first: u32, count: u32) {
        let mut extents = self.lock_extents();
        let now = self.source.milliseconds();
        for extent in first..first + count {
            let taken = extents.state.taken;
            extents.set(taken, extent, false);
            extents.link_warm(extent, now);
        }
        extents.state.first_word = extents.state.first_word.min(first as usize / 64);
        if count > LONGEST_WARM_RUN {
            for extent in first..first + count {
                if !extents.purge_one(extent) {
                    break;
                }
            }
        } else {
            extents.purge(now.saturating_sub(DECAY_MILLISECONDS), PURGE_STEP);
        }
    }

    /// Gives the memory of warm extents back, the longest free first, until `goal` bytes have gone
    /// or none is left. Returns how many bytes went.
    pub(crate) fn purge(&self, goal: usize) -> usize {
        let most = goal.div_ceil(self.extent_bytes());
        self.lock_extents().purge(u64::MAX, most) * self.extent_bytes()
    }

    /// What is wrong with the extents of this space, if anything: an address, and what.
    pub(crate) fn fault(&self) -> Option<(usize, &'static str)> {
        let extents = self.lock_extents();
        let mut warm = 0;
        for extent in 0..self.known() {
            let kind = self.extent(extent).kind();
            let wrong = |what| Some((self.extent_start(extent).addr().get(), what));
            let unused = matches!(kind, ExtentKind::Free | ExtentKind::Warm);
            // An extent is taken before its new owner has written what it is.
            if !unused && !extents.is_taken(extent) {
                return wrong("an extent in use is listed as free");
            }
            if extents.is_warm(extent) {
                warm += 1;
                if kind != ExtentKind::Warm || extents.is_taken(extent) {
                    return wrong("an extent in use is listed as warm");
                }
            }
        }
        let listed = core::iter::successors(
            (extents.state.earliest != NONE).then_some(extents.state.earliest),
            |&at| {
                let later = self.extent(at).later.load(Ordering::Relaxed);
                (later != NONE).then_some(later)
            },
        );
        let listed = listed.take(warm + 1).count();
        (listed != warm || warm != extents.state.warm_count as usize)
            .then_some((0, "the list of warm extents is damaged"))
    }

    /// Whether huge pages were asked for where this granule lies.
    pub(crate) fn has_huge_pages(&self, granule: u32) -> bool {
        let (extent, _) = self.granule_in_extent(granule);
        self.extent(extent).huge_pages.load(Ordering::Relaxed) != 0
    }

    /// A granule's extent, and its position there.
    pub(crate) fn granule_in_extent(&self, granule: u32) -> (u32, u32) {
        (granule >> (self.extent_shift - GRANULE_SHIFT), granule & (self.granules_per_extent() - 1))
    }
}

impl Locked<'_> {
    /// Marks committed extents as taken.
    fn claim(&mut self, first: u32, count: u32) -> Taken {
        let mut fresh = true;
        for extent in first..first + count {
            if self.is_warm(extent) {
                self.unlink_warm(extent);
                fresh = false;
            }
            let taken = self.state.taken;
            self.set(taken, extent, true);
            self.space.extent(extent).absent.store(0, Ordering::Relaxed);
            self.space.extent(extent).used.store(1, Ordering::Relaxed);
        }
        Taken { first, fresh }
    }
}
