//! The same handles in other homes: a family known only at run time, a region, an allocator of the user's.

use std::alloc::Layout;
use std::any::Any;
use std::cell::Cell;
use std::mem;
use std::ptr::NonNull;
use std::rc::Rc;

use famalloc::rc::{Counted, Counter, Weak};
use famalloc::region::{InRegion, RegionRc};
use famalloc::{
    AllocError, AnyFamily, FamilyArcWeak, FamilyBox, FamilyRc, RawAlloc, Region, unsize,
};

use crate::ledger::{Ledger, Lives, Tracked, lives, panic_of};
use crate::slots;

/// An allocator that is no plain value: who forgets it, or drops it twice, is found out, and so is who frees
/// other memory than was allocated.
#[derive(Clone)]
struct Noting {
    live: Rc<Cell<usize>>,
}

// SAFETY: a family's memory, of which it keeps account.
unsafe impl RawAlloc for Noting {
    fn alloc(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        self.live.set(self.live.get() + layout.size());
        lives::A.alloc(layout)
    }

    unsafe fn free(&self, start: NonNull<u8>, layout: Layout) {
        self.live.set(self.live.get() - layout.size());
        // SAFETY: passed on.
        unsafe { lives::A.free(start, layout) };
    }
}

/// All that handles do, in a home of which `live` says how much memory is in use.
fn serves<C: Counter, A: RawAlloc + Clone>(home: &A, live: &dyn Fn() -> usize) {
    assert_eq!(live(), 0);
    counts::<C, A>(home, live);
    sharing::<C, A>(home, live);
    moving_out::<C, A>(home, live);
    slices_and_text::<C, A>(home, live);
    other_types::<C, A>(home, live);
    raw::<C, A>(home, live);
    panics::<C, A>(home, live);
    assert_eq!(live(), 0);
}

/// A value that has a handle to itself.
struct Ring<A: RawAlloc, C: Counter> {
    me: Weak<Self, A, C>,
    _value: Tracked,
}

fn counts<C: Counter, A: RawAlloc + Clone>(home: &A, live: &dyn Fn() -> usize) {
    let ledger = Ledger::default();
    let one = Counted::<_, A, C>::new_in(ledger.value(), home.clone());
    let weak = Counted::downgrade(&one);
    let (other, again) = (one.clone(), weak.clone());
    assert_eq!((Counted::strong_count(&one), Counted::weak_count(&one)), (2, 2));
    drop(one);
    assert!(Counted::ptr_eq(&weak.upgrade().unwrap(), &other));
    assert_eq!((ledger.live(), weak.strong_count(), weak.weak_count()), (1, 1, 2));
    drop((other, again));
    assert!(weak.upgrade().is_none());
    assert_eq!(ledger.live(), 0);
    assert!(live() > 0, "a weak handle keeps the slot");
    drop(weak);
    assert_eq!(live(), 0);

    let nowhere = Weak::<u8, A, C>::new_in(home.clone());
    assert!(nowhere.clone().upgrade().is_none());
    let cycle = Counted::new_cyclic_in(
        |me: &Weak<Ring<A, C>, A, C>| {
            assert!(me.upgrade().is_none());
            Ring { me: me.clone(), _value: ledger.value() }
        },
        home.clone(),
    );
    assert!(Counted::ptr_eq(&cycle.me.upgrade().unwrap(), &cycle));
    drop(cycle);
    assert_eq!((ledger.live(), live()), (0, 0));
}

fn sharing<C: Counter, A: RawAlloc + Clone>(home: &A, live: &dyn Fn() -> usize) {
    let ledger = Ledger::default();
    let one = Counted::<_, A, C>::new_in(ledger.value(), home.clone());
    let mut other = one.clone();
    assert!(Counted::get_mut(&mut other).is_none());
    Counted::make_mut(&mut other);
    assert!(!Counted::ptr_eq(&one, &other));
    assert_eq!((ledger.live(), Counted::strong_count(&one)), (2, 1));
    // With weak handles alone the value moves.
    let weak = Counted::downgrade(&other);
    let index = other.index;
    assert_eq!(Counted::make_mut(&mut other).index, index);
    assert!(weak.upgrade().is_none());
    assert_eq!(ledger.made(), 2);
    drop((one, other));
    assert_eq!(ledger.live(), 0);
    drop(weak);
    assert_eq!(live(), 0);
}

