//! The two ways in which a benchmark sees an allocator.
//!
//! [`Allocator`] is for speed: it is a type parameter, so that every call can be inlined, and where
//! the size is a constant a typed allocator can show what it makes of that. [`Heap`] is for memory:
//! it is called dynamically, with any layout. In both the program may say which lifetime an object
//! belongs to; an allocator without families ignores it.

use core::alloc::Layout;
use core::ptr::NonNull;

/// How many lifetimes a timed workload can tell apart.
pub const LIVES: usize = 4;

/// An allocator whose calls are timed. Each thread makes its own handle.
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

    /// [`alloc`](Self::alloc) for an object of the lifetime with number `LIFE`, below [`LIVES`].
    #[inline(always)]
    fn alloc_of_life<const LIFE: usize, const SIZE: usize>(&self) -> NonNull<u64> {
        self.alloc::<SIZE>()
    }

    /// Frees an object of a lifetime.
    ///
    /// # Safety
    ///
    /// As for [`free`](Self::free), with `object` from [`alloc_of_life`](Self::alloc_of_life) with
    /// the same `LIFE` and `SIZE`.
    #[inline(always)]
    unsafe fn free_of_life<const LIFE: usize, const SIZE: usize>(&self, object: NonNull<u64>) {
        // SAFETY: passed on; by default `alloc_of_life` is `alloc`.
        unsafe { self.free::<SIZE>(object) };
    }

    /// Room for a layout that only the run knows; it has a size.
    fn alloc_layout(&self, layout: Layout) -> NonNull<u8>;

    /// Such room, full of zeros.
    #[inline(always)]
    fn alloc_zeroed(&self, layout: Layout) -> NonNull<u8> {
        let start = self.alloc_layout(layout);
        // SAFETY: allocated just now with this size.
        unsafe { start.write_bytes(0, layout.size()) };
        start
    }

    /// Frees such room.
    ///
    /// # Safety
    ///
    /// `start` is from [`alloc_layout`](Self::alloc_layout), [`alloc_zeroed`](Self::alloc_zeroed)
    /// or [`grow_layout`](Self::grow_layout), was last asked for with `layout`, and is not used again.
    unsafe fn free_layout(&self, start: NonNull<u8>, layout: Layout);

    /// Makes such room larger, in place or elsewhere: what was in it stays.
    ///
    /// # Safety
    ///
    /// As for [`free_layout`](Self::free_layout); `size` is at least that of `layout`.
    unsafe fn grow_layout(&self, start: NonNull<u8>, layout: Layout, size: usize) -> NonNull<u8>;

    /// Called when none of the handle's objects lives: an arena starts over here.
    fn rest(&mut self) {}

    /// Called by a thread that is about to end, for allocators that have to be told.
    fn leave(&self) {}

    /// Asks for unused memory to go back to the system, as [`Heap::give_back`] does.
    fn give_back(&self) {}

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

/// One of the lifetimes that a weighed program tells apart. What each of them is, is the program's
/// affair: it has names of its own for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// The first.
    A,
    /// The second.
    B,
    /// The third.
    C,
    /// The fourth.
    D,
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

    /// Asks for unused memory to go back to the system, in the allocator's own way. Whether it has
    /// one.
    fn give_back(&self) -> bool;

    /// The same for a small part of the unused memory, where the allocator can be asked for that.
    fn give_back_a_little(&self) -> bool {
        self.give_back()
    }
}
