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
//! Part       what objects own: methods, outgrown fields  with its object
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
    /// Objects of the running program, and nothing else: while they can be reached.
    Object,
    /// What an object owns beside itself: with the object.
    Part,
}

#[cfg(not(feature = "plain"))]
mod build {
    use super::*;
    use famalloc::RawAlloc;

    /// An owned value in the family of its type.
    pub(crate) type Handle<T> = famalloc::FamilyBox<T>;
    /// An owned slice in family `Code`, of elements that have no family of their own.
    pub(crate) type CodeSlice<T> = famalloc::FamilyBox<[T], super::lives::Code>;

    #[inline(always)]
    pub(super) fn allocate_object(layout: Layout) -> Option<NonNull<u8>> {
        super::lives::Object.alloc(layout).ok()
    }

    #[inline(always)]
    pub(super) unsafe fn release_object(memory: NonNull<u8>, layout: Layout) {
        // SAFETY: by the contract of `free_object`.
        unsafe { super::lives::Object.free(memory, layout) }
    }

    /// Asks the judge about every object of the family, and frees those that are condemned.
    ///
    /// # Safety
    ///
    /// The family holds no objects but the caller's; those condemned are not used again.
    #[inline(always)]
    pub(super) unsafe fn sweep_family(judge: &mut impl Judge) {
        // SAFETY: all that the family holds is objects, by the caller's promise.
        let keep = |object: NonNull<u8>, _| unsafe { judge.condemn(object) }.is_none();
        // SAFETY: the caller's promise, and that of the judge.
        unsafe { famalloc::sweep(super::lives::Object, keep) }
            .expect("the interpreter runs on one thread");
    }

    pub(super) fn allocate_part(layout: Layout) -> Option<NonNull<u8>> {
        super::lives::Part.alloc(layout).ok()
    }

    pub(super) unsafe fn release_part(memory: NonNull<u8>, layout: Layout) {
        // SAFETY: by the contract of `free_part`.
        unsafe { super::lives::Part.free(memory, layout) }
    }

    #[inline(always)]
    pub(super) fn allocate_interned(layout: Layout) -> Option<NonNull<u8>> {
        super::lives::Interned.alloc(layout).ok()
    }

    #[inline(always)]
    pub(super) unsafe fn release_interned(memory: NonNull<u8>, layout: Layout) {
        // SAFETY: by the contract of `free_interned`.
        unsafe { super::lives::Interned.free(memory, layout) }
    }

    pub(super) fn give_back() {
        famalloc::reclaim(usize::MAX);
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
    pub(super) use allocate_object as allocate_part;
    pub(super) use release_object as release_interned;
    pub(super) use release_object as release_part;

    pub(super) fn give_back() {}

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

/// Memory for what an object owns; `layout` must not be empty.
pub(crate) fn alloc_part(layout: Layout) -> NonNull<u8> {
    debug_assert!(layout.size() > 0);
    build::allocate_part(layout).unwrap_or_else(|| handle_alloc_error(layout))
}

/// Gives the memory of a part back.
///
/// # Safety
///
/// `memory` came from [`alloc_part`] with the same layout and is not used again.
pub(crate) unsafe fn free_part(memory: NonNull<u8>, layout: Layout) {
    // SAFETY: the caller's promise.
    unsafe { build::release_part(memory, layout) }
}

/// How the collector finds all objects: in a list of its own, or in the family, which knows them.
pub(crate) enum Objects {
    /// The objects in the order in which they were made.
    Listed(Vec<NonNull<u8>>),
    /// All that the family holds.
    #[cfg(not(feature = "plain"))]
    Family,
}

impl Objects {
    /// A list.
    pub(crate) const fn listed() -> Self {
        Self::Listed(Vec::new())
    }

    /// The family itself, in a build with families.
    ///
    /// # Safety
    ///
    /// As long as this is in use, nobody else makes objects in this process.
    pub(crate) const unsafe fn sole() -> Self {
        #[cfg(feature = "plain")]
        return Self::listed();
        #[cfg(not(feature = "plain"))]
        Self::Family
    }

    /// The objects of a list.
    #[cfg(test)]
    pub(crate) fn list(&self) -> &[NonNull<u8>] {
        match self {
            Self::Listed(objects) => objects,
            #[cfg(not(feature = "plain"))]
            Self::Family => panic!("the family is no list"),
        }
    }

    /// Notes an object.
    #[inline(always)]
    pub(crate) fn push(&mut self, object: NonNull<u8>) {
        match self {
            Self::Listed(objects) => objects.push(object),
            #[cfg(not(feature = "plain"))]
            Self::Family => {}
        }
    }

    /// Asks the judge about every object, and frees those that are condemned.
    ///
    /// # Safety
    ///
    /// Objects that are condemned are not used again.
    #[inline(always)]
    pub(crate) unsafe fn sweep(&mut self, judge: &mut impl Judge) {
        match self {
            Self::Listed(objects) => {
                let mut kept = 0;
                // By hand: the closure that `retain` wants is not compiled into its loop.
                for index in 0..objects.len() {
                    let object = objects[index];
                    // SAFETY: listed objects are objects.
                    match unsafe { judge.condemn(object) } {
                        // SAFETY: the caller's promise, and the list forgets it too.
                        Some(layout) => unsafe { free_object(object, layout) },
                        None => {
                            objects[kept] = object;
                            kept += 1;
                        }
                    }
                }
                objects.truncate(kept);
            }
            #[cfg(not(feature = "plain"))]
            // SAFETY: the caller's promise, and that of `sole`.
            Self::Family => unsafe { build::sweep_family(judge) },
        }
    }
}

/// Who decides in a sweep.
///
/// # Safety
///
/// The layouts named are those with which the objects were made; no object is made or freed in the
/// course of it.
pub(crate) unsafe trait Judge {
    /// The layout of an object that is to be freed; `None` if it stays.
    ///
    /// # Safety
    ///
    /// This is an object, and if condemned it is not used again.
    unsafe fn condemn(&mut self, object: NonNull<u8>) -> Option<Layout>;
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

/// Says that a phase has ended and its family is empty: whole blocks of it go back to the system.
pub(crate) fn end_phase() {
    build::give_back();
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
