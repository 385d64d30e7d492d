//! [`RawAlloc`] and [`SlotAlloc`]: allocators of memory, of any layout and of one.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::error::AllocError;
use crate::family::Family;
use crate::heap::{
    alloc_layout_in, alloc_zeroed_layout_in, free_layout_in, realloc_layout_in, resize,
};
use crate::in_family::In;

/// An allocator of memory of any layout.
///
/// Like the allocator traits of collections, but for code that allocates by itself: every failure has a
/// reason, a size of 0 is allowed, and only an address is returned.
///
/// # Safety
///
/// Allocated memory has the size and alignment of its layout, overlaps no other allocation, and stays in
/// place until it is freed or resized, or the allocator (and every copy of it) is gone or says otherwise
/// (as a region does that is reset), even if the allocator is moved.
///
/// # Examples
///
/// ```
/// use core::alloc::Layout;
/// use core::ptr::NonNull;
/// use famalloc::object_alloc::RawAlloc;
/// use famalloc::{alloc_family, AllocError, In};
///
/// #[alloc_family]
/// enum Lives { Ast }
///
/// /// A copy of `text` in memory from anywhere.
/// fn copy<A: RawAlloc>(text: &str, memory: &A) -> Result<NonNull<u8>, AllocError> {
///     let copy = memory.try_alloc(Layout::for_value(text))?;
///     // SAFETY: as long as the text, and new.
///     unsafe { copy.copy_from_nonoverlapping(NonNull::from(text).cast(), text.len()) };
///     Ok(copy)
/// }
///
/// let ast = In::<lives::Ast>::new();
/// let copied = copy("let", &ast)?;
/// let (three, ten) = (Layout::for_value("let"), Layout::array::<u8>(10)?);
/// // SAFETY: written above; resized and freed with the layout it was last asked for with.
/// unsafe {
///     let copied = ast.try_resize(copied, three, ten)?;
///     assert_eq!(copied.add(2).read(), b't');
///     ast.free(copied, ten);
/// }
/// let zeros = ast.try_alloc_zeroed(ten)?;
/// // SAFETY: ten zeros, freed as they came.
/// unsafe {
///     assert_eq!(zeros.add(9).read(), 0);
///     ast.free(zeros, ten);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub unsafe trait RawAlloc {
    /// Allocates uninitialised memory of a layout. A size of 0 returns a well-aligned address.
    ///
    /// # Errors
    ///
    /// If no memory of that layout is available.
    ///
    /// # Examples
    ///
    /// See [`RawAlloc`].
    fn try_alloc(&self, layout: Layout) -> Result<NonNull<u8>, AllocError>;

    /// Frees memory. An allocator that frees everything at once may do nothing.
    ///
    /// # Safety
    ///
    /// This allocator (or a copy of it) allocated `start`, `layout` is the layout last requested for it,
    /// and it is not used again.
    ///
    /// # Examples
    ///
    /// See [`RawAlloc`].
    unsafe fn free(&self, start: NonNull<u8>, layout: Layout);

    /// Allocates zeroed memory.
    ///
    /// # Errors
    ///
    /// As for [`try_alloc`](Self::try_alloc).
    ///
    /// # Examples
    ///
    /// See [`RawAlloc`].
    #[inline]
    fn try_alloc_zeroed(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        let start = self.try_alloc(layout)?;
        // SAFETY: just handed out with that many bytes.
        unsafe { start.write_bytes(0, layout.size()) };
        Ok(start)
    }

    /// Changes the layout of memory from `old` to `new` without moving it, or changes nothing and returns
    /// `false`, which is the default.
    ///
    /// # Safety
    ///
    /// This allocator allocated `start`, and `old` is the layout last requested for it.
    ///
    /// # Examples
    ///
    /// See [`RawAlloc`].
    #[inline]
    unsafe fn resize_in_place(&self, start: NonNull<u8>, old: Layout, new: Layout) -> bool {
        let _ = (start, old, new);
        false
    }

    /// Changes the layout of memory from `old` to `new`, larger or smaller, and moves it if necessary.
    /// Keeps the contents up to the smaller size.
    ///
    /// By default: in place if possible, otherwise by a new allocation and a copy.
    ///
    /// # Errors
    ///
    /// As for [`try_alloc`](Self::try_alloc); the memory is then as it was.
    ///
    /// # Safety
    ///
    /// This allocator allocated `start`, and `old` is the layout last requested for it. On success it is
    /// not used again except through the returned address.
    ///
    /// # Examples
    ///
    /// See [`RawAlloc`].
    #[inline]
    unsafe fn try_resize(
        &self,
        start: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<u8>, AllocError> {
        // SAFETY: passed on.
        if unsafe { self.resize_in_place(start, old, new) } {
            return Ok(start);
        }
        let moved = self.try_alloc(new)?;
        let kept = old.size().min(new.size());
        // SAFETY: both are that long, and the one is new.
        unsafe { moved.copy_from_nonoverlapping(start, kept) };
        // SAFETY: passed on.
        unsafe { self.free(start, old) };
        Ok(moved)
    }
}

