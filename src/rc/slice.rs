//! Counted slices and text.

use core::alloc::Layout;
use core::mem::{ManuallyDrop, MaybeUninit};
use core::ptr::{self, NonNull};

use super::Counted;
use super::counter::Counter;
use super::raw::{no_slot, slot_for};
use crate::boxed::FamilyBox;
use crate::boxed::raw::capacity_overflow;
use crate::error::AllocError;
use crate::heap::alloc::array_layout;
use crate::raw_alloc::RawAlloc;

/// What the infallible calls do with the result of the fallible ones.
fn slice_or_failed<T, A: RawAlloc, C: Counter>(
    len: usize,
    slice: Result<Counted<[MaybeUninit<T>], A, C>, AllocError>,
) -> Counted<[MaybeUninit<T>], A, C> {
    match slice {
        Ok(slice) => slice,
        Err(error) => match array_layout::<T>(len) {
            Ok(layout) => no_slot(error, layout),
            Err(_) => capacity_overflow(),
        },
    }
}

impl<T, A: RawAlloc + Default, C: Counter> Counted<[T], A, C> {
    /// Clones the elements of a slice, as [`from_slice_in`](Self::from_slice_in) does, or returns an error; then no
    /// element is cloned.
    ///
    /// # Errors
    ///
    /// If the slot would exceed `isize::MAX` bytes, the limit of the family is reached, or its page source
    /// has no memory left.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let slice = FamilyRc::<[u32], lives::Ast>::try_from_slice(&[1, 2])?;
    /// assert_eq!(*slice, [1, 2]);
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
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let squares = FamilyRc::<[u32], lives::Ast>::try_from_iter((0..4).map(|x| x * x))?;
    /// assert_eq!(*squares, [0, 1, 4, 9]);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_from_iter(elements: impl IntoIterator<Item = T>) -> Result<Self, AllocError> {
        Self::try_from_iter_in(elements, A::default())
    }

    /// Allocates an uninitialised slot for `len` values.
    ///
    /// # Panics
    ///
    /// If the slot would exceed `isize::MAX` bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let mut pair = FamilyRc::<[u32], lives::Frame>::new_uninit_slice(2);
    /// for slot in FamilyRc::get_mut(&mut pair).unwrap() {
    ///     slot.write(7);
    /// }
    /// // SAFETY: every element was written.
    /// assert_eq!(*unsafe { pair.assume_init() }, [7, 7]);
    /// ```
    #[must_use]
    pub fn new_uninit_slice(len: usize) -> Counted<[MaybeUninit<T>], A, C> {
        Self::new_uninit_slice_in(len, A::default())
    }

    /// [`new_uninit_slice`](Self::new_uninit_slice) that returns an error.
    ///
    /// # Errors
    ///
    /// If the slot would exceed `isize::MAX` bytes, the limit of the family is reached, or its page source
    /// has no memory left.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, AllocErrorKind, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// type Words = FamilyRc<[u32], lives::Frame>;
    ///
    /// assert_eq!(Words::try_new_uninit_slice(3)?.len(), 3);
    /// let error = Words::try_new_uninit_slice(usize::MAX / 2).unwrap_err();
    /// assert_eq!(error.kind(), AllocErrorKind::TooLarge);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_new_uninit_slice(len: usize) -> Result<Counted<[MaybeUninit<T>], A, C>, AllocError> {
        Self::try_new_uninit_slice_in(len, A::default())
    }

    /// Allocates a zeroed slot for `len` values.
    ///
    /// # Panics
    ///
    /// If the slot would exceed `isize::MAX` bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let zeros = FamilyRc::<[u16], lives::Frame>::new_zeroed_slice(3);
    /// // SAFETY: zero bytes are valid `u16`s.
    /// assert_eq!(*unsafe { zeros.assume_init() }, [0, 0, 0]);
    /// ```
    #[must_use]
    pub fn new_zeroed_slice(len: usize) -> Counted<[MaybeUninit<T>], A, C> {
        Self::new_zeroed_slice_in(len, A::default())
    }

    /// [`new_zeroed_slice`](Self::new_zeroed_slice) that returns an error.
    ///
    /// # Errors
    ///
    /// As for [`try_new_uninit_slice`](Self::try_new_uninit_slice).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let zeros = FamilyRc::<[u16], lives::Frame>::try_new_zeroed_slice(3)?;
    /// // SAFETY: zero bytes are valid `u16`s.
    /// assert_eq!(*unsafe { zeros.assume_init() }, [0, 0, 0]);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_new_zeroed_slice(len: usize) -> Result<Counted<[MaybeUninit<T>], A, C>, AllocError> {
        Self::try_new_zeroed_slice_in(len, A::default())
    }
}

