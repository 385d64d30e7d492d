//! Weak handles: they do not keep the value alive.

use core::alloc::Layout;
use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::{self, NonNull};

use super::counter::{Counter, Shared};
use super::{Counted, slot};
use crate::family::Family;
use crate::heap::free_layout_in;

/// A weak handle: a [`FamilyRcWeak`](crate::FamilyRcWeak) or a
/// [`FamilyArcWeak`](crate::FamilyArcWeak).
///
/// It keeps the slot, not the value: [`upgrade`](Self::upgrade) returns a strong handle as long as another
/// one exists.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, FamilyRc, FamilyRcWeak};
///
/// #[alloc_family]
/// enum Lives { Scene }
///
/// let node = FamilyRc::new_in(7, lives::Scene);
/// let weak: FamilyRcWeak<i32, lives::Scene> = FamilyRc::downgrade(&node);
/// assert_eq!(weak.upgrade().as_deref(), Some(&7));
/// drop(node);
/// assert_eq!(weak.upgrade(), None);
/// ```
pub struct Weak<T: ?Sized, F: Family, C: Counter> {
    value: NonNull<T>,
    /// It may be the one that frees the slot, but never drops a value.
    family: PhantomData<fn() -> F>,
    counter: PhantomData<C>,
}

// SAFETY: it can become a strong handle on the other thread; see there.
unsafe impl<T: ?Sized + Send + Sync, F: Family> Send for Weak<T, F, Shared> {}

// SAFETY: as above, since it can be cloned.
unsafe impl<T: ?Sized + Send + Sync, F: Family> Sync for Weak<T, F, Shared> {}

impl<T: ?Sized, F: Family, C: Counter> Unpin for Weak<T, F, C> {}

impl<T: ?Sized + RefUnwindSafe, F: Family, C: Counter> UnwindSafe for Weak<T, F, C> {}

impl<T: ?Sized + RefUnwindSafe, F: Family, C: Counter> RefUnwindSafe for Weak<T, F, C> {}

/// Where a weak handle to nothing leads; no value fits there.
const NOWHERE: usize = usize::MAX;

impl<T, F: Family, C: Counter> Weak<T, F, C> {
    /// A handle that points nowhere, without a slot.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRcWeak};
    /// # #[alloc_family]
    /// # enum Lives { Scene }
    /// let nowhere = FamilyRcWeak::<u32, lives::Scene>::new();
    /// assert!(nowhere.upgrade().is_none());
    /// ```
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        // SAFETY: the address is not null.
        let value = unsafe { NonNull::new_unchecked(ptr::without_provenance_mut(NOWHERE)) };
        // SAFETY: the address of a handle that leads nowhere (C1).
        unsafe { Self::from_value(value) }
    }
}

impl<T: ?Sized, F: Family, C: Counter> Weak<T, F, C> {
    /// The handle that a weak count stands for.
    ///
    /// # Safety
    ///
    /// C1 and C2 hold for the pointer, and one of the counted weak handles is this one; or it leads
    /// nowhere.
    #[inline(always)]
    pub(super) const unsafe fn from_value(value: NonNull<T>) -> Self {
        Self { value, family: PhantomData, counter: PhantomData }
    }

    /// The counter, unless the handle leads nowhere.
    #[inline]
    fn counter(&self) -> Option<&C> {
        if self.value.addr().get() == NOWHERE {
            return None;
        }
        // SAFETY: C1.
        let counter = unsafe { slot::word::<C>(self.value.cast()) };
        // SAFETY: the word is the counter, and it is only ever shared.
        Some(unsafe { counter.as_ref() })
    }

    /// A strong handle to the value, if the value still exists.
    ///
    /// # Aborts
    ///
    /// If the value already has 2^31 - 1 strong handles.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyArc};
    /// # #[alloc_family]
    /// # enum Lives { Scene }
    /// let node = FamilyArc::new_in(7, lives::Scene);
    /// let weak = FamilyArc::downgrade(&node);
    /// assert!(FamilyArc::ptr_eq(&weak.upgrade().unwrap(), &node));
    /// ```
    #[inline]
    #[must_use]
    pub fn upgrade(&self) -> Option<Counted<T, F, C>> {
        if self.counter()?.upgrade() {
            // SAFETY: C1 and C2 are the same for both; there was a strong handle, and one more is
            // counted now.
            Some(unsafe { Counted::from_value(self.value) })
        } else {
            None
        }
    }

    /// The number of strong handles: 0 if the value is gone.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Scene }
    /// let node = FamilyRc::new_in(7, lives::Scene);
    /// let weak = FamilyRc::downgrade(&node);
    /// assert_eq!(weak.strong_count(), 1);
    /// drop(node);
    /// assert_eq!(weak.strong_count(), 0);
    /// ```
    #[inline]
    #[must_use]
    pub fn strong_count(&self) -> usize {
        self.counter().map_or(0, |counter| counter.counts().0 as usize)
    }

