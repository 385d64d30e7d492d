//! The reservation: one range of addresses from a page source, and the map of what is where.
//!
//! ```text
//! base                                                                                  base + size
//! | extent 0 | extent 1 | ...            | header | extent  | granule | bitmaps: per extent     |
//! | 2 MiB    |          |                | taken, | descs   | descs   | 32 x 512 B narrow       |
//! |          |          |                | warm   | 64 B    | 32x64 B | 32 x 8 KiB wide         |
//! |          |          |                |        |         |         | 32 x 1 KiB for chunks   |
//! ```
//!
//! All bookkeeping is out of band and at a fixed ratio to the data, so that finding it is
//! arithmetic, and none of it is touched before its extent is in use. The header and the
//! descriptors of extents that were ever used stay committed, so a query can read them without a
//! lock; bitmaps are committed and given back with their extent.
//!
//! Where address space is short (`RLIMIT_AS`), the reservation is smaller, and where it is below
//! 1 GiB an extent is 256 KiB instead of 2 MiB, so that even a process of 64 MiB has room for a few
//! dozen families. Below 16 MiB, in a buffer on a small machine, an extent is one granule.
//!
//! The modules: [`map`] the descriptors, [`order`] the ordered sets in them, [`extents`] taking and
//! releasing whole extents, [`tables`] the allocator's own memory, [`holding`] what one family
//! holds, [`births`] what comes into being, for a fork to know.

pub(crate) mod births;
pub(crate) mod extents;
pub(crate) mod holding;
pub(crate) mod map;
pub(crate) mod order;
pub(crate) mod tables;

use core::fmt;
use core::ptr::{self, NonNull};

use once_cell::race::OnceRef;

use crate::error::{AllocError, AllocErrorKind};
use crate::os::PageSource;
use crate::sync::{AtomicPtr, AtomicU64, AtomicUsize, Lock, Ordering};

use extents::Extents;
use map::{ExtentDesc, GRANULE, GRANULE_SHIFT, GranuleDesc, Stale};
use tables::Tables;

/// The size of the first reservation asked for; each refusal halves it.
const LARGEST_RESERVATION: usize = 1 << 40;
/// Below this a reservation is not worth having.
const SMALLEST_RESERVATION: usize = 192 << 10;
/// Reservations below this have small extents, ...
const SMALL_RESERVATION: usize = 1 << 30;
/// ... and below this the smallest there can be.
const TINY_RESERVATION: usize = 16 << 20;
const EXTENT_SHIFT: u32 = 21;
const SMALL_EXTENT_SHIFT: u32 = 18;
const TINY_EXTENT_SHIFT: u32 = GRANULE_SHIFT;
/// How many extents' descriptors are committed at a time.
const KNOWN_STEP: usize = 32;
/// Bitmap bytes per granule for slots of 16 bytes and above, and for smaller ones. The latter are as
/// many as a granule has words of 8 bytes.
const NARROW_BITMAP: usize = GRANULE / 16 / 8;
const WIDE_BITMAP: usize = GRANULE / 8;
/// Bitmap bytes per granule for the words of a region's chunk.
pub(crate) const WORD_BITMAP: usize = GRANULE / 8 / 8;

/// The place of a reservation that comes into being at first use.
pub struct SpaceCell {
    source: &'static dyn PageSource,
    space: OnceRef<'static, Space>,
    /// Held while the space is reserved.
    reserving: Lock<()>,
    listing: births::Listing,
}

/// The space over the operating system's pages, which sets use that name no other source.
#[cfg(feature = "std")]
pub static SYSTEM_SPACE: SpaceCell = SpaceCell::new(&crate::os::SYSTEM);

/// The space of a set that names no source.
#[cfg(feature = "std")]
#[doc(hidden)]
#[macro_export]
macro_rules! __system_space {
    () => {
        $crate::__private::SYSTEM_SPACE
    };
}

/// The space of a set that names no source: there is none.
#[cfg(not(feature = "std"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __system_space {
    () => {
        ::core::compile_error!(
            "without its feature `std` famalloc has no pages of its own; name the set's page source: write `#[alloc_family(source = PAGES)]`, where `PAGES` is a `static` such as a `famalloc::FixedBuffer`"
        )
    };
}

/// All spaces that have come into being, newest first.
static SPACES: AtomicPtr<Space> = AtomicPtr::new(ptr::null_mut());

impl SpaceCell {
    /// A space over `source`; nothing is reserved yet.
    #[must_use]
    pub const fn new(source: &'static dyn PageSource) -> Self {
        Self {
            source,
            space: OnceRef::new(),
            reserving: Lock::new(()),
            listing: births::Listing::new(),
        }
    }

