//! Families that are known at run time only: as values, in regions, in scopes; and a thread's lifecycle by
//! hand.

use core::alloc::Layout;
use core::ptr::NonNull;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;

use crate::common::{Random, one_at_a_time};
use famalloc::region::{AnyRegion, Kind, SendDrops, Tracked};
use famalloc::{
    AllocErrorKind, AnyFamily, ClassUse, FamilyKey, FamilySet, FamilyUse, InUseError, RawAlloc,
    Region, RegionPool, ScopeGuard, Snapshot, alloc_family, check, lifecycle, query, raw, walk,
};

#[alloc_family]
#[derive(Debug, PartialEq)]
enum Lives {
    First,
    #[family(zero_on_free)]
    Zeroed,
    #[family(limit = "1 MiB")]
    Limited,
    #[family(fallback)]
    General,
}

/// A set of the same name and families, which is another set all the same.
mod twin {
    #[famalloc::alloc_family]
    pub(crate) enum Lives {
        First,
        Zeroed,
        Limited,
        General,
    }
}

type Any = AnyFamily<Lives>;

fn bytes(size: usize, align: usize) -> Layout {
    Layout::from_size_align(size, align).unwrap()
}

fn free(start: NonNull<u8>) {
    // SAFETY: the tests free what they have allocated, once.
    unsafe { raw::free::<Lives>(start) }.unwrap();
}

#[test]
fn a_number_is_a_family() {
    let _alone = one_at_a_time();
    for (number, spec) in Lives::FAMILIES.iter().enumerate() {
        let family = Any::at(number).unwrap();
        assert_eq!((family.position(), family.spec()), (number, spec));
        for size in [1, 24, 5000, 100 << 10] {
            let start = family.alloc(bytes(size, 64)).unwrap();
            assert_eq!(query(start.as_ptr()).unwrap().family, spec.name());
            assert_eq!(raw::family_at::<Lives>(start.as_ptr()), Some(family));
            assert_eq!(raw::family_at::<Any>(start.as_ptr()).unwrap().position(), number);
            assert_eq!(raw::family_at::<twin::Lives>(start.as_ptr()), None);
            free(start);
            for size in [0, size, size + 1] {
                let start = raw::alloc_bytes(family, size).unwrap();
                assert_eq!(raw::family_at::<Lives>(start.as_ptr()), Some(family));
                let usable = raw::usable_size(start.as_ptr()).unwrap();
                let align = if size > 8 { 16 } else { 8 };
                assert!(usable >= size.max(1) && start.addr().get() % align == 0);
                free(start);
            }
        }
        for size in [isize::MAX as usize, usize::MAX] {
            assert_eq!(raw::alloc_bytes(family, size), None);
        }
    }
    assert_eq!(Any::at(Lives::FAMILIES.len()), None);
    assert_eq!(Any::at(usize::MAX), None);
    assert_eq!(Any::FALLBACK, Lives::General.into());
    assert_eq!(Any::from(Lives::Zeroed), Any::at(1).unwrap());
    assert_ne!(Any::from(Lives::Zeroed), Any::FALLBACK);
    assert_eq!(format!("{:?}", Any::FALLBACK), "Lives::General");
    let local = 7;
    assert_eq!(raw::family_at::<Lives>(&raw const local), None);
    // Both sets are in use now, so that none is told from the other by that.
    let start = twin::lives::Zeroed.alloc(bytes(8, 8)).unwrap();
    assert_eq!(raw::family_at::<Lives>(start.as_ptr()), None);
    assert_eq!(raw::family_at::<twin::Lives>(start.as_ptr()).unwrap().position(), 1);
    // SAFETY: allocated above.
    unsafe { raw::free::<twin::Lives>(start) }.unwrap();
    let _ = (twin::Lives::First, twin::Lives::Limited, twin::Lives::General, Lives::First);
}

/// Waits until the threads of the tests before are gone: one that has said that it is done has yet to end, and to
/// give its magazines up.
fn wait_for_others(family: Any) {
    lifecycle::thread_finalize();
    while parked(family) > 0 || walk(family, |_, _| {}).is_err() {
        thread::yield_now();
    }
}

