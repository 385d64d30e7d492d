//! [`In`]: a family as a value, for interfaces that take an allocator.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;

use crate::family::Family;

/// The allocator of family `F`: a zero-sized value.
///
/// Pass it to collections that take an allocator. It implements the allocator traits that the crate's
/// features `allocator-api2-02`, `allocator-api2-04` and `nightly` name, and the aliases in
/// [`collections`](crate::collections) use it. It adds nothing to the size of a collection.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, In, Snapshot};
///
/// #[alloc_family]
/// enum Lives {
///     Frame,
/// }
///
/// let frame = In::<lives::Frame>::new();
/// assert_eq!(size_of_val(&frame), 0);
/// assert_eq!(frame, In::default());
///
/// # #[cfg(feature = "allocator-api2-04")] {
/// use allocator_api2_04::vec::Vec;
///
/// let mut points = Vec::with_capacity_in(10, frame);
/// points.push((1.0, 2.0));
/// assert_eq!(Snapshot::of::<Lives>().family("Frame").unwrap().live_objects, 1);
/// # }
/// ```
pub struct In<F: Family>(PhantomData<fn() -> F>);

impl<F: Family> In<F> {
    /// The allocator of family `F`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, In};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// const FRAME: In<lives::Frame> = In::new();
    /// ```
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<F: Family> Clone for In<F> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<F: Family> Copy for In<F> {}

impl<F: Family> Default for In<F> {
    #[inline]
    fn default() -> Self {
        Self::new()
    }
}

impl<F: Family> fmt::Debug for In<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("In").field(&format_args!("{}", F::SPEC.name())).finish()
    }
}

impl<F: Family> PartialEq for In<F> {
    /// Always: a family has only one allocator.
    #[inline]
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<F: Family> Eq for In<F> {}

impl<F: Family> Hash for In<F> {
    #[inline]
    fn hash<H: Hasher>(&self, _: &mut H) {}
}
