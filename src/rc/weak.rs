//! Weak handles: they do not keep the value alive.

use core::alloc::Layout;
use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::{self, NonNull};

use super::counter::{Counter, Shared};
use super::{Counted, slot};
use crate::boxed::raw::apart;
use crate::family::Family;
use crate::raw_alloc::RawAlloc;

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
pub struct Weak<T: ?Sized, A: RawAlloc, C: Counter> {
    value: NonNull<T>,
    counter: PhantomData<C>,
    /// It may be the one that frees the slot, but never drops a value.
    alloc: A,
}

// SAFETY: it can become a strong handle on the other thread; see there.
unsafe impl<T: ?Sized + Send + Sync, A: RawAlloc + Send> Send for Weak<T, A, Shared> {}

// SAFETY: as above, since it can be cloned.
unsafe impl<T: ?Sized + Send + Sync, A: RawAlloc + Sync> Sync for Weak<T, A, Shared> {}

impl<T: ?Sized, A: RawAlloc, C: Counter> Unpin for Weak<T, A, C> {}

impl<T, A, C> UnwindSafe for Weak<T, A, C>
where
    T: ?Sized + RefUnwindSafe,
    A: RawAlloc + UnwindSafe,
    C: Counter,
{
}

impl<T, A, C> RefUnwindSafe for Weak<T, A, C>
where
    T: ?Sized + RefUnwindSafe,
    A: RawAlloc + RefUnwindSafe,
    C: Counter,
{
}

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
        const { assert!(size_of::<F>() == 0) };
        // SAFETY: a marker has no size, and every value of it is the same (contract of `Family`).
        Self::new_in(unsafe { NonNull::dangling().read() })
    }
}

impl<T, A: RawAlloc, C: Counter> Weak<T, A, C> {
    /// [`new`](Self::new) with an allocator: a handle that can be replaced by one to a value of `alloc`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc, FamilyRcWeak, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let mut parent = FamilyRcWeak::new_in(frame.allocator());
    /// assert!(parent.upgrade().is_none());
    /// let root = FamilyRc::new_in(7, frame.allocator());
    /// parent = FamilyRc::downgrade(&root);
    /// assert_eq!(parent.upgrade(), Some(root));
    /// ```
    #[inline]
    #[must_use]
    pub const fn new_in(alloc: A) -> Self {
        // SAFETY: the address is not null.
        let value = unsafe { NonNull::new_unchecked(ptr::without_provenance_mut(NOWHERE)) };
        // SAFETY: the address of a handle that leads nowhere (C1).
        unsafe { Self::from_parts(value, alloc) }
    }
}

impl<T: ?Sized, A: RawAlloc + Default, C: Counter> Weak<T, A, C> {
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
    pub unsafe fn from_raw(raw: *const T) -> Self {
        // SAFETY: passed on.
        unsafe { Self::from_raw_in(raw, A::default()) }
    }
}

impl<T: ?Sized, A: RawAlloc, C: Counter> Weak<T, A, C> {
    /// The handle that a weak count stands for.
    ///
    /// # Safety
    ///
    /// C1 and C2 hold for the pointer and the allocator, and one of the counted weak handles is this one; or
    /// it leads nowhere.
    #[inline(always)]
    pub(super) const unsafe fn from_parts(value: NonNull<T>, alloc: A) -> Self {
        Self { value, counter: PhantomData, alloc }
    }

