//! [`FamilyRc`] and [`FamilyArc`]: reference-counted values in a family.
//!
//! They correspond to the standard library's `Rc` and `Arc` as [`FamilyBox`](crate::FamilyBox) does to
//! `Box`: the family is part of the type, the handle is one pointer wide, and size class and family are
//! constants wherever the type is known.
//!
//! ```text
//! FamilyRc<Node>                  slot of Ast
//! +---------+                     +------+----------------+
//! | address | ---------.          | word | Node           |      word: how many strong, how many weak
//! +---------+          |          +------+----------------+
//!                      '-----------------^
//! ```
//!
//! # One implementation
//!
//! Both names are aliases of one type, [`Counted`], and [`FamilyRcWeak`] and [`FamilyArcWeak`] are aliases
//! of [`Weak`]. Handles for one thread and for all threads differ only in the counter, their last
//! parameter: [`Local`] or [`Shared`]. Unlike a type of its own, an alias needs no forwarding, has every
//! method only once, and lets code be generic over both (`impl Trait for Counted<Mine, A, C>`). The
//! drawback is that compiler messages use the long name.
//!
//! # Which family
//!
//! As for the box: `FamilyRc<T>` is short for `FamilyRc<T, FamilyOf<T>>`. [`new`](Counted::new) and its
//! variants take the family of the value's type; those ending in `_in` take an allocator, and every other
//! conversion takes the family of the handle's type.
//!
//! An allocator is a family's marker, a family known only at run time ([`AnyFamily`](crate::AnyFamily)), or a
//! region (then the handle is a [`RegionRc`]); the latter two make the handle a word wider. Each handle has
//! its own, so more handles ([`clone`](Clone::clone), [`downgrade`](Counted::downgrade),
//! [`upgrade`](Weak::upgrade)) need one that is `Clone`.
//!
//! [`RegionRc`]: crate::region::RegionRc
//!
//! # Invariants
//!
//! The `SAFETY` comments of this folder cite these invariants of the handles:
//!
//! - **C1.** A handle points to a value in a slot of its allocator, with a word in front of the value: the
//!   counter. (A [`Weak`] made by [`Weak::new`] points nowhere; its address is that of no value.)
//! - **C2.** The slot was allocated for the layout of the value, and the pointer may be used for all of
//!   it.
//! - **C3.** While there is a strong handle the value is valid, and all strong handles share it.
//! - **C4.** The word counts the handles. The counter tells exactly one caller that a count was the
//!   last, and nobody else uses the value (strong) or the slot (weak) again.
//!
//! No panic leaks a slot or an element, or drops anything twice, whether it occurs in a constructor, in
//! the destructor of the value or in the clone of an element.
//!
//! # Pinning
//!
//! [`Counted::pin`] is sound because only the handles free a slot: the value is dropped before its memory
//! is reused. A family is never reset while its values live. (A region frees what was forgotten, so nothing in
//! one is pinned: the allocator has to be `'static`.)
//!
//! # Comparison with `Rc` and `Arc`
//!
//! Everything stable in them is here under the same name, with the same differences as for the
//! [box](crate::boxed): `unsize!` instead of coercion, no `dyn` receiver (`self: FamilyRc<Self>`), no
//! `#[may_dangle]`. Equality always compares the values, even if both handles point to the same one and
//! the type is `Eq`, since a shortcut for that needs specialisation. In addition there are the fallible
//! forms, `new_with` and conversions from boxes of the same family.

mod any;
mod convert;
#[cfg(feature = "std")]
mod convert_std;
mod counter;
mod forward;
mod new;
mod raw;
mod share;
mod slice;
pub(crate) mod slot;
mod uninit;
mod unique;
mod unsize;
mod weak;

use core::alloc::Layout;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::Deref;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::{self, NonNull};

use self::counter::Left;
pub use self::counter::{Counter, Local, Shared};
pub use self::unique::CloneToSlot;
pub use self::weak::Weak;
use crate::boxed::raw::{Slot, apart};
use crate::delegate::delegate_to_target;
use crate::family::FamilyOf;
use crate::raw_alloc::RawAlloc;

