//! `FamilyRc` and `FamilyArc`: as the value that is inside.
//!
//! Sharing is not written down, as with serde's feature `rc`: what two handles share is written twice,
//! and read as two values.

use serde_core::{Deserialize, Deserializer, Serialize, Serializer};

use crate::boxed::FamilyBox;
use crate::family::Family;
use crate::rc::Counted;
use crate::rc::{FamilyArc, FamilyRc};

/// The same for both handles, as their counters' trait is no business of others.
macro_rules! counted {
    ($($handle:ident),*) => {$(
        impl<T: Serialize + ?Sized, F: Family> Serialize for $handle<T, F> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                (**self).serialize(serializer)
            }
        }

        impl<'de, T: ?Sized, F: Family> Deserialize<'de> for $handle<T, F>
        where
            FamilyBox<T, F>: Deserialize<'de>,
        {
            /// Whatever can be read into a box; it moves to a slot with a counter.
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                FamilyBox::<T, F>::deserialize(deserializer).map(Counted::from)
            }
        }
    )*};
}

counted!(FamilyRc, FamilyArc);
