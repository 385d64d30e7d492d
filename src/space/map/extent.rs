//! The descriptors of extents.

use crate::space::Space;
use crate::space::order::Links;
use crate::sync::{AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use super::HeapPtr;
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
    pub(in crate::space) huge_pages: AtomicU8,
    /// Whether anyone ever had it: then it is not for isolated families. The extents' lock.
    pub(crate) used: AtomicU8,
    /// Which maps it has (see `maps`), and, as in a granule, which may hold old contents; where it is cut
    /// into granules, those know. The family heap's lock and that of the extents, one of them to read.
    pub(in crate::space) maps: AtomicU8,
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
    pub(crate) owner: HeapPtr,
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

/// The links of extents, by extent index.
pub(in crate::space) struct ExtentLinks<'a>(pub(in crate::space) &'a Space);

impl Links for ExtentLinks<'_> {
    fn left(&self, node: u32) -> &AtomicU32 {
        &self.0.extent(node).left
    }
    fn right(&self, node: u32) -> &AtomicU32 {
        &self.0.extent(node).right
    }
}
