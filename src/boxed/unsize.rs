//! Unsizing: from a handle to a value to a handle to a trait object or to a slice.
//!
//! `Box`, `Rc` and `Arc` do this by themselves, through a trait that stable Rust keeps to the
//! standard library. What
//! stable Rust does for everyone is to unsize raw pointers, so [`unsize!`](crate::unsize) takes the
//! handle apart, lets the compiler unsize the pointer, and makes a handle of it again. Nothing the
//! caller writes gets between these steps: an expression, evaluated before, and a type, to which
//! the compiler must find a coercion. In particular
//!
//! - the pointer is *coerced*, never cast: a cast would also extend the lifetime of a trait object
//!   or add `Send` to it;
//! - the closure that coerces is written by the macro, and the function that trusts it is `unsafe`
//!   to call, so nobody can pass a closure of their own without saying `unsafe`;
//! - the caller's tokens are outside the macro's `unsafe` block.

use super::FamilyBox;
use crate::raw_alloc::RawAlloc;

/// Turns a handle to a value into one to a trait object or slice, in the same slot and family.
///
/// `unsize!(boxed => dyn Trait)` does for a [`FamilyBox`](crate::FamilyBox) what assignment does for a
/// `Box`; likewise for a [`FamilyRc`](crate::FamilyRc), a [`FamilyArc`](crate::FamilyArc), and their weak
/// handles. The type may be anything to which a raw pointer to the value coerces: `dyn Trait`, with auto
/// traits and a lifetime, `[T]` for an array, a struct with such a tail, and, from Rust 1.86, a supertrait
/// of a trait object.
///
/// The compiler does not propose this macro where one of these handles is passed for another. It says of
/// `let shape: FamilyBox<dyn Shape, lives::Scene> = FamilyBox::new(Square(2.0))` *mismatched types: expected
/// `FamilyBox<dyn Shape, Scene>`, found `FamilyBox<Square>`*, of `.into()` there that `From` is not implemented, and
/// of `FamilyBox::<dyn Shape, _>::new_in` that its size is not known. All three mean: allocate first, then `unsize!`.
///
/// To get a pinned box, unsize first and [pin](crate::FamilyBox::into_pin) then.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, unsize, FamilyBox};
///
/// #[alloc_family]
/// enum Lives { Scene }
///
/// trait Shape {
///     fn area(&self) -> f32;
/// }
///
/// #[alloc_family(Lives::Scene)]
/// struct Square(f32);
///
/// impl Shape for Square {
///     fn area(&self) -> f32 {
///         self.0 * self.0
///     }
/// }
///
/// let shapes: [FamilyBox<dyn Shape, lives::Scene>; 2] = [
///     unsize!(FamilyBox::new(Square(2.0)) => dyn Shape),
///     unsize!(FamilyBox::new(Square(3.0)) => dyn Shape),
/// ];
/// assert_eq!(shapes.iter().map(|shape| shape.area()).sum::<f32>(), 13.0);
///
/// let slice = unsize!(FamilyBox::new_in([1, 2, 3], lives::Scene) => [i32]);
/// assert_eq!(slice.len(), 3);
///
/// let shared = famalloc::FamilyRc::new(Square(4.0));
/// let shape = unsize!(shared.clone() => dyn Shape);
/// assert_eq!(shape.area(), shared.area());
/// ```
///
/// A type to which the value does not coerce is a compile error:
///
/// ```compile_fail,E0277
/// # use famalloc::{alloc_family, unsize, FamilyBox};
/// # #[alloc_family]
/// # enum Lives { Scene }
/// struct NotDebug;
/// let boxed = FamilyBox::new_in(NotDebug, lives::Scene);
/// let boxed = unsize!(boxed => dyn std::fmt::Debug);
/// ```
///
/// ```compile_fail,E0308
/// # use famalloc::{alloc_family, unsize, FamilyBox};
/// # #[alloc_family]
/// # enum Lives { Scene }
/// let boxed = FamilyBox::<u32, _>::new_in(7, lives::Scene);
/// let boxed = unsize!(boxed => f32);
/// ```
///
/// So is a lifetime for which the value does not live, and an auto trait that it does not implement:
///
/// ```compile_fail,E0597
/// # use famalloc::{alloc_family, unsize, FamilyBox};
/// # #[alloc_family]
/// # enum Lives { Scene }
/// # use std::fmt::Debug;
/// let local = String::from("x");
/// let boxed = FamilyBox::new_in(&local, lives::Scene);
/// let boxed: FamilyBox<dyn Debug + 'static, lives::Scene> = unsize!(boxed => dyn Debug + 'static);
/// ```
///
/// ```compile_fail,E0277
/// # use famalloc::{alloc_family, unsize, FamilyBox};
/// # #[alloc_family]
/// # enum Lives { Scene }
/// let boxed = FamilyBox::new_in(std::rc::Rc::new(7), lives::Scene);
/// let boxed = unsize!(boxed => dyn std::fmt::Debug + Send);
/// ```
#[macro_export]
macro_rules! unsize {
    ($handle:expr => $target:ty) => {
        match $handle {
            handle => {
                let coerce = $crate::boxed::__coercion(&handle, |value| -> *mut $target { value });
                // SAFETY: the closure above is a coercion of the compiler's and nothing else.
                unsafe { $crate::boxed::__unsize(handle, coerce) }
            }
        }
    };
}

