//! [`FamilyBox`]: a `Box` whose value lives in a family.
//!
//! A `Box` allocates with the one global allocator; a `FamilyBox` allocates in its family, which is part
//! of its type. So the handle needs no field to find its allocator: it is one pointer wide (two for an
//! unsized value, as usual), the value has no header, and size class and family are constants wherever the
//! type is known.
//!
//! ```text
//! FamilyBox<Node>                       slot of Ast, class of Node
//! +---------+                           +----------------+
//! | address | ------------------------> | Node           |     nothing before or after it
//! +---------+                           +----------------+
//!   Node: InFamily<Family = lives::Ast>   freed as: family lives::Ast, layout of the value
//! ```
//!
//! # Which family
//!
//! `FamilyBox<T>` is short for `FamilyBox<T, FamilyOf<T>>`: the family that
//! `#[alloc_family(Set::Variant)]` gave to `T`. For any other type, and to put a value into another
//! family, name the family: `FamilyBox<u32, lives::Ast>`. A value that is unsized stays in its family.
//! Name that family in the type, since a trait object has none of its own: `FamilyBox<dyn Trait,
//! lives::Ast>`.
//!
//! [`FamilyBox::new`] and its variants take the family of the value's type. Those ending in `_in`, and
//! every conversion, take the family of the box's type. The family is never inferred from anything else.
//!
//! # Invariants
//!
//! The three invariants of the handle, which the `SAFETY` comments of this folder cite:
//!
//! - **B1.** Its pointer leads to a valid `T` (or, if the value is zero-sized, to no slot but an aligned
//!   address).
//! - **B2.** Family `F` allocated the slot for the layout of the value, and only this handle will free
//!   it.
//! - **B3.** The pointer may be used for the whole slot.
//!
//! It follows that no panic leaks a slot or an element, or drops anything twice, whether it occurs in a
//! constructor, in the destructor of the value, in the clone of an element, or in an iterator that is
//! collected. The slot is freed even if the destructor of its value panics.
//!
//! # Comparison with `Box`
//!
//! Everything that `Box` has in Rust 1.95, unstable parts included, and its counterpart here. (Methods
//! that name a type outside `core` need the feature `std`, and so does collecting text.)
//!
//! | `Box` | here |
//! |---|---|
//! | `new`, `try_new`, `pin` | the same, for types in a family |
//! | `new_in`, `try_new_in`, `pin_in` | the same; the family is the last argument |
//! | - | `try_from_slice`, `try_from_iter`, `try_from_str`, `try_from_box`, and with `_in`: what the conversions do, with an error where there is no memory |
//! | - | `new_with`, `try_new_with`, `try_pin`, and with `_in`: the slot first, then the value |
//! | `new_uninit`, `new_zeroed`, their `try_` forms, and all of them with `_in` | [`new_uninit`](FamilyBox::new_uninit), [`new_zeroed`](FamilyBox::new_zeroed), `try_new_uninit`, `try_new_zeroed`; these are written with their type, so one name does for both |
//! | `new_uninit_slice`, `new_zeroed_slice`, likewise | [`new_uninit_slice`](FamilyBox::new_uninit_slice), [`new_zeroed_slice`](FamilyBox::new_zeroed_slice), `try_new_uninit_slice`, `try_new_zeroed_slice` |
//! | `assume_init` (value, slice), `write` | the same |
//! | `from_raw`, `from_non_null`, and with `_in` | [`from_raw`](FamilyBox::from_raw), [`from_non_null`](FamilyBox::from_non_null) |
//! | `into_raw`, `into_non_null`, `as_ptr`, `as_mut_ptr`, `leak`, `into_pin` | the same |
//! | `into_raw_with_allocator`, `into_non_null_with_allocator`, `allocator` | missing: the family is a type, there is no value to return |
//! | `into_inner`, `take`, `map`, `into_boxed_slice`, `into_array` | the same |
//! | `try_map` | missing: needs the unstable `Try` trait; `take` and `write` do it |
//! | `clone_from_ref`, `try_clone_from_ref`, and with `_in` | missing: needs the unstable `CloneToUninit`; `From<&[T]>`, `From<&str>`, `From<&Path>`, `From<&OsStr>`, `From<&CStr>` are here |
//! | `downcast`, `downcast_unchecked` on `dyn Any`, with `Send`, with `Send + Sync` | the same, and on `dyn Error` likewise |
//! | `<[T]>::into_vec`, `str::into_string`, `str::into_boxed_bytes`, `CStr::into_c_string`, `OsStr::into_os_string`, `Path::into_path_buf` | the same, as methods of the box |
//! | `std::str::from_boxed_utf8_unchecked` | [`from_utf8_unchecked`](FamilyBox::from_utf8_unchecked), and [`from_utf8`](FamilyBox::from_utf8) |
//! | `*boxed` that moves the value out; box patterns; `self: Box<Self>` | missing: built into the compiler; [`into_inner`](FamilyBox::into_inner) moves out |
//! | becoming a box of a trait object or slice where one is expected (`CoerceUnsized`) | [`unsize!`](crate::unsize): the trait is unstable |
//! | a box of a borrow that may dangle when the box is dropped (`#[may_dangle]`) | missing: unstable. What a box refers to has to outlive it, even when dropping the value would not look at it |
//! | foreign traits for `Box<YourType>` (`#[fundamental]`) | missing: unstable; implement them for a type of yours around the box |
//!
//! And its traits:
//!
//! | trait | here |
//! |---|---|
//! | `Deref`, `DerefMut`, `Drop`, `AsRef`, `AsMut`, `Borrow`, `BorrowMut` | yes |
//! | `Send`, `Sync`, `UnwindSafe`, `RefUnwindSafe` | when the value is |
//! | `Unpin` | always |
//! | `Clone` (value, `[T]`, `str`, `CStr`, `OsStr`, `Path`) | yes; `clone_from` keeps the slot |
//! | `Default` (value, `[T]`, `str`, `CStr`, `OsStr`, `Pin`) | yes |
//! | `Debug`, `Display`, `Pointer` | yes |
//! | `PartialEq`, `Eq`, `PartialOrd`, `Ord`, `Hash` | yes, between boxes of one family, by value |
//! | `Hasher` | yes |
//! | `Iterator` | for every type with a size, and for `dyn Iterator`, `dyn DoubleEndedIterator`, `dyn ExactSizeIterator`, `dyn FusedIterator` with and without `Send` and `Sync`; for an object of another trait iterate over `&mut *boxed`. The general form would collide with `IntoIterator` for slices, since `!Iterator` cannot be declared |
//! | `DoubleEndedIterator`, `ExactSizeIterator`, `FusedIterator` | for types with a size, and their own objects |
//! | `IntoIterator` (`[T]` by value, `&`, `&mut`) | yes |
//! | `FromIterator` (`[T]` from `T`; `str` from `char`, `&char`, `&str`, `String`, `Cow<str>`, boxes) | yes |
//! | `FromIterator<Box<str>>` and `Extend<Box<str>>` for `String` | yes |
//! | `From<T>`, `From<[T; N]>`, `From<Vec<T>>`, `From<&[T]>`, `From<&mut [T]>`, `From<Cow<[T]>>` | yes; and from a boxed array |
//! | `From` of `&str`, `&mut str`, `String`, `Cow<str>`, and the same of `CStr`, `OsStr`, `Path` | yes |
//! | `TryFrom<Box<[T]>>`, `TryFrom<Vec<T>>` for a boxed array | yes |
//! | `From<Box<str>>` for `Box<[u8]>` | yes |
//! | `From<Box<_>>` for `Vec`, `String`, `CString`, `OsString`, `PathBuf`, `Rc`, `Arc`, `Pin` | yes; all but the last move the value to the global allocator |
//! | - | `From<Box<T>>`, and of `[T]`, `str`, `CStr`, `OsStr`, `Path`; `FamilyBox::from_box` for all others |
//! | - | `Box` from a boxed `[T]`, `str`, `CStr`, `OsStr`, `Path`; `FamilyBox::into_box` for all others, since `From<..> for Box<T>` is not ours to write |
//! | `From<E: Error>` for `dyn Error`, and with `Send + Sync` | yes |
//! | `From<&str>`, `From<String>`, `From<Cow<str>>` for `dyn Error` | [`from_message`](FamilyBox::from_message): outside the standard library these collide with the row above, as text might become an error one day |
//! | `Error` | for types with a size, like `Box`; forwards `source` (`provide` is unstable, `description` and `cause` are deprecated) |
//! | `Future` | yes; a pinned box is one for any future |
//! | `Read`, `Write`, `Seek`, `BufRead` | yes, without their unstable methods |
//! | `AsFd`, `AsRawFd`, `AsHandle`, `AsSocket` | yes, where the platform has them |
//! | `Fn`, `FnMut` | unstable to implement; `boxed(..)` calls through `Deref`, and `&*boxed` or `&mut *boxed` can be passed on |
//! | `FnOnce` | moves a value without a size, which only `Box` may: use [`CallOnce`], or `FamilyBox::into_box(boxed)(..)`, which moves the closure to the global allocator first |
//! | `AsyncFn`, `AsyncFnMut`, `AsyncFnOnce`, `AsyncIterator`, `Coroutine` | missing: unstable |
//! | `CoerceUnsized`, `DispatchFromDyn`, `PinCoerceUnsized`, `DerefPure`, `Freeze`, `UnsafeUnpin` | missing: unstable |
//! | `Allocator` (a box of an allocator) | missing: unstable |
//! | whatever is about `ByteStr` | missing: the type is unstable |

