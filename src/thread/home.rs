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

    /// [`Self::head_at`] of a class that is not a constant.
    ///
    /// # Safety
    ///
    /// The same.
    #[inline(always)]
    pub(crate) unsafe fn read_head(&self, scaled: usize) -> HeadAt {
        // SAFETY: passed on.
        HeadAt(in_a_register(unsafe { self.head_at(scaled) }))
    }
}

/// Where a head is, computed.
///
/// A free writes the head that the next allocation reads, and processors are quick to forward what was written
/// only where they foresee that it is the same place. Intel's of 2021 on do so for addresses that are a register
/// and a constant, and not where another register is an index: with the row in one register and the class in
/// another, a pair of `malloc` and `free` takes 9 ns where it takes 2.5 with their sum in one (Xeon of the Sapphire
/// Rapids generation, 2026-11-29), though no instruction is saved.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct HeadAt(*const Head);

impl HeadAt {
    /// What was read.
    ///
    /// # Safety
    ///
    /// It is a head of a row to which a home of the calling thread points.
    #[inline(always)]
    #[must_use]
    pub const unsafe fn as_read(head: *const ()) -> Self {
        Self(head.cast())
    }

    /// The head there.
    ///
    /// # Safety
    ///
    /// The calling thread has a row whose head it is, and does nothing out of line while it is used.
    #[inline(always)]
    pub(crate) unsafe fn head<'a>(self) -> &'a Head {
        // SAFETY: passed on: heads are in rows, which are the calling thread's, or the one of all.
        unsafe { &*self.0 }
    }
}

/// The same address, of which the compiler does not know any more that it is a sum.
#[inline(always)]
fn in_a_register<T>(address: *const T) -> *const T {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    #[expect(clippy::pointers_in_nomem_asm_block, reason = "nothing is read there")]
    let address = {
        let mut address = address;
        // SAFETY: no instruction.
        unsafe {
            core::arch::asm!(
                "/* {0} */",
                inout(reg) address,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        address
    };
    address
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
/// Where the row of that family is, is kept once more: to read first which family it is and then where its row is
/// would be a read more for all the others of an allocation to wait for. So whoever points a home at another row does
/// it here (`Homes::point`), and whoever changes the scope (`Homes::enter`). A signal handler that comes between the
/// two writes of either allocates in the scope that was before, from a row of its thread's.
///
/// The size is not part of how they are reached: `Homes<0>` stands for those of any set.
#[derive(Debug)]
#[repr(C)]
pub struct Homes<const N: usize> {
    scope: Cell<usize>,
    of_scope: RowHome,
    rows: [RowHome; N],
}

impl<const N: usize> Homes<N> {
    /// Homes without rows, outside of any scope: unmodified code allocates in the family `fallback`.
    #[must_use]
    pub const fn new(fallback: usize) -> Self {
        Self {
            scope: Cell::new(fallback),
            of_scope: RowHome::new(),
            rows: [const { RowHome::new() }; N],
        }
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
    /// The family of the scope.
    ///
    /// # Safety
    ///
    /// `this` is the start of the calling thread's homes of a set. They are not used after the thread
    /// has ended.
    #[inline(always)]
    pub(crate) unsafe fn scope(this: *const Self) -> usize {
        // SAFETY: the homes are valid (contract).
        unsafe { (*this).scope.get() }
    }

    /// The home that points where that of the scope's family does.
    ///
    /// # Safety
    ///
    /// As for [`Self::scope`].
    #[inline(always)]
    pub(crate) unsafe fn of_scope<'a>(this: *const Self) -> &'a RowHome {
        // SAFETY: the homes are valid (contract).
        unsafe { &(*this).of_scope }
    }

    /// Makes a family that of the scope, and returns the one before.
    ///
    /// # Safety
    ///
    /// As for [`Self::home_of`].
    #[inline(always)]
    pub(crate) unsafe fn enter(this: *const Self, family: usize) -> usize {
        // SAFETY: passed on.
        let row = unsafe { Self::home_of(this, family) }.row.get();
        // SAFETY: the homes are valid (contract).
        let before = unsafe { (*this).scope.replace(family) };
        // SAFETY: as above.
        unsafe { Self::of_scope(this) }.row.set(row);
        before
    }

    /// Points the home of a family at a row.
    ///
    /// # Safety
    ///
    /// As for [`Self::home_of`]; and the row is the empty one, or the calling thread's for this family.
    pub(super) unsafe fn point(this: *const Self, family: usize, row: *const Row) {
        // SAFETY: passed on.
        unsafe { Self::home_of(this, family) }.row.set(row);
        // SAFETY: passed on.
        if unsafe { Self::scope(this) } == family {
            // SAFETY: passed on.
            unsafe { Self::of_scope(this) }.row.set(row);
        }
    }

    /// The home of a family.
    ///
    /// # Safety
    ///
    /// As for [`Self::scope`], and the set has more than `family` families.
    #[inline(always)]
    pub(crate) unsafe fn home_of<'a>(this: *const Self, family: usize) -> &'a RowHome {
        // SAFETY: the rows of as many families as the set has come last (`repr(C)`).
        unsafe { &*(&raw const (*this).rows).cast::<RowHome>().add(family) }
    }
}
