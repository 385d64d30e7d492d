//! [`SmallVec`]: a vector whose first elements are inside it, and the others in a family.
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
//! Why one of our own: `smallvec` 1 always spills into the global allocator. The betas of its
//! version 2 take an allocator by way of `allocator-api2` 0.4, so that its
//! `SmallVec<T, N, In<F>>` will do once it is released; this one needs neither.
//!
//! A panic in an element's clone or destructor, in a closure or in an iterator leaks no slot and no
//! element and drops nothing twice.

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

/// A vector that keeps up to `N` elements in itself and puts more into a slot of family `F`.
///
/// The family is that of the elements' type unless it is named, as for
/// [`FamilyBox`](crate::FamilyBox). Growing doubles the room, and uses all of the slot; where the
/// memory behind the slot is free the elements stay where they are.
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
/// It goes to another thread only if its elements may:
///
/// ```compile_fail,E0277
/// # use famalloc::{alloc_family, collections::SmallVec};
/// # #[alloc_family]
/// # enum Lives { Frame }
/// let shared = SmallVec::<_, 1, lives::Frame>::from([std::rc::Rc::new(7)]);
/// std::thread::spawn(move || println!("{shared:?}"));
/// ```
///
/// It is not touched while a range of it is taken out:
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
