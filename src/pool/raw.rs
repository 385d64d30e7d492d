//! [`RawPool`]: a pool of memory of one layout, which its hooks initialise.

use core::alloc::Layout;
use core::fmt;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;

use super::depot::Depot;
use super::{PoolCounts, Retention};
use crate::boxed::raw::{Slot, failed};
use crate::error::AllocError;
use crate::family::Family;
use crate::family_key::FamilyKey;
use crate::object_alloc::SlotAlloc;

/// A hook of a [`RawPool`], which is called with the address of an object.
///
/// # Examples
///
/// See [`RawPool`].
pub type RawHook = unsafe fn(NonNull<u8>);

/// A pool of objects of one [`Layout`] in family `F`: a [`Pool`](crate::Pool) for objects whose type the
/// allocator does not know, as in an interpreter or a C interface.
///
/// Three optional hooks replace the constructor, the reset and the destructor:
///
/// | hook | called | then |
/// |---|---|---|
/// | `init` | with a new slot, not initialised | the object is handed out |
/// | `reset` | with an object that is handed back | it is idle |
/// | `finish` | with an object that is to be destroyed | its slot is freed |
///
/// Retention, counts and costs are those of a [`Pool`](crate::Pool).
///
/// # Examples
///
/// ```
/// use core::alloc::Layout;
/// use core::ptr::NonNull;
/// use famalloc::alloc_family;
/// use famalloc::pool::RawPool;
///
/// #[alloc_family]
/// enum Lives {
///     Object,
/// }
///
/// unsafe fn zero(cell: NonNull<u8>) {
///     // SAFETY: called with slots of 48 bytes.
///     unsafe { cell.write_bytes(0, 48) };
/// }
///
/// let layout = Layout::from_size_align(48, 16)?;
/// // SAFETY: `zero` writes 48 bytes, which every slot has.
/// let cells = unsafe { RawPool::<lives::Object>::new(layout).with_init(zero).with_reset(zero) };
/// let cell = cells.try_get()?;
/// // SAFETY: the cell is ours, was zeroed, and goes back once.
/// unsafe {
///     assert_eq!(cell.add(47).read(), 0);
///     cell.write(7);
///     cells.put(cell);
///     assert_eq!(cells.try_get()?.read(), 0);
/// }
/// # // SAFETY: the only one there is; so that not even the example leaks.
/// # unsafe { cells.put(cell) };
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RawPool<F: FamilyKey> {
    /// Addresses of idle objects, each in a slot of `F` with this layout that nobody else uses or
    /// frees.
    depot: Depot<F>,
    layout: Layout,
    init: Option<RawHook>,
    reset: Option<RawHook>,
    finish: Option<RawHook>,
}

/// An object and its slot: finished and freed when dropped.
struct Owned<F: FamilyKey> {
    slot: Slot<F>,
    finish: Option<RawHook>,
}

impl<F: FamilyKey> Owned<F> {
    /// Leaves object and slot to the caller.
    fn keep(self) -> NonNull<u8> {
        ManuallyDrop::new(self).slot.start()
    }
}

impl<F: FamilyKey> Drop for Owned<F> {
    /// The slot is freed after this, and also when the hook panics.
    fn drop(&mut self) {
        if let Some(finish) = self.finish {
            // SAFETY: an object of the pool's whose hook it is (`with_finish`), and its last use.
            unsafe { finish(self.slot.start()) };
        }
    }
}

impl<F: Family> RawPool<F> {
    /// An empty pool of slots of this layout. It takes no memory, calls no hooks and keeps all objects.
    ///
    /// # Examples
    ///
    /// ```
    /// # use core::alloc::Layout;
    /// # use famalloc::{alloc_family, pool::RawPool};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// #[repr(align(4096))]
    /// struct Page([u8; 4096]);
    ///
    /// static PAGES: RawPool<lives::Frame> = RawPool::new(Layout::new::<Page>());
    /// # let _ = Page([0; 4096]).0;
    /// ```
    #[must_use]
    pub const fn new(layout: Layout) -> Self {
        Self::new_in(layout, F::MARKER)
    }
}

impl<F: FamilyKey> RawPool<F> {
    /// [`new`](RawPool::new) in a family that is given as a value: a marker, or one known only at run time.
    ///
    /// # Examples
    ///
    /// ```
    /// # use core::alloc::Layout;
    /// # use famalloc::{alloc_family, pool::RawPool, query, AnyFamily};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let pool = RawPool::new_in(Layout::new::<u64>(), AnyFamily::from(Lives::Frame));
    /// let slot = pool.get();
    /// assert_eq!(query(slot.as_ptr()).unwrap().family, "Frame");
    /// // SAFETY: just handed out.
    /// unsafe { pool.put(slot) };
    /// ```
    #[must_use]
    pub const fn new_in(layout: Layout, family: F) -> Self {
        Self { depot: Depot::new(family), layout, init: None, reset: None, finish: None }
    }

