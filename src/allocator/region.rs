//! Regions as allocators: what a collection gives up while it grows is used again, and the rest goes
//! with the region.

use core::alloc::Layout;
use core::ptr::NonNull;

use super::{RawMemory, just};
use crate::error::AllocError;
use crate::family::Family;
use crate::region::{Kind, Region};

// SAFETY: memory stays where it is until it is freed, or the region is reset or dropped, which no one
// can do while it is borrowed; whoever rewinds a region vouches that nothing allocated since is used.
// All copies of a reference lead to the same region. What is reported is what was asked for.
unsafe impl<F: Family, K: Kind> RawMemory for &Region<F, K> {
    #[inline]
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        self.alloc_layout(layout).map(|start| just(start, layout))
    }

    #[inline]
    fn allocate_zeroed(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        let start = self.alloc_layout(layout)?;
        // SAFETY: so many bytes were just allocated.
        unsafe { start.write_bytes(0, layout.size()) };
        Ok(just(start, layout))
    }

    #[inline]
    unsafe fn deallocate(&self, start: NonNull<u8>, layout: Layout) {
        // SAFETY: passed on; the one size that fits is that which was last asked for.
        unsafe { self.free_layout(start, layout) };
    }

    unsafe fn resize(
        &self,
        start: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: passed on; the one size that fits is that which was last asked for.
        let start = unsafe { self.resize_layout(start, old, new)? };
        Ok(just(start, new))
    }

    unsafe fn grow_zeroed(
        &self,
        start: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: passed on.
        let start = unsafe { self.resize(start, old, new)? }.cast();
        // SAFETY: the memory now has the new size, which is not below the old one.
        let tail = unsafe { start.add(old.size()) };
        // SAFETY: as above.
        unsafe { tail.write_bytes(0, new.size() - old.size()) };
        Ok(just(start, new))
    }
}
