//! [`Pool`]: a pool of objects of one type.

use core::alloc::Layout;
use core::fmt;
use core::marker::PhantomData;
use core::ptr::NonNull;

use super::depot::Depot;
use super::{PoolFront, Retention};
use crate::boxed::FamilyBox;
use crate::boxed::raw::failed;
use crate::error::AllocError;
use crate::family::{Family, FamilyOf, InFamily};
use crate::family_key::FamilyKey;
use crate::object_alloc::{FamilyObjectAlloc, Lent, ObjectAlloc, ObjectState};

/// An object of a [`Pool`] in use. It returns to the pool when it is dropped.
///
/// # Examples
///
/// ```
/// use famalloc::pool::Pooled;
/// use famalloc::{alloc_family, Pool};
///
/// #[alloc_family]
/// enum Lives { Frame }
///
/// static POOL: Pool<String, lives::Frame> = Pool::new_in(String::new, lives::Frame);
///
/// fn line() -> Pooled<'static, String, lives::Frame> {
///     POOL.get()
/// }
///
/// let mut line = line();
/// line.push('a');
/// ```
pub type Pooled<'a, T, F = FamilyOf<T>> = Lent<'a, T, Pool<T, F>>;

/// A pool of objects of type `T` in family `F`, which is that of `T` unless it is named.
///
/// See the [module](crate::pool) for what it is and what it costs. All threads share it if `T` is `Send`,
/// and it can be a `static`.
///
/// # Examples
///
/// ```
/// use famalloc::pool::Retention;
/// use famalloc::{alloc_family, Pool};
///
/// #[alloc_family]
/// enum Lives {
///     Parser,
/// }
///
/// #[alloc_family(Lives::Parser)]
/// struct Parser {
///     tokens: Vec<String>,
/// }
///
/// static PARSERS: Pool<Parser> = Pool::new(|| Parser { tokens: Vec::with_capacity(100) })
///     .with_reset(|parser| parser.tokens.clear())
///     .with_retention(Retention::working_set());
///
/// for text in ["a b", "c d e"] {
///     let mut parser = PARSERS.get();
///     assert!(parser.tokens.is_empty() && parser.tokens.capacity() >= 100);
///     parser.tokens.extend(text.split(' ').map(String::from));
/// }
/// assert_eq!((PARSERS.counts().made, PARSERS.counts().reused), (1, 1));
/// ```
///
/// Objects that must stay on one thread have their pool there:
///
/// ```compile_fail,E0277
/// # use famalloc::{alloc_family, Pool};
/// # use std::rc::Rc;
/// # #[alloc_family]
/// # enum Lives { Frame }
/// static POOL: Pool<Rc<u32>, lives::Frame> = Pool::new_in(|| Rc::new(7), lives::Frame);
/// ```
///
/// Whatever an object refers to must outlive the pool:
///
/// ```compile_fail,E0597
/// # use famalloc::{alloc_family, Pool};
/// # #[alloc_family]
/// # enum Lives { Frame }
/// fn set<'a>(pool: &Pool<&'a str, lives::Frame>, text: &'a str) {
///     *pool.get() = text;
/// }
///
/// let pool = Pool::<&str, _>::new_in(|| "", lives::Frame);
/// {
///     let text = String::from("short-lived");
///     set(&pool, &text);
/// }
/// println!("{}", *pool.get());
/// ```
///
/// A type without a family needs a named one:
///
/// ```compile_fail,E0277
/// # use famalloc::Pool;
/// let pool = Pool::new(|| 7_u32);
/// ```
pub struct Pool<T, F: FamilyKey = FamilyOf<T>> {
    /// Addresses of valid objects, each in a slot of `F` with the layout of `T` that nobody else
    /// uses or frees.
    pub(super) depot: Depot<F>,
    pub(super) make: fn() -> T,
    /// Its type is what keeps a pool from passing for one of objects of a shorter life, which would
    /// come out of it after their time.
    reset: Option<fn(&mut T)>,
    owns: PhantomData<T>,
}

// SAFETY: the pool owns its objects, which may go to another thread.
unsafe impl<T: Send, F: FamilyKey> Send for Pool<T, F> {}

