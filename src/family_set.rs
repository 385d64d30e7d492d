//! Family sets: the trait by which the allocator knows the enum of a user's program.

use crate::spec::FamilySpec;
use crate::table::SetTable;
use crate::thread::{CacheSlots, HeadAt};

/// A family set: the enum whose variants are the families of one table.
///
/// Implemented by [`alloc_family`](crate::alloc_family).
///
/// # Safety
///
/// `table` always returns the same table, made from exactly `FAMILIES`; `index` is below
/// `FAMILIES.len()` and always the same for a value, and `FALLBACK` is below it, too, unless
/// there is no family. `cache_slots` returns the calling thread's cache slots for as many
/// families, with what `cache_slot` of each family returns among them; what `scope` and `read_head` return is
/// in these cache slots and their caches.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, FamilySet};
///
/// #[alloc_family]
/// enum Lives {
///     Frame,
///     Level,
/// }
///
/// assert_eq!(Lives::NAME, "Lives");
/// assert_eq!(Lives::FAMILIES[Lives::Level.index()].name(), "Level");
/// ```
pub unsafe trait FamilySet: Sized + 'static {
    /// The enum's name.
    const NAME: &'static str;
    /// The attributes of each variant, in order of declaration.
    const FAMILIES: &'static [FamilySpec];
    /// The position of the family in which unmodified code allocates outside of any scope: the one
    /// declared with `#[family(fallback)]`, otherwise the first.
    ///
    /// A set of which `cfg` removes all families has none, and code that uses its fallback does not
    /// compile:
    ///
    /// ```compile_fail,E0080
    /// use famalloc::raw;
    ///
    /// #[famalloc::alloc_family]
    /// enum Lives {
    ///     #[cfg(any())]
    ///     Absent,
    /// }
    ///
    /// let nothing = raw::alloc_bytes_in_scope::<Lives>(8);
    /// ```
    const FALLBACK: usize = FamilySpec::fallback_among(Self::FAMILIES);

    /// The position of this variant, from 0, in order of declaration.
    fn index(&self) -> usize;

    /// The one table of this set.
    #[doc(hidden)]
    fn table() -> &'static SetTable;

    /// What the calling thread keeps for this set.
    #[doc(hidden)]
    fn cache_slots() -> *const CacheSlots<0>;

    /// The position of the family of the calling thread's scope. Like what follows it can be overridden where
    /// there is a shorter way than by the address of the cache slots.
    #[doc(hidden)]
    #[inline(always)]
    fn scope() -> usize {
        // SAFETY: the thread's own cache slots.
        unsafe { CacheSlots::scope(Self::cache_slots()) }
    }

    /// The head at a scaled class, of the calling thread's cache of the family at a position.
    ///
    /// # Safety
    ///
    /// There is such a family, and it is a class, scaled. This is used before anything is done out of line.
    #[doc(hidden)]
    #[inline(always)]
    unsafe fn read_head(family: usize, scaled: usize) -> HeadAt {
        // SAFETY: the thread's own cache slots; passed on.
        let cache_slot = unsafe { CacheSlots::cache_slot_of(Self::cache_slots(), family) };
        // SAFETY: passed on.
        unsafe { cache_slot.read_head(scaled) }
    }

    /// The head at a scaled class, of the calling thread's cache of the family of its scope.
    ///
    /// # Safety
    ///
    /// It is a class, scaled. This is used before anything is done out of line.
    #[doc(hidden)]
    #[inline(always)]
    unsafe fn read_head_of_scope(scaled: usize) -> HeadAt {
        // SAFETY: the thread's own cache slots; passed on.
        unsafe { CacheSlots::of_scope(Self::cache_slots()).read_head(scaled) }
    }
}
