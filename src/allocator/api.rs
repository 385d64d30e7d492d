//! One implementation of every allocator trait for every allocator of ours.

use core::alloc::Layout;
use core::ptr::NonNull;

use super::RawMemory;
use crate::family::Family;
use crate::in_family::In;
use crate::region::{Kind, Region};

/// Implements the trait `Allocator` of the module `$api`, which also has an `AllocError` without
/// content, for a type that is `RawMemory`.
macro_rules! implement_for {
    ($($api:ident)::+: [$($generics:tt)*] $allocator:ty) => {
        // SAFETY: `RawMemory` promises what this trait does.
        unsafe impl<$($generics)*> $($api)::+::Allocator for $allocator {
            #[inline]
            fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, $($api)::+::AllocError> {
                RawMemory::allocate(self, layout).map_err(|_| $($api)::+::AllocError)
            }

            #[inline]
            fn allocate_zeroed(
                &self,
                layout: Layout,
            ) -> Result<NonNull<[u8]>, $($api)::+::AllocError> {
                RawMemory::allocate_zeroed(self, layout).map_err(|_| $($api)::+::AllocError)
            }

            #[inline]
            unsafe fn deallocate(&self, start: NonNull<u8>, layout: Layout) {
                // SAFETY: passed on.
                unsafe { RawMemory::deallocate(self, start, layout) };
            }

            #[inline]
            unsafe fn grow(
                &self,
                start: NonNull<u8>,
                old: Layout,
                new: Layout,
            ) -> Result<NonNull<[u8]>, $($api)::+::AllocError> {
                // SAFETY: passed on.
                unsafe { RawMemory::resize(self, start, old, new) }
                    .map_err(|_| $($api)::+::AllocError)
            }

            #[inline]
            unsafe fn grow_zeroed(
                &self,
                start: NonNull<u8>,
                old: Layout,
                new: Layout,
            ) -> Result<NonNull<[u8]>, $($api)::+::AllocError> {
                // SAFETY: passed on.
                unsafe { RawMemory::grow_zeroed(self, start, old, new) }
                    .map_err(|_| $($api)::+::AllocError)
            }

            #[inline]
            unsafe fn shrink(
                &self,
                start: NonNull<u8>,
                old: Layout,
                new: Layout,
            ) -> Result<NonNull<[u8]>, $($api)::+::AllocError> {
                // SAFETY: passed on.
                unsafe { RawMemory::resize(self, start, old, new) }
                    .map_err(|_| $($api)::+::AllocError)
            }
        }
    };
}

#[cfg(feature = "allocator-api2-02")]
implement_for!(allocator_api2_02::alloc: [F: Family] In<F>);
#[cfg(feature = "allocator-api2-02")]
implement_for!(allocator_api2_02::alloc: [F: Family, K: Kind] &Region<F, K>);

#[cfg(feature = "allocator-api2-04")]
implement_for!(allocator_api2_04::alloc: [F: Family] In<F>);
#[cfg(feature = "allocator-api2-04")]
implement_for!(allocator_api2_04::alloc: [F: Family, K: Kind] &Region<F, K>);

#[cfg(feature = "nightly")]
implement_for!(core::alloc: [F: Family] In<F>);
#[cfg(feature = "nightly")]
implement_for!(core::alloc: [F: Family, K: Kind] &Region<F, K>);
