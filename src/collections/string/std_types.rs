//! Between a [`String`] and the text of the standard library.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::Path;
use std::string::String as StdString;

use super::String;
use crate::raw_alloc::RawAlloc;

impl<A: RawAlloc + Default> From<StdString> for String<A> {
    fn from(text: StdString) -> Self {
        Self::from(text.as_str())
    }
}

impl<A: RawAlloc + Default> From<&StdString> for String<A> {
    fn from(text: &StdString) -> Self {
        Self::from(text.as_str())
    }
}

impl<A: RawAlloc + Default> From<Cow<'_, str>> for String<A> {
    fn from(text: Cow<'_, str>) -> Self {
        Self::from(&*text)
    }
}

impl<A: RawAlloc> From<String<A>> for StdString {
    /// Copies the text to the global allocator and frees the slot.
    fn from(text: String<A>) -> Self {
        Self::from(text.as_str())
    }
}

impl<A: RawAlloc> Extend<StdString> for String<A> {
    fn extend<I: IntoIterator<Item = StdString>>(&mut self, pieces: I) {
        pieces.into_iter().for_each(|piece| self.push_str(&piece));
    }
}

impl<A: RawAlloc + Default> FromIterator<StdString> for String<A> {
    fn from_iter<I: IntoIterator<Item = StdString>>(pieces: I) -> Self {
        let mut text = Self::default();
        text.extend(pieces);
        text
    }
}

impl<A: RawAlloc> AsRef<OsStr> for String<A> {
    fn as_ref(&self) -> &OsStr {
        self.as_str().as_ref()
    }
}

impl<A: RawAlloc> AsRef<Path> for String<A> {
    fn as_ref(&self) -> &Path {
        self.as_str().as_ref()
    }
}
