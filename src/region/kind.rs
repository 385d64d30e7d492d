//! The kinds of regions: whether they run the destructors of the values that they lend, and whether they
//! can be walked.

use core::marker::PhantomData;

/// The kind of a region: [`Forget`], [`Drops`], [`SendDrops`], or one of them [`Tracked`].
///
/// The first three differ in whether the destructors of values behind plain references, as
/// [`Region::alloc`](crate::Region::alloc) makes them, run when the region is reset or dropped. A
/// [`RegionBox`](crate::RegionBox) owns its value and drops it itself.
///
/// # Examples
///
/// ```
/// use std::rc::Rc;
/// use famalloc::{alloc_family, region::Drops, Region};
///
/// #[alloc_family]
/// enum Lives {
///     Frame,
/// }
///
/// let counted = Rc::new(());
/// let mut forgets = Region::<lives::Frame>::new();
/// forgets.alloc(Rc::clone(&counted));
/// forgets.reset();
/// assert_eq!(Rc::strong_count(&counted), 2);
///
/// let mut drops = Region::<lives::Frame, Drops>::new();
/// drops.alloc(Rc::clone(&counted));
/// assert_eq!(Rc::strong_count(&counted), 3);
/// drops.reset();
/// assert_eq!(Rc::strong_count(&counted), 2);
/// ```
pub trait Kind: sealed::Sealed {
    /// Whether destructors run.
    const DROPS: bool;
    /// Whether the region knows where its objects are.
    const TRACKED: bool;
}

/// A kind of region that accepts values of type `T`.
///
/// [`Forget`] accepts all. The others store a value until they drop it, so it must not refer to anything
/// that ends before.
///
/// # Examples
///
/// ```
/// use famalloc::{region::Accept, FamilyKey, Region};
///
/// /// In any kind of region that takes it.
/// fn put<F: FamilyKey, K: Accept<T>, T>(region: &Region<F, K>, value: T) -> &T {
///     region.alloc(value)
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a region of this kind cannot store a `{T}` and drop it",
    label = "`{Self}` does not accept `{T}`",
    note = "`Drops<'a>` accepts values that live for `'a`; `SendDrops<'a>` accepts only those that are also `Send`; `boxed` accepts every value"
)]
pub trait Accept<T>: Kind {}

/// No destructors run: values are forgotten, as by [`core::mem::forget`]. The default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forget;

/// Destructors run, for values that live for `'a`; the region cannot be sent to another thread.
///
/// # Examples
///
/// A value must not refer to anything that ends before the region does, since its destructor could access
/// it:
///
/// ```compile_fail,E0597
/// # use famalloc::{alloc_family, region::Drops, Region};
/// # #[alloc_family]
/// # enum Lives { Frame }
/// struct Says<'a>(&'a str);
/// impl Drop for Says<'_> {
///     fn drop(&mut self) {
///         println!("{}", self.0);
///     }
/// }
/// let frame = Region::<lives::Frame, Drops>::new();
/// let text = String::from("gone too early");
/// frame.alloc(Says(&text));
/// ```
///
/// Nor to another value of the same region:
///
/// ```compile_fail,E0597
/// # use famalloc::{alloc_family, region::Drops, Region};
/// # #[alloc_family]
/// # enum Lives { Frame }
/// # struct Says<'a>(&'a str);
/// # impl Drop for Says<'_> {
/// #     fn drop(&mut self) {}
/// # }
/// let frame = Region::<lives::Frame, Drops>::new();
/// let text = frame.alloc(String::from("text"));
/// frame.alloc(Says(text));
/// ```
///
/// ```compile_fail,E0277
/// # use famalloc::{alloc_family, region::Drops, Region};
/// # #[alloc_family]
/// # enum Lives { Frame }
/// let frame = Region::<lives::Frame, Drops>::new();
/// std::thread::spawn(move || drop(frame));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops<'a>(Invariant<'a>, NotSend);

/// A region for a longer `'a` must not pass for one for a shorter.
type Invariant<'a> = PhantomData<fn(&'a ()) -> &'a ()>;
type NotSend = PhantomData<*const ()>;

/// Destructors run, for values that live for `'a` and are `Send`; so the region is `Send`, too.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, region::SendDrops, Region};
///
/// #[alloc_family]
/// enum Lives {
///     Request,
/// }
///
/// let region = Region::<lives::Request, SendDrops>::new();
/// region.alloc(vec![1, 2, 3]);
/// std::thread::spawn(move || drop(region)).join().unwrap();
/// ```
///
/// ```compile_fail,E0277
/// # use famalloc::{alloc_family, region::SendDrops, Region};
/// # #[alloc_family]
/// # enum Lives { Request }
/// let region = Region::<lives::Request, SendDrops>::new();
/// region.alloc(std::rc::Rc::new(7));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendDrops<'a>(Invariant<'a>);

/// A region of kind `K` that records where its objects are, so that it can be
/// [walked](crate::Region::walk) and [swept](crate::Region::sweep).
///
/// Each allocation writes one more byte for it, out of band. That takes an eighth of the memory of small
/// objects, and a quarter of a nanosecond.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, region::{Drops, Tracked}, Region};
///
/// #[alloc_family]
/// enum Lives {
///     Object,
/// }
///
/// let objects = Region::<lives::Object, Tracked>::new();
/// objects.alloc([1_u64; 3]);
/// objects.walk(|_, bytes| assert_eq!(bytes, 24));
///
/// let dropped = Region::<lives::Object, Tracked<Drops>>::new();
/// dropped.alloc(String::from("text"));
/// assert_eq!(dropped.objects(), 1);
/// ```
///
/// ```compile_fail,E0599
/// # use famalloc::{alloc_family, Region};
/// # #[alloc_family]
/// # enum Lives { Object }
/// let objects = Region::<lives::Object>::new();
/// objects.walk(|_, _| {});
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tracked<K = Forget>(PhantomData<K>);

impl Kind for Forget {
    const DROPS: bool = false;
    const TRACKED: bool = false;
}
impl Kind for Drops<'_> {
    const DROPS: bool = true;
    const TRACKED: bool = false;
}
impl Kind for SendDrops<'_> {
    const DROPS: bool = true;
    const TRACKED: bool = false;
}
impl<K: Kind> Kind for Tracked<K> {
    const DROPS: bool = K::DROPS;
    const TRACKED: bool = true;
}

impl<T> Accept<T> for Forget {}
impl<'a, T: 'a> Accept<T> for Drops<'a> {}
impl<'a, T: Send + 'a> Accept<T> for SendDrops<'a> {}
impl<T, K: Accept<T>> Accept<T> for Tracked<K> {}

mod sealed {
    /// The kinds are these, since the region relies on what they promise.
    pub trait Sealed {}
    impl Sealed for super::Forget {}
    impl Sealed for super::Drops<'_> {}
    impl Sealed for super::SendDrops<'_> {}
    impl<K: Sealed> Sealed for super::Tracked<K> {}
}
