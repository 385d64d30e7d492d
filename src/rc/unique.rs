//! Operations of the only handle: changing the value, or moving it out.

use core::alloc::Layout;
use core::mem;
use core::ptr::NonNull;

use super::counter::{Counter, Left};
use super::raw::{no_slot, slot_for};
use super::{Counted, Weak, slot};
use crate::boxed::raw::{Slot, with_address_of};
use crate::raw_alloc::RawAlloc;

/// Values that can be cloned into a slot: types that are `Clone`, slices, and text. Sealed.
///
/// [`make_mut`](Counted::make_mut) needs it.
pub trait CloneToSlot: sealed::Sealed {
    /// Makes a counted copy.
    #[doc(hidden)]
    fn clone_to_slot<A: RawAlloc, C: Counter>(&self, alloc: A) -> Counted<Self, A, C>;
}

mod sealed {
    pub trait Sealed {}
    impl<T: Clone> Sealed for T {}
    impl<T: Clone> Sealed for [T] {}
    impl Sealed for str {}
}

impl<T: Clone> CloneToSlot for T {
    #[inline]
    fn clone_to_slot<A: RawAlloc, C: Counter>(&self, alloc: A) -> Counted<Self, A, C> {
        Counted::new_with_in(|| self.clone(), alloc)
    }
}

impl<T: Clone> CloneToSlot for [T] {
    fn clone_to_slot<A: RawAlloc, C: Counter>(&self, alloc: A) -> Counted<Self, A, C> {
        Counted::from_slice_in(self, alloc)
    }
}

impl CloneToSlot for str {
    fn clone_to_slot<A: RawAlloc, C: Counter>(&self, alloc: A) -> Counted<Self, A, C> {
        Counted::from_str_in(self, alloc)
    }
}

impl<T: ?Sized, A: RawAlloc, C: Counter> Counted<T, A, C> {
    /// Borrows the value mutably if there is no other handle, strong or weak.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let mut one = FamilyRc::new_in(7, lives::Ast);
    /// *FamilyRc::get_mut(&mut one).unwrap() += 1;
    /// let other = one.clone();
    /// assert!(FamilyRc::get_mut(&mut one).is_none());
    /// assert_eq!(*other, 8);
    /// ```
    #[inline]
    pub fn get_mut(this: &mut Self) -> Option<&mut T> {
        if this.counter().is_alone() {
            // SAFETY: C3, and the only handle is borrowed.
            Some(unsafe { this.value.as_mut() })
        } else {
            None
        }
    }

    /// Borrows the value mutably; if other handles share it, this handle first gets a copy of its own.
    ///
    /// If the only other handles are weak, the value moves to another slot, and they lose it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let one = FamilyRc::<[i32], lives::Ast>::from([1, 2]);
    /// let mut other = one.clone();
    /// FamilyRc::make_mut(&mut other)[0] = 7;
    /// assert_eq!((&*one, &*other), (&[1, 2][..], &[7, 2][..]));
    /// ```
    #[inline]
    pub fn make_mut(this: &mut Self) -> &mut T
    where
        T: CloneToSlot,
        A: Clone,
    {
        if !this.counter().is_alone() {
            Self::part(this);
        }
        // SAFETY: C3, and the only handle is borrowed.
        unsafe { this.value.as_mut() }
    }

    /// Parts from the other handles.
    #[cold]
    fn part(this: &mut Self)
    where
        T: CloneToSlot,
        A: Clone,
    {
        if this.counter().counts().0 != 1 || !Self::move_from_weak(this) {
            *this = (**this).clone_to_slot(this.alloc.clone());
        }
    }

