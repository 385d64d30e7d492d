//! [`RegionRc`]: a shared value in a region.

use crate::rc::FamilyRc;

use super::InRegion;

/// A shared value in a [`Region`](crate::Region): a [`FamilyRc`] whose slot is there, made by
/// [`new_in`](crate::rc::Counted::new_in) and the like with [`Region::allocator`](crate::Region::allocator).
///
/// The last handle drops the value and frees its slot, which the region uses again. What no handle frees ends
/// with the region, without its destructor: a value in a cycle, or of a forgotten handle. So a cycle costs
/// memory for as long as the region lives, and no longer. Its handles are two words: the address and the region.
///
/// It has no `pin`, for the reason in the [module](super).
///
/// # Examples
///
/// A graph, whose nodes are freed one by one or, if they lie on a cycle, with the region:
///
/// ```
/// use famalloc::region::RegionRc;
/// use famalloc::{alloc_family, Region};
/// use std::cell::OnceCell;
///
/// #[alloc_family]
/// enum Lives {
///     Graph,
/// }
///
/// #[derive(Default)]
/// struct Node<'r> {
///     next: OnceCell<RegionRc<'r, Node<'r>>>,
/// }
///
/// let graph = Region::<lives::Graph>::new();
/// let node = || RegionRc::new_in(Node::default(), graph.allocator());
///
/// let (one, other) = (node(), node());
/// assert!(one.next.set(other.clone()).is_ok());
/// drop(one);
/// assert_eq!(RegionRc::strong_count(&other), 1);
///
/// assert!(other.next.set(other.clone()).is_ok());
/// drop(other);
/// assert!(graph.usage().live_bytes > 0, "the cycle is there as long as the region");
/// ```
///
/// It cannot outlive the region:
///
/// ```compile_fail,E0597
/// # use famalloc::{alloc_family, region::RegionRc, Region};
/// # #[alloc_family]
/// # enum Lives { Frame }
/// let seven: RegionRc<i32>;
/// {
///     let frame = Region::<lives::Frame>::new();
///     seven = RegionRc::new_in(7, frame.allocator());
/// }
/// println!("{seven}");
/// ```
///
/// A handle lets nobody reset the region:
///
/// ```compile_fail,E0502
/// # use famalloc::{alloc_family, region::RegionRc, Region};
/// # #[alloc_family]
/// # enum Lives { Frame }
/// let mut frame = Region::<lives::Frame>::new();
/// let seven = RegionRc::new_in(7, frame.allocator());
/// let weak = RegionRc::downgrade(&seven);
/// drop(seven);
/// frame.reset();
/// println!("{}", weak.strong_count());
/// ```
pub type RegionRc<'r, T> = FamilyRc<T, InRegion<'r>>;
