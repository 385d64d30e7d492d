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
use crate::error::{AllocError, AllocErrorKind, FreeError};
use crate::family::Family;
use crate::family_set::FamilySet;
use crate::table::SetTable;
use crate::thread::{CacheSlot, Head, Taken, give_slowly, take_slowly};

use super::{large, query};

/// What raw sizes are aligned to at most.
const RAW_ALIGN: usize = 16;
/// The same where the family asks for natural alignment.
const NATURAL_ALIGN: usize = 4096;

/// The layout of `len` values, or an error when it would exceed `isize` (I7).
pub(crate) fn array_layout<T>(len: usize) -> Result<Layout, AllocError> {
    Layout::array::<T>(len).map_err(|_| AllocError::new(AllocErrorKind::TooLarge))
}

/// The alignment of a raw size in a family.
#[inline(always)]
pub(super) const fn raw_align<F: Family>(size: usize) -> usize {
    let most = if F::SPEC.aligns_naturally() { NATURAL_ALIGN } else { RAW_ALIGN };
    class::natural_align(size, most)
}

/// The layout of a raw size in a family.
#[inline(always)]
pub(super) const fn raw_layout<F: Family>(size: usize) -> Result<Layout, AllocError> {
    match Layout::from_size_align(size, raw_align::<F>(size)) {
        Ok(layout) => Ok(layout),
        Err(_) => Err(AllocError::new(AllocErrorKind::TooLarge)),
    }
}

/// An address for no memory.
#[inline(always)]
pub(crate) const fn dangling(align: usize) -> NonNull<u8> {
    // SAFETY: an alignment is not zero.
    unsafe { NonNull::new_unchecked(ptr::without_provenance_mut(align)) }
}

/// Allocates what has no class: nothing, or large memory.
#[cold]
#[inline(never)]
pub(super) fn alloc_unclassed(
    set: &'static SetTable,
    family: usize,
    size: usize,
    align: usize,
) -> Taken {
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
/// As for [`CacheSlot::head`].
#[inline(always)]
unsafe fn head<const KNOWN: bool>(cache_slot: &CacheSlot, class: usize) -> &Head {
    if KNOWN {
        // SAFETY: passed on.
        unsafe { cache_slot.head(class) }
    } else {
        // SAFETY: passed on; a class, scaled, of the cache that the cache slot points to.
        unsafe { cache_slot.read_head(class << class::SCALE).head() }
    }
}

/// Takes a slot of a class, which is `KNOWN` or not.
#[inline(always)]
fn take<F: Family, const KNOWN: bool>(class: usize) -> Result<NonNull<u8>, AllocError> {
    // SAFETY: a family's cache slot is valid on the calling thread (contract of `Family`).
    let cache_slot = unsafe { &*F::cache_slot() };
    // SAFETY: classes come from `class::of`.
    let head = unsafe { head::<KNOWN>(cache_slot, class) };
    match head.pop() {
        Some(slot) => Ok(slot),
        None => take_slowly(cache_slot, <F::Set as FamilySet>::table(), F::INDEX, class),
    }
}

/// Gives a slot of a class back, which is `KNOWN` as in [`take`].
///
/// # Safety
///
/// The slot is of this class and family, and the caller's to free.
#[inline(always)]
unsafe fn give<F: Family, const KNOWN: bool>(class: usize, slot: NonNull<u8>) {
    // SAFETY: as in `take`.
    let cache_slot = unsafe { &*F::cache_slot() };
    // SAFETY: as in `take`.
    if !unsafe { head::<KNOWN>(cache_slot, class) }.push(slot) {
        // SAFETY: passed on.
        unsafe { give_slowly(slot, cache_slot, <F::Set as FamilySet>::table(), F::INDEX, class) };
    }
}

/// What a free does before the slot is given up: the family's wish for zeros, and in builds with
/// debug assertions a look at the pointer.
///
/// # Safety
///
/// The memory is the caller's to free.
#[inline(always)]
unsafe fn before_free<F: Family>(start: NonNull<u8>, layout: Layout) {
    if cfg!(debug_assertions) {
        query::expect_live(<F::Set as FamilySet>::table(), F::INDEX, start, layout);
    }
    if F::SPEC.zeroes_on_free() {
        // All of the slot, which may have been used beyond this layout. Large memory is zeroed where
        // its length is known.
        let bytes = class::of_layout(layout).map_or(0, class::slot_size);
        // SAFETY: the slot of the allocation has that many bytes.
        unsafe { start.write_bytes(0, bytes) };
    }
}

/// Allocates `size` bytes in family `F`.
///
/// The memory is uninitialised. It is aligned to the largest power of two that divides `size`, up to 16
/// bytes (4096 if the family has `align = "natural"`). Takes constant time, except on the slow path, which
/// is taken at most once for a magazine of operations.
///
/// # Errors
///
/// If `size` exceeds `isize::MAX`, the limit of the family is reached, or the page source refuses.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, alloc_in, free_in};
///
/// #[alloc_family]
/// enum Lives {
///     Frame,
/// }
///
/// let buffer = alloc_in::<lives::Frame>(48)?;
/// // SAFETY: 48 bytes were allocated.
/// unsafe { buffer.write_bytes(7, 48) };
/// // SAFETY: allocated above in the same family with the same size.
/// unsafe { free_in::<lives::Frame>(buffer, 48) };
/// # Ok::<(), famalloc::AllocError>(())
/// ```
#[inline]
pub fn alloc_in<F: Family>(size: usize) -> Result<NonNull<u8>, AllocError> {
    match class::of_size(size) {
        Some(class) => take::<F, false>(class),
        None => {
            let align = if size == 0 { RAW_ALIGN } else { raw_align::<F>(size) };
            alloc_unclassed(<F::Set as FamilySet>::table(), F::INDEX, size, align).into_result()
        }
    }
}

/// Allocates `size` zeroed bytes in family `F`; otherwise like [`alloc_in`].
///
/// # Errors
///
/// As for [`alloc_in`].
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, alloc_zeroed_in, free_in};
///
/// #[alloc_family]
/// enum Lives {
///     Frame,
/// }
///
/// let cells = alloc_zeroed_in::<lives::Frame>(64)?;
/// // SAFETY: 64 bytes were allocated, all zero.
/// assert_eq!(unsafe { cells.add(63).read() }, 0);
/// // SAFETY: allocated above in the same family with the same size.
/// unsafe { free_in::<lives::Frame>(cells, 64) };
/// # Ok::<(), famalloc::AllocError>(())
/// ```
#[inline]
pub fn alloc_zeroed_in<F: Family>(size: usize) -> Result<NonNull<u8>, AllocError> {
    if size == 0 {
        return Ok(dangling(RAW_ALIGN));
    }
    alloc_zeroed_layout_in::<F>(raw_layout::<F>(size)?)
}

