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
        // SAFETY: `len` is never above the number of slots, and they are not equal.
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
            resize(&mut self.slots, self.len);
        }
        let builder = ManuallyDrop::new(self);
        // SAFETY: the builder is forgotten, so its slots are moved out once.
        let slots = unsafe { ptr::read(&builder.slots) };
        // SAFETY: all `len` elements are initialised, and the slot is that long.
        unsafe { slots.assume_init() }
    }

    #[cold]
    fn grow(&mut self) {
        let Some(least) = self.len.checked_add(1) else { capacity_overflow() };
        let doubled = self.slots.len().saturating_mul(2);
        resize(&mut self.slots, doubled.max(least).max(Self::FIRST_CAPACITY));
    }
}

impl<T, A: RawAlloc> FamilyBox<[T], A> {
    /// The same elements, and more behind them.
    pub(crate) fn extended(self, more: impl Iterator<Item = T>) -> Self {
        let mut builder = SliceBuilder::from_box(self);
        more.for_each(|element| builder.push(element));
        builder.finish()
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

/// Changes the length of a slot, which keeps what it holds up to the shorter length.
fn resize<T, A: RawAlloc>(slots: &mut FamilyBox<[MaybeUninit<T>], A>, len: usize) {
    let old = Layout::for_value::<[MaybeUninit<T>]>(slots);
    let Ok(new) = array_layout::<T>(len) else { capacity_overflow() };
    // SAFETY: B2; the old address is overwritten below.
    match unsafe { slots.alloc.realloc(slots.value.cast(), old, new) } {
        // A slot of the layout of this slice, which need not be initialised.
        Ok(start) => slots.value = NonNull::slice_from_raw_parts(start.cast(), len),
        Err(error) => failed(error, new),
    }
}
