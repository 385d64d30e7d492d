//! From pieces of text, and to a box.

use core::ops::{Add, AddAssign};

use super::String;
use crate::boxed::FamilyBox;
use crate::collections::Vec;
use crate::raw_alloc::RawAlloc;

impl<A: RawAlloc + Default> From<&str> for String<A> {
    fn from(text: &str) -> Self {
        Self::from_str_in(text, A::default())
    }
}

impl<A: RawAlloc + Default> From<&mut str> for String<A> {
    fn from(text: &mut str) -> Self {
        Self::from(&*text)
    }
}

impl<A: RawAlloc + Default> From<char> for String<A> {
    fn from(character: char) -> Self {
        Self::from(&*character.encode_utf8(&mut [0; 4]))
    }
}

impl<A: RawAlloc> From<FamilyBox<str, A>> for String<A> {
    /// Takes over the slot.
    fn from(text: FamilyBox<str, A>) -> Self {
        // SAFETY: the bytes of text are UTF-8.
        unsafe { Self::from_utf8_unchecked(text.into_boxed_bytes().into()) }
    }
}

impl<A: RawAlloc> From<String<A>> for FamilyBox<str, A> {
    /// [`into_boxed_str`](String::into_boxed_str).
    fn from(text: String<A>) -> Self {
        text.into_boxed_str()
    }
}

impl<A: RawAlloc> From<String<A>> for Vec<u8, A> {
    /// [`into_bytes`](String::into_bytes).
    fn from(text: String<A>) -> Self {
        text.into_bytes()
    }
}

impl<A: RawAlloc> Add<&str> for String<A> {
    type Output = Self;

    fn add(mut self, text: &str) -> Self {
        self.push_str(text);
        self
    }
}

impl<A: RawAlloc> AddAssign<&str> for String<A> {
    fn add_assign(&mut self, text: &str) {
        self.push_str(text);
    }
}

impl<A: RawAlloc> Extend<char> for String<A> {
    fn extend<I: IntoIterator<Item = char>>(&mut self, characters: I) {
        let characters = characters.into_iter();
        self.reserve(characters.size_hint().0);
        characters.for_each(|character| self.push(character));
    }
}

impl<'a, A: RawAlloc> Extend<&'a char> for String<A> {
    fn extend<I: IntoIterator<Item = &'a char>>(&mut self, characters: I) {
        self.extend(characters.into_iter().copied());
    }
}

impl<'a, A: RawAlloc> Extend<&'a str> for String<A> {
    fn extend<I: IntoIterator<Item = &'a str>>(&mut self, pieces: I) {
        pieces.into_iter().for_each(|piece| self.push_str(piece));
    }
}

impl<A: RawAlloc, B: RawAlloc> Extend<String<B>> for String<A> {
    fn extend<I: IntoIterator<Item = String<B>>>(&mut self, pieces: I) {
        pieces.into_iter().for_each(|piece| self.push_str(&piece));
    }
}

/// Collects everything by which it can be extended.
macro_rules! collect {
    ($([$($generics:tt)*] $piece:ty),* $(,)?) => {$(
        impl<$($generics)* A: RawAlloc + Default> FromIterator<$piece> for String<A> {
            fn from_iter<I: IntoIterator<Item = $piece>>(pieces: I) -> Self {
                let mut text = Self::default();
                text.extend(pieces);
                text
            }
        }
    )*};
}

collect!([] char, ['a,] &'a char, ['a,] &'a str, [B: RawAlloc,] String<B>);
