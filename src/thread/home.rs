//! What a thread keeps for one family set: where its rows are, and the family of the scope it is in.

use core::cell::Cell;
use core::fmt;

use super::{EMPTY_ROW, Head, Row};
use crate::class;

/// Where a thread keeps the address of its row of one family.
#[repr(transparent)]
pub struct RowHome {
    pub(super) row: Cell<*const Row>,
}

impl RowHome {
    /// A home without a row: it points at the empty row.
    #[must_use]
    pub const fn new() -> Self {
        Self { row: Cell::new(EMPTY_ROW.as_row()) }
    }

    /// A home as one was read.
    ///
    /// # Safety
    ///
    /// The calling thread has a home that points there, and does nothing out of line while this is used.
    #[inline(always)]
    #[must_use]
    pub const unsafe fn as_read(row: *const ()) -> Self {
        Self { row: Cell::new(row.cast()) }
    }

    /// [`Self::as_read`] of this one.
    ///
    /// # Safety
    ///
    /// The same.
    #[inline(always)]
    pub(crate) unsafe fn read(&self) -> Self {
        Self { row: self.row.clone() }
    }

    /// The row.
    #[inline(always)]
    pub(crate) fn row(&self) -> &Row {
        // SAFETY: a home points at the empty row, or at the row of its own thread, which is given
        // back only after the home has been pointed at the empty row again.
        unsafe { &*self.row.get() }
    }

    /// The row's head of a class.
    ///
    /// # Safety
    ///
    /// `class` is below [`class::COUNT`].
    #[inline(always)]
    pub(crate) unsafe fn head(&self, class: usize) -> &Head {
        debug_assert!(class < class::COUNT);
        // SAFETY: passed on.
        unsafe { self.head_at(class << class::SCALE) }
    }

    /// The row's head of a class that is [scaled](class::SCALE).
    ///
    /// There is no reference to the whole row on the way: Miri looks at each field of what a reference is
    /// made to, and there are hundreds.
    ///
    /// # Safety
    ///
    /// It is a class below [`class::COUNT`], scaled.
    #[inline(always)]
    pub(crate) unsafe fn head_at(&self, scaled: usize) -> &Head {
        debug_assert!(
            scaled < size_of::<[Head; class::COUNT]>() && scaled % size_of::<Head>() == 0
        );
        // SAFETY: as in `row`. The heads come first.
        let head = unsafe { self.row.get().cast::<Head>().byte_add(scaled) };
        // SAFETY: passed on: one's start.
        unsafe { &*head }
    }
}

impl Default for RowHome {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for RowHome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowHome").field("made", &!self.row().is_empty_row()).finish()
    }
}

/// All of them, for a set of `N` families, and the family in which unmodified code allocates now.
///
/// The size is not part of how they are reached: `Homes<0>` stands for those of any set.
#[derive(Debug)]
#[repr(C)]
pub struct Homes<const N: usize> {
    scope: Cell<usize>,
    rows: [RowHome; N],
}

impl<const N: usize> Homes<N> {
    /// Homes without rows, outside of any scope: unmodified code allocates in the family `fallback`.
    #[must_use]
    pub const fn new(fallback: usize) -> Self {
        Self { scope: Cell::new(fallback), rows: [const { RowHome::new() }; N] }
    }

    /// The home of a family.
    #[inline(always)]
    pub const fn home(&self, family: usize) -> *const RowHome {
        &raw const self.rows[family]
    }

    /// These, whatever their number.
    #[inline(always)]
    pub const fn start(&self) -> *const Homes<0> {
        (&raw const *self).cast()
    }
}

impl Homes<0> {
    /// Where the family of the scope is kept.
    ///
    /// # Safety
    ///
    /// `this` is the start of the calling thread's homes of a set. They are not used after the thread
    /// has ended.
    #[inline(always)]
    pub(crate) unsafe fn scope_of<'a>(this: *const Self) -> &'a Cell<usize> {
        // SAFETY: the homes are valid (contract); the scope is their first field.
        unsafe { &(*this).scope }
    }

    /// The home of a family.
    ///
    /// # Safety
    ///
    /// As for [`Self::scope_of`], and the set has more than `family` families.
    #[inline(always)]
    pub(crate) unsafe fn home_of<'a>(this: *const Self, family: usize) -> &'a RowHome {
        // SAFETY: the rows of as many families as the set has follow the scope (`repr(C)`).
        unsafe { &*(&raw const (*this).rows).cast::<RowHome>().add(family) }
    }
}