#[test]
fn a_whole_family_is_walked_counted_and_freed() {
    let _alone = one_at_a_time();
    let family = Any::from(Lives::First);
    wait_for_others(family);
    let mut random = Random::new(1);
    let mut live = BTreeMap::new();
    for _ in 0..3000 {
        let start = family.alloc(bytes(random.size(), 1)).unwrap();
        live.insert(start, raw::usable_size(start.as_ptr()).unwrap());
        if random.below(3) == 0 {
            let at = random.below(live.len());
            let (&start, _) = live.iter().nth(at).unwrap();
            live.remove(&start);
            free(start);
        }
    }
    let other = lives::General.alloc(bytes(10, 1)).unwrap();
    let large: Vec<_> = (0..3).map(|_| family.alloc(bytes(1 << 20, 1)).unwrap()).collect();
    large.into_iter().for_each(free);
    let mut seen = BTreeMap::new();
    walk(family, |object, size| assert!(seen.insert(object, size).is_none())).unwrap();
    assert_eq!(seen, live);

    let total: usize = live.values().sum();
    let (used, whole) = (FamilyUse::totals(family), Snapshot::of::<Lives>());
    assert_eq!((used.live_objects, used.live_bytes), (live.len(), total));
    assert!(used.classes.is_empty());
    let of_set = whole.family("First").unwrap();
    assert_eq!(of_set.classes, ClassUse::of(family).collect::<Vec<_>>());
    assert_eq!((of_set.live_bytes, of_set.peak_bytes), (used.live_bytes, used.peak_bytes));
    assert_eq!((of_set.large_bytes, of_set.blocks), (used.large_bytes, used.blocks));
    let large = live.values().filter(|&&size| size > 32 << 10).sum::<usize>();
    assert_eq!(used.large_bytes, large);

    // SAFETY: no object of the family is used again.
    assert_eq!(unsafe { famalloc::free_all(family) }, Ok(live.len()));
    assert_eq!(FamilyUse::totals(family).live_objects, 0);
    assert_eq!(query(other.as_ptr()).unwrap().family, "General");
    free(other);
    check().unwrap();
    // What was never used has nothing.
    assert_eq!(walk(twin::lives::Limited, |_, _| panic!("nothing is there")), Ok(()));
    assert_eq!(FamilyUse::totals(twin::lives::Limited).committed_bytes, 0);
}

#[test]
fn a_scope_without_a_guard_lasts_until_it_is_replaced() {
    let _alone = one_at_a_time();
    let here = || {
        let start = raw::alloc_in_scope::<Lives>(bytes(8, 8)).unwrap();
        let family = raw::family_at::<Lives>(start.as_ptr()).unwrap();
        free(start);
        assert_eq!(family, ScopeGuard::<Lives>::current());
        family
    };
    assert_eq!(here(), Any::FALLBACK);
    let before = ScopeGuard::<Lives>::replace(Lives::First.into());
    assert_eq!((before, here()), (Any::FALLBACK, Lives::First.into()));
    {
        // With guards inside and outside.
        let _guard = ScopeGuard::enter(&Lives::Zeroed);
        assert_eq!(ScopeGuard::<Lives>::replace(Lives::Limited.into()), Lives::Zeroed.into());
        assert_eq!(here(), Lives::Limited.into());
        thread::scope(|scope| scope.spawn(|| assert_eq!(here(), Any::FALLBACK)).join().unwrap());
    }
    assert_eq!(here(), Lives::First.into());
    assert_eq!(ScopeGuard::<Lives>::replace(before), Lives::First.into());
    assert_eq!(here(), Any::FALLBACK);
}

