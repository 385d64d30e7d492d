//! The platform's kinds of text: `Path`, `OsStr`, and `CStr`.
//!
//! All three are bytes behind a length and nothing else, so a copy is a copy of the bytes.

use std::borrow::Cow;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::path::{Path, PathBuf};

use super::FamilyBox;
use super::raw::copy_of;
use crate::family::Family;

/// The conversions that the three have in common.
macro_rules! platform_text {
    ($text:ty, $owned:ty, $into:ident, $sample:literal) => {
        impl<F: Family> FamilyBox<$text, F> {
            #[doc = concat!(
                "The text as a `", stringify!($owned),
                "`: it moves to the global allocator, and the slot is freed."
            )]
            ///
            /// # Examples
            ///
            /// ```
            /// # use famalloc::{alloc_family, FamilyBox};
            /// # use std::{ffi::{CStr, OsStr}, path::Path};
            /// # #[alloc_family]
            /// # enum Lives { Config }
            #[doc = concat!("let text: &", stringify!($text), " = ", $sample, ";")]
            #[doc = concat!("let boxed = FamilyBox::<", stringify!($text), ", lives::Config>::from(text);")]
            #[doc = concat!("assert_eq!(boxed.", stringify!($into), "(), text.to_owned());")]
            /// ```
            #[must_use]
            pub fn $into(self) -> $owned {
                (*self).to_owned()
            }
        }

        impl<F: Family> From<&$text> for FamilyBox<$text, F> {
            fn from(text: &$text) -> Self {
                // SAFETY: the text is nothing but bytes.
                unsafe { copy_of(text) }
            }
        }

        impl<F: Family> From<&mut $text> for FamilyBox<$text, F> {
            fn from(text: &mut $text) -> Self {
                Self::from(&*text)
            }
        }

        impl<F: Family> From<$owned> for FamilyBox<$text, F> {
            fn from(text: $owned) -> Self {
                Self::from(&*text)
            }
        }

        impl<F: Family> From<Cow<'_, $text>> for FamilyBox<$text, F> {
            fn from(text: Cow<'_, $text>) -> Self {
                Self::from(&*text)
            }
        }

        impl<F: Family> From<FamilyBox<$text, F>> for $owned {
            fn from(text: FamilyBox<$text, F>) -> Self {
                text.$into()
            }
        }

        impl<F: Family> Clone for FamilyBox<$text, F> {
            fn clone(&self) -> Self {
                Self::from(&**self)
            }
        }
    };
}

platform_text!(Path, PathBuf, into_path_buf, "Path::new(\"a/b\")");
platform_text!(OsStr, OsString, into_os_string, "OsStr::new(\"name\")");
platform_text!(CStr, CString, into_c_string, "c\"name\"");

impl<F: Family> Default for FamilyBox<OsStr, F> {
    /// The empty text, without a slot.
    fn default() -> Self {
        Self::from(OsStr::new(""))
    }
}

impl<F: Family> Default for FamilyBox<CStr, F> {
    /// The empty text: a slot for the terminating zero.
    fn default() -> Self {
        Self::from(c"")
    }
}
