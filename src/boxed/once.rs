//! Closures that are called once: what `FamilyBox<dyn FnOnce(..), F>` cannot be.
//!
//! Calling a boxed `dyn FnOnce` moves an unsized value out of its box, which stable Rust allows only for
//! `Box`. The method of [`CallOnce`] takes the closure in place, so use the type `FamilyBox<dyn
//! CallOnce<(A, B), Output = R>, F>` instead. A `FamilyBox<dyn FnOnce(A, B) -> R, F>` that is there already is called as
//! `FamilyBox::into_box(boxed)(a, b)`: that moves the closure to the global allocator first.

use core::ptr;

use super::FamilyBox;
use crate::raw_alloc::RawAlloc;

/// A function that is called once with the arguments `Args`, a tuple; every `FnOnce` is one.
///
/// Use it as a trait object, with [`FamilyBox::call_once`].
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, boxed::CallOnce, unsize, FamilyBox};
///
/// #[alloc_family]
/// enum Lives { Task }
///
/// type Task = FamilyBox<dyn CallOnce<(u32,), Output = String>, lives::Task>;
///
/// let name = String::from("task ");
/// let closure = move |number: u32| name + &number.to_string();
/// let task: Task = unsize!(
///     FamilyBox::new_in(closure, lives::Task) => dyn CallOnce<(u32,), Output = String>
/// );
/// assert_eq!(FamilyBox::call_once(task, (7,)), "task 7");
/// ```
pub trait CallOnce<Args> {
    /// The type of its result.
    type Output;

    /// Moves the function out and calls it.
    ///
    /// # Safety
    ///
    /// The caller treats `self` as moved out afterwards: it neither uses nor drops it again.
    #[doc(hidden)]
    unsafe fn call_once_in_place(&mut self, arguments: Args) -> Self::Output;
}

/// `CallOnce` for functions of some number of arguments.
macro_rules! call_once {
    ($($argument:ident: $Argument:ident),*) => {
        impl<Function, Output, $($Argument),*> CallOnce<($($Argument,)*)> for Function
        where
            Function: FnOnce($($Argument),*) -> Output,
        {
            type Output = Output;

            #[inline]
            unsafe fn call_once_in_place(&mut self, ($($argument,)*): ($($Argument,)*)) -> Output {
                // SAFETY: the caller will not use the function again.
                let function = unsafe { ptr::read(self) };
                function($($argument),*)
            }
        }
    };
}

call_once!();
call_once!(a: A);
call_once!(a: A, b: B);
call_once!(a: A, b: B, c: C);
call_once!(a: A, b: B, c: C, d: D);
call_once!(a: A, b: B, c: C, d: D, e: E);
call_once!(a: A, b: B, c: C, d: D, e: E, g: G);

impl<T: ?Sized, A: RawAlloc> FamilyBox<T, A> {
    /// Calls a boxed function once; its slot is freed after the call, even if the function panics.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, FamilyBox};
    /// # #[alloc_family]
    /// # enum Lives { Task }
    /// let name = String::from("x");
    /// let task = FamilyBox::new_in(move || name, lives::Task);
    /// assert_eq!(FamilyBox::call_once(task, ()), "x");
    /// ```
    pub fn call_once<Args>(this: Self, arguments: Args) -> T::Output
    where
        T: CallOnce<Args>,
    {
        let mut slot = Self::into_slot(this);
        let function: &mut T = &mut slot;
        // SAFETY: nobody else knows the function, and what is left of it is a slot.
        unsafe { function.call_once_in_place(arguments) }
    }
}
