//! The vectors of this crate: sequences.

use core::fmt;
use core::marker::PhantomData;

use serde_core::de::{SeqAccess, Visitor};
use serde_core::{Deserialize, Deserializer, Serialize, Serializer};

use crate::collections::serde_seq::cautious_capacity;
use crate::collections::vec::{VecInner, VecStorage};
use crate::raw_alloc::RawAlloc;

impl<T: Serialize, S: VecStorage<T>, A: RawAlloc> Serialize for VecInner<T, S, A> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        serializer.collect_seq(self)
    }
}

impl<'de, T, S, A> Deserialize<'de> for VecInner<T, S, A>
where
    T: Deserialize<'de>,
    S: VecStorage<T>,
    A: RawAlloc + Default,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Elements(PhantomData))
    }
}

/// Makes a vector of a sequence of unknown length.
struct Elements<V>(PhantomData<V>);

impl<'de, T, S, A> Visitor<'de> for Elements<VecInner<T, S, A>>
where
    T: Deserialize<'de>,
    S: VecStorage<T>,
    A: RawAlloc + Default,
{
    type Value = VecInner<T, S, A>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<Q: SeqAccess<'de>>(self, mut elements: Q) -> Result<Self::Value, Q::Error> {
        let mut vec = VecInner::with_capacity(cautious_capacity::<T>(elements.size_hint()));
        while let Some(element) = elements.next_element()? {
            vec.push(element);
        }
        Ok(vec)
    }
}
