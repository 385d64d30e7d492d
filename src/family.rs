//! Families: the names of lifetimes, and how types find them.
//!
//! A *family set* is an enum; each of its variants is a *family*, a lifetime class. The macro
//! [`alloc_family`](crate::alloc_family) writes the implementations of the traits below. They are all that
//! the allocator knows about a user's program.
//!
//! ```text
//! #[alloc_family]
//! enum Lives {              ==>   mod lives { struct Ast; struct Object; }
//!     Ast,                        impl Family for lives::Ast, lives::Object
//!     Object,                     impl FamilySet for Lives
//! }                               one static table, one thread-local array of cache slots
//!
//! #[alloc_family(Lives::Ast)]
//! struct Node { .. }        ==>   impl InFamily for Node { type Family = lives::Ast; }
//! ```

use crate::scope::{ScopeGuard, Scoped};
use crate::spec::FamilySpec;
use crate::table::SetTable;
use crate::thread::{CacheSlot, CacheSlots, HeadAt};

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
    /// use famalloc::untyped;
    ///
    /// #[famalloc::alloc_family]
    /// enum Lives {
    ///     #[cfg(any())]
    ///     Absent,
    /// }
    ///
    /// let nothing = untyped::alloc_bytes_in_scope::<Lives>(8);
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

/// A family: a zero-sized marker type that stands for a variant of a family set.
///
/// Implemented by [`alloc_family`](crate::alloc_family), which puts the marker types into a module
/// named after the enum in snake case.
///
/// # Safety
///
/// `INDEX` is the position of this family in `Set::FAMILIES`, `SPEC` is the entry there, and `cache_slot`
/// returns the calling thread's own cache slot for this family, valid until the thread has ended. (Without
/// the feature `std` all threads have the same.)
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, Family};
///
/// #[alloc_family]
/// enum Lives {
///     Frame,
///     Level,
/// }
///
/// assert_eq!(lives::Level::INDEX, 1);
/// assert_eq!(lives::Level::SPEC.name(), "Level");
/// ```
pub unsafe trait Family: Copy + Send + Sync + 'static {
    /// The set this family belongs to.
    type Set: FamilySet;
    /// The variant that this marker stands for.
    const KEY: Self::Set;
    /// The position of the variant in the set.
    const INDEX: usize;
    /// The attributes of the variant.
    const SPEC: FamilySpec;

    /// The thread-local in which the calling thread keeps the address of its thread cache for this family.
    #[doc(hidden)]
    fn cache_slot() -> *const CacheSlot;

    /// Runs `work` in a scope of this family: if the global allocator is one over this set ([`FamAlloc`]),
    /// `work` and everything that it calls allocate in this family when they name none.
    ///
    /// Scopes nest; the innermost applies. They apply only to the calling thread: code that `work` runs on
    /// other threads is in the scopes of those. Frees and reallocations ignore the scope: memory returns
    /// to its family when it is freed, and stays there when it is reallocated. A scope costs two loads and
    /// two stores, and no lock.
    ///
    /// # Examples
    ///
    /// ```
    /// use famalloc::{alloc_family, query, FamAlloc};
    ///
    /// #[alloc_family]
    /// enum Lives {
    ///     General,
    ///     Ast,
    /// }
    ///
    /// #[global_allocator]
    /// static GLOBAL: FamAlloc<Lives> = FamAlloc::new();
    ///
    /// let words = lives::Ast::scope(|| "a b c".split(' ').map(String::from).collect::<Vec<_>>());
    /// assert_eq!(query(words.as_ptr()).unwrap().family, "Ast");
    /// assert_eq!(query(words[0].as_ptr()).unwrap().family, "Ast");
    ///
    /// let outside = String::from("d");
    /// assert_eq!(query(outside.as_ptr()).unwrap().family, "General");
    /// ```
    ///
    /// [`FamAlloc`]: crate::FamAlloc
    #[inline(always)]
    fn scope<R>(work: impl FnOnce() -> R) -> R {
        let _scope = Self::enter();
        work()
    }

    /// Enters a scope of this family that lasts until the guard is dropped: [`scope`](Self::scope) without
    /// a closure.
    ///
    /// # Examples
    ///
    /// See [`ScopeGuard`].
    #[inline(always)]
    fn enter() -> ScopeGuard<Self::Set> {
        ScopeGuard::new(Self::INDEX)
    }

    /// A future that is polled in a scope of this family: each poll enters it and leaves it, on whichever
    /// thread.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::Future;
    /// use std::pin::pin;
    /// use std::task::{Context, Poll, Waker};
    /// use famalloc::{alloc_family, query, FamAlloc};
    ///
    /// #[alloc_family]
    /// enum Lives {
    ///     General,
    ///     Request,
    /// }
    ///
    /// #[global_allocator]
    /// static GLOBAL: FamAlloc<Lives> = FamAlloc::new();
    ///
    /// async fn handle(name: &str) -> String {
    ///     format!("hello, {name}")
    /// }
    ///
    /// let mut task = pin!(lives::Request::scope_future(handle("you")));
    /// let Poll::Ready(answer) = task.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
    ///     unreachable!("nothing to wait for");
    /// };
    /// assert_eq!(query(answer.as_ptr()).unwrap().family, "Request");
    /// ```
    fn scope_future<T>(future: T) -> Scoped<Self, T> {
        Scoped::new(future)
    }
}

/// A type that has a family: `FamilyBox<T>` allocates values of `T` there.
///
/// Implemented by `#[alloc_family(Set::Variant)]` on the type. A slice or array is in the family of
/// its elements.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, Family, FamilyOf};
///
/// #[alloc_family]
/// enum Lives {
///     Ast,
/// }
///
/// #[alloc_family(Lives::Ast)]
/// struct Node(u32);
///
/// assert_eq!(<FamilyOf<Node> as Family>::SPEC.name(), "Ast");
/// assert_eq!(<FamilyOf<[Node]> as Family>::SPEC.name(), "Ast");
/// # let _ = Node(0).0;
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` belongs to no family",
    label = "no `#[alloc_family(Set::Variant)]` on this type",
    note = "add `#[alloc_family(Set::Variant)]` to the definition of `{Self}`, or name the family at the use: `FamilyBox::<{Self}, set::Variant>::new_in(..)`"
)]
pub trait InFamily {
    /// The family of this type.
    type Family: Family;
}

impl<T: InFamily> InFamily for [T] {
    type Family = T::Family;
}

impl<T: InFamily, const N: usize> InFamily for [T; N] {
    type Family = T::Family;
}

impl<T: InFamily> InFamily for core::mem::MaybeUninit<T> {
    type Family = T::Family;
}

/// The family of a type.
pub type FamilyOf<T> = <T as InFamily>::Family;
