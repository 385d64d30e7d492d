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
/// What the allocator traits of collections offer, made for code that allocates by itself: every
/// failure says why, a size of 0 is allowed, and nothing is returned but an address.
///
/// # Safety
///
/// Memory that was handed out has its layout's size and alignment, overlaps no other that is handed
/// out, and stays where it is until it is freed or resized, or the allocator (and every copy of it)
/// is gone or says so (as a region does that is reset), even when the allocator is moved.
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
    /// Hands out memory of a layout, not initialised. A size of 0 is served with a well-aligned
    /// address.
    ///
    /// # Errors
    ///
    /// When there is no memory of that layout.
    ///
    /// # Examples
    ///
    /// See [`RawAlloc`].
    fn try_alloc(&self, layout: Layout) -> Result<NonNull<u8>, AllocError>;

    /// Takes memory back. An allocator that frees all at once may do nothing.
    ///
    /// # Safety
    ///
    /// `start` was handed out by this allocator (or a copy of it), was last asked for with `layout`,
    /// and is not used again.
    ///
    /// # Examples
    ///
    /// See [`RawAlloc`].
    unsafe fn free(&self, start: NonNull<u8>, layout: Layout);

    /// Hands out memory of zeros.
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

    /// Makes memory of layout `old` fit layout `new` without moving it, or changes nothing and
    /// returns `false`, as it does if nothing else is said.
    ///
    /// # Safety
    ///
    /// `start` was handed out by this allocator and was last asked for with `old`.
    ///
    /// # Examples
    ///
    /// See [`RawAlloc`].
    #[inline]
    unsafe fn resize_in_place(&self, start: NonNull<u8>, old: Layout, new: Layout) -> bool {
        let _ = (start, old, new);
        false
    }

    /// Makes memory of layout `old` fit layout `new`, larger or smaller, and moves it where it must;
    /// what is in it is kept up to the smaller size.
    ///
    /// If nothing else is said: in place where that can be done, otherwise allocated anew and copied.
    ///
    /// # Errors
    ///
    /// As for [`try_alloc`](Self::try_alloc); the memory is then as it was.
    ///
    /// # Safety
    ///
    /// `start` was handed out by this allocator and was last asked for with `old`. On success it is
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
/// In what state the memory comes, and may be given back, its allocator says:
/// [`RawPool`](crate::pool::RawPool) has it initialised once, and expects it so.
///
/// # Safety
///
/// Memory that was handed out has [`layout`](Self::layout)'s size and alignment, which never
/// changes; it overlaps no other that is handed out, and stays where it is until it is freed, even
/// when the allocator is moved.
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
    /// What is handed out, every time.
    ///
    /// # Examples
    ///
    /// See [`SlotAlloc`].
    fn layout(&self) -> Layout;

    /// Hands out memory of the one layout.
    ///
    /// # Errors
    ///
    /// When there is no memory for another.
    ///
    /// # Examples
    ///
    /// See [`SlotAlloc`].
    fn try_alloc_slot(&self) -> Result<NonNull<u8>, AllocError>;

    /// Takes memory back.
    ///
    /// # Safety
    ///
    /// `slot` was handed out by this allocator and not freed since, is in the state that the
    /// allocator expects, and is not used again.
    ///
    /// # Examples
    ///
    /// See [`SlotAlloc`].
    unsafe fn free_slot(&self, slot: NonNull<u8>);
}
