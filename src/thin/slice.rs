//! The slice: its slot, its length, its elements.

use core::alloc::Layout;
use core::borrow::{Borrow, BorrowMut};
use core::fmt;
use core::marker::PhantomData;
use core::mem::{self, ManuallyDrop};
use core::ops::{Deref, DerefMut};
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::{self, NonNull};

use crate::boxed::FamilyBox;
use crate::boxed::raw::{Slot, capacity_overflow, failed};
use crate::error::{AllocError, AllocErrorKind};
use crate::family::{Family, FamilyOf};
use crate::heap::alloc::array_layout;
use crate::heap::{alloc_layout_in, free_layout_in};
use crate::rc::slot;

/// An owned slice in a slot of family `F`. Its length is in the slot too: the handle is one word.
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
pub struct ThinSlice<T, F: Family = FamilyOf<T>> {
    elements: NonNull<T>,
    owns: PhantomData<T>,
    family: PhantomData<fn() -> F>,
}

// SAFETY: the handle owns its elements and nothing else; slots may be freed by any thread (I4).
unsafe impl<T: Send, F: Family> Send for ThinSlice<T, F> {}

// SAFETY: a shared handle gives shared access to the elements and nothing else.
unsafe impl<T: Sync, F: Family> Sync for ThinSlice<T, F> {}

impl<T, F: Family> Unpin for ThinSlice<T, F> {}

impl<T: UnwindSafe, F: Family> UnwindSafe for ThinSlice<T, F> {}

impl<T: RefUnwindSafe, F: Family> RefUnwindSafe for ThinSlice<T, F> {}

/// The alignment up to which what is empty takes no slot.
const FREE_ALIGN: usize = 64;

/// A length of 0, and behind it the address of no elements.
#[repr(C, align(64))]
struct Empty([u64; FREE_ALIGN / size_of::<u64>()]);

static EMPTY: Empty = Empty([0; FREE_ALIGN / size_of::<u64>()]);

impl<T, F: Family> ThinSlice<T, F> {
    /// Whether a slice of this length has no slot.
    #[inline(always)]
    const fn is_free(len: usize) -> bool {
        len == 0 && align_of::<T>() <= FREE_ALIGN
    }

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
        Filling::or_failed(0).finish()
    }

    /// [`From<&[T]>`](#impl-From<%26%5BT%5D>-for-ThinSlice<T,+F>) that returns an error; then no element
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
        let mut filling = Filling::try_new(elements.len())?;
        elements.iter().for_each(|element| filling.push(element.clone()));
        Ok(filling.finish())
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
        if Self::is_free(len) {
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
        ManuallyDrop::new(this).elements.as_ptr()
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
    pub const unsafe fn from_raw(raw: *mut T) -> Self {
        // SAFETY: no handle's pointer is null.
        let elements = unsafe { NonNull::new_unchecked(raw) };
        Self { elements, owns: PhantomData, family: PhantomData }
    }

    /// Moves the elements to a box, in another slot of the family.
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
    pub fn into_boxed_slice(self) -> FamilyBox<[T], F> {
        let mut boxed = FamilyBox::<[T], F>::new_uninit_slice(self.length());
        let target = boxed.as_mut_ptr().cast::<T>();
        // SAFETY: to a new slot for as many.
        unsafe { self.elements.as_ptr().copy_to_nonoverlapping(target, boxed.len()) };
        self.free();
        // SAFETY: all were copied, and nobody will see the originals.
        unsafe { boxed.assume_init() }
    }

    /// Frees the slot; the elements are the caller's.
    fn free(self) {
        let this = ManuallyDrop::new(self);
        if let Some((start, layout)) = this.slot() {
            // SAFETY: T2, and the handle is gone.
            unsafe { free_layout_in::<F>(start, layout) };
        }
    }
}

impl<T, F: Family> Drop for ThinSlice<T, F> {
    /// Drops the elements, then frees the slot; the latter also when a destructor panics.
    #[inline]
    fn drop(&mut self) {
        let Some((start, layout)) = self.slot() else { return };
        // SAFETY: T2.
        let slot = unsafe { Slot::own(start, layout, F::default()) };
        if mem::needs_drop::<T>() {
            // SAFETY: T1, and this is the last use of the elements.
            unsafe { ptr::drop_in_place::<[T]>(&raw mut **self) };
        }
        // SAFETY: T2; the elements are gone.
        unsafe { free_layout_in::<F>(slot.keep(), layout) };
    }
}

/// A slice in the making: its first `len` elements are valid, its length is that of the slot.
///
/// Dropping it drops those and frees the slot, the latter also when a destructor panics.
pub(super) struct Filling<T, F: Family> {
    elements: NonNull<T>,
    len: usize,
    room: usize,
    slot: Option<Slot<F>>,
    owns: PhantomData<T>,
}

