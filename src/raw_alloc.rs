//! [`RawAlloc`]: the one trait by which every handle and collection of this crate gets its memory.
//!
//! ```text
//! FamilyBox  RegionBox  FamilyRc  FamilyArc  Vec  SmallVec  String  ThinSlice
//!     \_________\__________\_________|_________/______/________/_________/
//!                                RawAlloc
//!              _____________________|_______________________
//!             /                     |                       \
//!  a family: lives::Ast    AnyFamily<Lives>       a region: InRegion, &Region
//! ```
//!
//! A handle keeps its allocator beside its pointer. A family's marker has no size, so such a handle is one
//! pointer wide, and class and family are constants; an [`AnyFamily`](crate::AnyFamily) and a region take one
//! word each.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::class;
use crate::error::AllocError;
use crate::family_key::FamilyKey;
use crate::heap::{alloc, resize};

/// An allocator of memory of any layout: a family, or a region.
///
/// Like the allocator traits of collections, but every failure has a reason, a size of 0 is allowed, and only
/// an address is returned. A family is named by its marker (`lives::Ast`) or, at run time, by an
/// [`AnyFamily`](crate::AnyFamily).
///
/// # Safety
///
/// Allocated memory has the size and alignment of its layout, overlaps no other allocation, and stays in
/// place until it is freed or resized, or the allocator (and every copy of it) is gone or says otherwise
/// (as a region does that is reset), even if the allocator is moved. If the allocator is `'static` it stays
/// until it is freed, whatever happens. A clone can do with it whatever the original can.
///
/// # Examples
///
/// ```
/// use core::alloc::Layout;
/// use core::ptr::NonNull;
/// use famalloc::{alloc_family, AllocError, RawAlloc, Region};
///
/// #[alloc_family]
/// enum Lives { Ast }
///
/// /// A copy of `text` in memory from anywhere.
/// fn copy<A: RawAlloc>(text: &str, memory: A) -> Result<NonNull<u8>, AllocError> {
///     let copy = memory.alloc(Layout::for_value(text))?;
///     // SAFETY: as long as the text, and new.
///     unsafe { copy.copy_from_nonoverlapping(NonNull::from(text).cast(), text.len()) };
///     Ok(copy)
/// }
///
/// let copied = copy("let", lives::Ast)?;
/// let (three, ten) = (Layout::for_value("let"), Layout::array::<u8>(10)?);
/// // SAFETY: written above; resized and freed with the layout it was last asked for with.
/// unsafe {
///     let copied = lives::Ast.realloc(copied, three, ten)?;
///     assert_eq!(copied.add(2).read(), b't');
///     lives::Ast.free(copied, ten);
/// }
///
/// let region = Region::<lives::Ast>::new();
/// let copied = copy("let", &region)?;
/// assert!(region.owns(copied.as_ptr()));
///
/// let zeros = lives::Ast.alloc_zeroed(ten)?;
/// // SAFETY: ten zeros, freed as they came.
/// unsafe {
///     assert_eq!(zeros.add(9).read(), 0);
///     lives::Ast.free(zeros, ten);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no allocator",
    note = "allocators are a family's marker (`lives::Ast`), an `AnyFamily`, and a region (`&region`)"
)]
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
    fn alloc(&self, layout: Layout) -> Result<NonNull<u8>, AllocError>;

    /// Frees memory. An allocator that frees everything at once may do nothing.
    ///
    /// # Safety
    ///
    /// This allocator (or a copy of it) allocated `start`, `layout` is the layout last requested for it, or one
    /// that differs from it in size only and is no longer than [`usable_size`](Self::usable_size); and it is
    /// not used again.
    ///
    /// # Examples
    ///
    /// See [`RawAlloc`].
    unsafe fn free(&self, start: NonNull<u8>, layout: Layout);

    /// Allocates zeroed memory.
    ///
    /// # Errors
    ///
    /// As for [`alloc`](Self::alloc).
    ///
    /// # Examples
    ///
    /// See [`RawAlloc`].
    #[inline]
    fn alloc_zeroed(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        let start = self.alloc(layout)?;
        // SAFETY: just handed out with that many bytes.
        unsafe { start.write_bytes(0, layout.size()) };
        Ok(start)
    }

    /// How many bytes memory has that is allocated with a layout: at least its size, which is the default. All
    /// of them may be used, and memory may be freed and resized as if so many had been requested.
    ///
    /// # Examples
    ///
    /// ```
    /// # use core::alloc::Layout;
    /// # use famalloc::{alloc_family, RawAlloc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// assert!(lives::Ast.usable_size(Layout::new::<[u8; 9]>()) >= 9);
    /// ```
    #[inline]
    fn usable_size(&self, layout: Layout) -> usize {
        layout.size()
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
    /// ```
    /// # use core::alloc::Layout;
    /// # use famalloc::{alloc_family, RawAlloc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let (old, new) = (Layout::array::<u8>(100_000)?, Layout::array::<u8>(120_000)?);
    /// let start = lives::Ast.alloc(old)?;
    /// // SAFETY: live, and freed with its last layout.
    /// unsafe {
    ///     let last = if lives::Ast.resize_in_place(start, old, new) { new } else { old };
    ///     lives::Ast.free(start, last);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
    /// As for [`alloc`](Self::alloc); the memory is then as it was.
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
    unsafe fn realloc(
        &self,
        start: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<u8>, AllocError> {
        // SAFETY: passed on.
        if unsafe { self.resize_in_place(start, old, new) } {
            return Ok(start);
        }
        let moved = self.alloc(new)?;
        let kept = old.size().min(new.size());
        // SAFETY: both are that long, and the one is new.
        unsafe { moved.copy_from_nonoverlapping(start, kept) };
        // SAFETY: passed on.
        unsafe { self.free(start, old) };
        Ok(moved)
    }

    /// [`realloc`](Self::realloc) that zeroes the bytes beyond the old size.
    ///
    /// # Errors
    ///
    /// As for [`realloc`](Self::realloc).
    ///
    /// # Safety
    ///
    /// As for [`realloc`](Self::realloc).
    ///
    /// # Examples
    ///
    /// ```
    /// # use core::alloc::Layout;
    /// # use famalloc::{alloc_family, RawAlloc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let (old, new) = (Layout::array::<u32>(3)?, Layout::array::<u32>(30)?);
    /// let start = lives::Ast.alloc(old)?;
    /// // SAFETY: each pointer is used within its layout and freed with its last one.
    /// unsafe {
    ///     let start = lives::Ast.realloc_zeroed(start, old, new)?;
    ///     assert_eq!(start.cast::<u32>().add(29).read(), 0);
    ///     lives::Ast.free(start, new);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    unsafe fn realloc_zeroed(
        &self,
        start: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<u8>, AllocError> {
        // SAFETY: passed on.
        let start = unsafe { self.realloc(start, old, new)? };
        if new.size() > old.size() {
            // SAFETY: the memory now has the new size.
            let tail = unsafe { start.add(old.size()) };
            // SAFETY: as above.
            unsafe { tail.write_bytes(0, new.size() - old.size()) };
        }
        Ok(start)
    }

    /// Room for one `T`: [`alloc`](Self::alloc) with a layout that the compiler knows.
    #[doc(hidden)]
    #[inline(always)]
    fn alloc_value<T>(&self) -> Result<NonNull<T>, AllocError>
    where
        Self: Sized,
    {
        match size_of::<T>() {
            0 => Ok(NonNull::dangling()),
            _ => self.alloc(Layout::new::<T>()).map(NonNull::cast),
        }
    }

    /// Frees the room of one `T`.
    ///
    /// # Safety
    ///
    /// As for [`free`](Self::free).
    #[doc(hidden)]
    #[inline(always)]
    unsafe fn free_value<T>(&self, start: NonNull<T>)
    where
        Self: Sized,
    {
        if size_of::<T>() > 0 {
            // SAFETY: passed on.
            unsafe { self.free(start.cast(), Layout::new::<T>()) };
        }
    }
}

// SAFETY: a family's slots overlap no other, and stay until they are freed. All copies of a key are the same
// family. All layouts up to `class::usable` have the class of the allocation, or are as large.
unsafe impl<K: FamilyKey> RawAlloc for K {
    #[inline]
    fn alloc(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        alloc::alloc(*self, layout)
    }

    #[inline]
    unsafe fn free(&self, start: NonNull<u8>, layout: Layout) {
        // SAFETY: passed on.
        unsafe { alloc::free(*self, start, layout) };
    }

    #[inline]
    fn alloc_zeroed(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        alloc::alloc_zeroed(*self, layout)
    }

    #[inline]
    fn usable_size(&self, layout: Layout) -> usize {
        class::usable(layout)
    }

    #[inline]
    unsafe fn resize_in_place(&self, start: NonNull<u8>, old: Layout, new: Layout) -> bool {
        // SAFETY: passed on, and there is something to resize.
        old.size() > 0 && unsafe { resize::grow_in_place(*self, start, old, new) }
    }

    #[inline]
    unsafe fn realloc(
        &self,
        start: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<u8>, AllocError> {
        // SAFETY: passed on.
        unsafe { resize::realloc(*self, start, old, new) }
    }

    #[inline(always)]
    fn alloc_value<T>(&self) -> Result<NonNull<T>, AllocError> {
        alloc::alloc_value(*self)
    }

    #[inline(always)]
    unsafe fn free_value<T>(&self, start: NonNull<T>) {
        // SAFETY: passed on.
        unsafe { alloc::free_value(*self, start) };
    }
}
