//! From plain values and from boxes of the same family.

use core::ptr::NonNull;

use super::Counted;
use super::counter::Counter;
use super::raw::{no_slot, slot_for};
use crate::boxed::FamilyBox;
use crate::boxed::raw::with_address_of;
use crate::family::Family;
use crate::heap::alloc_layout_in;

use core::alloc::Layout;

impl<T, F: Family, C: Counter> From<T> for Counted<T, F, C> {
    /// [`new_in`](Counted::new_in).
    #[inline]
    fn from(value: T) -> Self {
        Self::new_in(value, F::default())
    }
}

impl<T: ?Sized, F: Family, C: Counter> From<FamilyBox<T, F>> for Counted<T, F, C> {
    /// Moves the value to a slot with a counter, whatever its size, and frees the slot of the box.
    fn from(boxed: FamilyBox<T, F>) -> Self {
        let layout = Layout::for_value::<T>(&boxed);
        let address = match slot_for(layout, C::alone(), alloc_layout_in::<F>) {
            Ok(address) => address,
            Err(error) => no_slot(error, layout),
        };
        let (source, _slot) = {
            let mut slot = FamilyBox::into_slot(boxed);
            (NonNull::from(&mut **slot), slot)
        };
        // SAFETY: both are as long as the value, and the slot is new, so they do not overlap.
        unsafe { address.copy_from_nonoverlapping(source.cast(), layout.size()) };
        let value = with_address_of(source.as_ptr(), address);
        // SAFETY: the address of a slot is not null.
        let value = unsafe { NonNull::new_unchecked(value) };
        // SAFETY: the value moved to a slot of its layout, whose counter counts this handle.
        unsafe { Self::from_value(value) }
    }
}

impl<T, F: Family, C: Counter> FromIterator<T> for Counted<[T], F, C> {
    /// Collects into a box of the family, and moves that to a slot with a counter when its length is
    /// known.
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        FamilyBox::<[T], F>::from_iter(elements).into()
    }
}

impl<P, F: Family, C: Counter> FromIterator<P> for Counted<str, F, C>
where
    FamilyBox<str, F>: FromIterator<P>,
{
    /// Collects the same pieces as a box of text.
    fn from_iter<I: IntoIterator<Item = P>>(pieces: I) -> Self {
        FamilyBox::<str, F>::from_iter(pieces).into()
    }
}
