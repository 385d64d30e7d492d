//! [`String`]: text that grows, in a family.
//!
//! A thin face of a [`Vec<u8, F>`](super::Vec) that keeps the bytes UTF-8. No crate has one that takes
//! an allocator on the stable compiler, and the standard library's takes none at all.

mod compare;
mod convert;
#[cfg(feature = "std")]
mod std_types;

use core::borrow::{Borrow, BorrowMut};
use core::fmt;
use core::ops::{Deref, DerefMut, RangeBounds};
use core::str::{self, Utf8Error};

use super::Vec;
use crate::{AllocError, Family, FamilyBox};

/// Growing text whose bytes are in a slot of family `F`.
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
    /// Empty text; nothing is allocated.
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// Empty text with room for `capacity` bytes.
    ///
    /// # Panics
    ///
    /// Panics when that is more than `isize::MAX`.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity) }
    }

    /// Takes bytes for text, without a copy.
    ///
    /// # Errors
    ///
    /// Gives the bytes back, and what is wrong with them, when they are not UTF-8.
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

    /// Takes bytes for text without a look at them.
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

    /// The text as a box, in a slot of exactly its length.
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

    /// The text, to change it in place.
    #[inline]
    #[must_use]
    pub fn as_mut_str(&mut self) -> &mut str {
        // SAFETY: the bytes are UTF-8, and a `&mut str` keeps them so.
        unsafe { str::from_utf8_unchecked_mut(&mut self.bytes) }
    }

    /// How many bytes there is room for.
    #[inline]
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Makes room for at least `additional` more bytes.
    ///
    /// # Panics
    ///
    /// Panics when the text would exceed `isize::MAX` bytes.
    pub fn reserve(&mut self, additional: usize) {
        self.bytes.reserve(additional);
    }

    /// [`reserve`](Self::reserve) that returns an error; the text is then as it was.
    ///
    /// # Errors
    ///
    /// The text would exceed `isize::MAX` bytes, the family's limit is reached, or its page source has
    /// no more memory.
    pub fn try_reserve(&mut self, additional: usize) -> Result<(), AllocError> {
        self.bytes.try_reserve(additional)
    }

    /// Gives up room that is not needed.
    pub fn shrink_to_fit(&mut self) {
        self.bytes.shrink_to_fit();
    }

    /// Adds text at the end.
    ///
    /// # Panics
    ///
    /// As for [`reserve`](Self::reserve).
    #[inline]
    pub fn push_str(&mut self, text: &str) {
        self.bytes.extend_from_copied(text.as_bytes());
    }

    /// Adds a character at the end.
    ///
    /// # Panics
    ///
    /// As for [`reserve`](Self::reserve).
    #[inline]
    pub fn push(&mut self, character: char) {
        self.push_str(character.encode_utf8(&mut [0; 4]));
    }

    /// Takes the last character out.
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

    /// Puts text at byte `index`, and moves what is behind.
    ///
    /// # Panics
    ///
    /// Panics when that is not on the boundary of a character, and as [`reserve`](Self::reserve) does.
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

    /// Puts a character at byte `index`, and moves what is behind.
    ///
    /// # Panics
    ///
    /// As for [`insert_str`](Self::insert_str).
    pub fn insert(&mut self, index: usize, character: char) {
        self.insert_str(index, character.encode_utf8(&mut [0; 4]));
    }

    /// Takes the character at byte `index` out.
    ///
    /// # Panics
    ///
    /// Panics when there is none, or `index` is inside one.
    pub fn remove(&mut self, index: usize) -> char {
        let Some(character) = self[index..].chars().next() else {
            panic!("there is no character at the end of the text")
        };
        drop(self.bytes.drain(index..index + character.len_utf8()));
        character
    }

    /// Takes out the bytes of a range, which has to start and end with characters.
    ///
    /// # Panics
    ///
    /// Panics when an end of the range is inside a character, or outside the text.
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

    /// Drops all but the first `len` bytes, if there are more.
    ///
    /// # Panics
    ///
    /// Panics when the cut would be inside a character.
    pub fn truncate(&mut self, len: usize) {
        if len < self.len() {
            assert!(self.is_char_boundary(len), "byte index {len} is inside a character");
            self.bytes.truncate(len);
        }
    }

    /// Drops all text. The room stays.
    #[inline]
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Keeps the characters for which `keep` says yes.
    ///
    /// They are put together anew, so that the text is as it was when `keep` panics.
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

    /// Takes the text from byte `at` on out, as a text of its own.
    ///
    /// # Panics
    ///
    /// Panics when that is not on the boundary of a character.
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

    /// Keeps the room.
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
    /// Fails where there is no memory.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.try_reserve(text.len()).map_err(|_| fmt::Error)?;
        self.push_str(text);
        Ok(())
    }
}
