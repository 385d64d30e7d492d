//! `FamilyRc` and `FamilyArc`: as the value that is inside.
//!
//! Sharing is not written down, as with serde's feature `rc`: what two handles share is written twice,
//! and read as two values.

use serde_core::{Deserialize, Deserializer, Serialize, Serializer};

use crate::boxed::FamilyBox;
use crate::raw_alloc::RawAlloc;
use crate::rc::Counted;
use crate::rc::{FamilyArc, FamilyRc};

/// The same for both handles, as their counters' trait is no business of others.
macro_rules! counted {
    ($($handle:ident),*) => {$(
        impl<T: Serialize + ?Sized, A: RawAlloc> Serialize for $handle<T, A> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                (**self).serialize(serializer)
            }
        }

        impl<'de, T: ?Sized, A: RawAlloc> Deserialize<'de> for $handle<T, A>
        where
            FamilyBox<T, A>: Deserialize<'de>,
        {
            /// Whatever can be read into a box; it moves to a slot with a counter.
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                FamilyBox::<T, A>::deserialize(deserializer).map(Counted::from)
            }
        }
    )*};
}

counted!(FamilyRc, FamilyArc);