// SAFETY: a shared pool gives objects to one user at a time, on any thread; it never gives shared
// access to one.
unsafe impl<T: Send, F: FamilyKey> Sync for Pool<T, F> {}

impl<T: InFamily> Pool<T> {
    /// An empty pool in the family of the objects' type. It takes no memory.
    ///
    /// `make` is called when an object is wanted and none is idle. The pool keeps all objects and does not
    /// reset them; see [`with_retention`](Self::with_retention) and [`with_reset`](Self::with_reset). For
    /// a constructor that needs local data use [`get_with`](Self::get_with).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Pool};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// #[alloc_family(Lives::Ast)]
    /// #[derive(Default)]
    /// struct Scope(Vec<u32>);
    ///
    /// static SCOPES: Pool<Scope> = Pool::new(Scope::default);
    /// assert!(SCOPES.get().0.is_empty());
    /// ```
    #[must_use]
    pub const fn new(make: fn() -> T) -> Self {
        Self::new_in(make, FamilyOf::<T>::MARKER)
    }
}

impl<T, F: FamilyKey> Pool<T, F> {
    /// An empty pool in a family, a marker or one known only at run time; otherwise like [`new`](Pool::new).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Pool};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// static BUFFERS: Pool<[u8; 4096], lives::Frame> = Pool::new_in(|| [0; 4096], lives::Frame);
    /// BUFFERS.get()[0] = 1;
    ///
    /// use famalloc::{AnyFamily, query};
    /// let lines = Pool::<String, _>::new_in(String::new, AnyFamily::from(Lives::Frame));
    /// assert_eq!(query(&raw const *lines.get()).unwrap().family, "Frame");
    /// ```
    #[must_use]
    pub const fn new_in(make: fn() -> T, family: F) -> Self {
        Self { depot: Depot::new(family), make, reset: None, owns: PhantomData }
    }

    /// Sets the hook that is called with every object that is returned or [`put`](Self::put); the
    /// [module](crate::pool) explains why then. If it panics the object is destroyed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Pool};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// static LINES: Pool<String, lives::Frame> =
    ///     Pool::new_in(String::new, lives::Frame).with_reset(|line| line.clear());
    /// LINES.get().push('x');
    /// assert_eq!(*LINES.get(), "");
    /// ```
    #[must_use]
    pub const fn with_reset(mut self, reset: fn(&mut T)) -> Self {
        self.reset = Some(reset);
        self
    }

    /// Sets how many idle objects to keep.
    ///
    /// # Examples
    ///
    /// See [`Retention`].
    #[must_use]
    pub const fn with_retention(mut self, retention: Retention) -> Self {
        self.depot.retention = retention;
        self
    }

