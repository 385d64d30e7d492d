//! The raw side: allocating the slot, giving a handle's count away and taking it back.

use core::alloc::Layout;
use core::ptr::NonNull;

use super::{Counted, Counter, slot};
use crate::boxed::raw::{capacity_overflow, failed};
use crate::error::{AllocError, AllocErrorKind};
use crate::raw_alloc::RawAlloc;

/// A slot for a value of this layout, the counter in place; returns the value's address.
///
/// `allocate` is a call of the family; it is asked for a slot of the layout of both.
#[inline(always)]
pub(super) fn slot_for<C: Counter>(
    value: Layout,
    counter: C,
    allocate: impl FnOnce(Layout) -> Result<NonNull<u8>, AllocError>,
) -> Result<NonNull<u8>, AllocError> {
    let start = allocate(slot::layout(value)?)?;
    // SAFETY: a slot of the layout that belongs to `value`.
    let address = unsafe { slot::value_in(start, value) };
    // SAFETY: just computed.
    let word = unsafe { slot::word::<C>(address) };
    // SAFETY: the slot is new, and the word lies in it.
    unsafe { word.write(counter) };
    Ok(address)
}

/// What the infallible calls do when there is no slot for a value of this layout.
#[cold]
#[inline(never)]
pub(super) fn no_slot(error: AllocError, value: Layout) -> ! {
    match slot::layout(value) {
        Ok(layout) if error.kind() != AllocErrorKind::TooLarge => failed(error, layout),
        _ => capacity_overflow(),
    }
}

impl<T: ?Sized, A: RawAlloc + Default, C: Counter> Counted<T, A, C> {
    /// Makes a handle of a count that [`into_raw`](Self::into_raw) kept.
    ///
    /// # Safety
    ///
    /// `raw` comes from [`into_raw`](Self::into_raw) of a handle to such a value, of the same family and
    /// counter, and each count is used once. (A value may be seen as another of the same size and
    /// alignment, if it is valid as that.)
    ///
    /// # Examples
    ///
    /// See [`into_raw`](Self::into_raw).
    #[inline]
    #[must_use = "dropping the handle gives its count up"]
    pub unsafe fn from_raw(raw: *const T) -> Self {
        // SAFETY: passed on.
        unsafe { Self::from_raw_in(raw, A::default()) }
    }

    /// Removes one strong count. The last one drops the value.
    ///
    /// # Safety
    ///
    /// As for [`from_raw`](Self::from_raw).
    ///
    /// # Examples
    ///
    /// See [`increment_strong_count`](Self::increment_strong_count).
    #[inline]
    pub unsafe fn decrement_strong_count(raw: *const T) {
        // SAFETY: passed on.
        drop(unsafe { Self::from_raw(raw) });
    }
}

impl<T: ?Sized, A: RawAlloc, C: Counter> Counted<T, A, C> {
    /// Gives up the handle but keeps its count for [`from_raw`](Self::from_raw).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let raw = FamilyRc::into_raw(FamilyRc::<u32, _>::new_in(7, lives::Ast));
    /// // SAFETY: the value is alive as long as the count is.
    /// assert_eq!(unsafe { raw.read() }, 7);
    /// // SAFETY: `raw` comes from `into_raw` of the same type, and is used once.
    /// let handle = unsafe { FamilyRc::<u32, lives::Ast>::from_raw(raw) };
    /// assert_eq!(*handle, 7);
    /// ```
    #[inline]
    #[must_use = "the value and its slot leak unless the pointer is kept"]
    pub fn into_raw(this: Self) -> *const T {
        Self::into_raw_with_allocator(this).0
    }

