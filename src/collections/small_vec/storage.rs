//! Where the elements of a [`SmallVec`] are: in itself, or in a slot of the family.
//!
//! Three invariants, which the `SAFETY` comments of this folder cite:
//!
//! - **S1.** `capacity` is `INLINE` and the elements are in `inline`; or it is more, and `slot` leads
//!   to a slot of family `F` with the layout of `capacity` elements, which nobody else will free.
//! - **S2.** The first `len` elements are initialised and owned by the vector; `len <= capacity`.
//! - **S3.** Values without a size are always inline: `INLINE` is `usize::MAX` for them.

use core::alloc::Layout;
use core::marker::PhantomData;
use core::mem::{ManuallyDrop, MaybeUninit};
use core::ptr::NonNull;
use core::{ptr, slice};

use super::SmallVec;
use crate::boxed::{capacity_overflow, failed};
use crate::class::usable;
use crate::error::{AllocError, AllocErrorKind};
use crate::family::Family;
use crate::heap::alloc::array_layout;
use crate::heap::{alloc_layout_in, free_layout_in, realloc_layout_in};

/// Which of the two is there follows from the capacity (S1).
pub(super) union Storage<T, const N: usize> {
    inline: ManuallyDrop<[MaybeUninit<T>; N]>,
    slot: NonNull<T>,
}

/// A slot that is freed when it goes out of scope, whatever happens meanwhile.
struct SlotGuard<F: Family> {
    start: NonNull<u8>,
    layout: Layout,
    family: PhantomData<fn() -> F>,
}

impl<F: Family> Drop for SlotGuard<F> {
    fn drop(&mut self) {
        // SAFETY: the guard is made from a slot of this family and layout that is given up (S1).
        unsafe { free_layout_in::<F>(self.start, self.layout) };
    }
}

fn too_large() -> AllocError {
    AllocError::new(AllocErrorKind::TooLarge)
}

impl<T, const N: usize, F: Family> SmallVec<T, N, F> {
    /// How many elements need no slot.
    pub(super) const INLINE: usize = if size_of::<T>() == 0 { usize::MAX } else { N };
    /// The room taken at the first push into a vector that has none inline.
    const FIRST_CAPACITY: usize = if size_of::<T>() == 1 { 8 } else { 4 };

