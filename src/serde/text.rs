//! Text: the collection `String`, and boxes of `str`, `Path`, `CStr`, `OsStr`.

use core::fmt;
use core::marker::PhantomData;
use core::str;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::path::Path;

use serde_core::de::{Error, Unexpected, Visitor};
use serde_core::{Deserialize, Deserializer, Serialize, Serializer};

use crate::collections::String;
use crate::{Family, FamilyBox};

/// Makes a `V` from text of whatever lifetime, or from bytes that are UTF-8.
struct Text<V>(PhantomData<V>);

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

impl<'de, F: Family> Deserialize<'de> for FamilyBox<str, F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text(PhantomData))
    }
}

/// A boxed path on its way, since `From<&str>` is not ours to write for it.
struct BoxedPath<F: Family>(FamilyBox<Path, F>);

impl<F: Family> From<&str> for BoxedPath<F> {
    fn from(text: &str) -> Self {
        Self(Path::new(text).into())
    }
}

impl<'de, F: Family> Deserialize<'de> for FamilyBox<Path, F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text::<BoxedPath<F>>(PhantomData)).map(|path| path.0)
    }
}

/// Kinds of text whose form only `serde` knows: they pass through the global allocator.
macro_rules! by_way_of {
    ($($text:ty, $owned:ty);* $(;)?) => {$(
        impl<'de, F: Family> Deserialize<'de> for FamilyBox<$text, F> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <$owned>::deserialize(deserializer).map(Self::from)
            }
        }
    )*};
}

by_way_of! {
    OsStr, OsString;
    CStr, CString;
}
