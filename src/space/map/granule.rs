//! The descriptors of granules, and what they say of each kind of thing that may start there.
//!
//! A descriptor is one cache line, and most of its fields mean one thing in a block and another elsewhere:
//!
//! | field | block | large | chunk | free |
//! | --- | --- | --- | --- | --- |
//! | `class`, `colour` | the size class; how many bytes its first slot lies from its start | | | |
//! | `granules` | how many it spans | the same | | |
//! | `first_word` | no word of the bitmap before this one has a set bit | | granules that are populated | |
//! | `lane` | the lane | null | null | null |
//! | `heap`, `bytes` | | the family heap; the bytes, whole pages | the same | |
//! | `bitmap` | that of its slots | | that of its free words | |
//! | `capacity` | how many slots it has room for | | its number in its region | length of the run |
//! | `carved` | slots that the bump cursor has passed | | words that the cursor has passed | |
//! | `countdown` | frees until the block has to be looked at | | words that were freed, or more | |
//! | `populated` | granules that are populated | | | |
//! | `full` | whether no slot can be taken | | whether a single object has it to itself | |
//! | `trimmed` | how many slots were live when it was trimmed | | granules for which the bitmap is valid | |
//! | `left`, `right` | links among the lane's blocks with room | | among the region's chunks | among free runs |
//!
//! So the fields are private to this module, and read by way of a view: [`BlockDesc`], [`LargeDesc`] or
//! [`ChunkDesc`], which has what its kind has, under the name of what it means there. A view is the descriptor's
//! address and nothing else. Whoever cannot know what starts at a granule, or may be too late, gets a view by
//! [`GranuleDesc::view`] or an `as_` function, which look at the kind; whoever knows, by [`GranuleDesc::block`],
//! [`large`](GranuleDesc::large) or [`chunk`](GranuleDesc::chunk), which look at it with debug assertions only. Four
//! things may be asked of a descriptor whatever its kind: the kind, `back`, `lane`, and the flags of [`Stale`].
//!
//! What a block's descriptor says is written under its lane's lock, what a chunk's says by its region, which one
//! thread at a time uses; the kind, and all of the others, under the family heap's lock.

use core::ptr::{self, NonNull};

use crate::space::Space;
use crate::space::family_heap::FamilyHeap;
use crate::space::order::Links;
use crate::sync::{AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use super::HeapPtr;

mod block;
mod chunk;
mod large;
#[cfg(test)]
mod tests;

pub(crate) use block::{BlockDesc, NewBlock};
pub(crate) use chunk::ChunkDesc;
pub(crate) use large::LargeDesc;

/// What a granule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum GranuleKind {
    /// Free, or in an extent that is not cut into granules.
    Free = 0,
    /// The first granule of a block.
    Block = 1,
    /// A later granule of a block, of a large allocation or of a chunk.
    Tail = 2,
    /// The first granule of a large allocation.
    Large = 3,
    /// The first granule of a region's chunk, also of one of whole extents.
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
    class: AtomicU8,
    back: AtomicU8,
    granules: AtomicU8,
    colour: AtomicU16,
    first_word: AtomicU16,
    lane: AtomicPtr<()>,
    heap: HeapPtr,
    bitmap: AtomicPtr<AtomicU64>,
    capacity: AtomicU32,
    carved: AtomicU32,
    countdown: AtomicU32,
    populated: AtomicU8,
    full: AtomicU8,
    trimmed: AtomicU16,
    left: AtomicU32,
    right: AtomicU32,
    bytes: AtomicUsize,
}

