//! Arenas: what a region is made of, without its types.
//!
//! ```text
//! chunk    |x| object | object | object |                    |
//! map      |1  2        4        2                           |   a byte for each word, out of band
//!                                        ^ cursor        end ^
//! ```
//!
//! An arena fills its *chunks* from the front, whatever the sizes: allocating moves the cursor and
//! notes the length of the new *room* in the chunk's map. Freeing the object that lies before the
//! cursor moves it back; any other room is listed by its length and used again. When a chunk is full
//! the arena continues in a free room that is long enough, if there is one (a *hole*), and otherwise
//! takes a chunk as large as all it has so far. An object that would fill a quarter of that gets a
//! chunk to itself. All chunks go back at once, whatever is in them.
//!
//! Invariants:
//!
//! - A1. `cursor <= end <= limit` lie in one chunk, the current one (or are all null); from the cursor
//!   to the limit nothing is in use. What its map says there means nothing.
//! - A2. In every other part of a chunk, up to its cursor or to where that was when the chunk was left,
//!   rooms lie side by side, and the map has the true length and state of each.
//! - A3. A free room is in one list or in none. (It is in none if it fills a gap before an aligned
//!   object, or was freed under a [checkpoint](self::checkpoint) that it is older than.)
//! - A4. What ends at the start of a chunk, or at a checkpoint, is not taken for the latest object:
//!   a hidden word lies between.
//! - A5. One thread at a time uses an arena: it is moved, never shared.
//!
//! The modules: [`marks`] the map, [`bins`] free rooms, `grow` what to do when the cursor reaches the
//! end, `release` freeing, `resize`, [`checkpoint`], [`walk`], [`destructors`].

pub(crate) mod bins;
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
use crate::space::holding::Chunk;
use crate::space::order::{NONE, Order};
use crate::table::{FamilyTable, SetTable};

use bins::Bins;
use checkpoint::Floor;
use destructors::Entry;
use marks::{Marks, Room, State, WORD};

/// Memory that is given out piece by piece and taken back at once.
pub(crate) struct Arena {
    /// Where the next room starts.
    cursor: Cell<*mut u8>,
    /// How far the cursor may go.
    end: Cell<*mut u8>,
    /// The map of the current chunk.
    marks: Cell<Marks>,
    /// Free rooms; null while there are none.
    bins: Cell<*mut Bins>,
    /// Whether the family wishes that what is freed is zeroed.
    zeroes: Cell<bool>,
    set: fn() -> &'static SetTable,
    index: usize,
    /// The family, from the first chunk on.
    family: Cell<Option<&'static FamilyTable>>,
    /// How far the cursor can go: beyond `end` memory has yet to be asked for.
    limit: Cell<*mut u8>,
    /// The current chunk's first granule.
    current: Cell<u32>,
    /// Whether the cursor is in a hole, and not in the unused rest of the current chunk.
    in_hole: Cell<bool>,
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
}

/// The room that a size needs, in bytes.
#[inline(always)]
pub(crate) const fn room_of(size: usize) -> usize {
    // A size is at most `isize::MAX`.
    (size + (WORD - 1)) & !(WORD - 1)
}

impl Arena {
    /// An arena of one family of a set; it takes no memory before it is used.
    pub(crate) const fn new(set: fn() -> &'static SetTable, index: usize, zeroes: bool) -> Self {
        Self {
            cursor: Cell::new(ptr::null_mut()),
            end: Cell::new(ptr::null_mut()),
            marks: Cell::new(Marks::NONE),
            bins: Cell::new(ptr::null_mut()),
            zeroes: Cell::new(zeroes),
            set,
            index,
            family: Cell::new(None),
            limit: Cell::new(ptr::null_mut()),
            current: Cell::new(NONE),
            in_hole: Cell::new(false),
            chunks: Cell::new(Order::new()),
            latest: Cell::new(0),
            spare: Cell::new(NONE),
            committed: Cell::new(0),
            most: Cell::new(usize::MAX),
            outer: Cell::new(ptr::null()),
            nested: Cell::new(0),
            floor: Cell::new(Floor::NONE),
            entries: Cell::new(ptr::null_mut()),
        }
    }

    /// Memory of a layout whose size is not 0.
    #[inline(always)]
    pub(crate) fn alloc(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        debug_assert!(layout.size() > 0);
        let room = room_of(layout.size());
        // SAFETY: null, or the bins that this arena keeps in a room of its own, used by one thread (A5).
        let bins = unsafe { self.bins.get().as_ref() };
        if bins.is_none_or(|bins| !bins.may_have(room / WORD)) {
            if let Some(start) = self.bump(room, layout.align(), State::Live) {
                return Ok(start);
            }
        }
        self.alloc_slowly(layout, State::Live)
    }

