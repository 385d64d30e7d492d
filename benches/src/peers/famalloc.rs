//! famalloc: typed boxes for the speed, layouts for the memory, in a family for each lifetime.

use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::ptr::NonNull;
use std::alloc::handle_alloc_error;

use famalloc::{AllocError, Family, FamilyBox, RawAlloc, alloc_family};

use crate::allocator::{Allocator, Heap, LIVES, Life};

/// A family for each lifetime. Where a workload knows no lifetimes, all objects are in the first.
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
        lives::A.alloc(layout).unwrap_or_else(|_| handle_alloc_error(layout))
    }

    #[inline(always)]
    fn alloc_zeroed(&self, layout: Layout) -> NonNull<u8> {
        lives::A.alloc_zeroed(layout).unwrap_or_else(|_| handle_alloc_error(layout))
    }

    #[inline(always)]
    unsafe fn free_layout(&self, start: NonNull<u8>, layout: Layout) {
        // SAFETY: allocated above with this layout in the same family (contract).
        unsafe { lives::A.free(start, layout) };
    }

    #[inline(always)]
    unsafe fn grow_layout(&self, start: NonNull<u8>, layout: Layout, size: usize) -> NonNull<u8> {
        let grown = Layout::from_size_align(size, layout.align()).expect("sizes are small");
        // SAFETY: allocated above with this layout in the same family (contract).
        unsafe { lives::A.realloc(start, layout, grown) }
            .unwrap_or_else(|_| handle_alloc_error(grown))
    }

    fn give_back(&self) {
        Heap::give_back(self);
    }
}

impl Heap for Famalloc {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn alloc(&self, life: Life, layout: Layout) -> NonNull<u8> {
        let start: Result<_, AllocError> = match life {
            Life::A => lives::A.alloc(layout),
            Life::B => lives::B.alloc(layout),
            Life::C => lives::C.alloc(layout),
            Life::D => lives::D.alloc(layout),
        };
        start.unwrap_or_else(|_| handle_alloc_error(layout))
    }

    unsafe fn free(&self, life: Life, start: NonNull<u8>, layout: Layout) {
        // SAFETY: allocated above with this layout in the family of this lifetime (contract).
        unsafe {
            match life {
                Life::A => lives::A.free(start, layout),
                Life::B => lives::B.free(start, layout),
                Life::C => lives::C.free(start, layout),
                Life::D => lives::D.free(start, layout),
            }
        }
    }

    fn give_back(&self) -> bool {
        famalloc::reclaim(usize::MAX);
        true
    }

    fn give_back_a_little(&self) -> bool {
        famalloc::reclaim(64 << 10);
        true
    }
}

#[cfg(test)]
mod tests {
    use famalloc::Snapshot;

    use super::*;

    /// What lives in each family, by the allocator's own count. Other tests may be at work too.
    fn objects() -> [u64; LIVES] {
        let families = Snapshot::of::<Lives>().families;
        core::array::from_fn(|family| families[family].live_objects as u64)
    }

    #[test]
    fn every_lifetime_has_a_family_of_its_own() {
        const MANY: u64 = 50_000;
        const FEW: u64 = MANY / 10;
        let layout = Layout::from_size_align(24, 8).unwrap();
        for (family, life) in [Life::A, Life::B, Life::C, Life::D].into_iter().enumerate() {
            let before = objects();
            let starts: Vec<_> = (0..MANY).map(|_| Heap::alloc(&Famalloc, life, layout)).collect();
            let during = objects();
            for start in starts {
                // SAFETY: allocated above with this lifetime and layout.
                unsafe { Heap::free(&Famalloc, life, start, layout) };
            }
            let after = objects();
            for other in 0..LIVES {
                let expected = if other == family { MANY } else { 0 };
                let grown = during[other].saturating_sub(before[other]);
                assert!(grown.abs_diff(expected) < FEW, "{life:?}: {grown} more in {other}");
                assert!(
                    after[other].abs_diff(before[other]) < FEW,
                    "{life:?}: {other} not as before"
                );
            }
        }
    }
}
