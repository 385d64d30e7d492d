//! Allocating a box for one value.
//!
//! Each call whose argument tells the type has two forms: the plain one puts the value into the family of
//! its type, the one ending in `_in` into the family that is named. Calls without such an
//! argument are always written with a type, and the type names the family, so they have one form:
//!
//! | written | family |
//! |---|---|
//! | `FamilyBox::new(node)` | that of `Node` |
//! | `FamilyBox::new_in(7, lives::Ast)` | `lives::Ast` |
//! | `FamilyBox::<Node>::new_uninit()` | that of `Node` |
//! | `FamilyBox::<u32, lives::Ast>::new_uninit()` | `lives::Ast` |

use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::pin::Pin;

use super::FamilyBox;
use super::raw::failed;
use crate::error::AllocError;
use crate::family::InFamily;
use crate::raw_alloc::RawAlloc;

impl<T: InFamily> FamilyBox<T> {
    /// Allocates a value in the family of its type.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// #[alloc_family(Lives::Ast)]
    /// struct Node(u32);
    ///
    /// let node = FamilyBox::new(Node(7));
    /// assert_eq!(node.0, 7);
    /// ```
    #[inline]
    #[must_use]
    pub fn new(value: T) -> Self {
        Self::new_in(value, T::Family::default())
    }

    /// [`new`](Self::new) that returns an error; then the value is dropped.
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
    /// # #[alloc_family(Lives::Ast)]
    /// # struct Node(u32);
    /// let node = FamilyBox::try_new(Node(7))?;
    /// assert_eq!(node.0, 7);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[inline]
    pub fn try_new(value: T) -> Result<Self, AllocError> {
        Self::try_new_in(value, T::Family::default())
    }

    /// Allocates a slot first and then calls `make` for the value.
    ///
    /// If `make` panics the slot is freed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// # #[alloc_family(Lives::Ast)]
    /// # struct Node(u32);
    /// let node = FamilyBox::new_with(|| Node(7));
    /// assert_eq!(node.0, 7);
    /// ```
    #[inline]
    #[must_use]
    pub fn new_with(make: impl FnOnce() -> T) -> Self {
        Self::new_with_in(make, T::Family::default())
    }

    /// [`new_with`](Self::new_with) that returns an error; then `make` is not called.
    ///
    /// # Errors
    ///
    /// As for [`try_new`](Self::try_new).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// # #[alloc_family(Lives::Ast)]
    /// # struct Node(u32);
    /// let node = FamilyBox::try_new_with(|| Node(7))?;
    /// assert_eq!(node.0, 7);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[inline]
    pub fn try_new_with(make: impl FnOnce() -> T) -> Result<Self, AllocError> {
        Self::try_new_with_in(make, T::Family::default())
    }

    /// Allocates a value in the family of its type and pins it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # use std::{marker::PhantomPinned, pin::Pin};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// #[alloc_family(Lives::Ast)]
    /// struct Anchored(u32, PhantomPinned);
    ///
    /// let anchored: Pin<FamilyBox<Anchored>> = FamilyBox::pin(Anchored(7, PhantomPinned));
    /// assert_eq!(anchored.0, 7);
    /// ```
    #[inline]
    #[must_use]
    pub fn pin(value: T) -> Pin<Self> {
        Self::pin_in(value, T::Family::default())
    }

    /// [`pin`](Self::pin) that returns an error; then the value is dropped.
    ///
    /// # Errors
    ///
    /// As for [`try_new`](Self::try_new).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// # #[alloc_family(Lives::Ast)]
    /// # struct Node(u32);
    /// let node = FamilyBox::try_pin(Node(7))?;
    /// assert_eq!(node.0, 7);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[inline]
    pub fn try_pin(value: T) -> Result<Pin<Self>, AllocError> {
        Self::try_pin_in(value, T::Family::default())
    }
}

