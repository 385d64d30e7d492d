//! The block map's descriptors: what is known of each granule and of each extent. `window` is how they are
//! found.
//!
//! A descriptor is written by whoever holds the lock named at its field, and read by anyone at any
//! time: that is why every field is an atomic. The reads of strangers are hints (a query) or are
//! kept true by what the reader holds: a slot that is not free keeps its block's `kind`, `class`,
//! `back` and `lane` as they are (I1).

use crate::sync::{AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use super::Space;
use super::order::Links;

#[cfg(test)]
mod tests;

/// log2 of a granule's bytes.
pub(crate) const GRANULE_SHIFT: u32 = 16;
/// The unit the block map counts in, in bytes.
pub(crate) const GRANULE: usize = 1 << GRANULE_SHIFT;

/// log2 of a window's bytes: those of the largest extent.
pub(crate) const WINDOW_SHIFT: u32 = 21;
/// log2 of a window's granules.
pub(super) const WINDOW_GRANULES_SHIFT: u32 = WINDOW_SHIFT - GRANULE_SHIFT;
/// The granules of a window.
pub(crate) const WINDOW_GRANULES: u32 = 1 << WINDOW_GRANULES_SHIFT;

/// What a granule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum GranuleKind {
    /// Free, or in an extent that is not cut into granules.
    Free = 0,
    /// The first granule of a block.
    Block = 1,
    /// A later granule of a block or of a large allocation.
    Tail = 2,
    /// The first granule of a large allocation.
    Large = 3,
    /// The first granule of a region's chunk.
    Chunk = 4,
}

/// The bitmaps that a granule has, as flags beside its kind: set while one may hold old contents.
/// Otherwise it is all zero while there is no block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Stale {
    /// The one for slots of 16 bytes and above.
    Narrow = 0x40,
    /// The one for smaller slots, which is also the map of a region's chunk.
    Wide = 0x80,
}

const STALE: u8 = Stale::Narrow as u8 | Stale::Wide as u8;

/// One granule. Of a block or a large allocation only the first granule's descriptor is in full
/// use; the others say how far back it is.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct GranuleDesc {
    /// The kind, and the flags of [`Stale`].
    kind: AtomicU8,
    /// Block: the size class.
    pub(crate) class: AtomicU8,
    /// How many granules before this one the head is: 0 unless this is a tail, or was one before it
    /// became free. Written with `kind`.
    pub(crate) back: AtomicU8,
    /// Head: how many granules it spans. Written with `kind`.
    pub(crate) granules: AtomicU8,
    /// Block: how many bytes its first slot lies from its start. Written with `kind`.
    pub(crate) colour: AtomicU16,
    /// Block: no word of the bitmap before this one has a set bit. The lane's lock. Chunk: how many of
    /// its granules are known to be populated, from the first on. The region.
    pub(crate) first_word: AtomicU16,
    /// Block: the lane; null where there is no block. So this field alone tells a lane its own blocks. It is
    /// kept apart from `family_heap`: whatever a reader finds here, however late, is a lane or null. Written under
    /// the lane's lock.
    pub(crate) lane: AtomicPtr<()>,
    /// Large, Chunk: the family heap, or null.
    pub(crate) heap: AtomicPtr<()>,
    /// Block: its bitmap. Written with `kind`. Chunk: the bitmap of its free words, likewise.
    pub(crate) bitmap: AtomicPtr<AtomicU64>,
    /// Block: how many slots it has room for. Chunk: its number, in the order in which the region
    /// took its chunks. The region. Free, and the first or the last of a run: the length of the run. The
    /// family heap's lock.
    pub(crate) capacity: AtomicU32,
    /// Block: how many slots the bump cursor has passed. The lane's lock. Chunk: how many words
    /// the cursor has passed. The region.
    pub(crate) carved: AtomicU32,
    /// Block: how many slots may be freed until the block has to be looked at. 1 while it is full: the first
    /// free slot puts it among those with room. Otherwise the number of carved slots that are not free in it:
    /// at 0 it is empty. The lane's lock. Chunk: how many words were freed, or more. The region.
    pub(crate) countdown: AtomicU32,
    /// Block: how many of its granules are known to be populated, from the first on. The lane's lock.
    pub(crate) populated: AtomicU8,
    /// Block: 1 while no slot can be taken. The lane's lock. Chunk: 1 where a single object has it to
    /// itself. The region.
    pub(crate) full: AtomicU8,
    /// Block: a mark of how many slots were live when its pages without any were given back; 0 where
    /// a slot was taken since. The lane's lock. Chunk: for how many granules the bitmap is valid. The
    /// region.
    pub(crate) trimmed: AtomicU16,
    /// Block: links of the lane's order of blocks with room. The lane's lock. Chunk: links of the
    /// region's order of chunks. The region. Free, the first of a run: links of the family heap's order of
    /// free runs. The family heap's lock.
    left: AtomicU32,
    right: AtomicU32,
    /// Large, Chunk: its bytes, whole pages. The family heap's lock.
    pub(crate) bytes: AtomicUsize,
}

