//! [`Vec`] and [`SmallVec`]: vectors whose memory comes from a family or a region.
//!
//! Both are a [`VecInner`] and have its methods. They differ in where the first elements are:
//!
//! ```text
//! Vec: all in a slot                      +-----+----------+---------+
//!                                         | len | capacity | address | --> slot of A: a b c .
//!                                         +-----+----------+---------+
//! SmallVec, inline, len <= N              SmallVec, spilled
//! +-----+--------------+-----------+      +-----+----------+---------+
//! | len | capacity = N | a b c . . |      | len | capacity | address | --> slot of A: a b c d e f . .
//! +-----+--------------+-----------+      +-----+----------+---------+
//! ```
//!
//! An allocator with a value ([`AnyFamily`](crate::AnyFamily), a region) adds one word.
//!
//! As of 2026-11-30 no released crate takes their place: `smallvec` 1.16 always spills to the global
//! allocator, and its version 2, which takes an allocator through `allocator-api2`, is a beta (2.0.0-beta.5)
//! for newer compilers. The `Vec` of `allocator-api2` 0.4.0 is in
#![cfg_attr(
    all(feature = "allocator-api2-04", feature = "std"),
    doc = "[`api2_04`](super::api2_04);"
)]
#![cfg_attr(not(all(feature = "allocator-api2-04", feature = "std")), doc = "`api2_04`;")]
//! it needs the crate `alloc`, has no error with a reason, and does not use the whole slot.
//!
//! No panic in the clone or destructor of an element, in a closure or in an iterator leaks a slot or an
//! element, or drops anything twice.

mod compare;
mod convert;
mod drain;
mod edit;
mod into_iter;
#[cfg(feature = "std")]
mod std_types;
mod storage;

use core::marker::PhantomData;
use core::panic::{RefUnwindSafe, UnwindSafe};

pub use self::drain::Drain;
pub use self::into_iter::IntoIter;
pub use self::storage::{Inline, Spilled, VecStorage};
use super::like_its_target::like_its_target;
use crate::family::{Family, FamilyOf};
use crate::raw_alloc::RawAlloc;

/// A vector whose elements are in a slot of allocator `A`: a family, or a region.
///
/// The family is that of the elements' type unless it is named, as for [`FamilyBox`](crate::FamilyBox).
/// Growing doubles the capacity, and uses the whole slot; if the memory after the slot is free the
/// elements stay in place. All methods are those of [`VecInner`].
///
/// # Examples
///
/// ```
/// # use famalloc::alloc_family;
/// # #[alloc_family]
/// # enum Lives { Frame }
/// use famalloc::collections::Vec;
///
/// let mut points: Vec<(f32, f32), lives::Frame> = Vec::new();
/// points.push((1.0, 2.0));
/// assert_eq!(points, [(1.0, 2.0)]);
/// ```
///
/// A type may hold a vector of itself:
///
/// ```
/// # use famalloc::{alloc_family, collections::Vec};
/// # #[alloc_family]
/// # enum Lives { Ast }
/// #[alloc_family(Lives::Ast)]
/// #[derive(Debug, PartialEq)]
/// enum Value {
///     List(Vec<Value>),
///     Number(f64),
/// }
///
/// let list = Value::List(Vec::from([Value::Number(1.0), Value::List(Vec::new())]));
/// assert_eq!(format!("{list:?}"), "List([Number(1.0), List([])])");
/// ```
///
/// In a family known at run time, and in a region:
///
/// ```
/// # use famalloc::{alloc_family, collections::Vec, AnyFamily, Region};
/// # #[alloc_family]
/// # enum Lives { Ast, Frame }
/// let mut numbers = Vec::new_in(AnyFamily::from(Lives::Ast));
/// numbers.extend([1, 2, 3]);
///
/// let frame = Region::<lives::Frame>::new();
/// let copies = Vec::from_iter_in(numbers.iter().copied(), frame.allocator());
/// assert_eq!(copies, numbers);
/// assert_eq!(frame.usage().live_bytes, copies.capacity() * size_of::<i32>());
/// ```
pub type Vec<T, A = FamilyOf<T>> = VecInner<T, Spilled<T>, A>;

/// A vector that stores up to `N` elements in itself and more in a slot of allocator `A`.
///
/// The family is that of the elements' type unless it is named, as for [`FamilyBox`](crate::FamilyBox).
/// All methods are those of [`VecInner`].
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, collections::SmallVec, Snapshot};
///
/// #[alloc_family]
/// enum Lives {
///     Ast,
/// }
///
/// #[alloc_family(Lives::Ast)]
/// #[derive(Debug, PartialEq)]
/// struct Argument(u32);
///
/// let live = || Snapshot::of::<Lives>().family("Ast").unwrap().live_objects;
/// let mut arguments: SmallVec<Argument, 2> = SmallVec::new();
/// arguments.push(Argument(1));
/// arguments.push(Argument(2));
/// assert_eq!(live(), 0);
///
/// arguments.push(Argument(3));
/// assert_eq!(live(), 1);
/// assert_eq!(arguments.iter().map(|argument| argument.0).sum::<u32>(), 6);
///
/// let names: SmallVec<&str, 4, lives::Ast> = "a b c".split(' ').collect();
/// assert_eq!(names, ["a", "b", "c"]);
/// ```
pub type SmallVec<T, const N: usize, A = FamilyOf<T>> = VecInner<T, Inline<T, N>, A>;