fn moving_out<C: Counter, A: RawAlloc + Clone>(home: &A, live: &dyn Fn() -> usize) {
    let ledger = Ledger::default();
    let handle = || Counted::<_, A, C>::new_in(ledger.value(), home.clone());
    let one = handle();
    let other = one.clone();
    let one = Counted::try_unwrap(one).map(drop).unwrap_err();
    assert!(Counted::into_inner(one).is_none());
    assert_eq!(Counted::into_inner(other).map(|value| value.index), Some(0));
    assert_eq!(live(), 0);
    let one = handle();
    let weak = Counted::downgrade(&one);
    drop(Counted::unwrap_or_clone(one));
    assert_eq!(ledger.made(), 2);
    assert!(live() > 0 && weak.upgrade().is_none());
    drop(weak);
    assert_eq!(live(), 0);
    let boxed = FamilyBox::new_in(ledger.value(), home.clone());
    let one = Counted::<_, A, C>::from(boxed);
    assert_eq!(ledger.live(), 1);
    drop(one);
    assert_eq!((ledger.live(), live()), (0, 0));
}

fn slices_and_text<C: Counter, A: RawAlloc + Clone>(home: &A, live: &dyn Fn() -> usize) {
    let ledger = Ledger::default();
    let values = ledger.values(3);
    let slice = Counted::<[Tracked], A, C>::from_slice_in(&values, home.clone());
    let collected = Counted::<[Tracked], A, C>::from_iter_in(values, home.clone());
    assert_eq!((slice.len(), collected.len(), ledger.live()), (3, 3, 6));
    drop((slice, collected));
    assert_eq!(live(), 0);
    let text = Counted::<str, A, C>::from_str_in("text", home.clone());
    assert_eq!((&*text, format!("{text:?}")), ("text", "\"text\"".into()));
    let mut other = text.clone();
    Counted::make_mut(&mut other).make_ascii_uppercase();
    assert_eq!((&*text, &*other), ("text", "TEXT"));
    assert!(text > other && text == Counted::try_from_str_in("text", home.clone()).unwrap());
    let bytes: Counted<[u8], A, C> = other.into();
    assert_eq!(*bytes, *b"TEXT");
    for zeros in [
        Counted::<[u32], A, C>::new_zeroed_slice_in(3, home.clone()),
        Counted::<[u32], A, C>::try_new_zeroed_slice_in(3, home.clone()).unwrap(),
    ] {
        // SAFETY: zeros are valid.
        assert_eq!(*unsafe { zeros.assume_init() }, [0; 3]);
    }
    assert_eq!(Counted::<[u32], A, C>::new_uninit_slice_in(3, home.clone()).len(), 3);
    assert!(Counted::<[u32], A, C>::try_new_uninit_slice_in(usize::MAX, home.clone()).is_err());
}

fn other_types<C: Counter, A: RawAlloc + Clone>(home: &A, live: &dyn Fn() -> usize) {
    let ledger = Ledger::default();
    let one = Counted::<_, A, C>::new_in((ledger.value(), 7_u8), home.clone());
    let weak = unsize!(Counted::downgrade(&one) => dyn Any);
    let one = unsize!(one => dyn Any);
    assert!(weak.upgrade().unwrap().is::<(Tracked, u8)>());
    let one = one.downcast::<u8>().unwrap_err();
    assert_eq!(one.downcast::<(Tracked, u8)>().unwrap().1, 7);
    assert_eq!(ledger.live(), 0);
    drop(weak);
    let zero = Counted::<u64, A, C>::new_zeroed_in(home.clone());
    // SAFETY: zeros are valid.
    assert_eq!(*unsafe { zero.assume_init() }, 0);
    assert_eq!(*Counted::<u64, A, C>::try_new_with_in(|| 7, home.clone()).unwrap(), 7);
    drop(Counted::<[u8; 40], A, C>::new_uninit_in(home.clone()));
    assert_eq!(live(), 0);
}

