//! `ThinStr` as text, `ThinSlice` as a sequence.

use core::marker::PhantomData;

use serde_core::{Deserialize, Deserializer, Serialize, Serializer};

use super::text::Text;
use crate::boxed::FamilyBox;
use crate::raw_alloc::RawAlloc;
use crate::thin::{ThinSlice, ThinStr};

impl<A: RawAlloc> Serialize for ThinStr<A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de, A: RawAlloc + Default> Deserialize<'de> for ThinStr<A> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text(PhantomData))
    }
}

impl<T: Serialize, A: RawAlloc> Serialize for ThinSlice<T, A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de, T, A: RawAlloc> Deserialize<'de> for ThinSlice<T, A>
where
    FamilyBox<[T], A>: Deserialize<'de>,
{
    /// The elements move to a slot with their number when all of them are there.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        FamilyBox::<[T], A>::deserialize(deserializer).map(Self::from)
    }
}