    /// The space, reserved now if this is the first use.
    ///
    /// One thread reserves while others wait: where addresses are short, two reservations at once
    /// would leave each of them half of what there is.
    pub(crate) fn get(&'static self) -> Result<&'static Space, AllocError> {
        if let Some(space) = self.space.get() {
            return Ok(space);
        }
        self.list();
        let _reserving = self.reserving.lock();
        self.space.get_or_try_init(|| {
            let space = Space::reserve(self.source)?;
            #[cfg(feature = "std")]
            space.hold_newborn();
            space.publish();
            Ok(space)
        })
    }
}

impl fmt::Debug for SpaceCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpaceCell").field("reserved", &self.space.get().is_some()).finish()
    }
}

/// One reservation and everything that is known about it.
pub(crate) struct Space {
    pub(crate) source: &'static dyn PageSource,
    base: NonNull<u8>,
    /// All of the reservation, bookkeeping included.
    size: usize,
    extent_count: u32,
    pub(crate) extent_shift: u32,
    page_size: usize,
    extent_descs: NonNull<ExtentDesc>,
    granule_descs: NonNull<GranuleDesc>,
    bitmaps: NonNull<u8>,
    /// Bitmap bytes per extent, whole pages.
    bitmap_stride: usize,
    /// Extents that end before this many bytes from the base have committed descriptors.
    known_bytes: AtomicUsize,
    extents: Lock<Extents>,
    /// When the next warm extent is due to be given back; `u64::MAX` for never. A hint.
    purge_due: AtomicU64,
    tables: Lock<Tables>,
    next: AtomicPtr<Space>,
}

// SAFETY: the pointers are to the reservation, which lives as long as the process; what they lead
// to is atomics, or is touched only under the locks beside them.
unsafe impl Send for Space {}
// SAFETY: as above.
unsafe impl Sync for Space {}

/// Where each part of a reservation starts, in bytes from its base.
struct Plan {
    extent_count: usize,
    header: usize,
    taken: usize,
    warm: usize,
    extent_descs: usize,
    granule_descs: usize,
    bitmaps: usize,
    bitmap_stride: usize,
    end: usize,
}

impl Plan {
    fn new(extent_count: usize, extent_shift: u32, page: usize) -> Self {
        let granules = 1 << (extent_shift - GRANULE_SHIFT);
        let bits = extent_count.div_ceil(64) * 8;
        let header = extent_count << extent_shift;
        let taken = header + size_of::<Space>().next_multiple_of(64);
        let warm = taken + bits;
        let extent_descs = (warm + bits).next_multiple_of(page);
        let granule_descs =
            (extent_descs + extent_count * size_of::<ExtentDesc>()).next_multiple_of(page);
        let bitmaps = (granule_descs + extent_count * granules * size_of::<GranuleDesc>())
            .next_multiple_of(page);
        let bitmap_stride =
            (granules * (NARROW_BITMAP + WIDE_BITMAP + WORD_BITMAP)).next_multiple_of(page);
        let end = bitmaps + extent_count * bitmap_stride;
        Self {
            extent_count,
            header,
            taken,
            warm,
            extent_descs,
            granule_descs,
            bitmaps,
            bitmap_stride,
            end,
        }
    }

    /// The plan with the most extents that fits `size` bytes.
    fn fitting(size: usize, extent_shift: u32, page: usize) -> Self {
        let mut extent_count = size >> extent_shift;
        loop {
            let plan = Self::new(extent_count, extent_shift, page);
            if plan.end <= size {
                return plan;
            }
            // An extent adds less than the average, in which what is there only once is contained:
            // so this takes no more away than it must.
            let average = plan.end.div_ceil(extent_count.max(1));
            extent_count = extent_count.saturating_sub(((plan.end - size) / average).max(1));
        }
    }
}