fn raw<C: Counter, A: RawAlloc + Clone>(home: &A, live: &dyn Fn() -> usize) {
    let one = Counted::<_, A, C>::new_in([7_u64; 5], home.clone());
    let weak = Counted::downgrade(&one);
    let (raw, alloc) = Counted::into_raw_with_allocator(one);
    // SAFETY: a count is kept, for which `raw` is.
    unsafe { Counted::<_, A, C>::increment_strong_count(raw) };
    assert_eq!(weak.strong_count(), 2);
    // SAFETY: that of above.
    unsafe { Counted::<_, A, C>::decrement_strong_count_in(raw, alloc.clone()) };
    // SAFETY: that of the first handle.
    let one = unsafe { Counted::<_, A, C>::from_raw_in(raw, alloc) };
    let (raw, alloc) = weak.into_raw_with_allocator();
    assert_eq!((raw, Counted::weak_count(&one)), (Counted::as_ptr(&one), 1));
    // SAFETY: as it came, once.
    let weak = unsafe { Weak::<_, A, C>::from_raw_in(raw, alloc) };
    assert_eq!(*weak.upgrade().unwrap(), [7; 5]);
    drop((one, weak));
    assert_eq!(live(), 0);
}

fn panics<C: Counter, A: RawAlloc + Clone>(home: &A, live: &dyn Fn() -> usize) {
    let ledger = Ledger::default();
    let values = ledger.values(3);
    ledger.clone_fails_after(2);
    let clones = || Counted::<[Tracked], A, C>::from_slice_in(&values, home.clone());
    assert_eq!(panic_of(clones), "clone");
    assert_eq!((ledger.live(), live()), (3, 0));
    drop(values);
    for watched in [false, true] {
        let one = Counted::<_, A, C>::new_in(ledger.value(), home.clone());
        let weak = watched.then(|| Counted::downgrade(&one));
        ledger.drop_fails_at(one.index);
        assert_eq!(panic_of(|| drop(one)), "drop");
        assert_eq!((ledger.live(), live() > 0), (0, watched));
        drop(weak);
    }
    let make = || -> u64 { panic!("make") };
    assert_eq!(panic_of(|| Counted::<_, A, C>::new_with_in(make, home.clone())), "make");
    assert_eq!(live(), 0);
}

fn a_family_known_at_run_time<C: Counter>() {
    serves::<C, _>(&AnyFamily::from(Lives::A), &slots);
    serves::<C, _>(&lives::A, &slots);
}

fn a_region<C: Counter>() {
    let region = Region::<lives::B>::new();
    serves::<C, _>(&region.allocator(), &|| region.usage().live_bytes);
    serves::<C, _>(&&region, &|| region.usage().live_bytes);
}

fn an_allocator_of_the_users<C: Counter>() {
    let home = Noting { live: Rc::default() };
    serves::<C, _>(&home, &|| home.live.get());
    assert_eq!(Rc::strong_count(&home.live), 1, "each copy is dropped, once");
    assert_eq!(slots(), 0);
}

both!(a_family_known_at_run_time, a_region, an_allocator_of_the_users);

#[test]
fn handles_are_as_wide_as_what_they_keep() {
    const WORD: usize = size_of::<usize>();
    assert_eq!(size_of::<FamilyRc<u64, lives::A>>(), WORD);
    assert_eq!(size_of::<FamilyArcWeak<u64, lives::A>>(), WORD);
    assert_eq!(size_of::<FamilyRc<u64, AnyFamily<Lives>>>(), 2 * WORD);
    assert_eq!(size_of::<Option<RegionRc<'_, u64>>>(), 2 * WORD);
    assert_eq!(size_of::<FamilyArcWeak<str, InRegion<'_>>>(), 3 * WORD);
}

#[test]
fn what_is_forgotten_ends_with_the_region() {
    crate::leaks_nothing(|| {
        let mut region = Region::<lives::A>::new();
        let kept = RegionRc::new_in([7; 100], region.allocator());
        mem::forget(kept.clone());
        drop(kept);
        assert!(region.usage().live_bytes >= size_of::<[i32; 100]>());
        region.reset();
        assert_eq!(region.usage().live_bytes, 0);
    });
}
