//! Errors: a box of an error is one, and `?` turns any error into a boxed one.

use core::error::Error;
use core::fmt;

use super::FamilyBox;
use crate::family::Family;

impl<E: Error, F: Family> Error for FamilyBox<E, F> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        (**self).source()
    }
}

/// An error that has only a message, in the family of its box.
struct Message<F: Family>(FamilyBox<str, F>);

impl<F: Family> fmt::Debug for Message<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<F: Family> fmt::Display for Message<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl<F: Family> Error for Message<F> {}

/// A kind of boxed error: what it is made from.
macro_rules! boxed_error {
    ($error:ty, $($bound:tt)*) => {
        impl<'a, E: Error $($bound)* + 'a, F: Family> From<E> for FamilyBox<$error, F> {
            /// Puts the error into the family, so that `?` works in functions that return this.
            fn from(error: E) -> Self {
                // SAFETY: the value is the same; this is the compiler's own unsizing coercion.
                unsafe { FamilyBox::view_as(FamilyBox::<E, _>::new_in(error, F::default()), |error| error as *mut _) }
            }
        }

        impl<'a, F: Family> FamilyBox<$error, F> {
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
                Self::from(Message::<F>(text.into()))
            }
        }
    };
}

boxed_error!(dyn Error + 'a,);
boxed_error!(dyn Error + Send + Sync + 'a, + Send + Sync);
