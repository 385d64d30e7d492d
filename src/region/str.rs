//! Text.

use core::fmt;
use core::ptr::NonNull;

use crate::arena::Arena;
use crate::error::AllocError;
use crate::family_key::FamilyKey;

use super::boxed::boxed;
use super::builder::Builder;
use super::{Kind, Region, RegionBox, failed};

/// Copies text.
fn copied(arena: &Arena, source: &str) -> Result<NonNull<str>, AllocError> {
    let mut bytes = Builder::<u8>::new(arena, source.len(), false)?;
    // SAFETY: there is room for them, and bytes are `Copy`.
    unsafe { bytes.push_copies(source.as_bytes()) };
    Ok(as_text(bytes.finish()))
}

/// The bytes of text, as text.
fn as_text(bytes: NonNull<[u8]>) -> NonNull<str> {
    // SAFETY: the address of a slice is not null.
    unsafe { NonNull::new_unchecked(bytes.as_ptr() as *mut str) }
}

/// Text in the making.
struct Text<'r> {
    bytes: Builder<'r, u8>,
    failure: Option<AllocError>,
}

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        part.bytes().try_for_each(|byte| self.bytes.push(byte)).map_err(|error| {
            self.failure = Some(error);
            fmt::Error
        })
    }
}

impl<F: FamilyKey, K: Kind> Region<F, K> {
    /// Copies text into the region.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let name = frame.alloc_str("name");
    /// name.make_ascii_uppercase();
    /// assert_eq!(name, "NAME");
    /// ```
    #[inline]
    #[expect(clippy::mut_from_ref, reason = "each call lends other memory")]
    pub fn alloc_str(&self, source: &str) -> &mut str {
        match copied(&self.arena, source) {
            // SAFETY: valid text, lent for as long as the region is borrowed, to this caller alone.
            Ok(mut text) => unsafe { text.as_mut() },
            Err(error) => failed(error, core::alloc::Layout::for_value(source)),
        }
    }

    /// [`alloc_str`](Self::alloc_str) that returns an error.
    ///
    /// # Errors
    ///
    /// If the limit of the region or of its family is reached, or no memory is available.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// assert_eq!(frame.try_alloc_str("name")?, "name");
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[inline]
    #[expect(clippy::mut_from_ref, reason = "each call lends other memory")]
    pub fn try_alloc_str(&self, source: &str) -> Result<&mut str, AllocError> {
        // SAFETY: as in `alloc_str`.
        copied(&self.arena, source).map(|mut text| unsafe { text.as_mut() })
    }

    /// Formats text into the region.
    ///
    /// # Panics
    ///
    /// If a `Display` or `Debug` panics, or returns an error.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// assert_eq!(frame.alloc_fmt(format_args!("{} of {:?}", 1, Some(2))), "1 of Some(2)");
    /// ```
    pub fn alloc_fmt(&self, text: fmt::Arguments<'_>) -> &mut str {
        match self.try_alloc_fmt(text) {
            Ok(text) => text,
            Err(error) => failed(error, core::alloc::Layout::new::<u8>()),
        }
    }

    /// [`alloc_fmt`](Self::alloc_fmt) that returns an error.
    ///
    /// # Errors
    ///
    /// As for [`try_alloc_str`](Self::try_alloc_str).
    ///
    /// # Panics
    ///
    /// As for [`alloc_fmt`](Self::alloc_fmt).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::with_limit(64 << 10);
    /// assert!(frame.try_alloc_fmt(format_args!("{:65535}{:65535}", 7, 8)).is_err());
    /// assert_eq!(frame.try_alloc_fmt(format_args!("{:3}", 7))?, "  7");
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[expect(clippy::mut_from_ref, reason = "each call lends other memory")]
    pub fn try_alloc_fmt(&self, text: fmt::Arguments<'_>) -> Result<&mut str, AllocError> {
        let mut made = Text { bytes: Builder::new(&self.arena, 0, false)?, failure: None };
        let written = fmt::Write::write_fmt(&mut made, text);
        if let Some(error) = made.failure {
            return Err(error);
        }
        written.expect("a formatting trait implementation returned an error");
        let mut text = as_text(made.bytes.finish());
        // SAFETY: valid text, as it came in parts of text; lent as in `alloc_str`.
        Ok(unsafe { text.as_mut() })
    }

    /// Copies text into the region. It can be freed before the region.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let name = frame.boxed_str("name");
    /// assert_eq!(&*name, "name");
    /// drop(name);
    /// assert_eq!(frame.usage().live_bytes, 0);
    /// ```
    pub fn boxed_str(&self, source: &str) -> RegionBox<'_, str> {
        match copied(&self.arena, source) {
            Ok(text) => boxed(&self.arena, text),
            Err(error) => failed(error, core::alloc::Layout::for_value(source)),
        }
    }

    /// [`boxed_str`](Self::boxed_str) that returns an error.
    ///
    /// # Errors
    ///
    /// As for [`try_alloc_str`](Self::try_alloc_str).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// assert_eq!(&*frame.try_boxed_str("name")?, "name");
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_boxed_str(&self, source: &str) -> Result<RegionBox<'_, str>, AllocError> {
        copied(&self.arena, source).map(|text| boxed(&self.arena, text))
    }
}