mod any;
mod builder;
mod clone;
#[cfg(feature = "std")]
mod convert;
mod default;
mod error;
mod forward;
mod into_iter;
#[cfg(feature = "std")]
mod io;
mod new;
mod once;
#[cfg(feature = "std")]
mod platform_str;
pub(crate) mod raw;
pub(crate) mod slice;
mod str;
#[cfg(feature = "std")]
mod string;
mod unsize;
mod value;
#[cfg(feature = "std")]
mod vec;

use core::alloc::Layout;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::{self, NonNull};

pub use self::into_iter::IntoIter;
pub use self::once::CallOnce;
use self::raw::Slot;
pub(crate) use self::raw::{capacity_overflow, failed};
#[doc(hidden)]
pub use self::unsize::{__Unsize, __coercion, __unsize};
use crate::delegate::delegate_to_target;
use crate::family::FamilyOf;
use crate::raw_alloc::RawAlloc;

/// A value in a slot of family `F`. The handle owns it, and drops and frees it like a `Box`.
///
/// The family is that of the value's type unless it is named; see the [module](self) for that, and for a
/// table of everything that `Box` has and its counterpart here.
///
/// # Examples
///
/// A tree whose nodes share blocks only with each other:
///
/// ```
/// use famalloc::{alloc_family, FamilyBox};
///
/// #[alloc_family]
/// enum Lives { Ast, Interned }
///
/// #[alloc_family(Lives::Ast)]
/// enum Expr {
///     Name(FamilyBox<str, lives::Interned>),
///     Neg(FamilyBox<Expr>),
/// }
///
/// let name = Expr::Name("x".into());
/// let tree = FamilyBox::new(Expr::Neg(FamilyBox::new(name)));
/// match &*tree {
///     Expr::Neg(inner) => assert!(matches!(&**inner, Expr::Name(name) if **name == *"x")),
///     Expr::Name(_) => unreachable!(),
/// }
/// ```
///
/// It is as wide as a pointer, and so is an `Option` of it:
///
/// ```
/// # use famalloc::{alloc_family, FamilyBox};
/// # #[alloc_family]
/// # enum Lives { Ast }
/// assert_eq!(size_of::<FamilyBox<u64, lives::Ast>>(), size_of::<usize>());
/// assert_eq!(size_of::<Option<FamilyBox<u64, lives::Ast>>>(), size_of::<usize>());
/// ```
///
/// A type without a family needs a named one:
///
/// ```compile_fail,E0277
/// # use famalloc::FamilyBox;
/// let seven = FamilyBox::new(7_u32);
/// ```
///
/// It is `Send` only if its value is:
///
/// ```compile_fail,E0277
/// # use famalloc::{alloc_family, FamilyBox};
/// # #[alloc_family]
/// # enum Lives { Ast }
/// let shared = FamilyBox::new_in(std::rc::Rc::new(7), lives::Ast);
/// std::thread::spawn(move || println!("{shared}"));
/// ```
pub struct FamilyBox<T: ?Sized, A: RawAlloc = FamilyOf<T>> {
    value: NonNull<T>,
    owns: PhantomData<T>,
    alloc: A,
}

