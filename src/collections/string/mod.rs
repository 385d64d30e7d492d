//! [`String`]: a growable string in a family.
//!
//! A wrapper of a [`Vec<u8, A>`](super::Vec) that keeps the bytes UTF-8.
//!
//! As of 2026-11-30 no well-kept crate has a string with an allocator on the stable compiler: `allocator-api2`
//! 0.4.0 has none, nor has the standard library on nightly, and `string-alloc` is at 0.0.3.

mod convert;
#[cfg(feature = "std")]
mod std_types;

use core::fmt;
use core::ops::RangeBounds;
use core::str::{self, Utf8Error};

use super::Vec;
use super::like_its_target::like_its_target;
use crate::boxed::FamilyBox;
use crate::error::AllocError;
use crate::family::Family;
use crate::raw_alloc::RawAlloc;

/// A growable string whose bytes are in a slot of allocator `A`: a family, or a region.
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
pub struct String<A: RawAlloc> {
    /// UTF-8.
    bytes: Vec<u8, A>,
}

impl<F: Family> String<F> {
    /// An empty string in a family; nothing is allocated.
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }
}

impl<A: RawAlloc + Default> String<A> {
    /// An empty string with capacity for `capacity` bytes.
    ///
    /// # Panics
    ///
    /// If that is more than `isize::MAX`.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self::with_capacity_in(capacity, A::default())
    }

    /// [`with_capacity`](Self::with_capacity) that returns an error.
    ///
    /// # Errors
    ///
    /// As for [`try_reserve`](Self::try_reserve).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::String};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// assert!(String::<lives::Frame>::try_with_capacity(9)?.capacity() >= 9);
    /// assert!(String::<lives::Frame>::try_with_capacity(usize::MAX).is_err());
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_with_capacity(capacity: usize) -> Result<Self, AllocError> {
        Self::try_with_capacity_in(capacity, A::default())
    }

    /// Copies text, or returns an error.
    ///
    /// # Errors
    ///
    /// If the limit of the family is reached, or its page source has no memory left.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::String};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let name = String::<lives::Ast>::try_from_str("Ada")?;
    /// assert_eq!(&*name, "Ada");
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_from_str(text: &str) -> Result<Self, AllocError> {
        Self::try_from_str_in(text, A::default())
    }
}

impl<A: RawAlloc> String<A> {
    /// An empty string in any allocator; nothing is allocated.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::String, Region};
    /// # #[alloc_family]
    /// # enum Lives { Request }
    /// let request = Region::<lives::Request>::new();
    /// let mut line = String::new_in(request.allocator());
    /// line.push_str("GET /");
    /// assert!(request.usage().live_bytes >= 5);
    /// ```
    #[inline]
    #[must_use]
    pub const fn new_in(alloc: A) -> Self {
        Self { bytes: Vec::new_in(alloc) }
    }

    /// An empty string with capacity for `capacity` bytes, in any allocator.
    ///
    /// # Panics
    ///
    /// If that is more than `isize::MAX`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::String};
    /// # #[alloc_family]
    /// # enum Lives { Request }
    /// assert!(String::with_capacity_in(9, lives::Request).capacity() >= 9);
    /// ```
    #[must_use]
    pub fn with_capacity_in(capacity: usize, alloc: A) -> Self {
        Self { bytes: Vec::with_capacity_in(capacity, alloc) }
    }

    /// [`with_capacity_in`](Self::with_capacity_in) that returns an error.
    ///
    /// # Errors
    ///
    /// As for [`try_reserve`](Self::try_reserve).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::String};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let made = String::try_with_capacity_in(9, lives::Frame)?;
    /// assert!(made.capacity() >= 9 && made.is_empty());
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_with_capacity_in(capacity: usize, alloc: A) -> Result<Self, AllocError> {
        Vec::try_with_capacity_in(capacity, alloc).map(|bytes| Self { bytes })
    }

    /// A copy of text, in any allocator.
    ///
    /// # Panics
    ///
    /// As for [`reserve`](Self::reserve).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::String, AnyFamily};
    /// # #[alloc_family]
    /// # enum Lives { Request }
    /// let name = String::from_str_in("Ada", AnyFamily::from(Lives::Request));
    /// assert_eq!(name, "Ada");
    /// ```
    #[must_use]
    pub fn from_str_in(text: &str, alloc: A) -> Self {
        Self { bytes: Vec::from_slice_in(text.as_bytes(), alloc) }
    }

