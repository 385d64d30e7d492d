//! Text: `FamilyBox<str, F>`, and its bytes.

use core::alloc::Layout;
use core::str::{self, Utf8Error};

use super::FamilyBox;
use super::raw::{copy_of, failed};
use crate::error::AllocError;
use crate::raw_alloc::RawAlloc;

impl<A: RawAlloc + Default> FamilyBox<str, A> {
    /// Copies text, or returns an error.
    ///
    /// # Errors
    ///
    /// If the limit of the family is reached, or its page source has no memory left.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let name = FamilyBox::<str, lives::Ast>::try_from_str("Ada")?;
    /// assert_eq!(&*name, "Ada");
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_from_str(text: &str) -> Result<Self, AllocError> {
        Self::try_from_str_in(text, A::default())
    }
}

impl<A: RawAlloc> FamilyBox<str, A> {
    /// Copies text into a slot of `alloc`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let name = FamilyBox::<str, _>::from_str_in("Ada", frame.allocator());
    /// assert_eq!(&*name, "Ada");
    /// ```
    #[must_use]
    pub fn from_str_in(text: &str, alloc: A) -> Self {
        match Self::try_from_str_in(text, alloc) {
            Ok(text) => text,
            Err(error) => failed(error, Layout::for_value(text)),
        }
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
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let name = FamilyBox::<str, _>::try_from_str_in("Ada", lives::Ast)?;
    /// assert_eq!(&*name, "Ada");
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_from_str_in(text: &str, alloc: A) -> Result<Self, AllocError> {
        // SAFETY: text is nothing but bytes.
        unsafe { copy_of(text, alloc) }
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
    pub fn from_utf8(bytes: FamilyBox<[u8], A>) -> Result<Self, (FamilyBox<[u8], A>, Utf8Error)> {
        match str::from_utf8(&bytes) {
            // SAFETY: just checked.
            Ok(_) => Ok(unsafe { Self::from_utf8_unchecked(bytes) }),
            Err(error) => Err((bytes, error)),
        }
    }

    /// Converts bytes to text without a check, like `std::str::from_boxed_utf8_unchecked` for a `Box`.
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
    pub unsafe fn from_utf8_unchecked(bytes: FamilyBox<[u8], A>) -> Self {
        // SAFETY: text is laid out like its bytes, and the caller vouches for these.
        unsafe { FamilyBox::view_as(bytes, |bytes| bytes as *mut str) }
    }

    /// The bytes of the text, in the same slot, like `str::into_boxed_bytes` of a `Box`.
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
    pub fn into_boxed_bytes(self) -> FamilyBox<[u8], A> {
        // SAFETY: text is laid out like its bytes.
        unsafe { Self::view_as(self, |text| text as *mut [u8]) }
    }
}

impl<A: RawAlloc + Default> From<&str> for FamilyBox<str, A> {
    fn from(text: &str) -> Self {
        Self::from_str_in(text, A::default())
    }
}

impl<A: RawAlloc + Default> From<&mut str> for FamilyBox<str, A> {
    fn from(text: &mut str) -> Self {
        Self::from(&*text)
    }
}

impl<A: RawAlloc> From<FamilyBox<str, A>> for FamilyBox<[u8], A> {
    #[inline]
    fn from(text: FamilyBox<str, A>) -> Self {
        text.into_boxed_bytes()
    }
}
