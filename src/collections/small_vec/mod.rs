//! [`SmallVec`]: a vector that stores its first elements in itself, and more in a family.
//!
//! ```text
//! inline, len <= N                        spilled
//! +-----+--------------+-----------+      +-----+----------+---------+
//! | len | capacity = N | a b c . . |      | len | capacity | address | --> slot of F: a b c d e f . .
//! +-----+--------------+-----------+      +-----+----------+---------+
//! ```
//!
//! With `N` = 0 it is a plain vector, three words wide, that needs no feature of the crate.
//!
//! `smallvec` 1 does not suffice, since it always spills to the global allocator. The betas of its version
//! 2 take an allocator through `allocator-api2` 0.4, so `SmallVec<T, N, In<F>>` will do once it is
//! released; this type needs neither.
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

use core::borrow::{Borrow, BorrowMut};
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use core::panic::{RefUnwindSafe, UnwindSafe};

pub use self::drain::Drain;
pub use self::into_iter::IntoIter;
use self::storage::Storage;
use crate::family::{Family, FamilyOf};

/// A vector that stores up to `N` elements in itself and more in a slot of family `F`.
///
/// The family is that of the elements' type unless it is named, as for [`FamilyBox`](crate::FamilyBox).
/// Growing doubles the capacity, and uses the whole slot; if the memory after the slot is free the
/// elements stay in place.
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
/// let names: SmallVec<&str, 0, lives::Ast> = "a b c".split(' ').collect();
/// assert_eq!(names, ["a", "b", "c"]);
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
/// # use famalloc::{alloc_family, collections::SmallVec};
/// # #[alloc_family]
/// # enum Lives { Frame }
/// let mut vec = SmallVec::<u32, 1, lives::Frame>::from([1, 2, 3]);
/// let range = vec.drain(1..);
/// vec.push(4);
/// drop(range);
/// ```
pub struct SmallVec<T, const N: usize, F: Family = FamilyOf<T>> {
    len: usize,
    capacity: usize,
    storage: Storage<T, N>,
    owns: PhantomData<T>,
    family: PhantomData<fn() -> F>,
}

// SAFETY: the vector owns its elements and its slot; slots may be freed by any thread (I4).
unsafe impl<T: Send, const N: usize, F: Family> Send for SmallVec<T, N, F> {}

// SAFETY: a shared vector gives shared access to its elements and nothing else.
unsafe impl<T: Sync, const N: usize, F: Family> Sync for SmallVec<T, N, F> {}

impl<T: UnwindSafe, const N: usize, F: Family> UnwindSafe for SmallVec<T, N, F> {}

impl<T: RefUnwindSafe, const N: usize, F: Family> RefUnwindSafe for SmallVec<T, N, F> {}

impl<T, const N: usize, F: Family> Deref for SmallVec<T, N, F> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        self.as_slice()
    }
}

impl<T, const N: usize, F: Family> DerefMut for SmallVec<T, N, F> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        self.as_mut_slice()
    }
}

impl<T, const N: usize, F: Family> AsRef<[T]> for SmallVec<T, N, F> {
    #[inline]
    fn as_ref(&self) -> &[T] {
        self
    }
}

impl<T, const N: usize, F: Family> AsMut<[T]> for SmallVec<T, N, F> {
    #[inline]
    fn as_mut(&mut self) -> &mut [T] {
        self
    }
}

impl<T, const N: usize, F: Family> Borrow<[T]> for SmallVec<T, N, F> {
    #[inline]
    fn borrow(&self) -> &[T] {
        self
    }
}

impl<T, const N: usize, F: Family> BorrowMut<[T]> for SmallVec<T, N, F> {
    #[inline]
    fn borrow_mut(&mut self) -> &mut [T] {
        self
    }
}

impl<T, const N: usize, F: Family> Default for SmallVec<T, N, F> {
    #[inline]
    fn default() -> Self {
        Self::new()
    }
}
