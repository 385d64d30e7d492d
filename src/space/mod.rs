//! The space: the addresses that a page source gives, and the map of what is where.
//!
//! All bookkeeping is out of band and at a fixed ratio to the data, and none of it is touched before its
//! extent is in use. The descriptors of extents that were ever used stay committed, so a query can
//! read them without a lock; bitmaps are committed and given back with their extent.
//!
//! From the operating system addresses come in steps, a first range of 64 MiB and further ones as they
//! are needed, and anywhere in a span of 1 TiB, over which there is a table with a word for each 2 MiB.
//! Until 2026-11 a whole TiB was reserved at once: then a process that limited its address space later
//! (`RLIMIT_AS`) could map nothing any more, and one that had been limited before could use 43 % of it. A
//! source of a program's own is asked once, for all it has, unless it says otherwise
//! ([`PageSource::in_steps`]).
//!
//! Where address space is short, below 1 GiB, an extent is 256 KiB instead of 2 MiB, so that even a process
//! of 64 MiB has room for a few dozen families. Below 16 MiB, in a buffer on a small machine, an extent is
//! one granule.
//!
//! The modules: [`map`] the descriptors, [`window`] how they are found, [`owner_tags`] what freeing needs to know,
//! [`ranges`] what was reserved, [`reserved`] what may yet be given back, [`plan`] the layout of what is reserved
//! at once, [`maps`] the bitmaps, [`order`] the ordered sets, [`extents`] taking and releasing whole extents,
//! [`advice`] huge pages, [`tables`] the allocator's own memory, [`family_heap`] what one family holds, [`registry`]
//! what comes into being, for a fork to know.

mod advice;
pub(crate) mod extents;
pub(crate) mod family_heap;
pub(crate) mod map;
pub(crate) mod maps;
pub(crate) mod order;
pub(crate) mod owner_tags;
mod plan;
pub(crate) mod provenance;
mod ranges;
pub(crate) mod registry;
mod reserved;
pub(crate) mod tables;
pub(crate) mod window;

use core::fmt;
use core::ptr::{self, NonNull};

use crate::error::AllocError;
use crate::os::PageSource;
use crate::sync::{AtomicPtr, AtomicU64, First, Lock, Ordering};

use extents::Extents;
use map::GRANULE_SHIFT;
use map::{WINDOW_GRANULES, WINDOW_SHIFT};
use owner_tags::OwnerTags;
use ranges::Ranges;
use tables::Tables;
use window::Window;

/// How many addresses the table of a space covers whose ranges are reserved in steps.
const SPAN: usize = 1 << 40;
/// The same where address space is short.
const SMALL_SPAN: usize = 1 << 36;
/// Where there is less address space than this, extents are small.
const SMALL_RESERVATION: usize = 1 << 30;
/// Where there is less than this, all of it is reserved at once.
const LEAST_IN_STEPS: usize = 64 << 20;
const EXTENT_SHIFT: u32 = 21;
const SMALL_EXTENT_SHIFT: u32 = 18;

/// The place of a reservation that comes into being at first use.
pub struct SpaceCell {
    source: &'static dyn PageSource,
    space: First<Space>,
    /// Held while the space is reserved.
    reserving: Lock<()>,
    listing: registry::Listing,
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
            "without its feature `std` famalloc has no page source of its own; name one for the set: write `#[alloc_family(source = PAGES)]`, where `PAGES` is a `static` page source such as a `famalloc::FixedBuffer`"
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
            space: First::new(),
            reserving: Lock::new(()),
            listing: registry::Listing::new(),
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
        // Before anything is locked here: a fork goes by the list to find this place's lock.
        self.list();
        let _reserving = self.reserving.lock();
        if let Some(space) = self.space.get() {
            return Ok(space);
        }
        let space = Space::reserve(self.source)?;
        #[cfg(feature = "std")]
        space.lock_newborn();
        // Before any set has it: an address of it is looked for in this list from its first allocation
        // on.
        space.publish();
        Ok(self.space.get_or_set(space))
    }
}

impl fmt::Debug for SpaceCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpaceCell").field("reserved", &self.space.get().is_some()).finish()
    }
}

