//! The platform's kinds of text: boxes of `Path`, `CStr`, `OsStr`.

use core::marker::PhantomData;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::path::Path;

use serde_core::{Deserialize, Deserializer};

use super::text::Text;
use crate::boxed::FamilyBox;
use crate::raw_alloc::RawAlloc;

/// A boxed path on its way, since `From<&str>` is not ours to write for it.
struct BoxedPath<A: RawAlloc>(FamilyBox<Path, A>);

impl<A: RawAlloc + Default> From<&str> for BoxedPath<A> {
    fn from(text: &str) -> Self {
        Self(Path::new(text).into())
    }
}

impl<'de, A: RawAlloc + Default> Deserialize<'de> for FamilyBox<Path, A> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text::<BoxedPath<A>>(PhantomData)).map(|path| path.0)
    }
}

/// Kinds of text whose form only `serde` knows: they pass through the global allocator.
macro_rules! by_way_of {
    ($($text:ty, $owned:ty);* $(;)?) => {$(
        impl<'de, A: RawAlloc + Default> Deserialize<'de> for FamilyBox<$text, A> {
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
