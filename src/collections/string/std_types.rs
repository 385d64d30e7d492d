//! Between a [`String`] and the text of the standard library.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::Path;
use std::string::String as StdString;

use super::String;
use crate::family::Family;

impl<F: Family> From<StdString> for String<F> {
    fn from(text: StdString) -> Self {
        Self::from(text.as_str())
    }
}

impl<F: Family> From<&StdString> for String<F> {
    fn from(text: &StdString) -> Self {
        Self::from(text.as_str())
    }
}

impl<F: Family> From<Cow<'_, str>> for String<F> {
    fn from(text: Cow<'_, str>) -> Self {
        Self::from(&*text)
    }
}

impl<F: Family> From<String<F>> for StdString {
    /// Copies the text to the global allocator and frees the slot.
    fn from(text: String<F>) -> Self {
        Self::from(text.as_str())
    }
}

impl<F: Family> PartialEq<StdString> for String<F> {
    fn eq(&self, other: &StdString) -> bool {
        **self == **other
    }
}

impl<F: Family> PartialEq<String<F>> for StdString {
    fn eq(&self, other: &String<F>) -> bool {
        **self == **other
    }
}

impl<F: Family> Extend<StdString> for String<F> {
    fn extend<I: IntoIterator<Item = StdString>>(&mut self, pieces: I) {
        pieces.into_iter().for_each(|piece| self.push_str(&piece));
    }
}

impl<F: Family> FromIterator<StdString> for String<F> {
    fn from_iter<I: IntoIterator<Item = StdString>>(pieces: I) -> Self {
        let mut text = Self::new();
        text.extend(pieces);
        text
    }
}

impl<F: Family> AsRef<OsStr> for String<F> {
    fn as_ref(&self) -> &OsStr {
        self.as_str().as_ref()
    }
}

impl<F: Family> AsRef<Path> for String<F> {
    fn as_ref(&self) -> &Path {
        self.as_str().as_ref()
    }
}
