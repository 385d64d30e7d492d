//! No rows: without the standard library nobody tells when a thread ends, nor which one is running.
//!
//! So every thread does what one does for which no exit hook can be had: it takes slots from the
//! lanes one by one and gives them back so, under their locks. Nothing is ever parked.

use core::ptr::NonNull;

use crate::table::FamilyTable;

use super::{Row, RowHome};

/// How many magazines a thread has of one cell.
pub(crate) const MAGAZINES: usize = 0;

/// The calling thread's row of a family: none.
pub(super) fn row<'a>(_: &'a RowHome, _: &'static FamilyTable) -> Option<&'a Row> {
    None
}

/// Empties all magazines of the calling thread.
pub(crate) fn unload_rows() {}

/// Empties the calling thread's magazines of a family.
pub(crate) fn unload_rows_of(_: &FamilyTable) {}

/// Whether no other thread has a row of this family.
pub(crate) fn is_only_user(_: &FamilyTable) -> bool {
    true
}

/// Whether the calling thread has `slot` in a magazine of this class and family.
pub(crate) fn holds(_: &FamilyTable, _: usize, _: NonNull<u8>) -> bool {
    false
}

/// Calls `visit` with every address in the calling thread's magazines of a family, and its class.
pub(crate) fn for_each_slot(_: &FamilyTable, _: impl FnMut(*mut u8, usize)) {}
