//! [`RegionBox`]: an owned value in a region, which can be freed before the region.
//!
//! Invariants: it points to a valid value that the handle owns; where that has a size, it lies in a live
//! room of the arena, made for the layout of the value, which nobody else frees.

use core::alloc::Layout;
use core::borrow::{Borrow, BorrowMut};
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::iter::FusedIterator;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::{self, NonNull};

use crate::arena::Arena;
use crate::boxed::__Unsize;

use super::failed;
use super::value::Slot;

/// An owned value in a [`Region`](crate::Region). It is dropped and freed with the handle, or freed with
/// the region if the handle is forgotten.
///
/// The region reuses its memory. Frees in the reverse order of allocation cost next to nothing.
///
/// It has no `pin`, for the reason in the [module](super). It belongs to the thread that has the region:
///
/// ```compile_fail,E0277
/// # use famalloc::{alloc_family, Region};
/// # #[alloc_family]
/// # enum Lives { Frame }
/// let frame = Region::<lives::Frame>::new();
/// let seven = frame.boxed(7);
/// std::thread::scope(|scope| {
///     scope.spawn(move || drop(seven));
/// });
/// ```
///
/// # Examples
///
/// A list whose nodes are freed one by one:
///
/// ```
/// use famalloc::{alloc_family, Region, RegionBox};
///
/// #[alloc_family]
/// enum Lives {
///     Frame,
/// }
///
/// struct Node<'r> {
///     value: u32,
///     next: Option<RegionBox<'r, Node<'r>>>,
/// }
///
/// let frame = Region::<lives::Frame>::new();
/// let mut list = None;
/// for value in 0..10 {
///     list = Some(frame.boxed(Node { value, next: list }));
/// }
/// while let Some(node) = list.take_if(|node| node.value > 3) {
///     list = RegionBox::into_inner(node).next;
/// }
/// assert_eq!(frame.usage().live_bytes, 4 * size_of::<Node>());
/// ```
///
/// As a trait object, by [`unsize!`](crate::unsize):
///
/// ```
/// # use famalloc::{alloc_family, unsize, Region, RegionBox};
/// # #[alloc_family]
/// # enum Lives { Frame }
/// let frame = Region::<lives::Frame>::new();
/// let shown: [RegionBox<dyn std::fmt::Display>; 2] = [
///     unsize!(frame.boxed(1) => dyn std::fmt::Display),
///     unsize!(frame.boxed("two") => dyn std::fmt::Display),
/// ];
/// assert_eq!(format!("{} {}", shown[0], shown[1]), "1 two");
/// ```
pub struct RegionBox<'r, T: ?Sized> {
    value: NonNull<T>,
    arena: &'r Arena,
    owns: PhantomData<T>,
}

impl<T: ?Sized + UnwindSafe> UnwindSafe for RegionBox<'_, T> {}
impl<T: ?Sized + RefUnwindSafe> RefUnwindSafe for RegionBox<'_, T> {}
// Moving the handle does not move the value.
impl<T: ?Sized> Unpin for RegionBox<'_, T> where T: Unpin {}

/// Frees a room when it goes out of scope.
struct Room<'r> {
    arena: &'r Arena,
    start: NonNull<u8>,
    layout: Layout,
}

impl Drop for Room<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.layout.size() > 0 {
            // SAFETY: the room of a box (its invariant), whose value is gone.
            unsafe { self.arena.free(self.start, self.layout) };
        }
    }
}

impl<'r, T: ?Sized> RegionBox<'r, T> {
    /// A box of a value that was just put into a room of its own.
    #[inline(always)]
    pub(super) fn of(arena: &'r Arena, value: NonNull<T>) -> Self {
        Self { value, arena, owns: PhantomData }
    }

    /// Takes the handle apart.
    #[inline]
    fn into_room(this: Self) -> (NonNull<T>, Room<'r>) {
        let layout = Layout::for_value::<T>(&this);
        let this = ManuallyDrop::new(this);
        (this.value, Room { arena: this.arena, start: this.value.cast(), layout })
    }

    /// Lends the value for as long as the region is borrowed. The value is not dropped; its memory is
    /// freed with the region.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region, RegionBox};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let seven: &mut i32 = RegionBox::leak(frame.boxed(7));
    /// assert_eq!(*seven, 7);
    /// ```
    #[inline]
    pub fn leak(this: Self) -> &'r mut T {
        let mut this = ManuallyDrop::new(this);
        // SAFETY: a valid value, which nobody else has, and whose room stays as long as the region is
        // borrowed.
        unsafe { this.value.as_mut() }
    }

    /// Gives up the handle and returns the address of the value. Nothing is dropped or freed before the
    /// region is reset.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region, RegionBox};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let raw = RegionBox::into_raw(frame.boxed(7));
    /// // SAFETY: from `into_raw` of a box of this region, and used once.
    /// let boxed = unsafe { RegionBox::from_raw_in(raw, &frame) };
    /// assert_eq!(*boxed, 7);
    /// ```
    #[inline]
    #[must_use = "the value is not dropped unless the pointer is kept"]
    pub fn into_raw(this: Self) -> *mut T {
        ManuallyDrop::new(this).value.as_ptr()
    }

    /// Takes ownership of the value at `raw`, in that region.
    ///
    /// # Safety
    ///
    /// - `raw` points to a valid value, and may be used for all of it;
    /// - its memory was allocated in `region`, which has not been reset since, with the layout of the
    ///   value, by [`into_raw`](Self::into_raw) or [`alloc_layout`](crate::Region::alloc_layout) (for a
    ///   zero-sized value any well-aligned address will do);
    /// - nothing else owns or frees it.
    ///
    /// # Examples
    ///
    /// See [`into_raw`](Self::into_raw).
    #[inline]
    pub unsafe fn from_raw_in<F: crate::family::Family, K: super::Kind>(
        raw: *mut T,
        region: &'r super::Region<F, K>,
    ) -> Self {
        // SAFETY: a pointer to a valid value is not null.
        Self::of(region.arena(), unsafe { NonNull::new_unchecked(raw) })
    }
}

