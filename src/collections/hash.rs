//! Hash maps, sets and tables: `hashbrown`'s, in a family.

use core::hash::{BuildHasher, Hash};

use hashbrown::DefaultHashBuilder;

use super::FamilyCollection;
use crate::family::Family;
use crate::in_family::In;

/// `hashbrown::HashMap` in family `F`, with its default hasher unless another one is named.
///
/// # Examples
///
/// ```
/// # use famalloc::{alloc_family, Snapshot};
/// # #[alloc_family]
/// # enum Lives { Level }
/// use famalloc::collections::{FamilyCollection, HashMap};
///
/// let mut names = HashMap::<u32, &str, lives::Level>::new_in_family();
/// names.insert(7, "seven");
/// assert_eq!(names.get(&7), Some(&"seven"));
/// assert_eq!(Snapshot::of::<Lives>().family("Level").unwrap().live_objects, 1);
/// ```
pub type HashMap<K, V, F, S = DefaultHashBuilder> = hashbrown::HashMap<K, V, S, In<F>>;

/// `hashbrown::HashSet` in family `F`, with its default hasher unless another one is named.
///
/// # Examples
///
/// ```
/// # use famalloc::alloc_family;
/// # #[alloc_family]
/// # enum Lives { Level }
/// use famalloc::collections::{FamilyCollection, HashSet};
///
/// let primes = HashSet::<u32, lives::Level>::from_iter_in_family([2, 3, 5]);
/// assert!(primes.contains(&3) && !primes.contains(&4));
/// ```
pub type HashSet<T, F, S = DefaultHashBuilder> = hashbrown::HashSet<T, S, In<F>>;

/// `hashbrown::HashTable` in family `F`: the caller computes the hashes.
///
/// # Examples
///
/// ```
/// # use famalloc::{alloc_family, In};
/// # #[alloc_family]
/// # enum Lives { Level }
/// use famalloc::collections::HashTable;
///
/// let mut table = HashTable::<u64, lives::Level>::new_in(In::new());
/// table.insert_unique(7, 7, |&number| number);
/// assert_eq!(table.find(7, |&number| number == 7), Some(&7));
/// ```
pub type HashTable<T, F> = hashbrown::HashTable<T, In<F>>;

impl<K: Eq + Hash, V, F: Family, S: BuildHasher + Default> FamilyCollection
    for HashMap<K, V, F, S>
{
    type Item = (K, V);

    fn new_in_family() -> Self {
        Self::with_hasher_in(S::default(), In::new())
    }

    fn with_capacity_in_family(capacity: usize) -> Self {
        Self::with_capacity_and_hasher_in(capacity, S::default(), In::new())
    }
}

impl<T: Eq + Hash, F: Family, S: BuildHasher + Default> FamilyCollection for HashSet<T, F, S> {
    type Item = T;

    fn new_in_family() -> Self {
        Self::with_hasher_in(S::default(), In::new())
    }

    fn with_capacity_in_family(capacity: usize) -> Self {
        Self::with_capacity_and_hasher_in(capacity, S::default(), In::new())
    }
}
