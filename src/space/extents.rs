//! Taking whole extents from the reservation and giving them back.
//!
//! An extent is *free* (an address without memory), *warm* (free, its memory still there), or in
//! use. Released extents stay warm for [`DECAY_MILLISECONDS`], because taking memory back from the
//! system costs more than anything else an allocator does. After that everybody who gives a magazine
//! of slots or an extent back, or takes extents that are not warm, returns a small piece to the
//! system, so that nobody has to wait for a large one; who takes warm ones is about to use the others.
//! [`Space::purge`] returns all. Single extents are taken warm ones first, lowest first; runs
//! wherever they fit first.
//!
//! All of it happens under one lock, the last in the lock order (lane, holding, extents).

use core::ptr::NonNull;

use crate::error::{AllocError, AllocErrorKind};
use crate::sync::{Guard, Ordering};

use super::map::{ExtentKind, GRANULE_SHIFT, Stale};
use super::order::NONE;
use super::{KNOWN_STEP, Space};

/// How long a released extent keeps its memory.
pub(crate) const DECAY_MILLISECONDS: u64 = 500;
/// How many granules are returned to the system on the way, at most, where pages are small: that
/// takes the system some ten microseconds. A huge page is returned whole, which takes no longer.
pub(super) const PURGE_STEP: u32 = 2;
/// A released run longer than this many extents is given back at once.
pub(super) const LONGEST_WARM_RUN: u32 = 32;

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
        self.note_due();
    }

    /// Lists an extent as warm since now.
    fn link_warm(&mut self, extent: u32, now: u64) {
        let desc = self.space.extent(extent);
        desc.later.store(NONE, Ordering::Relaxed);
        desc.earlier.store(self.state.latest, Ordering::Relaxed);
        match self.state.latest {
            NONE => self.state.earliest = extent,
            latest => self.space.extent(latest).later.store(extent, Ordering::Relaxed),
        }
        self.state.latest = extent;
        self.make_warm(extent, now);
    }

    /// Lists an extent as warm for so long that it is the first to go.
    fn link_overdue(&mut self, extent: u32) {
        let desc = self.space.extent(extent);
        desc.earlier.store(NONE, Ordering::Relaxed);
        desc.later.store(self.state.earliest, Ordering::Relaxed);
        match self.state.earliest {
            NONE => self.state.latest = extent,
            earliest => self.space.extent(earliest).earlier.store(extent, Ordering::Relaxed),
        }
        self.state.earliest = extent;
        self.make_warm(extent, 0);
    }

    fn make_warm(&mut self, extent: u32, since: u64) {
        let desc = self.space.extent(extent);
        desc.set_kind(ExtentKind::Warm);
        desc.since.store(since, Ordering::Relaxed);
        self.state.warm_count += 1;
        let warm = self.state.warm;
        self.set(warm, extent, true);
        self.note_due();
    }

    /// Writes down when the next warm extent is due to be given back.
    fn note_due(&self) {
        let due = match self.state.earliest {
            NONE => u64::MAX,
            earliest => {
                self.space.extent(earliest).since.load(Ordering::Relaxed) + DECAY_MILLISECONDS
            }
        };
        self.space.purge_due.store(due, Ordering::Relaxed);
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
        let known_bytes = new << self.space.extent_shift;
        self.space.known_bytes.store(known_bytes, Ordering::Release);
        Ok(())
    }

    /// Makes a warm extent whose memory has been given back a free one.
    fn forget_warm(&mut self, extent: u32) {
        let (space, bytes) = (self.space, self.space.extent_bytes());
        let desc = space.extent(extent);
        if desc.huge_pages.swap(0, Ordering::Relaxed) != 0 {
            // SAFETY: within the reservation; the advice touches no contents.
            unsafe { space.source.huge_pages(space.extent_start(extent), bytes, false) };
        }
        // What is not needed of the bitmaps is all zero or known to be stale, so nothing is lost if this
        // fails.
        // SAFETY: the extent's own stride of the bitmaps, in nobody's use.
        let gone = unsafe {
            space.source.decommit(
                space.bitmaps.add(extent as usize * space.bitmap_stride),
                space.bitmap_stride,
            )
        };
        if gone.is_ok() {
            let (desc, per_extent) = (space.extent(extent), space.granules_per_extent());
            desc.stale.store(0, Ordering::Relaxed);
            for granule in extent * per_extent..(extent + 1) * per_extent {
                space.granule(granule).set_stale(Stale::Narrow, false);
                space.granule(granule).set_stale(Stale::Wide, false);
            }
        }
        self.unlink_warm(extent);
        desc.set_kind(ExtentKind::Free);
    }

    /// Gives back a piece of the extent that has been warm the longest, if that is since `before` at
    /// the latest. Returns how many bytes went: 0 where there is no such extent, or the source refuses.
    fn purge_step(&mut self, before: u64) -> usize {
        let (space, extent) = (self.space, self.state.earliest);
        if extent == NONE || space.extent(extent).since.load(Ordering::Relaxed) > before {
            return 0;
        }
        let desc = space.extent(extent);
        let all = u32::MAX >> (32 - space.granules_per_extent());
        let absent = desc.absent.load(Ordering::Relaxed);
        let whole = desc.huge_pages.load(Ordering::Relaxed) != 0;
        let most = if whole { space.granules_per_extent() } else { PURGE_STEP };
        // The granule that was in use last is not absent, so there is one.
        let first = (all & !absent).trailing_zeros().min(space.granules_per_extent() - 1);
        let count = ((all & !absent) >> first).trailing_ones().clamp(1, most);
        let (start, bytes) = (space.extent_start(extent), (count as usize) << GRANULE_SHIFT);
        // SAFETY: within the extent.
        let start = unsafe { start.add((first as usize) << GRANULE_SHIFT) };
        // SAFETY: granules of a warm extent, which is committed and in nobody's use.
        if unsafe { space.source.decommit(start, bytes) }.is_err() {
            return 0;
        }
        let absent = absent | (u32::MAX >> (32 - count)) << first;
        desc.absent.store(absent, Ordering::Relaxed);
        if absent == all {
            self.forget_warm(extent);
        }
        bytes
    }

    /// [`Self::purge_step`] for what has been warm long enough.
    fn purge_overdue(&mut self) {
        let now = self.space.source.milliseconds();
        self.purge_step(now.saturating_sub(DECAY_MILLISECONDS));
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
            extents.purge_overdue();
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

    /// Releases extents in use. They are warm from now on; the memory of a long run is given back at
    /// once, piece by piece.
    ///
    /// # Safety
    ///
    /// The caller took them, and nothing in them is in use any more.
    pub(super) unsafe fn release_extents(&self, first: u32, count: u32) {
        let mut extents = self.lock_extents();
        let (now, long) = (self.source.milliseconds(), count > LONGEST_WARM_RUN);
        for extent in first..first + count {
            let taken = extents.state.taken;
            extents.set(taken, extent, false);
            if long {
                extents.link_overdue(extent);
            } else {
                extents.link_warm(extent, now);
            }
        }
        extents.state.first_word = extents.state.first_word.min(first as usize / 64);
        if long {
            drop(extents);
            // Others may take some of them meanwhile, as they are.
            while self.lock_extents().purge_step(0) != 0 {}
        } else {
            extents.purge_overdue();
        }
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

    /// Gives the memory of warm extents back, the longest free first, until `goal` bytes have gone
    /// or none is left. Returns how many bytes went. The lock is let go of after each piece.
    pub(crate) fn purge(&self, goal: usize) -> usize {
        let mut gone = 0;
        while gone < goal {
            match self.lock_extents().purge_step(u64::MAX) {
                0 => break,
                bytes => gone += bytes,
            }
        }
        gone
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