    /// The number of weak handles, or 0 if the value is gone.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Scene }
    /// let node = FamilyRc::new_in(7, lives::Scene);
    /// let weak = FamilyRc::downgrade(&node);
    /// assert_eq!(weak.weak_count(), 1);
    /// drop(node);
    /// assert_eq!(weak.weak_count(), 0);
    /// ```
    #[inline]
    #[must_use]
    pub fn weak_count(&self) -> usize {
        match self.counter().map(C::counts) {
            None | Some((0, _)) => 0,
            // Without the one for all strong handles.
            Some((_, weak)) => weak as usize - 1,
        }
    }

    /// Whether both point to the same value, or both nowhere.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Scene }
    /// let [one, other] = [7, 7].map(|value| FamilyRc::new_in(value, lives::Scene));
    /// let weak = FamilyRc::downgrade(&one);
    /// assert!(weak.ptr_eq(&weak.clone()));
    /// assert!(!weak.ptr_eq(&FamilyRc::downgrade(&other)));
    /// ```
    #[inline]
    #[must_use]
    pub fn ptr_eq(&self, other: &Self) -> bool {
        ptr::addr_eq(self.value.as_ptr(), other.value.as_ptr())
    }

    /// The address of the value. The caller must know whether the value still exists.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Scene }
    /// let node = FamilyRc::new_in(7, lives::Scene);
    /// assert_eq!(FamilyRc::downgrade(&node).as_ptr(), FamilyRc::as_ptr(&node));
    /// ```
    #[inline]
    #[must_use]
    pub const fn as_ptr(&self) -> *const T {
        self.value.as_ptr().cast_const()
    }

    /// Gives up the handle but keeps its count for [`from_raw`](Self::from_raw).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc, FamilyRcWeak};
    /// # #[alloc_family]
    /// # enum Lives { Scene }
    /// let node = FamilyRc::new_in(7, lives::Scene);
    /// let raw = FamilyRc::downgrade(&node).into_raw();
    /// assert_eq!(FamilyRc::weak_count(&node), 1);
    /// // SAFETY: it comes from `into_raw` of the same type, and is used once.
    /// drop(unsafe { FamilyRcWeak::<i32, lives::Scene>::from_raw(raw) });
    /// assert_eq!(FamilyRc::weak_count(&node), 0);
    /// ```
    #[inline]
    #[must_use = "the slot leaks unless the pointer is kept"]
    pub fn into_raw(self) -> *const T {
        ManuallyDrop::new(self).as_ptr()
    }

    /// Makes a handle of a weak count that [`into_raw`](Self::into_raw) kept.
    ///
    /// # Safety
    ///
    /// `raw` comes from [`into_raw`](Self::into_raw) of a weak handle to such a value, of the same family
    /// and counter, and each count is used once.
    ///
    /// # Examples
    ///
    /// See [`into_raw`](Self::into_raw).
    #[inline]
    pub const unsafe fn from_raw(raw: *const T) -> Self {
        // SAFETY: no handle's pointer is null.
        let value = unsafe { NonNull::new_unchecked(raw.cast_mut()) };
        // SAFETY: the caller's promise.
        unsafe { Self::from_value(value) }
    }
}

impl<T: ?Sized, F: Family, C: Counter> Drop for Weak<T, F, C> {
    /// Removes the count. The last handle of all frees the slot.
    #[inline]
    fn drop(&mut self) {
        let Some(counter) = self.counter() else { return };
        if counter.drop_weak() {
            // SAFETY: C2: the memory is there, as long and as aligned as a `T` like this. The value
            // is gone, but its layout depends on nothing but the length or vtable in the pointer,
            // and nothing else is asked of the reference.
            let value = Layout::for_value(unsafe { self.value.as_ref() });
            // SAFETY: C2.
            let layout = unsafe { slot::layout_of_existing(value) };
            // SAFETY: C1.
            let start = unsafe { slot::start_of(self.value.cast(), value) };
            // SAFETY: C2, and by C4 nobody else uses the slot.
            unsafe { free_layout_in::<F>(start, layout) };
        }
    }
}

impl<T: ?Sized, F: Family, C: Counter> Clone for Weak<T, F, C> {
    /// Makes another weak handle. Constant time.
    ///
    /// # Aborts
    ///
    /// If the value already has 2^31 - 1 weak handles.
    #[inline]
    fn clone(&self) -> Self {
        if let Some(counter) = self.counter() {
            counter.add_weak();
        }
        // SAFETY: the pointer is that of a handle, and one more is counted now.
        unsafe { Self::from_value(self.value) }
    }
}

impl<T, F: Family, C: Counter> Default for Weak<T, F, C> {
    /// [`new`](Self::new).
    #[inline]
    fn default() -> Self {
        Self::new()
    }
}

impl<T: ?Sized, F: Family, C: Counter> fmt::Debug for Weak<T, F, C> {
    /// Prints no value: what the handle points to may point back here.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(Weak)")
    }
}