    /// The handle without its destructor: its count is the caller's.
    #[inline(always)]
    pub(super) fn into_parts(self) -> (NonNull<T>, A) {
        let this = ManuallyDrop::new(self);
        // SAFETY: the handle is forgotten, so its allocator is moved out once.
        (this.value, unsafe { ptr::read(&this.alloc) })
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

    /// The allocator of the value's slot.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, AnyFamily, FamilyRc};
    /// # #[alloc_family]
    /// # #[derive(Debug)]
    /// # enum Lives { Scene }
    /// let scene = AnyFamily::from(Lives::Scene);
    /// let node = FamilyRc::new_in(7, scene);
    /// assert_eq!(*FamilyRc::downgrade(&node).allocator(), scene);
    /// ```
    #[inline]
    #[must_use]
    pub const fn allocator(&self) -> &A {
        &self.alloc
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
    pub fn upgrade(&self) -> Option<Counted<T, A, C>>
    where
        A: Clone,
    {
        let counter = self.counter()?;
        let alloc = self.alloc.clone();
        if counter.upgrade() {
            // SAFETY: C1 and C2 are the same for both; there was a strong handle, and one more is
            // counted now. A clone of the allocator can free what it allocated (`RawAlloc`).
            Some(unsafe { Counted::from_parts(self.value, alloc) })
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
        self.into_raw_with_allocator().0
    }

    /// [`into_raw`](Self::into_raw) that returns the allocator, too, for [`from_raw_in`](Self::from_raw_in).
    ///
    /// # Examples
    ///
    /// See [`from_raw_in`](Self::from_raw_in).
    #[inline]
    #[must_use = "the slot leaks unless the pointer is kept"]
    pub fn into_raw_with_allocator(self) -> (*const T, A) {
        let (value, alloc) = self.into_parts();
        (value.as_ptr().cast_const(), alloc)
    }

    /// [`from_raw`](Self::from_raw) for a value in a slot of `alloc`.
    ///
    /// # Safety
    ///
    /// As for [`from_raw`](Self::from_raw), with `alloc` (or a copy of it) in place of the family.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc, FamilyRcWeak, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let node = FamilyRc::new_in(7, frame.allocator());
    /// let (raw, alloc) = FamilyRc::downgrade(&node).into_raw_with_allocator();
    /// // SAFETY: as it came, and used once.
    /// let weak = unsafe { FamilyRcWeak::from_raw_in(raw, alloc) };
    /// assert_eq!(weak.upgrade(), Some(node));
    /// ```
    #[inline]
    pub const unsafe fn from_raw_in(raw: *const T, alloc: A) -> Self {
        // SAFETY: no handle's pointer is null.
        let value = unsafe { NonNull::new_unchecked(raw.cast_mut()) };
        // SAFETY: the caller's promise.
        unsafe { Self::from_parts(value, alloc) }
    }
}

/// A weak count that is the caller's, of a value whose allocator is elsewhere.
pub(super) struct WeakCount<'a, T: ?Sized, A: RawAlloc, C: Counter> {
    value: NonNull<T>,
    counter: PhantomData<C>,
    alloc: &'a A,
}

impl<'a, T: ?Sized, A: RawAlloc, C: Counter> WeakCount<'a, T, A, C> {
    /// # Safety
    ///
    /// C1 and C2 hold for the pointer and the allocator, and one of the counted weak handles is this one.
    #[inline(always)]
    pub(super) const unsafe fn own(value: NonNull<T>, alloc: &'a A) -> Self {
        Self { value, counter: PhantomData, alloc }
    }
}

impl<T: ?Sized, A: RawAlloc, C: Counter> Drop for WeakCount<'_, T, A, C> {
    /// Removes the count. The last of all frees the slot.
    #[inline]
    fn drop(&mut self) {
        // SAFETY: C1.
        let counter = unsafe { slot::word::<C>(self.value.cast()) };
        // SAFETY: the word is the counter, and it is only ever shared.
        if unsafe { counter.as_ref() }.drop_weak() {
            // SAFETY: C2: the memory is there, as long and as aligned as a `T` like this. The value
            // is gone, but its layout depends on nothing but the length or vtable in the pointer,
            // and nothing else is asked of the reference.
            let value = Layout::for_value(unsafe { self.value.as_ref() });
            // SAFETY: C2.
            let layout = unsafe { slot::layout_of_existing(value) };
            // SAFETY: C1.
            let start = unsafe { slot::start_of(self.value.cast(), value) };
            // SAFETY: C2, and by C4 nobody else uses the slot.
            unsafe { self.alloc.free(start, layout) };
        }
    }
}

impl<T: ?Sized, A: RawAlloc, C: Counter> Drop for Weak<T, A, C> {
    /// Removes the count. The last handle of all frees the slot.
    #[inline]
    fn drop(&mut self) {
        if self.value.addr().get() != NOWHERE {
            // SAFETY: the count of a handle that leads somewhere, which is gone.
            drop(unsafe { WeakCount::<T, A, C>::own(self.value, apart(&self.alloc)) });
        }
    }
}

impl<T: ?Sized, A: RawAlloc + Clone, C: Counter> Clone for Weak<T, A, C> {
    /// Makes another weak handle. Constant time.
    ///
    /// # Aborts
    ///
    /// If the value already has 2^31 - 1 weak handles.
    #[inline]
    fn clone(&self) -> Self {
        let alloc = self.alloc.clone();
        if let Some(counter) = self.counter() {
            counter.add_weak();
        }
        // SAFETY: the pointer is that of a handle, and one more is counted now; a clone of the allocator
        // can free what it allocated (`RawAlloc`).
        unsafe { Self::from_parts(self.value, alloc) }
    }
}

impl<T, A: RawAlloc + Default, C: Counter> Default for Weak<T, A, C> {
    /// A handle that points nowhere.
    #[inline]
    fn default() -> Self {
        Self::new_in(A::default())
    }
}

impl<T: ?Sized, A: RawAlloc, C: Counter> fmt::Debug for Weak<T, A, C> {
    /// Prints no value: what the handle points to may point back here.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(Weak)")
    }
}
