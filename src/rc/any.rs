//! Back from `dyn Any` to the type that is inside.

use core::any::Any;

use super::Counted;
use super::counter::Counter;
use crate::raw_alloc::RawAlloc;

macro_rules! downcast {
    ($object:ty) => {
        impl<A: RawAlloc, C: Counter> Counted<$object, A, C> {
            /// Downcasts the value.
            ///
            /// # Errors
            ///
            /// Returns the handle if the value is not a `T`.
            ///
            /// # Examples
            ///
            /// ```
            /// # use famalloc::{alloc_family, unsize, FamilyArc};
            /// # use std::any::Any;
            /// # #[alloc_family]
            /// # enum Lives { Ast }
            /// let any = FamilyArc::new_in(7_u32, lives::Ast);
            #[doc = concat!("let any = unsize!(any => ", stringify!($object), ");")]
            /// let any = any.downcast::<String>().unwrap_err();
            /// assert_eq!(*any.downcast::<u32>().unwrap(), 7);
            /// ```
            #[inline]
            pub fn downcast<T: Any>(self) -> Result<Counted<T, A, C>, Self> {
                if (*self).is::<T>() {
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
            /// # use famalloc::{alloc_family, unsize, FamilyRc};
            /// # use std::any::Any;
            /// # #[alloc_family]
            /// # enum Lives { Ast }
            /// let any = FamilyRc::new_in(7_u32, lives::Ast);
            #[doc = concat!("let any = unsize!(any => ", stringify!($object), ");")]
            /// // SAFETY: it was made from one just above.
            /// assert_eq!(*unsafe { any.downcast_unchecked::<u32>() }, 7);
            /// ```
            #[inline]
            #[must_use]
            pub unsafe fn downcast_unchecked<T: Any>(self) -> Counted<T, A, C> {
                debug_assert!((*self).is::<T>(), "the value is of the type that the caller named");
                // SAFETY: the caller vouches for the type.
                unsafe { Self::view_as(self, |value| value.cast::<T>()) }
            }
        }
    };
}

downcast!(dyn Any);
downcast!(dyn Any + Send);
downcast!(dyn Any + Send + Sync);
