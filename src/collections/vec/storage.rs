//! Where the elements of a vector are: in itself, or in a slot of the allocator.
//!
//! Three invariants, which the `SAFETY` comments of this folder cite:
//!
//! - **S1.** `capacity` is `INLINE` and the elements are in the storage itself; or it is more, and the
//!   storage starts with the address of a slot of the allocator with the layout of `capacity` elements, which
//!   nobody else will free.
//! - **S2.** The first `len` elements are initialised and owned by the vector; `len <= capacity`.
//! - **S3.** Values without a size are always inline: `INLINE` is `usize::MAX` for them.

use core::alloc::Layout;
use core::fmt;
use core::mem::{ManuallyDrop, MaybeUninit};
use core::ptr::{self, NonNull};
use core::slice;

use super::VecInner;
use crate::boxed::raw::Slot;
use crate::boxed::{capacity_overflow, failed};
use crate::error::{AllocError, AllocErrorKind};
use crate::heap::alloc::array_layout;
use crate::raw_alloc::RawAlloc;

/// How a vector stores its first elements: [`Inline`] or [`Spilled`].
///
/// # Safety
///
/// It starts with room for the address of a slot, aligned for it. `EMPTY` is what a vector without a slot has;
/// if `ROOM`, it is aligned for a `T` and has room for `INLINE` of them; if not, it starts with an
/// address that is aligned for a `T`, and `INLINE` is 0, unless values of type `T` have no size.
///
/// # Examples
///
/// See [`VecInner`].
pub unsafe trait VecStorage<T>: Sized {
    /// Whether elements can be in the storage itself.
    #[doc(hidden)]
    const ROOM: bool;
    /// How many elements need no slot.
    #[doc(hidden)]
    const INLINE: usize;
    /// The storage of a vector without a slot.
    #[doc(hidden)]
    const EMPTY: Self;
}

/// The storage of a [`SmallVec`](super::SmallVec): room for `N` elements, or the address of a slot.
#[repr(C)]
pub union Inline<T, const N: usize> {
    // Which of the two is there follows from the capacity (S1).
    elements: ManuallyDrop<[MaybeUninit<T>; N]>,
    slot: NonNull<T>,
}

// SAFETY: both fields of the union are at its start.
unsafe impl<T, const N: usize> VecStorage<T> for Inline<T, N> {
    const ROOM: bool = true;
    const INLINE: usize = if size_of::<T>() == 0 { usize::MAX } else { N };
    const EMPTY: Self = Self { elements: ManuallyDrop::new([const { MaybeUninit::uninit() }; N]) };
}

/// The storage of a [`Vec`](super::Vec): the address of a slot.
#[repr(transparent)]
pub struct Spilled<T> {
    slot: NonNull<T>,
}

// SAFETY: an address, and an aligned one.
unsafe impl<T> VecStorage<T> for Spilled<T> {
    const ROOM: bool = false;
    const INLINE: usize = if size_of::<T>() == 0 { usize::MAX } else { 0 };
    const EMPTY: Self = Self { slot: NonNull::dangling() };
}

impl<T, const N: usize> fmt::Debug for Inline<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inline").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Spilled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spilled").finish_non_exhaustive()
    }
}

fn too_large() -> AllocError {
    AllocError::new(AllocErrorKind::TooLarge)
}

impl<T, S: VecStorage<T>, A: RawAlloc> VecInner<T, S, A> {
    /// The room taken at the first push into a vector that has none inline.
    const FIRST_CAPACITY: usize = if size_of::<T>() == 1 { 8 } else { 4 };

