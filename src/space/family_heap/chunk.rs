//! The chunks of regions: runs of granules in an extent of the family, or of whole extents.
//!
//! A chunk is described by the descriptor of its first granule, whichever of the two it is. What the
//! region writes there is its own affair: one thread at a time has the region, so that needs no lock.
//! Taking a chunk and giving it back are the family heap's, under its lock.
//!
//! The maps of a chunk lie where the bitmaps of blocks would. A region leaves them as they are, so a
//! chunk is given back in constant time; the granules remember that their bitmaps are stale, and the
//! next block that needs one zeroes it.

use core::ptr::NonNull;

use crate::error::AllocError;
use crate::space::Space;
use crate::space::map::{ChunkDesc, ExtentKind, GRANULE, GRANULE_SHIFT, Stale};
use crate::sync::{AtomicU64, Ordering};

use super::FamilyHeap;
use super::granules::Wanted;

/// A chunk of a region.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chunk {
    space: &'static Space,
    /// The first granule.
    pub(crate) granule: u32,
}

impl Chunk {
    /// The chunk that starts at `granule`.
    pub(crate) fn at(space: &'static Space, granule: u32) -> Self {
        Self { space, granule }
    }

    #[inline]
    fn desc(self) -> ChunkDesc<'static> {
        self.space.granule(self.granule).chunk()
    }

    pub(crate) fn start(self) -> NonNull<u8> {
        self.space.granule_start(self.granule)
    }

    pub(crate) fn bytes(self) -> usize {
        self.desc().bytes()
    }

    /// The map of its objects: a byte for each word, with whatever is in it.
    pub(crate) fn map(self) -> NonNull<u8> {
        // SAFETY: the chunk starts there and is that long, and its bitmap is from where it was taken.
        unsafe { self.space.chunk_map(self.granule, self.bytes(), self.own_bits()) }
    }

    /// Where the bitmap is.
    fn own_bits(self) -> NonNull<AtomicU64> {
        // SAFETY: a chunk has a bitmap.
        unsafe { NonNull::new_unchecked(self.desc().bitmap()) }
    }

    /// The bitmap of its free words, with whatever is in it.
    #[inline]
    pub(crate) fn bits(self) -> &'static [AtomicU64] {
        let bits = self.desc().bitmap();
        // SAFETY: there is a bit for each word of the chunk; committed with it, aligned, and atomics accept
        // whatever is there.
        unsafe { core::slice::from_raw_parts(bits, self.bytes() / (8 * 64)) }
    }

    fn has_whole_extents(self) -> bool {
        let (extent, _) = self.space.granule_in_extent(self.granule);
        self.space.extent(extent).kind() == ExtentKind::Chunk
    }

    /// The position of this chunk in the order in which its region took them.
    pub(crate) fn number(self) -> u32 {
        self.desc().number()
    }

    pub(crate) fn set_number(self, number: u32) {
        self.desc().set_number(number);
    }

    /// Whether a single object has the chunk to itself.
    pub(crate) fn is_dedicated(self) -> bool {
        self.desc().is_dedicated()
    }

    pub(crate) fn set_dedicated(self, dedicated: bool) {
        self.desc().set_dedicated(dedicated);
    }

    /// How many bytes, from the start on, are known to have memory.
    pub(crate) fn populated(self) -> usize {
        usize::from(self.desc().populated()) * GRANULE
    }

    /// Asks for the memory of the chunk up to the granule with the byte before `end`, where it has
    /// not been asked for.
    pub(crate) fn populate(self, end: usize) {
        let (from, to) = (self.populated(), end.next_multiple_of(GRANULE).min(self.bytes()));
        if to > from {
            // SAFETY: within the chunk.
            let start = unsafe { self.start().add(from) };
            // SAFETY: committed with the chunk; populating changes no contents.
            unsafe { self.space.source.populate(start, to - from) };
            self.note_populated(to);
        }
    }

    /// Notes that the memory up to `end` has been touched.
    pub(crate) fn note_populated(self, end: usize) {
        // What a region does not fill piece by piece may be longer than that counts.
        let granules = u16::try_from(end / GRANULE).unwrap_or(u16::MAX);
        let desc = self.desc();
        desc.set_populated(granules.max(desc.populated()));
    }

    /// How many bytes, whole words, the cursor had passed when the chunk was left.
    pub(crate) fn used(self) -> usize {
        self.desc().used() as usize * 8
    }

    pub(crate) fn set_used(self, bytes: usize) {
        self.desc().set_used((bytes / 8) as u32);
    }

    /// How many bytes of it have been freed, or more: a hint.
    pub(crate) fn freed(self) -> usize {
        self.desc().freed() as usize * 8
    }

    pub(crate) fn set_freed(self, bytes: usize) {
        self.desc().set_freed((bytes / 8) as u32);
    }

    /// Up to where, in bytes of the chunk, the bitmap is valid.
    #[inline]
    pub(crate) fn valid(self) -> usize {
        usize::from(self.desc().valid()) * GRANULE
    }

    /// Makes the bitmap valid up to there at least.
    pub(crate) fn validate(self, end: usize) {
        let (from, to) = (self.valid(), end.next_multiple_of(GRANULE));
        let word = |bytes: usize| bytes / (8 * 64);
        if to > from {
            // Only as far as something is about to be freed: a region that frees nothing never touches
            // its bitmap.
            for word in &self.bits()[word(from)..word(to)] {
                word.store(0, Ordering::Relaxed);
            }
            self.desc().set_valid((to / GRANULE) as u16);
        }
    }

    /// Makes the chunk one without anything in it: nothing was freed, and no bit is valid.
    pub(crate) fn forget_all(self) {
        self.set_used(0);
        self.set_freed(0);
        self.desc().set_valid(0);
    }
}