// SAFETY: the pointer and the arena are the handle; a coercion keeps the address, and the value is as
// large and as aligned as before.
unsafe impl<'r, T: ?Sized> __Unsize for RegionBox<'r, T> {
    type Value = T;
    type To<U: ?Sized> = RegionBox<'r, U>;
    type Home = Home<'r>;

    #[inline]
    fn __into_pointer(self) -> (*mut T, Home<'r>) {
        let home = Home(self.arena);
        (Self::into_raw(self), home)
    }

    #[inline]
    unsafe fn __from_pointer<U: ?Sized>(pointer: *mut U, home: Home<'r>) -> RegionBox<'r, U> {
        // SAFETY: a handle's pointer is not null.
        RegionBox::of(home.0, unsafe { NonNull::new_unchecked(pointer) })
    }
}

/// What a box keeps beside its pointer.
#[doc(hidden)]
#[derive(Debug)]
pub struct Home<'r>(&'r Arena);

impl<T> RegionBox<'_, T> {
    /// Moves the value out and frees its memory.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region, RegionBox};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let text: String = RegionBox::into_inner(frame.boxed("text".to_owned()));
    /// assert_eq!((text.as_str(), frame.usage().live_bytes), ("text", 0));
    /// ```
    #[inline]
    #[must_use]
    pub fn into_inner(this: Self) -> T {
        let (value, _room) = Self::into_room(this);
        // SAFETY: the box's own value, which is not used again.
        unsafe { value.read() }
    }
}

impl<T: ?Sized> Drop for RegionBox<'_, T> {
    /// Drops the value, then frees its room; the latter also when the value's destructor panics.
    #[inline(always)]
    fn drop(&mut self) {
        let layout = Layout::for_value::<T>(self);
        let _room = Room { arena: self.arena, start: self.value.cast(), layout };
        // SAFETY: the box's own value, and this is its last use.
        unsafe { ptr::drop_in_place(self.value.as_ptr()) };
    }
}

impl<T: ?Sized> Deref for RegionBox<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the box's own value.
        unsafe { self.value.as_ref() }
    }
}

impl<T: ?Sized> DerefMut for RegionBox<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the box's own value, borrowed with the box.
        unsafe { self.value.as_mut() }
    }
}

impl<T: ?Sized> AsRef<T> for RegionBox<'_, T> {
    fn as_ref(&self) -> &T {
        self
    }
}

impl<T: ?Sized> AsMut<T> for RegionBox<'_, T> {
    fn as_mut(&mut self) -> &mut T {
        self
    }
}

impl<T: ?Sized> Borrow<T> for RegionBox<'_, T> {
    fn borrow(&self) -> &T {
        self
    }
}

impl<T: ?Sized> BorrowMut<T> for RegionBox<'_, T> {
    fn borrow_mut(&mut self) -> &mut T {
        self
    }
}

impl<T: Clone> Clone for RegionBox<'_, T> {
    /// In the same region.
    fn clone(&self) -> Self {
        match Slot::new(self.arena, false, self.arena.is_tracked()) {
            Ok(slot) => Self::of(self.arena, slot.fill(T::clone(self))),
            Err(error) => failed(error, Layout::new::<T>()),
        }
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RegionBox<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for RegionBox<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, f)
    }
}

impl<T: ?Sized> fmt::Pointer for RegionBox<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Pointer::fmt(&self.value, f)
    }
}

impl<T: ?Sized + PartialEq> PartialEq for RegionBox<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: ?Sized + Eq> Eq for RegionBox<'_, T> {}

impl<T: ?Sized + PartialOrd> PartialOrd for RegionBox<'_, T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        T::partial_cmp(self, other)
    }
}

impl<T: ?Sized + Ord> Ord for RegionBox<'_, T> {
    fn cmp(&self, other: &Self) -> Ordering {
        T::cmp(self, other)
    }
}

impl<T: ?Sized + Hash> Hash for RegionBox<'_, T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        T::hash(self, state);
    }
}

impl<I: Iterator> Iterator for RegionBox<'_, I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        (**self).next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (**self).size_hint()
    }
}

impl<I: DoubleEndedIterator> DoubleEndedIterator for RegionBox<'_, I> {
    fn next_back(&mut self) -> Option<I::Item> {
        (**self).next_back()
    }
}

impl<I: ExactSizeIterator> ExactSizeIterator for RegionBox<'_, I> {}
impl<I: FusedIterator> FusedIterator for RegionBox<'_, I> {}

impl<T: ?Sized + core::error::Error> core::error::Error for RegionBox<'_, T> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        T::source(self)
    }
}
