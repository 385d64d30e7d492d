//! Arenas: what a region is made of, without its types.
//!
//! ```text
//! chunk    |x| object | object | object |                    |
//!                                        ^ cursor        end ^
//! free     00000000000000000000                                  a bit for each word, up to what was freed
//! map      |1  2        4        2                           |   where it is tracked: a byte for each word
//! ```
//!
//! An arena fills its *chunks* from the front, whatever the sizes: allocating moves the cursor. Freeing
//! the object that lies before the cursor moves it back; the words of any other are marked as free in a
//! bitmap. When the cursor reaches the end, and there is a chunk of which an eighth has been freed, the
//! arena looks through that chunk's bitmap and continues in its *holes*, the runs of free words. So free
//! memory is joined and used again in address order, whatever the sizes were, and what a search finds pays
//! for it. (Lists of free rooms by size, the latest first, were tried: after 100,000 frees in
//! random order the next 100,000 objects lie in random order, too, and cost 400 ns each.) Otherwise the
//! arena takes a chunk twice as large as its largest. An object that would fill a quarter of that gets a
//! chunk to itself. All chunks go back at once, whatever is in them.
//!
//! An arena that is *tracked* notes where each object starts, and so can be walked.
//!
//! Invariants:
//!
//! - A1. `cursor <= end <= limit` lie in one chunk, the current one (or are all null); from the cursor
//!   to the limit nothing is in use. What the maps say there means nothing, but that its bits are zero
//!   where they are valid.
//! - A2. Before what a chunk has *used*, objects lie side by side, with gaps and free words between; the
//!   set bits of the bitmap, as far as that is valid, are the free words. The map of a tracked arena has
//!   the length of each object and gap.
//! - A3. No memory that is older than the latest [checkpoint] is used again under it.
//! - A4. What ends at the start of a chunk, or at a checkpoint, is not taken for the latest object:
//!   some bytes lie between.
//! - A5. One thread at a time uses an arena: it is moved, never shared.
//!
//! The modules: [`marks`] the map, `bits` the free words, `grow` what to do when the cursor reaches the
//! end, `release` freeing, `resize`, [`checkpoint`], [`walk`], [`destructors`].

mod bits;
pub(crate) mod checkpoint;
pub(crate) mod destructors;
mod grow;
pub(crate) mod marks;
mod release;
mod resize;
pub(crate) mod walk;

use core::alloc::Layout;
use core::cell::Cell;
use core::fmt;
use core::ptr::{self, NonNull};

use crate::error::AllocError;
use crate::space::Space;
use crate::space::family_heap::Chunk;
use crate::space::order::{NONE, Order};
use crate::space::window::Place;
use crate::table::{FamilyTable, SetTable};

use checkpoint::Floor;
use destructors::Entry;
use marks::{Marks, Room, State, WORD};
use release::Near;

/// Memory that is given out piece by piece and taken back at once.
pub(crate) struct Arena {
    /// Where the next room starts.
    cursor: Cell<*mut u8>,
    /// How far the cursor may go.
    end: Cell<*mut u8>,
    /// The map of the current chunk.
    marks: Cell<Marks>,
    /// Where the cursor was at first, if all that was done since is to move it; otherwise null.
    first: Cell<*mut u8>,
    /// Whether the family wishes that what is freed is zeroed.
    zeroes: bool,
    tracked: bool,
    set: fn() -> &'static SetTable,
    index: usize,
    /// The family, from the first chunk on.
    family: Cell<Option<&'static FamilyTable>>,
    /// How far the cursor can go: beyond `end` memory has yet to be asked for.
    limit: Cell<*mut u8>,
    /// The current chunk's first granule.
    current: Cell<u32>,
    /// All chunks, by address.
    chunks: Cell<Order>,
    /// The number of the latest chunk.
    latest: Cell<u32>,
    /// A chunk without anything in it, kept for the next time one is needed.
    spare: Cell<u32>,
    /// The bytes of all chunks, and the most that they may be.
    committed: Cell<usize>,
    most: Cell<usize>,
    /// The arena that this one is in, if any, and the bytes of the chunks of those in this one.
    outer: Cell<*const Arena>,
    nested: Cell<usize>,
    /// What was allocated since the latest checkpoint.
    floor: Cell<Floor>,
    /// The destructors to run, the latest first.
    entries: Cell<*mut Entry>,
    /// The chunk in which something was freed last.
    near: Cell<Near>,
}

/// The bytes at the start of a chunk that hold no object (A4): a cache line, so that objects lie as if
/// there were none.
const FRONT: usize = 64;

/// The room that a size needs, in bytes.
#[inline(always)]
pub(crate) const fn room_of(size: usize) -> usize {
    // A size is at most `isize::MAX`.
    (size + (WORD - 1)) & !(WORD - 1)
}