impl<T, A: RawAlloc> FamilyBox<T, A> {
    /// Allocates a value in a family, named by its marker (`lives::Ast`), whatever the value's type.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// type AstBox<T> = FamilyBox<T, lives::Ast>;
    ///
    /// let seven = AstBox::new_in(7, lives::Ast);
    /// let eight = FamilyBox::new_in(8, lives::Ast);
    /// assert_eq!(*seven + *eight, 15);
    /// ```
    #[inline]
    #[must_use]
    pub fn new_in(value: T, alloc: A) -> Self {
        let slot = match alloc.alloc_value::<T>() {
            Ok(slot) => slot,
            Err(error) => failed(error, Layout::new::<T>()),
        };
        // SAFETY: a new slot for a `T`.
        unsafe { slot.write(value) };
        // SAFETY: it holds a valid `T` now, and only we know it.
        unsafe { Self::from_non_null_in(slot, alloc) }
    }

    /// [`new_in`](Self::new_in) that returns an error; then the value is dropped.
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
    /// let seven = FamilyBox::try_new_in(7, lives::Ast)?;
    /// assert_eq!(*seven, 7);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[inline]
    pub fn try_new_in(value: T, alloc: A) -> Result<Self, AllocError> {
        let slot = alloc.alloc_value::<T>()?;
        // SAFETY: a new slot for a `T`.
        unsafe { slot.write(value) };
        // SAFETY: it holds a valid `T` now, and only we know it.
        Ok(unsafe { Self::from_non_null_in(slot, alloc) })
    }

    /// Allocates a slot of the named family first and then calls `make` for the value.
    ///
    /// If `make` panics the slot is freed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let zeros = FamilyBox::new_with_in(|| [0_u8; 1024], lives::Ast);
    /// assert_eq!(zeros.len(), 1024);
    /// ```
    #[inline]
    #[must_use]
    pub fn new_with_in(make: impl FnOnce() -> T, alloc: A) -> Self {
        FamilyBox::write(Self::new_uninit_in(alloc), make())
    }

    /// [`new_with_in`](Self::new_with_in) that returns an error; then `make` is not called.
    ///
    /// # Errors
    ///
    /// As for [`try_new_in`](Self::try_new_in).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let seven = FamilyBox::try_new_with_in(|| 7, lives::Ast)?;
    /// assert_eq!(*seven, 7);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[inline]
    pub fn try_new_with_in(make: impl FnOnce() -> T, alloc: A) -> Result<Self, AllocError> {
        let slot = Self::try_new_uninit_in(alloc)?;
        Ok(FamilyBox::write(slot, make()))
    }

    /// Allocates a value in the named family and pins it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Task }
    /// let task = FamilyBox::pin_in(async { 7 }, lives::Task);
    /// # drop(task);
    /// ```
    #[inline]
    #[must_use]
    pub fn pin_in(value: T, alloc: A) -> Pin<Self>
    where
        A: 'static,
    {
        Self::into_pin(Self::new_in(value, alloc))
    }

    /// [`pin_in`](Self::pin_in) that returns an error; then the value is dropped.
    ///
    /// # Errors
    ///
    /// As for [`try_new_in`](Self::try_new_in).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Task }
    /// let task = FamilyBox::try_pin_in(async { 7 }, lives::Task)?;
    /// # drop(task);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[inline]
    pub fn try_pin_in(value: T, alloc: A) -> Result<Pin<Self>, AllocError>
    where
        A: 'static,
    {
        Self::try_new_in(value, alloc).map(Self::into_pin)
    }

    /// Allocates an uninitialised slot for a `T` from `alloc`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let slot = FamilyBox::<u32, _>::new_uninit_in(lives::Ast);
    /// assert_eq!(*FamilyBox::write(slot, 7), 7);
    /// ```
    #[inline]
    #[must_use]
    pub fn new_uninit_in(alloc: A) -> FamilyBox<MaybeUninit<T>, A> {
        match Self::try_new_uninit_in(alloc) {
            Ok(slot) => slot,
            Err(error) => failed(error, Layout::new::<T>()),
        }
    }

