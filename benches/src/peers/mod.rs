//! famalloc and the allocators beside it.
//!
//! Each peer is called through its `GlobalAlloc`, which is how a Rust program would use it, but
//! directly: none of them is installed.

mod arena;
pub mod bulk;
pub mod counted;
mod famalloc;
mod families;
mod jemalloc;
pub mod maps;
mod mimalloc;
mod nothing;
mod of_life;
mod rallocator;
mod rpmalloc;
mod snmalloc;
mod system;

pub use arena::Arena;
pub use famalloc::Famalloc;
pub use families::{Calls, CallsAlone, FAMILIES, Families};
pub use jemalloc::Jemalloc;
pub use mimalloc::Mimalloc;
pub use nothing::Nothing;
pub use of_life::OfLife;
pub use rallocator::Rallocator;
pub use rpmalloc::Rpmalloc;
pub use snmalloc::Snmalloc;
pub use system::System;

use crate::allocator::Heap;

/// All heaps, famalloc first.
pub static HEAPS: [&dyn Heap; 7] =
    [&Famalloc, &System, &Mimalloc, &Jemalloc, &Snmalloc, &Rpmalloc, &Rallocator];

/// A peer from its name, its `GlobalAlloc`, how it is asked for unused memory (`false` where that is
/// not possible), and, where it has to be told, how it learns that a thread ends.
macro_rules! peer {
    ($(#[$doc:meta])* $peer:ident, $name:literal, $global:expr, $give_back:expr) => {
        $crate::peers::peer!($(#[$doc])* $peer, $name, $global, $give_back, {});
    };
    (
        $(#[$doc:meta])* $peer:ident, $name:literal, $global:expr, $give_back:expr,
        $leave:expr
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $peer;

        impl $crate::allocator::Allocator for $peer {
            const NAME: &'static str = $name;

            fn new() -> Self {
                Self
            }

            #[inline(always)]
            fn alloc<const SIZE: usize>(&self) -> core::ptr::NonNull<u64> {
                let layout = const { $crate::allocator::object_layout::<SIZE>() };
                // SAFETY: the layout has a size.
                let start = unsafe { core::alloc::GlobalAlloc::alloc(&$global, layout) };
                match core::ptr::NonNull::new(start) {
                    Some(start) => start.cast(),
                    None => std::alloc::handle_alloc_error(layout),
                }
            }

            #[inline(always)]
            unsafe fn free<const SIZE: usize>(&self, object: core::ptr::NonNull<u64>) {
                let layout = const { $crate::allocator::object_layout::<SIZE>() };
                // SAFETY: allocated above with this layout (contract).
                unsafe {
                    core::alloc::GlobalAlloc::dealloc(&$global, object.as_ptr().cast(), layout);
                }
            }

            #[inline(always)]
            fn alloc_layout(&self, layout: core::alloc::Layout) -> core::ptr::NonNull<u8> {
                // SAFETY: the layout has a size (contract of `Allocator`).
                let start = unsafe { core::alloc::GlobalAlloc::alloc(&$global, layout) };
                match core::ptr::NonNull::new(start) {
                    Some(start) => start,
                    None => std::alloc::handle_alloc_error(layout),
                }
            }

            #[inline(always)]
            fn alloc_zeroed(&self, layout: core::alloc::Layout) -> core::ptr::NonNull<u8> {
                // SAFETY: the layout has a size (contract of `Allocator`).
                let start = unsafe { core::alloc::GlobalAlloc::alloc_zeroed(&$global, layout) };
                match core::ptr::NonNull::new(start) {
                    Some(start) => start,
                    None => std::alloc::handle_alloc_error(layout),
                }
            }

            #[inline(always)]
            unsafe fn free_layout(
                &self,
                start: core::ptr::NonNull<u8>,
                layout: core::alloc::Layout,
            ) {
                // SAFETY: allocated above with this layout (contract).
                unsafe { core::alloc::GlobalAlloc::dealloc(&$global, start.as_ptr(), layout) };
            }

            #[inline(always)]
            unsafe fn grow_layout(
                &self,
                start: core::ptr::NonNull<u8>,
                layout: core::alloc::Layout,
                size: usize,
            ) -> core::ptr::NonNull<u8> {
                // SAFETY: allocated above with this layout; the new size is not 0 (contract).
                let start = unsafe {
                    core::alloc::GlobalAlloc::realloc(&$global, start.as_ptr(), layout, size)
                };
                match core::ptr::NonNull::new(start) {
                    Some(start) => start,
                    None => std::alloc::handle_alloc_error(layout),
                }
            }

            fn leave(&self) {
                $leave
            }

            fn give_back(&self) {
                $crate::allocator::Heap::give_back(self);
            }
        }

        impl $crate::allocator::Heap for $peer {
            fn name(&self) -> &'static str {
                $name
            }

            fn alloc(
                &self,
                _: $crate::allocator::Life,
                layout: core::alloc::Layout,
            ) -> core::ptr::NonNull<u8> {
                // SAFETY: the layout has a size (contract of `Heap`).
                let start = unsafe { core::alloc::GlobalAlloc::alloc(&$global, layout) };
                match core::ptr::NonNull::new(start) {
                    Some(start) => start,
                    None => std::alloc::handle_alloc_error(layout),
                }
            }

            unsafe fn free(
                &self,
                _: $crate::allocator::Life,
                start: core::ptr::NonNull<u8>,
                layout: core::alloc::Layout,
            ) {
                // SAFETY: allocated above with this layout (contract).
                unsafe { core::alloc::GlobalAlloc::dealloc(&$global, start.as_ptr(), layout) };
            }

            fn give_back(&self) -> bool {
                $give_back
            }
        }
    };
}
use peer;

#[cfg(test)]
mod tests {
    use core::alloc::Layout;
    use core::ptr::NonNull;

    use super::*;
    use crate::allocator::Allocator;

    /// Every layout is aligned as it asks, and zeroed room is zero although what was there before
    /// was not.
    fn serves_layouts<A: Allocator>() {
        let peer = A::new();
        for align in [1, 2, 4, 8, 16, 32, 64] {
            for size in [1, 3, 8, 48, 100, 1024, 40_000] {
                let layout = Layout::from_size_align(size, align).unwrap();
                let dirty: Vec<_> = (0..20).map(|_| peer.alloc_layout(layout)).collect();
                for start in dirty {
                    assert!(start.addr().get().is_multiple_of(align), "{} {layout:?}", A::NAME);
                    // SAFETY: allocated above with this layout.
                    unsafe { start.write_bytes(0xff, size) };
                    // SAFETY: as above, and not used again.
                    unsafe { peer.free_layout(start, layout) };
                }
                let zeroed: Vec<_> = (0..20).map(|_| peer.alloc_zeroed(layout)).collect();
                for start in zeroed {
                    assert!(start.addr().get().is_multiple_of(align), "{} {layout:?}", A::NAME);
                    let bytes = NonNull::slice_from_raw_parts(start, size);
                    // SAFETY: allocated above with this layout, and initialised.
                    let clean = unsafe { bytes.as_ref() }.iter().all(|&byte| byte == 0);
                    assert!(clean, "{} {layout:?}", A::NAME);
                    // SAFETY: as above, and not used again.
                    unsafe { peer.free_layout(start, layout) };
                }
            }
        }
    }

    #[test]
    fn all_serve_layouts() {
        serves_layouts::<Famalloc>();
        serves_layouts::<System>();
        serves_layouts::<Mimalloc>();
        serves_layouts::<Jemalloc>();
        serves_layouts::<Snmalloc>();
        serves_layouts::<Rpmalloc>();
        serves_layouts::<Rallocator>();
        serves_layouts::<Arena>();
    }
}
