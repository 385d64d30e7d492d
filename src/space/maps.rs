//! The bitmaps of blocks and the maps of regions' chunks: where they lie, and their memory.
//!
//! Every granule has room for three maps: a bit for each slot of 16 bytes or more; a byte for each of
//! its words, which is also a bit for each smaller slot; a bit for each of its words. What is cut into
//! blocks needs the first, small slots and chunks the others, and large memory none, so a window gets
//! addresses for a sort of map when one of its extents first needs it, and an extent memory for its
//! part of it. What an extent has of them goes back with its own memory; the addresses stay.
//!
//! Where all of a source's addresses were reserved at once, the three are arrays over all granules.
//! Where they are reserved in steps, the maps of several windows are reserved at a time. Chunks of several
//! extents want maps that are one piece of memory: there they have a range of their own.

use core::ptr::NonNull;

use crate::error::{AllocError, AllocErrorKind};
use crate::sync::{AtomicPtr, AtomicU64, Ordering};

use super::Space;
use super::map::WINDOW_GRANULES;
use super::map::{ExtentDesc, GRANULE, Stale};

/// Bitmap bytes per granule for slots of 16 bytes and above.
const NARROW: usize = GRANULE / 16 / 8;
/// The same for smaller ones: as many bytes as a granule has words of 8 bytes.
const WIDE: usize = GRANULE / 8;
/// Bitmap bytes per granule for the words of a region's chunk.
const WORDS: usize = GRANULE / 8 / 8;

/// For how many windows maps are reserved at a time.
const WINDOWS_AT_ONCE: usize = 16;

/// A sort of map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Map {
    /// A bit for each slot of 16 bytes and above.
    Narrow,
    /// A bit for each smaller slot, or a byte for each word of a chunk.
    Wide,
    /// A bit for each word of a chunk.
    Words,
}

impl Map {
    /// All sorts.
    pub(super) const ALL: [Self; 3] = [Self::Narrow, Self::Wide, Self::Words];

    /// The bytes of it for a granule.
    pub(super) const fn bytes(self) -> usize {
        match self {
            Self::Narrow => NARROW,
            Self::Wide => WIDE,
            Self::Words => WORDS,
        }
    }

    /// The bytes of it for a window, whole pages.
    fn window_bytes(self, page: usize) -> usize {
        (WINDOW_GRANULES as usize * self.bytes()).next_multiple_of(page)
    }

    /// The flag of an extent that has it.
    const fn flag(self) -> u8 {
        1 << self as u8
    }
}

/// Addresses of maps that no window has yet.
#[derive(Debug)]
pub(super) struct Pool {
    next: AtomicPtr<u8>,
    left: usize,
}

impl Pool {
    pub(super) const fn new() -> Self {
        Self { next: AtomicPtr::new(core::ptr::null_mut()), left: 0 }
    }

    /// Addresses for a window's map of this sort, reserved now if there are none.
    fn take(&mut self, space: &Space, bytes: usize) -> Result<NonNull<u8>, AllocError> {
        if self.left < bytes {
            let page = space.page_size();
            let refused = AllocError::new(AllocErrorKind::AddressSpace);
            let many = WINDOWS_AT_ONCE * bytes;
            // Where addresses are short, those for one window will do.
            let (start, size) = match space.source.reserve(many, page) {
                Ok(start) => (start, many),
                Err(_) => (space.source.reserve(bytes, page).map_err(|_| refused)?, bytes),
            };
            *self.next.get_mut() = start.as_ptr();
            self.left = size;
        }
        self.left -= bytes;
        let start = *self.next.get_mut();
        *self.next.get_mut() = start.wrapping_add(bytes);
        NonNull::new(start).ok_or(AllocError::new(AllocErrorKind::AddressSpace))
    }
}

impl Space {
    /// Where the part of a map is that belongs to a granule, in a window that has that map.
    ///
    /// # Safety
    ///
    /// The granule's extent has the map.
    #[inline]
    unsafe fn map_of(&self, granule: u32, map: Map) -> NonNull<u8> {
        let position = granule & (WINDOW_GRANULES - 1);
        let window = self.known_window(granule / WINDOW_GRANULES);
        let start = window.map(map).load(Ordering::Relaxed);
        // SAFETY: a window's map has room for each of its granules, and is not at null (contract).
        unsafe { NonNull::new_unchecked(start.add(position as usize * map.bytes())) }
    }

