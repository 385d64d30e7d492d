//! The allocator's own memory: caches, magazines, lanes, cells come from the reservation too.
//!
//! Each kind of table is carved from extents by a bump cursor and, once given back, kept in a list
//! of its kind for the next of it. Tables are never given back to the system: their number is
//! bounded by the most that were in use at once (threads x families, lanes x depots).

use core::ptr::{self, NonNull};

use crate::error::AllocError;

use super::Space;
use super::extents::Taker;
use super::map::ExtentKind;

/// A type that is kept in the allocator's own memory.
pub(crate) trait Table {
    /// Which list of free ones it uses; each type has its own number below [`KINDS`].
    const KIND: usize;
}

/// How many types of tables there are.
const KINDS: usize = 7;
/// Every table starts at a multiple of this: two cache lines, because processors fetch them in
/// pairs, and neighbours are often of different threads.
const ALIGN: usize = 128;

#[derive(Debug)]
pub(super) struct Tables {
    /// The next free byte of the extent that is being carved, and how many are left.
    cursor: *mut u8,
    left: usize,
    free: [*mut FreeTable; KINDS],
}

// SAFETY: the pointers are to memory that only the holder of the lock touches.
unsafe impl Send for Tables {}

#[derive(Debug)]
struct FreeTable {
    next: *mut Self,
}

impl Tables {
    pub(super) const fn new() -> Self {
        Self { cursor: ptr::null_mut(), left: 0, free: [ptr::null_mut(); KINDS] }
    }
}

impl Space {
    /// Room for one `T`, not initialised.
    pub(crate) fn alloc_table<T: Table>(&self) -> Result<NonNull<T>, AllocError> {
        const {
            assert!(T::KIND < KINDS && align_of::<T>() <= ALIGN);
            assert!(size_of::<T>() >= size_of::<FreeTable>() && size_of::<T>() <= 64 << 10);
        }
        let mut tables = self.tables.lock();
        if let Some(free) = NonNull::new(tables.free[T::KIND]) {
            // SAFETY: in the list of free ones, so written by `free_table` and nobody's.
            tables.free[T::KIND] = unsafe { free.read() }.next;
            return Ok(free.cast());
        }
        let size = size_of::<T>().next_multiple_of(ALIGN);
        // What is left of the old extent is lost: less than one table.
        if tables.left < size {
            // Of no family, and against no limit: tables have no lifetime of the program's.
            let taken = self.alloc_extents(1, 1, Taker::Any)?;
            self.extent(taken.first).set_kind(ExtentKind::Tables);
            tables.cursor = self.extent_start(taken.first).as_ptr();
            tables.left = self.extent_bytes();
        }
        let table = tables.cursor;
        // SAFETY: `left` bytes from the cursor on are ours.
        tables.cursor = unsafe { table.add(size) };
        tables.left -= size;
        // SAFETY: the cursor points into an extent.
        Ok(unsafe { NonNull::new_unchecked(table.cast()) })
    }

    /// Takes a table back; its destructor does not run.
    ///
    /// # Safety
    ///
    /// From [`Self::alloc_table`] of this space and the same type, and nobody refers to it.
    pub(crate) unsafe fn free_table<T: Table>(&self, table: NonNull<T>) {
        let mut tables = self.tables.lock();
        let free = table.cast::<FreeTable>();
        // SAFETY: large enough for a link (checked when it was taken), aligned, and ours alone.
        unsafe { free.write(FreeTable { next: tables.free[T::KIND] }) };
        tables.free[T::KIND] = free.as_ptr();
    }
}
