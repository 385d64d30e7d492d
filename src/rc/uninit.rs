//! Slots before their values.

use core::alloc::Layout;
use core::mem::MaybeUninit;

use super::Counted;
use super::counter::Counter;
use super::raw::{no_slot, slot_for};
use crate::error::AllocError;
use crate::raw_alloc::RawAlloc;

impl<T, A: RawAlloc, C: Counter> Counted<T, A, C> {
    /// Allocates an uninitialised slot for a `T` from `alloc`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let mut slot = FamilyRc::<u32, _>::new_uninit_in(lives::Ast);
    /// FamilyRc::get_mut(&mut slot).unwrap().write(7);
    /// // SAFETY: just written.
    /// assert_eq!(*unsafe { slot.assume_init() }, 7);
    /// ```
    #[inline]
    #[must_use]
    pub fn new_uninit_in(alloc: A) -> Counted<MaybeUninit<T>, A, C> {
        match Self::try_new_uninit_in(alloc) {
            Ok(slot) => slot,
            Err(error) => no_slot(error, Layout::new::<T>()),
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
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let slot = FamilyRc::<u32, _>::try_new_uninit_in(lives::Ast)?;
    /// assert_eq!(FamilyRc::strong_count(&slot), 1);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[inline]
    pub fn try_new_uninit_in(alloc: A) -> Result<Counted<MaybeUninit<T>, A, C>, AllocError> {
        let slot = Self::slot(C::alone(), &alloc)?;
        // SAFETY: the value need not be initialised, and its counter counts this handle.
        Ok(unsafe { Counted::from_parts(slot.cast(), alloc) })
    }

    /// Allocates a zeroed slot for a `T` from `alloc`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let zero = FamilyRc::<u32, _>::new_zeroed_in(lives::Ast);
    /// // SAFETY: zero bytes are a valid `u32`.
    /// assert_eq!(*unsafe { zero.assume_init() }, 0);
    /// ```
    #[inline]
    #[must_use]
    pub fn new_zeroed_in(alloc: A) -> Counted<MaybeUninit<T>, A, C> {
        match Self::try_new_zeroed_in(alloc) {
            Ok(slot) => slot,
            Err(error) => no_slot(error, Layout::new::<T>()),
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
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let zero = FamilyRc::<u32, _>::try_new_zeroed_in(lives::Ast)?;
    /// // SAFETY: zero bytes are a valid `u32`.
    /// assert_eq!(*unsafe { zero.assume_init() }, 0);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[inline]
    pub fn try_new_zeroed_in(alloc: A) -> Result<Counted<MaybeUninit<T>, A, C>, AllocError> {
        let layout = Layout::new::<T>();
        let slot = slot_for(layout, C::alone(), |layout| alloc.alloc_zeroed(layout))?;
        // SAFETY: the value need not be initialised, and its counter counts this handle.
        Ok(unsafe { Counted::from_parts(slot.cast(), alloc) })
    }
}

impl<T, A: RawAlloc + Default, C: Counter> Counted<T, A, C> {
    /// Allocates an uninitialised slot for a `T`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let mut slot = FamilyRc::<u32, lives::Ast>::new_uninit();
    /// FamilyRc::get_mut(&mut slot).unwrap().write(7);
    /// // SAFETY: just written.
    /// let seven = unsafe { slot.assume_init() };
    /// assert_eq!(*seven, 7);
    /// ```
    #[inline]
    #[must_use]
    pub fn new_uninit() -> Counted<MaybeUninit<T>, A, C> {
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
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let slot = FamilyRc::<u32, lives::Ast>::try_new_uninit()?;
    /// assert_eq!(FamilyRc::strong_count(&slot), 1);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[inline]
    pub fn try_new_uninit() -> Result<Counted<MaybeUninit<T>, A, C>, AllocError> {
        Self::try_new_uninit_in(A::default())
    }

    /// Allocates a zeroed slot for a `T`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let zero = FamilyRc::<u32, lives::Ast>::new_zeroed();
    /// // SAFETY: zero bytes are a valid `u32`.
    /// assert_eq!(*unsafe { zero.assume_init() }, 0);
    /// ```
    #[inline]
    #[must_use]
    pub fn new_zeroed() -> Counted<MaybeUninit<T>, A, C> {
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
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let zero = FamilyRc::<u32, lives::Ast>::try_new_zeroed()?;
    /// // SAFETY: zero bytes are a valid `u32`.
    /// assert_eq!(*unsafe { zero.assume_init() }, 0);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[inline]
    pub fn try_new_zeroed() -> Result<Counted<MaybeUninit<T>, A, C>, AllocError> {
        Self::try_new_zeroed_in(A::default())
    }
}

impl<T, A: RawAlloc, C: Counter> Counted<MaybeUninit<T>, A, C> {
    /// Writes a value into a slot to which there is no other handle.
    #[inline(always)]
    pub(super) fn filled(self, value: T) -> Counted<T, A, C> {
        // SAFETY: the slot is for a `T`; both callers have just made it.
        unsafe { self.value.cast::<T>().write(value) };
        // SAFETY: just written.
        unsafe { self.assume_init() }
    }

    /// Assumes that the slot is initialised.
    ///
    /// # Safety
    ///
    /// It holds a valid `T`, and will as long as there is a handle of either type.
    ///
    /// # Examples
    ///
    /// See [`new_uninit`](Counted::new_uninit).
    #[inline]
    #[must_use]
    pub unsafe fn assume_init(self) -> Counted<T, A, C> {
        // SAFETY: `MaybeUninit<T>` is laid out like `T`, and the caller vouches for the value.
        unsafe { Self::view_as(self, |slot| slot.cast::<T>()) }
    }
}
