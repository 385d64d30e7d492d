//! What a thread keeps for one family set: where its caches are, and the family of the scope it is in.

use core::cell::Cell;
use core::fmt;

use super::{EMPTY_CACHE, Head, ThreadCache};
use crate::class;

/// Where a thread keeps the address of its cache of one family.
#[repr(transparent)]
pub struct CacheSlot {
    pub(super) cache: Cell<*const ThreadCache>,
}

impl CacheSlot {
    /// A cache slot without a cache: it points at the empty cache.
    #[must_use]
    pub const fn new() -> Self {
        Self { cache: Cell::new(EMPTY_CACHE.as_cache()) }
    }

    /// The cache.
    #[inline(always)]
    pub(crate) fn cache(&self) -> &ThreadCache {
        // SAFETY: a cache slot points at the empty cache, or at the cache of its own thread, which is given
        // back only after the cache slot has been pointed at the empty cache again.
        unsafe { &*self.cache.get() }
    }

    /// The cache's head of a class.
    ///
    /// # Safety
    ///
    /// `class` is below [`class::COUNT`].
    #[inline(always)]
    pub(crate) unsafe fn head(&self, class: usize) -> &Head {
        debug_assert!(class < class::COUNT);
        // SAFETY: passed on.
        unsafe { self.head_at(class << class::SCALE) }
    }

    /// The cache's head of a class that is [scaled](class::SCALE).
    ///
    /// There is no reference to the whole cache on the way: Miri looks at each field of what a reference is
    /// made to, and there are hundreds.
    ///
    /// # Safety
    ///
    /// It is a class below [`class::COUNT`], scaled.
    #[inline(always)]
    pub(crate) unsafe fn head_at(&self, scaled: usize) -> &Head {
        debug_assert!(
            scaled < size_of::<[Head; class::COUNT]>() && scaled % size_of::<Head>() == 0
        );
        // SAFETY: as in `cache`. The heads come first.
        let head = unsafe { self.cache.get().cast::<Head>().byte_add(scaled) };
        // SAFETY: passed on: one's start.
        unsafe { &*head }
    }

    /// [`Self::head_at`] of a class that is not a constant.
    ///
    /// # Safety
    ///
    /// The same.
    #[inline(always)]
    pub(crate) unsafe fn read_head(&self, scaled: usize) -> HeadAt {
        // SAFETY: passed on.
        HeadAt(in_a_register(unsafe { self.head_at(scaled) }))
    }
}

/// Where a head is, computed.
///
/// A free writes the head that the next allocation reads, and processors are quick to forward what was written
/// only where they foresee that it is the same place. Intel's of 2021 on do so for addresses that are a register
/// and a constant, and not where another register is an index: with the cache in one register and the class in
/// another, a pair of `malloc` and `free` takes 9 ns where it takes 2.5 with their sum in one (Xeon of the Sapphire
/// Rapids generation, 2026-11-29), though no instruction is saved.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct HeadAt(*const Head);

impl HeadAt {
    /// What was read.
    ///
    /// # Safety
    ///
    /// It is a head of a cache to which a cache slot of the calling thread points.
    #[inline(always)]
    #[must_use]
    pub const unsafe fn as_read(head: *const ()) -> Self {
        Self(head.cast())
    }

    /// The head there.
    ///
    /// # Safety
    ///
    /// The calling thread has a cache whose head it is, and does nothing out of line while it is used.
    #[inline(always)]
    pub(crate) unsafe fn head<'a>(self) -> &'a Head {
        // SAFETY: passed on: heads are in caches, which are the calling thread's, or the one of all.
        unsafe { &*self.0 }
    }
}