    /// Where the bitmap of the block which starts at `granule` is.
    ///
    /// # Safety
    ///
    /// The block's granules are in one extent, which has the map.
    #[inline]
    pub(crate) unsafe fn bitmap(&self, granule: u32, map: Map) -> NonNull<AtomicU64> {
        // SAFETY: passed on. Maps begin on a page, and the part of a granule is whole words.
        unsafe { self.map_of(granule, map) }.cast()
    }

    /// Zeroes the bitmap of a granule if it may hold old contents.
    ///
    /// # Safety
    ///
    /// The caller has just taken the granule, in an extent that has the map.
    #[inline]
    pub(crate) unsafe fn clean_bitmap(&self, granule: u32, map: Map) {
        let which = if map == Map::Wide { Stale::Wide } else { Stale::Narrow };
        let desc = self.granule(granule);
        if !desc.is_stale(which) {
            return;
        }
        // SAFETY: passed on.
        let bitmap = unsafe { self.bitmap(granule, map) };
        // SAFETY: the granule's own bitmap, committed and in nobody's use.
        unsafe { bitmap.cast::<u8>().write_bytes(0, map.bytes()) };
        desc.set_stale(which, false);
    }

    /// Sees to it that an extent in use has a map. The caller holds the lock of whoever holds the
    /// extent, and not that of the extents.
    #[inline]
    pub(crate) fn ensure_map(&self, extent: u32, map: Map) -> Result<(), AllocError> {
        if self.extent(extent).maps.load(Ordering::Relaxed) & map.flag() != 0 {
            return Ok(());
        }
        self.commit_maps(extent, 1, map)
    }

    /// Gives extents side by side a map each.
    #[cold]
    fn commit_maps(&self, first: u32, count: u32, map: Map) -> Result<(), AllocError> {
        let mut extents = self.extents.lock();
        for extent in first..first + count {
            let (window, _) = self.extent_in_window(extent);
            let place = self.known_window(window).map(map);
            if place.load(Ordering::Relaxed).is_null() {
                let bytes = map.window_bytes(self.page_size());
                let start = extents.pools[map as usize].take(self, bytes)?;
                place.store(start.as_ptr(), Ordering::Relaxed);
            }
        }
        // Windows of which several are asked for have maps that lie side by side.
        let (start, bytes) = self.part(first, count, map);
        let page = self.page_size();
        let before = start.addr().get() % page;
        // SAFETY: maps begin on a page.
        let start = unsafe { start.sub(before) };
        let bytes = (before + bytes).next_multiple_of(page);
        // SAFETY: addresses of maps; what is committed keeps its contents.
        unsafe { self.source.commit(start, bytes) }
            .map_err(|_| AllocError::new(AllocErrorKind::Commit))?;
        for extent in first..first + count {
            self.extent(extent).maps.fetch_or(map.flag(), Ordering::Relaxed);
        }
        Ok(())
    }

    /// Where the map of so many extents lies, in windows that have addresses for it, and how long it is.
    fn part(&self, first: u32, count: u32, map: Map) -> (NonNull<u8>, usize) {
        let per_extent = self.granules_per_extent();
        // SAFETY: their windows have the map.
        let start = unsafe { self.map_of(first * per_extent, map) };
        (start, (count * per_extent) as usize * map.bytes())
    }

    /// Gives the memory of an unused extent's maps back. What is not needed of them is all zero or known
    /// to be stale, so nothing is lost where this fails. The caller has the lock of the extents.
    pub(super) fn decommit_maps(&self, extent: u32) {
        let (desc, page) = (self.extent(extent), self.page_size());
        for map in Map::ALL {
            if desc.maps.load(Ordering::Relaxed) & map.flag() == 0 {
                continue;
            }
            let (start, bytes) = self.part(extent, 1, map);
            // A page that several extents share stays.
            if start.addr().get() % page != 0 || bytes % page != 0 {
                continue;
            }
            // SAFETY: the extent's own part, in nobody's use.
            if unsafe { self.source.decommit(start, bytes) }.is_ok() {
                // Only where the source has done it: otherwise the old contents stay, and the flags
                // that say so.
                desc.maps.fetch_and(!map.flag(), Ordering::Relaxed);
                self.note_zero(extent, desc, map);
            }
        }
    }

