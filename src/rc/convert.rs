//! From plain values and from boxes of the same allocator.

use core::ptr::NonNull;

use super::Counted;
use super::counter::Counter;
use super::raw::{no_slot, slot_for};
use crate::boxed::FamilyBox;
use crate::boxed::raw::with_address_of;
use crate::error::AllocError;
use crate::raw_alloc::RawAlloc;

use core::alloc::Layout;

impl<T, A: RawAlloc + Default, C: Counter> From<T> for Counted<T, A, C> {
    /// [`new_in`](Counted::new_in).
    #[inline]
    fn from(value: T) -> Self {
        Self::new_in(value, A::default())
    }
}

impl<T: ?Sized, A: RawAlloc, C: Counter> From<FamilyBox<T, A>> for Counted<T, A, C> {
    /// Moves the value to a slot with a counter, whatever its size, and frees the slot of the box.
    fn from(boxed: FamilyBox<T, A>) -> Self {
        let address = match Self::slot_like(&boxed) {
            Ok(address) => address,
            Err(error) => no_slot(error, Layout::for_value::<T>(&boxed)),
        };
        // SAFETY: a new slot for that value.
        unsafe { Self::moved_from(boxed, address) }
    }
}

impl<T: ?Sized, A: RawAlloc, C: Counter> Counted<T, A, C> {
    /// Moves the value as `From` does, or returns an error; then the value is dropped.
    pub(super) fn try_from_boxed(boxed: FamilyBox<T, A>) -> Result<Self, AllocError> {
        let address = Self::slot_like(&boxed)?;
        // SAFETY: a new slot for that value.
        Ok(unsafe { Self::moved_from(boxed, address) })
    }

    /// A slot of the same allocator for the same value, and its counter.
    fn slot_like(boxed: &FamilyBox<T, A>) -> Result<NonNull<u8>, AllocError> {
        let layout = Layout::for_value::<T>(boxed);
        slot_for(layout, C::alone(), |layout| FamilyBox::allocator(boxed).alloc(layout))
    }

    /// Moves the value to a slot with a counter, and frees the slot of the box.
    ///
    /// # Safety
    ///
    /// `address` comes from [`Self::slot_like`] of the same box, and is used once.
    unsafe fn moved_from(boxed: FamilyBox<T, A>, address: NonNull<u8>) -> Self {
        let layout = Layout::for_value::<T>(&boxed);
        let (source, alloc) = FamilyBox::into_parts(boxed);
        // SAFETY: both are as long as the value, and the slot is new, so they do not overlap.
        unsafe { address.copy_from_nonoverlapping(source.cast(), layout.size()) };
        let value = with_address_of(source.as_ptr(), address);
        // SAFETY: the address of a slot is not null.
        let value = unsafe { NonNull::new_unchecked(value) };
        // SAFETY: the slot of the box, with the layout of the value, which moved out of it.
        unsafe { alloc.free(source.cast(), layout) };
        // SAFETY: the value moved to a slot of its layout, whose counter counts this handle.
        unsafe { Self::from_parts(value, alloc) }
    }
}

impl<T, A: RawAlloc + Default, C: Counter> FromIterator<T> for Counted<[T], A, C> {
    /// Collects into a box of the family, and moves that to a slot with a counter when its length is
    /// known.
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        FamilyBox::<[T], A>::from_iter(elements).into()
    }
}

impl<P, A: RawAlloc, C: Counter> FromIterator<P> for Counted<str, A, C>
where
    FamilyBox<str, A>: FromIterator<P>,
{
    /// Collects the same pieces as a box of text.
    fn from_iter<I: IntoIterator<Item = P>>(pieces: I) -> Self {
        FamilyBox::<str, A>::from_iter(pieces).into()
    }
}