impl FamilyHeap {
    /// A chunk of `bytes` bytes, a multiple of granules and above an extent of extents, at a multiple
    /// of `align`.
    pub(crate) fn alloc_chunk(&self, bytes: usize, align: usize) -> Result<Chunk, AllocError> {
        let space = self.space;
        let mut state = self.lock();
        state.usage.commit(bytes, self.spec.limit_bytes())?;
        let small = bytes <= space.extent_bytes() && align <= space.extent_bytes();
        let taken = if small {
            let count = (bytes >> GRANULE_SHIFT) as u32;
            let align = align.div_ceil(GRANULE) as u32;
            self.alloc_granules(&mut state, &Wanted::chunk(count, align)).and_then(|taken| {
                let bits = space.alloc_chunk_maps(taken.first, bytes).inspect_err(|_| {
                    // SAFETY: taken just now.
                    unsafe { self.free_granules(&mut state, taken.first, count) };
                })?;
                // After the maps: where there is no memory for these, the granules go back without ever
                // having been a chunk.
                self.write_tails(taken.first, 1, count);
                space.granule(taken.first).make_chunk(self, bytes, bits);
                // Huge pages arrive in one go anyway.
                let page_by_page = taken.fresh && !space.has_huge_pages(taken.first);
                Ok((taken.first, page_by_page))
            })
        } else {
            self.alloc_extents(&mut state, bytes, align).and_then(|(taken, count)| {
                let granule = taken.first * space.granules_per_extent();
                let bits = space.alloc_chunk_maps(granule, bytes).inspect_err(|_| {
                    // SAFETY: taken just now.
                    unsafe { self.release_run(&mut state, taken.first, count) };
                })?;
                self.want_huge_pages(taken.first, count);
                for extent in taken.first..taken.first + count {
                    // The region writes byte maps over whatever is there. Whoever cuts these extents
                    // into granules later learns from the flag that they have to be cleared.
                    space.extent(extent).maps.fetch_or(Stale::Wide as u8, Ordering::Relaxed);
                }
                space.granule(granule).make_chunk(self, bytes, bits);
                self.write_huge(taken.first, count, bytes, ExtentKind::Chunk);
                let page_by_page = taken.fresh && !space.has_huge_pages(granule);
                Ok((granule, page_by_page))
            })
        };
        match taken {
            Ok((granule, page_by_page)) => {
                state.usage.chunk_bytes += bytes;
                state.usage.raise_peaks();
                let chunk = Chunk::at(space, granule);
                chunk.note_populated(if page_by_page { 0 } else { bytes });
                Ok(chunk)
            }
            Err(error) => {
                state.usage.committed -= bytes;
                Err(error)
            }
        }
    }

    /// Takes a chunk back.
    ///
    /// # Safety
    ///
    /// From [`Self::alloc_chunk`] of this family heap, and nothing in it is in use.
    pub(crate) unsafe fn free_chunk(&self, chunk: Chunk) {
        let mut state = self.lock();
        let bytes = chunk.bytes();
        state.usage.committed -= bytes;
        state.usage.chunk_bytes -= bytes;
        let (extent, _) = self.space.granule_in_extent(chunk.granule);
        if chunk.has_whole_extents() {
            let count = self.space.extent(extent).extents.load(Ordering::Relaxed);
            // SAFETY: passed on; the maps were the chunk's.
            unsafe { self.space.give_chunk_maps(bytes, chunk.own_bits()) };
            // Whole extents are no granules.
            self.space.granule(chunk.granule).make_free();
            // SAFETY: passed on.
            unsafe { self.release_run(&mut state, extent, count) };
        } else {
            let count = (bytes >> GRANULE_SHIFT) as u32;
            for granule in chunk.granule..chunk.granule + count {
                // The region leaves its byte map as it is: a block of small slots that comes here next
                // clears it.
                self.space.granule(granule).set_stale(Stale::Wide, true);
            }
            // SAFETY: passed on.
            unsafe { self.free_granules(&mut state, chunk.granule, count) };
        }
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::sync::OnceLock;

    use super::*;
    use crate::space::SYSTEM_SPACE;
    use crate::spec::FamilySpec;

    static SPEC: FamilySpec = FamilySpec::new("A");

    /// A chunk says that it is one at its first granule, be it in an extent of granules or of whole extents, until it
    /// is given back.
    #[test]
    fn each_chunk_is_known_as_one_until_it_is_given_back() {
        let space = SYSTEM_SPACE.get().unwrap();
        // What descriptors name stays for ever, in sight of who looks for leaks.
        static HEAP: OnceLock<FamilyHeap> = OnceLock::new();
        let heap = HEAP.get_or_init(|| FamilyHeap::new(space, "chunks", &SPEC, 0, 1 << 20));
        for bytes in [GRANULE, 3 * GRANULE, 2 * space.extent_bytes()] {
            let chunk = heap.alloc_chunk(bytes, 1).unwrap();
            let desc = space.granule(chunk.granule);
            let seen = desc.as_chunk().expect("a chunk");
            assert_eq!(chunk.has_whole_extents(), bytes > space.extent_bytes());
            assert_eq!((seen.bytes(), seen.bitmap().is_null()), (bytes, false));
            assert!(seen.heap().is_some_and(|found| core::ptr::eq(found, heap)));
            assert!(desc.as_block().is_none() && desc.as_large().is_none());
            // SAFETY: taken above, and never used.
            unsafe { heap.free_chunk(chunk) };
            assert!(desc.as_chunk().is_none());
        }
    }
}