    /// [`new_uninit_in`](Self::new_uninit_in) that returns an error.
    ///
    /// # Errors
    ///
    /// As for [`try_new_in`](Self::try_new_in).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let slot = FamilyBox::<u32, _>::try_new_uninit_in(lives::Ast)?;
    /// assert_eq!(*FamilyBox::write(slot, 7), 7);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[inline]
    pub fn try_new_uninit_in(alloc: A) -> Result<FamilyBox<MaybeUninit<T>, A>, AllocError> {
        let slot = alloc.alloc_value::<MaybeUninit<T>>()?;
        // SAFETY: a new slot, valid for a value that need not be initialised.
        Ok(unsafe { FamilyBox::from_non_null_in(slot, alloc) })
    }

    /// Allocates a zeroed slot for a `T` from `alloc`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let zero = FamilyBox::<u32, _>::new_zeroed_in(lives::Ast);
    /// // SAFETY: zero bytes are a valid `u32`.
    /// assert_eq!(*unsafe { zero.assume_init() }, 0);
    /// ```
    #[inline]
    #[must_use]
    pub fn new_zeroed_in(alloc: A) -> FamilyBox<MaybeUninit<T>, A> {
        match Self::try_new_zeroed_in(alloc) {
            Ok(slot) => slot,
            Err(error) => failed(error, Layout::new::<T>()),
        }
    }

    /// [`new_zeroed_in`](Self::new_zeroed_in) that returns an error.
    ///
    /// # Errors
    ///
    /// As for [`try_new_in`](Self::try_new_in).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let zero = FamilyBox::<u32, _>::try_new_zeroed_in(lives::Ast)?;
    /// // SAFETY: zero bytes are a valid `u32`.
    /// assert_eq!(*unsafe { zero.assume_init() }, 0);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[inline]
    pub fn try_new_zeroed_in(alloc: A) -> Result<FamilyBox<MaybeUninit<T>, A>, AllocError> {
        let slot = alloc.alloc_zeroed(Layout::new::<T>())?.cast();
        // SAFETY: a new slot of the layout of `T`, valid for a value that need not be initialised.
        Ok(unsafe { FamilyBox::from_non_null_in(slot, alloc) })
    }
}

impl<T, A: RawAlloc + Default> FamilyBox<T, A> {
    /// Allocates an uninitialised slot for a `T`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let slot = FamilyBox::<u32, lives::Ast>::new_uninit();
    /// let seven = FamilyBox::write(slot, 7);
    /// assert_eq!(*seven, 7);
    /// ```
    #[inline]
    #[must_use]
    pub fn new_uninit() -> FamilyBox<MaybeUninit<T>, A> {
        Self::new_uninit_in(A::default())
    }

    /// [`new_uninit`](Self::new_uninit) that returns an error.
    ///
    /// # Errors
    ///
    /// As for [`try_new_in`](Self::try_new_in).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let slot = FamilyBox::<u32, lives::Ast>::try_new_uninit()?;
    /// assert_eq!(*FamilyBox::write(slot, 7), 7);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[inline]
    pub fn try_new_uninit() -> Result<FamilyBox<MaybeUninit<T>, A>, AllocError> {
        Self::try_new_uninit_in(A::default())
    }

    /// Allocates a zeroed slot for a `T`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let zero = FamilyBox::<u32, lives::Ast>::new_zeroed();
    /// // SAFETY: zero bytes are a valid `u32`.
    /// assert_eq!(*unsafe { zero.assume_init() }, 0);
    /// ```
    #[inline]
    #[must_use]
    pub fn new_zeroed() -> FamilyBox<MaybeUninit<T>, A> {
        Self::new_zeroed_in(A::default())
    }

    /// [`new_zeroed`](Self::new_zeroed) that returns an error.
    ///
    /// # Errors
    ///
    /// As for [`try_new_in`](Self::try_new_in).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let zero = FamilyBox::<u32, lives::Ast>::try_new_zeroed()?;
    /// // SAFETY: zero bytes are a valid `u32`.
    /// assert_eq!(*unsafe { zero.assume_init() }, 0);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[inline]
    pub fn try_new_zeroed() -> Result<FamilyBox<MaybeUninit<T>, A>, AllocError> {
        Self::try_new_zeroed_in(A::default())
    }
}
