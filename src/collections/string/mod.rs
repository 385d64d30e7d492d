//! [`String`]: a growable string in a family.
//!
//! A wrapper of a [`Vec<u8, F>`](super::Vec) that keeps the bytes UTF-8. No crate has a string with an
//! allocator on the stable compiler, and the standard library's has none at all.

mod compare;
mod convert;
#[cfg(feature = "std")]
mod std_types;

use core::borrow::{Borrow, BorrowMut};
use core::fmt;
use core::ops::{Deref, DerefMut, RangeBounds};
use core::str::{self, Utf8Error};

use super::Vec;
use crate::boxed::FamilyBox;
use crate::error::AllocError;
use crate::family::Family;

/// A growable string whose bytes are in a slot of family `F`.
///
/// # Examples
///
/// ```
/// use core::fmt::Write;
/// use famalloc::{alloc_family, collections::String};
///
/// #[alloc_family]
/// enum Lives {
///     Request,
/// }
///
/// let mut line = String::<lives::Request>::from("GET ");
/// line.push_str("/index");
/// write!(line, "?page={}", 7)?;
/// assert_eq!(line, "GET /index?page=7");
/// # Ok::<(), core::fmt::Error>(())
/// ```
pub struct String<F: Family> {
    /// UTF-8.
    bytes: Vec<u8, F>,
}

impl<F: Family> String<F> {
    /// An empty string; nothing is allocated.
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// An empty string with capacity for `capacity` bytes.
    ///
    /// # Panics
    ///
    /// If that is more than `isize::MAX`.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity) }
    }

    /// Converts bytes to text, without a copy.
    ///
    /// # Errors
    ///
    /// Returns the bytes, and the position of the error, if they are not UTF-8.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::{String, Vec}};
    /// # #[alloc_family]
    /// # enum Lives { Request }
    /// let bytes: Vec<u8, lives::Request> = Vec::from(*b"ok");
    /// assert_eq!(String::from_utf8(bytes).unwrap(), "ok");
    ///
    /// let bytes: Vec<u8, lives::Request> = Vec::from([b'x', 0xff]);
    /// let (bytes, error) = String::from_utf8(bytes).unwrap_err();
    /// assert_eq!((bytes.len(), error.valid_up_to()), (2, 1));
    /// ```
    pub fn from_utf8(bytes: Vec<u8, F>) -> Result<Self, (Vec<u8, F>, Utf8Error)> {
        match str::from_utf8(&bytes) {
            Ok(_) => Ok(Self { bytes }),
            Err(error) => Err((bytes, error)),
        }
    }

    /// Converts bytes to text without a check.
    ///
    /// # Safety
    ///
    /// They are UTF-8.
    #[inline]
    #[must_use]
    pub const unsafe fn from_utf8_unchecked(bytes: Vec<u8, F>) -> Self {
        Self { bytes }
    }

    /// The bytes of the text, in the same slot.
    #[inline]
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8, F> {
        self.bytes
    }

    /// Converts the text to a box, in a slot of exactly its length.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::String, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Request }
    /// let text = String::<lives::Request>::from("ok");
    /// let boxed: FamilyBox<str, lives::Request> = text.into_boxed_str();
    /// assert_eq!(&*boxed, "ok");
    /// ```
    #[must_use]
    pub fn into_boxed_str(self) -> FamilyBox<str, F> {
        // SAFETY: the bytes are UTF-8.
        unsafe { FamilyBox::from_utf8_unchecked(self.bytes.into_boxed_slice()) }
    }

    /// The text.
    #[inline]
    #[must_use]
    pub fn as_str(&self) -> &str {
        // SAFETY: the bytes are UTF-8.
        unsafe { str::from_utf8_unchecked(&self.bytes) }
    }

    /// The text, mutably.
    #[inline]
    #[must_use]
    pub fn as_mut_str(&mut self) -> &mut str {
        // SAFETY: the bytes are UTF-8, and a `&mut str` keeps them so.
        unsafe { str::from_utf8_unchecked_mut(&mut self.bytes) }
    }

    /// The capacity in bytes.
    #[inline]
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Reserves capacity for at least `additional` more bytes.
    ///
    /// # Panics
    ///
    /// If the text would exceed `isize::MAX` bytes.
    pub fn reserve(&mut self, additional: usize) {
        self.bytes.reserve(additional);
    }

    /// [`reserve`](Self::reserve) that returns an error; the text is then unchanged.
    ///
    /// # Errors
    ///
    /// If the text would exceed `isize::MAX` bytes, the limit of the family is reached, or its page source
    /// has no memory left.
    pub fn try_reserve(&mut self, additional: usize) -> Result<(), AllocError> {
        self.bytes.try_reserve(additional)
    }

    /// Shrinks the capacity to the length.
    pub fn shrink_to_fit(&mut self) {
        self.bytes.shrink_to_fit();
    }

    /// Appends text.
    ///
    /// # Panics
    ///
    /// As for [`reserve`](Self::reserve).
    #[inline]
    pub fn push_str(&mut self, text: &str) {
        self.bytes.extend_from_copied(text.as_bytes());
    }

    /// Appends a character.
    ///
    /// # Panics
    ///
    /// As for [`reserve`](Self::reserve).
    #[inline]
    pub fn push(&mut self, character: char) {
        self.push_str(character.encode_utf8(&mut [0; 4]));
    }

    /// Removes and returns the last character.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::String};
    /// # #[alloc_family]
    /// # enum Lives { Request }
    /// let mut text = String::<lives::Request>::from("aé");
    /// assert_eq!((text.pop(), text.pop(), text.pop()), (Some('é'), Some('a'), None));
    /// ```
    pub fn pop(&mut self) -> Option<char> {
        let last = self.chars().next_back()?;
        self.bytes.truncate(self.bytes.len() - last.len_utf8());
        Some(last)
    }

    /// Inserts text at byte `index`, and moves the text after it.
    ///
    /// # Panics
    ///
    /// If `index` is not on the boundary of a character, and like [`reserve`](Self::reserve).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::String};
    /// # #[alloc_family]
    /// # enum Lives { Request }
    /// let mut text = String::<lives::Request>::from("né");
    /// text.insert_str(1, "ou");
    /// text.insert(0, '¿');
    /// assert_eq!(text, "¿noué");
    /// assert_eq!(text.remove(0), '¿');
    /// text.truncate(3);
    /// assert_eq!(text, "nou");
    /// ```
    pub fn insert_str(&mut self, index: usize, text: &str) {
        assert!(
            self.is_char_boundary(index),
            "byte index {index} is inside a character or out of bounds"
        );
        self.bytes.extend_from_copied(text.as_bytes());
        self.bytes[index..].rotate_right(text.len());
    }

    /// Inserts a character at byte `index`, and moves the text after it.
    ///
    /// # Panics
    ///
    /// As for [`insert_str`](Self::insert_str).
    pub fn insert(&mut self, index: usize, character: char) {
        self.insert_str(index, character.encode_utf8(&mut [0; 4]));
    }

    /// Removes and returns the character at byte `index`.
    ///
    /// # Panics
    ///
    /// If there is none, or `index` is inside a character.
    pub fn remove(&mut self, index: usize) -> char {
        let Some(character) = self[index..].chars().next() else {
            panic!("there is no character at the end of the text")
        };
        drop(self.bytes.drain(index..index + character.len_utf8()));
        character
    }

    /// Removes the bytes of a range, which must start and end on boundaries of characters.
    ///
    /// # Panics
    ///
    /// If an end of the range is inside a character, or outside of the text.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::String};
    /// # #[alloc_family]
    /// # enum Lives { Request }
    /// let mut text = String::<lives::Request>::from("key=value");
    /// text.remove_range(..4);
    /// assert_eq!(text, "value");
    /// ```
    pub fn remove_range(&mut self, range: impl RangeBounds<usize>) {
        let range = (range.start_bound().cloned(), range.end_bound().cloned());
        // Panics where the ends are not where they should be.
        let _: &str = &self[range];
        drop(self.bytes.drain(range));
    }

    /// Removes all but the first `len` bytes, if there are more.
    ///
    /// # Panics
    ///
    /// If `len` is inside a character.
    pub fn truncate(&mut self, len: usize) {
        if len < self.len() {
            assert!(self.is_char_boundary(len), "byte index {len} is inside a character");
            self.bytes.truncate(len);
        }
    }

    /// Removes all text. Keeps the capacity.
    #[inline]
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Keeps only the characters for which `keep` returns `true`.
    ///
    /// The result is built anew, so the text is unchanged if `keep` panics.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::String};
    /// # #[alloc_family]
    /// # enum Lives { Request }
    /// let mut text = String::<lives::Request>::from("1_000_000");
    /// text.retain(|character| character != '_');
    /// assert_eq!(text, "1000000");
    /// ```
    pub fn retain(&mut self, mut keep: impl FnMut(char) -> bool) {
        *self = self.chars().filter(|&character| keep(character)).collect();
    }

    /// Splits off the text from byte `at` on and returns it.
    ///
    /// # Panics
    ///
    /// If `at` is not on the boundary of a character.
    #[must_use = "use `truncate` to drop the text"]
    pub fn split_off(&mut self, at: usize) -> Self {
        assert!(
            self.is_char_boundary(at),
            "byte index {at} is inside a character or out of bounds"
        );
        Self { bytes: self.bytes.split_off(at) }
    }
}

