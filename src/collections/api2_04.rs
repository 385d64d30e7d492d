//! The collections of `allocator-api2` 0.4, in a family.
//!
//! Both have `new_in`; [`FamilyCollection`](super::FamilyCollection) makes vectors without it.

use crate::in_family::In;

/// `allocator_api2::vec::Vec` of version 0.4 in family `F`.
///
/// # Examples
///
/// ```
/// # use famalloc::alloc_family;
/// # #[alloc_family]
/// # enum Lives { Frame }
/// use famalloc::collections::{api2_04::Vec, FamilyCollection};
///
/// let mut numbers = Vec::<u32, lives::Frame>::new_in_family();
/// numbers.extend([1, 2, 3]);
/// assert_eq!(numbers, [1, 2, 3]);
/// ```
pub type Vec<T, F> = allocator_api2_04::vec::Vec<T, In<F>>;

/// `allocator_api2::boxed::Box` of version 0.4 in family `F`.
///
/// [`FamilyBox`](crate::FamilyBox) can do more; this is for code that needs exactly this type.
///
/// # Examples
///
/// ```
/// # use famalloc::{alloc_family, In};
/// # #[alloc_family]
/// # enum Lives { Frame }
/// use famalloc::collections::api2_04::Box;
///
/// let seven: Box<u32, lives::Frame> = Box::new_in(7, In::new());
/// assert_eq!(*seven, 7);
/// ```
pub type Box<T, F> = allocator_api2_04::boxed::Box<T, In<F>>;