/// A handle that [`unsize!`](crate::unsize) takes apart and puts together again: not for others to implement.
///
/// # Safety
///
/// `__into_pointer` gives the address of the value, and whatever the handle owns, to the caller;
/// `__from_pointer` of the same pointer, or of one that it coerces to, and the same home makes a handle
/// of the same kind that owns it.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`unsize!` does not know handles of type `{Self}`",
    label = "no `FamilyBox`, `RegionBox`, `FamilyRc`, `FamilyArc`, nor weak handle",
    note = "the compiler unsizes the standard library's handles by itself, where a type with `dyn Trait` is expected"
)]
pub unsafe trait __Unsize: Sized {
    /// What the handle leads to.
    type Value: ?Sized;
    /// The same handle to something else.
    type To<U: ?Sized>;
    /// What it keeps beside the pointer.
    type Home;

    fn __into_pointer(self) -> (*mut Self::Value, Self::Home);

    /// # Safety
    ///
    /// `pointer` is an unsizing coercion of what `__into_pointer` gave, and used once.
    unsafe fn __from_pointer<U: ?Sized>(pointer: *mut U, home: Self::Home) -> Self::To<U>;
}

// SAFETY: the two are `into_raw` and `from_raw`; a coercion keeps the address, and the value is as
// large and as aligned as before.
unsafe impl<T: ?Sized, A: RawAlloc> __Unsize for FamilyBox<T, A> {
    type Value = T;
    type To<U: ?Sized> = FamilyBox<U, A>;
    type Home = A;

    #[inline]
    fn __into_pointer(self) -> (*mut T, A) {
        Self::into_raw_with_allocator(self)
    }

    #[inline]
    unsafe fn __from_pointer<U: ?Sized>(pointer: *mut U, alloc: A) -> FamilyBox<U, A> {
        // SAFETY: passed on.
        unsafe { FamilyBox::from_raw_in(pointer, alloc) }
    }
}

/// Tells a closure's argument type from a handle, so that the coercion in its body is one; the
/// handle is not touched.
#[doc(hidden)]
#[inline]
pub const fn __coercion<H: __Unsize, U: ?Sized, C: FnOnce(*mut H::Value) -> *mut U>(
    _: &H,
    coerce: C,
) -> C {
    coerce
}

/// What [`unsize!`](crate::unsize) expands to.
///
/// # Safety
///
/// `coerce` does nothing but an unsizing coercion of its argument.
#[doc(hidden)]
#[inline]
pub unsafe fn __unsize<H: __Unsize, U: ?Sized>(
    handle: H,
    coerce: impl FnOnce(*mut H::Value) -> *mut U,
) -> H::To<U> {
    let (pointer, home) = handle.__into_pointer();
    let pointer = coerce(pointer);
    // SAFETY: the pointer was just given, and the caller vouches for the coercion.
    unsafe { H::__from_pointer(pointer, home) }
}
