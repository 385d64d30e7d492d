//! The text: a thin slice of bytes that are UTF-8.

use core::borrow::Borrow;
use core::fmt;
use core::ops::{Deref, DerefMut};
use core::str::{self, Utf8Error};

use super::ThinSlice;
use crate::error::AllocError;
use crate::family::Family;

/// Owned text in a slot of family `F`. Its length is in the slot too: the handle is one word.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, ThinStr};
/// use std::collections::HashMap;
///
/// #[alloc_family]
/// enum Lives { Interned }
///
/// type Name = ThinStr<lives::Interned>;
///
/// let mut arity = HashMap::<Name, u32>::new();
/// arity.insert("print".into(), 1);
/// assert_eq!(arity["print"], 1);
/// assert_eq!(size_of::<Option<Name>>(), size_of::<usize>());
/// ```
pub struct ThinStr<F: Family> {
    /// UTF-8.
    bytes: ThinSlice<u8, F>,
}

impl<F: Family> ThinStr<F> {
    /// The empty text. It takes no memory.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, ThinStr};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// assert_eq!(ThinStr::<lives::Ast>::new(), "");
    /// ```
    #[inline]
    #[must_use]
    pub fn new() -> Self {
        Self { bytes: ThinSlice::new() }
    }

    /// [`From<&str>`](#impl-From<%26str>-for-ThinStr<F>) that returns an error.
    ///
    /// # Errors
    ///
    /// If the limit of the family is reached, or its page source has no memory left.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, ThinStr};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// assert_eq!(ThinStr::<lives::Ast>::try_from_str("loop")?, "loop");
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_from_str(text: &str) -> Result<Self, AllocError> {
        ThinSlice::try_copy_of(text.as_bytes()).map(|bytes| Self { bytes })
    }

    /// Converts bytes to text, in the same slot.
    ///
    /// # Errors
    ///
    /// Returns the bytes, and the position of the error, if they are not UTF-8.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, ThinSlice, ThinStr};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let bytes = ThinSlice::<u8, lives::Ast>::from(*b"loop");
    /// assert_eq!(ThinStr::from_utf8(bytes).unwrap(), "loop");
    /// let bytes = ThinSlice::<u8, lives::Ast>::from([b'x', 0xff]);
    /// let (bytes, error) = ThinStr::from_utf8(bytes).unwrap_err();
    /// assert_eq!((bytes.len(), error.valid_up_to()), (2, 1));
    /// ```
    pub fn from_utf8(bytes: ThinSlice<u8, F>) -> Result<Self, (ThinSlice<u8, F>, Utf8Error)> {
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
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, ThinSlice, ThinStr};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let bytes = ThinSlice::<u8, lives::Ast>::from(*b"loop");
    /// // SAFETY: the bytes are ASCII.
    /// assert_eq!(unsafe { ThinStr::from_utf8_unchecked(bytes) }, "loop");
    /// ```
    #[inline]
    #[must_use]
    pub const unsafe fn from_utf8_unchecked(bytes: ThinSlice<u8, F>) -> Self {
        Self { bytes }
    }

    /// The bytes of the text, in the same slot.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, ThinStr};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// assert_eq!(ThinStr::<lives::Ast>::from("loop").into_bytes(), *b"loop");
    /// ```
    #[inline]
    #[must_use]
    pub fn into_bytes(self) -> ThinSlice<u8, F> {
        self.bytes
    }

    /// Gives up the handle and returns the address of the text. Nothing is freed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, ThinStr};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let raw = ThinStr::into_raw(ThinStr::<lives::Ast>::from("loop"));
    /// // SAFETY: it comes from `into_raw` of the same type, and is used once.
    /// assert_eq!(unsafe { ThinStr::<lives::Ast>::from_raw(raw) }, "loop");
    /// ```
    #[inline]
    #[must_use = "the slot leaks unless the pointer is kept"]
    pub fn into_raw(this: Self) -> *mut u8 {
        ThinSlice::into_raw(this.bytes)
    }

    /// Takes ownership of the text at `raw`.
    ///
    /// # Safety
    ///
    /// `raw` comes from [`into_raw`](Self::into_raw) of the same type, and is used once.
    ///
    /// # Examples
    ///
    /// See [`into_raw`](Self::into_raw).
    #[inline]
    #[must_use = "dropping the handle frees the slot"]
    pub const unsafe fn from_raw(raw: *mut u8) -> Self {
        // SAFETY: passed on.
        Self { bytes: unsafe { ThinSlice::from_raw(raw) } }
    }
}

impl<F: Family> From<&str> for ThinStr<F> {
    fn from(text: &str) -> Self {
        Self { bytes: ThinSlice::copy_of(text.as_bytes()) }
    }
}

impl<F: Family> From<&mut str> for ThinStr<F> {
    fn from(text: &mut str) -> Self {
        Self::from(&*text)
    }
}

impl<F: Family> From<ThinStr<F>> for ThinSlice<u8, F> {
    fn from(text: ThinStr<F>) -> Self {
        text.bytes
    }
}

impl<F: Family> Deref for ThinStr<F> {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        // SAFETY: they are UTF-8.
        unsafe { str::from_utf8_unchecked(&self.bytes) }
    }
}

impl<F: Family> DerefMut for ThinStr<F> {
    #[inline]
    fn deref_mut(&mut self) -> &mut str {
        // SAFETY: they are UTF-8, and whoever changes a `str` keeps it so.
        unsafe { str::from_utf8_unchecked_mut(&mut self.bytes) }
    }
}

impl<F: Family> AsRef<str> for ThinStr<F> {
    #[inline]
    fn as_ref(&self) -> &str {
        self
    }
}

impl<F: Family> AsRef<[u8]> for ThinStr<F> {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl<F: Family> Borrow<str> for ThinStr<F> {
    #[inline]
    fn borrow(&self) -> &str {
        self
    }
}

impl<F: Family> Clone for ThinStr<F> {
    fn clone(&self) -> Self {
        Self::from(&**self)
    }
}

impl<F: Family> Default for ThinStr<F> {
    /// The empty text.
    #[inline]
    fn default() -> Self {
        Self::new()
    }
}

impl<F: Family> fmt::Debug for ThinStr<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<F: Family> fmt::Display for ThinStr<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
