//! [`PoolFront`]: a few objects of a pool for one thread.
//!
//! The magazine of the pool: a bounded array of idle objects that only its thread accesses. When it is
//! empty it takes half an array from the pool; when it is full it returns the older half. So whatever the
//! order of gets and drops, the pool's lock is taken at most once for half an array of them (Bonwick and
//! Adams, "Magazines and Vmem", USENIX 2001, section 3).

use core::alloc::Layout;
use core::array;
use core::cell::Cell;
use core::fmt;
use core::ptr::NonNull;

use super::Pool;
use super::depot::{BATCH, destroy_all};
use crate::boxed::FamilyBox;
use crate::boxed::raw::failed;
use crate::error::AllocError;
use crate::family::FamilyOf;
use crate::family_key::FamilyKey;
use crate::object_alloc::{FamilyObjectAlloc, Lent, ObjectAlloc, ObjectState};

/// No more objects in a front than this, and no more bytes of them than [`MOST_BYTES`].
const MOST: usize = 2 * BATCH;
const MOST_BYTES: usize = 64 << 10;

/// One thread's front of a [`Pool`]: most of the time it takes and returns objects without a lock.
///
/// It holds up to 32 idle objects or 64 KiB of them, whichever is less, but at least two. When it is
/// dropped it returns all of them, so a thread that ends leaves nothing behind. It may be moved to another
/// thread (if `T` may), but not shared:
///
/// ```compile_fail,E0277
/// # use famalloc::{alloc_family, Pool};
/// # #[alloc_family]
/// # enum Lives { Frame }
/// let pool = Pool::<u32, _>::new_in(|| 7, lives::Frame);
/// let front = pool.front();
/// std::thread::scope(|scope| {
///     scope.spawn(|| front.get());
/// });
/// ```
///
/// # Examples
///
/// A front for one task:
///
/// ```
/// # use famalloc::{alloc_family, Pool};
/// # #[alloc_family]
/// # enum Lives { Frame }
/// let pool = Pool::<Vec<u32>, _>::new_in(Vec::new, lives::Frame).with_reset(Vec::clear);
/// std::thread::scope(|scope| {
///     for _ in 0..2 {
///         scope.spawn(|| {
///             let front = pool.front();
///             for number in 0..1000 {
///                 front.get().push(number);
///             }
///         });
///     }
/// });
/// assert!(pool.counts().made <= 2);
/// ```
///
/// One for each thread, until the thread ends:
///
/// ```
/// use famalloc::pool::PoolFront;
/// # use famalloc::{alloc_family, Pool};
/// # #[alloc_family]
/// # enum Lives { Frame }
///
/// static LINES: Pool<String, lives::Frame> =
///     Pool::new_in(String::new, lives::Frame).with_reset(|line| line.clear());
///
/// thread_local! {
///     static FRONT: PoolFront<'static, String, lives::Frame> = LINES.front();
/// }
///
/// let length = FRONT.with(|front| {
///     let mut line = front.get();
///     line.push_str("three");
///     line.len()
/// });
/// assert_eq!(length, 5);
/// ```
pub struct PoolFront<'p, T, F: FamilyKey = FamilyOf<T>> {
    pool: &'p Pool<T, F>,
    /// The first `len` are idle objects of the pool's that only this front knows, the newest last.
    objects: [Cell<NonNull<u8>>; MOST],
    len: Cell<usize>,
    /// How many were used again since the pool was last told.
    reused: Cell<usize>,
}

// SAFETY: the objects in it may go to another thread, and so may a reference to the pool.
unsafe impl<T: Send, F: FamilyKey> Send for PoolFront<'_, T, F> {}

impl<'p, T, F: FamilyKey> PoolFront<'p, T, F> {
    /// How many objects it holds at most.
    const CAPACITY: usize = {
        let size = if size_of::<T>() == 0 { 1 } else { size_of::<T>() };
        match MOST_BYTES / size {
            0..2 => 2,
            fit if fit < MOST => fit,
            _ => MOST,
        }
    };

    /// How many go to the pool and come from it at once.
    const HALF: usize = Self::CAPACITY / 2;

    pub(super) const fn new(pool: &'p Pool<T, F>) -> Self {
        Self {
            pool,
            objects: [const { Cell::new(NonNull::dangling()) }; MOST],
            len: Cell::new(0),
            reused: Cell::new(0),
        }
    }