    /// Memory for what the arena itself has to keep.
    fn alloc_hidden(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        match self.bump(room_of(layout.size()), layout.align(), State::Hidden) {
            Some(start) => Ok(start),
            None => self.alloc_slowly(layout, State::Hidden),
        }
    }

    /// Takes a room at the cursor, if there is space for it.
    #[inline(always)]
    fn bump(&self, room: usize, align: usize, state: State) -> Option<NonNull<u8>> {
        let (cursor, end) = (self.cursor.get(), self.end.get());
        let start = if align <= WORD {
            cursor
        } else {
            cursor.wrapping_add(cursor.addr().wrapping_neg() & (align - 1))
        };
        if (align > WORD && start.addr() > end.addr()) || end.addr() - start.addr() < room {
            return None;
        }
        let marks = self.marks.get();
        if align > WORD && start != cursor {
            let gap = Room { words: (start.addr() - cursor.addr()) / WORD, state: State::Free };
            // SAFETY: from the cursor on, below the end (A1).
            unsafe { marks.write(cursor, gap) };
        }
        self.cursor.set(start.wrapping_add(room));
        // SAFETY: from the cursor on, below the end (A1).
        unsafe { marks.write(start, Room { words: room / WORD, state }) };
        // SAFETY: there is a room below the end, so the cursor is not null.
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
        if start.wrapping_add(room) == self.cursor.get() && !self.zeroes.get() {
            debug_assert!(self.is_latest(start, room), "freed what is no object");
            self.cursor.set(start);
        } else {
            // SAFETY: passed on.
            unsafe { self.free_slowly(start, room) };
        }
    }

    /// Whether a live room of so many bytes ends at the cursor, as it seems to do.
    fn is_latest(&self, start: *mut u8, room: usize) -> bool {
        let live = Room { words: room / WORD, state: State::Live };
        // SAFETY: it ends at the cursor, so it lies in the current chunk.
        unsafe { self.marks.get().says(start, live) }
    }

    /// The space that the chunks are in; there is one where there is a chunk.
    fn space(&self) -> Option<&'static Space> {
        self.family.get().map(|family| family.holding.space)
    }

    /// Looks at or changes the order of the chunks.
    fn with_chunks<R>(&self, look: impl FnOnce(&mut Order) -> R) -> R {
        let mut chunks = self.chunks.replace(Order::new());
        let seen = look(&mut chunks);
        self.chunks.set(chunks);
        seen
    }

    /// All chunks in address order; chunks may come and go meanwhile.
    fn each_chunk(&self) -> impl Iterator<Item = Chunk> {
        let mut last = None;
        core::iter::from_fn(move || {
            let space = self.space()?;
            let next = self.with_chunks(|chunks| match last {
                None => chunks.lowest(),
                Some(last) => chunks.after(space, last),
            })?;
            last = Some(next);
            Some(Chunk::at(space, next))
        })
    }

    /// The chunk in which an address lies, if it is one of this arena's.
    fn chunk_of(&self, address: usize) -> Option<Chunk> {
        use crate::space::map::Place;
        let space = self.space()?;
        let Place::Chunk(granule) = space.place_of(address)? else { return None };
        self.with_chunks(|chunks| chunks.contains(space, granule))
            .then(|| Chunk::at(space, granule))
    }

    /// The current chunk.
    fn current_chunk(&self) -> Option<Chunk> {
        let current = self.current.get();
        if current == NONE { None } else { self.space().map(|space| Chunk::at(space, current)) }
    }

    /// The map of a chunk.
    fn marks_of(chunk: Chunk) -> Marks {
        Marks::new(chunk.map().as_ptr(), chunk.start().as_ptr())
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
        let nested = Self::new(self.set, self.index, self.zeroes.get());
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
        found.chunks = self.each_chunk().count() + usize::from(self.spare.get() != NONE);
        self.each_room(|_, room| match room.state {
            State::Live => {
                found.live_objects += 1;
                found.live_bytes += room.words * WORD;
            }
            State::Free => found.free_bytes += room.words * WORD,
            State::Hidden => {}
        });
        found
    }
}

/// What an arena has and uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ArenaUse {
    pub(crate) chunks: usize,
    /// The bytes of the chunks.
    pub(crate) committed: usize,
    pub(crate) live_objects: usize,
    pub(crate) live_bytes: usize,
    /// Rooms that were freed by themselves, and gaps.
    pub(crate) free_bytes: usize,
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
