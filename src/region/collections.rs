//! [`RegionVec`] and [`RegionString`]: the collections of this crate, in a region.

use super::InRegion;
use crate::collections::{String, Vec};

/// A growing vector in a [`Region`](crate::Region).
///
/// While it is the last object of the region it grows in place. Dropping it drops the elements, and the region
/// reuses its memory.
///
/// # Examples
///
/// ```
/// use famalloc::region::RegionVec;
/// use famalloc::{alloc_family, Region};
///
/// #[alloc_family]
/// enum Lives {
///     Frame,
/// }
///
/// struct Node<'r> {
///     name: &'r str,
///     children: RegionVec<'r, Node<'r>>,
/// }
///
/// let frame = Region::<lives::Frame>::new();
/// let node = |name| Node { name, children: RegionVec::new_in(frame.allocator()) };
/// let mut root = node("root");
/// root.children.extend([node("left"), node("right")]);
/// assert_eq!(root.children[1].name, "right");
///
/// drop(root);
/// assert_eq!(frame.usage().live_bytes, 0);
/// ```
pub type RegionVec<'r, T> = Vec<T, InRegion<'r>>;

/// A growing string in a [`Region`](crate::Region).
///
/// # Examples
///
/// ```
/// use core::fmt::Write;
/// use famalloc::region::RegionString;
/// use famalloc::{alloc_family, Region};
///
/// #[alloc_family]
/// enum Lives {
///     Request,
/// }
///
/// let request = Region::<lives::Request>::new();
/// let mut line = RegionString::from_str_in("GET ", request.allocator());
/// write!(line, "/page/{}", 7)?;
/// assert_eq!(line, "GET /page/7");
/// # Ok::<(), core::fmt::Error>(())
/// ```
pub type RegionString<'r> = String<InRegion<'r>>;
