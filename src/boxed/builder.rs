//! A builder of slices: elements are pushed one by one, and a panic leaks none.
//!
//! The first `len` elements of `slots` are initialised, the others are not. Dropping the builder
//! drops the former and frees the slot, in this order, and frees it even when an element's
//! destructor panics, since the slot is a field with a destructor of its own.

use core::alloc::Layout;
use core::mem::{ManuallyDrop, MaybeUninit};
use core::ptr::{self, NonNull};

use super::FamilyBox;
use super::raw::{capacity_overflow, failed};
use crate::error::{AllocError, AllocErrorKind};
use crate::heap::alloc::array_layout;
use crate::raw_alloc::RawAlloc;

pub(super) struct SliceBuilder<T, A: RawAlloc> {
    slots: FamilyBox<[MaybeUninit<T>], A>,
    len: usize,
}

impl<T, A: RawAlloc> SliceBuilder<T, A> {
    /// The room taken at the first push into a builder without any.
    const FIRST_CAPACITY: usize = 4;

    /// A builder with room for `capacity` elements; values without a size need none.
    pub(super) fn with_capacity_in(capacity: usize, alloc: A) -> Self {
        let capacity = if size_of::<T>() == 0 { usize::MAX } else { capacity };
        Self { slots: FamilyBox::<[T], A>::new_uninit_slice_in(capacity, alloc), len: 0 }
    }

    /// The same, or an error.
    pub(super) fn try_with_capacity_in(capacity: usize, alloc: A) -> Result<Self, AllocError> {
        let capacity = if size_of::<T>() == 0 { usize::MAX } else { capacity };
        let slots = FamilyBox::<[T], A>::try_new_uninit_slice_in(capacity, alloc)?;
        Ok(Self { slots, len: 0 })
    }

    /// A builder that goes on from a slice.
    fn from_box(elements: FamilyBox<[T], A>) -> Self {
        let len = elements.len();
        let capacity = if size_of::<T>() == 0 { usize::MAX } else { len };
        let view = |elements: *mut [T]| {
            ptr::slice_from_raw_parts_mut(elements.cast::<MaybeUninit<T>>(), capacity)
        };
        // SAFETY: what is initialised may be seen as something that need not be; values without a size take
        // no room, however many.
        Self { slots: unsafe { FamilyBox::view_as(elements, view) }, len }
    }

    /// Adds an element at the end.
    #[inline]
    pub(super) fn push(&mut self, element: T) {
        if self.len == self.slots.len() {
            self.grow();
        }
        // SAFETY: there is room now.
        unsafe { self.put(element) };
    }

    /// The same, or an error; then the element is dropped.
    #[inline]
    pub(super) fn try_push(&mut self, element: T) -> Result<(), AllocError> {
        if self.len == self.slots.len() {
            self.try_grow()?;
        }
        // SAFETY: there is room now.
        unsafe { self.put(element) };
        Ok(())
    }

    /// Adds an element at the end.
    ///
    /// # Safety
    ///
    /// There are more slots than elements.
    #[inline(always)]
    unsafe fn put(&mut self, element: T) {
        // SAFETY: `len` is below the number of slots (contract).
        unsafe { self.slots.get_unchecked_mut(self.len) }.write(element);
        self.len += 1;
    }

    /// Fills a builder that was made with the room for it, without asking for room each time.
    pub(super) fn fill_with_clones(&mut self, elements: &[T])
    where
        T: Clone,
    {
        for (slot, element) in self.slots[self.len..].iter_mut().zip(elements) {
            slot.write(element.clone());
            self.len += 1;
        }
    }

    /// The slice, in a slot of exactly its length.
    pub(super) fn finish(mut self) -> FamilyBox<[T], A> {
        if self.len != self.slots.len() {
            let len = self.len;
            resize(&mut self.slots, len).unwrap_or_else(|error| no_slots::<T>(error, len));
        }
        self.into_slots()
    }

    /// The same, or an error; then the elements are dropped.
    pub(super) fn try_finish(mut self) -> Result<FamilyBox<[T], A>, AllocError> {
        if self.len != self.slots.len() {
            resize(&mut self.slots, self.len)?;
        }
        Ok(self.into_slots())
    }

    /// The slice; there is no slot without an element.
    fn into_slots(self) -> FamilyBox<[T], A> {
        debug_assert!(self.len == self.slots.len());
        let builder = ManuallyDrop::new(self);
        // SAFETY: the builder is forgotten, so its slots are moved out once.
        let slots = unsafe { ptr::read(&builder.slots) };
        // SAFETY: all `len` elements are initialised, and the slot is that long.
        unsafe { slots.assume_init() }
    }

    #[cold]
    fn grow(&mut self) {
        self.try_grow().unwrap_or_else(|error| no_slots::<T>(error, self.len.saturating_add(1)));
    }

    /// Makes room for at least one element more: for twice as many, or near a limit for as many as can be had.
    #[cold]
    fn try_grow(&mut self) -> Result<(), AllocError> {
        let too_large = AllocError::new(AllocErrorKind::TooLarge);
        let least = self.len.checked_add(1).ok_or(too_large)?;
        let doubled = self.slots.len().saturating_mul(2);
        let mut spare = doubled.max(least).max(Self::FIRST_CAPACITY) - least;
        loop {
            match resize(&mut self.slots, least.saturating_add(spare)) {
                Err(_) if spare > 0 => spare /= 2,
                done => return done,
            }
        }
    }
}

impl<T, A: RawAlloc> FamilyBox<[T], A> {
    /// The same elements, and more behind them.
    pub(crate) fn extended(self, more: impl Iterator<Item = T>) -> Self {
        let mut builder = SliceBuilder::from_box(self);
        more.for_each(|element| builder.push(element));
        builder.finish()
    }

    /// The same, or an error; then all elements are dropped.
    pub(crate) fn try_extended(
        self,
        mut more: impl Iterator<Item = T>,
    ) -> Result<Self, AllocError> {
        let mut builder = SliceBuilder::from_box(self);
        more.try_for_each(|element| builder.try_push(element))?;
        builder.try_finish()
    }
}

impl<T, A: RawAlloc> Drop for SliceBuilder<T, A> {
    fn drop(&mut self) {
        let elements = self.slots.as_mut_ptr().cast::<T>();
        // SAFETY: the first `len` elements are initialised, and this is the last anyone sees of
        // them.
        unsafe { ptr::drop_in_place(ptr::slice_from_raw_parts_mut(elements, self.len)) };
    }
}

/// Changes the length of a slot, which keeps what it holds up to the shorter length. After an error it is as before.
fn resize<T, A: RawAlloc>(
    slots: &mut FamilyBox<[MaybeUninit<T>], A>,
    len: usize,
) -> Result<(), AllocError> {
    let old = Layout::for_value::<[MaybeUninit<T>]>(slots);
    let new = array_layout::<T>(len)?;
    // SAFETY: B2; the old address is overwritten below.
    let start = unsafe { slots.alloc.realloc(slots.value.cast(), old, new) }?;
    // A slot of the layout of this slice, which need not be initialised.
    slots.value = NonNull::slice_from_raw_parts(start.cast(), len);
    Ok(())
}

/// What the infallible calls do when there is no slot for as many.
#[cold]
#[inline(never)]
fn no_slots<T>(error: AllocError, len: usize) -> ! {
    match array_layout::<T>(len) {
        Ok(layout) => failed(error, layout),
        Err(_) => capacity_overflow(),
    }
}
