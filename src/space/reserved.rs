//! Addresses that were reserved for something that may yet fail.

use core::mem;
use core::ptr::NonNull;

use crate::os::PageSource;

/// A reserved range of the source's that is given back unless it is kept.
pub(super) struct Reserved {
    source: &'static dyn PageSource,
    pub(super) start: NonNull<u8>,
    bytes: usize,
}

impl Reserved {
    pub(super) fn new(
        source: &'static dyn PageSource,
        near: usize,
        bytes: usize,
        align: usize,
    ) -> Option<Self> {
        let start = source.reserve_near(near, bytes, align).ok()?;
        Some(Self { source, start, bytes })
    }

    pub(super) fn keep(self) -> NonNull<u8> {
        mem::ManuallyDrop::new(self).start
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        // SAFETY: reserved with this size, and used by nobody.
        unsafe { self.source.release(self.start, self.bytes) };
    }
}
