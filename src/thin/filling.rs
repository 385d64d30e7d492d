//! Slots in the making: room for elements, filled one by one.

use core::alloc::Layout;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ptr::{self, NonNull};

use super::ThinSlice;
use crate::boxed::FamilyBox;
use crate::boxed::raw::{Slot, capacity_overflow, failed};
use crate::error::{AllocError, AllocErrorKind};
use crate::heap::alloc::array_layout;
use crate::raw_alloc::RawAlloc;
use crate::rc::slot;

/// The alignment up to which what is empty takes no slot.
const FREE_ALIGN: usize = 64;

/// Whether a slice of this length has no slot.
#[inline(always)]
pub(super) const fn is_free<T>(len: usize) -> bool {
    len == 0 && align_of::<T>() <= FREE_ALIGN
}

/// A length of 0, and behind it the address of no elements.
#[repr(C, align(64))]
struct Empty([u64; FREE_ALIGN / size_of::<u64>()]);

static EMPTY: Empty = Empty([0; FREE_ALIGN / size_of::<u64>()]);

/// Room for elements whose number stands in front of them.
pub(super) struct Room<T> {
    pub(super) elements: NonNull<T>,
    /// Nothing frees it meanwhile.
    slot: Option<(NonNull<u8>, Layout)>,
}

impl<T> Room<T> {
    /// For as many.
    pub(super) fn try_new(len: usize, alloc: &impl RawAlloc) -> Result<Self, AllocError> {
        if is_free::<T>(len) {
            let behind = (&raw const EMPTY).cast_mut().cast::<T>();
            // SAFETY: to the end of the constant, whose length is a multiple of the alignment.
            let behind = unsafe { behind.byte_add(size_of::<Empty>()) };
            // SAFETY: the address of a constant is not null.
            let elements = unsafe { NonNull::new_unchecked(behind) };
            return Ok(Self { elements, slot: None });
        }
        let value = array_layout::<T>(len)?;
        let layout = slot::layout(value)?;
        let start = alloc.alloc(layout)?;
        // SAFETY: a slot of the layout that belongs to `value`.
        let elements = unsafe { slot::value_in(start, value) };
        // SAFETY: just computed.
        let word = unsafe { slot::word::<u64>(elements) };
        // SAFETY: the slot is new, and the word lies in it.
        unsafe { word.write(len as u64) };
        Ok(Self { elements: elements.cast(), slot: Some((start, layout)) })
    }

    /// The same, or no return.
    pub(super) fn or_failed(len: usize, alloc: &impl RawAlloc) -> Self {
        Self::try_new(len, alloc).unwrap_or_else(|error| {
            match array_layout::<T>(len).and_then(slot::layout) {
                Ok(layout) if error.kind() != AllocErrorKind::TooLarge => failed(error, layout),
                _ => capacity_overflow(),
            }
        })
    }
}

/// A slice in the making: its first `len` elements are valid, its length is that of the slot.
///
/// Dropping it drops those and frees the slot, the latter also when a destructor panics.
pub(super) struct Filling<T, A: RawAlloc> {
    room: Room<T>,
    capacity: usize,
    len: usize,
    owns: PhantomData<T>,
    alloc: A,
}

impl<T, A: RawAlloc> Filling<T, A> {
    /// With room for as many.
    pub(super) fn try_new(capacity: usize, alloc: A) -> Result<Self, AllocError> {
        let room = Room::try_new(capacity, &alloc)?;
        Ok(Self { room, capacity, len: 0, owns: PhantomData, alloc })
    }

    /// The same, or no return.
    pub(super) fn or_failed(capacity: usize, alloc: A) -> Self {
        let room = Room::or_failed(capacity, &alloc);
        Self { room, capacity, len: 0, owns: PhantomData, alloc }
    }

    /// One more element; there has to be room.
    #[inline]
    pub(super) fn push(&mut self, element: T) {
        assert!(self.len < self.capacity, "there is room for the element");
        // SAFETY: a place in the slot.
        let place = unsafe { self.room.elements.add(self.len) };
        // SAFETY: as above, and nothing is there yet.
        unsafe { place.write(element) };
        self.len += 1;
    }

