//! Allocating and freeing.
//!
//! The fast path of a typed handle is a pop or a push at constant offsets: the class is a constant of the
//! type, and the thread cache is one thread-local load away. Raw sizes compute the class first. Everything
//! else is out of line.
//!
//! Sizes and alignments: an allocation of size 0 returns a well-aligned address without memory, and
//! freeing it does nothing. A raw size is aligned to the largest power of two that divides it, up to 16
//! bytes, or up to 4096 if the family is declared with `align = "natural"`. A `Layout` may have any
//! alignment.

use core::alloc::Layout;
use core::ptr::{self, NonNull};

use crate::class;
use crate::error::{AllocError, AllocErrorKind};
use crate::family_key::FamilyKey;
use crate::family_set::FamilySet;
use crate::table::SetTable;
use crate::thread::{Head, Taken, give_slowly, take_slowly};

use super::{large, query};

/// What raw sizes are aligned to at most.
pub(super) const RAW_ALIGN: usize = 16;
/// The same where the family asks for natural alignment.
const NATURAL_ALIGN: usize = 4096;

/// The layout of `len` values, or an error when it would exceed `isize` (I7).
pub(crate) fn array_layout<T>(len: usize) -> Result<Layout, AllocError> {
    Layout::array::<T>(len).map_err(|_| AllocError::new(AllocErrorKind::TooLarge))
}

/// The alignment of a raw size in a family.
#[inline(always)]
pub(super) fn raw_align(family: impl FamilyKey, size: usize) -> usize {
    let most = if family.spec().aligns_naturally() { NATURAL_ALIGN } else { RAW_ALIGN };
    class::natural_align(size, most)
}

/// The layout of a raw size in a family.
#[inline(always)]
pub(super) fn raw_layout(family: impl FamilyKey, size: usize) -> Result<Layout, AllocError> {
    Layout::from_size_align(size, raw_align(family, size))
        .map_err(|_| AllocError::new(AllocErrorKind::TooLarge))
}

/// An address for no memory.
#[inline(always)]
pub(crate) const fn dangling(align: usize) -> NonNull<u8> {
    // SAFETY: an alignment is not zero.
    unsafe { NonNull::new_unchecked(ptr::without_provenance_mut(align)) }
}

/// Allocates what has no class: nothing, or large memory.
#[inline(always)]
pub(super) fn alloc_unclassed<K: FamilyKey>(
    family: K,
    size: usize,
    align: usize,
) -> Result<NonNull<u8>, AllocError> {
    alloc_unclassed_of(<K::Set as FamilySet>::table(), family.position(), size, align).into_result()
}

#[cold]
#[inline(never)]
fn alloc_unclassed_of(set: &'static SetTable, family: usize, size: usize, align: usize) -> Taken {
    if size == 0 {
        return Taken::new(Ok(dangling(align)));
    }
    Taken::new(large::alloc(set, family, size, align).map(|large| large.start))
}

/// The head of a class that is `KNOWN` when this is compiled, or not: then its address is computed once, into a
/// register.
///
/// # Safety
///
/// `class` is below [`class::COUNT`]. Nothing is done out of line while the head is used.
#[inline(always)]
unsafe fn head<'a, K: FamilyKey, const KNOWN: bool>(family: K, class: usize) -> &'a Head {
    if KNOWN {
        // SAFETY: a family's cache slot is valid on the calling thread (contract of `FamilyKey`).
        let cache_slot = unsafe { &*family.cache_slot() };
        // SAFETY: passed on.
        unsafe { cache_slot.head(class) }
    } else {
        // SAFETY: passed on; a class, scaled.
        unsafe { family.read_head(class << class::SCALE).head() }
    }
}

/// Takes a slot of a class, which is `KNOWN` or not.
#[inline(always)]
fn take<K: FamilyKey, const KNOWN: bool>(
    family: K,
    class: usize,
) -> Result<NonNull<u8>, AllocError> {
    // SAFETY: classes come from `class::of`.
    let head = unsafe { head::<K, KNOWN>(family, class) };
    match head.pop() {
        Some(slot) => Ok(slot),
        None => {
            // SAFETY: a family's cache slot is valid on the calling thread (contract of `FamilyKey`).
            let cache_slot = unsafe { &*family.cache_slot() };
            take_slowly(cache_slot, <K::Set as FamilySet>::table(), family.position(), class)
        }
    }
}

/// Gives a slot of a class back, which is `KNOWN` as in [`take`].
///
/// # Safety
///
/// The slot is of this class and family, and the caller's to free.
#[inline(always)]
unsafe fn give<K: FamilyKey, const KNOWN: bool>(family: K, class: usize, slot: NonNull<u8>) {
    // SAFETY: as in `take`.
    if !unsafe { head::<K, KNOWN>(family, class) }.push(slot) {
        // SAFETY: as in `take`.
        let cache_slot = unsafe { &*family.cache_slot() };
        let table = <K::Set as FamilySet>::table();
        // SAFETY: passed on.
        unsafe { give_slowly(slot, cache_slot, table, family.position(), class) };
    }
}

