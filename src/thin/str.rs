//! The text: a thin slice of bytes that are UTF-8.

use core::ops::{Deref, DerefMut};
use core::str::{self, Utf8Error};

use super::ThinSlice;
use crate::error::AllocError;
use crate::raw_alloc::RawAlloc;

/// Owned text in a slot of a family. Its length is in the slot too: the handle is one word.
///
/// A family known only at run time ([`AnyFamily`](crate::AnyFamily)) and a region are homes as well; the handle
/// is a word wider with them.
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
pub struct ThinStr<A: RawAlloc> {
    /// UTF-8.
    bytes: ThinSlice<u8, A>,
}

impl<A: RawAlloc + Default> ThinStr<A> {
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
        Self::new_in(A::default())
    }

    /// [`From<&str>`](#impl-From<%26str>-for-ThinStr<A>) that returns an error.
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
        Self::try_from_str_in(text, A::default())
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
    pub unsafe fn from_raw(raw: *mut u8) -> Self {
        // SAFETY: passed on.
        unsafe { Self::from_raw_in(raw, A::default()) }
    }
}

impl<A: RawAlloc> ThinStr<A> {
    /// The empty text, to be replaced by one in a slot of `alloc`. It takes no memory.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region, ThinStr};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// assert_eq!(ThinStr::new_in(frame.allocator()), "");
    /// ```
    #[inline]
    #[must_use]
    pub fn new_in(alloc: A) -> Self {
        Self { bytes: ThinSlice::new_in(alloc) }
    }

    /// Copies text into a slot of `alloc`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region, ThinStr};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// assert_eq!(ThinStr::from_str_in("loop", frame.allocator()), "loop");
    /// ```
    #[must_use]
    pub fn from_str_in(text: &str, alloc: A) -> Self {
        Self { bytes: ThinSlice::copy_of(text.as_bytes(), alloc) }
    }

    /// [`from_str_in`](Self::from_str_in) that returns an error.
    ///
    /// # Errors
    ///
    /// If the allocator has no memory for the text.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, ThinStr};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// assert_eq!(ThinStr::try_from_str_in("loop", lives::Ast)?, "loop");
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_from_str_in(text: &str, alloc: A) -> Result<Self, AllocError> {
        ThinSlice::try_copy_of(text.as_bytes(), alloc).map(|bytes| Self { bytes })
    }

    /// The allocator of the slot: a family's marker, an [`AnyFamily`](crate::AnyFamily), a region.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, AnyFamily, ThinStr};
    /// # #[alloc_family]
    /// # #[derive(Debug)]
    /// # enum Lives { Ast }
    /// let ast = AnyFamily::from(Lives::Ast);
    /// assert_eq!(*ThinStr::allocator(&ThinStr::from_str_in("loop", ast)), ast);
    /// ```
    #[inline]
    #[must_use]
    pub const fn allocator(this: &Self) -> &A {
        ThinSlice::allocator(&this.bytes)
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
    pub fn from_utf8(bytes: ThinSlice<u8, A>) -> Result<Self, (ThinSlice<u8, A>, Utf8Error)> {
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
    pub const unsafe fn from_utf8_unchecked(bytes: ThinSlice<u8, A>) -> Self {
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
    pub fn into_bytes(self) -> ThinSlice<u8, A> {
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

    /// [`into_raw`](Self::into_raw) that returns the allocator, too, for [`from_raw_in`](Self::from_raw_in).
    ///
    /// # Examples
    ///
    /// See [`from_raw_in`](Self::from_raw_in).
    #[inline]
    #[must_use = "the slot leaks unless the pointer is kept"]
    pub fn into_raw_with_allocator(this: Self) -> (*mut u8, A) {
        ThinSlice::into_raw_with_allocator(this.bytes)
    }

    /// [`from_raw`](Self::from_raw) for text in a slot of `alloc`.
    ///
    /// # Safety
    ///
    /// `raw` comes from [`into_raw`](Self::into_raw) of a handle whose allocator was `alloc` (or a copy of it),
    /// and is used once.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region, ThinStr};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let (raw, alloc) =
    ///     ThinStr::into_raw_with_allocator(ThinStr::from_str_in("loop", frame.allocator()));
    /// // SAFETY: as it came, and used once.
    /// assert_eq!(unsafe { ThinStr::from_raw_in(raw, alloc) }, "loop");
    /// ```
    #[inline]
    #[must_use = "dropping the handle frees the slot"]
    pub const unsafe fn from_raw_in(raw: *mut u8, alloc: A) -> Self {
        // SAFETY: passed on.
        Self { bytes: unsafe { ThinSlice::from_raw_in(raw, alloc) } }
    }
}

impl<A: RawAlloc + Default> From<&str> for ThinStr<A> {
    fn from(text: &str) -> Self {
        Self::from_str_in(text, A::default())
    }
}

impl<A: RawAlloc + Default> From<&mut str> for ThinStr<A> {
    fn from(text: &mut str) -> Self {
        Self::from(&*text)
    }
}

impl<A: RawAlloc> From<ThinStr<A>> for ThinSlice<u8, A> {
    fn from(text: ThinStr<A>) -> Self {
        text.bytes
    }
}

impl<A: RawAlloc> Deref for ThinStr<A> {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        // SAFETY: they are UTF-8.
        unsafe { str::from_utf8_unchecked(&self.bytes) }
    }
}

impl<A: RawAlloc> DerefMut for ThinStr<A> {
    #[inline]
    fn deref_mut(&mut self) -> &mut str {
        // SAFETY: they are UTF-8, and whoever changes a `str` keeps it so.
        unsafe { str::from_utf8_unchecked_mut(&mut self.bytes) }
    }
}

impl<A: RawAlloc + Clone> Clone for ThinStr<A> {
    fn clone(&self) -> Self {
        Self::from_str_in(self, Self::allocator(self).clone())
    }
}

impl<A: RawAlloc + Default> Default for ThinStr<A> {
    /// The empty text.
    #[inline]
    fn default() -> Self {
        Self::new()
    }
}