/// Frees memory that was allocated with a raw size in family `F`. Takes constant time, except on the slow
/// path.
///
/// # Safety
///
/// `start` was allocated in `F` by [`alloc_in`], [`alloc_zeroed_in`] or [`realloc_in`], `size` is the size
/// last requested for it, and it is not used again.
///
/// # Aborts
///
/// A double free, a foreign pointer or a wrong size is undefined behaviour. Where the allocator detects
/// one, it writes a message to standard error and aborts: at once in builds with debug assertions,
/// otherwise when the magazine is flushed. [`try_free_in`] checks first.
///
/// # Examples
///
/// See [`alloc_in`].
///
/// [`realloc_in`]: crate::realloc_in
#[inline]
pub unsafe fn free_in<F: Family>(start: NonNull<u8>, size: usize) {
    // SAFETY: the size was allocated, so it makes a layout: at most `isize::MAX`, the alignment a
    // power of two that divides it.
    let layout = unsafe { Layout::from_size_align_unchecked(size, raw_align::<F>(size)) };
    // SAFETY: passed on.
    unsafe { free_layout_in::<F>(start, layout) };
}

/// Allocates memory of a layout in family `F`. Every alignment is supported.
///
/// # Errors
///
/// As for [`alloc_in`].
///
/// # Examples
///
/// ```
/// use core::alloc::Layout;
/// use famalloc::{alloc_family, alloc_layout_in, free_layout_in};
///
/// #[alloc_family]
/// enum Lives {
///     Level,
/// }
///
/// let layout = Layout::from_size_align(100, 4096)?;
/// let page = alloc_layout_in::<lives::Level>(layout)?;
/// assert_eq!(page.as_ptr().addr() % 4096, 0);
/// // SAFETY: allocated above in the same family with the same layout.
/// unsafe { free_layout_in::<lives::Level>(page, layout) };
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline]
pub fn alloc_layout_in<F: Family>(layout: Layout) -> Result<NonNull<u8>, AllocError> {
    match class::of_layout(layout) {
        Some(class) => take::<F, false>(class),
        None => {
            let table = <F::Set as FamilySet>::table();
            alloc_unclassed(table, F::INDEX, layout.size(), layout.align()).into_result()
        }
    }
}

/// Allocates zeroed memory of a layout in family `F`. Large memory that is new from the system is not
/// written again.
///
/// # Errors
///
/// As for [`alloc_in`].
///
/// # Examples
///
/// ```
/// use core::alloc::Layout;
/// use famalloc::{alloc_family, alloc_zeroed_layout_in, free_layout_in};
///
/// #[alloc_family]
/// enum Lives {
///     Level,
/// }
///
/// let layout = Layout::array::<u64>(1000)?;
/// let cells = alloc_zeroed_layout_in::<lives::Level>(layout)?.cast::<u64>();
/// // SAFETY: a thousand zeros were allocated.
/// assert_eq!(unsafe { cells.add(999).read() }, 0);
/// // SAFETY: allocated above in the same family with the same layout.
/// unsafe { free_layout_in::<lives::Level>(cells.cast(), layout) };
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline]
pub fn alloc_zeroed_layout_in<F: Family>(layout: Layout) -> Result<NonNull<u8>, AllocError> {
    match class::of_layout(layout) {
        None if layout.size() == 0 => Ok(dangling(layout.align())),
        Some(class) => {
            let slot = take::<F, false>(class)?;
            // The rest of the slot keeps what it has: whoever grows into it later, and wants zeros,
            // writes them then.
            // SAFETY: a slot of the class has at least the layout's size.
            unsafe { slot.write_bytes(0, layout.size()) };
            Ok(slot)
        }
        None => {
            let table = <F::Set as FamilySet>::table();
            large::alloc_zeroed(table, F::INDEX, layout.size(), layout.align())
        }
    }
}

