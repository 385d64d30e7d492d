//! Back from `dyn Any` and `dyn Error` to the type that is inside.

use core::any::Any;
use core::error::Error;

use super::FamilyBox;
use crate::raw_alloc::RawAlloc;

macro_rules! downcast {
    ($kind:ident: $object:ty) => {
        impl<A: RawAlloc> FamilyBox<$object, A> {
            /// Downcasts the value, in the same slot.
            ///
            /// # Errors
            ///
            /// Returns the box if the value is not a `T`.
            ///
            /// # Examples
            ///
            /// ```
            /// # use famalloc::{alloc_family, unsize, FamilyBox};
            /// # use std::{any::Any, error::Error, fmt};
            /// # #[alloc_family]
            /// # enum Lives { Ast }
            /// # type Fault = fmt::Error;
            /// let boxed = FamilyBox::new_in(Fault::default(), lives::Ast);
            #[doc = concat!("let boxed = unsize!(boxed => ", stringify!($object), ");")]
            /// let boxed = boxed.downcast::<std::num::ParseIntError>().unwrap_err();
            /// let boxed: FamilyBox<Fault, lives::Ast> = boxed.downcast().unwrap();
            /// ```
            #[inline]
            pub fn downcast<T: $kind + 'static>(self) -> Result<FamilyBox<T, A>, Self> {
                if self.is::<T>() {
                    // SAFETY: just asked.
                    Ok(unsafe { self.downcast_unchecked() })
                } else {
                    Err(self)
                }
            }

            /// Downcasts the value to a `T` without a check.
            ///
            /// # Safety
            ///
            /// It is a `T`.
            ///
            /// # Examples
            ///
            /// ```
            /// # use famalloc::{alloc_family, unsize, FamilyBox};
            /// # use std::{any::Any, error::Error, fmt};
            /// # #[alloc_family]
            /// # enum Lives { Ast }
            /// # type Fault = fmt::Error;
            /// let boxed = FamilyBox::new_in(Fault::default(), lives::Ast);
            #[doc = concat!("let boxed = unsize!(boxed => ", stringify!($object), ");")]
            /// // SAFETY: it was made from one just above.
            /// let boxed: FamilyBox<Fault, lives::Ast> = unsafe { boxed.downcast_unchecked() };
            /// ```
            #[inline]
            #[must_use]
            pub unsafe fn downcast_unchecked<T: $kind + 'static>(self) -> FamilyBox<T, A> {
                debug_assert!(self.is::<T>(), "the value is of the type that the caller named");
                // SAFETY: the caller vouches for the type.
                unsafe { Self::view_as(self, |value| value.cast::<T>()) }
            }
        }
    };
}

downcast!(Any: dyn Any);
downcast!(Any: dyn Any + Send);
downcast!(Any: dyn Any + Send + Sync);
downcast!(Error: dyn Error);
downcast!(Error: dyn Error + Send);
downcast!(Error: dyn Error + Send + Sync);
