//! The block map: what every address is, in two loads.
//!
//! ```text
//! address - span = | window | granule in window | byte in granule |
//!                      |              |
//!     table[window] -> Window          |            null where nothing was ever in use
//!                      | start, maps   v
//!                      | GranuleDesc  x 32
//!                      | ExtentDesc   x 1, or more where extents are small
//! ```
//!
//! A *window* is 2 MiB of the span, the addresses that the space's table covers: as much as an extent,
//! or several small ones. All that is known about what lies in it is in one piece of memory, which
//! comes into being when one of its extents is first used and stays for good. So a reader needs no
//! lock, whatever address it was given; and the ranges of addresses that the space gets from its source
//! may lie anywhere in the span, with memory of others between them.

use core::ptr::NonNull;

use crate::sync::{AtomicPtr, Ordering};

use super::Space;
use super::map::{
    ExtentDesc, ExtentKind, GRANULE, GRANULE_SHIFT, GranuleDesc, GranuleKind, WINDOW_GRANULES,
    WINDOW_GRANULES_SHIFT, WINDOW_SHIFT,
};
use super::maps::Map;
use super::ranges::Range;

/// What is known about a window. Behind it lie the descriptors of its extents.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Window {
    /// The first byte of it. Written before the window is known; never changes.
    pub(super) start: NonNull<u8>,
    /// The range that it is part of; likewise.
    pub(super) range: &'static Range,
    /// Its maps of each sort, null before the first use. The extents' lock.
    pub(super) maps: [AtomicPtr<u8>; 3],
    granules: [GranuleDesc; WINDOW_GRANULES as usize],
}

impl Window {
    /// The bytes of a window's description where it has so many extents.
    pub(super) const fn stride(extents: usize) -> usize {
        size_of::<Self>() + extents * size_of::<ExtentDesc>()
    }
}

/// Where a window is that is known, which lives as long as the process.
///
/// Not a reference: an interpreter looks at each field of what a reference is made to, and there are
/// hundreds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known(NonNull<Window>);

impl Known {
    /// What an entry of the table leads to.
    #[inline(always)]
    fn at(entry: &AtomicPtr<Window>) -> Option<Self> {
        NonNull::new(entry.load(Ordering::Acquire)).map(Self)
    }

    #[inline(always)]
    pub(super) fn start(self) -> NonNull<u8> {
        // SAFETY: known, and never changes.
        unsafe { (*self.0.as_ptr()).start }
    }

    pub(super) fn range(self) -> &'static Range {
        // SAFETY: as above.
        unsafe { (*self.0.as_ptr()).range }
    }

    #[inline(always)]
    pub(super) fn map(self, map: Map) -> &'static AtomicPtr<u8> {
        // SAFETY: known.
        unsafe { &(*self.0.as_ptr()).maps[map as usize] }
    }

    /// The descriptor of the granule at a position.
    #[inline(always)]
    fn granule(self, position: usize) -> &'static GranuleDesc {
        // SAFETY: known.
        unsafe { &(*self.0.as_ptr()).granules[position] }
    }
}

/// What an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the block whose first granule has this index.
    Block(u32),
    /// In the large allocation whose first granule has this index.
    Large(u32),
    /// In the huge allocation whose first extent has this index.
    Huge(u32),
    /// In the chunk of a region whose first granule has this index.
    Chunk(u32),
    /// In the reservation, but in nothing that was handed out.
    Unused,
}

/// From addresses to blocks, for many addresses in a row: what a look-up needs of the space, in one
/// place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lookup {
    span: usize,
    bytes: usize,
    table: NonNull<AtomicPtr<Window>>,
}

impl Lookup {
    /// The window of an address, if it is known, and how far into the span the address lies.
    #[inline(always)]
    fn window_of(self, address: usize) -> Option<(Known, usize)> {
        let offset = address.wrapping_sub(self.span);
        if offset >= self.bytes {
            return None;
        }
        // SAFETY: within the span, so the table has an entry.
        let entry = unsafe { self.table.add(offset >> WINDOW_SHIFT).as_ref() };
        Some((Known::at(entry)?, offset))
    }