impl Space {
    /// Reserves as much as `source` will give, and lays it out.
    fn reserve(source: &'static dyn PageSource) -> Result<&'static Self, AllocError> {
        let mut size = LARGEST_RESERVATION;
        while size >= SMALLEST_RESERVATION {
            let (extent_shift, least) = match size {
                0..TINY_RESERVATION => (TINY_EXTENT_SHIFT, SMALLEST_RESERVATION),
                TINY_RESERVATION..SMALL_RESERVATION => (SMALL_EXTENT_SHIFT, TINY_RESERVATION),
                _ => (EXTENT_SHIFT, SMALL_RESERVATION),
            };
            let page = source.page_size();
            let largest = source.largest_range(1 << extent_shift) & !(page - 1);
            if largest < size {
                // With smaller extents less is lost to alignment.
                size = if largest >= least { largest } else { least - page };
                continue;
            }
            if let Ok(base) = source.reserve(size, 1 << extent_shift) {
                // SAFETY: reserved just now with this size and alignment.
                let space = unsafe { Self::lay_out(source, base, size, extent_shift) };
                if space.is_err() {
                    // SAFETY: as above; nothing refers to it.
                    unsafe { source.release(base, size) };
                }
                return space;
            }
            size = (size / 2) & !(page - 1);
        }
        Err(AllocError::new(AllocErrorKind::AddressSpace))
    }

    /// # Safety
    ///
    /// `base` is a fresh reservation of `size` bytes, aligned to an extent.
    unsafe fn lay_out(
        source: &'static dyn PageSource,
        base: NonNull<u8>,
        size: usize,
        extent_shift: u32,
    ) -> Result<&'static Self, AllocError> {
        let page_size = source.page_size();
        let plan = Plan::fitting(size, extent_shift, page_size);
        // SAFETY: every offset of a fitting plan is within the reservation.
        let at = |offset: usize| unsafe { base.add(offset) };
        // SAFETY: the header's pages lie within the reservation: the descriptors begin on a page.
        unsafe { source.commit(at(plan.header), plan.extent_descs - plan.header) }
            .map_err(|_| AllocError::new(AllocErrorKind::Commit))?;
        let space = at(plan.header).cast::<Self>();
        // SAFETY: just committed, zero, large enough, aligned to an extent.
        unsafe {
            space.write(Self {
                source,
                base,
                size,
                extent_count: plan.extent_count as u32,
                extent_shift,
                page_size,
                extent_descs: at(plan.extent_descs).cast(),
                granule_descs: at(plan.granule_descs).cast(),
                bitmaps: at(plan.bitmaps),
                bitmap_stride: plan.bitmap_stride,
                known_bytes: AtomicUsize::new(0),
                extents: Lock::new(Extents::new(at(plan.taken).cast(), at(plan.warm).cast())),
                purge_due: AtomicU64::new(u64::MAX),
                tables: Lock::new(Tables::new()),
                next: AtomicPtr::new(ptr::null_mut()),
            });
        }
        // SAFETY: written just now, and never moved or freed once published.
        Ok(unsafe { space.as_ref() })
    }

    /// Adds this space to the list of all.
    fn publish(&'static self) {
        let ours = ptr::from_ref(self).cast_mut();
        let mut head = SPACES.load(Ordering::Acquire);
        loop {
            self.next.store(head, Ordering::Relaxed);
            match SPACES.compare_exchange_weak(head, ours, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return,
                Err(newer) => head = newer,
            }
        }
    }

    /// All spaces.
    pub(crate) fn all() -> impl Iterator<Item = &'static Self> {
        let mut next = SPACES.load(Ordering::Acquire);
        core::iter::from_fn(move || {
            // SAFETY: published spaces live as long as the process.
            let space = unsafe { next.as_ref() }?;
            next = space.next.load(Ordering::Relaxed);
            Some(space)
        })
    }

    /// Whether the address lies in this reservation, data or bookkeeping.
    pub(crate) fn contains(&self, address: usize) -> bool {
        address.wrapping_sub(self.base.addr().get()) < self.size
    }

    /// How far into the data `address` lies; `None` outside.
    pub(crate) fn offset_of(&self, address: usize) -> Option<usize> {
        let offset = address.wrapping_sub(self.base.addr().get());
        (offset < (self.extent_count as usize) << self.extent_shift).then_some(offset)
    }

    /// The address of a granule.
    pub(crate) fn granule_start(&self, granule: u32) -> NonNull<u8> {
        debug_assert!(granule >> (self.extent_shift - GRANULE_SHIFT) < self.extent_count);
        // SAFETY: granule indices are below the data's end.
        unsafe { self.base.add((granule as usize) << GRANULE_SHIFT) }
    }

    /// The address of an extent.
    pub(crate) fn extent_start(&self, extent: u32) -> NonNull<u8> {
        debug_assert!(extent < self.extent_count);
        // SAFETY: extent indices are below the data's end.
        unsafe { self.base.add((extent as usize) << self.extent_shift) }
    }

    /// The bytes of an extent.
    pub(crate) fn extent_bytes(&self) -> usize {
        1 << self.extent_shift
    }

    /// The granules of an extent.
    pub(crate) fn granules_per_extent(&self) -> u32 {
        1 << (self.extent_shift - GRANULE_SHIFT)
    }

    /// Extents below this index have descriptors.
    pub(crate) fn known(&self) -> u32 {
        (self.known_bytes.load(Ordering::Acquire) >> self.extent_shift) as u32
    }

    pub(crate) fn page_size(&self) -> usize {
        self.page_size
    }

    /// An extent's descriptor.
    #[inline]
    pub(crate) fn extent(&self, extent: u32) -> &ExtentDesc {
        debug_assert!(extent < self.known());
        // SAFETY: descriptors of known extents are committed; all their fields are atomics, for
        // which every bit pattern is valid.
        unsafe { self.extent_descs.add(extent as usize).as_ref() }
    }

    /// A granule's descriptor.
    #[inline]
    pub(crate) fn granule(&self, granule: u32) -> &GranuleDesc {
        debug_assert!(granule >> (self.extent_shift - GRANULE_SHIFT) < self.known());
        // SAFETY: as for extents.
        unsafe { self.granule_descs.add(granule as usize).as_ref() }
    }

    /// Where the bitmap of the block which starts at `granule` is.
    ///
    /// # Safety
    ///
    /// The granule is in an extent that a family holds, and the block's granules are in that
    /// extent too.
    #[inline]
    pub(crate) unsafe fn bitmap(&self, granule: u32, wide: bool) -> NonNull<AtomicU64> {
        let (extent, granule) = self.granule_in_extent(granule);
        let in_extent = if wide {
            self.granules_per_extent() as usize * NARROW_BITMAP + granule as usize * WIDE_BITMAP
        } else {
            granule as usize * NARROW_BITMAP
        };
        debug_assert!(in_extent < self.bitmap_stride);
        // SAFETY: within the bitmap area, which has a stride for each extent.
        unsafe { self.bitmaps.add(extent as usize * self.bitmap_stride + in_extent) }.cast()
    }
}

