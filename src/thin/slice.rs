//! The slice: its slot, its length, its elements.

use core::alloc::Layout;
use core::marker::PhantomData;
use core::mem::{self, ManuallyDrop};
use core::ops::{Deref, DerefMut};
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::{self, NonNull};

use super::filling::{Filling, is_free, move_to_slot};
use crate::boxed::FamilyBox;
use crate::boxed::raw::{Slot, apart};
use crate::error::AllocError;
use crate::family::FamilyOf;
use crate::raw_alloc::RawAlloc;
use crate::rc::slot;

/// An owned slice in a slot of its family. Its length is in the slot too: the handle is one word.
///
/// The family is that of the elements' type unless it is named. A family known only at run time
/// ([`AnyFamily`](crate::AnyFamily)) and a region are homes as well; the handle is a word wider with them.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, ThinSlice};
///
/// #[alloc_family]
/// enum Lives { Ast }
///
/// #[alloc_family(Lives::Ast)]
/// struct Node {
///     children: ThinSlice<Node>,
/// }
///
/// let leaf = || Node { children: ThinSlice::new() };
/// let root = Node { children: [leaf(), leaf()].into() };
/// assert_eq!(root.children.len(), 2);
/// assert_eq!(size_of::<Option<ThinSlice<Node>>>(), size_of::<usize>());
/// ```
///
/// It is `Send` only if its elements are:
///
/// ```compile_fail,E0277
/// # use famalloc::{alloc_family, ThinSlice};
/// # #[alloc_family]
/// # enum Lives { Ast }
/// let slice = ThinSlice::<_, lives::Ast>::from([std::rc::Rc::new(7)]);
/// std::thread::spawn(move || println!("{slice:?}"));
/// ```
pub struct ThinSlice<T, A: RawAlloc = FamilyOf<T>> {
    elements: NonNull<T>,
    owns: PhantomData<T>,
    alloc: A,
}

// SAFETY: the handle owns its elements and its allocator, which frees the slot wherever it is.
unsafe impl<T: Send, A: RawAlloc + Send> Send for ThinSlice<T, A> {}

// SAFETY: a shared handle gives shared access to the elements and the allocator, and to nothing else.
unsafe impl<T: Sync, A: RawAlloc + Sync> Sync for ThinSlice<T, A> {}

impl<T, A: RawAlloc> Unpin for ThinSlice<T, A> {}

impl<T: UnwindSafe, A: RawAlloc + UnwindSafe> UnwindSafe for ThinSlice<T, A> {}

impl<T: RefUnwindSafe, A: RawAlloc + RefUnwindSafe> RefUnwindSafe for ThinSlice<T, A> {}

impl<T, A: RawAlloc + Default> ThinSlice<T, A> {
    /// The empty slice. Up to an alignment of 64 it takes no memory.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, ThinSlice};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// assert!(ThinSlice::<u32, lives::Ast>::new().is_empty());
    /// ```
    #[inline]
    #[must_use]
    pub fn new() -> Self {
        Self::new_in(A::default())
    }

    /// [`From<&[T]>`](#impl-From<%26%5BT%5D>-for-ThinSlice<T,+A>) that returns an error; then no element
    /// is cloned.
    ///
    /// # Errors
    ///
    /// If the slot would exceed `isize::MAX` bytes, the limit of the family is reached, or its page source
    /// has no memory left.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, ThinSlice};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let slice = ThinSlice::<u32, lives::Ast>::try_from_slice(&[1, 2])?;
    /// assert_eq!(slice, [1, 2]);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_from_slice(elements: &[T]) -> Result<Self, AllocError>
    where
        T: Clone,
    {
        Self::try_from_slice_in(elements, A::default())
    }