    /// Moves as many elements in as there is room for.
    ///
    /// # Safety
    ///
    /// At `source` there are that many; they are not the caller's any more.
    pub(super) unsafe fn fill_from(&mut self, source: *const T) {
        let target = self.room.elements.as_ptr();
        // SAFETY: as many, to a new slot for them.
        unsafe { source.copy_to_nonoverlapping(target, self.capacity) };
        self.len = self.capacity;
    }

    /// Leaves everything to the caller.
    fn into_parts(self) -> (Room<T>, A) {
        let this = ManuallyDrop::new(self);
        // SAFETY: it is forgotten, so its room is moved out once.
        let room = unsafe { ptr::read(&this.room) };
        // SAFETY: as above.
        (room, unsafe { ptr::read(&this.alloc) })
    }

    /// What there is of it, in a box.
    pub(super) fn cut(self) -> FamilyBox<[T], A> {
        // SAFETY: the first `len`; they are given up next.
        let moved = unsafe { move_to_slot(self.room.elements, self.len, &self.alloc) };
        // SAFETY: moved just now.
        unsafe { self.given_up_for(moved) }
    }

    /// The same, or an error; then the elements are dropped.
    pub(super) fn try_cut(self) -> Result<FamilyBox<[T], A>, AllocError> {
        // SAFETY: the first `len`; they are given up next, unless this fails.
        let moved = unsafe { try_move_to_slot(self.room.elements, self.len, &self.alloc) }?;
        // SAFETY: moved just now.
        Ok(unsafe { self.given_up_for(moved) })
    }

    /// Frees the slot, and owns the elements in another one.
    ///
    /// # Safety
    ///
    /// All elements moved there, to a slot of their own layout.
    unsafe fn given_up_for(self, moved: NonNull<[T]>) -> FamilyBox<[T], A> {
        let (room, alloc) = self.into_parts();
        if let Some((start, layout)) = room.slot {
            // SAFETY: allocated there with that layout, and the elements moved out.
            unsafe { alloc.free(start, layout) };
        }
        // SAFETY: the elements are in a slot of their layout, and nobody will see the originals.
        unsafe { FamilyBox::from_non_null_in(moved, alloc) }
    }

    /// The slice; all of it has to be filled.
    pub(super) fn finish(self) -> ThinSlice<T, A> {
        assert!(self.len == self.capacity, "every element was made");
        let (room, alloc) = self.into_parts();
        // SAFETY: the room is that allocator's, and full.
        unsafe { ThinSlice::from_parts(room.elements, alloc) }
    }
}

impl<T, A: RawAlloc> Drop for Filling<T, A> {
    fn drop(&mut self) {
        let elements = ptr::slice_from_raw_parts_mut(self.room.elements.as_ptr(), self.len);
        // SAFETY: allocated there with that layout, and nobody else frees it.
        let own = |(start, layout)| unsafe { Slot::<A, _>::own(start, layout, &self.alloc) };
        let _slot = self.room.slot.map(own);
        // SAFETY: they are valid, and this is the last anyone sees of them.
        unsafe { ptr::drop_in_place(elements) };
    }
}

/// Moves elements to a slot of the layout of a slice of them, or does not return.
///
/// # Safety
///
/// There are `len` elements, which are not the caller's any more when this returns.
pub(super) unsafe fn move_to_slot<T, A: RawAlloc>(
    elements: NonNull<T>,
    len: usize,
    alloc: &A,
) -> NonNull<[T]> {
    // SAFETY: passed on.
    unsafe { try_move_to_slot(elements, len, alloc) }.unwrap_or_else(|error| {
        match array_layout::<T>(len) {
            Ok(layout) => failed(error, layout),
            Err(_) => capacity_overflow(),
        }
    })
}

/// The same, or an error.
///
/// # Safety
///
/// There are `len` elements, which are not the caller's any more when this returns a slot.
unsafe fn try_move_to_slot<T, A: RawAlloc>(
    elements: NonNull<T>,
    len: usize,
    alloc: &A,
) -> Result<NonNull<[T]>, AllocError> {
    let slot = alloc.alloc(array_layout::<T>(len)?)?.cast();
    // SAFETY: to a new slot for as many.
    unsafe { elements.copy_to_nonoverlapping(slot, len) };
    Ok(NonNull::slice_from_raw_parts(slot, len))
}
