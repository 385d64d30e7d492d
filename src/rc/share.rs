//! The other handles of a value.

use core::ptr;

use super::counter::Counter;
use super::{Counted, Weak};
use crate::raw_alloc::RawAlloc;

impl<T: ?Sized, A: RawAlloc, C: Counter> Counted<T, A, C> {
    /// The number of strong handles. Other threads may change it at any time.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let one = FamilyRc::new_in(7, lives::Ast);
    /// let other = one.clone();
    /// assert_eq!(FamilyRc::strong_count(&one), 2);
    /// # drop(other);
    /// ```
    #[inline]
    #[must_use]
    pub fn strong_count(this: &Self) -> usize {
        this.counter().counts().0 as usize
    }

    /// The number of weak handles. Other threads may change it at any time.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let one = FamilyRc::new_in(7, lives::Ast);
    /// let weak = FamilyRc::downgrade(&one);
    /// assert_eq!(FamilyRc::weak_count(&one), 1);
    /// # drop(weak);
    /// ```
    #[inline]
    #[must_use]
    pub fn weak_count(this: &Self) -> usize {
        // Without the one for all strong handles.
        this.counter().counts().1 as usize - 1
    }

    /// Whether both handles point to the same value, not merely to equal ones.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let [one, other] = [7, 7].map(|value| FamilyRc::new_in(value, lives::Ast));
    /// assert!(FamilyRc::ptr_eq(&one, &one.clone()));
    /// assert!(one == other && !FamilyRc::ptr_eq(&one, &other));
    /// ```
    #[inline]
    #[must_use]
    pub fn ptr_eq(this: &Self, other: &Self) -> bool {
        ptr::addr_eq(this.value.as_ptr(), other.value.as_ptr())
    }

    /// Makes a weak handle to the value.
    ///
    /// # Aborts
    ///
    /// If the value already has 2^31 - 1 weak handles.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let seven = FamilyRc::new_in(7, lives::Ast);
    /// let weak = FamilyRc::downgrade(&seven);
    /// assert_eq!(weak.upgrade(), Some(seven));
    /// ```
    #[inline]
    #[must_use = "a weak handle that is dropped at once has no effect"]
    pub fn downgrade(this: &Self) -> Weak<T, A, C>
    where
        A: Clone,
    {
        let alloc = this.alloc.clone();
        this.counter().add_weak();
        // SAFETY: C1 and C2 are the same for both, and one more weak handle is counted now; a clone of the
        // allocator can free what it allocated (`RawAlloc`).
        unsafe { Weak::from_parts(this.value, alloc) }
    }
}
