//! Text: `FamilyBox<str, F>`, its bytes, and what it is made from.

use std::borrow::Cow;
use std::str::{self, Utf8Error};

use super::FamilyBox;
use super::raw::copy_of;
use crate::Family;

impl<F: Family> FamilyBox<str, F> {
    /// Takes bytes for text, in the same slot.
    ///
    /// # Errors
    ///
    /// Gives the bytes back, and what is wrong with them, when they are not UTF-8.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Interned }
    /// let bytes = FamilyBox::<[u8], lives::Interned>::from(*b"loop");
    /// let text = FamilyBox::from_utf8(bytes).unwrap();
    /// assert_eq!(&*text, "loop");
    ///
    /// let bytes = FamilyBox::<[u8], lives::Interned>::from([b'x', 0xff]);
    /// let (bytes, error) = FamilyBox::from_utf8(bytes).unwrap_err();
    /// assert_eq!((bytes.len(), error.valid_up_to()), (2, 1));
    /// ```
    pub fn from_utf8(bytes: FamilyBox<[u8], F>) -> Result<Self, (FamilyBox<[u8], F>, Utf8Error)> {
        match str::from_utf8(&bytes) {
            // SAFETY: just checked.
            Ok(_) => Ok(unsafe { Self::from_utf8_unchecked(bytes) }),
            Err(error) => Err((bytes, error)),
        }
    }

    /// Takes bytes for text without a look at them. What `std::str::from_boxed_utf8_unchecked` is
    /// to a `Box`.
    ///
    /// # Safety
    ///
    /// They are UTF-8.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Interned }
    /// let bytes = FamilyBox::<[u8], lives::Interned>::from(*b"loop");
    /// // SAFETY: the bytes are ASCII.
    /// let text = unsafe { FamilyBox::from_utf8_unchecked(bytes) };
    /// assert_eq!(&*text, "loop");
    /// ```
    #[inline]
    #[must_use]
    pub unsafe fn from_utf8_unchecked(bytes: FamilyBox<[u8], F>) -> Self {
        // SAFETY: text is laid out like its bytes, and the caller vouches for these.
        unsafe { FamilyBox::view_as(bytes, |bytes| bytes as *mut str) }
    }

    /// The bytes of the text, in the same slot. What `str::into_boxed_bytes` is to a `Box`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Interned }
    /// let text = FamilyBox::<str, lives::Interned>::from("loop");
    /// assert_eq!(*text.into_boxed_bytes(), *b"loop");
    /// ```
    #[inline]
    #[must_use]
    pub fn into_boxed_bytes(self) -> FamilyBox<[u8], F> {
        // SAFETY: text is laid out like its bytes.
        unsafe { Self::view_as(self, |text| text as *mut [u8]) }
    }

    /// The text as a `String`: it moves to the global allocator, and the slot is freed.
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

impl<F: Family> From<&str> for FamilyBox<str, F> {
    fn from(text: &str) -> Self {
        // SAFETY: text is nothing but bytes.
        unsafe { copy_of(text) }
    }
}

impl<F: Family> From<&mut str> for FamilyBox<str, F> {
    fn from(text: &mut str) -> Self {
        Self::from(&*text)
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

impl<F: Family> From<FamilyBox<str, F>> for FamilyBox<[u8], F> {
    #[inline]
    fn from(text: FamilyBox<str, F>) -> Self {
        text.into_boxed_bytes()
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

/// Collects pieces of text, by way of a `String`.
macro_rules! collect_text {
    ($([$($generics:tt)*] $piece:ty),* $(,)?) => {$(
        impl<$($generics)* F: Family> FromIterator<$piece> for FamilyBox<str, F> {
            /// Collects by way of a `String`, since the length is not known before the end.
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