    /// Sets the hook that initialises new slots. If `init` panics the slot is freed.
    ///
    /// # Safety
    ///
    /// `init` may be called on any thread with any uninitialised slot of the pool's layout.
    ///
    /// # Examples
    ///
    /// See [`RawPool`].
    #[must_use]
    pub const unsafe fn with_init(mut self, init: RawHook) -> Self {
        self.init = Some(init);
        self
    }

    /// Sets the hook that resets returned objects. If `reset` panics the object is destroyed.
    ///
    /// # Safety
    ///
    /// `reset` may be called on any thread with any object that is returned to this pool.
    ///
    /// # Examples
    ///
    /// See [`RawPool`].
    #[must_use]
    pub const unsafe fn with_reset(mut self, reset: RawHook) -> Self {
        self.reset = Some(reset);
        self
    }

    /// Sets the hook that finishes objects before their slots are freed. If `finish` panics the slot is
    /// freed all the same.
    ///
    /// # Safety
    ///
    /// `finish` may be called on any thread, once, with any object that was returned to this pool, whether
    /// its reset returned or panicked.
    ///
    /// # Examples
    ///
    /// ```
    /// # use core::{alloc::Layout, ptr::NonNull};
    /// # use famalloc::{alloc_family, pool::RawPool};
    /// # #[alloc_family]
    /// # enum Lives { Object }
    /// unsafe fn make(text: NonNull<u8>) {
    ///     // SAFETY: called with slots for a `String`.
    ///     unsafe { text.cast::<String>().write(String::from("text")) };
    /// }
    /// unsafe fn end(text: NonNull<u8>) {
    ///     // SAFETY: called with what `make` made, at its end.
    ///     unsafe { text.cast::<String>().drop_in_place() };
    /// }
    ///
    /// let pool = RawPool::<lives::Object>::new(Layout::new::<String>());
    /// // SAFETY: the one makes strings in slots for strings, the other drops them.
    /// let texts = unsafe { pool.with_init(make).with_finish(end) };
    /// let text = texts.try_get()?;
    /// // SAFETY: a string of ours; goes back once, as it came.
    /// unsafe {
    ///     assert_eq!(*text.cast::<String>().as_ref(), "text");
    ///     texts.put(text);
    /// }
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    #[must_use]
    pub const unsafe fn with_finish(mut self, finish: RawHook) -> Self {
        self.finish = Some(finish);
        self
    }

    /// Sets how many idle objects to keep.
    ///
    /// # Examples
    ///
    /// ```
    /// # use core::alloc::Layout;
    /// # use famalloc::{alloc_family, pool::{RawPool, Retention}};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// static PAGES: RawPool<lives::Frame> =
    ///     RawPool::new(Layout::new::<[u64; 512]>()).with_retention(Retention::working_set());
    /// ```
    #[must_use]
    pub const fn with_retention(mut self, retention: Retention) -> Self {
        self.depot.retention = retention;
        self
    }

    /// Hands out the object that returned last, or makes one. It belongs to the caller until it is
    /// [`put`](Self::put) back. The pool does not track it, so the caller may also finish it and free its
    /// slot with [`RawAlloc::free`](crate::RawAlloc::free).
    ///
    /// # Aborts
    ///
    /// Like [`FamilyBox::new`](crate::FamilyBox::new) if no memory is available for another object.
    ///
    /// # Panics
    ///
    /// If `init` panics.
    ///
    /// # Examples
    ///
    /// ```
    /// # use core::alloc::Layout;
    /// # use famalloc::{alloc_family, pool::RawPool};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let pool = RawPool::<lives::Frame>::new(Layout::new::<u64>());
    /// let slot = pool.get();
    /// // SAFETY: just handed out.
    /// unsafe { pool.put(slot) };
    /// ```
    #[must_use = "the object leaks unless it is put back"]
    pub fn get(&self) -> NonNull<u8> {
        match self.try_get() {
            Ok(object) => object,
            Err(error) => failed(error, self.layout),
        }
    }

    /// [`get`](Self::get) that returns an error; then `init` is not called.
    ///
    /// # Errors
    ///
    /// If no object is idle, and the limit of the family is reached or its page source has no memory left.
    /// The pool is unchanged.
    ///
    /// # Panics
    ///
    /// If `init` panics.
    ///
    /// # Examples
    ///
    /// See [`RawPool`].
    pub fn try_get(&self) -> Result<NonNull<u8>, AllocError> {
        if let Some(object) = self.depot.take() {
            return Ok(object);
        }
        let slot = Slot::<F>::allocate(self.layout, self.depot.family)?;
        if let Some(init) = self.init {
            // SAFETY: a new slot of the layout, which is what the hook is for (`with_init`).
            unsafe { init(slot.start()) };
        }
        self.depot.count_made();
        Ok(slot.keep())
    }

    /// Returns an object to the pool, or adds one that was made elsewhere.
    ///
    /// # Panics
    ///
    /// If `reset` or `finish` panics.
    ///
    /// # Safety
    ///
    /// - `object` was handed out by this pool (or allocated in `F` with its layout, and initialised as
    ///   `init` does it), and is in a state that `reset` and `finish` expect.
    /// - It is not used again.
    ///
    /// # Examples
    ///
    /// See [`RawPool`].
    pub unsafe fn put(&self, object: NonNull<u8>) {
        let object = self.owner()(object);
        if let Some(reset) = self.reset {
            // SAFETY: what the hook is for (`with_reset`).
            unsafe { reset(object.slot.start()) };
        }
        self.depot.put(object.keep(), self.owner());
    }