/// A value in a slot of its family that several handles of one thread share, like an `Rc`.
///
/// The family is that of the value's type unless it, or another allocator, is named.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, FamilyRc, FamilyRcWeak};
///
/// #[alloc_family]
/// enum Lives { Scene }
///
/// #[alloc_family(Lives::Scene)]
/// struct Node {
///     parent: FamilyRcWeak<Node>,
///     name: FamilyRc<str, lives::Scene>,
/// }
///
/// let root = FamilyRc::new(Node { parent: FamilyRcWeak::new(), name: "root".into() });
/// let leaf = FamilyRc::new(Node { parent: FamilyRc::downgrade(&root), name: "leaf".into() });
/// assert_eq!(&*leaf.parent.upgrade().unwrap().name, "root");
/// assert_eq!((FamilyRc::strong_count(&root), FamilyRc::weak_count(&root)), (1, 1));
/// drop(root);
/// assert!(leaf.parent.upgrade().is_none());
/// ```
///
/// It is as wide as a pointer, and so is an `Option` of it:
///
/// ```
/// # use famalloc::{alloc_family, FamilyRc};
/// # #[alloc_family]
/// # enum Lives { Scene }
/// assert_eq!(size_of::<Option<FamilyRc<u64, lives::Scene>>>(), size_of::<usize>());
/// ```
///
/// It is not `Send`:
///
/// ```compile_fail,E0277
/// # use famalloc::{alloc_family, FamilyRc};
/// # #[alloc_family]
/// # enum Lives { Scene }
/// let shared = FamilyRc::new_in(7, lives::Scene);
/// std::thread::spawn(move || println!("{shared}"));
/// ```
///
/// A type without a family needs a named one:
///
/// ```compile_fail,E0277
/// # use famalloc::FamilyRc;
/// let seven = FamilyRc::new(7_u32);
/// ```
///
/// Whatever a value borrows must outlive its handles:
///
/// ```compile_fail,E0597
/// # use famalloc::{alloc_family, FamilyRc};
/// # #[alloc_family]
/// # enum Lives { Scene }
/// let outlives = {
///     let local = String::from("x");
///     FamilyRc::new_in(&local, lives::Scene)
/// };
/// println!("{outlives}");
/// ```
///
/// A shared value cannot be changed while it is borrowed through the same handle:
///
/// ```compile_fail,E0502
/// # use famalloc::{alloc_family, FamilyRc};
/// # #[alloc_family]
/// # enum Lives { Scene }
/// let mut words = FamilyRc::new_in(vec![1], lives::Scene);
/// let first = &words[0];
/// FamilyRc::make_mut(&mut words).clear();
/// println!("{first}");
/// ```
pub type FamilyRc<T, A = FamilyOf<T>> = Counted<T, A, Local>;

/// A value in a slot of its family that several handles of any thread share, like an `Arc`.
///
/// The family is that of the value's type unless it, or another allocator, is named.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, FamilyArc};
///
/// #[alloc_family]
/// enum Lives { Config }
///
/// let limits = FamilyArc::<[u32], lives::Config>::from([10, 20]);
/// let sums: Vec<u32> = (0..4)
///     .map(|_| {
///         let limits = limits.clone();
///         std::thread::spawn(move || limits.iter().sum::<u32>())
///     })
///     .map(|thread| thread.join().unwrap())
///     .collect();
/// assert_eq!(sums, [30; 4]);
/// ```
///
/// The value must be `Send` and `Sync`:
///
/// ```compile_fail,E0277
/// # use famalloc::{alloc_family, FamilyArc};
/// # #[alloc_family]
/// # enum Lives { Config }
/// let shared = FamilyArc::new_in(std::cell::Cell::new(7), lives::Config);
/// std::thread::spawn(move || shared.set(8));
/// ```
pub type FamilyArc<T, A = FamilyOf<T>> = Counted<T, A, Shared>;

/// The weak handle of a [`FamilyRc`]. See [`Weak`] for an example.
pub type FamilyRcWeak<T, A = FamilyOf<T>> = Weak<T, A, Local>;

/// The weak handle of a [`FamilyArc`]. See [`Weak`] for an example.
pub type FamilyArcWeak<T, A = FamilyOf<T>> = Weak<T, A, Shared>;

/// A counted handle to a value in a slot of `A`, a family or a region: a [`FamilyRc`] or a [`FamilyArc`].
///
/// The last strong handle drops the value, and the last weak one frees its slot. See the [module](self).
///
/// # Examples
///
/// Code that is generic over the counter:
///
/// ```
/// use famalloc::rc::{Counted, Counter};
/// use famalloc::{FamilyArc, FamilyRc, RawAlloc, alloc_family};
///
/// #[alloc_family]
/// enum Lives { Scene }
///
/// fn is_shared<T, A: RawAlloc, C: Counter>(handle: &Counted<T, A, C>) -> bool {
///     Counted::strong_count(handle) > 1
/// }
///
/// assert!(!is_shared(&FamilyRc::new_in(7, lives::Scene)));
/// let one = FamilyArc::new_in(7, lives::Scene);
/// let other = one.clone();
/// assert!(is_shared(&one));
/// # drop(other);
/// ```
pub struct Counted<T: ?Sized, A: RawAlloc, C: Counter> {
    value: NonNull<T>,
    owns: PhantomData<T>,
    counter: PhantomData<C>,
    alloc: A,
}

// SAFETY: handles of several threads share the value, hence `Sync`, and the last one drops it,
// wherever it is, hence `Send`; the counter is atomic, and each has its own allocator.
unsafe impl<T: ?Sized + Send + Sync, A: RawAlloc + Send> Send for Counted<T, A, Shared> {}

// SAFETY: a shared handle can be cloned, so it gives what an owned one gives; of its allocator it gives
// shared access, by which that is cloned.
unsafe impl<T: ?Sized + Send + Sync, A: RawAlloc + Sync> Sync for Counted<T, A, Shared> {}

