//! The family set that everything here is generic over.

use famalloc::FamilySet;

use crate::names::Names;

/// The family set under a C `malloc`. [`export_malloc!`](crate::export_malloc) implements it.
pub trait Exports: 'static {
    /// The family set.
    type Set: FamilySet;

    /// The names of the families.
    fn names() -> &'static Names;
}