impl<T, A: RawAlloc, C: Counter> Counted<[T], A, C> {
    /// A slice in a slot that `allocate` gets from `alloc`.
    fn try_slice(
        len: usize,
        alloc: A,
        allocate: fn(&A, Layout) -> Result<NonNull<u8>, AllocError>,
    ) -> Result<Counted<[MaybeUninit<T>], A, C>, AllocError> {
        let layout = array_layout::<T>(len)?;
        let address = slot_for(layout, C::alone(), |layout| allocate(&alloc, layout))?;
        let slots = NonNull::slice_from_raw_parts(address.cast(), len);
        // SAFETY: the slot is for that many, which need not be initialised, and its counter counts this
        // handle.
        Ok(unsafe { Counted::from_parts(slots, alloc) })
    }

    /// [`new_uninit_slice`](Self::new_uninit_slice) in a slot of `alloc`.
    ///
    /// # Panics
    ///
    /// If the slot would exceed `isize::MAX` bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let mut slots = FamilyRc::<[u32], _>::new_uninit_slice_in(2, frame.allocator());
    /// for slot in FamilyRc::get_mut(&mut slots).unwrap() {
    ///     slot.write(7);
    /// }
    /// // SAFETY: every element was written.
    /// assert_eq!(*unsafe { slots.assume_init() }, [7, 7]);
    /// ```
    #[must_use]
    pub fn new_uninit_slice_in(len: usize, alloc: A) -> Counted<[MaybeUninit<T>], A, C> {
        slice_or_failed(len, Self::try_new_uninit_slice_in(len, alloc))
    }

    /// [`new_uninit_slice_in`](Self::new_uninit_slice_in) that returns an error.
    ///
    /// # Errors
    ///
    /// If the slot would exceed `isize::MAX` bytes, or the allocator has no memory for it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// assert!(FamilyRc::<[u32], _>::try_new_uninit_slice_in(usize::MAX, lives::Frame).is_err());
    /// ```
    pub fn try_new_uninit_slice_in(
        len: usize,
        alloc: A,
    ) -> Result<Counted<[MaybeUninit<T>], A, C>, AllocError> {
        Self::try_slice(len, alloc, A::alloc)
    }

    /// [`new_zeroed_slice`](Self::new_zeroed_slice) in a slot of `alloc`.
    ///
    /// # Panics
    ///
    /// As for [`new_uninit_slice_in`](Self::new_uninit_slice_in).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let zeros = FamilyRc::<[u16], _>::new_zeroed_slice_in(3, lives::Frame);
    /// // SAFETY: zero bytes are valid `u16`s.
    /// assert_eq!(*unsafe { zeros.assume_init() }, [0, 0, 0]);
    /// ```
    #[must_use]
    pub fn new_zeroed_slice_in(len: usize, alloc: A) -> Counted<[MaybeUninit<T>], A, C> {
        slice_or_failed(len, Self::try_new_zeroed_slice_in(len, alloc))
    }

