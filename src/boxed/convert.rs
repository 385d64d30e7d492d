//! From and to other owners: `Box`, `Cow`, `Rc`, `Arc`.

use core::alloc::Layout;
use core::ptr::NonNull;
use std::alloc::{alloc, dealloc, handle_alloc_error};
use std::borrow::Cow;
use std::ffi::{CStr, OsStr};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use super::FamilyBox;
use super::raw::{Slot, failed, with_address_of};
use crate::error::AllocError;
use crate::raw_alloc::RawAlloc;

impl<T: ?Sized, A: RawAlloc> FamilyBox<T, A> {
    /// Moves a value out of its `Box` into the family, whatever its size, and frees the `Box`.
    ///
    /// For types with a size `FamilyBox::from(boxed)` does the same.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Task }
    /// let boxed: Box<dyn Fn(i32) -> i32> = Box::new(|x| x + 1);
    /// let boxed: FamilyBox<dyn Fn(i32) -> i32, lives::Task> = FamilyBox::from_box(boxed);
    /// assert_eq!(boxed(1), 2);
    /// ```
    #[must_use]
    pub fn from_box(boxed: Box<T>) -> Self
    where
        A: Default,
    {
        Self::from_box_in(boxed, A::default())
    }

    /// [`from_box`](Self::from_box) into a slot of `alloc`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let shown: Box<dyn std::fmt::Display> = Box::new(7);
    /// assert_eq!(FamilyBox::from_box_in(shown, frame.allocator()).to_string(), "7");
    /// ```
    #[must_use]
    pub fn from_box_in(boxed: Box<T>, alloc: A) -> Self {
        let layout = Layout::for_value::<T>(&boxed);
        Self::try_from_box_in(boxed, alloc).unwrap_or_else(|(_, error)| failed(error, layout))
    }

    /// [`from_box`](Self::from_box) that returns an error, and the `Box` with it.
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
    /// # enum Lives { Task }
    /// let shown: Box<dyn std::fmt::Display> = Box::new(7);
    /// let shown = match FamilyBox::<_, lives::Task>::try_from_box(shown) {
    ///     Ok(moved) => moved.to_string(),
    ///     Err((shown, error)) => format!("{shown}, in its box: {error}"),
    /// };
    /// assert_eq!(shown, "7");
    /// ```
    pub fn try_from_box(boxed: Box<T>) -> Result<Self, (Box<T>, AllocError)>
    where
        A: Default,
    {
        Self::try_from_box_in(boxed, A::default())
    }

    /// [`from_box_in`](Self::from_box_in) that returns an error, and the `Box` with it.
    ///
    /// # Errors
    ///
    /// If the allocator has no memory for the value.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives {
    /// #     #[family(limit = "1 MiB")]
    /// #     Task,
    /// # }
    /// let large: Box<[u8]> = vec![7; 2 << 20].into();
    /// let (large, _) = FamilyBox::try_from_box_in(large, lives::Task).unwrap_err();
    /// assert_eq!(large.len(), 2 << 20);
    /// ```
    pub fn try_from_box_in(boxed: Box<T>, alloc: A) -> Result<Self, (Box<T>, AllocError)> {
        let layout = Layout::for_value::<T>(&boxed);
        let slot = match Slot::<A, _>::allocate(layout, &alloc) {
            Ok(slot) => slot,
            Err(error) => return Err((boxed, error)),
        };
        let source = Box::into_raw(boxed);
        // SAFETY: both are `layout.size()` bytes long, and the slot is new, so they do not overlap.
        unsafe { source.cast::<u8>().copy_to_nonoverlapping(slot.start().as_ptr(), layout.size()) };
        if layout.size() != 0 {
            // SAFETY: a `Box` of a value with a size has a piece of the global allocator with its
            // layout, and the value has moved out of it.
            unsafe { dealloc(source.cast(), layout) };
        }
        let value = with_address_of(source, slot.keep());
        // SAFETY: the value moved into a slot of its layout.
        Ok(unsafe { Self::from_raw_in(value, alloc) })
    }

    /// Moves the value into a `Box`, whatever its size, and frees the slot.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Task }
    /// let boxed = FamilyBox::new_in(7, lives::Task);
    /// let boxed: Box<i32> = FamilyBox::into_box(boxed);
    /// assert_eq!(*boxed, 7);
    /// ```
    #[must_use]
    pub fn into_box(this: Self) -> Box<T> {
        let layout = Layout::for_value::<T>(&this);
        let target = if layout.size() == 0 {
            this.value.cast::<u8>()
        } else {
            // SAFETY: the layout has a size.
            let target = unsafe { alloc(layout) };
            NonNull::new(target).unwrap_or_else(|| handle_alloc_error(layout))
        };
        if layout.size() != 0 {
            // SAFETY: both are `layout.size()` bytes long and from different allocators.
            unsafe { target.copy_from_nonoverlapping(this.value.cast(), layout.size()) };
        }
        let value = with_address_of(this.value.as_ptr(), target);
        drop(Self::into_slot(this));
        // SAFETY: the value moved into a piece of the global allocator with its layout, or has no
        // size and an address that is aligned for it.
        unsafe { Box::from_raw(value) }
    }
}

impl<T, A: RawAlloc + Default> From<Box<T>> for FamilyBox<T, A> {
    /// [`from_box`](FamilyBox::from_box).
    fn from(boxed: Box<T>) -> Self {
        Self::from_box(boxed)
    }
}

/// A `Box` that moves into the family, for types without a size, and the way back.
///
/// `From<Box<T>>` for all of them at once would collide with `From<E: Error>`.
macro_rules! from_and_into_box {
    ($([$($generics:tt)*] $value:ty),* $(,)?) => {$(
        impl<$($generics)* A: RawAlloc + Default> From<Box<$value>> for FamilyBox<$value, A> {
            /// [`from_box`](FamilyBox::from_box).
            fn from(boxed: Box<$value>) -> Self {
                Self::from_box(boxed)
            }
        }

        impl<$($generics)* A: RawAlloc> From<FamilyBox<$value, A>> for Box<$value> {
            /// [`into_box`](FamilyBox::into_box).
            fn from(boxed: FamilyBox<$value, A>) -> Self {
                FamilyBox::into_box(boxed)
            }
        }
    )*};
}

from_and_into_box!([T,] [T], [] str, [] CStr, [] OsStr, [] Path);

impl<T: Clone, A: RawAlloc + Default> From<Cow<'_, [T]>> for FamilyBox<[T], A> {
    fn from(elements: Cow<'_, [T]>) -> Self {
        match elements {
            Cow::Borrowed(elements) => Self::from(elements),
            Cow::Owned(elements) => Self::from(elements),
        }
    }
}

impl<T: ?Sized, A: RawAlloc> From<FamilyBox<T, A>> for Rc<T> {
    /// Moves the value to the global allocator, through a `Box`.
    fn from(boxed: FamilyBox<T, A>) -> Self {
        FamilyBox::into_box(boxed).into()
    }
}

impl<T: ?Sized, A: RawAlloc> From<FamilyBox<T, A>> for Arc<T> {
    /// Moves the value to the global allocator, through a `Box`.
    fn from(boxed: FamilyBox<T, A>) -> Self {
        FamilyBox::into_box(boxed).into()
    }
}
