//! The allocator traits: memory for collections that other crates wrote.
//!
//! There are three traits of the same shape and different names, and each of our allocators
//! implements all of those that the crate's features name:
//!
//! | feature | trait |
//! |---|---|
//! | `allocator-api2-02` | `allocator_api2::alloc::Allocator` of version 0.2, which `hashbrown` asks for |
//! | `allocator-api2-04` | the same of version 0.4 |
//! | `nightly` | `core::alloc::Allocator`, unstable |
//!
//! All of it is [`RawAlloc`](crate::RawAlloc) by other names. A marker of a family cannot implement a foreign
//! trait, so [`In<F>`](crate::In) does in its place. A new allocator takes one line more in each list below.
//!
//! # What the traits promise, and how it is kept
//!
//! - **Memory that fits.** A collection may free a piece of memory with any size from the one that
//!   it asked for to the one that it was told it got. It is told the size of the slot. That is right
//!   since a slot of one class serves every layout of its class: a layout's class is that of its
//!   size rounded up to its alignment, sizes up to that of the slot have no larger class, and those
//!   of at least the size asked for have no smaller one ([`class::usable`]). Large memory, memory that
//!   came zeroed, and that of regions is as long as was asked for.
//! - **Zeroed memory is zero to its reported end**, so just what was asked for is reported then.
//! - **Growing and shrinking may change the alignment.** `RawAlloc::realloc` takes two layouts; it
//!   stays where it is when the class is the same and the address happens to be aligned.
//! - **A failed call changes nothing**, the old memory is still the caller's.
//!
//! The traits' errors carry no reason. Where it matters, ask [`RawAlloc`] in the same way.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::any_family::AnyFamily;
use crate::family::Family;
use crate::family_key::FamilyKey;
use crate::family_set::FamilySet;
use crate::in_family::In;
use crate::raw_alloc::RawAlloc;
use crate::region::{InRegion, Kind, Region};

/// The memory at `start`, as long as was asked for.
#[inline]
fn just(start: NonNull<u8>, layout: Layout) -> NonNull<[u8]> {
    NonNull::slice_from_raw_parts(start, layout.size())
}

/// The memory at `start`, and all of it that can be used.
#[inline]
fn all_of(alloc: &impl RawAlloc, start: NonNull<u8>, layout: Layout) -> NonNull<[u8]> {
    NonNull::slice_from_raw_parts(start, alloc.usable_size(layout))
}

/// Implements the trait `Allocator` of the module `$api`, which also has an `AllocError` without content, for
/// types of which `$raw` makes a [`RawAlloc`].
macro_rules! implement_for {
    ($api:ident { $([$($generics:tt)*] $allocator:ty: $raw:expr;)* }) => {$(
        // SAFETY: `RawAlloc` promises what this trait does.
        unsafe impl<$($generics)*> $api::Allocator for $allocator {
            #[inline]
            fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, $api::AllocError> {
                let raw = $raw(self);
                match raw.alloc(layout) {
                    Ok(start) => Ok(all_of(&raw, start, layout)),
                    Err(_) => Err($api::AllocError),
                }
            }

            #[inline]
            fn allocate_zeroed(
                &self,
                layout: Layout,
            ) -> Result<NonNull<[u8]>, $api::AllocError> {
                match $raw(self).alloc_zeroed(layout) {
                    Ok(start) => Ok(just(start, layout)),
                    Err(_) => Err($api::AllocError),
                }
            }

            #[inline]
            unsafe fn deallocate(&self, start: NonNull<u8>, layout: Layout) {
                // SAFETY: passed on.
                unsafe { $raw(self).free(start, layout) };
            }

            #[inline]
            unsafe fn grow(
                &self,
                start: NonNull<u8>,
                old: Layout,
                new: Layout,
            ) -> Result<NonNull<[u8]>, $api::AllocError> {
                let raw = $raw(self);
                // SAFETY: passed on.
                match unsafe { raw.realloc(start, old, new) } {
                    Ok(start) => Ok(all_of(&raw, start, new)),
                    Err(_) => Err($api::AllocError),
                }
            }

            #[inline]
            unsafe fn grow_zeroed(
                &self,
                start: NonNull<u8>,
                old: Layout,
                new: Layout,
            ) -> Result<NonNull<[u8]>, $api::AllocError> {
                // SAFETY: passed on.
                match unsafe { $raw(self).realloc_zeroed(start, old, new) } {
                    Ok(start) => Ok(just(start, new)),
                    Err(_) => Err($api::AllocError),
                }
            }

            #[inline]
            unsafe fn shrink(
                &self,
                start: NonNull<u8>,
                old: Layout,
                new: Layout,
            ) -> Result<NonNull<[u8]>, $api::AllocError> {
                // SAFETY: passed on.
                unsafe { Self::grow(self, start, old, new) }
            }
        }
    )*};
    ($api:ident) => {
        implement_for!($api {
            [F: Family] In<F>: |_: &Self| F::default();
            [S: FamilySet] AnyFamily<S>: |&this: &Self| this;
            [F: FamilyKey, K: Kind] &Region<F, K>: |this: &Self| this.allocator();
            ['r] InRegion<'r>: |&this: &Self| this;
        });
    };
}

#[cfg(feature = "allocator-api2-02")]
use allocator_api2_02::alloc as api2_02;
#[cfg(feature = "allocator-api2-02")]
implement_for!(api2_02);
#[cfg(feature = "allocator-api2-04")]
use allocator_api2_04::alloc as api2_04;
#[cfg(feature = "allocator-api2-04")]
implement_for!(api2_04);
#[cfg(feature = "nightly")]
use core::alloc as nightly;
#[cfg(feature = "nightly")]
implement_for!(nightly);