/// A descriptor as what its kind makes of it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum View<'a> {
    Block(BlockDesc<'a>),
    Large(LargeDesc<'a>),
    Chunk(ChunkDesc<'a>),
    Tail,
    Free,
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
    fn set_kind(&self, kind: GranuleKind) {
        // The flags share the byte. The lock makes the load and the store one step.
        let stale = self.kind.load(Ordering::Relaxed) & STALE;
        self.kind.store(kind as u8 | stale, Ordering::Release);
    }

    /// Whether a bitmap of this granule may hold old contents.
    pub(crate) fn is_stale(&self, bitmap: Stale) -> bool {
        self.kind.load(Ordering::Relaxed) & bitmap as u8 != 0
    }

    /// Notes whether a bitmap of this granule may hold old contents. The caller holds the lock of whoever holds
    /// the granule.
    pub(crate) fn set_stale(&self, bitmap: Stale, stale: bool) {
        let kind = self.kind.load(Ordering::Relaxed);
        let kind = if stale { kind | bitmap as u8 } else { kind & !(bitmap as u8) };
        self.kind.store(kind, Ordering::Relaxed);
    }

    /// How many granules before this one the head is: 0 unless this is a tail, or was one before it became free.
    #[inline(always)]
    pub(crate) fn back(&self) -> u8 {
        self.back.load(Ordering::Relaxed)
    }

    /// The address of the lane whose block this is the first granule of; null where there is no block. So this field
    /// alone tells a lane its own blocks. It is kept apart from the family heap: whatever a reader finds here,
    /// however late, is a lane or null. What it leads to is of a layer above: `Lane::of` makes a lane of it.
    #[inline(always)]
    pub(crate) fn lane(&self) -> *mut () {
        self.lane.load(Ordering::Relaxed)
    }

    /// What it is now. Other threads may change that meanwhile, unless the caller holds what is there.
    pub(crate) fn view(&self) -> View<'_> {
        match self.kind() {
            GranuleKind::Block => View::Block(BlockDesc(self)),
            GranuleKind::Large => View::Large(LargeDesc(self)),
            GranuleKind::Chunk => View::Chunk(ChunkDesc(self)),
            GranuleKind::Tail => View::Tail,
            GranuleKind::Free => View::Free,
        }
    }

    /// What it says of the block that starts here, if one does now.
    #[inline]
    pub(crate) fn as_block(&self) -> Option<BlockDesc<'_>> {
        (self.kind() == GranuleKind::Block).then_some(BlockDesc(self))
    }

    /// What it says of the large allocation that starts here, if one does now.
    #[inline]
    pub(crate) fn as_large(&self) -> Option<LargeDesc<'_>> {
        (self.kind() == GranuleKind::Large).then_some(LargeDesc(self))
    }

    /// What it says of the chunk that starts here, if one does now.
    #[inline]
    pub(crate) fn as_chunk(&self) -> Option<ChunkDesc<'_>> {
        (self.kind() == GranuleKind::Chunk).then_some(ChunkDesc(self))
    }

    /// What it says of the block that starts here. The caller keeps it one: it has the lock of the block's lane.
    #[inline(always)]
    pub(crate) fn block(&self) -> BlockDesc<'_> {
        debug_assert_eq!(self.kind(), GranuleKind::Block);
        BlockDesc(self)
    }

    /// What it says of the large allocation that starts here. The caller keeps it one: nobody else frees it.
    #[inline(always)]
    pub(crate) fn large(&self) -> LargeDesc<'_> {
        debug_assert_eq!(self.kind(), GranuleKind::Large);
        LargeDesc(self)
    }

    /// What it says of the chunk that starts here. The caller keeps it one: its region is the caller's.
    #[inline(always)]
    pub(crate) fn chunk(&self) -> ChunkDesc<'_> {
        debug_assert_eq!(self.kind(), GranuleKind::Chunk);
        ChunkDesc(self)
    }

    /// The length of the run of free granules of which this is the first or the last; elsewhere it means
    /// nothing. The family heap's lock.
    pub(crate) fn run_length(&self) -> &AtomicU32 {
        &self.capacity
    }

    /// Makes this a free granule.
    pub(crate) fn make_free(&self) {
        self.set_kind(GranuleKind::Free);
    }

    /// Makes this a granule that belongs to the one so many before it.
    pub(crate) fn make_tail(&self, back: u32) {
        // An extent, the most that is divided into granules, has fewer than that counts to.
        self.back.store(back as u8, Ordering::Relaxed);
        self.set_kind(GranuleKind::Tail);
    }

    /// Makes this the first granule of a block, all of whose slots are free and none carved. Its tails are written
    /// before.
    pub(crate) fn make_block(&self, new: &NewBlock) -> BlockDesc<'_> {
        self.class.store(new.class as u8, Ordering::Relaxed);
        self.back.store(0, Ordering::Relaxed);
        self.granules.store(new.granules as u8, Ordering::Relaxed);
        self.colour.store(new.colour as u16, Ordering::Relaxed);
        self.capacity.store(new.capacity, Ordering::Relaxed);
        self.lane.store(new.lane, Ordering::Relaxed);
        self.bitmap.store(new.bitmap.as_ptr(), Ordering::Relaxed);
        let block = BlockDesc(self);
        block.set_carved(0);
        block.set_countdown(0);
        block.set_first_word(0);
        block.set_full(false);
        block.set_trim_mark(0);
        block.set_populated(new.populated);
        self.set_kind(GranuleKind::Block);
        block
    }

    /// Makes this the first granule of a large allocation. Its tails are written before: who follows a tail back in
    /// between finds no head, and not half of one.
    pub(crate) fn make_large(&self, heap: &FamilyHeap, granules: u32, bytes: usize) {
        self.heap.set(heap);
        self.back.store(0, Ordering::Relaxed);
        LargeDesc(self).set_length(granules, bytes);
        self.set_kind(GranuleKind::Large);
    }

    /// Makes this the first granule of a chunk with this bitmap and nothing in it. Its tails are written before, as
    /// for large allocations.
    pub(crate) fn make_chunk(&self, heap: &FamilyHeap, bytes: usize, bitmap: NonNull<AtomicU64>) {
        self.heap.set(heap);
        self.back.store(0, Ordering::Relaxed);
        self.bytes.store(bytes, Ordering::Relaxed);
        self.bitmap.store(bitmap.as_ptr(), Ordering::Relaxed);
        let chunk = ChunkDesc(self);
        chunk.set_populated(0);
        chunk.set_used(0);
        chunk.set_freed(0);
        chunk.set_valid(0);
        chunk.set_dedicated(false);
        self.set_kind(GranuleKind::Chunk);
    }

    fn forget_lane(&self) {
        self.lane.store(ptr::null_mut(), Ordering::Relaxed);
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
