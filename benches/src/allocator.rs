//! The two ways in which a benchmark sees an allocator.
//!
//! [`Allocator`] is for speed: the size is a constant, so a typed allocator can show what it makes
//! of that, and the call can be inlined. [`Heap`] is for memory: any layout, and the lifetime that
//! the program knows the object will have. An allocator without families ignores the lifetime.

use core::alloc::Layout;
use core::ptr::NonNull;

/// Objects of a constant size. Each thread makes its own handle.
pub trait Allocator: 'static {
    /// What the reports call it.
    const NAME: &'static str;

    /// A handle for the calling thread.
    fn new() -> Self;

    /// Room for `SIZE` bytes, aligned to 8. `SIZE` is a multiple of 8 and not 0.
    fn alloc<const SIZE: usize>(&self) -> NonNull<u64>;

    /// Frees such room.
    ///
    /// # Safety
    ///
    /// `object` is from [`alloc`](Self::alloc) with the same `SIZE`, of a handle of this type, and
    /// is not used again.
    unsafe fn free<const SIZE: usize>(&self, object: NonNull<u64>);

    /// Called when none of the handle's objects lives: an arena starts over here.
    fn rest(&mut self) {}

    /// An object whose first word has been written, as any use of it would do.
    #[inline(always)]
    fn alloc_touched<const SIZE: usize>(&self, word: u64) -> NonNull<u64> {
        let object = self.alloc::<SIZE>();
        // SAFETY: at least 8 bytes, aligned to 8, ours alone.
        unsafe { object.write(word) };
        object
    }
}

/// The layout of an object of `SIZE` bytes.
pub(crate) const fn object_layout<const SIZE: usize>() -> Layout {
    const { assert!(SIZE.is_multiple_of(8) && SIZE > 0, "objects are whole words") };
    match Layout::from_size_align(SIZE, 8) {
        Ok(layout) => layout,
        Err(_) => panic!("a small size makes a layout"),
    }
}

/// How long an object is going to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Until the end of the phase.
    Node,
    /// For good.
    Interned,
    /// For a few steps.
    Temporary,
}

/// Layouts, each with its lifetime.
pub trait Heap: Sync {
    /// What the reports call it.
    fn name(&self) -> &'static str;

    /// Room for `layout`, which has a size.
    fn alloc(&self, life: Life, layout: Layout) -> NonNull<u8>;

    /// Frees such room.
    ///
    /// # Safety
    ///
    /// `start` is from [`alloc`](Self::alloc) of this heap, with the same lifetime and layout, and
    /// is not used again.
    unsafe fn free(&self, life: Life, start: NonNull<u8>, layout: Layout);

    /// Asks for unused memory to go back to the system, in the allocator's own way if it has one.
    fn give_back(&self);
}