/// What a free does before the slot is given up: the family's wish for zeros, and in builds with
/// debug assertions a look at the pointer.
///
/// # Safety
///
/// The memory is the caller's to free.
#[inline(always)]
unsafe fn before_free<K: FamilyKey>(family: K, start: NonNull<u8>, layout: Layout) {
    if cfg!(debug_assertions) {
        query::expect_live(<K::Set as FamilySet>::table(), family.position(), start, layout);
    }
    if family.spec().zeroes_on_free() {
        // All of the slot, which may have been used beyond this layout. Large memory is zeroed where
        // its length is known.
        let bytes = class::of_layout(layout).map_or(0, class::slot_size);
        // SAFETY: the slot of the allocation has that many bytes.
        unsafe { start.write_bytes(0, bytes) };
    }
}

/// Allocates `size` bytes in a family: [`alloc_in`](crate::alloc_in).
#[inline(always)]
pub(super) fn alloc_size<K: FamilyKey>(family: K, size: usize) -> Result<NonNull<u8>, AllocError> {
    match class::of_size(size) {
        Some(class) => take::<K, false>(family, class),
        None => {
            let align = if size == 0 { RAW_ALIGN } else { raw_align(family, size) };
            alloc_unclassed(family, size, align)
        }
    }
}

/// Allocates memory of a layout in a family: [`RawAlloc::alloc`](crate::RawAlloc::alloc).
#[inline(always)]
pub(crate) fn alloc<K: FamilyKey>(family: K, layout: Layout) -> Result<NonNull<u8>, AllocError> {
    match class::of_layout(layout) {
        Some(class) => take::<K, false>(family, class),
        None => alloc_unclassed(family, layout.size(), layout.align()),
    }
}

/// Allocates zeroed memory of a layout in a family.
#[inline(always)]
pub(crate) fn alloc_zeroed<K: FamilyKey>(
    family: K,
    layout: Layout,
) -> Result<NonNull<u8>, AllocError> {
    match class::of_layout(layout) {
        None if layout.size() == 0 => Ok(dangling(layout.align())),
        Some(class) => {
            let slot = take::<K, false>(family, class)?;
            // The rest of the slot keeps what it has: whoever grows into it later, and wants zeros,
            // writes them then.
            // SAFETY: a slot of the class has at least the layout's size.
            unsafe { slot.write_bytes(0, layout.size()) };
            Ok(slot)
        }
        None => {
            let table = <K::Set as FamilySet>::table();
            large::alloc_zeroed(table, family.position(), layout.size(), layout.align())
        }
    }
}

/// Frees memory of a layout in a family.
///
/// # Safety
///
/// `start` was allocated in the family, `layout` is the layout last requested for it, and it is not used again.
#[inline(always)]
pub(crate) unsafe fn free<K: FamilyKey>(family: K, start: NonNull<u8>, layout: Layout) {
    match class::of_layout(layout) {
        Some(class) => {
            // SAFETY: passed on.
            unsafe { before_free(family, start, layout) };
            // SAFETY: passed on; the class is that of the allocation.
            unsafe { give::<K, false>(family, class, start) };
        }
        None if layout.size() == 0 => {}
        None => {
            let table = <K::Set as FamilySet>::table();
            // SAFETY: passed on.
            unsafe { before_free(family, start, layout) };
            // SAFETY: passed on.
            unsafe { large::free(table, family.position(), start, layout) };
        }
    }
}

/// Room for one `T` in a family, its class a constant. A type of no size gets no memory.
#[inline(always)]
pub(crate) fn alloc_value<K: FamilyKey, T>(family: K) -> Result<NonNull<T>, AllocError> {
    if size_of::<T>() == 0 {
        return Ok(NonNull::dangling());
    }
    match const { class::of_layout(Layout::new::<T>()) } {
        Some(class) => take::<K, true>(family, class).map(NonNull::cast),
        None => alloc(family, Layout::new::<T>()).map(NonNull::cast),
    }
}

/// Frees the room of one `T`.
///
/// # Safety
///
/// `start` was allocated in the family with the layout of `T`, and is not used again.
#[inline(always)]
pub(crate) unsafe fn free_value<K: FamilyKey, T>(family: K, start: NonNull<T>) {
    let layout = Layout::new::<T>();
    match const { class::of_layout(Layout::new::<T>()) } {
        _ if size_of::<T>() == 0 => {}
        Some(class) => {
            // SAFETY: passed on.
            unsafe { before_free(family, start.cast(), layout) };
            // SAFETY: passed on.
            unsafe { give::<K, true>(family, class, start.cast()) };
        }
        // SAFETY: passed on.
        None => unsafe { free(family, start.cast(), layout) },
    }
}
