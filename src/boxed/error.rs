//! Errors: a box of an error is one, and `?` turns any error into a boxed one.

use core::error::Error;
use core::fmt;

use super::FamilyBox;
use crate::raw_alloc::RawAlloc;

impl<E: Error, A: RawAlloc> Error for FamilyBox<E, A> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        (**self).source()
    }
}

/// An error that has only a message, in the family of its box.
struct Message<A: RawAlloc>(FamilyBox<str, A>);

impl<A: RawAlloc> fmt::Debug for Message<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<A: RawAlloc> fmt::Display for Message<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl<A: RawAlloc> Error for Message<A> {}

/// A kind of boxed error: what it is made from.
macro_rules! boxed_error {
    ($error:ty, $($bound:tt)*) => {
        impl<'a, E: Error $($bound)* + 'a, A: RawAlloc + Default> From<E> for FamilyBox<$error, A> {
            /// Puts the error into the family, so that `?` works in functions that return this.
            fn from(error: E) -> Self {
                // SAFETY: the value is the same; this is the compiler's own unsizing coercion.
                unsafe { FamilyBox::view_as(FamilyBox::<E, _>::new_in(error, A::default()), |error| error as *mut _) }
            }
        }

        impl<'a, A: RawAlloc + Default $($bound)* + 'a> FamilyBox<$error, A> {
            /// An error that consists of a message. What `From<&str>` and `From<String>` are to a
            /// `Box`.
            ///
            /// # Examples
            ///
            /// ```
            /// # use famalloc::{alloc_family, FamilyBox};
            /// # use std::error::Error;
            /// # #[alloc_family]
            /// # enum Lives { Request }
            #[doc = concat!(
                "type Failure = FamilyBox<", stringify!(dyn Error $($bound)*), ", lives::Request>;"
            )]
            ///
            /// fn parse(text: &str) -> Result<u8, Failure> {
            ///     if text.is_empty() {
            ///         return Err(Failure::from_message("nothing to parse"));
            ///     }
            ///     Ok(text.parse()?)
            /// }
            ///
            /// assert_eq!(parse("").unwrap_err().to_string(), "nothing to parse");
            /// assert!(parse("x").unwrap_err().is::<std::num::ParseIntError>());
            /// ```
            #[must_use]
            pub fn from_message(text: &str) -> Self {
                Self::from(Message::<A>(text.into()))
            }
        }
    };
}

boxed_error!(dyn Error + 'a,);
boxed_error!(dyn Error + Send + Sync + 'a, + Send + Sync);
