//! The raw side: giving a value's address away, taking it back, and the slot without its value.
//!
//! Everything else in this folder is written in terms of this file, so what the invariants B1 to B3
//! (see the [folder](super)) demand is done here and nowhere else.

use core::alloc::Layout;
use core::borrow::Borrow;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ptr::{self, NonNull};

use super::FamilyBox;
use crate::error::handle_alloc_error;
use crate::error::{AllocError, AllocErrorKind};
use crate::raw_alloc::RawAlloc;

impl<T: ?Sized, A: RawAlloc + Default> FamilyBox<T, A> {
    /// Takes ownership of the value at `raw`, which is in a slot of family `F`.
    ///
    /// The caller vouches for the family, so the type must be written out:
    /// `FamilyBox::<Node>::from_raw(raw)` or `FamilyBox::<u32, lives::Ast>::from_raw(raw)`.
    ///
    /// # Safety
    ///
    /// - `raw` points to a valid `T`, and may be used for all of it;
    /// - the slot was allocated in family `F` with the layout of that value, by
    ///   [`into_raw`](Self::into_raw) or by [`RawAlloc::alloc`] (for a zero-sized value any well-aligned
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
        // SAFETY: passed on.
        unsafe { Self::from_raw_in(raw, A::default()) }
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
    pub unsafe fn from_non_null(value: NonNull<T>) -> Self {
        // SAFETY: passed on.
        unsafe { Self::from_non_null_in(value, A::default()) }
    }
}

impl<T: ?Sized, A: RawAlloc> FamilyBox<T, A> {
    /// [`from_raw`](Self::from_raw) for a value in a slot of `alloc`.
    ///
    /// # Safety
    ///
    /// As for [`from_raw`](Self::from_raw), with `alloc` (or a copy of it) in place of the family.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox, Region};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let frame = Region::<lives::Frame>::new();
    /// let (raw, alloc) = FamilyBox::into_raw_with_allocator(frame.boxed(7));
    /// // SAFETY: as it came, and used once.
    /// let boxed = unsafe { FamilyBox::from_raw_in(raw, alloc) };
    /// assert_eq!(*boxed, 7);
    /// ```
    #[inline]
    #[must_use = "dropping the handle drops the value and frees its slot"]
    pub const unsafe fn from_raw_in(raw: *mut T, alloc: A) -> Self {
        // SAFETY: a pointer to a valid `T` is not null.
        let value = unsafe { NonNull::new_unchecked(raw) };
        // SAFETY: the caller's promise is the same.
        unsafe { Self::from_non_null_in(value, alloc) }
    }

    /// [`from_raw_in`](Self::from_raw_in) from a `NonNull`.
    ///
    /// # Safety
    ///
    /// As for [`from_raw_in`](Self::from_raw_in).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let value = FamilyBox::into_non_null(FamilyBox::new_in(7, lives::Ast));
    /// // SAFETY: as it came, and used once.
    /// assert_eq!(*unsafe { FamilyBox::from_non_null_in(value, lives::Ast) }, 7);
    /// ```
    #[inline]
    #[must_use = "dropping the handle drops the value and frees its slot"]
    pub const unsafe fn from_non_null_in(value: NonNull<T>, alloc: A) -> Self {
        Self { value, owns: PhantomData, alloc }
    }

    /// The allocator of the value's slot: a family's marker, an [`AnyFamily`](crate::AnyFamily), a region.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, AnyFamily, FamilyBox};
    /// # #[alloc_family]
    /// # #[derive(Debug)]
    /// # enum Lives { Ast }
    /// let ast = AnyFamily::from(Lives::Ast);
    /// let boxed = FamilyBox::new_in(7, ast);
    /// assert_eq!(*FamilyBox::allocator(&boxed), ast);
    /// ```
    #[inline]
    #[must_use]
    pub const fn allocator(this: &Self) -> &A {
        &this.alloc
    }

