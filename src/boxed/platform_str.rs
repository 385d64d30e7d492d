//! The platform's kinds of text: `Path`, `OsStr`, and `CStr`.
//!
//! All three are bytes behind a length and nothing else, so a copy is a copy of the bytes.

use core::alloc::Layout;
use std::borrow::Cow;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::path::{Path, PathBuf};

use super::FamilyBox;
use super::raw::{copy_of, failed};
use crate::raw_alloc::RawAlloc;

/// The conversions that the three have in common.
/// Implemented for the texts below.
trait Text {}

/// A copy of text, which is nothing but bytes.
fn copy_in<T: ?Sized + Text, A: RawAlloc>(text: &T, alloc: A) -> FamilyBox<T, A> {
    // SAFETY: the text is nothing but bytes.
    unsafe { copy_of(text, alloc) }.unwrap_or_else(|error| failed(error, Layout::for_value(text)))
}

macro_rules! platform_text {
    ($text:ty, $owned:ty, $into:ident, $sample:literal) => {
        impl Text for $text {}

        impl<A: RawAlloc> FamilyBox<$text, A> {
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

        impl<A: RawAlloc + Default> From<&$text> for FamilyBox<$text, A> {
            fn from(text: &$text) -> Self {
                copy_in(text, A::default())
            }
        }

        impl<A: RawAlloc + Default> From<&mut $text> for FamilyBox<$text, A> {
            fn from(text: &mut $text) -> Self {
                Self::from(&*text)
            }
        }

        impl<A: RawAlloc + Default> From<$owned> for FamilyBox<$text, A> {
            fn from(text: $owned) -> Self {
                Self::from(&*text)
            }
        }

        impl<A: RawAlloc + Default> From<Cow<'_, $text>> for FamilyBox<$text, A> {
            fn from(text: Cow<'_, $text>) -> Self {
                Self::from(&*text)
            }
        }

        impl<A: RawAlloc> From<FamilyBox<$text, A>> for $owned {
            fn from(text: FamilyBox<$text, A>) -> Self {
                text.$into()
            }
        }

        impl<A: RawAlloc + Clone> Clone for FamilyBox<$text, A> {
            fn clone(&self) -> Self {
                copy_in(self, self.alloc.clone())
            }
        }
    };
}

platform_text!(Path, PathBuf, into_path_buf, "Path::new(\"a/b\")");
platform_text!(OsStr, OsString, into_os_string, "OsStr::new(\"name\")");
platform_text!(CStr, CString, into_c_string, "c\"name\"");

impl<A: RawAlloc + Default> Default for FamilyBox<OsStr, A> {
    /// The empty text, without a slot.
    fn default() -> Self {
        Self::from(OsStr::new(""))
    }
}

impl<A: RawAlloc + Default> Default for FamilyBox<CStr, A> {
    /// The empty text: a slot for the terminating zero.
    fn default() -> Self {
        Self::from(c"")
    }
}
