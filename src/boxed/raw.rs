//! The raw side: giving a value's address away, taking it back, and the slot without its value.
//!
//! Everything else in this folder is written in terms of this file, so what the invariants B1 to B3
//! (see the [folder](super)) demand is done here and nowhere else.

use core::alloc::Layout;
use core::marker::PhantomData;
use core::mem::{self, ManuallyDrop};
use core::ptr::{self, NonNull};

use super::FamilyBox;
use crate::error::handle_alloc_error;
use crate::error::{AllocError, AllocErrorKind};
use crate::family::Family;
use crate::heap::{alloc_layout_in, free_layout_in};

impl<T: ?Sized, F: Family> FamilyBox<T, F> {
    /// Takes ownership of the value at `raw`, which is in a slot of family `F`.
    ///
    /// The caller vouches for the family, so the type must be written out:
    /// `FamilyBox::<Node>::from_raw(raw)` or `FamilyBox::<u32, lives::Ast>::from_raw(raw)`.
    ///
    /// # Safety
    ///
    /// - `raw` points to a valid `T`, and may be used for all of it;
    /// - the slot was allocated in family `F` with the layout of that value, by
    ///   [`into_raw`](Self::into_raw) or by [`alloc_layout_in`] (for a zero-sized value any well-aligned
    ///   address will do);
    /// - nothing else owns or frees it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let boxed = FamilyBox::<u32, _>::new_in(7, lives::Ast);
    /// let raw = FamilyBox::into_raw(boxed);
    /// // SAFETY: `raw` comes from `into_raw` of the same type, and is used once.
    /// let boxed = unsafe { FamilyBox::<u32, lives::Ast>::from_raw(raw) };
    /// assert_eq!(*boxed, 7);
    /// ```
    #[inline]
    #[must_use = "dropping the handle drops the value and frees its slot"]
    pub unsafe fn from_raw(raw: *mut T) -> Self {
        // SAFETY: a pointer to a valid `T` is not null.
        let value = unsafe { NonNull::new_unchecked(raw) };
        // SAFETY: the caller's promise is the same.
        unsafe { Self::from_non_null(value) }
    }

    /// Takes ownership of the value at `value`: [`from_raw`](Self::from_raw) for a `NonNull`.
    ///
    /// # Safety
    ///
    /// As for [`from_raw`](Self::from_raw).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let value = FamilyBox::into_non_null(FamilyBox::<u32, _>::new_in(7, lives::Ast));
    /// // SAFETY: `value` comes from `into_non_null` of the same type, and is used once.
    /// let boxed = unsafe { FamilyBox::<u32, lives::Ast>::from_non_null(value) };
    /// assert_eq!(*boxed, 7);
    /// ```
    #[inline]
    #[must_use = "dropping the handle drops the value and frees its slot"]
    pub const unsafe fn from_non_null(value: NonNull<T>) -> Self {
        Self { value, owns: PhantomData, family: PhantomData }
    }

    /// Gives up the handle and returns the address of the value. Nothing is dropped or freed.
    ///
    /// Free the slot with [`from_raw`](Self::from_raw), or drop the value in place and call
    /// [`free_layout_in`] with its layout.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, free_layout_in, FamilyBox};
    /// # use std::{alloc::Layout, ptr::{self, NonNull}};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let raw = FamilyBox::into_raw(FamilyBox::<String, _>::new_in("gone".into(), lives::Ast));
    /// let slot = NonNull::new(raw).unwrap().cast::<u8>();
    /// // SAFETY: `into_raw` gave us the value, and it is not used again.
    /// unsafe { ptr::drop_in_place(raw) };
    /// // SAFETY: and the slot, which was allocated in `lives::Ast` with this layout.
    /// unsafe { free_layout_in::<lives::Ast>(slot, Layout::new::<String>()) };
    /// ```
    #[inline]
    #[must_use = "the value and its slot leak unless the pointer is kept"]
    pub fn into_raw(this: Self) -> *mut T {
        Self::into_non_null(this).as_ptr()
    }

    /// [`into_raw`](Self::into_raw) as a `NonNull`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let value = FamilyBox::into_non_null(FamilyBox::<u32, _>::new_in(7, lives::Ast));
    /// // SAFETY: the value is ours and alive.
    /// assert_eq!(unsafe { value.read() }, 7);
    /// # // SAFETY: as it came.
    /// # drop(unsafe { FamilyBox::<u32, lives::Ast>::from_non_null(value) });
    /// ```
    #[inline]
    #[must_use = "the value and its slot leak unless the pointer is kept"]
    pub fn into_non_null(this: Self) -> NonNull<T> {
        ManuallyDrop::new(this).value
    }

    /// The address of the value, for reading. The handle keeps ownership.
    ///
    /// No reference to the value is created, so earlier pointers stay valid.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let boxed = FamilyBox::<u32, _>::new_in(7, lives::Ast);
    /// // SAFETY: the value is alive as long as `boxed` is.
    /// assert_eq!(unsafe { FamilyBox::as_ptr(&boxed).read() }, 7);
    /// ```
    #[inline]
    #[must_use]
    pub const fn as_ptr(this: &Self) -> *const T {
        this.value.as_ptr().cast_const()
    }

    /// The address of the value, for writing. The handle keeps ownership.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let mut boxed = FamilyBox::<u32, _>::new_in(7, lives::Ast);
    /// let value = FamilyBox::as_mut_ptr(&mut boxed);
    /// // SAFETY: the value is alive, and nothing else refers to it.
    /// unsafe { value.write(8) };
    /// assert_eq!(*boxed, 8);
    /// ```
    #[inline]
    #[must_use]
    pub const fn as_mut_ptr(this: &mut Self) -> *mut T {
        this.value.as_ptr()
    }

