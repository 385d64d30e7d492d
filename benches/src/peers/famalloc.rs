//! famalloc: typed boxes for the speed, layouts in three families for the memory.

use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use std::alloc::handle_alloc_error;

use famalloc::{
    AllocError, Family, FamilyBox, alloc_family, alloc_layout_in, free_layout_in, realloc_layout_in,
};

use crate::allocator::{Allocator, Heap, LIVES, Life};

/// The families of the timed objects. Where a workload knows no lifetimes, all are in the first.
#[alloc_family]
enum Lives {
    A,
    B,
    C,
    D,
}

/// A timed object.
#[repr(align(8))]
struct Object<const SIZE: usize>([u8; SIZE]);

type Slot<const SIZE: usize, F> = FamilyBox<MaybeUninit<Object<SIZE>>, F>;

#[inline(always)]
pub(super) fn alloc<const SIZE: usize, F: Family>() -> NonNull<u64> {
    FamilyBox::into_non_null(FamilyBox::<Object<SIZE>, F>::new_uninit()).cast()
}

/// # Safety
///
/// `object` is from `alloc` of the same size and family, and is not used again.
#[inline(always)]
pub(super) unsafe fn free<const SIZE: usize, F: Family>(object: NonNull<u64>) {
    // SAFETY: from `into_non_null` of a box of this type (contract).
    drop(unsafe { Slot::<SIZE, F>::from_non_null(object.cast()) });
}

/// A family for each lifetime of the program in phases.
#[alloc_family]
enum Phases {
    Node,
    Interned,
    Temporary,
}

/// The allocator of this workspace.
#[derive(Clone, Copy, Debug)]
pub struct Famalloc;

impl Allocator for Famalloc {
    const NAME: &'static str = "famalloc";

    fn new() -> Self {
        Self
    }

    #[inline(always)]
    fn alloc<const SIZE: usize>(&self) -> NonNull<u64> {
        alloc::<SIZE, lives::A>()
    }

    #[inline(always)]
    unsafe fn free<const SIZE: usize>(&self, object: NonNull<u64>) {
        // SAFETY: allocated above in the same family (contract).
        unsafe { free::<SIZE, lives::A>(object) };
    }

    #[inline(always)]
    fn alloc_of_life<const LIFE: usize, const SIZE: usize>(&self) -> NonNull<u64> {
        const { assert!(LIFE < LIVES, "there are so many lifetimes") };
        match LIFE {
            0 => alloc::<SIZE, lives::A>(),
            1 => alloc::<SIZE, lives::B>(),
            2 => alloc::<SIZE, lives::C>(),
            _ => alloc::<SIZE, lives::D>(),
        }
    }

    #[inline(always)]
    unsafe fn free_of_life<const LIFE: usize, const SIZE: usize>(&self, object: NonNull<u64>) {
        // SAFETY: allocated above in the family of the same lifetime (contract).
        unsafe {
            match LIFE {
                0 => free::<SIZE, lives::A>(object),
                1 => free::<SIZE, lives::B>(object),
                2 => free::<SIZE, lives::C>(object),
                _ => free::<SIZE, lives::D>(object),
            }
        }
    }

    #[inline(always)]
    fn alloc_layout(&self, layout: Layout) -> NonNull<u8> {
        alloc_layout_in::<lives::A>(layout).unwrap_or_else(|_| handle_alloc_error(layout))
    }

    #[inline(always)]
    unsafe fn free_layout(&self, start: NonNull<u8>, layout: Layout) {
        // SAFETY: allocated above with this layout in the same family (contract).
        unsafe { free_layout_in::<lives::A>(start, layout) };
    }

    #[inline(always)]
    unsafe fn grow_layout(&self, start: NonNull<u8>, layout: Layout, size: usize) -> NonNull<u8> {
        let grown = Layout::from_size_align(size, layout.align()).expect("sizes are small");
        // SAFETY: allocated above with this layout in the same family (contract).
        unsafe { realloc_layout_in::<lives::A>(start, layout, grown) }
            .unwrap_or_else(|_| handle_alloc_error(grown))
    }
}

impl Heap for Famalloc {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn alloc(&self, life: Life, layout: Layout) -> NonNull<u8> {
        let start: Result<_, AllocError> = match life {
            Life::Node => alloc_layout_in::<phases::Node>(layout),
            Life::Interned => alloc_layout_in::<phases::Interned>(layout),
            Life::Temporary => alloc_layout_in::<phases::Temporary>(layout),
        };
        start.unwrap_or_else(|_| handle_alloc_error(layout))
    }

    unsafe fn free(&self, life: Life, start: NonNull<u8>, layout: Layout) {
        // SAFETY: allocated above with this layout in the family of this lifetime (contract).
        unsafe {
            match life {
                Life::Node => free_layout_in::<phases::Node>(start, layout),
                Life::Interned => free_layout_in::<phases::Interned>(start, layout),
                Life::Temporary => free_layout_in::<phases::Temporary>(start, layout),
            }
        }
    }

    fn give_back(&self) {
        famalloc::reclaim(usize::MAX);
    }
}