    /// Moves the value to a slot of its own, if there are only weak handles besides; whether there is
    /// no other handle now.
    fn move_from_weak(this: &mut Self) -> bool
    where
        A: Clone,
    {
        let value = Layout::for_value::<T>(this);
        // Before anything is changed, for where it fails there is no way back.
        let alloc = this.alloc.clone();
        let address = match slot_for(value, C::alone(), |layout| alloc.alloc(layout)) {
            Ok(address) => address,
            Err(error) => no_slot(error, value),
        };
        // SAFETY: as `slot_for` says.
        let start = unsafe { slot::start_of(address, value) };
        // SAFETY: just made for this layout.
        let layout = unsafe { slot::layout_of_existing(value) };
        // SAFETY: just allocated there, with that layout.
        let room = unsafe { Slot::<A, _>::own(start, layout, alloc) };
        match this.counter().drop_only_strong() {
            // Another thread has made a strong handle of a weak one.
            None => false,
            // The weak handles have gone.
            Some(Left::Nothing) => true,
            Some(_) => {
                let old = this.value;
                // SAFETY: both are as long as the value, and the slot is new, so they do not overlap.
                unsafe { address.copy_from_nonoverlapping(old.cast(), value.size()) };
                let (_, alloc) = room.into_parts();
                let moved = with_address_of(old.as_ptr(), address);
                // SAFETY: the address of a slot is not null.
                let moved = unsafe { NonNull::new_unchecked(moved) };
                // SAFETY: the value moved to a slot of its layout, whose counter counts this handle;
                // by C4 nobody else sees what is left of it.
                let old =
                    Self::into_parts(mem::replace(this, unsafe { Self::from_parts(moved, alloc) }));
                // SAFETY: the weak count that all strong handles owned is ours now.
                drop(unsafe { Weak::<T, A, C>::from_parts(old.0, old.1) });
                true
            }
        }
    }
}

impl<T, A: RawAlloc, C: Counter> Counted<T, A, C> {
    /// Moves the value out if there is no other strong handle; weak handles lose it.
    ///
    /// # Errors
    ///
    /// Returns the handle if there is another.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let one = FamilyRc::new_in(String::from("x"), lives::Ast);
    /// let other = one.clone();
    /// let one = FamilyRc::try_unwrap(one).unwrap_err();
    /// drop(other);
    /// assert_eq!(FamilyRc::try_unwrap(one), Ok(String::from("x")));
    /// ```
    #[inline]
    pub fn try_unwrap(this: Self) -> Result<T, Self> {
        match this.counter().drop_only_strong() {
            None => Err(this),
            // SAFETY: as the counter said.
            Some(left) => Ok(unsafe { Self::move_out(this, left) }),
        }
    }

    /// Gives the handle up, and moves the value out if it was the last strong one.
    ///
    /// If all handles are given up like this, by whatever threads, exactly one call returns the value.
    /// With [`try_unwrap`](Self::try_unwrap) none may.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyArc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let one = FamilyArc::new_in(7, lives::Ast);
    /// let other = one.clone();
    /// assert_eq!(FamilyArc::into_inner(one), None);
    /// assert_eq!(FamilyArc::into_inner(other), Some(7));
    /// ```
    #[inline]
    #[must_use = "to give the handle up, drop it"]
    pub fn into_inner(this: Self) -> Option<T> {
        match this.counter().drop_strong() {
            Left::Strong => {
                Self::into_parts(this);
                None
            }
            // SAFETY: as the counter said.
            left => Some(unsafe { Self::move_out(this, left) }),
        }
    }

    /// Moves the value out, or clones it if there is another handle.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let one = FamilyRc::new_in(String::from("x"), lives::Ast);
    /// let other = one.clone();
    /// assert_eq!(FamilyRc::unwrap_or_clone(one), "x");
    /// assert_eq!(FamilyRc::unwrap_or_clone(other), "x");
    /// ```
    #[inline]
    pub fn unwrap_or_clone(this: Self) -> T
    where
        T: Clone,
    {
        Self::try_unwrap(this).unwrap_or_else(|this| (*this).clone())
    }

    /// The value, and with it whatever of the slot is ours.
    ///
    /// # Safety
    ///
    /// The counter said that `left` is left when this handle was counted down.
    #[inline]
    unsafe fn move_out(this: Self, left: Left) -> T {
        let (address, alloc) = Self::into_parts(this);
        // SAFETY: C3, and by C4 nobody else uses the value.
        let value = unsafe { address.read() };
        if left == Left::Nothing {
            // SAFETY: C1.
            let start = unsafe { slot::start_of(address.cast(), Layout::new::<T>()) };
            // SAFETY: C2.
            let layout = unsafe { slot::layout_of_existing(Layout::new::<T>()) };
            // SAFETY: C2, and by C4 nobody else uses the slot.
            unsafe { alloc.free(start, layout) };
        } else {
            // SAFETY: the weak count that all strong handles owned is ours now.
            drop(unsafe { Weak::<T, A, C>::from_parts(address, alloc) });
        }
        value
    }
}
