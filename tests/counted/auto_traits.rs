//! Which marker traits the handles have, and their variance: all decided at compile time.

use std::cell::{Cell, UnsafeCell};
use std::marker::PhantomPinned;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::MutexGuard;

use famalloc::region::{InRegion, RegionRc};
use famalloc::{AnyFamily, FamilyArc, FamilyArcWeak, FamilyRc, FamilyRcWeak, ThinSlice, ThinStr};

use crate::ledger::Lives;
use crate::ledger::lives::A;

fn has_all<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe>() {}
fn may_unwind<T: Unpin + UnwindSafe + RefUnwindSafe>() {}

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
fn handles_of_all_threads_follow_the_value() {
    has_all::<FamilyArc<u32, A>>();
    has_all::<FamilyArc<str, A>>();
    has_all::<FamilyArcWeak<[String], A>>();
    // Neither half is enough.
    lacks!(FamilyArc<Cell<u32>, A>: Send);
    lacks!(FamilyArc<Cell<u32>, A>: Sync);
    lacks!(FamilyArc<MutexGuard<'static, u32>, A>: Send);
    lacks!(FamilyArc<MutexGuard<'static, u32>, A>: Sync);
    lacks!(FamilyArcWeak<Cell<u32>, A>: Send);
    lacks!(FamilyArcWeak<Cell<u32>, A>: Sync);
    lacks!(FamilyArcWeak<MutexGuard<'static, u32>, A>: Send);
    lacks!(FamilyArcWeak<MutexGuard<'static, u32>, A>: Sync);
    lacks!(FamilyArc<dyn Fn(), A>: Send);
}

#[test]
fn handles_of_one_thread_stay_there() {
    may_unwind::<FamilyRc<u32, A>>();
    may_unwind::<FamilyRcWeak<str, A>>();
    lacks!(FamilyRc<u32, A>: Send);
    lacks!(FamilyRc<u32, A>: Sync);
    lacks!(FamilyRcWeak<u32, A>: Send);
    lacks!(FamilyRcWeak<u32, A>: Sync);
}

#[test]
fn handles_follow_their_allocator_as_well() {
    has_all::<FamilyArc<u32, AnyFamily<Lives>>>();
    has_all::<FamilyArcWeak<u32, AnyFamily<Lives>>>();
    has_all::<ThinSlice<u32, AnyFamily<Lives>>>();
    may_unwind::<FamilyArc<u32, InRegion<'static>>>();
    may_unwind::<ThinStr<InRegion<'static>>>();
    lacks!(FamilyArc<u32, InRegion<'static>>: Send);
    lacks!(FamilyArc<u32, InRegion<'static>>: Sync);
    lacks!(FamilyArcWeak<u32, InRegion<'static>>: Send);
    lacks!(FamilyArcWeak<u32, InRegion<'static>>: Sync);
    lacks!(ThinSlice<u32, InRegion<'static>>: Send);
    lacks!(ThinSlice<u32, InRegion<'static>>: Sync);
    lacks!(ThinStr<InRegion<'static>>: Send);
}

#[test]
fn a_handle_may_move_whatever_its_value() {
    fn unpin<T: Unpin>() {}
    unpin::<FamilyRc<PhantomPinned, A>>();
    unpin::<FamilyArcWeak<PhantomPinned, A>>();
}

#[test]
fn unwind_safety_is_that_of_shared_values() {
    lacks!(FamilyRc<Cell<u32>, A>: UnwindSafe);
    lacks!(FamilyArc<UnsafeCell<u32>, A>: UnwindSafe);
    lacks!(FamilyArc<UnsafeCell<u32>, A>: RefUnwindSafe);
    lacks!(FamilyRcWeak<Cell<u32>, A>: UnwindSafe);
}

#[test]
fn handles_are_covariant_in_their_value() {
    fn shorten<'short>(handle: FamilyRc<&'static str, A>) -> FamilyRc<&'short str, A> {
        handle
    }
    fn shorten_weak<'a>(handle: FamilyArcWeak<&'static str, A>) -> FamilyArcWeak<&'a str, A> {
        handle
    }
    fn shorten_home<'short>(handle: RegionRc<'static, u32>) -> RegionRc<'short, u32> {
        handle
    }
    let _ = shorten_home;
    crate::leaks_nothing(|| {
        assert_eq!(*shorten(FamilyRc::new_in("x", crate::lives::A)), "x");
        assert!(shorten_weak(FamilyArcWeak::new()).upgrade().is_none());
    });
}
