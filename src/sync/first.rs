//! A reference that whoever is first sets.

use super::{AtomicPtr, Ordering};

/// A place for a reference: empty, until somebody sets it. It stays then, but in the child of a fork that
/// has to start over.
#[derive(Debug)]
pub(crate) struct First<T: 'static>(AtomicPtr<T>);

impl<T: Sync> First<T> {
    pub(crate) const fn new() -> Self {
        Self(AtomicPtr::new(core::ptr::null_mut()))
    }

    #[inline]
    pub(crate) fn get(&self) -> Option<&'static T> {
        // SAFETY: null, or from a reference that lives as long as the process.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }

    /// Sets the reference, unless somebody was first, and returns what it is now.
    pub(crate) fn get_or_set(&self, value: &'static T) -> &'static T {
        let (none, ours) = (core::ptr::null_mut(), core::ptr::from_ref(value).cast_mut());
        match self.0.compare_exchange(none, ours, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => value,
            // SAFETY: not null, so from a reference that lives as long as the process.
            Err(first) => unsafe { &*first },
        }
    }

    /// Makes the place empty again.
    #[cfg(feature = "std")]
    pub(crate) fn forget(&self) {
        self.0.store(core::ptr::null_mut(), Ordering::Release);
    }
}
