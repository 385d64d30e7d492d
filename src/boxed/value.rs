//! What can be done with a whole value: fill its slot, take it out, change it, pin it.

use core::alloc::Layout;
use core::mem::{ManuallyDrop, MaybeUninit};
use core::pin::Pin;

use super::FamilyBox;
use crate::family::Family;
use crate::heap::alloc::free_value;

impl<T, F: Family> FamilyBox<T, F> {
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
        let slot = ManuallyDrop::new(this).value;
        // SAFETY: B1; the handle is gone, so the value is moved out once.
        let value = unsafe { slot.read() };
        // SAFETY: B2; the value was moved out.
        unsafe { free_value::<F, T>(F::default(), slot) };
        value
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
    pub fn take(this: Self) -> (T, FamilyBox<MaybeUninit<T>, F>) {
        let slot = Self::into_non_null(this);
        // SAFETY: B1; the handle is gone, so the value is moved out once.
        let value = unsafe { slot.read() };
        // SAFETY: B2; what is left need not be initialised.
        (value, unsafe { FamilyBox::from_non_null(slot.cast()) })
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
    pub fn map<U>(this: Self, change: impl FnOnce(T) -> U) -> FamilyBox<U, F> {
        if const { same_layout(Layout::new::<T>(), Layout::new::<U>()) } {
            let (value, slot) = Self::take(this);
            let value = change(value);
            let slot = FamilyBox::into_non_null(slot).cast::<U>();
            // SAFETY: the slot is ours and has the layout of a `U`.
            unsafe { slot.write(value) };
            // SAFETY: it holds a valid `U` now.
            unsafe { FamilyBox::from_non_null(slot) }
        } else {
            FamilyBox::new_in(change(Self::into_inner(this)), F::default())
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
    pub fn into_boxed_slice(this: Self) -> FamilyBox<[T], F> {
        // SAFETY: a value is laid out like an array of one.
        unsafe { Self::view_as(this, |value| value.cast::<[T; 1]>()) }.into()
    }
}

/// Whether a slot for one is a slot for the other.
const fn same_layout(one: Layout, other: Layout) -> bool {
    one.size() == other.size() && one.align() == other.align()
}

impl<T: ?Sized, F: Family> FamilyBox<T, F> {
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
    pub fn into_pin(this: Self) -> Pin<Self> {
        // SAFETY: the value stays in its slot until the handle drops it there; neither `Deref` nor
        // `DerefMut` moves it, and the handle is `Unpin` whatever the value is.
        unsafe { Pin::new_unchecked(this) }
    }
}

impl<T, F: Family> FamilyBox<MaybeUninit<T>, F> {
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
    pub fn write(mut this: Self, value: T) -> FamilyBox<T, F> {
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
    pub unsafe fn assume_init(self) -> FamilyBox<T, F> {
        // SAFETY: `MaybeUninit<T>` is laid out like `T`, and the caller vouches for the value.
        unsafe { Self::view_as(self, |slot| slot.cast::<T>()) }
    }
}

impl<T, F: Family> From<T> for FamilyBox<T, F> {
    /// [`new_in`](FamilyBox::new_in).
    #[inline]
    fn from(value: T) -> Self {
        Self::new_in(value, F::default())
    }
}

impl<T: ?Sized, F: Family> From<FamilyBox<T, F>> for Pin<FamilyBox<T, F>> {
    /// [`into_pin`](FamilyBox::into_pin).
    #[inline]
    fn from(boxed: FamilyBox<T, F>) -> Self {
        FamilyBox::into_pin(boxed)
    }
}