impl<T, F: Family> Filling<T, F> {
    /// With room for as many.
    pub(super) fn try_new(room: usize) -> Result<Self, AllocError> {
        if ThinSlice::<T, F>::is_free(room) {
            let behind = (&raw const EMPTY).cast_mut().cast::<T>();
            // SAFETY: to the end of the constant, whose length is a multiple of the alignment.
            let behind = unsafe { behind.byte_add(size_of::<Empty>()) };
            // SAFETY: the address of a constant is not null.
            let elements = unsafe { NonNull::new_unchecked(behind) };
            return Ok(Self { elements, len: 0, room, slot: None, owns: PhantomData });
        }
        let value = array_layout::<T>(room)?;
        let layout = slot::layout(value)?;
        let start = alloc_layout_in::<F>(layout)?;
        // SAFETY: just handed out, with this layout.
        let slot = unsafe { Slot::own(start, layout, F::default()) };
        // SAFETY: a slot of the layout that belongs to `value`.
        let elements = unsafe { slot::value_in(start, value) };
        // SAFETY: just computed.
        let word = unsafe { slot::word::<u64>(elements) };
        // SAFETY: the slot is new, and the word lies in it.
        unsafe { word.write(room as u64) };
        let elements = elements.cast();
        Ok(Self { elements, len: 0, room, slot: Some(slot), owns: PhantomData })
    }

    /// The same, or no return.
    pub(super) fn or_failed(room: usize) -> Self {
        Self::try_new(room).unwrap_or_else(|error| {
            match array_layout::<T>(room).and_then(slot::layout) {
                Ok(layout) if error.kind() != AllocErrorKind::TooLarge => failed(error, layout),
                _ => capacity_overflow(),
            }
        })
    }

    /// One more element; there has to be room.
    #[inline]
    pub(super) fn push(&mut self, element: T) {
        assert!(self.len < self.room, "there is room for the element");
        // SAFETY: a place in the slot.
        let place = unsafe { self.elements.add(self.len) };
        // SAFETY: as above, and nothing is there yet.
        unsafe { place.write(element) };
        self.len += 1;
    }

    /// Moves as many elements in as there is room for.
    ///
    /// # Safety
    ///
    /// At `source` there are that many; they are not the caller's any more.
    pub(super) unsafe fn fill_from(&mut self, source: *const T) {
        let target = self.elements.as_ptr();
        // SAFETY: as many, to a new slot for them.
        unsafe { source.copy_to_nonoverlapping(target, self.room) };
        self.len = self.room;
    }

    /// What there is of it, in a box.
    pub(super) fn cut(mut self) -> FamilyBox<[T], F> {
        let mut boxed = FamilyBox::<[T], F>::new_uninit_slice(self.len);
        let target = boxed.as_mut_ptr().cast::<T>();
        // SAFETY: to a new slot for as many.
        unsafe { self.elements.as_ptr().copy_to_nonoverlapping(target, self.len) };
        self.len = 0;
        // SAFETY: all were copied, and nobody will see the originals.
        unsafe { boxed.assume_init() }
    }

    /// The slice; all of it has to be filled.
    pub(super) fn finish(mut self) -> ThinSlice<T, F> {
        assert!(self.len == self.room, "every element was made");
        if let Some(slot) = self.slot.take() {
            slot.keep();
        }
        let this = ManuallyDrop::new(self);
        ThinSlice { elements: this.elements, owns: PhantomData, family: PhantomData }
    }
}

impl<T, F: Family> Drop for Filling<T, F> {
    fn drop(&mut self) {
        let elements = ptr::slice_from_raw_parts_mut(self.elements.as_ptr(), self.len);
        // SAFETY: they are valid, and this is the last anyone sees of them.
        unsafe { ptr::drop_in_place(elements) };
    }
}

impl<T, F: Family> Deref for ThinSlice<T, F> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: T1, and the elements are shared as long as the handle is.
        unsafe { core::slice::from_raw_parts(self.elements.as_ptr(), self.length()) }
    }
}

impl<T, F: Family> DerefMut for ThinSlice<T, F> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: T1, and the elements are borrowed with the handle, their only owner (T2).
        unsafe { core::slice::from_raw_parts_mut(self.elements.as_ptr(), self.length()) }
    }
}

impl<T, F: Family> AsRef<[T]> for ThinSlice<T, F> {
    #[inline]
    fn as_ref(&self) -> &[T] {
        self
    }
}

impl<T, F: Family> AsMut<[T]> for ThinSlice<T, F> {
    #[inline]
    fn as_mut(&mut self) -> &mut [T] {
        self
    }
}

impl<T, F: Family> Borrow<[T]> for ThinSlice<T, F> {
    #[inline]
    fn borrow(&self) -> &[T] {
        self
    }
}

impl<T, F: Family> BorrowMut<[T]> for ThinSlice<T, F> {
    #[inline]
    fn borrow_mut(&mut self) -> &mut [T] {
        self
    }
}

impl<T: Clone, F: Family> Clone for ThinSlice<T, F> {
    /// If the clone of an element panics, the clones before it are dropped and the slot is freed.
    fn clone(&self) -> Self {
        Self::from(&**self)
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

impl<T, F: Family> Default for ThinSlice<T, F> {
    /// The empty slice.
    #[inline]
    fn default() -> Self {
        Self::new()
    }
}

impl<T: fmt::Debug, F: Family> fmt::Debug for ThinSlice<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T, F: Family> fmt::Pointer for ThinSlice<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.elements.fmt(f)
    }
}
