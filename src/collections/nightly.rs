//! The standard library's own collections and handles, in a family. For the nightly compiler.
//!
//! Their `new_in` and `with_capacity_in` take [`In`]; [`FamilyCollection`] needs
//! no argument.

use std::collections as of_std;

use super::FamilyCollection;
use super::construct::family_collection;
use crate::family::Family;
use crate::in_family::In;

/// The standard library's vector in family `F`.
///
/// # Examples
///
/// ```
/// #![feature(allocator_api)]
/// # use famalloc::alloc_family;
/// # #[alloc_family]
/// # enum Lives { Frame }
/// use famalloc::collections::{nightly::Vec, FamilyCollection};
///
/// let numbers = Vec::<u32, lives::Frame>::from_iter_in_family([1, 2, 3]);
/// assert_eq!(numbers, [1, 2, 3]);
/// ```
pub type Vec<T, F> = std::vec::Vec<T, In<F>>;

/// The standard library's double-ended queue in family `F`.
pub type VecDeque<T, F> = of_std::VecDeque<T, In<F>>;

/// The standard library's heap in family `F`.
pub type BinaryHeap<T, F> = of_std::BinaryHeap<T, In<F>>;

/// The standard library's linked list in family `F`.
pub type LinkedList<T, F> = of_std::LinkedList<T, In<F>>;

/// The standard library's sorted map in family `F`.
///
/// # Examples
///
/// ```
/// #![feature(allocator_api)]
/// # use famalloc::alloc_family;
/// # #[alloc_family]
/// # enum Lives { Frame }
/// use famalloc::collections::{nightly::BTreeMap, FamilyCollection};
///
/// let names = BTreeMap::<u32, &str, lives::Frame>::from_iter_in_family([(2, "b"), (1, "a")]);
/// assert!(names.values().eq(&["a", "b"]));
/// ```
pub type BTreeMap<K, V, F> = of_std::BTreeMap<K, V, In<F>>;

/// The standard library's sorted set in family `F`.
pub type BTreeSet<T, F> = of_std::BTreeSet<T, In<F>>;

/// The standard library's `Box` in family `F`, which coerces to trait objects by itself.
///
/// # Examples
///
/// ```
/// #![feature(allocator_api)]
/// # use famalloc::{alloc_family, In};
/// # #[alloc_family]
/// # enum Lives { Frame }
/// use famalloc::collections::nightly::Box;
///
/// let add: Box<dyn Fn(u32) -> u32, lives::Frame> = Box::new_in(|x| x + 1, In::new());
/// assert_eq!(add(1), 2);
/// ```
pub type Box<T, F> = std::boxed::Box<T, In<F>>;

/// The standard library's `Rc` in family `F`.
pub type Rc<T, F> = std::rc::Rc<T, In<F>>;

/// The standard library's `Arc` in family `F`.
pub type Arc<T, F> = std::sync::Arc<T, In<F>>;

family_collection! {
    [T, F: Family] Vec<T, F>, of T;
    [T, F: Family] VecDeque<T, F>, of T;
    [T: Ord, F: Family] BinaryHeap<T, F>, of T;
}

/// The same for collections without a capacity.
macro_rules! family_collection_of_nodes {
    ($([$($generics:tt)*] $collection:ty, of $item:ty);* $(;)?) => {$(
        impl<$($generics)*> FamilyCollection for $collection {
            type Item = $item;

            fn new_in_family() -> Self {
                Self::new_in(In::new())
            }

            fn with_capacity_in_family(_: usize) -> Self {
                Self::new_in_family()
            }
        }
    )*};
}

family_collection_of_nodes! {
    [T, F: Family] LinkedList<T, F>, of T;
    [K: Ord, V, F: Family] BTreeMap<K, V, F>, of (K, V);
    [T: Ord, F: Family] BTreeSet<T, F>, of T;
}
