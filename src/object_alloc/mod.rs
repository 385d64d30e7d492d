//! Traits of allocators, for code that is generic over a family, a pool, or a region.
//!
//! | trait | hands out | in what state |
//! |---|---|---|
//! | [`RawAlloc`] | memory of any layout | not initialised |
//! | [`SlotAlloc`] | memory of one layout | as its allocator says: not initialised, or as it was freed |
//! | [`ObjectAlloc<T>`](ObjectAlloc) | objects | valid: new, or as they were freed, see [`ObjectState`] |
//!
//! Earlier object allocators make the same distinction: an allocator of *memory* ignores its contents, an
//! allocator of *objects* initialises them once and relies on their being valid when they return (Bonwick,
//! "The Slab Allocator", USENIX 1994, section 2).
//!
//! | | [`RawAlloc`] | [`SlotAlloc`] | [`ObjectAlloc<T>`](ObjectAlloc) |
//! |---|---|---|---|
//! | a family: its marker | yes | | for `T: Default`, always new |
//! | [`AnyFamily`](crate::AnyFamily), a family known at run time | yes | | for `T: Default`, always new |
//! | [`&Region<F>`](crate::Region) | yes | | for `T: Default`, always new |
//! | [`Pool<T, F>`](crate::Pool), [`PoolFront`](crate::pool::PoolFront) | | | yes, as they were freed |
//! | [`RawPool<F>`](crate::pool::RawPool) | | yes | |
//!
//! # Examples
//!
//! One function over a family, over a pool, and over a region:
//!
//! ```
//! use famalloc::object_alloc::{ObjectAlloc, ObjectState};
//! use famalloc::{alloc_family, AllocError, Pool, Region};
//!
//! #[alloc_family]
//! enum Lives {
//!     Request,
//! }
//!
//! /// Sorts words by way of a buffer that comes from anywhere.
//! fn sorted<A: ObjectAlloc<Vec<String>>>(text: &str, buffers: &A) -> Result<String, AllocError> {
//!     let mut words = buffers.try_object()?;
//!     words.extend(text.split(' ').map(String::from));
//!     words.sort();
//!     let text = words.join(" ");
//!     words.clear(); // the next user may get this very buffer
//!     Ok(text)
//! }
//!
//! let pool = Pool::<Vec<String>, _>::new_in(Vec::new, lives::Request);
//! assert_eq!(sorted("c a b", &lives::Request)?, "a b c");
//! assert_eq!(sorted("c a b", &pool)?, "a b c");
//! assert_eq!(sorted("e d", &pool)?, "d e");
//! assert_eq!(sorted("g f", &&Region::<lives::Request>::new())?, "f g");
//!
//! assert_eq!(pool.counts().made, 1);
//! assert_eq!(<Pool<Vec<String>, lives::Request> as ObjectAlloc<_>>::STATE, ObjectState::Kept);
//! # Ok::<(), AllocError>(())
//! ```

mod lent;
mod slot;

use core::ptr::NonNull;

pub use self::lent::Lent;
pub use self::slot::SlotAlloc;
use crate::boxed::FamilyBox;
use crate::error::AllocError;
use crate::family_key::FamilyKey;
use crate::raw_alloc::RawAlloc;

/// The state of objects that an [`ObjectAlloc`] hands out.
///
/// # Examples
///
/// See the [module](self).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectState {
    /// Always new: made when they are handed out, dropped when they are freed.
    New,
    /// As they were when they were freed, or new if none was idle: freeing drops nothing. The allocator
    /// may have changed them when they returned, as its reset hook does.
    Kept,
}

/// An allocator of valid objects of one type.
///
/// The required methods use pointers, as a collector or a C interface needs them;
/// [`try_object`](Self::try_object) is the safe method.
///
/// # Safety
///
/// [`try_alloc_object`](Self::try_alloc_object) returns a valid `T` at its alignment, which only the
/// caller may use until it frees it, even if the allocator is moved meanwhile; unless its type is
/// zero-sized, the object overlaps no other that is handed out.
///
/// # Examples
///
/// See the [module](self), and [`try_object`](Self::try_object).
pub unsafe trait ObjectAlloc<T> {
    /// The state of the objects that are handed out.
    const STATE: ObjectState;

