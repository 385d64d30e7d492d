//! [`FamilyCollection`]: collections constructed without an allocator argument.

use super::vec::{VecInner, VecStorage};
#[cfg(all(
    feature = "std",
    any(feature = "allocator-api2-02", feature = "allocator-api2-04")
))]
use crate::family::Family;
#[cfg(all(
    feature = "std",
    any(feature = "allocator-api2-02", feature = "allocator-api2-04")
))]
use crate::in_family::In;
use crate::raw_alloc::RawAlloc;

/// A collection in a family: constructed empty, with a capacity, or from an iterator.
///
/// The family is part of the collection's type, so no argument is needed. The standard library's `Default`
/// and `FromIterator` do not help, since most collections implement them only for the global allocator.
///
/// # Examples
///
/// ```
/// # use famalloc::alloc_family;
/// # #[alloc_family]
/// # enum Lives { Frame }
/// use famalloc::collections::{FamilyCollection, Vec};
///
/// fn first_squares<C: FamilyCollection<Item = u32>>(count: u32) -> C {
///     C::from_iter_in_family((0..count).map(|x| x * x))
/// }
///
/// let squares: Vec<u32, lives::Frame> = first_squares(4);
/// assert_eq!(squares, [0, 1, 4, 9]);
///
/// # #[cfg(feature = "allocator-api2-04")] {
/// use famalloc::collections::api2_04;
///
/// let squares: api2_04::Vec<u32, lives::Frame> = first_squares(4);
/// assert_eq!(squares, [0, 1, 4, 9]);
/// # }
/// ```
pub trait FamilyCollection: Sized + Extend<Self::Item> {
    /// The items of the collection; pairs for a map.
    type Item;

    /// An empty collection. Nothing is allocated.
    #[must_use]
    fn new_in_family() -> Self;

    /// An empty collection with a capacity for `capacity` items, if it is of a kind that has one.
    #[must_use]
    fn with_capacity_in_family(capacity: usize) -> Self;

    /// A collection of all items of an iterator.
    #[must_use]
    fn from_iter_in_family(items: impl IntoIterator<Item = Self::Item>) -> Self {
        let mut collection = Self::new_in_family();
        collection.extend(items);
        collection
    }
}

impl<T, S: VecStorage<T>, A: RawAlloc + Default> FamilyCollection for VecInner<T, S, A> {
    type Item = T;

    fn new_in_family() -> Self {
        Self::default()
    }

    fn with_capacity_in_family(capacity: usize) -> Self {
        Self::with_capacity(capacity)
    }
}

/// The same for collections with `new_in` and `with_capacity_in`.
#[cfg(all(
    feature = "std",
    any(feature = "allocator-api2-02", feature = "allocator-api2-04", feature = "nightly")
))]
macro_rules! family_collection {
    ($([$($generics:tt)*] $collection:ty, of $item:ty);* $(;)?) => {$(
        impl<$($generics)*> $crate::collections::FamilyCollection for $collection {
            type Item = $item;

            fn new_in_family() -> Self {
                Self::new_in($crate::in_family::In::new())
            }

            fn with_capacity_in_family(capacity: usize) -> Self {
                Self::with_capacity_in(capacity, $crate::in_family::In::new())
            }
        }
    )*};
}

#[cfg(all(feature = "nightly", feature = "std"))]
pub(super) use family_collection;

#[cfg(all(feature = "allocator-api2-02", feature = "std"))]
family_collection!([T, F: Family] allocator_api2_02::vec::Vec<T, In<F>>, of T);

#[cfg(all(feature = "allocator-api2-04", feature = "std"))]
family_collection!([T, F: Family] allocator_api2_04::vec::Vec<T, In<F>>, of T);
