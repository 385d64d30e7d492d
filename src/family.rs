//! Families: the names of lifetimes, and how types find theirs.
//!
//! A *family set* is an enum; each of its variants is a *family*, one lifetime class. The macro
//! [`alloc_family`](crate::alloc_family) writes the implementations below; they are spelt out here
//! because they are the whole of what the allocator knows about a user's program.
//!
//! ```text
//! #[alloc_family]                       mod lives {
//! enum Lives {                              struct Ast;      impl Family for Ast
//!     Ast,                        ==>       struct Object;   impl Family for Object
//!     Object,                               static table, thread-local row homes
//! }                                     }
//!                                       impl FamilySet for Lives
//!
//! #[alloc_family(Lives::Ast)]
//! struct Node { .. }              ==>   impl InFamily for Node { type Family = lives::Ast; }
//! ```

use core::fmt;

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
/// returns the calling thread's own home for this family, valid until the thread has ended.
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
    note = "put `#[alloc_family(Set::Variant)]` on the definition of `{Self}`, or name the family at the use: `FamilyBox<{Self}, set::Variant>`"
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

/// What a family asks for: its name and attributes.
///
/// Built by the macro from the attributes of a variant; all of it is constant.
///
/// # Examples
///
/// ```
/// use famalloc::FamilySpec;
///
/// const SPEC: FamilySpec = FamilySpec::new("Session").isolate().limit(64 << 20);
/// assert!(SPEC.is_isolated());
/// assert_eq!(SPEC.limit_bytes(), Some(64 << 20));
/// assert_eq!(SPEC.block_bytes(), 64 << 10);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FamilySpec {
    name: &'static str,
    isolate: bool,
    zero_on_free: bool,
    natural_alignment: bool,
    limit: usize,
    block: usize,
}

impl FamilySpec {
    /// The smallest block, and the unit in which a family takes memory: 64 KiB.
    pub const MIN_BLOCK: usize = 64 << 10;
    /// The largest block: a whole extent of 2 MiB.
    pub const MAX_BLOCK: usize = 2 << 20;

    /// A family with the given name and no special wishes.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            isolate: false,
            zero_on_free: false,
            natural_alignment: false,
            limit: usize::MAX,
            block: Self::MIN_BLOCK,
        }
    }

    /// Never shares an address with another family for the life of the process.
    #[must_use]
    pub const fn isolate(mut self) -> Self {
        self.isolate = true;
        self
    }

    /// Overwrites every slot with zeros when it is freed.
    #[must_use]
    pub const fn zero_on_free(mut self) -> Self {
        self.zero_on_free = true;
        self
    }

    /// Serves raw sizes at their natural alignment (the largest power of two that divides the
    /// size) up to a page, instead of up to 16 bytes.
    #[must_use]
    pub const fn natural_alignment(mut self) -> Self {
        self.natural_alignment = true;
        self
    }

    /// Takes at most `bytes` of blocks, extents and huge allocations at any time.
    ///
    /// # Panics
    ///
    /// Panics (at compile time, in a constant) when `bytes` is below [`Self::MIN_BLOCK`].
    #[must_use]
    pub const fn limit(mut self, bytes: usize) -> Self {
        assert!(bytes >= Self::MIN_BLOCK, "a family's limit is at least one block of 64 KiB");
        self.limit = bytes;
        self
    }

    /// Makes blocks at least `bytes` long.
    ///
    /// # Panics
    ///
    /// Panics (at compile time, in a constant) unless `bytes` is a power of two from
    /// [`Self::MIN_BLOCK`] to [`Self::MAX_BLOCK`].
    #[must_use]
    pub const fn block(mut self, bytes: usize) -> Self {
        assert!(
            bytes.is_power_of_two() && bytes >= Self::MIN_BLOCK && bytes <= Self::MAX_BLOCK,
            "a block is a power of two from 64 KiB to 2 MiB"
        );
        self.block = bytes;
        self
    }

    /// The variant's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Whether the family keeps its addresses to itself.
    #[must_use]
    pub const fn is_isolated(&self) -> bool {
        self.isolate
    }

    /// Whether slots are zeroed when freed.
    #[must_use]
    pub const fn zeroes_on_free(&self) -> bool {
        self.zero_on_free
    }

    /// Whether raw sizes are served at their natural alignment.
    #[must_use]
    pub const fn aligns_naturally(&self) -> bool {
        self.natural_alignment
    }

    /// The limit in bytes, if there is one.
    #[must_use]
    pub const fn limit_bytes(&self) -> Option<usize> {
        if self.limit == usize::MAX { None } else { Some(self.limit) }
    }

    /// The least length of a block in bytes.
    #[must_use]
    pub const fn block_bytes(&self) -> usize {
        self.block
    }
}

impl fmt::Display for FamilySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