#[test]
fn a_region_keeps_what_was_put_there() {
    let _alone = one_at_a_time();
    for family in [Lives::First, Lives::Zeroed, Lives::General].map(Any::from) {
        let mut random = Random::new(3);
        let mut region = AnyRegion::<Lives>::new_in(family);
        for _ in 0..3 {
            let mut live: Vec<(NonNull<u8>, Layout, u8)> = Vec::new();
            for turn in 0..2000 {
                let pattern = turn as u8;
                let fill = |start: NonNull<u8>, layout: Layout| {
                    assert_eq!(start.addr().get() % layout.align(), 0);
                    assert!(region.owns(start.as_ptr()));
                    // SAFETY: allocated with this layout.
                    unsafe { start.write_bytes(pattern, layout.size()) };
                    (start, layout, pattern)
                };
                let look = |&(start, layout, pattern): &(NonNull<u8>, Layout, u8)| {
                    for at in [0, layout.size() / 2, layout.size() - 1] {
                        // SAFETY: live, and of this size.
                        assert_eq!(unsafe { start.add(at).read() }, pattern);
                    }
                };
                let layout = bytes(random.size(), 1 << random.below(13));
                match random.below(4) {
                    0 if !live.is_empty() => {
                        let old = live.swap_remove(random.below(live.len()));
                        look(&old);
                        // SAFETY: live, and last asked for with this layout.
                        unsafe { region.free_layout(old.0, old.1) };
                    }
                    1 if !live.is_empty() => {
                        let old = live.swap_remove(random.below(live.len()));
                        look(&old);
                        // SAFETY: as above.
                        let moved = unsafe { region.resize_layout(old.0, old.1, layout) }.unwrap();
                        look(&(moved, bytes(1, 1), old.2));
                        live.push(fill(moved, layout));
                    }
                    _ => live.push(fill(region.alloc_layout(layout).unwrap(), layout)),
                }
                if let Some(some) = live.get(random.below(live.len() + 1)) {
                    look(some);
                }
            }
            let used = FamilyUse::totals(family);
            assert_eq!(used.region_bytes, region.allocated_bytes());
            assert!(region.usage().live_bytes >= live.iter().map(|it| it.1.size()).sum());
            let first = live[0].0;
            region.reset();
            assert_eq!(region.usage().live_bytes, 0);
            if family == Lives::Zeroed.into() && region.owns(first.as_ptr()) {
                // SAFETY: the chunk is still the region's.
                assert_eq!(unsafe { first.read() }, 0);
            }
        }
        drop(region);
        assert_eq!(FamilyUse::totals(family).region_bytes, 0);
    }
    check().unwrap();
}

#[test]
fn a_region_has_the_limits_and_the_family_it_was_given() {
    let _alone = one_at_a_time();
    let limited = AnyRegion::<Lives>::new_in(Lives::Limited.into());
    assert_eq!(limited.family(), Lives::Limited.into());
    assert_eq!(limited.limit(), None);
    let error = limited.alloc_layout(bytes(2 << 20, 8)).unwrap_err();
    assert_eq!(error.kind(), AllocErrorKind::Limit);
    let mut free_one = AnyRegion::<Lives>::new_in(Lives::First.into());
    free_one.set_limit(Some(128 << 10));
    assert_eq!(free_one.limit(), Some(128 << 10));
    assert!(free_one.alloc_layout(bytes(200 << 10, 8)).is_err());
    assert_eq!(query(free_one.alloc(7)).unwrap().family, "First");
    assert!(!free_one.owns(limited.alloc(7)));
    assert!(!free_one.owns(core::ptr::null::<u8>()));
    // Of no size.
    assert_eq!(limited.alloc(()), &mut ());
    assert_eq!(limited.alloc_layout(bytes(0, 4096)).unwrap().addr().get() % 4096, 0);
    // It can be given to another thread.
    thread::spawn(move || drop(limited)).join().unwrap();
    assert_eq!(FamilyUse::totals(lives::Limited).committed_bytes, 0);
}

/// Nothing is allocated for no bytes, and so nothing is freed either.
#[test]
fn a_region_resizes_from_no_bytes_and_to_none() {
    fn resizes<F: FamilyKey, K: Kind>(region: &Region<F, K>) {
        let (none, some) = (bytes(0, 64), bytes(24, 64));
        let empty = region.alloc_layout(none).unwrap();
        // SAFETY: allocated with that layout.
        let start = unsafe { region.resize_layout(empty, none, some) }.unwrap();
        assert!(!region.owns(empty.as_ptr()) && region.owns(start.as_ptr()));
        let live = region.usage().live_bytes;
        // SAFETY: as above.
        let empty = unsafe { region.resize_layout(start, some, none) }.unwrap();
        assert!(!region.owns(empty.as_ptr()) && empty.addr().get() % 64 == 0);
        assert_eq!(region.usage().live_bytes + 24, live);
        // SAFETY: as above.
        let empty = unsafe { region.resize_layout(empty, none, bytes(0, 8)) }.unwrap();
        // SAFETY: as above.
        unsafe { region.free_layout(empty, bytes(0, 8)) };
        assert_eq!(region.usage().live_bytes + 24, live);
    }
    let _alone = one_at_a_time();
    resizes(&Region::<lives::First>::new());
    resizes(&Region::<lives::Zeroed, Tracked>::new());
    resizes(&AnyRegion::<Lives>::new_in(Lives::First.into()));
    resizes(&AnyRegion::<Lives, Tracked>::new_in(Lives::Zeroed.into()));
    check().unwrap();
}

