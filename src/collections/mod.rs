//! Collections whose memory comes from a family.
//!
//! | collection | is | feature |
//! |---|---|---|
//! | [`Vec<T, A>`](Vec) | ours: a vector | |
//! | [`SmallVec<T, N, A>`](SmallVec) | ours: up to `N` elements inside the vector, more in a slot of `A` | |
//! | [`String<A>`](String) | ours: text in a `Vec<u8, A>` | |
//! | `HashMap<K, V, F>`, `HashSet<T, F>`, `HashTable<T, F>` | `hashbrown`'s | `hashbrown` |
//! | `api2_02::Vec<T, F>`, `api2_02::Box<T, F>` | those of `allocator-api2` 0.2 | `allocator-api2-02` |
//! | `api2_04::Vec<T, F>`, `api2_04::Box<T, F>` | those of `allocator-api2` 0.4 | `allocator-api2-04` |
//! | `nightly::{Vec, VecDeque, BTreeMap, BTreeSet, BinaryHeap, LinkedList, Box, Rc, Arc}` | the standard library's | `nightly` |
//!
//! `A` is any [allocator](crate::RawAlloc): a family `F`, a family known at run time, a region
//! ([`RegionVec`](crate::region::RegionVec), [`RegionString`](crate::region::RegionString)).
//!
//! Only the nightly compiler has a double-ended queue and a tree map with an allocator. Any other
//! collection with an allocator of one of these traits accepts [`In<F>`](crate::In): `bumpalo`, `smallvec`
//! 2 (a beta so far) and others use `allocator-api2`.
//!
//! A reference to a [`Region`](crate::Region) is such an allocator as well: the collection borrows the
//! region, and its memory is freed with it.
//!
//! ```
//! # use famalloc::{alloc_family, Region};
//! # #[alloc_family]
//! # enum Lives { Request }
//! # #[cfg(feature = "hashbrown")] {
//! let request = Region::<lives::Request>::new();
//! let mut headers = hashbrown::HashMap::new_in(&request);
//! headers.insert("host", "example.org");
//! # }
//! ```
//!
//! The features can be combined freely; none changes the meaning of another's names.
//!
//! # Construction
//!
//! Every collection has `new_in` and `with_capacity_in`, which take the allocator as an argument. Where the
//! type determines the family, [`FamilyCollection`] needs no argument:
//!
//! ```
//! # use famalloc::alloc_family;
//! # #[alloc_family]
//! # enum Lives { Level }
//! # #[cfg(feature = "hashbrown")] {
//! use famalloc::collections::{FamilyCollection, HashMap};
//!
//! let mut ages = HashMap::<&str, u32, lives::Level>::with_capacity_in_family(100);
//! ages.insert("Ada", 36);
//!
//! let squares: HashMap<u32, u32, lives::Level> =
//!     FamilyCollection::from_iter_in_family((0..10).map(|x| (x, x * x)));
//! assert_eq!(squares[&7], 49);
//! # }
//! ```
//!
//! # Serialisation
//!
//! With the feature `serde` everything in this table can be serialised and deserialised, and so can
//! [`FamilyBox`](crate::FamilyBox): this crate implements it for its own types, and enables the features
//! of the other crates for theirs. Deserialised data is allocated directly in the family. Two kinds of
//! collections lack `Deserialize`: the standard library's with a custom allocator, and the vector of
//! `allocator-api2` 0.2, which has it only with that crate's feature `serde`, which needs the standard
//! library. For such fields there are
#![cfg_attr(
    feature = "serde",
    doc = "[`serde_seq`] and [`serde_map`], to be named in `#[serde(with = \"..\")]`."
)]
#![cfg_attr(
    not(feature = "serde"),
    doc = "`serde_seq` and `serde_map`, to be named in `#[serde(with = \"..\")]`."
)]

#[cfg(all(feature = "allocator-api2-02", feature = "std"))]
pub mod api2_02;
#[cfg(all(feature = "allocator-api2-04", feature = "std"))]
pub mod api2_04;
mod construct;
#[cfg(feature = "hashbrown")]
mod hash;
mod like_its_target;
#[cfg(all(feature = "nightly", feature = "std"))]
pub mod nightly;
#[cfg(feature = "serde")]
pub mod serde_map;
#[cfg(feature = "serde")]
pub mod serde_seq;
pub mod string;
pub mod vec;

pub use self::construct::FamilyCollection;
#[cfg(feature = "hashbrown")]
pub use self::hash::{HashMap, HashSet, HashTable};
pub use self::string::String;
pub use self::vec::{SmallVec, Vec};
