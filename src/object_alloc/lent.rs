//! [`Lent`]: an object on loan from an allocator of objects.

use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;

use super::{FamilyObjectAlloc, ObjectAlloc};
use crate::boxed::FamilyBox;

/// An object that an [`ObjectAlloc`] has handed out. It returns to the allocator when it is dropped.
///
/// The `get` of a pool returns it. It cannot outlive its allocator:
///
/// ```compile_fail,E0505
/// # use famalloc::{alloc_family, Pool};
/// # #[alloc_family]
/// # enum Lives { Frame }
/// let pool = Pool::<u32, _>::new_in(|| 7, lives::Frame);
/// let object = pool.get();
/// drop(pool);
/// assert_eq!(*object, 7);
/// ```
///
/// It is `Send` only if object and allocator allow it:
///
/// ```compile_fail,E0277
/// # use famalloc::{alloc_family, Pool};
/// # use std::cell::Cell;
/// # #[alloc_family]
/// # enum Lives { Frame }
/// static POOL: Pool<Cell<u32>, lives::Frame> = Pool::new_in(|| Cell::new(7), lives::Frame);
/// let object = POOL.get();
/// std::thread::scope(|scope| {
///     scope.spawn(|| object.set(8));
///     object.set(9);
/// });
/// ```
///
/// # Examples
///
/// ```
/// # use famalloc::{alloc_family, Pool};
/// # #[alloc_family]
/// # enum Lives { Frame }
/// let pool = Pool::<String, _>::new_in(String::new, lives::Frame);
/// let mut line = pool.get();
/// line.push_str("kept");
/// drop(line);
/// assert_eq!(*pool.get(), "kept");
/// ```
#[must_use = "an object that is dropped at once returns to its allocator at once"]
pub struct Lent<'a, T, A: ObjectAlloc<T>> {
    /// Handed out by `home`, and this handle's alone.
    object: NonNull<T>,
    home: &'a A,
    /// Dropping the handle may drop the object.
    owns: PhantomData<T>,
    /// What is written to the object goes back with it, so the handle must not pass for one of an
    /// object of a shorter life.
    invariant: PhantomData<fn(T) -> T>,
}

// SAFETY: the handle has the object to itself, which may go to another thread, and there it goes
// back through a shared reference to its home, which may be used there.
unsafe impl<T: Send, A: ObjectAlloc<T> + Sync> Send for Lent<'_, T, A> {}

// SAFETY: a shared handle gives shared access to the object and its home, and nothing else.
unsafe impl<T: Sync, A: ObjectAlloc<T> + Sync> Sync for Lent<'_, T, A> {}

impl<'a, T, A: ObjectAlloc<T>> Lent<'a, T, A> {
    /// Takes charge of an object.
    ///
    /// # Safety
    ///
    /// `home` handed it out and it was not freed since; only this handle uses and frees it.
    #[inline]
    pub(crate) unsafe fn new(home: &'a A, object: NonNull<T>) -> Self {
        Self { object, home, owns: PhantomData, invariant: PhantomData }
    }

    /// Gives up the handle. The caller may use the object, and must free it with
    /// [`free_object`](ObjectAlloc::free_object).
    ///
    /// # Examples
    ///
    /// ```
    /// use famalloc::object_alloc::{Lent, ObjectAlloc};
    /// # use famalloc::{alloc_family, Pool};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    ///
    /// let pool = Pool::<u32, _>::new_in(|| 7, lives::Frame);
    /// let object = Lent::into_non_null(pool.get());
    /// // SAFETY: handed out by this pool, and not used again.
    /// unsafe { pool.free_object(object) };
    /// assert_eq!(pool.len(), 1);
    /// ```
    #[inline]
    #[must_use = "the object leaks unless the pointer is kept"]
    pub fn into_non_null(this: Self) -> NonNull<T> {
        ManuallyDrop::new(this).object
    }

    /// The allocator to which the object returns.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, object_alloc::Lent, Pool};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let pool = Pool::<u32, _>::new_in(|| 7, lives::Frame);
    /// assert!(std::ptr::eq(Lent::home(&pool.get()), &pool));
    /// ```
    #[inline]
    #[must_use]
    pub fn home(this: &Self) -> &'a A {
        this.home
    }
}

impl<T, A: FamilyObjectAlloc<T>> Lent<'_, T, A> {
    /// Keeps the object: it leaves the pool for good, and is dropped and freed with the box.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, object_alloc::Lent, FamilyBox, Pool};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let pool = Pool::<u32, _>::new_in(|| 7, lives::Frame);
    /// let seven: FamilyBox<u32, lives::Frame> = Lent::detach(pool.get());
    /// assert!(pool.is_empty());
    /// pool.put(seven);
    /// assert_eq!(pool.len(), 1);
    /// ```
    #[inline]
    #[must_use = "dropping the box drops the object and frees its slot"]
    pub fn detach(this: Self) -> FamilyBox<T, A::Family> {
        let family = this.home.family();
        let object = Self::into_non_null(this);
        // SAFETY: valid, in a slot of this family, and nobody else's (contract of
        // `FamilyObjectAlloc`).
        unsafe { FamilyBox::from_non_null_in(object, family) }
    }
}

impl<T, A: ObjectAlloc<T>> Drop for Lent<'_, T, A> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: handed out by `home`, valid, and ours to free; this is its last use.
        unsafe { self.home.free_object(self.object) };
    }
}

impl<T, A: ObjectAlloc<T>> Deref for Lent<'_, T, A> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: valid, and shared as long as the handle is.
        unsafe { self.object.as_ref() }
    }
}

impl<T, A: ObjectAlloc<T>> DerefMut for Lent<'_, T, A> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: valid, and borrowed with the only handle.
        unsafe { self.object.as_mut() }
    }
}

impl<T, A: ObjectAlloc<T>> AsRef<T> for Lent<'_, T, A> {
    #[inline]
    fn as_ref(&self) -> &T {
        self
    }
}

impl<T, A: ObjectAlloc<T>> AsMut<T> for Lent<'_, T, A> {
    #[inline]
    fn as_mut(&mut self) -> &mut T {
        self
    }
}

impl<T: fmt::Debug, A: ObjectAlloc<T>> fmt::Debug for Lent<'_, T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: fmt::Display, A: ObjectAlloc<T>> fmt::Display for Lent<'_, T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
