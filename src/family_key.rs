//! Families as values: a marker ([`Family`]), whose family the compiler knows, or an [`AnyFamily`], whose
//! family is known only at run time.
//!
//! Everything below the typed handles is written once, over this trait. For a marker every method returns a
//! constant, so nothing of the value is left in the compiled code.

use crate::any_family::AnyFamily;
use crate::family::Family;
use crate::family_set::FamilySet;
use crate::spec::FamilySpec;
use crate::thread::{CacheSlot, CacheSlots, HeadAt};

/// A family as a value: a marker such as `lives::Ast`, or an [`AnyFamily`].
///
/// Every key is an allocator ([`RawAlloc`](crate::RawAlloc)), so a handle can have either as the home of
/// its value.
///
/// # Safety
///
/// `position` is below `Set::FAMILIES.len()`, and always the same for a value and its copies; `spec` is the
/// entry there. `cache_slot` returns the calling thread's own cache slot for this family, valid until the
/// thread has ended. (Without the feature `std` all threads have the same.)
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, AnyFamily, FamilyKey};
///
/// #[alloc_family]
/// enum Lives {
///     Frame,
///     Level,
/// }
///
/// fn name(family: impl FamilyKey) -> &'static str {
///     family.spec().name()
/// }
///
/// assert_eq!(name(lives::Level), "Level");
/// assert_eq!(name(AnyFamily::from(Lives::Frame)), "Frame");
/// # let _ = Lives::Level;
/// ```
pub unsafe trait FamilyKey: Copy + Send + Sync + 'static {
    /// The set this family belongs to.
    type Set: FamilySet;

    /// The position of the family in its set.
    fn position(self) -> usize;

    /// The attributes of the family.
    fn spec(self) -> &'static FamilySpec;

    /// The thread-local in which the calling thread keeps the address of its thread cache for this family.
    #[doc(hidden)]
    fn cache_slot(self) -> *const CacheSlot;

    /// The head at a scaled class, of the calling thread's cache of this family.
    ///
    /// # Safety
    ///
    /// It is a class, scaled. This is used before anything is done out of line.
    #[doc(hidden)]
    #[inline(always)]
    unsafe fn read_head(self, scaled: usize) -> HeadAt {
        // SAFETY: a family's cache slot is valid on the calling thread (contract of this trait).
        let cache_slot = unsafe { &*self.cache_slot() };
        // SAFETY: passed on.
        unsafe { cache_slot.read_head(scaled) }
    }
}

// SAFETY: what `Family` promises.
unsafe impl<F: Family> FamilyKey for F {
    type Set = F::Set;

    #[inline(always)]
    fn position(self) -> usize {
        F::INDEX
    }

    #[inline(always)]
    fn spec(self) -> &'static FamilySpec {
        const { &F::SPEC }
    }

    #[inline(always)]
    fn cache_slot(self) -> *const CacheSlot {
        F::cache_slot()
    }
}

// SAFETY: the position is below the number of families (`AnyFamily::new`), and the cache slots of the set are
// the calling thread's (contract of `FamilySet`).
unsafe impl<S: FamilySet> FamilyKey for AnyFamily<S> {
    type Set = S;

    #[inline(always)]
    fn position(self) -> usize {
        AnyFamily::position(self)
    }

    #[inline(always)]
    fn spec(self) -> &'static FamilySpec {
        AnyFamily::spec(self)
    }

    #[inline(always)]
    fn cache_slot(self) -> *const CacheSlot {
        // SAFETY: the calling thread's cache slots, and a position of the set.
        unsafe { CacheSlots::cache_slot_of(S::cache_slots(), AnyFamily::position(self)) }
    }

    #[inline(always)]
    unsafe fn read_head(self, scaled: usize) -> HeadAt {
        // SAFETY: a position of the set; passed on.
        unsafe { S::read_head(AnyFamily::position(self), scaled) }
    }
}