    /// An empty vector; nothing is allocated.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::SmallVec};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// const EMPTY: SmallVec<u32, 4, lives::Frame> = SmallVec::new();
    /// assert_eq!((EMPTY.len(), EMPTY.capacity()), (0, 4));
    /// ```
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        let inline = ManuallyDrop::new([const { MaybeUninit::uninit() }; N]);
        Self {
            len: 0,
            capacity: Self::INLINE,
            storage: Storage { inline },
            owns: PhantomData,
            family: PhantomData,
        }
    }

    /// The capacity in elements: at least `N`.
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

    /// Whether the elements are in a slot of the family, not inside the vector.
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
        self.capacity > Self::INLINE
    }

    /// The address of the elements.
    #[inline]
    #[must_use]
    pub const fn as_ptr(&self) -> *const T {
        if self.spilled() {
            // SAFETY: S1.
            unsafe { self.storage.slot }.as_ptr()
        } else {
            (&raw const self.storage).cast()
        }
    }

    /// The address of the elements, for writing.
    #[inline]
    #[must_use]
    pub const fn as_mut_ptr(&mut self) -> *mut T {
        if self.spilled() {
            // SAFETY: S1.
            unsafe { self.storage.slot }.as_ptr()
        } else {
            (&raw mut self.storage).cast()
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

    /// The layout of the slot of a spilled vector.
    #[inline]
    fn slot_layout(&self) -> Layout {
        // SAFETY: it was allocated (S1).
        unsafe { Layout::array::<T>(self.capacity).unwrap_unchecked() }
    }

    /// The slot of a spilled vector, to be freed by the guard.
    ///
    /// # Safety
    ///
    /// The vector is spilled and will not free the slot itself.
    unsafe fn guard(&self) -> SlotGuard<F> {
        // SAFETY: S1.
        let start = unsafe { self.storage.slot }.cast();
        SlotGuard { start, layout: self.slot_layout(), family: PhantomData }
    }

    /// Makes room for `least` elements, not fewer than there are, and not much more.
    pub(super) fn set_capacity(&mut self, least: usize) -> Result<(), AllocError> {
        debug_assert!(least >= self.len);
        if least <= Self::INLINE {
            if self.spilled() {
                self.move_inline();
            }
            return Ok(());
        }
        // All that the slot holds. Values of no size are never here (S3).
        let capacity = usable(array_layout::<T>(least)?) / size_of::<T>();
        let layout = array_layout::<T>(capacity)?;
        if capacity == self.capacity {
            return Ok(());
        }
        let slot = if self.spilled() {
            // SAFETY: S1.
            let old = unsafe { self.storage.slot }.cast();
            // SAFETY: S1; the old address is overwritten below.
            unsafe { realloc_layout_in::<F>(old, self.slot_layout(), layout)? }.cast::<T>()
        } else {
            let slot = alloc_layout_in::<F>(layout)?.cast::<T>();
            // SAFETY: a new slot with room for as many (S2).
            unsafe { slot.as_ptr().copy_from_nonoverlapping(self.as_ptr(), self.len) };
            slot
        };
        self.storage = Storage { slot };
        self.capacity = capacity;
        Ok(())
    }

    /// Moves the elements out of the slot, which is freed; there are at most `N` of them.
    fn move_inline(&mut self) {
        // SAFETY: the slot is forgotten below.
        let slot = unsafe { self.guard() };
        self.storage = Self::new_storage();
        self.capacity = Self::INLINE;
        let source = slot.start.cast::<T>().as_ptr();
        // SAFETY: `len` elements of the slot, to the room inside the vector for `N`.
        unsafe { source.copy_to_nonoverlapping(self.as_mut_ptr(), self.len) };
    }

    const fn new_storage() -> Storage<T, N> {
        Storage { inline: ManuallyDrop::new([const { MaybeUninit::uninit() }; N]) }
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
    /// `slot` leads to a slot of family `F` with the layout of `len` initialised elements, which is
    /// the vector's from now on.
    pub(super) unsafe fn from_slot(slot: NonNull<T>, len: usize) -> Self {
        let mut vec = Self::new();
        if len > Self::INLINE {
            vec.storage = Storage { slot };
            vec.capacity = len;
        } else if size_of::<T>() != 0 && len != 0 {
            // SAFETY: it was allocated.
            let layout = unsafe { Layout::array::<T>(len).unwrap_unchecked() };
            let _slot = SlotGuard::<F> { start: slot.cast(), layout, family: PhantomData };
            // SAFETY: `len` elements, to the room inside the vector for `N`.
            unsafe { slot.as_ptr().copy_to_nonoverlapping(vec.as_mut_ptr(), len) };
        }
        vec.len = len;
        vec
    }

    /// The slot of the elements, made to fit their number, and that number; the vector is used up.
    pub(super) fn into_slot(mut self) -> (NonNull<T>, usize) {
        let len = self.len;
        if size_of::<T>() == 0 || len == 0 {
            self.len = 0;
            return (NonNull::dangling(), len);
        }
        let fits = || -> Result<_, AllocError> {
            let layout = array_layout::<T>(len)?;
            if self.spilled() {
                // SAFETY: S1.
                let old = unsafe { self.storage.slot }.cast();
                // SAFETY: S1; the vector is forgotten below.
                return unsafe { realloc_layout_in::<F>(old, self.slot_layout(), layout) };
            }
            let slot = alloc_layout_in::<F>(layout)?;
            // SAFETY: a new slot of the layout of as many elements.
            unsafe { slot.cast::<T>().as_ptr().copy_from_nonoverlapping(self.as_ptr(), len) };
            Ok(slot)
        };
        match fits() {
            Ok(slot) => {
                let _ = ManuallyDrop::new(self);
                (slot.cast(), len)
            }
            Err(error) => failed(error, Layout::for_value::<[T]>(&self)),
        }
    }
}

impl<T, const N: usize, F: Family> Drop for SmallVec<T, N, F> {
    /// Drops the elements in order, then frees the slot, the latter also when a destructor panics.
    fn drop(&mut self) {
        // SAFETY: the vector does not look at the slot afterwards.
        let _slot = self.spilled().then(|| unsafe { self.guard() });
        let elements = ptr::slice_from_raw_parts_mut(self.as_mut_ptr(), self.len);
        // SAFETY: S2, and this is the last anyone sees of them.
        unsafe { ptr::drop_in_place(elements) };
    }
}