#[test]
fn regions_of_a_pool_are_of_the_family_it_was_given() {
    let _alone = one_at_a_time();
    let (limit, family) = (1 << 20, Any::from(Lives::First));
    let pool = RegionPool::<Any, SendDrops>::with_limits_in(limit, 1, family);
    let counted = Arc::new(());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut region = pool.get();
                assert_eq!((region.family(), region.limit()), (family, Some(limit)));
                let text = region.alloc_str("text");
                assert_eq!(query(text.as_ptr()).unwrap().family, "First");
                region.alloc(Arc::clone(&counted));
                assert!(region.try_alloc_slice_fill_copy(2 * limit, 0_u8).is_err());
                region.set_limit(None);
            });
        }
    });
    assert_eq!((Arc::strong_count(&counted), pool.idle()), (1, 1));
    assert_eq!(pool.get().limit(), Some(limit));
    drop(pool);
    assert_eq!(FamilyUse::totals(family).region_bytes, 0);
}

/// An address is looked up by what was there before, too: that must not count.
#[test]
fn a_region_does_not_own_what_its_predecessor_did() {
    let _alone = one_at_a_time();
    let before = AnyRegion::<Lives>::new_in(Lives::First.into());
    let long = before.alloc_layout(bytes(100 << 10, 8)).unwrap();
    let granule = long.addr().get() & !0xffff;
    drop(before);
    let region = AnyRegion::<Lives>::new_in(Lives::First.into());
    let first = core::ptr::from_mut(region.alloc(7_u8));
    assert_eq!(first.addr() & !0xffff, granule, "the chunk starts where the long one did");
    assert!(region.owns(first));
    assert!(!region.owns(first.wrapping_byte_add(64 << 10)));
}

#[test]
fn checkpoints_nest() {
    let _alone = one_at_a_time();
    let region = AnyRegion::<Lives>::new_in(Lives::Zeroed.into());
    let kept = region.alloc([7_u8; 100]);
    let outer = region.checkpoint();
    region.alloc([1_u8; 100_000]);
    let inner = region.checkpoint();
    for _ in 0..100 {
        region.alloc([2_u8; 10_000]);
    }
    // SAFETY: nothing of it is used again.
    unsafe { region.rewind(inner) };
    assert!(region.usage().live_bytes >= 100_000);
    // SAFETY: nothing of it is used again.
    unsafe { region.rewind(outer) };
    assert_eq!((region.usage().live_bytes, kept[99]), (104, 7));
}

fn parked(family: impl FamilyKey) -> usize {
    ClassUse::of(family).map(|class| class.parked_objects).sum()
}

#[test]
fn a_thread_can_begin_rest_and_end_by_hand() {
    let _alone = one_at_a_time();
    let family = Any::from(Lives::First);
    wait_for_others(family);
    let (say, hear) = channel();
    let (answer, wait) = channel::<()>();
    let other = thread::spawn(move || {
        for turn in 0..3 {
            assert!(lifecycle::thread_initialize(lives::First));
            assert!(lifecycle::thread_initialize(lives::First));
            let kept = lives::First.alloc(bytes(100, 8)).unwrap();
            say.send("has").unwrap();
            wait.recv().unwrap();
            lifecycle::thread_collect();
            say.send("rests").unwrap();
            wait.recv().unwrap();
            free(kept);
            lifecycle::thread_finalize();
            if turn == 1 {
                lifecycle::thread_finalize();
            }
            say.send("ended").unwrap();
            wait.recv().unwrap();
        }
    });
    for _ in 0..3 {
        assert_eq!(hear.recv().unwrap(), "has");
        assert!(parked(family) > 0);
        assert_eq!(walk(family, |_, _| {}), Err(InUseError));
        answer.send(()).unwrap();

        assert_eq!(hear.recv().unwrap(), "rests");
        assert_eq!((parked(family), FamilyUse::totals(family).live_objects), (0, 1));
        assert_eq!(walk(family, |_, _| {}), Err(InUseError));
        answer.send(()).unwrap();

        assert_eq!(hear.recv().unwrap(), "ended");
        assert_eq!((parked(family), FamilyUse::totals(family).live_objects), (0, 0));
        assert_eq!(walk(family, |_, _| panic!("nothing lives")), Ok(()));
        check().unwrap();
        answer.send(()).unwrap();
    }
    other.join().unwrap();
    // A thread that began anew ends as any other.
    thread::spawn(|| {
        free(lives::First.alloc(bytes(8, 8)).unwrap());
        lifecycle::thread_finalize();
        free(lives::First.alloc(bytes(8, 8)).unwrap());
    })
    .join()
    .unwrap();
    assert_eq!(parked(family), 0);
    assert_eq!(walk(family, |_, _| panic!("nothing lives")), Ok(()));
}