    /// Collects the elements of an iterator, as `collect` does, or returns an error; then the elements that it had
    /// and the iterator are dropped.
    ///
    /// # Errors
    ///
    /// If the slot would exceed `isize::MAX` bytes, the limit of the family is reached, or its page source
    /// has no memory left.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, ThinSlice};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let squares = ThinSlice::<u32, lives::Ast>::try_from_iter((0..4).map(|x| x * x))?;
    /// assert_eq!(*squares, [0, 1, 4, 9]);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_from_iter(elements: impl IntoIterator<Item = T>) -> Result<Self, AllocError> {
        Self::try_from_iter_in(elements, A::default())
    }

    /// Takes ownership of the elements at `raw`.
    ///
    /// # Safety
    ///
    /// `raw` comes from [`into_raw`](Self::into_raw) of the same type, and is used once.
    ///
    /// # Examples
    ///
    /// See [`into_raw`](Self::into_raw).
    #[inline]
    #[must_use = "dropping the handle drops the elements and frees their slot"]
    pub unsafe fn from_raw(raw: *mut T) -> Self {
        // SAFETY: passed on.
        unsafe { Self::from_raw_in(raw, A::default()) }
    }
}

impl<T, A: RawAlloc> ThinSlice<T, A> {
    /// The empty slice, to be replaced by one in a slot of `alloc`. Up to an alignment of 64 it takes no
    /// memory.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region, ThinSlice};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// assert!(ThinSlice::<u32, _>::new_in(frame.allocator()).is_empty());
    /// assert_eq!(frame.usage().live_bytes, 0);
    /// ```
    #[inline]
    #[must_use]
    pub fn new_in(alloc: A) -> Self {
        Filling::or_failed(0, alloc).finish()
    }

    /// Clones the elements of a slice into a slot of `alloc`. If a clone panics, the ones before it are
    /// dropped.
    ///
    /// # Panics
    ///
    /// If the slot would exceed `isize::MAX` bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region, ThinSlice};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let words = ThinSlice::from_slice_in(&["a".to_owned(), "b".to_owned()], frame.allocator());
    /// assert_eq!(words.concat(), "ab");
    /// ```
    #[must_use]
    pub fn from_slice_in(elements: &[T], alloc: A) -> Self
    where
        T: Clone,
    {
        let mut filling = Filling::or_failed(elements.len(), alloc);
        elements.iter().for_each(|element| filling.push(element.clone()));
        filling.finish()
    }

    /// [`from_slice_in`](Self::from_slice_in) that returns an error; then no element is cloned.
    ///
    /// # Errors
    ///
    /// If the slot would exceed `isize::MAX` bytes, or the allocator has no memory for it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, ThinSlice};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// assert_eq!(ThinSlice::try_from_slice_in(&[1, 2], lives::Ast)?, [1, 2]);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_from_slice_in(elements: &[T], alloc: A) -> Result<Self, AllocError>
    where
        T: Clone,
    {
        let mut filling = Filling::try_new(elements.len(), alloc)?;
        elements.iter().for_each(|element| filling.push(element.clone()));
        Ok(filling.finish())
    }

    /// Collects the elements of an iterator into a slot of `alloc`: directly if the iterator knows its length,
    /// and through a box there if it does not, or if its length is wrong.
    ///
    /// # Panics
    ///
    /// As for [`from_slice_in`](Self::from_slice_in).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region, ThinSlice};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// assert_eq!(ThinSlice::from_iter_in((0..4).map(|x| x * x), frame.allocator()), [0, 1, 4, 9]);
    /// ```
    #[must_use]
    pub fn from_iter_in(elements: impl IntoIterator<Item = T>, alloc: A) -> Self {
        let mut elements = elements.into_iter();
        let (least, most) = elements.size_hint();
        if most != Some(least) {
            return FamilyBox::from_iter_in(elements, alloc).into();
        }
        let mut filling = Filling::<T, A>::or_failed(least, alloc);
        for _ in 0..least {
            match elements.next() {
                Some(element) => filling.push(element),
                None => return filling.cut().into(),
            }
        }
        match elements.next() {
            None => filling.finish(),
            Some(more) => filling.cut().extended([more].into_iter().chain(elements)).into(),
        }
    }