    /// Hands out an object like [`Pool::get`].
    ///
    /// # Aborts
    ///
    /// As for [`Pool::get`].
    ///
    /// # Panics
    ///
    /// If the constructor panics.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Pool};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let pool = Pool::<u32, _>::new_in(|| 7, lives::Frame);
    /// let front = pool.front();
    /// assert_eq!(*front.get(), 7);
    /// ```
    #[inline]
    pub fn get(&self) -> Lent<'_, T, Self> {
        match self.try_object() {
            Ok(object) => object,
            Err(error) => failed(error, Layout::new::<T>()),
        }
    }

    /// [`get`](Self::get) that returns an error like [`Pool::try_get`].
    ///
    /// # Errors
    ///
    /// As for [`Pool::try_get`].
    ///
    /// # Panics
    ///
    /// If the constructor panics.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Pool};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let pool = Pool::<u32, _>::new_in(|| 7, lives::Frame);
    /// let front = pool.front();
    /// assert_eq!(*front.try_get()?, 7);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[inline]
    pub fn try_get(&self) -> Result<Lent<'_, T, Self>, AllocError> {
        self.try_object()
    }

    /// Adds an object like [`Pool::put`].
    ///
    /// # Panics
    ///
    /// As for [`Pool::put`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox, Pool};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let pool = Pool::<u32, _>::new_in(|| 7, lives::Frame);
    /// let front = pool.front();
    /// front.put(FamilyBox::new_in(8, lives::Frame));
    /// assert_eq!(*front.get(), 8);
    /// ```
    #[inline]
    pub fn put(&self, object: FamilyBox<T, F>) {
        let object = FamilyBox::into_non_null(self.pool.reset(object)).cast();
        // After the hook, which may have used this front.
        let len = self.len.get();
        if len < Self::CAPACITY {
            self.objects[len].set(object);
            self.len.set(len + 1);
        } else {
            self.put_when_full(object);
        }
    }

    /// Returns all objects to the pool, and reports how many were reused.
    ///
    /// # Panics
    ///
    /// If the pool destroys some of them and a destructor panics; all objects are returned before.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Pool};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let pool = Pool::<u32, _>::new_in(|| 7, lives::Frame);
    /// let front = pool.front();
    /// drop(front.get());
    /// assert_eq!((front.len(), pool.len()), (1, 0));
    /// front.flush();
    /// assert_eq!((front.len(), pool.len()), (0, 1));
    /// ```
    pub fn flush(&self) {
        destroy_all(|| {
            let something = self.len.get() > 0 || self.reused.get() > 0;
            something.then(|| self.give_back(self.take_oldest()))
        });
    }

    /// The number of idle objects in this front.
    ///
    /// # Examples
    ///
    /// See [`flush`](Self::flush).
    #[must_use]
    pub fn len(&self) -> usize {
        self.len.get()
    }

    /// Whether no idle object is in this front.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Pool};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let pool = Pool::<u32, _>::new_in(|| 7, lives::Frame);
    /// assert!(pool.front().is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The object that came last.
    #[inline]
    fn take(&self) -> Option<NonNull<u8>> {
        let last = self.len.get().checked_sub(1)?;
        self.len.set(last);
        self.reused.set(self.reused.get() + 1);
        Some(self.objects[last].get())
    }

    /// Takes half an array from the pool and one of those.
    #[cold]
    fn refill(&self) -> Option<NonNull<u8>> {
        let mut room = [NonNull::dangling(); BATCH];
        let taken = self.pool.depot.take_some(&mut room[..Self::HALF], self.reused.take());
        // The newest came out first.
        for (place, object) in self.objects.iter().zip(room[..taken].iter().rev()) {
            place.set(*object);
        }
        self.len.set(taken);
        self.take()
    }

    /// Takes the older half out, or all if they are fewer.
    fn take_oldest(&self) -> ([NonNull<u8>; BATCH], usize) {
        let len = self.len.get();
        let count = len.min(Self::HALF);
        let oldest = array::from_fn(|index| self.objects[index].get());
        for index in count..len {
            self.objects[index - count].set(self.objects[index].get());
        }
        self.len.set(len - count);
        (oldest, count)
    }

    /// Gives the first so many to the pool. Returns what is to be destroyed, by being dropped.
    fn give_back(&self, (objects, count): ([NonNull<u8>; BATCH], usize)) -> impl Sized + use<T, F> {
        self.pool.depot.put_some(&objects[..count], self.reused.take(), self.pool.owner())
    }

    #[cold]
    fn put_when_full(&self, object: NonNull<u8>) {
        let oldest = self.take_oldest();
        let len = self.len.get();
        self.objects[len].set(object);
        self.len.set(len + 1);
        // Destructors may panic or use this front, so they come last.
        drop(self.give_back(oldest));
    }
}

impl<T, F: FamilyKey> Drop for PoolFront<'_, T, F> {
    /// Gives everything back to the pool.
    fn drop(&mut self) {
        self.flush();
    }
}

impl<T, F: FamilyKey> fmt::Debug for PoolFront<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolFront").field("len", &self.len()).field("pool", &self.pool).finish()
    }
}

// SAFETY: an object is the pool's, in this front, or handed out; its slot stays where it is.
unsafe impl<T, F: FamilyKey> ObjectAlloc<T> for PoolFront<'_, T, F> {
    const STATE: ObjectState = ObjectState::Kept;

    #[inline]
    fn try_alloc_object(&self) -> Result<NonNull<T>, AllocError> {
        match self.take().or_else(|| self.refill()) {
            Some(object) => Ok(object.cast()),
            None => self.pool.make(self.pool.make),
        }
    }

    #[inline]
    unsafe fn free_object(&self, object: NonNull<T>) {
        // SAFETY: handed out by this front, by the caller's word: valid, and in a slot of its own.
        self.put(unsafe { FamilyBox::from_non_null_in(object, self.pool.depot.family) });
    }
}

// SAFETY: each was made as a box, or came as one.
unsafe impl<T, F: FamilyKey> FamilyObjectAlloc<T> for PoolFront<'_, T, F> {
    type Family = F;

    #[inline]
    fn family(&self) -> F {
        self.pool.depot.family
    }
}
