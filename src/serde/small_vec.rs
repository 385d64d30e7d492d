//! `SmallVec`, and with it the collection `Vec`: a sequence.

use serde_core::{Deserialize, Deserializer, Serialize, Serializer};

use super::sequence::elements;
use crate::collections::SmallVec;
use crate::family::Family;

impl<T: Serialize, const N: usize, F: Family> Serialize for SmallVec<T, N, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self)
    }
}

impl<'de, T: Deserialize<'de>, const N: usize, F: Family> Deserialize<'de> for SmallVec<T, N, F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        elements(deserializer)
    }
}
