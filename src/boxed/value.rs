//! What can be done with a whole value: fill its slot, take it out, change it, pin it.

use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::pin::Pin;

use super::FamilyBox;
use crate::raw_alloc::RawAlloc;

impl<T, A: RawAlloc> FamilyBox<T, A> {
    /// Moves the value out and frees its slot, like `*boxed` for a `Box`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let name = FamilyBox::new_in(String::from("x"), lives::Ast);
    /// let name: String = FamilyBox::into_inner(name);
    /// assert_eq!(name, "x");
    /// ```
    #[inline]
    pub fn into_inner(this: Self) -> T {
        Self::into_inner_with_allocator(this).0
    }

    #[inline(always)]
    fn into_inner_with_allocator(this: Self) -> (T, A) {
        let (slot, alloc) = Self::into_parts(this);
        // SAFETY: B1; the handle is gone, so the value is moved out once.
        let value = unsafe { slot.read() };
        // SAFETY: B2; the value was moved out.
        unsafe { alloc.free_value(slot) };
        (value, alloc)
    }

    /// Moves the value out and keeps its slot for another value.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let name = FamilyBox::new_in(String::from("x"), lives::Ast);
    /// let (old, slot) = FamilyBox::take(name);
    /// let name = FamilyBox::write(slot, old + "y");
    /// assert_eq!(*name, "xy");
    /// ```
    #[inline]
    pub fn take(this: Self) -> (T, FamilyBox<MaybeUninit<T>, A>) {
        let (slot, alloc) = Self::into_parts(this);
        // SAFETY: B1; the handle is gone, so the value is moved out once.
        let value = unsafe { slot.read() };
        // SAFETY: B2; what is left need not be initialised.
        (value, unsafe { FamilyBox::from_non_null_in(slot.cast(), alloc) })
    }

    /// Puts `change(value)` into a box of the same family, in the same slot if it fits.
    ///
    /// If `change` panics the slot is freed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let seven = FamilyBox::new_in(7_u32, lives::Ast);
    /// let minus = FamilyBox::map(seven, |value| -i64::from(value));
    /// assert_eq!(*minus, -7);
    /// ```
    #[inline]
    #[must_use]
    pub fn map<U>(this: Self, change: impl FnOnce(T) -> U) -> FamilyBox<U, A> {
        if const { same_layout(Layout::new::<T>(), Layout::new::<U>()) } {
            let (value, slot) = Self::take(this);
            let value = change(value);
            // SAFETY: the slot has the layout of a `U`, which need not be initialised.
            let slot = unsafe { FamilyBox::view_as(slot, |slot| slot.cast::<MaybeUninit<U>>()) };
            FamilyBox::write(slot, value)
        } else {
            let (value, alloc) = Self::into_inner_with_allocator(this);
            FamilyBox::new_in(change(value), alloc)
        }
    }

    /// The value as a slice of one element, in the same slot.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let seven = FamilyBox::new_in(7, lives::Ast);
    /// let slice: FamilyBox<[i32], lives::Ast> = FamilyBox::into_boxed_slice(seven);
    /// assert_eq!(*slice, [7]);
    /// ```
    #[inline]
    #[must_use]
    pub fn into_boxed_slice(this: Self) -> FamilyBox<[T], A> {
        // SAFETY: a value is laid out like an array of one.
        unsafe { Self::view_as(this, |value| value.cast::<[T; 1]>()) }.into()
    }
}

/// Whether a slot for one is a slot for the other.
const fn same_layout(one: Layout, other: Layout) -> bool {
    one.size() == other.size() && one.align() == other.align()
}

impl<T: ?Sized, A: RawAlloc> FamilyBox<T, A> {
    /// Pins the value in place; it will not move again.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # use std::pin::Pin;
    /// # #[alloc_family]
    /// # enum Lives { Task }
    /// let task = FamilyBox::new_in(async { 7 }, lives::Task);
    /// let task: Pin<FamilyBox<_, lives::Task>> = FamilyBox::into_pin(task);
    /// # drop(task);
    /// ```
    #[inline]
    #[must_use]
    pub fn into_pin(this: Self) -> Pin<Self>
    where
        A: 'static,
    {
        // SAFETY: the value stays in its slot until the handle drops it there, as an allocator that is
        // `'static` does not free it otherwise (`RawAlloc`); neither `Deref` nor
        // `DerefMut` moves it, and the handle is `Unpin` whatever the value is.
        unsafe { Pin::new_unchecked(this) }
    }
}

impl<T, A: RawAlloc> FamilyBox<MaybeUninit<T>, A> {
    /// Writes a value into the slot.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let slot = FamilyBox::<[u8; 4096], lives::Ast>::new_uninit();
    /// let page = FamilyBox::write(slot, [7; 4096]);
    /// assert_eq!(page[4095], 7);
    /// ```
    #[inline]
    #[must_use]
    pub fn write(mut this: Self, value: T) -> FamilyBox<T, A> {
        (*this).write(value);
        // SAFETY: just written.
        unsafe { this.assume_init() }
    }

    /// Assumes that the slot is initialised.
    ///
    /// # Safety
    ///
    /// It holds a valid `T`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Ast }
    /// let mut slot = FamilyBox::<u32, lives::Ast>::new_uninit();
    /// slot.write(7);
    /// // SAFETY: just written.
    /// let seven = unsafe { slot.assume_init() };
    /// assert_eq!(*seven, 7);
    /// ```
    #[inline]
    #[must_use]
    pub unsafe fn assume_init(self) -> FamilyBox<T, A> {
        // SAFETY: `MaybeUninit<T>` is laid out like `T`, and the caller vouches for the value.
        unsafe { Self::view_as(self, |slot| slot.cast::<T>()) }
    }
}

impl<T, A: RawAlloc + Default> From<T> for FamilyBox<T, A> {
    /// [`new_in`](FamilyBox::new_in).
    #[inline]
    fn from(value: T) -> Self {
        Self::new_in(value, A::default())
    }
}

impl<T: ?Sized, A: RawAlloc + 'static> From<FamilyBox<T, A>> for Pin<FamilyBox<T, A>> {
    /// [`into_pin`](FamilyBox::into_pin).
    #[inline]
    fn from(boxed: FamilyBox<T, A>) -> Self {
        FamilyBox::into_pin(boxed)
    }
}
