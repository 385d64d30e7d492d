//! The families that the target works in, and every call of the core on them as a table of functions.

use std::alloc::{GlobalAlloc, Layout};
use std::ptr::NonNull;

use famalloc::raw::{self, ReallocError};
use famalloc::{
    AllocError, FamAlloc, Family, FamilySet, FreeError, InUseError, RawAlloc, ScopeGuard, Snapshot,
    alloc_family, alloc_in, alloc_zeroed_in, free_in, realloc_in, realloc_zeroed_in, walk,
};

use crate::source::Scheduled;

/// How many families each set has.
pub(super) const FAMILIES: usize = 6;
/// The limit of the family that has one.
pub(super) const LIMIT: usize = 1 << 20;

macro_rules! sets {
    ($($set:ident $module:ident $table:ident $pages:ident $most:expr;)*) => {
        $(
            static $pages: Scheduled = Scheduled::new($most);

            /// Families of every kind.
            #[alloc_family(source = $pages)]
            enum $set {
                Plain,
                #[family(isolate)]
                Alone,
                /// Isolated, so that whatever is not zero in it comes from itself.
                #[family(zero_on_free, isolate)]
                Secret,
                #[family(block = "256 KiB")]
                Bulk,
                #[family(align = "natural")]
                Natural,
                #[family(limit = "1 MiB")]
                Tight,
            }

            pub(super) static $table: Set = Set {
                source: &$pages,
                scarce: $most < 1 << 30,
                families: [
                    face::<$module::Plain>(),
                    face::<$module::Alone>(),
                    face::<$module::Secret>(),
                    face::<$module::Bulk>(),
                    face::<$module::Natural>(),
                    face::<$module::Tight>(),
                ],
                usage: usage::<$set>,
                free: raw::free::<$set>,
                realloc: raw::realloc::<$set>,
                global: global::<$set>,
                zeroed: zeroed::<$set>,
                dealloc: dealloc::<$set>,
                regrow: regrow::<$set>,
            };
        )*
    };
}

sets! {
    Ample ample AMPLE AMPLE_PAGES 1_usize << 40;
    Scarce scarce SCARCE SCARCE_PAGES 24_usize << 20;
}

type Memory = NonNull<u8>;
type Made = Result<Memory, AllocError>;
/// Gets an object's address and size.
type Visit<'v> = dyn FnMut(usize, usize) + 'v;
/// Says whether an object stays.
type Keep<'k> = dyn FnMut(usize, usize) -> bool + 'k;

/// A family set, and the calls that name no family.
pub(super) struct Set {
    pub(super) source: &'static Scheduled,
    /// Whether addresses run out by themselves.
    pub(super) scarce: bool,
    pub(super) families: [Face; FAMILIES],
    /// Of each family the live objects, their bytes, blocks, and committed bytes.
    pub(super) usage: fn() -> [[usize; 4]; FAMILIES],
    pub(super) free: unsafe fn(Memory) -> Result<(), FreeError>,
    pub(super) realloc: unsafe fn(Memory, Layout, usize) -> Result<Memory, ReallocError>,
    pub(super) global: unsafe fn(Layout) -> *mut u8,
    pub(super) zeroed: unsafe fn(Layout) -> *mut u8,
    pub(super) dealloc: unsafe fn(*mut u8, Layout),
    pub(super) regrow: unsafe fn(*mut u8, Layout, usize) -> *mut u8,
}