impl GranuleDesc {
    pub(crate) fn kind(&self) -> GranuleKind {
        match self.kind.load(Ordering::Acquire) & !STALE {
            1 => GranuleKind::Block,
            2 => GranuleKind::Tail,
            3 => GranuleKind::Large,
            4 => GranuleKind::Chunk,
            _ => GranuleKind::Free,
        }
    }

    /// Publishes what this granule is, after everything else about it has been written. The caller
    /// holds the lock of whoever holds the granule.
    pub(crate) fn set_kind(&self, kind: GranuleKind) {
        // The flags share the byte. The lock makes the load and the store one step.
        let stale = self.kind.load(Ordering::Relaxed) & STALE;
        self.kind.store(kind as u8 | stale, Ordering::Release);
    }

    /// Whether a bitmap of this granule may hold old contents.
    pub(crate) fn is_stale(&self, bitmap: Stale) -> bool {
        self.kind.load(Ordering::Relaxed) & bitmap as u8 != 0
    }

    /// Notes whether a bitmap of this granule may hold old contents. Locked as for
    /// [`set_kind`](Self::set_kind).
    pub(crate) fn set_stale(&self, bitmap: Stale, stale: bool) {
        let kind = self.kind.load(Ordering::Relaxed);
        let kind = if stale { kind | bitmap as u8 } else { kind & !(bitmap as u8) };
        self.kind.store(kind, Ordering::Relaxed);
    }
}

/// What an extent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ExtentKind {
    /// Free, without memory.
    Free = 0,
    /// Free, with memory that its last user dirtied.
    Dirty = 1,
    /// Belongs to a family and is cut into granules.
    Family = 2,
    /// The first extent of a huge allocation.
    Huge = 3,
    /// A later extent of a huge allocation or of a chunk.
    Tail = 4,
    /// The allocator's own tables.
    Tables = 5,
    /// The first extent of a region's chunk of whole extents, which is described by the first of its
    /// granules.
    Chunk = 6,
}

/// One extent.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct ExtentDesc {
    kind: AtomicU8,
    /// Whether huge pages were asked for. The extents' lock.
    pub(super) huge_pages: AtomicU8,
    /// Whether anyone ever had it: then it is not for isolated families. The extents' lock.
    pub(crate) used: AtomicU8,
    /// Which maps it has (see `maps`), and, as in a granule, which may hold old contents; where it is cut
    /// into granules, those know. The family heap's lock and that of the extents, one of them to read.
    pub(super) maps: AtomicU8,
    /// Tail: how many extents before this one the head is.
    pub(crate) back: AtomicU32,
    /// Huge, Chunk: how many extents it spans.
    pub(crate) extents: AtomicU32,
    /// Family: which granules are free. The family heap's lock.
    pub(crate) free: AtomicU32,
    /// Family: which granules may hold old contents. The family heap's lock.
    pub(crate) dirty: AtomicU32,
    /// Family, Dirty: which granules' memory was given back by itself. The family heap's lock.
    pub(crate) absent: AtomicU32,
    /// Family: links of the family heap's order of extents with room. The family heap's lock.
    left: AtomicU32,
    right: AtomicU32,
    /// Dirty: neighbours in the list from the longest free to the latest. The extents' lock.
    pub(crate) earlier: AtomicU32,
    pub(crate) later: AtomicU32,
    /// Dirty: when it became free. The extents' lock.
    pub(crate) since: AtomicU64,
    /// Family, Huge, Chunk: the family heap.
    pub(crate) owner: AtomicPtr<()>,
    /// Huge, Chunk: its bytes, whole pages. The family heap's lock.
    pub(crate) bytes: AtomicUsize,
}

impl ExtentDesc {
    pub(crate) fn kind(&self) -> ExtentKind {
        match self.kind.load(Ordering::Acquire) {
            1 => ExtentKind::Dirty,
            2 => ExtentKind::Family,
            3 => ExtentKind::Huge,
            4 => ExtentKind::Tail,
            5 => ExtentKind::Tables,
            6 => ExtentKind::Chunk,
            _ => ExtentKind::Free,
        }
    }

    /// Publishes what this extent is, after everything else about it has been written.
    pub(crate) fn set_kind(&self, kind: ExtentKind) {
        self.kind.store(kind as u8, Ordering::Release);
    }
}

/// The links of blocks, by granule index; of chunks, and of runs of free granules, too.
impl Links for Space {
    fn left(&self, node: u32) -> &AtomicU32 {
        &self.granule(node).left
    }
    fn right(&self, node: u32) -> &AtomicU32 {
        &self.granule(node).right
    }
}

/// The links of extents, by extent index.
pub(super) struct ExtentLinks<'a>(pub(super) &'a Space);

impl Links for ExtentLinks<'_> {
    fn left(&self, node: u32) -> &AtomicU32 {
        &self.0.extent(node).left
    }
    fn right(&self, node: u32) -> &AtomicU32 {
        &self.0.extent(node).right
    }
}