// SAFETY: the handle owns its value and its allocator, which frees the slot wherever it is.
unsafe impl<T: ?Sized + Send, A: RawAlloc + Send> Send for FamilyBox<T, A> {}

// SAFETY: a shared handle gives shared access to the value and the allocator, and to nothing else.
unsafe impl<T: ?Sized + Sync, A: RawAlloc + Sync> Sync for FamilyBox<T, A> {}

impl<T: ?Sized, A: RawAlloc> Unpin for FamilyBox<T, A> {}

impl<T: ?Sized + UnwindSafe, A: RawAlloc + UnwindSafe> UnwindSafe for FamilyBox<T, A> {}

impl<T: ?Sized + RefUnwindSafe, A: RawAlloc + RefUnwindSafe> RefUnwindSafe for FamilyBox<T, A> {}

impl<T: ?Sized, A: RawAlloc> Drop for FamilyBox<T, A> {
    /// Drops the value, then frees its slot; the latter also when the value's destructor panics.
    #[inline]
    fn drop(&mut self) {
        let layout = Layout::for_value::<T>(self);
        // The guard is for a panic that unwinds. Otherwise the slot is freed below, where the
        // layout of a sized type is a constant and so is its class.
        // SAFETY: B2.
        let slot = unsafe { Slot::<A, _>::own(self.value.cast(), layout, &self.alloc) };
        // SAFETY: B1, and this is the last use of the value.
        unsafe { ptr::drop_in_place(self.value.as_ptr()) };
        // SAFETY: B2; the value is gone.
        unsafe { self.alloc.free(slot.keep(), layout) };
    }
}

impl<T: ?Sized, A: RawAlloc> Deref for FamilyBox<T, A> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: B1, and the value is shared as long as the handle is.
        unsafe { self.value.as_ref() }
    }
}

impl<T: ?Sized, A: RawAlloc> DerefMut for FamilyBox<T, A> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: B1, and the value is borrowed with the handle, its only owner (B2).
        unsafe { self.value.as_mut() }
    }
}

delegate_to_target! {
    [T: ?Sized, A: RawAlloc] FamilyBox<T, A> => T, where [T];
    PartialEq Eq PartialOrd Ord Hash Debug Display Pointer AsRef AsMut Borrow BorrowMut
}
