//! Allocating a counted value.
//!
//! The names are those of the [box](crate::boxed): the plain calls put the value into the family of
//! its type, those ending in `_in` into a slot of the allocator that they get: a family, or a region.

use core::alloc::Layout;
use core::pin::Pin;
use core::ptr::NonNull;

use super::counter::Counter;
use super::raw::{no_slot, slot_for};
use super::{Counted, Weak};
use crate::error::AllocError;
use crate::family::{FamilyOf, InFamily};
use crate::raw_alloc::RawAlloc;

impl<T: InFamily, C: Counter> Counted<T, FamilyOf<T>, C> {
    /// Allocates a value in the family of its type.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyArc, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// #[alloc_family(Lives::Ast)]
    /// struct Node(u32);
    ///
    /// assert_eq!(FamilyRc::new(Node(7)).0, 7);
    /// assert_eq!(FamilyArc::new(Node(7)).0, 7);
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
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// # #[alloc_family(Lives::Ast)]
    /// # struct Node(u32);
    /// let node = FamilyRc::try_new(Node(7))?;
    /// assert_eq!(node.0, 7);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[inline]
    pub fn try_new(value: T) -> Result<Self, AllocError> {
        Self::try_new_in(value, T::Family::default())
    }

    /// Allocates a slot first and then calls `make` for the value; if it panics the slot is freed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// # #[alloc_family(Lives::Ast)]
    /// # struct Node(u32);
    /// let node = FamilyRc::new_with(|| Node(7));
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
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// # #[alloc_family(Lives::Ast)]
    /// # struct Node(u32);
    /// let node = FamilyRc::try_new_with(|| Node(7))?;
    /// assert_eq!(node.0, 7);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[inline]
    pub fn try_new_with(make: impl FnOnce() -> T) -> Result<Self, AllocError> {
        Self::try_new_with_in(make, T::Family::default())
    }

    /// Allocates a value that has a weak handle to itself, in the family of its type.
    ///
    /// The handle that `make` gets cannot be upgraded before the value is there. If `make` panics the slot
    /// is freed with the last weak handle.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc, FamilyRcWeak};
    /// # #[alloc_family]
    /// # enum Lives { Scene }
    /// #[alloc_family(Lives::Scene)]
    /// struct Gadget {
    ///     me: FamilyRcWeak<Gadget>,
    /// }
    ///
    /// let gadget = FamilyRc::new_cyclic(|me| Gadget { me: me.clone() });
    /// assert!(FamilyRc::ptr_eq(&gadget.me.upgrade().unwrap(), &gadget));
    /// ```
    pub fn new_cyclic(make: impl FnOnce(&Weak<T, FamilyOf<T>, C>) -> T) -> Self {
        Self::new_cyclic_in(make, T::Family::default())
    }

    /// [`new_cyclic`](Self::new_cyclic) that returns an error; then `make` is not called.
    ///
    /// # Errors
    ///
    /// As for [`try_new`](Self::try_new).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc, FamilyRcWeak};
    /// # #[alloc_family]
    /// # enum Lives { Scene }
    /// # #[alloc_family(Lives::Scene)]
    /// # struct Gadget { me: FamilyRcWeak<Gadget> }
    /// let gadget = FamilyRc::try_new_cyclic(|me| Gadget { me: me.clone() })?;
    /// assert!(FamilyRc::ptr_eq(&gadget.me.upgrade().unwrap(), &gadget));
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_new_cyclic(
        make: impl FnOnce(&Weak<T, FamilyOf<T>, C>) -> T,
    ) -> Result<Self, AllocError> {
        Self::try_new_cyclic_in(make, T::Family::default())
    }

    /// Allocates a value in the family of its type and pins it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # use std::{marker::PhantomPinned, pin::Pin};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// #[alloc_family(Lives::Ast)]
    /// struct Anchored(u32, PhantomPinned);
    ///
    /// let anchored: Pin<FamilyRc<Anchored>> = FamilyRc::pin(Anchored(7, PhantomPinned));
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
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// # #[alloc_family(Lives::Ast)]
    /// # struct Node(u32);
    /// let node = FamilyRc::try_pin(Node(7))?;
    /// assert_eq!(node.0, 7);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[inline]
    pub fn try_pin(value: T) -> Result<Pin<Self>, AllocError> {
        Self::try_pin_in(value, T::Family::default())
    }
}

impl<T, A: RawAlloc, C: Counter> Counted<T, A, C> {
    /// A slot with its counter, and nothing in it; its class is a constant.
    #[inline(always)]
    pub(super) fn slot(counter: C, alloc: &A) -> Result<NonNull<T>, AllocError> {
        let layout = const { Layout::new::<T>() };
        let slot = slot_for(layout, counter, |layout| alloc.alloc(layout))?;
        Ok(slot.cast())
    }

