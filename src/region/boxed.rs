//! [`RegionBox`]: an owned value in a region, which can be freed before the region.

use core::ptr::NonNull;

use crate::arena::Arena;
use crate::boxed::FamilyBox;

use super::InRegion;

/// An owned value in a [`Region`](crate::Region): a [`FamilyBox`] whose slot is there. It is dropped and freed
/// with the handle, or freed with the region if the handle is forgotten.
///
/// The region reuses its memory. Frees in the reverse order of allocation cost next to nothing.
///
/// It cannot be pinned, for the reason in the [module](super):
///
/// ```compile_fail,E0597
/// # use famalloc::{alloc_family, Region, RegionBox};
/// # #[alloc_family]
/// # enum Lives { Frame }
/// let frame = Region::<lives::Frame>::new();
/// let pinned = RegionBox::into_pin(frame.boxed(7));
/// ```
/// It belongs to the thread that has the region:
///
/// ```compile_fail,E0277
/// # use famalloc::{alloc_family, Region};
/// # #[alloc_family]
/// # enum Lives { Frame }
/// let frame = Region::<lives::Frame>::new();
/// let seven = frame.boxed(7);
/// std::thread::scope(|scope| {
///     scope.spawn(move || drop(seven));
/// });
/// ```
///
/// # Examples
///
/// A list whose nodes are freed one by one:
///
/// ```
/// use famalloc::{alloc_family, Region, RegionBox};
///
/// #[alloc_family]
/// enum Lives {
///     Frame,
/// }
///
/// struct Node<'r> {
///     value: u32,
///     next: Option<RegionBox<'r, Node<'r>>>,
/// }
///
/// let frame = Region::<lives::Frame>::new();
/// let mut list = None;
/// for value in 0..10 {
///     list = Some(frame.boxed(Node { value, next: list }));
/// }
/// while let Some(node) = list.take_if(|node| node.value > 3) {
///     list = RegionBox::into_inner(node).next;
/// }
/// assert_eq!(frame.usage().live_bytes, 4 * size_of::<Node>());
/// ```
///
/// As a trait object, by [`unsize!`](crate::unsize):
///
/// ```
/// # use famalloc::{alloc_family, unsize, Region, RegionBox};
/// # #[alloc_family]
/// # enum Lives { Frame }
/// let frame = Region::<lives::Frame>::new();
/// let shown: [RegionBox<dyn std::fmt::Display>; 2] = [
///     unsize!(frame.boxed(1) => dyn std::fmt::Display),
///     unsize!(frame.boxed("two") => dyn std::fmt::Display),
/// ];
/// assert_eq!(format!("{} {}", shown[0], shown[1]), "1 two");
/// ```
pub type RegionBox<'r, T> = FamilyBox<T, InRegion<'r>>;

/// A box of a value that was just put into a room of its own.
#[inline(always)]
pub(super) fn boxed<T: ?Sized>(arena: &Arena, value: NonNull<T>) -> RegionBox<'_, T> {
    // SAFETY: the value is valid, and the room is the box's own.
    unsafe { FamilyBox::from_non_null_in(value, InRegion::of(arena)) }
}
