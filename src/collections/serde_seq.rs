//! A sequence, for a field whose type lacks `Deserialize`: `#[serde(with = "..::serde_seq")]`.
//!
//! Needed for the standard library's collections with a custom allocator (module `nightly`), which have
//! neither of serde's traits, and for the vector of `allocator-api2` 0.2. Any [`FamilyCollection`] will
//! do.

use core::fmt;
use core::marker::PhantomData;

use serde_core::de::{SeqAccess, Visitor};
use serde_core::{Deserialize, Deserializer, Serialize, Serializer};

use super::FamilyCollection;

/// The most bytes of room that a claimed length is believed for.
const MOST_BYTES: usize = 64 << 10;

/// The room to begin with for a sequence of items of type `T` that claims a length.
pub(crate) fn cautious_capacity<T>(claimed: Option<usize>) -> usize {
    claimed.unwrap_or(0).min(MOST_BYTES / size_of::<T>().max(1))
}

/// Writes a collection as a sequence of its items.
///
/// # Errors
///
/// If the serializer or an item fails.
pub fn serialize<C, S>(collection: &C, serializer: S) -> Result<S::Ok, S::Error>
where
    C: FamilyCollection<Item: Serialize>,
    for<'a> &'a C: IntoIterator<Item = &'a C::Item>,
    S: Serializer,
{
    serializer.collect_seq(collection)
}

/// Reads a sequence into a collection, in its family.
///
/// # Errors
///
/// If the deserializer or an item fails; what was read before is dropped.
///
/// # Examples
///
/// ```
/// # use famalloc::alloc_family;
/// # #[alloc_family]
/// # enum Lives { Level }
/// use famalloc::collections::{Vec, serde_seq};
///
/// let mut json = serde_json::Deserializer::from_str("[1, 2, 3]");
/// let numbers: Vec<u32, lives::Level> = serde_seq::deserialize(&mut json)?;
/// assert_eq!(numbers, [1, 2, 3]);
///
/// let mut json = Vec::<u8, lives::Level>::new();
/// serde_seq::serialize(&numbers, &mut serde_json::Serializer::new(&mut json))?;
/// assert_eq!(json, *b"[1,2,3]");
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn deserialize<'de, C, D>(deserializer: D) -> Result<C, D::Error>
where
    C: FamilyCollection<Item: Deserialize<'de>>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_seq(Items(PhantomData))
}

struct Items<C>(PhantomData<C>);

impl<'de, C: FamilyCollection<Item: Deserialize<'de>>> Visitor<'de> for Items<C> {
    type Value = C;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<C, A::Error> {
        let capacity = cautious_capacity::<C::Item>(items.size_hint());
        let mut collection = C::with_capacity_in_family(capacity);
        while let Some(item) = items.next_element()? {
            collection.extend([item]);
        }
        Ok(collection)
    }
}