impl Arena {
    /// An arena of one family of a set; it takes no memory before it is used.
    pub(crate) const fn new(
        set: fn() -> &'static SetTable,
        index: usize,
        zeroes: bool,
        tracked: bool,
    ) -> Self {
        Self {
            cursor: Cell::new(ptr::null_mut()),
            end: Cell::new(ptr::null_mut()),
            marks: Cell::new(Marks::NONE),
            first: Cell::new(ptr::null_mut()),
            tracked,
            zeroes,
            set,
            index,
            family: Cell::new(None),
            limit: Cell::new(ptr::null_mut()),
            current: Cell::new(NONE),
            chunks: Cell::new(Order::new()),
            latest: Cell::new(0),
            spare: Cell::new(NONE),
            committed: Cell::new(0),
            most: Cell::new(usize::MAX),
            outer: Cell::new(ptr::null()),
            nested: Cell::new(0),
            floor: Cell::new(Floor::NONE),
            entries: Cell::new(ptr::null_mut()),
            near: Cell::new(Near::NONE),
        }
    }

    /// Memory of a layout whose size is not 0. `tracked` is what the arena was made with: where that is
    /// known, a branch less.
    #[inline(always)]
    pub(crate) fn alloc(&self, layout: Layout, tracked: bool) -> Result<NonNull<u8>, AllocError> {
        debug_assert!(layout.size() > 0 && tracked == self.tracked);
        match self.bump(layout, tracked, State::Live) {
            Some(start) => Ok(start),
            None => self.alloc_slowly(layout, State::Live),
        }
    }

    /// [`alloc`](Self::alloc) for callers that do not know whether the arena is tracked.
    pub(crate) fn alloc_any(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        self.alloc(layout, self.tracked)
    }

    /// Memory for what the arena itself has to keep.
    fn alloc_hidden(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        match self.bump(layout, self.tracked, State::Hidden) {
            Some(start) => Ok(start),
            None => self.alloc_slowly(layout, State::Hidden),
        }
    }

    /// Takes memory at the cursor, if there is space.
    #[inline(always)]
    fn bump(&self, layout: Layout, tracked: bool, state: State) -> Option<NonNull<u8>> {
        let (room, align) = (room_of(layout.size()), layout.align());
        let (cursor, end) = (self.cursor.get(), self.end.get());
        let start = if align <= WORD {
            cursor
        } else {
            cursor.wrapping_add(cursor.addr().wrapping_neg() & (align - 1))
        };
        // Aligning may have gone past the end; then the difference would wrap. And lengths are
        // compared, not addresses: a large room may end beyond the last of these.
        if (align > WORD && start.addr() > end.addr()) || end.addr() - start.addr() < room {
            return None;
        }
        self.cursor.set(start.wrapping_add(room));
        if tracked {
            let marks = self.marks.get();
            if align > WORD && start != cursor {
                // A walk goes from room to room, so what aligning leaves out needs a length as well
                // (A2).
                let words = (start.addr() - cursor.addr()) / WORD;
                // SAFETY: from the cursor on, below the end (A1).
                unsafe { marks.write(cursor, Room { words, state: State::Gap }) };
            }
            // SAFETY: from the cursor on, below the end (A1).
            unsafe { marks.write(start, Room { words: room / WORD, state }) };
        }
        // SAFETY: there is memory below the end, so the cursor is not null.
        Some(unsafe { NonNull::new_unchecked(start) })
    }

    /// Frees memory of a layout.
    ///
    /// # Safety
    ///
    /// It is live, from this arena, was last asked for with this layout, whose size is not 0, and is not
    /// used again.
    #[inline(always)]
    pub(crate) unsafe fn free(&self, start: NonNull<u8>, layout: Layout) {
        let room = room_of(layout.size());
        let start = start.as_ptr();
        // Zeros are written out of line: there is no loop on the fast path.
        if start.wrapping_add(room) == self.cursor.get() && !self.zeroes {
            self.cursor.set(start);
        } else {
            // SAFETY: passed on.
            unsafe { self.free_slowly(start, room) };
        }
    }