/// A family, and the calls that name it.
pub(super) struct Face {
    pub(super) limited: bool,
    pub(super) zeroes: bool,
    pub(super) raw_align: usize,
    pub(super) alloc: fn(usize) -> Made,
    pub(super) alloc_zeroed: fn(usize) -> Made,
    pub(super) alloc_layout: fn(Layout) -> Made,
    pub(super) alloc_zeroed_layout: fn(Layout) -> Made,
    pub(super) untyped: fn(Layout) -> Made,
    pub(super) free: unsafe fn(Memory, usize),
    pub(super) free_layout: unsafe fn(Memory, Layout),
    pub(super) try_free: unsafe fn(Memory, Layout) -> Result<(), FreeError>,
    pub(super) realloc: unsafe fn(Memory, usize, usize) -> Made,
    pub(super) realloc_zeroed: unsafe fn(Memory, usize, usize) -> Made,
    pub(super) realloc_layout: unsafe fn(Memory, Layout, Layout) -> Made,
    pub(super) realloc_zeroed_layout: unsafe fn(Memory, Layout, Layout) -> Made,
    pub(super) grow_in_place: unsafe fn(Memory, Layout, Layout) -> bool,
    pub(super) walk: fn(&mut Visit<'_>) -> Result<(), InUseError>,
    pub(super) sweep: unsafe fn(&mut Keep<'_>) -> Result<usize, InUseError>,
    pub(super) free_all: unsafe fn() -> Result<usize, InUseError>,
    /// Runs something in a scope of the family.
    pub(super) scope: fn(&mut dyn FnMut()),
}

const fn face<F: Family>() -> Face {
    Face {
        limited: F::SPEC.limit_bytes().is_some(),
        zeroes: F::SPEC.zeroes_on_free(),
        raw_align: if F::SPEC.aligns_naturally() { 4096 } else { 16 },
        alloc: alloc_in::<F>,
        alloc_zeroed: alloc_zeroed_in::<F>,
        alloc_layout: |layout| F::default().alloc(layout),
        alloc_zeroed_layout: |layout| F::default().alloc_zeroed(layout),
        untyped: |layout| raw::alloc_in_scope::<F::Set>(layout),
        free: free_in::<F>,
        // SAFETY: passed on.
        free_layout: |start, layout| unsafe { F::default().free(start, layout) },
        // SAFETY: passed on.
        try_free: |start, layout| unsafe { raw::try_free(F::default(), start, layout) },
        realloc: realloc_in::<F>,
        realloc_zeroed: realloc_zeroed_in::<F>,
        // SAFETY: passed on.
        realloc_layout: |start, old, new| unsafe { F::default().realloc(start, old, new) },
        // SAFETY: passed on.
        realloc_zeroed_layout: |start, old, new| unsafe {
            F::default().realloc_zeroed(start, old, new)
        },
        // SAFETY: passed on.
        grow_in_place: |start, old, new| unsafe { F::default().resize_in_place(start, old, new) },
        walk: |visit| walk(F::default(), |start, bytes| visit(start.addr().get(), bytes)),
        sweep: sweep::<F>,
        // SAFETY: passed on.
        free_all: || unsafe { famalloc::free_all(F::default()) },
        scope: |work| {
            let _scope: ScopeGuard<F::Set> = F::enter();
            work();
        },
    }
}

unsafe fn sweep<F: Family>(keep: &mut Keep<'_>) -> Result<usize, InUseError> {
    // SAFETY: passed on.
    unsafe { famalloc::sweep(F::default(), |start, bytes| keep(start.addr().get(), bytes)) }
}

fn usage<S: FamilySet>() -> [[usize; 4]; FAMILIES] {
    let families = Snapshot::of::<S>().families;
    std::array::from_fn(|at| {
        let used = &families[at];
        [used.live_objects, used.live_bytes, used.blocks, used.committed_bytes]
    })
}

unsafe fn global<S: FamilySet>(layout: Layout) -> *mut u8 {
    // SAFETY: passed on.
    unsafe { FamAlloc::<S>::new().alloc(layout) }
}

unsafe fn zeroed<S: FamilySet>(layout: Layout) -> *mut u8 {
    // SAFETY: passed on.
    unsafe { FamAlloc::<S>::new().alloc_zeroed(layout) }
}

unsafe fn dealloc<S: FamilySet>(start: *mut u8, layout: Layout) {
    // SAFETY: passed on.
    unsafe { FamAlloc::<S>::new().dealloc(start, layout) }
}

unsafe fn regrow<S: FamilySet>(start: *mut u8, layout: Layout, size: usize) -> *mut u8 {
    // SAFETY: passed on.
    unsafe { FamAlloc::<S>::new().realloc(start, layout, size) }
}
