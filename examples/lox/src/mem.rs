//! Where memory comes from: the one place in which the builds differ.
//!
//! The interpreter sorts what it allocates by how long it lives. [`Lives`] names those lifetimes;
//! a node type joins its family with an attribute, and everything else asks this module for memory
//! in a family by name.
//!
//! ```text
//! family     holds                                       dies
//! Ast        syntax trees                                whole, as soon as the program is compiled
//! Code       bytecode, constants, line tables            with the interpreter
//! Interned   strings, each content once                  when nothing refers to it any more
//! Object     closures, classes, instances, ...           when the collector finds it unreachable
//! ```
//!
//! With the feature `plain` the same interpreter runs on `Box` and `std::alloc`, so that what the
//! families bring can be measured and not merely believed.

use std::alloc::{Layout, handle_alloc_error};
use std::ptr::NonNull;

use famalloc::alloc_family;

use crate::report::FamilyUse;

/// How long the things live that the interpreter allocates.
#[alloc_family]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lives {
    /// Syntax trees: until the program is compiled.
    Ast,
    /// Bytecode and its tables: as long as the interpreter.
    Code,
    /// Strings, each content once: while something refers to them.
    Interned,
    /// Objects of the running program: while they can be reached.
    Object,
}

#[cfg(not(feature = "plain"))]
mod build {
    use super::*;

    /// An owned value in the family of its type.
    pub(crate) type Handle<T> = famalloc::FamilyBox<T>;
    /// An owned slice in family `Code`, of elements that have no family of their own.
    pub(crate) type CodeSlice<T> = famalloc::FamilyBox<[T], super::lives::Code>;

    #[inline(always)]
    pub(super) fn allocate_object(layout: Layout) -> Option<NonNull<u8>> {
        famalloc::alloc_layout_in::<super::lives::Object>(layout).ok()
    }

    #[inline(always)]
    pub(super) unsafe fn release_object(memory: NonNull<u8>, layout: Layout) {
        // SAFETY: by the contract of `free_object`.
        unsafe { famalloc::free_layout_in::<super::lives::Object>(memory, layout) }
    }

    #[inline(always)]
    pub(super) fn allocate_interned(layout: Layout) -> Option<NonNull<u8>> {
        famalloc::alloc_layout_in::<super::lives::Interned>(layout).ok()
    }

    #[inline(always)]
    pub(super) unsafe fn release_interned(memory: NonNull<u8>, layout: Layout) {
        // SAFETY: by the contract of `free_interned`.
        unsafe { famalloc::free_layout_in::<super::lives::Interned>(memory, layout) }
    }

    pub(super) fn statistics() -> Option<Vec<FamilyUse>> {
        let families = famalloc::Snapshot::of::<Lives>().families;
        let copied = families.into_iter().map(|family| FamilyUse {
            name: family.name.to_owned(),
            live_objects: family.live_objects as u64,
            live_bytes: family.live_bytes as u64,
            peak_bytes: family.peak_bytes as u64,
            blocks: family.blocks as u64,
            committed_bytes: family.committed_bytes as u64,
            lock_acquisitions: family.lock_acquisitions,
        });
        Some(copied.collect())
    }
}

#[cfg(feature = "plain")]
mod build {
    use super::*;

    /// An owned value on the heap.
    pub(crate) type Handle<T> = Box<T>;
    /// An owned slice on the heap.
    pub(crate) type CodeSlice<T> = Box<[T]>;

    #[inline(always)]
    pub(super) fn allocate_object(layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: every object has a header, so the layout is not empty.
        NonNull::new(unsafe { std::alloc::alloc(layout) })
    }

    #[inline(always)]
    pub(super) unsafe fn release_object(memory: NonNull<u8>, layout: Layout) {
        // SAFETY: by the contract of `free_object`.
        unsafe { std::alloc::dealloc(memory.as_ptr(), layout) }
    }

    pub(super) use allocate_object as allocate_interned;
    pub(super) use release_object as release_interned;

    pub(super) fn statistics() -> Option<Vec<FamilyUse>> {
        None
    }
}

pub(crate) use build::{CodeSlice, Handle};

/// Memory for an object of the running program; `layout` must not be empty.
#[inline(always)]
pub(crate) fn alloc_object(layout: Layout) -> NonNull<u8> {
    debug_assert!(layout.size() > 0);
    build::allocate_object(layout).unwrap_or_else(|| handle_alloc_error(layout))
}

/// Gives an object's memory back.
///
/// # Safety
///
/// `memory` came from [`alloc_object`] with the same layout and is not used again.
#[inline(always)]
pub(crate) unsafe fn free_object(memory: NonNull<u8>, layout: Layout) {
    // SAFETY: the caller's promise.
    unsafe { build::release_object(memory, layout) }
}

/// Memory for an interned string; `layout` must not be empty.
#[inline(always)]
pub(crate) fn alloc_interned(layout: Layout) -> NonNull<u8> {
    debug_assert!(layout.size() > 0);
    build::allocate_interned(layout).unwrap_or_else(|| handle_alloc_error(layout))
}

/// Gives a string's memory back.
///
/// # Safety
///
/// `memory` came from [`alloc_interned`] with the same layout and is not used again.
#[inline(always)]
pub(crate) unsafe fn free_interned(memory: NonNull<u8>, layout: Layout) {
    // SAFETY: the caller's promise.
    unsafe { build::release_interned(memory, layout) }
}

/// What each family holds now; `None` in a build without families.
#[must_use]
pub fn heap_stats() -> Option<Vec<FamilyUse>> {
    build::statistics()
}

/// Copies a finished scratch list into family `Code`.
pub(crate) fn code_slice<T: Copy>(items: &[T]) -> CodeSlice<T> {
    items.iter().copied().collect()
}