    /// Allocates a value in a slot of `alloc`, whatever the value's type: in a family, named by its marker
    /// (`lives::Ast`) or an [`AnyFamily`](crate::AnyFamily), or in a region.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyArc, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// type AstRc<T> = FamilyRc<T, lives::Ast>;
    ///
    /// let seven = AstRc::new_in(7, lives::Ast);
    /// let eight = FamilyArc::new_in(8, lives::Ast);
    /// assert_eq!(*seven + *eight, 15);
    /// ```
    #[inline]
    #[must_use]
    pub fn new_in(value: T, alloc: A) -> Self {
        let slot = match Self::slot(C::alone(), &alloc) {
            Ok(slot) => slot,
            Err(error) => no_slot(error, Layout::new::<T>()),
        };
        // SAFETY: a new slot for a `T`.
        unsafe { slot.write(value) };
        // SAFETY: it holds a valid `T` now, and its counter counts this handle.
        unsafe { Self::from_parts(slot, alloc) }
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
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let seven = FamilyRc::try_new_in(7, lives::Ast)?;
    /// assert_eq!(*seven, 7);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[inline]
    pub fn try_new_in(value: T, alloc: A) -> Result<Self, AllocError> {
        let slot = Self::slot(C::alone(), &alloc)?;
        // SAFETY: a new slot for a `T`.
        unsafe { slot.write(value) };
        // SAFETY: it holds a valid `T` now, and its counter counts this handle.
        Ok(unsafe { Self::from_parts(slot, alloc) })
    }

    /// Allocates a slot of `alloc` first and then calls `make` for the value; if it panics the
    /// slot is freed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let zeros = FamilyRc::new_with_in(|| [0_u8; 1024], lives::Ast);
    /// assert_eq!(zeros.len(), 1024);
    /// ```
    #[inline]
    #[must_use]
    pub fn new_with_in(make: impl FnOnce() -> T, alloc: A) -> Self {
        Self::new_uninit_in(alloc).filled(make())
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
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let seven = FamilyRc::try_new_with_in(|| 7, lives::Ast)?;
    /// assert_eq!(*seven, 7);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[inline]
    pub fn try_new_with_in(make: impl FnOnce() -> T, alloc: A) -> Result<Self, AllocError> {
        let slot = Self::try_new_uninit_in(alloc)?;
        Ok(slot.filled(make()))
    }

    /// [`new_cyclic`](Self::new_cyclic) in a slot of `alloc`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyArc, FamilyArcWeak};
    /// # #[alloc_family]
    /// # enum Lives { Scene }
    /// struct Gadget(FamilyArcWeak<Gadget, lives::Scene>);
    ///
    /// let gadget = FamilyArc::new_cyclic_in(|me| {
    ///     assert!(me.upgrade().is_none());
    ///     Gadget(me.clone())
    /// }, lives::Scene);
    /// assert!(gadget.0.upgrade().is_some());
    /// ```
    pub fn new_cyclic_in(make: impl FnOnce(&Weak<T, A, C>) -> T, alloc: A) -> Self {
        let slot = match Self::slot(C::unborn(), &alloc) {
            Ok(slot) => slot,
            Err(error) => no_slot(error, Layout::new::<T>()),
        };
        // SAFETY: made just now, for a value in the making.
        unsafe { Self::cyclic_at(slot, make, alloc) }
    }

    /// [`new_cyclic_in`](Self::new_cyclic_in) that returns an error; then `make` is not called.
    ///
    /// # Errors
    ///
    /// As for [`try_new_in`](Self::try_new_in).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc, FamilyRcWeak};
    /// # #[alloc_family]
    /// # enum Lives { Scene }
    /// struct Gadget(FamilyRcWeak<Gadget, lives::Scene>);
    ///
    /// let gadget = FamilyRc::try_new_cyclic_in(|me| Gadget(me.clone()), lives::Scene)?;
    /// assert!(gadget.0.upgrade().is_some());
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_new_cyclic_in(
        make: impl FnOnce(&Weak<T, A, C>) -> T,
        alloc: A,
    ) -> Result<Self, AllocError> {
        let slot = Self::slot(C::unborn(), &alloc)?;
        // SAFETY: made just now, for a value in the making.
        Ok(unsafe { Self::cyclic_at(slot, make, alloc) })
    }

    /// The value that `make` returns, in a slot.
    ///
    /// # Safety
    ///
    /// The slot comes from [`Self::slot`] of `alloc`, with a counter that is unborn, and is used once.
    #[inline]
    unsafe fn cyclic_at(
        slot: NonNull<T>,
        make: impl FnOnce(&Weak<T, A, C>) -> T,
        alloc: A,
    ) -> Self {
        // SAFETY: the counter of the new slot counts one weak handle.
        let weak = unsafe { Weak::from_parts(slot, alloc) };
        let value = make(&weak);
        // SAFETY: the slot is for a `T`, and nobody looks at it while there is no strong handle.
        unsafe { slot.write(value) };
        // The weak count is that of all strong handles from here on.
        let (slot, alloc) = weak.into_parts();
        // SAFETY: the slot has a counter.
        let counter = unsafe { super::slot::word::<C>(slot.cast()) };
        // SAFETY: the word is the counter, and it is only ever shared.
        unsafe { counter.as_ref() }.bear();
        // SAFETY: it holds a valid `T` now, and its counter counts this handle.
        unsafe { Self::from_parts(slot, alloc) }
    }

    /// Allocates a value in a slot of `alloc` and pins it.
    ///
    /// This is sound because only the handles free the slot, after the value was dropped: an allocator that is
    /// `'static` does not free it otherwise.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Task }
    /// let task = FamilyRc::pin_in(async { 7 }, lives::Task);
    /// # drop(task);
    /// ```
    #[inline]
    #[must_use]
    pub fn pin_in(value: T, alloc: A) -> Pin<Self>
    where
        A: 'static,
    {
        // SAFETY: nobody has the handle unpinned, so nobody can move the value out or borrow it
        // mutably; it stays in its slot until it is dropped there, as an allocator that is `'static` does
        // not free it otherwise (`RawAlloc`).
        unsafe { Pin::new_unchecked(Self::new_in(value, alloc)) }
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
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Task }
    /// let task = FamilyRc::try_pin_in(async { 7 }, lives::Task)?;
    /// # drop(task);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[inline]
    pub fn try_pin_in(value: T, alloc: A) -> Result<Pin<Self>, AllocError>
    where
        A: 'static,
    {
        let handle = Self::try_new_in(value, alloc)?;
        // SAFETY: as for `pin_in`.
        Ok(unsafe { Pin::new_unchecked(handle) })
    }
}