    /// [`into_raw`](Self::into_raw) that returns the allocator, too, for [`from_raw_in`](Self::from_raw_in).
    ///
    /// # Examples
    ///
    /// See [`from_raw_in`](Self::from_raw_in).
    #[inline]
    #[must_use = "the value and its slot leak unless the pointer is kept"]
    pub fn into_raw_with_allocator(this: Self) -> (*const T, A) {
        let (value, alloc) = Self::into_parts(this);
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
    /// # use famalloc::{alloc_family, FamilyRc, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let (raw, alloc) = FamilyRc::into_raw_with_allocator(FamilyRc::new_in(7, frame.allocator()));
    /// // SAFETY: as it came, and used once.
    /// assert_eq!(*unsafe { FamilyRc::from_raw_in(raw, alloc) }, 7);
    /// ```
    #[inline]
    #[must_use = "dropping the handle gives its count up"]
    pub const unsafe fn from_raw_in(raw: *const T, alloc: A) -> Self {
        // SAFETY: no handle's pointer is null.
        let value = unsafe { NonNull::new_unchecked(raw.cast_mut()) };
        // SAFETY: the caller's promise.
        unsafe { Self::from_parts(value, alloc) }
    }

    /// The allocator of the value's slot: a family's marker, an [`AnyFamily`](crate::AnyFamily), a region.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, AnyFamily, FamilyRc};
    /// # #[alloc_family]
    /// # #[derive(Debug)]
    /// # enum Lives { Ast }
    /// let ast = AnyFamily::from(Lives::Ast);
    /// assert_eq!(*FamilyRc::allocator(&FamilyRc::new_in(7, ast)), ast);
    /// ```
    #[inline]
    #[must_use]
    pub const fn allocator(this: &Self) -> &A {
        &this.alloc
    }

    /// The address of the value. The handle keeps its count.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let handle = FamilyRc::<u32, _>::new_in(7, lives::Ast);
    /// // SAFETY: the value is alive as long as `handle` is.
    /// assert_eq!(unsafe { FamilyRc::as_ptr(&handle).read() }, 7);
    /// ```
    #[inline]
    #[must_use]
    pub const fn as_ptr(this: &Self) -> *const T {
        this.value.as_ptr().cast_const()
    }

    /// Adds one strong count, as if [`into_raw`](Self::into_raw) of a new handle had kept it.
    ///
    /// # Safety
    ///
    /// `raw` comes from [`into_raw`](Self::into_raw) of a handle of the same type (or is what
    /// [`as_ptr`](Self::as_ptr) says), and the value has a strong handle throughout the call.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyArc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// type Number = FamilyArc<u32, lives::Ast>;
    ///
    /// let handle = Number::new_in(7, lives::Ast);
    /// let raw = FamilyArc::as_ptr(&handle);
    /// // SAFETY: `handle` lives throughout.
    /// unsafe { Number::increment_strong_count(raw) };
    /// assert_eq!(FamilyArc::strong_count(&handle), 2);
    /// // SAFETY: that is the count from above.
    /// unsafe { Number::decrement_strong_count(raw) };
    /// assert_eq!(FamilyArc::strong_count(&handle), 1);
    /// ```
    #[inline]
    pub unsafe fn increment_strong_count(raw: *const T) {
        // SAFETY: no handle's pointer is null.
        let value = unsafe { NonNull::new_unchecked(raw.cast_mut()) };
        // SAFETY: C1, by the caller's promise.
        let counter = unsafe { slot::word::<C>(value.cast()) };
        // SAFETY: the word is the counter, and it is only ever shared.
        unsafe { counter.as_ref() }.add_strong();
    }

    /// [`decrement_strong_count`](Self::decrement_strong_count) of a value in a slot of `alloc`.
    ///
    /// # Safety
    ///
    /// As for [`from_raw_in`](Self::from_raw_in).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let handle = FamilyRc::new_in(7, frame.allocator());
    /// let (raw, alloc) = FamilyRc::into_raw_with_allocator(handle.clone());
    /// // SAFETY: that count is given up here, once.
    /// unsafe { FamilyRc::decrement_strong_count_in(raw, alloc) };
    /// assert_eq!(FamilyRc::strong_count(&handle), 1);
    /// ```
    #[inline]
    pub unsafe fn decrement_strong_count_in(raw: *const T, alloc: A) {
        // SAFETY: passed on.
        drop(unsafe { Self::from_raw_in(raw, alloc) });
    }

    /// The same value seen as another type.
    ///
    /// # Safety
    ///
    /// `view` returns its argument's address with its provenance, and there lies a valid `U` of
    /// the same size and alignment as the `T`, for all handles.
    #[inline]
    pub(super) unsafe fn view_as<U: ?Sized>(
        this: Self,
        view: impl FnOnce(*mut T) -> *mut U,
    ) -> Counted<U, A, C> {
        let (value, alloc) = Self::into_parts(this);
        // SAFETY: the count is the same, and the caller vouches for the value.
        unsafe { Counted::from_raw_in(view(value.as_ptr()), alloc) }
    }
}