    /// Gives up the handle and returns the address of the value. Nothing is dropped or freed.
    ///
    /// Free the slot with [`from_raw`](Self::from_raw), or drop the value in place and call
    /// [`RawAlloc::free`] with its layout.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{RawAlloc, alloc_family, FamilyBox};
    /// # use std::{alloc::Layout, ptr::{self, NonNull}};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let raw = FamilyBox::into_raw(FamilyBox::<String, _>::new_in("gone".into(), lives::Ast));
    /// let slot = NonNull::new(raw).unwrap().cast::<u8>();
    /// // SAFETY: `into_raw` gave us the value, and it is not used again.
    /// unsafe { ptr::drop_in_place(raw) };
    /// // SAFETY: and the slot, which was allocated in `lives::Ast` with this layout.
    /// unsafe { lives::Ast.free(slot, Layout::new::<String>()) };
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
        Self::into_parts(this).0
    }

    /// [`into_raw`](Self::into_raw) that returns the allocator, too, for
    /// [`from_raw_in`](Self::from_raw_in).
    ///
    /// # Examples
    ///
    /// See [`from_raw_in`](Self::from_raw_in).
    #[inline]
    #[must_use = "the value and its slot leak unless the pointer is kept"]
    pub fn into_raw_with_allocator(this: Self) -> (*mut T, A) {
        let (value, alloc) = Self::into_parts(this);
        (value.as_ptr(), alloc)
    }

    /// The handle without its destructor.
    #[inline(always)]
    pub(crate) fn into_parts(this: Self) -> (NonNull<T>, A) {
        let this = ManuallyDrop::new(this);
        // SAFETY: the handle is forgotten, so its allocator is moved out once.
        (this.value, unsafe { ptr::read(&this.alloc) })
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
        A: 'a,
    {
        let mut value = Self::into_non_null(this);
        // SAFETY: B1, and nobody else has the pointer or will free the slot.
        unsafe { value.as_mut() }
    }

    /// The handle of the slot alone: the value is the caller's to drop or move out.
    #[inline]
    pub(crate) fn into_slot(this: Self) -> FamilyBox<ManuallyDrop<T>, A> {
        // SAFETY: `ManuallyDrop<T>` is laid out like `T`.
        unsafe { Self::view_as(this, |value| value as *mut ManuallyDrop<T>) }
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
    ) -> FamilyBox<U, A> {
        let (raw, alloc) = Self::into_raw_with_allocator(this);
        // SAFETY: the slot is the same (B2), and the caller vouches for the value.
        unsafe { FamilyBox::from_raw_in(view(raw), alloc) }
    }
}

/// A slot without a value: freed when it goes out of scope, whatever happens meanwhile.
///
/// It has its allocator, or borrows it from a handle.
pub(crate) struct Slot<A: RawAlloc, B: Borrow<A> = A> {
    start: NonNull<u8>,
    layout: Layout,
    alloc: B,
    of: PhantomData<fn() -> A>,
}

impl<A: RawAlloc, B: Borrow<A>> Slot<A, B> {
    /// A fresh slot.
    #[inline]
    pub(crate) fn allocate(layout: Layout, alloc: B) -> Result<Self, AllocError> {
        let start = alloc.borrow().alloc(layout)?;
        // SAFETY: just handed out, with this layout.
        Ok(unsafe { Self::own(start, layout, alloc) })
    }

    /// Takes over the slot at `start`.
    ///
    /// # Safety
    ///
    /// The slot was handed out by the allocator with this layout; nobody else frees it.
    #[inline]
    pub(crate) const unsafe fn own(start: NonNull<u8>, layout: Layout, alloc: B) -> Self {
        Self { start, layout, alloc, of: PhantomData }
    }

    /// Where the slot starts.
    #[inline]
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// Leaves the slot to the caller.
    #[inline]
    pub(crate) fn keep(self) -> NonNull<u8> {
        self.into_parts().0
    }

    /// Leaves the slot to the caller, and its allocator.
    #[inline(always)]
    pub(crate) fn into_parts(self) -> (NonNull<u8>, B) {
        let this = ManuallyDrop::new(self);
        // SAFETY: the slot is forgotten, so its allocator is moved out once.
        (this.start, unsafe { ptr::read(&this.alloc) })
    }
}

impl<A: RawAlloc, B: Borrow<A>> Drop for Slot<A, B> {
    // Only for a panic that unwinds, and so kept out of the code around it.
    #[cold]
    #[inline(never)]
    fn drop(&mut self) {
        // SAFETY: `own` requires that the slot is of this allocator and layout and ours to free.
        unsafe { self.alloc.borrow().free(self.start, self.layout) }
    }
}

/// The allocator of a handle that is taken apart.
///
/// One without a size is borrowed from nowhere, so that the handle itself may stay in a register.
#[inline(always)]
pub(crate) const fn apart<A>(alloc: &A) -> &A {
    if size_of::<A>() == 0 {
        // SAFETY: `alloc` is such a value, without a size: it is at every aligned address alike, and borrowed
        // as long.
        unsafe { NonNull::dangling().as_ref() }
    } else {
        alloc
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
pub(super) unsafe fn copy_of<T: ?Sized, A: RawAlloc>(
    source: &T,
    alloc: A,
) -> Result<FamilyBox<T, A>, AllocError> {
    let layout = Layout::for_value(source);
    let slot = Slot::<A, _>::allocate(layout, &alloc)?;
    // SAFETY: both are `layout.size()` bytes long, and the slot is new, so they do not overlap.
    unsafe { slot.start().copy_from_nonoverlapping(NonNull::from(source).cast(), layout.size()) };
    let raw = with_address_of(ptr::from_ref(source).cast_mut(), slot.keep());
    // SAFETY: the slot has the value's layout and holds a copy of it, valid by the caller's word.
    Ok(unsafe { FamilyBox::from_raw_in(raw, alloc) })
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
