//! Regions behind the traits of object allocators.
//!
//! They are implemented for references: while one exists, the region cannot be reset.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::error::AllocError;
use crate::family::Family;
use crate::object_alloc::{ObjectAlloc, ObjectState};
use crate::raw_alloc::RawAlloc;

use super::{Kind, Region, RegionBox};

// SAFETY: objects of a region overlap no other, and stay until they are freed or the region is reset,
// which nobody can do while it is borrowed.
unsafe impl<F: Family, K: Kind> RawAlloc for &Region<F, K> {
    #[inline]
    fn alloc(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        self.alloc_layout(layout)
    }

    #[inline]
    unsafe fn free(&self, start: NonNull<u8>, layout: Layout) {
        // SAFETY: passed on.
        unsafe { self.free_layout(start, layout) };
    }

    #[inline]
    unsafe fn realloc(
        &self,
        start: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<u8>, AllocError> {
        // SAFETY: passed on.
        unsafe { self.resize_layout(start, old, new) }
    }
}

// SAFETY: as above, and each has a value in it.
unsafe impl<T: Default, F: Family, K: Kind> ObjectAlloc<T> for &Region<F, K> {
    const STATE: ObjectState = ObjectState::New;

    #[inline]
    fn try_alloc_object(&self) -> Result<NonNull<T>, AllocError> {
        self.try_boxed_with(T::default).map(|object| NonNull::from(RegionBox::leak(object)))
    }

    #[inline]
    unsafe fn free_object(&self, object: NonNull<T>) {
        // SAFETY: a leaked box of this region (contract).
        drop(unsafe { RegionBox::from_raw_in(object.as_ptr(), self) });
    }
}