/// The same address, of which the compiler does not know any more that it is a sum.
#[inline(always)]
fn in_a_register<T>(address: *const T) -> *const T {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    #[expect(clippy::pointers_in_nomem_asm_block, reason = "nothing is read there")]
    let address = {
        let mut address = address;
        // SAFETY: no instruction.
        unsafe {
            core::arch::asm!(
                "/* {0} */",
                inout(reg) address,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        address
    };
    address
}

impl Default for CacheSlot {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CacheSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheSlot").field("made", &!self.cache().is_empty_cache()).finish()
    }
}

/// All of them, for a set of `N` families, and the family in which unmodified code allocates now.
///
/// Where the cache of that family is, is kept once more: to read first which family it is and then where its cache is
/// would be a read more for all the others of an allocation to wait for. So whoever points a cache slot at another cache does
/// it here (`CacheSlots::point`), and whoever changes the scope (`CacheSlots::enter`). A signal handler that comes between the
/// two writes of either allocates in the scope that was before, from a cache of its thread's.
///
/// The size is not part of how they are reached: `CacheSlots<0>` stands for those of any set.
#[derive(Debug)]
#[repr(C)]
pub struct CacheSlots<const N: usize> {
    scope: Cell<usize>,
    of_scope: CacheSlot,
    caches: [CacheSlot; N],
}

impl<const N: usize> CacheSlots<N> {
    /// CacheSlots without caches, outside of any scope: unmodified code allocates in the family `fallback`.
    #[must_use]
    pub const fn new(fallback: usize) -> Self {
        Self {
            scope: Cell::new(fallback),
            of_scope: CacheSlot::new(),
            caches: [const { CacheSlot::new() }; N],
        }
    }

    /// The cache slot of a family.
    #[inline(always)]
    pub const fn cache_slot(&self, family: usize) -> *const CacheSlot {
        &raw const self.caches[family]
    }

    /// These, whatever their number.
    #[inline(always)]
    pub const fn start(&self) -> *const CacheSlots<0> {
        (&raw const *self).cast()
    }
}

impl CacheSlots<0> {
    /// The family of the scope.
    ///
    /// # Safety
    ///
    /// `this` is the start of the calling thread's cache slots of a set. They are not used after the thread
    /// has ended.
    #[inline(always)]
    pub(crate) unsafe fn scope(this: *const Self) -> usize {
        // SAFETY: the cache slots are valid (contract).
        unsafe { (*this).scope.get() }
    }

    /// The cache slot that points where that of the scope's family does.
    ///
    /// # Safety
    ///
    /// As for [`Self::scope`].
    #[inline(always)]
    pub(crate) unsafe fn of_scope<'a>(this: *const Self) -> &'a CacheSlot {
        // SAFETY: the cache slots are valid (contract).
        unsafe { &(*this).of_scope }
    }

    /// Makes a family that of the scope, and returns the one before.
    ///
    /// # Safety
    ///
    /// As for [`Self::cache_slot_of`].
    #[inline(always)]
    pub(crate) unsafe fn enter(this: *const Self, family: usize) -> usize {
        // SAFETY: passed on.
        let cache = unsafe { Self::cache_slot_of(this, family) }.cache.get();
        // SAFETY: the cache slots are valid (contract).
        let before = unsafe { (*this).scope.replace(family) };
        // SAFETY: as above.
        unsafe { Self::of_scope(this) }.cache.set(cache);
        before
    }

    /// Points the cache slot of a family at a cache.
    ///
    /// # Safety
    ///
    /// As for [`Self::cache_slot_of`]; and the cache is the empty one, or the calling thread's for this family.
    pub(super) unsafe fn point(this: *const Self, family: usize, cache: *const ThreadCache) {
        // SAFETY: passed on.
        unsafe { Self::cache_slot_of(this, family) }.cache.set(cache);
        // SAFETY: passed on.
        if unsafe { Self::scope(this) } == family {
            // SAFETY: passed on.
            unsafe { Self::of_scope(this) }.cache.set(cache);
        }
    }

    /// The cache slot of a family.
    ///
    /// # Safety
    ///
    /// As for [`Self::scope`], and the set has more than `family` families.
    #[inline(always)]
    pub(crate) unsafe fn cache_slot_of<'a>(this: *const Self, family: usize) -> &'a CacheSlot {
        // SAFETY: the caches of as many families as the set has come last (`repr(C)`).
        unsafe { &*(&raw const (*this).caches).cast::<CacheSlot>().add(family) }
    }
}