    /// The granule of an address, and how far into it that lies; `None` where nothing is known.
    #[inline(always)]
    pub(crate) fn granule_of(self, address: usize) -> Option<(u32, &'static GranuleDesc, usize)> {
        let (window, offset) = self.window_of(address)?;
        let granule = offset >> GRANULE_SHIFT;
        let desc = window.granule(granule & (WINDOW_GRANULES as usize - 1));
        Some((granule as u32, desc, offset & (GRANULE - 1)))
    }

    /// The granule that an address belongs to, and how far into the run that starts there it lies;
    /// `None` where nothing is known.
    ///
    /// In a block that is the block's first granule. Elsewhere the answer means nothing.
    #[inline(always)]
    pub(crate) fn head_of(self, address: usize) -> Option<(u32, &'static GranuleDesc, usize)> {
        let (window, offset) = self.window_of(address)?;
        let granule = offset >> GRANULE_SHIFT;
        let position = granule & (WINDOW_GRANULES as usize - 1);
        let back = usize::from(window.granule(position).back());
        // A block lies in one extent, and so in one window; what reaches back further is none.
        let head = window.granule(position.checked_sub(back)?);
        Some(((granule - back) as u32, head, (offset & (GRANULE - 1)) + (back << GRANULE_SHIFT)))
    }
}

impl Space {
    /// What look-ups need.
    #[inline]
    pub(crate) fn lookup(&'static self) -> Lookup {
        Lookup { span: self.span, bytes: self.span_bytes, table: self.table }
    }

    /// The window with this number, if one of its extents was ever used.
    #[inline]
    pub(super) fn window(&self, window: u32) -> Option<Known> {
        debug_assert!(window < self.windows());
        // SAFETY: the table has an entry for each window of the span.
        Known::at(unsafe { self.table.add(window as usize).as_ref() })
    }

    /// The window with this number, which is known.
    #[inline]
    pub(super) fn known_window(&self, window: u32) -> Known {
        match self.window(window) {
            Some(window) => window,
            None => unreachable!("window {window} is not known"),
        }
    }

