//! Text from and to the owners of the standard library: `String`, `Box<str>`, `Cow<str>`.

use std::borrow::Cow;

use super::FamilyBox;
use crate::family::Family;

impl<F: Family> FamilyBox<str, F> {
    /// Moves the text to a `String` in the global allocator, and frees the slot.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Interned }
    /// let text = FamilyBox::<str, lives::Interned>::from("loop");
    /// assert_eq!(text.into_string() + "s", "loops");
    /// ```
    #[must_use]
    pub fn into_string(self) -> String {
        String::from(&*self)
    }
}

impl<F: Family> From<String> for FamilyBox<str, F> {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl<F: Family> From<Cow<'_, str>> for FamilyBox<str, F> {
    fn from(text: Cow<'_, str>) -> Self {
        Self::from(&*text)
    }
}

impl<F: Family> From<FamilyBox<str, F>> for String {
    fn from(text: FamilyBox<str, F>) -> Self {
        text.into_string()
    }
}

impl<F: Family> Extend<FamilyBox<str, F>> for String {
    fn extend<I: IntoIterator<Item = FamilyBox<str, F>>>(&mut self, texts: I) {
        texts.into_iter().for_each(|text| self.push_str(&text));
    }
}

impl<F: Family> FromIterator<FamilyBox<str, F>> for String {
    fn from_iter<I: IntoIterator<Item = FamilyBox<str, F>>>(texts: I) -> Self {
        let mut whole = Self::new();
        whole.extend(texts);
        whole
    }
}

/// Collects pieces of text, through a `String`.
macro_rules! collect_text {
    ($([$($generics:tt)*] $piece:ty),* $(,)?) => {$(
        impl<$($generics)* F: Family> FromIterator<$piece> for FamilyBox<str, F> {
            /// Collects through a `String`, since the length is not known before the end.
            fn from_iter<I: IntoIterator<Item = $piece>>(pieces: I) -> Self {
                Self::from(String::from_iter(pieces))
            }
        }
    )*};
}

collect_text! {
    [] char,
    ['a,] &'a char,
    ['a,] &'a str,
    [] String,
    [] Box<str>,
    ['a,] Cow<'a, str>,
    [G: Family,] FamilyBox<str, G>,
}
