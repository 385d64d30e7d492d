//! Parcels: what threads hand each other, the addresses of a number of objects.

use core::ptr::NonNull;

/// How many objects are in a parcel.
pub(super) const PARCEL: usize = 64;

/// So many objects.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parcel(pub(super) [NonNull<u64>; PARCEL]);

// SAFETY: the objects are whose the parcel is; who sends it does not use them any more.
unsafe impl Send for Parcel {}

impl Parcel {
    /// One whose objects are still to come.
    pub(super) const fn empty() -> Self {
        Self([NonNull::dangling(); PARCEL])
    }
}