    /// [`from_str_in`](Self::from_str_in) that returns an error.
    ///
    /// # Errors
    ///
    /// As for [`try_reserve`](Self::try_reserve).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::String};
    /// # #[alloc_family]
    /// # enum Lives { Request }
    /// assert_eq!(String::try_from_str_in("Ada", lives::Request)?, "Ada");
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_from_str_in(text: &str, alloc: A) -> Result<Self, AllocError> {
        Vec::try_from_slice_in(text.as_bytes(), alloc).map(|bytes| Self { bytes })
    }

    /// The allocator: a family's marker, an [`AnyFamily`](crate::AnyFamily), a region.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::String, Region};
    /// # #[alloc_family]
    /// # enum Lives { Request }
    /// let request = Region::<lives::Request>::new();
    /// let line = String::from_str_in("GET", request.allocator());
    /// let beside = String::from_str_in("/", *line.allocator());
    /// assert!(beside < line);
    /// ```
    #[inline]
    #[must_use]
    pub const fn allocator(&self) -> &A {
        self.bytes.allocator()
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
    pub fn from_utf8(bytes: Vec<u8, A>) -> Result<Self, (Vec<u8, A>, Utf8Error)> {
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
    pub const unsafe fn from_utf8_unchecked(bytes: Vec<u8, A>) -> Self {
        Self { bytes }
    }

    /// The bytes of the text, in the same slot.
    #[inline]
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8, A> {
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
    pub fn into_boxed_str(self) -> FamilyBox<str, A> {
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
    pub fn retain(&mut self, mut keep: impl FnMut(char) -> bool)
    where
        A: Clone,
    {
        let mut kept = Self::new_in(self.allocator().clone());
        kept.extend(self.chars().filter(|&character| keep(character)));
        *self = kept;
    }

    /// Splits off the text from byte `at` on and returns it.
    ///
    /// # Panics
    ///
    /// If `at` is not on the boundary of a character.
    #[must_use = "use `truncate` to drop the text"]
    pub fn split_off(&mut self, at: usize) -> Self
    where
        A: Clone,
    {
        assert!(
            self.is_char_boundary(at),
            "byte index {at} is inside a character or out of bounds"
        );
        Self { bytes: self.bytes.split_off(at) }
    }
}

like_its_target!([A: RawAlloc] String<A>, => str: as_str, as_mut_str);

/// Equality with other text, both ways around.
macro_rules! equal_to {
    ($([$($generics:tt)*] $this:ty, $other:ty);* $(;)?) => {$(
        impl<$($generics)*> PartialEq<$other> for $this {
            #[inline]
            fn eq(&self, other: &$other) -> bool {
                self[..] == other[..]
            }
        }
    )*};
}

equal_to! {
    [A: RawAlloc, B: RawAlloc] String<A>, String<B>;
    [A: RawAlloc] String<A>, str;
    [A: RawAlloc] String<A>, &str;
    [A: RawAlloc] str, String<A>;
    [A: RawAlloc] &str, String<A>;
}

#[cfg(feature = "std")]
equal_to! {
    [A: RawAlloc] String<A>, std::string::String;
    [A: RawAlloc] std::string::String, String<A>;
}

impl<A: RawAlloc> AsRef<[u8]> for String<A> {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl<A: RawAlloc + Default> Default for String<A> {
    #[inline]
    fn default() -> Self {
        Self::new_in(A::default())
    }
}

impl<A: RawAlloc + Clone> Clone for String<A> {
    fn clone(&self) -> Self {
        Self::from_str_in(self, self.allocator().clone())
    }

    /// Keeps the capacity and the allocator.
    fn clone_from(&mut self, source: &Self) {
        self.clear();
        self.push_str(source);
    }
}

impl<A: RawAlloc> fmt::Display for String<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<A: RawAlloc> fmt::Write for String<A> {
    /// Fails if no memory is available.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.try_reserve(text.len()).map_err(|_| fmt::Error)?;
        self.push_str(text);
        Ok(())
    }
}
