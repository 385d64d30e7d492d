//! A map, for a field whose type lacks `Deserialize`: `#[serde(with = "..::serde_map")]`.
//!
//! Needed for the standard library's collections with a custom allocator (module `nightly`), which have
//! neither of serde's traits. Any [`FamilyCollection`] of pairs will do.

use core::fmt;
use core::marker::PhantomData;

use serde_core::de::{MapAccess, Visitor};
use serde_core::{Deserialize, Deserializer, Serialize, Serializer};

use super::FamilyCollection;
use super::serde_seq::cautious_capacity;

/// Writes a collection of pairs as a map.
///
/// # Errors
///
/// If the serializer or an item fails.
pub fn serialize<C, K, V, S>(collection: &C, serializer: S) -> Result<S::Ok, S::Error>
where
    C: FamilyCollection<Item = (K, V)>,
    for<'a> &'a C: IntoIterator<Item = (&'a K, &'a V)>,
    K: Serialize,
    V: Serialize,
    S: Serializer,
{
    serializer.collect_map(collection)
}

/// Reads a map into a collection of pairs, in its family.
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
/// # #[cfg(feature = "hashbrown")] {
/// use famalloc::collections::{HashMap, serde_map, Vec};
///
/// let mut json = serde_json::Deserializer::from_str(r#"{"a":1}"#);
/// let ages: HashMap<String, u32, lives::Level> = serde_map::deserialize(&mut json)?;
/// assert_eq!(ages["a"], 1);
///
/// let mut json = Vec::<u8, lives::Level>::new();
/// serde_map::serialize(&ages, &mut serde_json::Serializer::new(&mut json))?;
/// assert_eq!(json, *br#"{"a":1}"#);
/// # }
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn deserialize<'de, C, K, V, D>(deserializer: D) -> Result<C, D::Error>
where
    C: FamilyCollection<Item = (K, V)>,
    K: Deserialize<'de>,
    V: Deserialize<'de>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_map(Pairs(PhantomData))
}

struct Pairs<C>(PhantomData<C>);

impl<'de, C, K, V> Visitor<'de> for Pairs<C>
where
    C: FamilyCollection<Item = (K, V)>,
    K: Deserialize<'de>,
    V: Deserialize<'de>,
{
    type Value = C;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<C, A::Error> {
        let capacity = cautious_capacity::<(K, V)>(pairs.size_hint());
        let mut collection = C::with_capacity_in_family(capacity);
        while let Some(pair) = pairs.next_entry()? {
            collection.extend([pair]);
        }
        Ok(collection)
    }
}