impl<F: Family> Deref for String<F> {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl<F: Family> DerefMut for String<F> {
    #[inline]
    fn deref_mut(&mut self) -> &mut str {
        self.as_mut_str()
    }
}

impl<F: Family> AsRef<str> for String<F> {
    #[inline]
    fn as_ref(&self) -> &str {
        self
    }
}

impl<F: Family> AsRef<[u8]> for String<F> {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl<F: Family> AsMut<str> for String<F> {
    #[inline]
    fn as_mut(&mut self) -> &mut str {
        self
    }
}

impl<F: Family> Borrow<str> for String<F> {
    #[inline]
    fn borrow(&self) -> &str {
        self
    }
}

impl<F: Family> BorrowMut<str> for String<F> {
    #[inline]
    fn borrow_mut(&mut self) -> &mut str {
        self
    }
}

impl<F: Family> Default for String<F> {
    #[inline]
    fn default() -> Self {
        Self::new()
    }
}

impl<F: Family> Clone for String<F> {
    fn clone(&self) -> Self {
        Self::from(self.as_str())
    }

    /// Keeps the capacity.
    fn clone_from(&mut self, source: &Self) {
        self.clear();
        self.push_str(source);
    }
}

impl<F: Family> fmt::Debug for String<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<F: Family> fmt::Display for String<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<F: Family> fmt::Write for String<F> {
    /// Fails if no memory is available.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.try_reserve(text.len()).map_err(|_| fmt::Error)?;
        self.push_str(text);
        Ok(())
    }
}