    /// Lends the value for the rest of the program, or for `'a`; its slot is not freed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Config }
    /// let config: &'static mut u32 = FamilyBox::leak(FamilyBox::<u32, _>::new_in(7, lives::Config));
    /// *config += 1;
    /// assert_eq!(*config, 8);
    /// # // SAFETY: the only pointer to the value; so that not even the example leaks.
    /// # drop(unsafe { FamilyBox::<u32, lives::Config>::from_raw(config) });
    /// ```
    #[inline]
    pub fn leak<'a>(this: Self) -> &'a mut T
    where
        T: 'a,
    {
        let mut value = Self::into_non_null(this);
        // SAFETY: B1, and nobody else has the pointer or will free the slot.
        unsafe { value.as_mut() }
    }

    /// Takes the value's slot out of the handle; the value is the caller's to drop or move out.
    #[inline]
    pub(crate) fn into_slot(this: Self) -> (NonNull<T>, Slot<F>) {
        let layout = Layout::for_value::<T>(&this);
        let value = Self::into_non_null(this);
        // SAFETY: B2.
        (value, unsafe { Slot::own(value.cast(), layout) })
    }

    /// The same slot seen as another type.
    ///
    /// # Safety
    ///
    /// `view` returns its argument's address with its provenance, and there lies a valid `U` of
    /// the same size and alignment as the `T`.
    #[inline]
    pub(super) unsafe fn view_as<U: ?Sized>(
        this: Self,
        view: impl FnOnce(*mut T) -> *mut U,
    ) -> FamilyBox<U, F> {
        let raw = view(Self::into_raw(this));
        // SAFETY: the slot is the same (B2), and the caller vouches for the value.
        unsafe { FamilyBox::from_raw(raw) }
    }
}

/// A slot without a value: freed when it goes out of scope, whatever happens meanwhile.
pub(crate) struct Slot<F: Family> {
    start: NonNull<u8>,
    layout: Layout,
    family: PhantomData<fn() -> F>,
}

impl<F: Family> Slot<F> {
    /// A fresh slot.
    #[inline]
    pub(crate) fn allocate(layout: Layout) -> Result<Self, AllocError> {
        let start = alloc_layout_in::<F>(layout)?;
        // SAFETY: just handed out, with this layout.
        Ok(unsafe { Self::own(start, layout) })
    }

    /// Takes over the slot at `start`.
    ///
    /// # Safety
    ///
    /// The slot was handed out by family `F` with this layout; nobody else frees it.
    #[inline]
    pub(crate) const unsafe fn own(start: NonNull<u8>, layout: Layout) -> Self {
        Self { start, layout, family: PhantomData }
    }

    /// Where the slot starts.
    #[inline]
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// Leaves the slot to the caller.
    #[inline]
    pub(crate) fn keep(self) -> NonNull<u8> {
        ManuallyDrop::new(self).start
    }
}

impl<F: Family> Drop for Slot<F> {
    // Only for a panic that unwinds, and so kept out of the code around it.
    #[cold]
    #[inline(never)]
    fn drop(&mut self) {
        // SAFETY: `own` requires that the slot is of this family and layout and ours to free.
        unsafe { free_layout_in::<F>(self.start, self.layout) }
    }
}

/// A pointer with the address and provenance of `address` and the length or vtable of `shape`.
///
/// Stable Rust can take a wide pointer apart but not put one together. It can, however, overwrite
/// the address inside one; that the address is its first word is no promise of the language, so it
/// is checked, and the check is folded away where it holds.
///
/// # Panics
///
/// Panics on a platform that keeps the address elsewhere, before anything is done with the pointer.
#[inline]
pub(crate) fn with_address_of<T: ?Sized>(shape: *mut T, address: NonNull<u8>) -> *mut T {
    const { assert!(size_of::<*mut T>() >= size_of::<*mut u8>()) };
    let mut result = shape;
    let first_word = (&raw mut result).cast::<*mut u8>();
    // SAFETY: a pointer is at least one word long and aligned like one, and a word of it may hold
    // any pointer; whether it is the right word is checked before the result is used.
    unsafe { first_word.write(address.as_ptr()) };
    assert!(ptr::addr_eq(result, address.as_ptr()), "a wide pointer starts with its address");
    result
}

/// Copies a value that is nothing but bytes, length or vtable included.
///
/// # Safety
///
/// A bitwise copy of the value is a value of its own: it owns nothing and refers to nothing inside
/// itself.
pub(super) unsafe fn copy_of<T: ?Sized, F: Family>(source: &T) -> FamilyBox<T, F> {
    let layout = Layout::for_value(source);
    let slot = Slot::<F>::allocate(layout).unwrap_or_else(|error| failed(error, layout));
    // SAFETY: both are `layout.size()` bytes long, and the slot is new, so they do not overlap.
    unsafe { slot.start().copy_from_nonoverlapping(NonNull::from(source).cast(), layout.size()) };
    let raw = with_address_of(ptr::from_ref(source).cast_mut(), slot.start());
    mem::forget(slot);
    // SAFETY: the slot has the value's layout and holds a copy of it, valid by the caller's word.
    unsafe { FamilyBox::from_raw(raw) }
}

/// What the infallible calls do when there is no memory.
#[cold]
#[inline(never)]
pub(crate) fn failed(error: AllocError, layout: Layout) -> ! {
    if error.kind() == AllocErrorKind::TooLarge {
        capacity_overflow();
    }
    handle_alloc_error(layout)
}

/// What they do when no layout could hold what was asked for.
#[cold]
#[inline(never)]
pub(crate) fn capacity_overflow() -> ! {
    panic!("capacity overflow");
}
