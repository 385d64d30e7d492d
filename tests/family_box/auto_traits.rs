//! Which marker traits a box has, and its variance: all decided at compile time.

use std::cell::{Cell, UnsafeCell};
use std::marker::PhantomPinned;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;
use std::sync::MutexGuard;

use famalloc::boxed::IntoIter;

use crate::common::{InA, lives};

fn has_all<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe>() {}

/// Fails to compile when the type has the trait: then there are two candidates for `of`.
macro_rules! lacks {
    ($type:ty: $trait:path) => {{
        trait Ambiguous<Marker> {
            fn of() {}
        }
        impl<T: ?Sized> Ambiguous<()> for T {}
        struct Has;
        impl<T: ?Sized + $trait> Ambiguous<Has> for T {}
        <$type as Ambiguous<_>>::of();
    }};
}

#[test]
fn marker_traits_follow_the_value() {
    has_all::<InA<u32>>();
    has_all::<InA<str>>();
    has_all::<InA<[String]>>();
    has_all::<IntoIter<u32, lives::A>>();
    lacks!(InA<Rc<u32>>: Send);
    lacks!(InA<Rc<u32>>: Sync);
    lacks!(InA<dyn Fn()>: Send);
    lacks!(IntoIter<Rc<u32>, lives::A>: Send);
    // Send without Sync, and the other way round.
    fn send<T: Send>() {}
    fn sync<T: Sync>() {}
    send::<InA<Cell<u32>>>();
    lacks!(InA<Cell<u32>>: Sync);
    sync::<InA<MutexGuard<'static, u32>>>();
    lacks!(InA<MutexGuard<'static, u32>>: Send);
}

#[test]
fn a_box_may_move_whatever_its_value() {
    fn unpin<T: Unpin>() {}
    unpin::<InA<PhantomPinned>>();
    unpin::<InA<dyn Future<Output = ()>>>();
}

#[test]
fn unwind_safety_follows_the_value() {
    lacks!(InA<&mut u32>: UnwindSafe);
    lacks!(InA<UnsafeCell<u32>>: RefUnwindSafe);
    // Ownership of a cell is safe to carry over a panic; a shared reference to one is not.
    fn unwind_safe<T: UnwindSafe>() {}
    unwind_safe::<Box<Cell<u32>>>();
    unwind_safe::<InA<Cell<u32>>>();
    lacks!(InA<Cell<u32>>: RefUnwindSafe);
}

#[test]
fn a_box_is_covariant_in_its_value() {
    fn shorten<'short>(boxed: InA<&'static str>) -> InA<&'short str> {
        boxed
    }
    fn shorten_object<'short>(
        boxed: InA<dyn Fn() -> &'static str>,
    ) -> InA<dyn Fn() -> &'static str + 'short> {
        boxed
    }
    assert_eq!(*shorten(InA::new_in("x", lives::A)), "x");
    let object = famalloc::unsize!(InA::new_in(|| "x", lives::A) => dyn Fn() -> &'static str);
    assert_eq!(shorten_object(object)(), "x");
}
