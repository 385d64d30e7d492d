//! The beginning and the end, of the library's use and of a thread's work, for those who know when that
//! is. Nothing here has to be called.

use famalloc::{AnyFamily, lifecycle};

use crate::set::Exports;

/// `fam_initialize`. (What is better done when the library is loaded was done then.)
pub fn initialize<E: Exports>() {
    thread_initialize::<E>();
}

/// `fam_finalize`.
pub fn finalize<E: Exports>() {
    thread_finalize::<E>();
    flush::<E>();
}

/// `fam_thread_initialize`.
pub fn thread_initialize<E: Exports>() -> bool {
    lifecycle::thread_initialize(AnyFamily::<E::Set>::FALLBACK)
}

/// `fam_thread_collect`.
pub fn thread_collect<E: Exports>() {
    lifecycle::thread_collect();
}

/// `fam_thread_finalize`.
pub fn thread_finalize<E: Exports>() {
    super::scopes::reset::<E>();
    lifecycle::thread_finalize();
}

/// `fam_reclaim`.
pub fn reclaim<E: Exports>(goal: usize) -> usize {
    famalloc::reclaim(goal)
}

/// `fam_flush`.
pub fn flush<E: Exports>() -> usize {
    famalloc::flush()
}