/// The addresses of one source, and everything that is known about them.
pub(crate) struct Space {
    pub(crate) source: &'static dyn PageSource,
    /// The first address that the table covers, and how many it does.
    span: usize,
    span_bytes: usize,
    /// One entry for each window of the span: what is known about it, or null.
    table: NonNull<AtomicPtr<Window>>,
    tags: OwnerTags,
    pub(crate) extent_shift: u32,
    page_size: usize,
    ranges: Ranges,
    /// Where everything was reserved at once, the maps of each sort.
    maps: Option<[NonNull<u8>; 3]>,
    extents: Lock<Extents>,
    /// When the next dirty extent is due to be given back; `u64::MAX` for never. A hint.
    purge_due: AtomicU64,
    tables: Lock<Tables>,
    next: AtomicPtr<Space>,
}

// SAFETY: the pointers are to memory of the source's that lives as long as the process; what they lead
// to is atomics, or is touched only under the locks beside them.
unsafe impl Send for Space {}
// SAFETY: as above.
unsafe impl Sync for Space {}

impl Space {
    /// Reserves what is needed for a start, or all there is.
    fn reserve(source: &'static dyn PageSource) -> Result<&'static Self, AllocError> {
        let most = source.largest_range(1 << WINDOW_SHIFT);
        if source.in_steps() && most >= LEAST_IN_STEPS {
            let (extent_shift, span) = match most {
                0..SMALL_RESERVATION => (SMALL_EXTENT_SHIFT, SMALL_SPAN),
                _ => (EXTENT_SHIFT, SPAN),
            };
            return Self::reserve_in_steps(source, most, extent_shift, span);
        }
        Self::reserve_at_once(source)
    }

    /// A space without a range. The table has an entry for each window, all null.
    fn new(
        source: &'static dyn PageSource,
        span: usize,
        span_bytes: usize,
        extent_shift: u32,
        table: NonNull<AtomicPtr<Window>>,
        tags: OwnerTags,
        maps: Option<[NonNull<u8>; 3]>,
    ) -> Self {
        Self {
            source,
            span,
            span_bytes,
            table,
            tags,
            extent_shift,
            page_size: source.page_size(),
            ranges: Ranges::new(maps.is_none()),
            maps,
            extents: Lock::new(Extents::new()),
            purge_due: AtomicU64::new(u64::MAX),
            tables: Lock::new(Tables::new()),
            next: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// Makes a window known, the one with this number in its range. The caller has the lock of the
    /// extents, and has written its start and range.
    fn enter_window(&self, window: u32, in_range: u32, description: NonNull<Window>) {
        if let Some(maps) = self.maps {
            for map in maps::Map::ALL {
                let before = in_range as usize * WINDOW_GRANULES as usize * map.bytes();
                // SAFETY: where all was reserved at once, there is room for the maps of each granule.
                let start = unsafe { maps[map as usize].add(before) };
                // SAFETY: committed, and known to nobody yet.
                let description = unsafe { description.as_ref() };
                description.maps[map as usize].store(start.as_ptr(), Ordering::Relaxed);
            }
        }
        debug_assert!(window < self.windows());
        // SAFETY: the table has an entry for each window of the span.
        let entry = unsafe { self.table.add(window as usize).as_ref() };
        // Release: look-ups read the table without a lock, and must find the window described.
        entry.store(description.as_ptr(), Ordering::Release);
    }

    /// How many windows the span has.
    fn windows(&self) -> u32 {
        self.span_bytes.div_ceil(1 << WINDOW_SHIFT) as u32
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

    /// Whether the address lies in one of this space's ranges.
    pub(crate) fn contains(&self, address: usize) -> bool {
        self.offset_of(address).is_some_and(|offset| {
            let extent = (offset >> self.extent_shift) as u32;
            // What a vacant range had may be anybody's memory by now.
            self.ranges.iter().any(|range| range.holds(extent) && !range.is_vacant())
        })
    }

    /// How far into the span `address` lies; `None` outside.
    pub(crate) fn offset_of(&self, address: usize) -> Option<usize> {
        let offset = address.wrapping_sub(self.span);
        (offset < self.span_bytes).then_some(offset)
    }

    /// The bytes of an extent.
    pub(crate) fn extent_bytes(&self) -> usize {
        1 << self.extent_shift
    }

    /// The granules of an extent.
    pub(crate) fn granules_per_extent(&self) -> u32 {
        1 << (self.extent_shift - GRANULE_SHIFT)
    }

    pub(crate) fn page_size(&self) -> usize {
        self.page_size
    }
}

impl fmt::Debug for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Space")
            .field("span", &format_args!("{:#x}", self.span))
            .field("ranges", &self.ranges.iter().count())
            .field("known", &self.extents_known().count())
            .finish_non_exhaustive()
    }
}
