//! `FamilyBox`: as the value that is inside. (Text has its `Deserialize` in `text`.)

use serde_core::{Deserialize, Deserializer, Serialize, Serializer};

use super::sequence::elements;
use crate::boxed::FamilyBox;
use crate::family::Family;
use crate::raw_alloc::RawAlloc;

impl<T: Serialize + ?Sized, A: RawAlloc> Serialize for FamilyBox<T, A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>, A: RawAlloc + Default> Deserialize<'de> for FamilyBox<T, A> {
    /// Takes the slot first; where the value cannot be made it is freed again.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let slot = FamilyBox::<T, A>::new_uninit();
        Ok(FamilyBox::write(slot, T::deserialize(deserializer)?))
    }

    /// Keeps the slot.
    fn deserialize_in_place<D: Deserializer<'de>>(
        deserializer: D,
        place: &mut Self,
    ) -> Result<(), D::Error> {
        T::deserialize_in_place(deserializer, place)
    }
}

impl<'de, T: Deserialize<'de>, F: Family> Deserialize<'de> for FamilyBox<[T], F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        elements::<T, 0, F, D>(deserializer).map(Into::into)
    }
}