    /// The capacity in elements: at least the `N` of a [`SmallVec`](super::SmallVec).
    ///
    /// Once spilled, it is the number that fits the slot, which may be more than was requested.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::SmallVec};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let vec = SmallVec::<u64, 2, lives::Frame>::with_capacity(9);
    /// assert!(vec.capacity() >= 9);
    /// ```
    #[inline]
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Whether the elements are in a slot of the allocator, not inside the vector.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::SmallVec};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let mut vec = SmallVec::<u32, 2, lives::Frame>::from([1, 2]);
    /// assert!(!vec.spilled());
    /// vec.push(3);
    /// assert!(vec.spilled());
    /// ```
    #[inline]
    #[must_use]
    pub const fn spilled(&self) -> bool {
        self.capacity > S::INLINE
    }

    /// The address of the slot.
    ///
    /// # Safety
    ///
    /// The vector is spilled, or its storage has no room for elements.
    #[inline(always)]
    const unsafe fn slot(&self) -> NonNull<T> {
        // SAFETY: S1, or what `VecStorage` promises of an empty storage.
        unsafe { (&raw const self.storage).cast::<NonNull<T>>().read() }
    }

    /// Makes a slot the vector's own, in place of whatever was there.
    const fn set_slot(&mut self, slot: NonNull<T>, capacity: usize) {
        // SAFETY: a storage starts with room for an address.
        unsafe { (&raw mut self.storage).cast::<NonNull<T>>().write(slot) };
        self.capacity = capacity;
    }

    /// The address of the elements.
    #[inline]
    #[must_use]
    pub const fn as_ptr(&self) -> *const T {
        if S::ROOM && !self.spilled() {
            (&raw const self.storage).cast()
        } else {
            // SAFETY: one of the two is not the case.
            unsafe { self.slot() }.as_ptr()
        }
    }

    /// The address of the elements, for writing.
    #[inline]
    #[must_use]
    pub const fn as_mut_ptr(&mut self) -> *mut T {
        if S::ROOM && !self.spilled() {
            (&raw mut self.storage).cast()
        } else {
            // SAFETY: one of the two is not the case.
            unsafe { self.slot() }.as_ptr()
        }
    }

    /// The elements.
    #[inline]
    #[must_use]
    pub const fn as_slice(&self) -> &[T] {
        // SAFETY: S2.
        unsafe { slice::from_raw_parts(self.as_ptr(), self.len) }
    }

    /// The elements, mutably.
    #[inline]
    #[must_use]
    pub const fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: S2, borrowed with the vector.
        unsafe { slice::from_raw_parts_mut(self.as_mut_ptr(), self.len) }
    }

    /// The unused capacity after the elements.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::SmallVec};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let mut vec = SmallVec::<u32, 4, lives::Frame>::from([1]);
    /// vec.spare_capacity_mut()[0].write(2);
    /// // SAFETY: the second was just written.
    /// unsafe { vec.set_len(2) };
    /// assert_eq!(vec, [1, 2]);
    /// ```
    #[inline]
    pub const fn spare_capacity_mut(&mut self) -> &mut [MaybeUninit<T>] {
        let (len, spare) = (self.len, self.capacity - self.len);
        // SAFETY: `len` is within the capacity (S2).
        let start = unsafe { self.as_mut_ptr().add(len) };
        // SAFETY: as many elements fit, which need not be initialised (S1).
        unsafe { slice::from_raw_parts_mut(start.cast(), spare) }
    }

    /// Sets the length, and nothing else.
    ///
    /// # Safety
    ///
    /// It is at most the capacity, and as many elements are initialised. Elements beyond it are the
    /// caller's.
    #[inline]
    pub const unsafe fn set_len(&mut self, len: usize) {
        self.len = len;
    }

    /// The layout of the slot of a spilled vector, or of the room inside.
    #[inline]
    fn slot_layout(&self) -> Layout {
        // SAFETY: it was allocated, or is part of the vector, or empty (S1, S3).
        unsafe { Layout::array::<T>(self.capacity).unwrap_unchecked() }
    }

    /// Makes room for `least` elements, not fewer than there are, and not much more.
    pub(super) fn set_capacity(&mut self, least: usize) -> Result<(), AllocError> {
        debug_assert!(least >= self.len);
        if least <= S::INLINE {
            if self.spilled() {
                self.move_inline();
            }
            return Ok(());
        }
        // All that the slot holds. Values of no size are never here (S3).
        let capacity = self.alloc.usable_size(array_layout::<T>(least)?) / size_of::<T>();
        let layout = array_layout::<T>(capacity)?;
        if capacity == self.capacity {
            return Ok(());
        }
        let slot = if self.spilled() {
            // SAFETY: it is.
            let old = unsafe { self.slot() }.cast();
            // SAFETY: S1; the old address is overwritten below.
            unsafe { self.alloc.realloc(old, self.slot_layout(), layout)? }.cast::<T>()
        } else {
            let slot = self.alloc.alloc(layout)?.cast::<T>();
            // SAFETY: a new slot with room for as many (S2).
            unsafe { slot.as_ptr().copy_from_nonoverlapping(self.as_ptr(), self.len) };
            slot
        };
        self.set_slot(slot, capacity);
        Ok(())
    }

    /// Moves the elements out of the slot, which is freed; there are at most `INLINE` of them.
    fn move_inline(&mut self) {
        let layout = self.slot_layout();
        // SAFETY: the vector is spilled.
        let slot = unsafe { self.slot() };
        self.storage = S::EMPTY;
        self.capacity = S::INLINE;
        // SAFETY: a slot of that layout with `len` elements, which the vector has just forgotten (S1).
        unsafe { self.take_inline(slot, layout) };
    }

    /// Moves `len` elements of a slot into the vector itself, and frees the slot.
    ///
    /// # Safety
    ///
    /// The slot is of this allocator and layout, and the caller's to give up; as many elements are there, and
    /// they fit.
    unsafe fn take_inline(&mut self, slot: NonNull<T>, layout: Layout) {
        // SAFETY: `len` elements, to the room inside the vector.
        unsafe { slot.as_ptr().copy_to_nonoverlapping(self.as_mut_ptr(), self.len) };
        // SAFETY: passed on.
        unsafe { self.alloc.free(slot.cast(), layout) };
    }

    /// Makes room for `additional` more elements, and twice as much as there was where it can be had.
    fn grow(&mut self, additional: usize) -> Result<(), AllocError> {
        let least = self.len.checked_add(additional).ok_or_else(too_large)?;
        let doubled = self.capacity.saturating_mul(2);
        let mut spare = least.max(doubled).max(Self::FIRST_CAPACITY) - least;
        // Near a limit twice as much is too much; then as much more as can be had.
        loop {
            match self.set_capacity(least.saturating_add(spare)) {
                Err(_) if spare > 0 => spare /= 2,
                done => return done,
            }
        }
    }

    /// Reserves capacity for at least `additional` more elements. If the capacity grows, it at least
    /// doubles, or grows as far as a limit of the family allows.
    ///
    /// # Panics
    ///
    /// If the elements would exceed `isize::MAX` bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::SmallVec};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let mut vec = SmallVec::<u32, 2, lives::Frame>::from([1]);
    /// vec.reserve(10);
    /// assert!(vec.capacity() >= 11);
    /// ```
    #[inline]
    pub fn reserve(&mut self, additional: usize) {
        if additional > self.capacity - self.len {
            self.grow_or_fail(additional);
        }
    }

    #[cold]
    #[inline(never)]
    fn grow_or_fail(&mut self, additional: usize) {
        if let Err(error) = self.grow(additional) {
            match array_layout::<T>(self.len.saturating_add(additional)) {
                Ok(layout) => failed(error, layout),
                Err(_) => capacity_overflow(),
            }
        }
    }

    /// [`reserve`](Self::reserve) that returns an error; the vector is then unchanged.
    ///
    /// # Errors
    ///
    /// If the elements would exceed `isize::MAX` bytes, the limit of the family is reached, or its page
    /// source has no memory left.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::SmallVec};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let mut vec = SmallVec::<u32, 2, lives::Frame>::from([1]);
    /// assert!(vec.try_reserve(10).is_ok());
    /// assert!(vec.try_reserve(usize::MAX).is_err());
    /// assert_eq!(vec, [1]);
    /// ```
    #[inline]
    pub fn try_reserve(&mut self, additional: usize) -> Result<(), AllocError> {
        if additional > self.capacity - self.len { self.grow(additional) } else { Ok(()) }
    }

    /// Shrinks the capacity: to the slot that fits, or back into the vector itself.
    ///
    /// If the smaller slot cannot be allocated, the vector is unchanged.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::SmallVec};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let mut vec = SmallVec::<u32, 2, lives::Frame>::from([1, 2, 3]);
    /// vec.truncate(2);
    /// assert!(vec.spilled());
    /// vec.shrink_to_fit();
    /// assert!(!vec.spilled());
    /// ```
    pub fn shrink_to_fit(&mut self) {
        // A vector is whole with a slot that is too large.
        let _ = self.set_capacity(self.len);
    }

    /// A vector of the elements in a slot.
    ///
    /// # Safety
    ///
    /// `slot` leads to a slot of `alloc` with the layout of `len` initialised elements, which is the
    /// vector's from now on.
    pub(super) unsafe fn from_slot(slot: NonNull<T>, len: usize, alloc: A) -> Self {
        let mut vec = Self::new_in(alloc);
        vec.len = len;
        if len > S::INLINE {
            vec.set_slot(slot, len);
        } else if size_of::<T>() != 0 && len != 0 {
            // SAFETY: it was allocated.
            let layout = unsafe { Layout::array::<T>(len).unwrap_unchecked() };
            // SAFETY: the caller's promise; there is room for `len` elements.
            unsafe { vec.take_inline(slot, layout) };
        }
        vec
    }

    /// The slot of the elements, made to fit their number, that number, and the allocator.
    pub(super) fn into_slot(mut self) -> (NonNull<T>, usize, A) {
        let slot = self.fitting_slot().unwrap_or_else(|error| {
            // The destructor of the vector runs if this unwinds.
            failed(error, Layout::for_value::<[T]>(&self))
        });
        let this = ManuallyDrop::new(self);
        // SAFETY: the vector is forgotten, so its allocator is moved out once.
        (slot, this.len, unsafe { ptr::read(&this.alloc) })
    }

    /// The elements in a slot that fits their number; the vector gives it up (S1) and must be forgotten.
    fn fitting_slot(&mut self) -> Result<NonNull<T>, AllocError> {
        let layout = array_layout::<T>(self.len)?;
        if self.spilled() {
            // SAFETY: it is.
            let old = unsafe { self.slot() }.cast();
            // SAFETY: S1; the vector is forgotten if this succeeds.
            return unsafe { self.alloc.realloc(old, self.slot_layout(), layout) }
                .map(NonNull::cast);
        }
        let slot = self.alloc.alloc(layout)?.cast::<T>();
        // SAFETY: a new slot of the layout of as many elements.
        unsafe { slot.as_ptr().copy_from_nonoverlapping(self.as_ptr(), self.len) };
        Ok(slot)
    }
}

impl<T, S: VecStorage<T>, A: RawAlloc> Drop for VecInner<T, S, A> {
    /// Drops the elements in order, then frees the slot, the latter also when a destructor panics.
    fn drop(&mut self) {
        let (spilled, layout) = (self.spilled(), self.slot_layout());
        let start = self.as_mut_ptr();
        let elements = ptr::slice_from_raw_parts_mut(start, self.len);
        // The guard is for a panic that unwinds; otherwise the slot is freed below.
        let slot = spilled.then(|| {
            // SAFETY: no address of an element is null.
            let start = unsafe { NonNull::new_unchecked(start) };
            // SAFETY: S1; the vector does not look at the slot afterwards.
            unsafe { Slot::<A, _>::own(start.cast(), layout, &self.alloc) }
        });
        // SAFETY: S2, and this is the last anyone sees of them.
        unsafe { ptr::drop_in_place(elements) };
        if let Some(slot) = slot {
            // SAFETY: S1, as above.
            unsafe { self.alloc.free(slot.keep(), layout) };
        }
    }
}
