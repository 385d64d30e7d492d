//! Scopes: the family in which the thread allocates where it names none.

use famalloc::{AnyFamily, ScopeGuard};

use super::{family, number};
use crate::errno;
use crate::set::Exports;
use crate::types::{FAM_NONE, fam_family_t};

/// `fam_scope_enter`.
#[inline]
pub fn enter<E: Exports>(into: fam_family_t) -> fam_family_t {
    match family::<E>(into) {
        Some(into) => number::<E>(ScopeGuard::replace(into)),
        None => {
            errno::set(libc::EINVAL);
            FAM_NONE
        }
    }
}

/// `fam_scope_leave`.
#[inline]
pub fn leave<E: Exports>(before: fam_family_t) {
    if let Some(before) = family::<E>(before) {
        ScopeGuard::<E::Set>::replace(before);
    }
}

/// `fam_scope_current`.
#[inline]
pub fn current<E: Exports>() -> fam_family_t {
    number::<E>(ScopeGuard::current())
}

/// `fam_thread_reset`.
pub fn reset<E: Exports>() {
    ScopeGuard::<E::Set>::replace(AnyFamily::FALLBACK);
}
