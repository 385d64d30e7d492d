//! Sequences of unknown length.

use core::fmt;
use core::marker::PhantomData;

use serde_core::de::{SeqAccess, Visitor};
use serde_core::{Deserialize, Deserializer};

use crate::collections::SmallVec;
use crate::collections::serde_seq::cautious_capacity;
use crate::family::Family;

struct Elements<T, const N: usize, F>(PhantomData<(T, F)>);

impl<'de, T: Deserialize<'de>, const N: usize, F: Family> Visitor<'de> for Elements<T, N, F> {
    type Value = SmallVec<T, N, F>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut vec = SmallVec::with_capacity(cautious_capacity::<T>(elements.size_hint()));
        while let Some(element) = elements.next_element()? {
            vec.push(element);
        }
        Ok(vec)
    }
}

/// The elements of a sequence.
pub(super) fn elements<'de, T, const N: usize, F, D>(
    deserializer: D,
) -> Result<SmallVec<T, N, F>, D::Error>
where
    T: Deserialize<'de>,
    F: Family,
    D: Deserializer<'de>,
{
    deserializer.deserialize_seq(Elements(PhantomData))
}