    /// A granule's descriptor. It is in an extent that is known.
    #[inline]
    pub(crate) fn granule(&self, granule: u32) -> &'static GranuleDesc {
        let window = self.known_window(granule >> WINDOW_GRANULES_SHIFT);
        window.granule((granule & (WINDOW_GRANULES - 1)) as usize)
    }

    /// An extent's descriptor. The extent is known.
    #[inline]
    pub(crate) fn extent(&self, extent: u32) -> &'static ExtentDesc {
        let (window, position) = self.extent_in_window(extent);
        debug_assert!(self.is_known(extent));
        // SAFETY: the table has an entry for each window of the span.
        let entry = unsafe { self.table.add(window as usize).as_ref() };
        let window = entry.load(Ordering::Acquire);
        // SAFETY: the window is known, and as many descriptors as it has extents lie behind it.
        unsafe { &*window.add(1).cast::<ExtentDesc>().add(position as usize) }
    }

    /// The window of an extent, and its position there.
    #[inline]
    pub(super) fn extent_in_window(&self, extent: u32) -> (u32, u32) {
        let shift = WINDOW_SHIFT - self.extent_shift;
        (extent >> shift, extent & ((1 << shift) - 1))
    }

    /// Whether anything is known about an extent of the span: whether one of its window was ever used.
    #[inline]
    pub(crate) fn is_known(&self, extent: u32) -> bool {
        self.window(self.extent_in_window(extent).0).is_some()
    }

    /// The address of a granule in an extent that is known.
    pub(crate) fn granule_start(&self, granule: u32) -> NonNull<u8> {
        let window = self.known_window(granule >> WINDOW_GRANULES_SHIFT);
        let into = ((granule & (WINDOW_GRANULES - 1)) as usize) << GRANULE_SHIFT;
        // SAFETY: a granule of a range of this space, which the window is a part of.
        unsafe { window.start().add(into) }
    }

    /// The address of an extent that is known.
    pub(crate) fn extent_start(&self, extent: u32) -> NonNull<u8> {
        self.granule_start(extent * self.granules_per_extent())
    }

    /// What the byte at `address` belongs to; `None` outside of the span. Touches nothing
    /// but descriptors that exist, so it is safe for any address whatever.
    pub(crate) fn place_of(&self, address: usize) -> Option<Place> {
        let offset = self.offset_of(address)?;
        let extent = (offset >> self.extent_shift) as u32;
        if !self.is_known(extent) {
            return Some(Place::Unused);
        }
        Some(match self.extent(extent).kind() {
            ExtentKind::Family => {
                let granule = (offset >> GRANULE_SHIFT) as u32;
                self.head_of(granule)
            }
            ExtentKind::Huge => Place::Huge(extent),
            ExtentKind::Chunk => Place::Chunk(extent * self.granules_per_extent()),
            ExtentKind::Tail => {
                // Any address may be asked for, also one whose extents change hands meanwhile. So the
                // way back is checked, and at worst the answer is that of a moment ago.
                let back = self.extent(extent).back.load(Ordering::Relaxed);
                let head = extent.checked_sub(back).filter(|&head| self.is_known(head));
                let Some(head) = head else { return Some(Place::Unused) };
                match self.extent(head).kind() {
                    ExtentKind::Huge => Place::Huge(head),
                    ExtentKind::Chunk => Place::Chunk(head * self.granules_per_extent()),
                    _ => Place::Unused,
                }
            }
            ExtentKind::Free | ExtentKind::Dirty | ExtentKind::Tables => Place::Unused,
        })
    }

    /// The first granule of the region's chunk that an address lies in, if it lies in one:
    /// [`place_of`](Self::place_of) for callers that expect a chunk.
    #[inline]
    pub(crate) fn chunk_of(&self, address: usize) -> Option<u32> {
        let offset = self.offset_of(address)?;
        let (extent, granule) =
            ((offset >> self.extent_shift) as u32, (offset >> GRANULE_SHIFT) as u32);
        if !self.is_known(extent) {
            return None;
        }
        let desc = self.extent(extent);
        if desc.kind() == ExtentKind::Family {
            let back = self.granule(granule).back();
            let head = self.known_granule(granule, back)?;
            return (self.granule(head).kind() == GranuleKind::Chunk).then_some(head);
        }
        let head = match desc.kind() {
            ExtentKind::Tail => extent.checked_sub(desc.back.load(Ordering::Relaxed))?,
            _ => extent,
        };
        let chunk = self.is_known(head) && self.extent(head).kind() == ExtentKind::Chunk;
        chunk.then(|| head * self.granules_per_extent())
    }

    /// The granule so many before this one, if that is known.
    fn known_granule(&self, granule: u32, back: u8) -> Option<u32> {
        let head = granule.checked_sub(back.into())?;
        self.window(head >> WINDOW_GRANULES_SHIFT).map(|_| head)
    }

    fn head_of(&self, granule: u32) -> Place {
        let desc = self.granule(granule);
        match desc.kind() {
            GranuleKind::Block => Place::Block(granule),
            GranuleKind::Large => Place::Large(granule),
            GranuleKind::Chunk => Place::Chunk(granule),
            GranuleKind::Free => Place::Unused,
            GranuleKind::Tail => {
                let Some(head) = self.known_granule(granule, desc.back()) else {
                    return Place::Unused;
                };
                match self.granule(head).kind() {
                    GranuleKind::Block => Place::Block(head),
                    GranuleKind::Large => Place::Large(head),
                    GranuleKind::Chunk => Place::Chunk(head),
                    GranuleKind::Free | GranuleKind::Tail => Place::Unused,
                }
            }
        }
    }
}
