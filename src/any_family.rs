//! A family that is known only at run time: its position in the set.
//!
//! A variant of the enum is such a value, too, but there is no way from a number to a variant that works
//! for every enum. Code that gets a family as a number, from C or from a file, makes an `AnyFamily` of it.
//! It is a family set itself, with the same families, table and thread-locals, so it is accepted wherever
//! a variant is.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;

use crate::family_set::FamilySet;
use crate::spec::FamilySpec;
use crate::table::SetTable;
use crate::thread::CacheSlots;

/// A family of the set `S` that is known only at run time.
///
/// # Examples
///
/// ```
/// use core::alloc::Layout;
/// use famalloc::{alloc_family, query, raw, AnyFamily, FamilySet, RawAlloc};
///
/// #[alloc_family]
/// enum Lives {
///     Frame,
///     Level,
/// }
///
/// let family = AnyFamily::<Lives>::at(1).expect("there are two");
/// assert_eq!(family.spec().name(), "Level");
/// assert_eq!(family, Lives::Level.into());
/// assert_eq!(AnyFamily::<Lives>::at(2), None);
///
/// let start = family.alloc(Layout::new::<u64>())?;
/// assert_eq!(query(start.as_ptr()).unwrap().family, "Level");
/// # // SAFETY: allocated above, and not used again.
/// # unsafe { raw::free::<Lives>(start).unwrap() };
/// # Ok::<(), famalloc::AllocError>(())
/// ```
pub struct AnyFamily<S: FamilySet> {
    index: usize,
    set: PhantomData<fn() -> S>,
}

impl<S: FamilySet> AnyFamily<S> {
    /// The family at this position of the set, from 0, in order of declaration; `None` if the set has
    /// fewer families.
    ///
    /// # Examples
    ///
    /// See [`AnyFamily`].
    #[must_use]
    pub const fn at(index: usize) -> Option<Self> {
        if index < S::FAMILIES.len() { Some(Self::new(index)) } else { None }
    }

    /// The family in which unmodified code allocates outside of any scope.
    ///
    /// # Examples
    ///
    /// ```
    /// use famalloc::{alloc_family, AnyFamily};
    ///
    /// #[alloc_family]
    /// enum Lives {
    ///     Frame,
    ///     #[family(fallback)]
    ///     General,
    /// }
    ///
    /// assert_eq!(AnyFamily::<Lives>::FALLBACK.spec().name(), "General");
    /// ```
    pub const FALLBACK: Self = {
        assert!(!S::FAMILIES.is_empty(), "a family set needs at least one family");
        Self::new(S::FALLBACK)
    };

    /// The family of a value of the set.
    #[inline(always)]
    pub(crate) fn of(family: &S) -> Self {
        Self::new(family.index())
    }

    /// The position is below the number of families.
    pub(crate) const fn new(index: usize) -> Self {
        debug_assert!(index < S::FAMILIES.len(), "the set has not so many families");
        Self { index, set: PhantomData }
    }

    /// Its position in the set.
    ///
    /// # Examples
    ///
    /// ```
    /// use famalloc::{alloc_family, AnyFamily};
    ///
    /// #[alloc_family]
    /// enum Lives {
    ///     Frame,
    ///     Level,
    /// }
    ///
    /// assert_eq!(AnyFamily::from(Lives::Level).position(), 1);
    /// # let _ = Lives::Frame;
    /// ```
    #[must_use]
    pub const fn position(self) -> usize {
        self.index
    }

    /// The name and attributes of the family.
    ///
    /// # Examples
    ///
    /// See [`AnyFamily`].
    #[must_use]
    pub const fn spec(self) -> &'static FamilySpec {
        &S::FAMILIES[self.index]
    }
}

// SAFETY: the table, the cache slots and the families are those of `S`; the index is below their number.
unsafe impl<S: FamilySet> FamilySet for AnyFamily<S> {
    const NAME: &'static str = S::NAME;
    const FAMILIES: &'static [FamilySpec] = S::FAMILIES;
    const FALLBACK: usize = S::FALLBACK;

    #[inline(always)]
    fn index(&self) -> usize {
        self.index
    }

    #[inline(always)]
    fn table() -> &'static SetTable {
        S::table()
    }

    #[inline(always)]
    fn cache_slots() -> *const CacheSlots<0> {
        S::cache_slots()
    }
}

impl<S: FamilySet> From<S> for AnyFamily<S> {
    fn from(family: S) -> Self {
        Self::of(&family)
    }
}

impl<S: FamilySet> Clone for AnyFamily<S> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: FamilySet> Copy for AnyFamily<S> {}

impl<S: FamilySet> PartialEq for AnyFamily<S> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index
    }
}

impl<S: FamilySet> Eq for AnyFamily<S> {}

impl<S: FamilySet> Hash for AnyFamily<S> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.index.hash(state);
    }
}

impl<S: FamilySet> fmt::Debug for AnyFamily<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", S::NAME, self.spec().name())
    }
}