/// What [`Vec`] and [`SmallVec`] have in common: a vector of any storage, in any allocator.
///
/// # Examples
///
/// ```
/// use famalloc::collections::vec::{VecInner, VecStorage};
/// use famalloc::collections::{SmallVec, Vec};
/// use famalloc::{alloc_family, RawAlloc};
///
/// #[alloc_family]
/// enum Lives {
///     Frame,
/// }
///
/// fn push_two<S: VecStorage<u8>, A: RawAlloc>(vec: &mut VecInner<u8, S, A>) {
///     vec.push(2);
/// }
///
/// let mut vec = Vec::new_in(lives::Frame);
/// push_two(&mut vec);
/// let mut small = SmallVec::<_, 8, _>::new_in(lives::Frame);
/// push_two(&mut small);
/// assert_eq!(vec, small);
/// ```
///
/// It is `Send` only if its elements are:
///
/// ```compile_fail,E0277
/// # use famalloc::{alloc_family, collections::SmallVec};
/// # #[alloc_family]
/// # enum Lives { Frame }
/// let shared = SmallVec::<_, 1, lives::Frame>::from([std::rc::Rc::new(7)]);
/// std::thread::spawn(move || println!("{shared:?}"));
/// ```
///
/// It cannot be used while a range is drained from it:
///
/// ```compile_fail,E0499
/// # use famalloc::{alloc_family, collections::Vec};
/// # #[alloc_family]
/// # enum Lives { Frame }
/// let mut vec = Vec::<u32, lives::Frame>::from([1, 2, 3]);
/// let range = vec.drain(1..);
/// vec.push(4);
/// drop(range);
/// ```
///
/// Nor can it outlive its region:
///
/// ```compile_fail,E0505
/// # use famalloc::{alloc_family, collections::Vec, Region};
/// # #[alloc_family]
/// # enum Lives { Frame }
/// let frame = Region::<lives::Frame>::new();
/// let vec = Vec::from_iter_in([1, 2, 3], frame.allocator());
/// drop(frame);
/// println!("{vec:?}");
/// ```
pub struct VecInner<T, S: VecStorage<T>, A: RawAlloc> {
    len: usize,
    capacity: usize,
    storage: S,
    owns: PhantomData<T>,
    alloc: A,
}

// SAFETY: the vector owns its elements, its slot, and its allocator, which frees the slot wherever it is.
unsafe impl<T: Send, S: VecStorage<T>, A: RawAlloc + Send> Send for VecInner<T, S, A> {}

// SAFETY: a shared vector gives shared access to its elements and its allocator, and to nothing else.
unsafe impl<T: Sync, S: VecStorage<T>, A: RawAlloc + Sync> Sync for VecInner<T, S, A> {}

impl<T: UnwindSafe, S: VecStorage<T>, A: RawAlloc + UnwindSafe> UnwindSafe for VecInner<T, S, A> {}

impl<T: RefUnwindSafe, S: VecStorage<T>, A: RawAlloc + RefUnwindSafe> RefUnwindSafe
    for VecInner<T, S, A>
{
}

impl<T, S: VecStorage<T>, F: Family> VecInner<T, S, F> {
    /// An empty vector in a family; nothing is allocated.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::SmallVec};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// const EMPTY: SmallVec<u32, 4, lives::Frame> = SmallVec::new();
    /// assert_eq!((EMPTY.len(), EMPTY.capacity()), (0, 4));
    /// ```
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        Self::new_in(F::MARKER)
    }
}

impl<T, S: VecStorage<T>, A: RawAlloc> VecInner<T, S, A> {
    /// An empty vector in any allocator; nothing is allocated.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::Vec, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let mut vec = Vec::new_in(frame.allocator());
    /// vec.push(7);
    /// assert!(frame.usage().live_bytes > 0);
    /// ```
    #[inline]
    #[must_use]
    pub const fn new_in(alloc: A) -> Self {
        Self { len: 0, capacity: S::INLINE, storage: S::EMPTY, owns: PhantomData, alloc }
    }

    /// The allocator: a family's marker, an [`AnyFamily`](crate::AnyFamily), a region.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, collections::Vec, AnyFamily};
    /// # #[alloc_family]
    /// # #[derive(Debug)]
    /// # enum Lives { Ast }
    /// let ast = AnyFamily::from(Lives::Ast);
    /// assert_eq!(*Vec::<u8, _>::new_in(ast).allocator(), ast);
    /// ```
    #[inline]
    #[must_use]
    pub const fn allocator(&self) -> &A {
        &self.alloc
    }
}

impl<T, S: VecStorage<T>, A: RawAlloc + Default> Default for VecInner<T, S, A> {
    #[inline]
    fn default() -> Self {
        Self::new_in(A::default())
    }
}

like_its_target! {
    [T, S: VecStorage<T>, A: RawAlloc] VecInner<T, S, A>, [T] => [T]: as_slice, as_mut_slice
}
