//! famalloc: typed boxes for the speed, layouts in three families for the memory.

use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use famalloc::{AllocError, FamilyBox, alloc_family, alloc_layout_in, free_layout_in};

use crate::allocator::{Allocator, Heap, Life};

/// The one family of the timed objects.
#[alloc_family]
enum Lives {
    A,
}

/// A timed object.
#[alloc_family(Lives::A)]
#[repr(align(8))]
struct Object<const SIZE: usize>([u8; SIZE]);

type Slot<const SIZE: usize> = FamilyBox<MaybeUninit<Object<SIZE>>, lives::A>;

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
        FamilyBox::into_non_null(FamilyBox::<Object<SIZE>>::new_uninit()).cast()
    }

    #[inline(always)]
    unsafe fn free<const SIZE: usize>(&self, object: NonNull<u64>) {
        // SAFETY: from `into_non_null` of a box of this type (contract).
        drop(unsafe { Slot::<SIZE>::from_non_null(object.cast()) });
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
        start.unwrap_or_else(|_| std::alloc::handle_alloc_error(layout))
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
