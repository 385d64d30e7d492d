//! [`SlotAlloc`]: allocators of memory of one layout.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::error::AllocError;

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