impl Space {
    /// Zeroes the bitmap of a granule if it may hold old contents.
    ///
    /// # Safety
    ///
    /// The caller has just taken the granule, in an extent that a family holds.
    #[inline]
    pub(crate) unsafe fn clean_bitmap(&self, granule: u32, which: Stale) {
        let desc = self.granule(granule);
        if !desc.is_stale(which) {
            return;
        }
        let wide = which == Stale::Wide;
        let bytes = if wide { WIDE_BITMAP } else { NARROW_BITMAP };
        // SAFETY: passed on.
        let bitmap = unsafe { self.bitmap(granule, wide) };
        // SAFETY: the granule's own bitmap, committed with its extent and in nobody's use.
        unsafe { bitmap.cast::<u8>().write_bytes(0, bytes) };
        desc.set_stale(which, false);
    }

    /// Where the maps of a region's chunk are, with whatever is in them: a byte for each word of it, and
    /// a bit for each word. For a run of granules those are their own; whole extents are seen as one piece
    /// of memory, since theirs lie side by side.
    ///
    /// # Safety
    ///
    /// The chunk starts at `granule`; a family holds it, and it is so many whole extents, or granules of
    /// one if that is 0.
    pub(crate) unsafe fn chunk_maps(
        &self,
        granule: u32,
        whole_extents: usize,
    ) -> (NonNull<u8>, NonNull<AtomicU64>) {
        let (_, position) = self.granule_in_extent(granule);
        let per_extent = self.granules_per_extent() as usize;
        // SAFETY: passed on.
        let bytes = unsafe { self.bitmap(granule, whole_extents == 0) }.cast::<u8>();
        let behind = match whole_extents {
            // The wide bitmaps of the granules before it lie behind those of the narrow ones.
            0 => {
                let position = position as usize;
                (per_extent - position) * WIDE_BITMAP + position * WORD_BITMAP
            }
            extents => extents * per_extent * WIDE_BITMAP,
        };
        // SAFETY: within the strides of its extents, which have room for both.
        let bits = unsafe { bytes.add(behind) };
        (bytes, bits.cast())
    }
}

impl fmt::Debug for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Space")
            .field("base", &self.base)
            .field("bytes", &self.size)
            .field("extents", &self.extent_count)
            .field("known", &self.known())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plan_fits_and_wastes_less_than_two_extents() {
        let halves =
            [(40, 21), (36, 21), (30, 21), (29, 18), (25, 18), (23, 16), (20, 16), (19, 16)];
        let sizes = halves.map(|(log, shift)| (1usize << log, shift));
        let odd = [(SMALLEST_RESERVATION, 16), ((1 << 20) - 4096, 16), (777 << 16, 18)];
        for (size, shift) in sizes.into_iter().chain(odd) {
            for page in [4096, 65_536] {
                let plan = Plan::fitting(size, shift, page);
                assert!(plan.end <= size && (plan.extent_count > 0 || page > 4096));
                let more = Plan::new(plan.extent_count + 2, shift, page);
                assert!(more.end > size, "{size}: room for two more was left");
                for part in [plan.header, plan.extent_descs, plan.granule_descs, plan.bitmaps] {
                    assert_eq!(part % page, 0);
                }
                assert_eq!(plan.taken % 64, 0);
            }
        }
    }
}