    /// [`from_iter_in`](Self::from_iter_in) that returns an error; then the elements that it had and the iterator
    /// are dropped.
    ///
    /// # Errors
    ///
    /// As for [`try_from_slice_in`](Self::try_from_slice_in).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, ThinSlice};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let squares = ThinSlice::try_from_iter_in((0..4).map(|x| x * x), lives::Ast)?;
    /// assert_eq!(*squares, [0, 1, 4, 9]);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_from_iter_in(
        elements: impl IntoIterator<Item = T>,
        alloc: A,
    ) -> Result<Self, AllocError> {
        let mut elements = elements.into_iter();
        let (least, most) = elements.size_hint();
        if most != Some(least) {
            return FamilyBox::try_from_iter_in(elements, alloc).and_then(Self::try_from_boxed);
        }
        let mut filling = Filling::<T, A>::try_new(least, alloc)?;
        for _ in 0..least {
            match elements.next() {
                Some(element) => filling.push(element),
                None => return filling.try_cut().and_then(Self::try_from_boxed),
            }
        }
        let Some(more) = elements.next() else { return Ok(filling.finish()) };
        let all = filling.try_cut()?.try_extended([more].into_iter().chain(elements))?;
        Self::try_from_boxed(all)
    }

    /// The handle of elements.
    ///
    /// # Safety
    ///
    /// T1 and T2 hold for the pointer and the allocator.
    #[inline(always)]
    pub(super) const unsafe fn from_parts(elements: NonNull<T>, alloc: A) -> Self {
        Self { elements, owns: PhantomData, alloc }
    }

    /// The handle without its destructor.
    #[inline(always)]
    fn into_parts(this: Self) -> (NonNull<T>, A) {
        let this = ManuallyDrop::new(this);
        // SAFETY: the handle is forgotten, so its allocator is moved out once.
        (this.elements, unsafe { ptr::read(&this.alloc) })
    }

    /// The allocator of the slot: a family's marker, an [`AnyFamily`](crate::AnyFamily), a region.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, AnyFamily, ThinSlice};
    /// # #[alloc_family]
    /// # #[derive(Debug)]
    /// # enum Lives { Ast }
    /// let ast = AnyFamily::from(Lives::Ast);
    /// assert_eq!(*ThinSlice::allocator(&ThinSlice::from_slice_in(&[1, 2], ast)), ast);
    /// ```
    #[inline]
    #[must_use]
    pub const fn allocator(this: &Self) -> &A {
        &this.alloc
    }

    /// The number of elements.
    #[inline]
    fn length(&self) -> usize {
        // SAFETY: T1.
        let word = unsafe { slot::word::<u64>(self.elements.cast()) };
        // SAFETY: T1; nobody writes it while there is a handle.
        let length = unsafe { word.read() };
        // It was a `usize`, and those have 64 bits here.
        length as usize
    }

    /// The slot, and its layout, unless there is none.
    fn slot(&self) -> Option<(NonNull<u8>, Layout)> {
        let len = self.length();
        if is_free::<T>(len) {
            return None;
        }
        // SAFETY: T1: there are that many elements, so they have a layout.
        let elements = unsafe {
            Layout::from_size_align_unchecked(len.unchecked_mul(size_of::<T>()), align_of::<T>())
        };
        // SAFETY: T2.
        let layout = unsafe { slot::layout_of_existing(elements) };
        // SAFETY: T1.
        Some((unsafe { slot::start_of(self.elements.cast(), elements) }, layout))
    }

    /// Gives up the handle and returns the address of the elements. Nothing is dropped or freed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, ThinSlice};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let raw = ThinSlice::into_raw(ThinSlice::<u32, lives::Ast>::from([1, 2]));
    /// // SAFETY: it comes from `into_raw` of the same type, and is used once.
    /// let slice = unsafe { ThinSlice::<u32, lives::Ast>::from_raw(raw) };
    /// assert_eq!(slice, [1, 2]);
    /// ```
    #[inline]
    #[must_use = "the elements and their slot leak unless the pointer is kept"]
    pub fn into_raw(this: Self) -> *mut T {
        Self::into_raw_with_allocator(this).0
    }

    /// [`into_raw`](Self::into_raw) that returns the allocator, too, for [`from_raw_in`](Self::from_raw_in).
    ///
    /// # Examples
    ///
    /// See [`from_raw_in`](Self::from_raw_in).
    #[inline]
    #[must_use = "the elements and their slot leak unless the pointer is kept"]
    pub fn into_raw_with_allocator(this: Self) -> (*mut T, A) {
        let (elements, alloc) = Self::into_parts(this);
        (elements.as_ptr(), alloc)
    }

    /// [`from_raw`](Self::from_raw) for elements in a slot of `alloc`.
    ///
    /// # Safety
    ///
    /// `raw` comes from [`into_raw`](Self::into_raw) of a handle whose allocator was `alloc` (or a copy of it),
    /// and is used once.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Region, ThinSlice};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let slice = ThinSlice::from_slice_in(&[1, 2], frame.allocator());
    /// let (raw, alloc) = ThinSlice::into_raw_with_allocator(slice);
    /// // SAFETY: as it came, and used once.
    /// assert_eq!(unsafe { ThinSlice::from_raw_in(raw, alloc) }, [1, 2]);
    /// ```
    #[inline]
    #[must_use = "dropping the handle drops the elements and frees their slot"]
    pub const unsafe fn from_raw_in(raw: *mut T, alloc: A) -> Self {
        // SAFETY: no handle's pointer is null.
        let elements = unsafe { NonNull::new_unchecked(raw) };
        // SAFETY: the caller's promise.
        unsafe { Self::from_parts(elements, alloc) }
    }

    /// Moves the elements to a box, in another slot of the allocator.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox, ThinSlice};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let thin = ThinSlice::<u32, lives::Ast>::from([1, 2]);
    /// let boxed: FamilyBox<[u32], lives::Ast> = thin.into_boxed_slice();
    /// assert_eq!(*boxed, [1, 2]);
    /// ```
    #[must_use]
    pub fn into_boxed_slice(self) -> FamilyBox<[T], A> {
        // SAFETY: T1; the handle gives them up next.
        let moved = unsafe { move_to_slot(self.elements, self.length(), &self.alloc) };
        let slot = self.slot();
        let (_, alloc) = Self::into_parts(self);
        if let Some((start, layout)) = slot {
            // SAFETY: T2, and the handle is gone.
            unsafe { alloc.free(start, layout) };
        }
        // SAFETY: the elements are in a slot of their layout, and nobody will see the originals.
        unsafe { FamilyBox::from_non_null_in(moved, alloc) }
    }
}