    /// Hands out the object that returned last, or makes one.
    ///
    /// # Aborts
    ///
    /// Like [`FamilyBox::new`] if no memory is available for another object.
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
    /// let pool = Pool::<Vec<u8>, _>::new_in(Vec::new, lives::Frame);
    /// pool.get().reserve(100);
    /// assert!(pool.get().capacity() >= 100);
    /// ```
    #[inline]
    pub fn get(&self) -> Pooled<'_, T, F> {
        self.get_with(self.make)
    }

    /// [`get`](Self::get) that returns an error; then the constructor is not called.
    ///
    /// # Errors
    ///
    /// If no object is idle, and the limit of the family is reached or its page source has no memory left.
    /// The pool is unchanged.
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
    /// assert_eq!(*pool.try_get()?, 7);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[inline]
    pub fn try_get(&self) -> Result<Pooled<'_, T, F>, AllocError> {
        self.try_object()
    }

    /// [`get`](Self::get) with another constructor, in case one is needed.
    ///
    /// # Aborts
    ///
    /// As for [`get`](Self::get).
    ///
    /// # Panics
    ///
    /// If `make` panics.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Pool};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let pool = Pool::<Vec<u8>, _>::new_in(Vec::new, lives::Frame);
    /// let expected = 100;
    /// let buffer = pool.get_with(|| Vec::with_capacity(expected));
    /// assert!(buffer.capacity() >= 100);
    /// ```
    #[inline]
    pub fn get_with(&self, make: impl FnOnce() -> T) -> Pooled<'_, T, F> {
        match self.try_get_with(make) {
            Ok(object) => object,
            Err(error) => failed(error, Layout::new::<T>()),
        }
    }

    /// [`get_with`](Self::get_with) that returns an error.
    ///
    /// # Errors
    ///
    /// As for [`try_get`](Self::try_get).
    ///
    /// # Panics
    ///
    /// If `make` panics.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Pool};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let pool = Pool::<u32, _>::new_in(|| 7, lives::Frame);
    /// assert_eq!(*pool.try_get_with(|| 8)?, 8);
    /// assert_eq!(*pool.try_get_with(|| 9)?, 8); // one is there
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[inline]
    pub fn try_get_with(&self, make: impl FnOnce() -> T) -> Result<Pooled<'_, T, F>, AllocError> {
        let object = self.take_or_make(make)?;
        // SAFETY: the pool's own a moment ago.
        Ok(unsafe { Lent::new(self, object) })
    }

    /// Adds an object that was made elsewhere, or detached. It is reset like a returned one.
    ///
    /// # Panics
    ///
    /// If the reset hook or a destructor panics.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox, Pool};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let pool = Pool::<u32, _>::new_in(|| 7, lives::Frame);
    /// pool.put(FamilyBox::new_in(8, lives::Frame));
    /// assert_eq!(*pool.get(), 8);
    /// ```
    pub fn put(&self, object: FamilyBox<T, F>) {
        let object = self.reset(object);
        self.depot.put(FamilyBox::into_non_null(object).cast(), self.owner());
    }

    /// A front for the calling thread, which takes and returns objects without a lock.
    ///
    /// # Examples
    ///
    /// See [`PoolFront`].
    #[inline]
    pub const fn front(&self) -> PoolFront<'_, T, F> {
        PoolFront::new(self)
    }

    /// An object that is valid, and the caller's from now on.
    #[inline]
    fn take_or_make(&self, make: impl FnOnce() -> T) -> Result<NonNull<T>, AllocError> {
        match self.depot.take() {
            Some(object) => Ok(object.cast()),
            None => self.make(make),
        }
    }

    pub(super) fn make(&self, make: impl FnOnce() -> T) -> Result<NonNull<T>, AllocError> {
        let object = FamilyBox::<T, _>::try_new_with_in(make, self.depot.family)?;
        self.depot.count_made();
        Ok(FamilyBox::into_non_null(object))
    }

    /// Runs the hook. When it panics the box goes, and the object with it.
    #[inline]
    pub(super) fn reset(&self, mut object: FamilyBox<T, F>) -> FamilyBox<T, F> {
        if let Some(reset) = self.reset {
            reset(&mut object);
        }
        object
    }

    /// Takes charge of objects that leave the depot.
    #[inline]
    pub(super) fn owner(&self) -> impl Fn(NonNull<u8>) -> FamilyBox<T, F> + use<T, F> {
        let family = self.depot.family;
        // SAFETY: the depot has valid objects in slots of their own, and each leaves it once.
        move |object| unsafe { FamilyBox::from_non_null_in(object.cast(), family) }
    }
}

impl<T, F: FamilyKey> fmt::Debug for Pool<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.depot.describe(&mut f.debug_struct("Pool"))
    }
}

// SAFETY: an object is either the depot's or handed out; its slot stays where it is.
unsafe impl<T, F: FamilyKey> ObjectAlloc<T> for Pool<T, F> {
    const STATE: ObjectState = ObjectState::Kept;

    #[inline]
    fn try_alloc_object(&self) -> Result<NonNull<T>, AllocError> {
        self.take_or_make(self.make)
    }

    #[inline]
    unsafe fn free_object(&self, object: NonNull<T>) {
        // SAFETY: handed out by this pool, by the caller's word: valid, and in a slot of its own.
        self.put(unsafe { FamilyBox::from_non_null_in(object, self.depot.family) });
    }
}

// SAFETY: each was made as a box, or came as one.
unsafe impl<T, F: FamilyKey> FamilyObjectAlloc<T> for Pool<T, F> {
    type Family = F;

    #[inline]
    fn family(&self) -> F {
        self.depot.family
    }
}