    /// The space that the chunks are in; there is one where there is a chunk.
    fn space(&self) -> Option<&'static Space> {
        self.family.get().map(|family| family.heap.space)
    }

    /// Looks at or changes the order of the chunks.
    fn with_chunks<R>(&self, look: impl FnOnce(&mut Order) -> R) -> R {
        let mut chunks = self.chunks.replace(Order::new());
        let seen = look(&mut chunks);
        self.chunks.set(chunks);
        seen
    }

    /// All chunks in address order; chunks may come and go meanwhile.
    fn each_chunk(&self) -> impl Iterator<Item = Chunk> + '_ {
        let mut last = None;
        core::iter::from_fn(move || {
            let space = self.space()?;
            let next = self.with_chunks(|chunks| match last {
                None => chunks.lowest(),
                // By its address and not by a link: the last one may have been given back since.
                Some(last) => chunks.after(space, last),
            })?;
            last = Some(next);
            Some(Chunk::at(space, next))
        })
    }

    /// The chunk in which an address lies, if it is one of this arena's.
    fn chunk_of(&self, address: usize) -> Option<Chunk> {
        let space = self.space()?;
        let granule = space.chunk_of(address)?;
        debug_assert!(
            self.with_chunks(|chunks| chunks.contains(space, granule)),
            "another region's"
        );
        Some(Chunk::at(space, granule))
    }

    /// Whether an address lies in one of the chunks.
    pub(crate) fn owns(&self, address: usize) -> bool {
        let Some(space) = self.space() else { return false };
        // Any address may be asked for, so all that is known of it has to be looked at.
        let Some(Place::Chunk(granule)) = space.place_of(address) else { return false };
        self.with_chunks(|chunks| chunks.contains(space, granule))
    }

    /// The current chunk.
    fn current_chunk(&self) -> Option<Chunk> {
        let current = self.current.get();
        if current == NONE { None } else { self.space().map(|space| Chunk::at(space, current)) }
    }

    /// The map of a chunk, if this arena is tracked.
    fn marks_of(&self, chunk: Chunk) -> Marks {
        match self.tracked {
            true => Marks::new(chunk.map().as_ptr(), chunk.start().as_ptr()),
            false => Marks::NONE,
        }
    }

    /// The same with a limit on the bytes of its chunks.
    pub(crate) const fn with_most(mut self, bytes: usize) -> Self {
        self.most = Cell::new(bytes);
        self
    }

    /// The most bytes of chunks.
    pub(crate) fn most(&self) -> usize {
        self.most.get()
    }

    /// Sets the most bytes of chunks. What is there stays.
    pub(crate) fn set_most(&self, bytes: usize) {
        self.most.set(bytes);
    }

    /// An arena within this one: what it has counts against this one's limit, and it shares the spare
    /// chunk.
    ///
    /// # Safety
    ///
    /// It ends before this one does, or is moved, or is used from another thread.
    pub(crate) unsafe fn nested(&self) -> Self {
        let nested = Self::new(self.set, self.index, self.zeroes, self.tracked);
        nested.outer.set(self);
        nested.family.set(self.family.get());
        nested
    }

    /// The bytes of all chunks.
    pub(crate) fn committed(&self) -> usize {
        self.committed.get() + self.spare_bytes()
    }

    /// What the arena has and uses.
    pub(crate) fn usage(&self) -> ArenaUse {
        let mut found = ArenaUse { committed: self.committed(), ..ArenaUse::default() };
        found.chunks = usize::from(self.spare.get() != NONE);
        for chunk in self.each_chunk() {
            found.chunks += 1;
            if chunk.is_dedicated() {
                found.live += chunk.used();
                continue;
            }
            let free = bits::count(chunk) * WORD;
            let unused = if chunk.granule == self.current.get() {
                self.limit.get().addr() - self.cursor.get().addr()
            } else {
                0
            };
            found.live += self.used_of(chunk) - free - unused - FRONT;
            found.free += free + if self.is_in_hole() { unused } else { 0 };
        }
        found
    }

    /// How far a chunk has been used: all of it where the cursor is in the part that never was, as the
    /// rest of that is unused.
    fn used_of(&self, chunk: Chunk) -> usize {
        if chunk.granule == self.current.get() && !self.is_in_hole() {
            chunk.bytes()
        } else {
            chunk.used()
        }
    }

    /// Whether the cursor is in a hole, and not in what was never used of the current chunk.
    fn is_in_hole(&self) -> bool {
        self.current_chunk().is_some_and(|chunk| {
            let limit = self.limit.get().addr() - chunk.start().addr().get();
            limit < chunk.bytes()
        })
    }
}

/// What an arena has and uses, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ArenaUse {
    pub(crate) chunks: usize,
    pub(crate) committed: usize,
    /// What was allocated and not freed, with gaps and what the arena keeps for itself.
    pub(crate) live: usize,
    /// What was freed, but for the latest objects, and not used again.
    pub(crate) free: usize,
}

impl Drop for Arena {
    fn drop(&mut self) {
        self.release();
    }
}

impl fmt::Debug for Arena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arena")
            .field("family", &(self.set)().specs()[self.index].name())
            .field("committed", &self.committed())
            .field("limit", &self.most())
            .finish_non_exhaustive()
    }
}