/// Frees memory of a layout in family `F`.
///
/// # Safety
///
/// `start` was allocated in `F`, `layout` is the layout last requested for it, and it is not used again.
///
/// # Aborts
///
/// As for [`free_in`].
///
/// # Examples
///
/// See [`alloc_layout_in`].
#[inline]
pub unsafe fn free_layout_in<F: Family>(start: NonNull<u8>, layout: Layout) {
    match class::of_layout(layout) {
        Some(class) => {
            // SAFETY: passed on.
            unsafe { before_free::<F>(start, layout) };
            // SAFETY: passed on; the class is that of the allocation.
            unsafe { give::<F, false>(class, start) };
        }
        None if layout.size() == 0 => {}
        None => {
            let table = <F::Set as FamilySet>::table();
            // SAFETY: passed on.
            unsafe { before_free::<F>(start, layout) };
            // SAFETY: passed on.
            unsafe { large::free(table, F::INDEX, start, layout) };
        }
    }
}

/// Checks the pointer, its family and its layout, and whether it is already free as far as can be known
/// (in its block, in a depot, in this thread's magazines); then frees the memory.
///
/// Slower than [`free_layout_in`]: it takes a lock. On an error nothing is changed.
///
/// # Errors
///
/// What is wrong with the pointer.
///
/// # Safety
///
/// If `start` is a live allocation of family `F`, it is not used again. Any other pointer is an error,
/// except a free slot in the magazine of another thread.
///
/// # Examples
///
/// ```
/// use core::alloc::Layout;
/// use famalloc::{alloc_family, alloc_layout_in, try_free_in, FreeError};
///
/// #[alloc_family]
/// enum Lives {
///     Frame,
/// }
///
/// let layout = Layout::new::<[u64; 4]>();
/// let frame = alloc_layout_in::<lives::Frame>(layout)?;
/// let mut local = 0u8;
/// // SAFETY: the first is live and not used again; the others are refused.
/// unsafe {
///     assert_eq!(try_free_in::<lives::Frame>(frame, layout), Ok(()));
///     assert_eq!(try_free_in::<lives::Frame>(frame, layout), Err(FreeError::AlreadyFree));
///     let local = core::ptr::NonNull::from(&mut local);
///     assert_eq!(try_free_in::<lives::Frame>(local, layout), Err(FreeError::Foreign));
/// }
/// # Ok::<(), famalloc::AllocError>(())
/// ```
pub unsafe fn try_free_in<F: Family>(start: NonNull<u8>, layout: Layout) -> Result<(), FreeError> {
    if layout.size() == 0 {
        return Ok(());
    }
    let table = <F::Set as FamilySet>::table();
    query::live(table, F::INDEX, start, layout)?;
    query::not_parked(table, F::INDEX, start, layout)?;
    // SAFETY: passed on; what is not live has been refused.
    unsafe { free_layout_in::<F>(start, layout) };
    Ok(())
}

/// Room for one `T` in family `F`, its class a constant. A type of no size gets no memory.
#[inline(always)]
pub(crate) fn alloc_value_in<F: Family, T>() -> Result<NonNull<T>, AllocError> {
    if size_of::<T>() == 0 {
        return Ok(NonNull::dangling());
    }
    match const { class::of_layout(Layout::new::<T>()) } {
        Some(class) => take::<F, true>(class).map(NonNull::cast),
        None => alloc_layout_in::<F>(Layout::new::<T>()).map(NonNull::cast),
    }
}

/// Frees the room of one `T`.
///
/// # Safety
///
/// `start` was allocated in `F` with the layout of `T`, and is not used again.
#[inline(always)]
pub(crate) unsafe fn free_value_in<F: Family, T>(start: NonNull<T>) {
    let layout = Layout::new::<T>();
    match const { class::of_layout(Layout::new::<T>()) } {
        _ if size_of::<T>() == 0 => {}
        Some(class) => {
            // SAFETY: passed on.
            unsafe { before_free::<F>(start.cast(), layout) };
            // SAFETY: passed on.
            unsafe { give::<F, true>(class, start.cast()) };
        }
        // SAFETY: passed on.
        None => unsafe { free_layout_in::<F>(start.cast(), layout) },
    }
}
