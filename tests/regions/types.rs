//! Which marker traits regions and what they hand out have, and their variance: decided when this is
//! compiled. What must not compile is in `compile_fail`, and beside what it is about.

use std::cell::Cell;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;

use famalloc::region::{
    Accept, AnyRegion, Checkpoint, Drops, Forget, PooledRegion, SendDrops, Tracked,
};
use famalloc::{AnyFamily, Region, RegionBox, RegionPool, alloc_family};

#[alloc_family]
enum Lives {
    A,
}
use lives::A;

fn send<T: Send>() {}
fn sync<T: Sync>() {}
fn unwind_safe<T: UnwindSafe + RefUnwindSafe>() {}
fn unpin<T: Unpin>() {}
fn accepts<K: Accept<T>, T>() {}

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
fn regions_are_sent_unless_they_drop_what_cannot_be() {
    send::<Region<A>>();
    send::<Region<A, SendDrops<'static>>>();
    send::<Region<A, Tracked>>();
    send::<Region<A, Tracked<SendDrops<'static>>>>();
    lacks!(Region<A, Drops<'static>>: Send);
    lacks!(Region<A, Tracked<Drops<'static>>>: Send);
    lacks!(Region<A>: Sync);
    lacks!(Region<A, SendDrops<'static>>: Sync);
    lacks!(Region<A, Tracked>: Sync);
    unwind_safe::<Region<A>>();
    unwind_safe::<Region<A, Tracked<Drops<'static>>>>();
    unpin::<Region<A, Tracked<Drops<'static>>>>();
    // A marker adds nothing to a region, and a family known at run time is sent with it.
    assert_eq!(size_of::<Region<A>>() + size_of::<usize>(), size_of::<AnyRegion<Lives>>());
    send::<AnyRegion<Lives, SendDrops<'static>>>();
    lacks!(AnyRegion<Lives, Drops<'static>>: Send);
    lacks!(AnyRegion<Lives>: Sync);
    unwind_safe::<AnyRegion<Lives>>();
}

#[test]
fn what_refers_to_a_region_stays_with_its_thread() {
    lacks!(RegionBox<'static, u32>: Send);
    lacks!(RegionBox<'static, u32>: Sync);
    lacks!(&'static Region<A>: Send);
    lacks!(Checkpoint<A, Forget>: Send);
    lacks!(Checkpoint<A, Forget>: Sync);
    lacks!(RegionBox<'static, Cell<u32>>: RefUnwindSafe);
    lacks!(RegionBox<'static, &'static mut u32>: UnwindSafe);
    unwind_safe::<RegionBox<'static, u32>>();
    // Moving the handle moves no value. That it cannot be pinned is in `region::boxed`.
    unpin::<RegionBox<'static, core::marker::PhantomPinned>>();
}

#[test]
fn pools_are_shared_and_their_regions_sent() {
    sync::<RegionPool<A>>();
    send::<RegionPool<A>>();
    sync::<RegionPool<A, SendDrops<'static>>>();
    sync::<RegionPool<A, Tracked>>();
    lacks!(RegionPool<A, Drops<'static>>: Sync);
    lacks!(RegionPool<A, Drops<'static>>: Send);
    send::<PooledRegion<'static, A>>();
    lacks!(PooledRegion<'static, A>: Sync);
    sync::<RegionPool<AnyFamily<Lives>>>();
}

#[test]
fn kinds_accept_what_they_can_keep() {
    fn any<'a>(_: &'a u32) {
        accepts::<Forget, Rc<&'a u32>>();
        accepts::<Drops<'a>, Rc<&'a u32>>();
        accepts::<SendDrops<'a>, &'a u32>();
        accepts::<Tracked<Drops<'a>>, Rc<&'a u32>>();
    }
    any(&7);
    lacks!(SendDrops<'static>: Accept<Rc<u32>>);
    lacks!(Tracked<SendDrops<'static>>: Accept<Rc<u32>>);
}

#[test]
fn boxes_are_covariant() {
    fn shorter<'short, 'long: 'short, 't: 'short>(
        boxed: RegionBox<'long, &'t str>,
    ) -> RegionBox<'short, &'short str> {
        boxed
    }
    let text = String::from("text");
    let region = Region::<A>::new();
    assert_eq!(*shorter(region.boxed(text.as_str())), "text");
}
