//! From pieces of text, and to a box.

use core::ops::{Add, AddAssign};

use super::String;
use crate::boxed::FamilyBox;
use crate::collections::Vec;
use crate::family::Family;

impl<F: Family> From<&str> for String<F> {
    fn from(text: &str) -> Self {
        let mut copy = Self::new();
        copy.push_str(text);
        copy
    }
}

impl<F: Family> From<&mut str> for String<F> {
    fn from(text: &mut str) -> Self {
        Self::from(&*text)
    }
}

impl<F: Family> From<char> for String<F> {
    fn from(character: char) -> Self {
        Self::from(&*character.encode_utf8(&mut [0; 4]))
    }
}

impl<F: Family> From<FamilyBox<str, F>> for String<F> {
    /// Takes over the slot.
    fn from(text: FamilyBox<str, F>) -> Self {
        // SAFETY: the bytes of text are UTF-8.
        unsafe { Self::from_utf8_unchecked(text.into_boxed_bytes().into()) }
    }
}

impl<F: Family> From<String<F>> for FamilyBox<str, F> {
    /// [`into_boxed_str`](String::into_boxed_str).
    fn from(text: String<F>) -> Self {
        text.into_boxed_str()
    }
}

impl<F: Family> From<String<F>> for Vec<u8, F> {
    /// [`into_bytes`](String::into_bytes).
    fn from(text: String<F>) -> Self {
        text.into_bytes()
    }
}

impl<F: Family> Add<&str> for String<F> {
    type Output = Self;

    fn add(mut self, text: &str) -> Self {
        self.push_str(text);
        self
    }
}

impl<F: Family> AddAssign<&str> for String<F> {
    fn add_assign(&mut self, text: &str) {
        self.push_str(text);
    }
}

impl<F: Family> Extend<char> for String<F> {
    fn extend<I: IntoIterator<Item = char>>(&mut self, characters: I) {
        let characters = characters.into_iter();
        self.reserve(characters.size_hint().0);
        characters.for_each(|character| self.push(character));
    }
}

impl<'a, F: Family> Extend<&'a char> for String<F> {
    fn extend<I: IntoIterator<Item = &'a char>>(&mut self, characters: I) {
        self.extend(characters.into_iter().copied());
    }
}

impl<'a, F: Family> Extend<&'a str> for String<F> {
    fn extend<I: IntoIterator<Item = &'a str>>(&mut self, pieces: I) {
        pieces.into_iter().for_each(|piece| self.push_str(piece));
    }
}

impl<F: Family, G: Family> Extend<String<G>> for String<F> {
    fn extend<I: IntoIterator<Item = String<G>>>(&mut self, pieces: I) {
        pieces.into_iter().for_each(|piece| self.push_str(&piece));
    }
}

/// Collects everything by which it can be extended.
macro_rules! collect {
    ($([$($generics:tt)*] $piece:ty),* $(,)?) => {$(
        impl<$($generics)* F: Family> FromIterator<$piece> for String<F> {
            fn from_iter<I: IntoIterator<Item = $piece>>(pieces: I) -> Self {
                let mut text = Self::new();
                text.extend(pieces);
                text
            }
        }
    )*};
}

collect!([] char, ['a,] &'a char, ['a,] &'a str, [G: Family,] String<G>);
