//! `ThinStr` as text, `ThinSlice` as a sequence.

use core::marker::PhantomData;

use serde_core::{Deserialize, Deserializer, Serialize, Serializer};

use super::text::Text;
use crate::collections::Vec;
use crate::family::Family;
use crate::thin::{ThinSlice, ThinStr};

impl<F: Family> Serialize for ThinStr<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de, F: Family> Deserialize<'de> for ThinStr<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text(PhantomData))
    }
}

impl<T: Serialize, F: Family> Serialize for ThinSlice<T, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de, T: Deserialize<'de>, F: Family> Deserialize<'de> for ThinSlice<T, F> {
    /// The elements move to a slot with their number when all of them are there.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<T, F>::deserialize(deserializer).map(|vec| vec.into_boxed_slice().into())
    }
}