    /// [`new_zeroed_slice_in`](Self::new_zeroed_slice_in) that returns an error.
    ///
    /// # Errors
    ///
    /// As for [`try_new_uninit_slice_in`](Self::try_new_uninit_slice_in).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let zeros = FamilyRc::<[u8], _>::try_new_zeroed_slice_in(1 << 20, lives::Frame)?;
    /// assert_eq!(zeros.len(), 1 << 20);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_new_zeroed_slice_in(
        len: usize,
        alloc: A,
    ) -> Result<Counted<[MaybeUninit<T>], A, C>, AllocError> {
        Self::try_slice(len, alloc, A::alloc_zeroed)
    }

    /// Clones the elements of a slice into a slot of `alloc`. If a clone panics, the ones before it are
    /// dropped.
    ///
    /// # Panics
    ///
    /// As for [`new_uninit_slice_in`](Self::new_uninit_slice_in).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let words = FamilyRc::<[String], _>::from_slice_in(&["a".into(), "b".into()], frame.allocator());
    /// assert_eq!(words.concat(), "ab");
    /// ```
    #[must_use]
    pub fn from_slice_in(elements: &[T], alloc: A) -> Self
    where
        T: Clone,
    {
        Self::clones_in(Self::new_uninit_slice_in(elements.len(), alloc), elements)
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
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let pair = FamilyRc::<[u32], _>::try_from_slice_in(&[1, 2], lives::Ast)?;
    /// assert_eq!(*pair, [1, 2]);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_from_slice_in(elements: &[T], alloc: A) -> Result<Self, AllocError>
    where
        T: Clone,
    {
        let slots = Self::try_new_uninit_slice_in(elements.len(), alloc)?;
        Ok(Self::clones_in(slots, elements))
    }

    /// Clones the elements into a new slot for as many.
    fn clones_in(slots: Counted<[MaybeUninit<T>], A, C>, elements: &[T]) -> Self
    where
        T: Clone,
    {
        assert!(slots.len() == elements.len(), "there is room for each element");
        let mut filling = Filling { slots, len: 0 };
        for element in elements {
            let element = element.clone();
            // SAFETY: there is room for as many as there are.
            let place = unsafe { filling.elements().add(filling.len) };
            // SAFETY: a place in a slot that nobody else has a handle to.
            unsafe { place.write(element) };
            filling.len += 1;
        }
        let filling = ManuallyDrop::new(filling);
        // SAFETY: it is forgotten, so its handle is moved out once.
        let slots = unsafe { ptr::read(&filling.slots) };
        // SAFETY: all were written.
        unsafe { slots.assume_init() }
    }

    /// Collects the elements of an iterator into a slot of `alloc`, through a box in another.
    ///
    /// # Panics
    ///
    /// As for [`new_uninit_slice_in`](Self::new_uninit_slice_in).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let squares = FamilyRc::<[u32], _>::from_iter_in((0..4).map(|x| x * x), frame.allocator());
    /// assert_eq!(*squares, [0, 1, 4, 9]);
    /// ```
    #[must_use]
    pub fn from_iter_in(elements: impl IntoIterator<Item = T>, alloc: A) -> Self {
        FamilyBox::from_iter_in(elements, alloc).into()
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
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let squares = FamilyRc::<[u32], _>::try_from_iter_in((0..4).map(|x| x * x), lives::Ast)?;
    /// assert_eq!(*squares, [0, 1, 4, 9]);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_from_iter_in(
        elements: impl IntoIterator<Item = T>,
        alloc: A,
    ) -> Result<Self, AllocError> {
        FamilyBox::try_from_iter_in(elements, alloc).and_then(Self::try_from_boxed)
    }
}

impl<A: RawAlloc + Default, C: Counter> Counted<str, A, C> {
    /// Copies text, or returns an error.
    ///
    /// # Errors
    ///
    /// If the limit of the family is reached, or its page source has no memory left.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let name = FamilyRc::<str, lives::Ast>::try_from_str("Ada")?;
    /// assert_eq!(&*name, "Ada");
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_from_str(text: &str) -> Result<Self, AllocError> {
        Self::try_from_str_in(text, A::default())
    }
}

impl<A: RawAlloc, C: Counter> Counted<str, A, C> {
    /// Copies text into a slot of `alloc`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let name = FamilyRc::<str, _>::from_str_in("Ada", frame.allocator());
    /// assert_eq!(&*name, "Ada");
    /// ```
    #[must_use]
    pub fn from_str_in(text: &str, alloc: A) -> Self {
        match Self::try_from_str_in(text, alloc) {
            Ok(text) => text,
            Err(error) => no_slot(error, Layout::for_value(text)),
        }
    }

    /// [`from_str_in`](Self::from_str_in) that returns an error.
    ///
    /// # Errors
    ///
    /// If the allocator has no memory for the text.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyRc};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let name = FamilyRc::<str, _>::try_from_str_in("Ada", lives::Ast)?;
    /// assert_eq!(&*name, "Ada");
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_from_str_in(text: &str, alloc: A) -> Result<Self, AllocError> {
        let bytes = Counted::<[u8], A, C>::try_new_uninit_slice_in(text.len(), alloc)?;
        let target = bytes.value.cast::<u8>();
        // SAFETY: as many bytes, to a new slot.
        unsafe { target.copy_from_nonoverlapping(NonNull::from(text).cast(), text.len()) };
        // SAFETY: text is laid out like its bytes, and these are those of one.
        Ok(unsafe { Counted::view_as(bytes, |bytes| bytes as *mut str) })
    }
}