impl<T, A: RawAlloc> Drop for ThinSlice<T, A> {
    /// Drops the elements, then frees the slot; the latter also when a destructor panics.
    #[inline]
    fn drop(&mut self) {
        let Some((start, layout)) = self.slot() else { return };
        let elements = ptr::slice_from_raw_parts_mut(self.elements.as_ptr(), self.length());
        // SAFETY: T2.
        let slot = unsafe { Slot::<A, _>::own(start, layout, apart(&self.alloc)) };
        if mem::needs_drop::<T>() {
            // SAFETY: T1, and this is the last use of the elements.
            unsafe { ptr::drop_in_place(elements) };
        }
        // SAFETY: T2; the elements are gone.
        unsafe { self.alloc.free(slot.keep(), layout) };
    }
}

impl<T, A: RawAlloc> Deref for ThinSlice<T, A> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: T1, and the elements are shared as long as the handle is.
        unsafe { core::slice::from_raw_parts(self.elements.as_ptr(), self.length()) }
    }
}

impl<T, A: RawAlloc> DerefMut for ThinSlice<T, A> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: T1, and the elements are borrowed with the handle, their only owner (T2).
        unsafe { core::slice::from_raw_parts_mut(self.elements.as_ptr(), self.length()) }
    }
}

impl<T: Clone, A: RawAlloc + Clone> Clone for ThinSlice<T, A> {
    /// If the clone of an element panics, the clones before it are dropped and the slot is freed.
    fn clone(&self) -> Self {
        Self::from_slice_in(self, self.alloc.clone())
    }

    /// Keeps the slot if the lengths are equal.
    fn clone_from(&mut self, source: &Self) {
        if self.len() == source.len() {
            self.clone_from_slice(source);
        } else {
            *self = source.clone();
        }
    }
}

impl<T, A: RawAlloc + Default> Default for ThinSlice<T, A> {
    /// The empty slice.
    #[inline]
    fn default() -> Self {
        Self::new()
    }
}