// SAFETY: a family's slots overlap no other, and stay until they are freed.
unsafe impl<F: Family> RawAlloc for In<F> {
    #[inline]
    fn try_alloc(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        alloc_layout_in::<F>(layout)
    }

    #[inline]
    unsafe fn free(&self, start: NonNull<u8>, layout: Layout) {
        // SAFETY: passed on.
        unsafe { free_layout_in::<F>(start, layout) };
    }

    #[inline]
    fn try_alloc_zeroed(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        alloc_zeroed_layout_in::<F>(layout)
    }

    #[inline]
    unsafe fn resize_in_place(&self, start: NonNull<u8>, old: Layout, new: Layout) -> bool {
        // SAFETY: passed on, and there is something to resize.
        old.size() > 0 && unsafe { resize::grow_in_place_in::<F>(start, old, new) }
    }

    #[inline]
    unsafe fn try_resize(
        &self,
        start: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<u8>, AllocError> {
        // SAFETY: passed on.
        unsafe { realloc_layout_in::<F>(start, old, new) }
    }
}

/// An allocator of memory of one layout.
///
/// The allocator defines in what state it returns the memory, and in what state it expects it back:
/// [`RawPool`](crate::pool::RawPool) initialises it once, and expects it initialised.
///
/// # Safety
///
/// Allocated memory has the size and alignment of [`layout`](Self::layout), which never changes; it
/// overlaps no other allocation, and stays in place until it is freed, even if the allocator is moved.
///
/// # Examples
///
/// ```
/// use core::alloc::Layout;
/// use famalloc::object_alloc::SlotAlloc;
/// use famalloc::pool::RawPool;
/// use famalloc::alloc_family;
///
/// #[alloc_family]
/// enum Lives { Frame }
///
/// let pool = RawPool::<lives::Frame>::new(Layout::new::<u64>());
/// let slot = pool.try_alloc_slot()?;
/// assert!(slot.cast::<u64>().is_aligned() && pool.layout().size() == 8);
/// // SAFETY: handed out by this pool, and not used again.
/// unsafe { pool.free_slot(slot) };
/// # Ok::<(), famalloc::AllocError>(())
/// ```
pub unsafe trait SlotAlloc {
    /// The layout of all its memory.
    ///
    /// # Examples
    ///
    /// See [`SlotAlloc`].
    fn layout(&self) -> Layout;

    /// Allocates memory of that layout.
    ///
    /// # Errors
    ///
    /// If no memory is available.
    ///
    /// # Examples
    ///
    /// See [`SlotAlloc`].
    fn try_alloc_slot(&self) -> Result<NonNull<u8>, AllocError>;

    /// Frees memory.
    ///
    /// # Safety
    ///
    /// This allocator allocated `slot`, it was not freed since, it is in the state that the allocator
    /// expects, and it is not used again.
    ///
    /// # Examples
    ///
    /// See [`SlotAlloc`].
    unsafe fn free_slot(&self, slot: NonNull<u8>);
}