impl<T, A: RawAlloc, C: Counter> Counted<[MaybeUninit<T>], A, C> {
    /// Assumes that all elements are initialised.
    ///
    /// # Safety
    ///
    /// Each of them holds a valid `T`, and will as long as there is a handle of either type.
    ///
    /// # Examples
    ///
    /// See [`new_uninit_slice`](Counted::new_uninit_slice).
    #[inline]
    #[must_use]
    pub unsafe fn assume_init(self) -> Counted<[T], A, C> {
        // SAFETY: `MaybeUninit<T>` is laid out like `T`; the caller vouches for the values.
        unsafe { Self::view_as(self, |slots| slots as *mut [T]) }
    }
}

/// A slice in the making, with no other handle: its first `len` elements are initialised.
///
/// Dropping it drops those and frees the slot, the latter also when a destructor panics.
struct Filling<T, A: RawAlloc, C: Counter> {
    slots: Counted<[MaybeUninit<T>], A, C>,
    len: usize,
}

impl<T, A: RawAlloc, C: Counter> Filling<T, A, C> {
    fn elements(&mut self) -> *mut T {
        self.slots.value.cast().as_ptr()
    }
}

impl<T, A: RawAlloc, C: Counter> Drop for Filling<T, A, C> {
    fn drop(&mut self) {
        let elements = ptr::slice_from_raw_parts_mut(self.elements(), self.len);
        // SAFETY: they are initialised, and this is the last anyone sees of them.
        unsafe { ptr::drop_in_place(elements) };
    }
}

impl<T: Clone, A: RawAlloc + Default, C: Counter> From<&[T]> for Counted<[T], A, C> {
    /// Clones every element. If a clone panics, the ones before it are dropped.
    fn from(elements: &[T]) -> Self {
        Self::from_slice_in(elements, A::default())
    }
}

impl<T: Clone, A: RawAlloc + Default, C: Counter> From<&mut [T]> for Counted<[T], A, C> {
    fn from(elements: &mut [T]) -> Self {
        Self::from(&*elements)
    }
}

impl<T, A: RawAlloc + Default, C: Counter, const N: usize> From<[T; N]> for Counted<[T], A, C> {
    #[inline]
    fn from(elements: [T; N]) -> Self {
        Counted::<[T; N], _, C>::new_in(elements, A::default()).into()
    }
}

impl<T, A: RawAlloc, C: Counter, const N: usize> From<Counted<[T; N], A, C>>
    for Counted<[T], A, C>
{
    /// The same value, its length known at run time.
    #[inline]
    fn from(array: Counted<[T; N], A, C>) -> Self {
        // SAFETY: an array is a slice of its elements.
        unsafe { Counted::view_as(array, |array| array as *mut [T]) }
    }
}

impl<T, A: RawAlloc, C: Counter, const N: usize> TryFrom<Counted<[T], A, C>>
    for Counted<[T; N], A, C>
{
    type Error = Counted<[T], A, C>;

    /// The same value, or the slice if it does not have `N` elements.
    #[inline]
    fn try_from(slice: Counted<[T], A, C>) -> Result<Self, Self::Error> {
        if slice.len() == N {
            // SAFETY: a slice of `N` elements is an array of `N` elements.
            Ok(unsafe { Counted::view_as(slice, |slice| slice.cast::<[T; N]>()) })
        } else {
            Err(slice)
        }
    }
}

impl<A: RawAlloc + Default, C: Counter> From<&str> for Counted<str, A, C> {
    fn from(text: &str) -> Self {
        Self::from_str_in(text, A::default())
    }
}

impl<A: RawAlloc + Default, C: Counter> From<&mut str> for Counted<str, A, C> {
    fn from(text: &mut str) -> Self {
        Self::from(&*text)
    }
}

impl<A: RawAlloc, C: Counter> From<Counted<str, A, C>> for Counted<[u8], A, C> {
    /// The same value: its bytes.
    #[inline]
    fn from(text: Counted<str, A, C>) -> Self {
        // SAFETY: text is laid out like its bytes; a shared handle does not change them.
        unsafe { Counted::view_as(text, |text| text as *mut [u8]) }
    }
}