    /// Hands out an object: a valid `T`.
    ///
    /// # Errors
    ///
    /// If no memory is available for another object.
    ///
    /// # Panics
    ///
    /// If the constructor panics; no slot is leaked.
    ///
    /// # Examples
    ///
    /// ```
    /// use famalloc::object_alloc::ObjectAlloc;
    /// use famalloc::{alloc_family, Pool};
    ///
    /// #[alloc_family]
    /// enum Lives { Frame }
    ///
    /// let pool = Pool::<u32, _>::new_in(|| 7, lives::Frame);
    /// let object = pool.try_alloc_object()?;
    /// // SAFETY: valid and ours alone; freed once, where it came from.
    /// unsafe {
    ///     assert_eq!(object.read(), 7);
    ///     pool.free_object(object);
    /// }
    /// assert_eq!(pool.len(), 1);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    fn try_alloc_object(&self) -> Result<NonNull<T>, AllocError>;

    /// Returns an object to the allocator.
    ///
    /// # Panics
    ///
    /// If the destructor or a hook of the allocator panics; the object is freed all the same.
    ///
    /// # Safety
    ///
    /// This allocator handed `object` out, and it was not freed since; it is a valid `T`, and is not used
    /// again.
    ///
    /// # Examples
    ///
    /// See [`try_alloc_object`](Self::try_alloc_object).
    unsafe fn free_object(&self, object: NonNull<T>);

    /// Lends an object: it is freed when the handle is dropped.
    ///
    /// # Errors
    ///
    /// As for [`try_alloc_object`](Self::try_alloc_object).
    ///
    /// # Panics
    ///
    /// As for [`try_alloc_object`](Self::try_alloc_object).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, object_alloc::ObjectAlloc};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let mut object = ObjectAlloc::<u32>::try_object(&lives::Frame)?;
    /// *object += 1;
    /// assert_eq!(*object, 1);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[inline]
    fn try_object(&self) -> Result<Lent<'_, T, Self>, AllocError>
    where
        Self: Sized,
    {
        let object = self.try_alloc_object()?;
        // SAFETY: just handed out.
        Ok(unsafe { Lent::new(self, object) })
    }
}

/// An [`ObjectAlloc`] whose objects are in slots of a family, each in its own, so that they can leave it
/// ([`Lent::detach`]).
///
/// # Safety
///
/// Each object is in a slot that was allocated in `Family` with the layout of a `T`, and whoever has the
/// object may free the slot.
///
/// # Examples
///
/// See [`Lent::detach`].
pub unsafe trait FamilyObjectAlloc<T>: ObjectAlloc<T> {
    /// The family of the slots: a marker, or one known only at run time.
    type Family: FamilyKey;

    /// The family.
    ///
    /// # Examples
    ///
    /// ```
    /// use famalloc::{alloc_family, object_alloc::FamilyObjectAlloc, Pool};
    ///
    /// #[alloc_family]
    /// enum Lives { Frame }
    ///
    /// let pool = Pool::<u32, _>::new_in(|| 7, lives::Frame);
    /// assert_eq!(pool.family(), lives::Frame);
    /// ```
    fn family(&self) -> Self::Family;
}

// SAFETY: memory of an allocator, each with one user, and with a value in it.
unsafe impl<T: Default, A: RawAlloc + Clone> ObjectAlloc<T> for A {
    const STATE: ObjectState = ObjectState::New;

    #[inline]
    fn try_alloc_object(&self) -> Result<NonNull<T>, AllocError> {
        FamilyBox::<T, _>::try_new_with_in(T::default, self.clone()).map(FamilyBox::into_non_null)
    }

    #[inline]
    unsafe fn free_object(&self, object: NonNull<T>) {
        // SAFETY: from `into_non_null` of such a box, by the caller's word.
        drop(unsafe { FamilyBox::from_non_null_in(object, self.clone()) });
    }
}

// SAFETY: each is allocated as a box.
unsafe impl<T: Default, F: FamilyKey> FamilyObjectAlloc<T> for F {
    type Family = F;

    #[inline]
    fn family(&self) -> F {
        *self
    }
}
