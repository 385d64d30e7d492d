//! Families: the names of lifetimes, and how types find theirs.
//!
//! A *family set* is an enum; each of its variants is a *family*, one lifetime class. The macro
//! [`alloc_family`](crate::alloc_family) writes the implementations below; they are spelt out here
//! because they are the whole of what the allocator knows about a user's program.
//!
//! ```text
//! #[alloc_family]
//! enum Lives {              ==>   mod lives { struct Ast; struct Object; }
//!     Ast,                        impl Family for lives::Ast, lives::Object
//!     Object,                     impl FamilySet for Lives
//! }                               one static table, one thread-local array of homes
//!
//! #[alloc_family(Lives::Ast)]
//! struct Node { .. }        ==>   impl InFamily for Node { type Family = lives::Ast; }
//! ```

use crate::spec::FamilySpec;
use crate::table::SetTable;
use crate::thread::RowHome;

/// A family set: the enum whose variants are the families of one table.
///
/// Implemented by [`alloc_family`](crate::alloc_family).
///
/// # Safety
///
/// `table` always returns the same table, made from exactly `FAMILIES`; `index` is below
/// `FAMILIES.len()`.
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
    /// What each variant asks for, in order of declaration.
    const FAMILIES: &'static [FamilySpec];

    /// The position of this variant, from 0, in order of declaration.
    fn index(&self) -> usize;

    /// The one table of this set.
    #[doc(hidden)]
    fn table() -> &'static SetTable;
}

/// One family: a zero-sized marker type that stands for a variant of a family set.
///
/// Implemented by [`alloc_family`](crate::alloc_family), which puts the marker types into a module
/// named after the enum in snake case.
///
/// # Safety
///
/// `INDEX` is the position of this family in `Set::FAMILIES`, `SPEC` is the entry there, and `home`
/// returns the calling thread's own home for this family, valid until the thread has ended. (Without
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
    /// The variant of the set that this marker stands for.
    const KEY: Self::Set;
    /// The position of that variant in the set.
    const INDEX: usize;
    /// What the variant asks for.
    const SPEC: FamilySpec;

    /// Where the calling thread keeps the address of its row of magazines for this family.
    #[doc(hidden)]
    fn home() -> *const RowHome;
}

/// A type that has a family: `FamilyBox<T>` puts values of `T` there.
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
    note = "put `#[alloc_family(Set::Variant)]` on the definition of `{Self}`, or name the family at the use: `FamilyBox::<{Self}, set::Variant>::new_in(..)`"
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
