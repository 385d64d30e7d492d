//! The calls that name a family: what `famalloc.h` declares.
//!
//! Each is as its declaration in the list says (`src/interface.rs`); what is said there is
//! also in the header.

pub mod alloc;
pub mod families;
pub mod lifecycle;
pub mod regions;
pub mod report;
pub mod scopes;

use famalloc::AnyFamily;

use crate::set::Exports;
use crate::types::fam_family_t;

/// A family of the set, as the calls have it.
pub(crate) type FamilyOf<E> = AnyFamily<<E as Exports>::Set>;

/// The family of a number.
#[inline]
pub(crate) fn family<E: Exports>(number: fam_family_t) -> Option<FamilyOf<E>> {
    AnyFamily::at(number as usize)
}

/// The number of a family.
#[inline]
pub(crate) fn number<E: Exports>(family: FamilyOf<E>) -> fam_family_t {
    // A set has far fewer.
    family.position() as fam_family_t
}