    /// The layout of the objects.
    ///
    /// # Examples
    ///
    /// ```
    /// # use core::alloc::Layout;
    /// # use famalloc::{alloc_family, pool::RawPool};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let pool = RawPool::<lives::Frame>::new(Layout::new::<u64>());
    /// assert_eq!(pool.layout().align(), 8);
    /// ```
    #[must_use]
    pub const fn layout(&self) -> Layout {
        self.layout
    }

    /// Ends a period like [`Pool::end_period`](crate::Pool::end_period).
    ///
    /// # Panics
    ///
    /// If `finish` panics.
    ///
    /// # Examples
    ///
    /// ```
    /// # use core::alloc::Layout;
    /// # use famalloc::{alloc_family, pool::{RawPool, Retention}};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let pool = RawPool::<lives::Frame>::new(Layout::new::<u64>())
    ///     .with_retention(Retention::working_set());
    /// // SAFETY: handed out by this pool.
    /// unsafe { pool.put(pool.get()) };
    /// assert_eq!(pool.end_period(), 0); // it was in use
    /// assert_eq!(pool.end_period(), 1); // it was not
    /// ```
    pub fn end_period(&self) -> usize {
        self.depot.end_period(self.owner())
    }

    /// Destroys idle objects like [`Pool::trim`](crate::Pool::trim).
    ///
    /// # Panics
    ///
    /// If `finish` panics; all are destroyed before.
    ///
    /// # Examples
    ///
    /// ```
    /// # use core::alloc::Layout;
    /// # use famalloc::{alloc_family, pool::RawPool};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let pool = RawPool::<lives::Frame>::new(Layout::new::<u64>());
    /// // SAFETY: handed out by this pool.
    /// unsafe { pool.put(pool.get()) };
    /// assert_eq!((pool.trim(1), pool.trim(0)), (0, 1));
    /// ```
    pub fn trim(&self, keep: usize) -> usize {
        self.depot.trim(keep, self.owner())
    }

    /// Destroys all idle objects like [`Pool::clear`](crate::Pool::clear).
    ///
    /// # Panics
    ///
    /// As for [`trim`](Self::trim).
    ///
    /// # Examples
    ///
    /// ```
    /// # use core::alloc::Layout;
    /// # use famalloc::{alloc_family, pool::RawPool};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let pool = RawPool::<lives::Frame>::new(Layout::new::<u64>());
    /// pool.clear();
    /// assert!(pool.is_empty());
    /// ```
    pub fn clear(&self) {
        self.depot.clear(self.owner());
    }

    /// The number of idle objects.
    ///
    /// # Examples
    ///
    /// See [`counts`](Self::counts).
    #[must_use]
    pub fn len(&self) -> usize {
        self.depot.len()
    }

    /// Whether no object is idle.
    ///
    /// # Examples
    ///
    /// See [`clear`](Self::clear).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The counts of the pool.
    ///
    /// # Examples
    ///
    /// ```
    /// # use core::alloc::Layout;
    /// # use famalloc::{alloc_family, pool::RawPool};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let pool = RawPool::<lives::Frame>::new(Layout::new::<u64>());
    /// // SAFETY: handed out by this pool.
    /// unsafe { pool.put(pool.get()) };
    /// assert_eq!((pool.len(), pool.counts().made), (1, 1));
    /// ```
    #[must_use]
    pub fn counts(&self) -> PoolCounts {
        self.depot.counts()
    }

    /// Takes charge of objects that leave the depot, or were put back by their user.
    fn owner(&self) -> impl Fn(NonNull<u8>) -> Owned<F> + use<F> {
        let (layout, finish, family) = (self.layout, self.finish, self.depot.family);
        move |object| {
            // SAFETY: a slot of this family and layout, and nobody else's: each object leaves the depot once, and
            // its user puts it back once.
            let slot = unsafe { Slot::own(object, layout, family) };
            Owned { slot, finish }
        }
    }
}

impl<F: FamilyKey> Drop for RawPool<F> {
    /// Destroys the idle objects. Those that are in use leak unless they are freed by hand.
    fn drop(&mut self) {
        self.clear();
    }
}

impl<F: FamilyKey> fmt::Debug for RawPool<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.depot.describe(f.debug_struct("RawPool").field("layout", &self.layout))
    }
}

// SAFETY: a slot is either the depot's or handed out, and stays where it is.
unsafe impl<F: FamilyKey> SlotAlloc for RawPool<F> {
    #[inline]
    fn layout(&self) -> Layout {
        self.layout
    }

    #[inline]
    fn try_alloc_slot(&self) -> Result<NonNull<u8>, AllocError> {
        self.try_get()
    }

    #[inline]
    unsafe fn free_slot(&self, slot: NonNull<u8>) {
        // SAFETY: passed on.
        unsafe { self.put(slot) };
    }
}
