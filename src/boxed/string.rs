//! Text from and to the owners of the standard library: `String`, `Box<str>`, `Cow<str>`.

use std::borrow::Cow;

use super::FamilyBox;
use crate::raw_alloc::RawAlloc;

impl<A: RawAlloc> FamilyBox<str, A> {
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

impl<A: RawAlloc + Default> From<String> for FamilyBox<str, A> {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl<A: RawAlloc + Default> From<Cow<'_, str>> for FamilyBox<str, A> {
    fn from(text: Cow<'_, str>) -> Self {
        Self::from(&*text)
    }
}

impl<A: RawAlloc> From<FamilyBox<str, A>> for String {
    fn from(text: FamilyBox<str, A>) -> Self {
        text.into_string()
    }
}

impl<A: RawAlloc> Extend<FamilyBox<str, A>> for String {
    fn extend<I: IntoIterator<Item = FamilyBox<str, A>>>(&mut self, texts: I) {
        texts.into_iter().for_each(|text| self.push_str(&text));
    }
}

impl<A: RawAlloc> FromIterator<FamilyBox<str, A>> for String {
    fn from_iter<I: IntoIterator<Item = FamilyBox<str, A>>>(texts: I) -> Self {
        let mut whole = Self::new();
        whole.extend(texts);
        whole
    }
}

/// Collects pieces of text, through a `String`.
macro_rules! collect_text {
    ($([$($generics:tt)*] $piece:ty),* $(,)?) => {$(
        impl<$($generics)* A: RawAlloc + Default> FromIterator<$piece> for FamilyBox<str, A> {
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
    [G: RawAlloc,] FamilyBox<str, G>,
}