impl<T: ?Sized, A: RawAlloc, C: Counter> Unpin for Counted<T, A, C> {}

impl<T, A, C> UnwindSafe for Counted<T, A, C>
where
    T: ?Sized + RefUnwindSafe,
    A: RawAlloc + UnwindSafe,
    C: Counter,
{
}

impl<T, A, C> RefUnwindSafe for Counted<T, A, C>
where
    T: ?Sized + RefUnwindSafe,
    A: RawAlloc + RefUnwindSafe,
    C: Counter,
{
}

impl<T: ?Sized, A: RawAlloc, C: Counter> Counted<T, A, C> {
    /// The handle that a strong count stands for.
    ///
    /// # Safety
    ///
    /// C1 and C2 hold for the pointer and the allocator, C3 for the value, and one of the counted strong
    /// handles is this one.
    #[inline(always)]
    const unsafe fn from_parts(value: NonNull<T>, alloc: A) -> Self {
        Self { value, owns: PhantomData, counter: PhantomData, alloc }
    }

    /// The handle without its destructor: its count is the caller's.
    #[inline(always)]
    fn into_parts(this: Self) -> (NonNull<T>, A) {
        let this = ManuallyDrop::new(this);
        // SAFETY: the handle is forgotten, so its allocator is moved out once.
        (this.value, unsafe { ptr::read(&this.alloc) })
    }

    #[inline(always)]
    fn counter(&self) -> &C {
        // SAFETY: C1.
        let counter = unsafe { slot::word::<C>(self.value.cast()) };
        // SAFETY: the word is the counter, and it is only ever shared.
        unsafe { counter.as_ref() }
    }

    /// Drops the value and frees the slot, the latter also when the destructor panics.
    ///
    /// # Safety
    ///
    /// The counter said that nothing is left of the handles, and this one is not used again.
    #[inline]
    unsafe fn drop_alone(&mut self) {
        let value = Layout::for_value::<T>(self);
        // SAFETY: C2.
        let layout = unsafe { slot::layout_of_existing(value) };
        // SAFETY: C1.
        let start = unsafe { slot::start_of(self.value.cast(), value) };
        // The guard is for a panic that unwinds. Otherwise the slot is freed below, where the
        // layout of a sized type is a constant and so is its class.
        // SAFETY: C2, and by C4 nobody else uses the slot.
        let slot = unsafe { Slot::<A, _>::own(start, layout, apart(&self.alloc)) };
        // SAFETY: C3, and by C4 this is the last use of the value.
        unsafe { ptr::drop_in_place(self.value.as_ptr()) };
        // SAFETY: C2; the value is gone.
        unsafe { self.alloc.free(slot.keep(), layout) };
    }

    /// Drops the value while weak handles lead to it; the slot is freed with the last of them, which
    /// may be the one that stands for the strong ones.
    ///
    /// # Safety
    ///
    /// `value` is that of a handle whose counter said that weak handles are left, and which is not
    /// used again.
    // It takes the address, so that the handle itself may stay in a register.
    #[cold]
    #[inline(never)]
    unsafe fn drop_watched(value: NonNull<T>, alloc: &A) {
        // SAFETY: the weak count that all strong handles owned is ours now.
        let _last = unsafe { weak::WeakCount::<T, A, C>::own(value, alloc) };
        // SAFETY: C3, and by C4 nobody else uses the value.
        unsafe { ptr::drop_in_place(value.as_ptr()) };
    }
}

impl<T: ?Sized, A: RawAlloc, C: Counter> Drop for Counted<T, A, C> {
    /// Counts down; the last handle drops the value, and frees its slot unless weak handles are left.
    #[inline]
    fn drop(&mut self) {
        match self.counter().drop_strong() {
            Left::Strong => {}
            // SAFETY: as the counter said.
            Left::Weak => unsafe { Self::drop_watched(self.value, apart(&self.alloc)) },
            // SAFETY: as the counter said.
            Left::Nothing => unsafe { self.drop_alone() },
        }
    }
}

impl<T: ?Sized, A: RawAlloc + Clone, C: Counter> Clone for Counted<T, A, C> {
    /// Makes another handle to the same value. Constant time.
    ///
    /// # Aborts
    ///
    /// If the value already has 2^31 - 1 strong handles.
    #[inline]
    fn clone(&self) -> Self {
        let alloc = self.alloc.clone();
        self.counter().add_strong();
        // SAFETY: the pointer is that of a handle, and one more is counted now; a clone of the allocator
        // can free what it allocated (`RawAlloc`).
        unsafe { Self::from_parts(self.value, alloc) }
    }
}

impl<T: ?Sized, A: RawAlloc, C: Counter> Deref for Counted<T, A, C> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: C3, and this handle lives as long as the borrow.
        unsafe { self.value.as_ref() }
    }
}

delegate_to_target! {
    [T: ?Sized, A: RawAlloc, C: Counter] Counted<T, A, C> => T, where [T];
    PartialEq Eq PartialOrd Ord Hash Debug Display Pointer AsRef Borrow
}