    /// Notes that what there was in a map of an extent is gone.
    fn note_zero(&self, extent: u32, desc: &ExtentDesc, map: Map) {
        let which = match map {
            Map::Narrow => Stale::Narrow,
            Map::Wide => Stale::Wide,
            Map::Words => return,
        };
        desc.maps.fetch_and(!(which as u8), Ordering::Relaxed);
        let per_extent = self.granules_per_extent();
        for granule in extent * per_extent..(extent + 1) * per_extent {
            self.granule(granule).set_stale(which, false);
        }
    }

    /// Where the maps of a region's chunk are that lies at `granule` and is `bytes` long: a byte for each
    /// word of it, and a bit for each word, with whatever is in them. Makes them now.
    ///
    /// The extents belong to the caller, and the caller holds their family's lock.
    pub(super) fn alloc_chunk_maps(
        &self,
        granule: u32,
        bytes: usize,
    ) -> Result<NonNull<AtomicU64>, AllocError> {
        let (first, _) = self.granule_in_extent(granule);
        let count = bytes.div_ceil(self.extent_bytes()) as u32;
        // In steps each window gets addresses for its maps when it first needs them, from anywhere: the
        // maps of two neighbours need not be one piece.
        if count > 1 && self.ranges.grows() {
            return self.reserve_chunk_maps(bytes);
        }
        for map in [Map::Wide, Map::Words] {
            let mut all = first..first + count;
            if all.any(|extent| self.extent(extent).maps.load(Ordering::Relaxed) & map.flag() == 0)
            {
                self.commit_maps(first, count, map)?;
            }
        }
        // SAFETY: its extents have it now.
        Ok(unsafe { self.map_of(granule, Map::Words) }.cast())
    }

    /// The bytes of the two maps of a chunk with maps of its own, whole pages each.
    fn own_maps(&self, bytes: usize) -> (usize, usize) {
        let pages = |bytes: usize| bytes.next_multiple_of(self.page_size());
        (pages(bytes / (GRANULE / WIDE)), pages(bytes / (GRANULE / WORDS)))
    }

    fn reserve_chunk_maps(&self, bytes: usize) -> Result<NonNull<AtomicU64>, AllocError> {
        let (wide, words) = self.own_maps(bytes);
        let start = self
            .source
            .reserve(wide + words, self.page_size())
            .map_err(|_| AllocError::new(AllocErrorKind::AddressSpace))?;
        // SAFETY: reserved just now.
        if unsafe { self.source.commit(start, wide + words) }.is_err() {
            // SAFETY: as above, and used by nobody.
            unsafe { self.source.release(start, wide + words) };
            return Err(AllocError::new(AllocErrorKind::Commit));
        }
        // SAFETY: the second map lies behind the first.
        Ok(unsafe { start.add(wide) }.cast())
    }

    /// The byte map of a chunk whose bitmap is at `bits`.
    ///
    /// # Safety
    ///
    /// The chunk at `granule` is `bytes` long, and `bits` is from [`Self::alloc_chunk_maps`] for it.
    pub(super) unsafe fn chunk_map(
        &self,
        granule: u32,
        bytes: usize,
        bits: NonNull<AtomicU64>,
    ) -> NonNull<u8> {
        if bytes > self.extent_bytes() && self.ranges.grows() {
            // SAFETY: it lies so far before the bits (contract).
            return unsafe { bits.cast::<u8>().sub(self.own_maps(bytes).0) };
        }
        // SAFETY: its extents have it (contract).
        unsafe { self.map_of(granule, Map::Wide) }
    }

    /// Takes the maps of a chunk back.
    ///
    /// # Safety
    ///
    /// As for [`Self::chunk_map`], and nobody uses them any more.
    pub(super) unsafe fn give_chunk_maps(&self, bytes: usize, bits: NonNull<AtomicU64>) {
        if bytes > self.extent_bytes() && self.ranges.grows() {
            let (wide, words) = self.own_maps(bytes);
            // SAFETY: reserved for this chunk, as one range (contract).
            unsafe { self.source.release(bits.cast::<u8>().sub(wide), wide + words) };
        }
    }
}
