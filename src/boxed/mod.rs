//! `FamilyBox`: a `Box` that lives in a family.
mod any;
mod builder;
mod clone;
mod compare;
mod convert;
mod default;
mod error;
mod fmt;
mod forward;
mod into_iter;
mod io;
mod new;
mod once;
mod platform_str;
mod raw;
mod slice;
mod str;
mod unsize;
mod value;

use core::alloc::Layout;
use core::borrow::{Borrow, BorrowMut};
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::{self, NonNull};

pub use self::into_iter::IntoIter;
pub use self::once::CallOnce;
#[doc(hidden)]
pub use self::unsize::{__coercion, __unsize};
use self::raw::Slot;
use crate::{Family, FamilyOf};

/// An owning pointer to a value in a slot of family `F`, which is the family of its type unless it
/// is named.
pub struct FamilyBox<T: ?Sized, F: Family = FamilyOf<T>> {
    value: NonNull<T>,
    owns: PhantomData<T>,
    family: PhantomData<fn() -> F>,
}

// SAFETY: the handle owns its value and nothing else; slots may be freed by any thread (I4).
unsafe impl<T: ?Sized + Send, F: Family> Send for FamilyBox<T, F> {}

// SAFETY: a shared handle gives shared access to the value and nothing else.
unsafe impl<T: ?Sized + Sync, F: Family> Sync for FamilyBox<T, F> {}

impl<T: ?Sized, F: Family> Unpin for FamilyBox<T, F> {}

impl<T: ?Sized + UnwindSafe, F: Family> UnwindSafe for FamilyBox<T, F> {}

impl<T: ?Sized + RefUnwindSafe, F: Family> RefUnwindSafe for FamilyBox<T, F> {}

impl<T: ?Sized, F: Family> Drop for FamilyBox<T, F> {
    /// Drops the value, then frees its slot; the latter also when the value's destructor panics.
    #[inline]
    fn drop(&mut self) {
        let layout = Layout::for_value::<T>(self);
        // SAFETY: B2. The guard is dropped after the value is, or while its panic unwinds.
        let _slot = unsafe { Slot::<F>::own(self.value.cast(), layout) };
        // SAFETY: B1, and this is the last use of the value.
        unsafe { ptr::drop_in_place(self.value.as_ptr()) };
    }
}

impl<T: ?Sized, F: Family> Deref for FamilyBox<T, F> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: B1, and the value is shared as long as the handle is.
        unsafe { self.value.as_ref() }
    }
}

impl<T: ?Sized, F: Family> DerefMut for FamilyBox<T, F> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: B1, and the value is borrowed with the handle, its only owner (B2).
        unsafe { self.value.as_mut() }
    }
}

impl<T: ?Sized, F: Family> AsRef<T> for FamilyBox<T, F> {
    #[inline]
    fn as_ref(&self) -> &T {
        self
    }
}

impl<T: ?Sized, F: Family> AsMut<T> for FamilyBox<T, F> {
    #[inline]
    fn as_mut(&mut self) -> &mut T {
        self
    }
}

impl<T: ?Sized, F: Family> Borrow<T> for FamilyBox<T, F> {
    #[inline]
    fn borrow(&self) -> &T {
        self
    }
}

impl<T: ?Sized, F: Family> BorrowMut<T> for FamilyBox<T, F> {
    #[inline]
    fn borrow_mut(&mut self) -> &mut T {
        self
    }
}
