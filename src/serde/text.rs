//! Text: the collection `String`, and boxes of `str`.

use core::fmt;
use core::marker::PhantomData;
use core::str;

use serde_core::de::{Error, Unexpected, Visitor};
use serde_core::{Deserialize, Deserializer, Serialize, Serializer};

use crate::boxed::FamilyBox;
use crate::collections::String;
use crate::family::Family;
use crate::raw_alloc::RawAlloc;

/// Makes a `V` from text of whatever lifetime, or from bytes that are UTF-8.
pub(super) struct Text<V>(pub(super) PhantomData<V>);

impl<V: for<'a> From<&'a str>> Visitor<'_> for Text<V> {
    type Value = V;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<V, E> {
        Ok(V::from(text))
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<V, E> {
        match str::from_utf8(bytes) {
            Ok(text) => Ok(V::from(text)),
            Err(_) => Err(E::invalid_value(Unexpected::Bytes(bytes), &self)),
        }
    }
}

impl<F: Family> Serialize for String<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de, F: Family> Deserialize<'de> for String<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text(PhantomData))
    }
}

impl<'de, A: RawAlloc + Default> Deserialize<'de> for FamilyBox<str, A> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text(PhantomData))
    }
}
