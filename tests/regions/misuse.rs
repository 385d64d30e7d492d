//! Regions where user code panics or uses the region at the wrong moment, where memory is short, and
//! where pointers are freed that must not be: nothing is lost, dropped twice, or left unusable.

use core::alloc::Layout;
use core::cell::{Cell, RefCell};
use core::fmt;
use core::ptr::NonNull;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use crate::common::sources::{Call, Faulty};
use crate::common::{assert_aborted, case, child, one_at_a_time, usage};
use famalloc::region::{Drops, Tracked};
use famalloc::{AllocErrorKind, Region, RegionBox, alloc_family, check};

#[alloc_family]
enum Lives {
    Frame,
    #[family(limit = "1 MiB")]
    Tight,
}

type Frame = Region<lives::Frame>;
type Dropping = Region<lives::Frame, Drops<'static>>;
type Log = Rc<RefCell<Vec<u32>>>;

/// Writes its number down when dropped, and panics if told to.
struct Loud {
    number: u32,
    panics: bool,
    log: Log,
}

impl Drop for Loud {
    fn drop(&mut self) {
        self.log.borrow_mut().push(self.number);
        assert!(!self.panics, "a destructor");
    }
}

fn loud(log: &Log, number: u32, panics: bool) -> Loud {
    Loud { number, panics, log: Rc::clone(log) }
}

fn panics<R>(work: impl FnOnce() -> R) {
    assert!(catch_unwind(AssertUnwindSafe(work)).is_err());
}

#[track_caller]
fn assert_empty_and_usable<F: famalloc::Family, K: famalloc::region::Accept<u64>>(
    region: &Region<F, K>,
) {
    assert_eq!((region.usage().live_bytes, region.usage().free_bytes), (0, 0));
    assert_eq!(*region.alloc(7_u64), 7);
    check().unwrap();
}

#[test]
fn destructors_run_in_the_reverse_order_and_once() {
    let _alone = one_at_a_time();
    let log = Log::default();
    let mut region = Dropping::new();
    for number in 0..5 {
        region.alloc(loud(&log, number, false));
        region.alloc_slice_fill_with(2, |at| loud(&log, 10 * number + 100 + at as u32, false));
    }
    region.reset();
    let expected: Vec<u32> = (0..5).rev().flat_map(|n| [10 * n + 100, 10 * n + 101, n]).collect();
    assert_eq!(log.take(), expected);
    region.alloc(loud(&log, 1, false));
    drop(region);
    assert_eq!(log.take(), [1]);
}

#[test]
fn a_panic_in_a_destructor_keeps_none_of_the_others_from_running() {
    let _alone = one_at_a_time();
    let log = Log::default();
    let fill = |region: &Dropping| {
        for number in 0..1000 {
            region.alloc(loud(&log, number, number == 500));
        }
        region.alloc_slice_fill_with(3, |at| loud(&log, 2000 + at as u32, false));
    };
    let all = || (0..1000).rev();
    let mut region = Dropping::new();
    fill(&region);
    panics(|| region.reset());
    assert_eq!(log.take(), [2000, 2001, 2002].into_iter().chain(all()).collect::<Vec<_>>());
    assert_empty_and_usable(&region);

    region.reset();
    let before = region.usage();
    region.alloc(loud(&log, 5000, false));
    let older = region.usage();
    let checkpoint = region.checkpoint();
    fill(&region);
    // SAFETY: what was allocated since is not used again.
    panics(|| unsafe { region.rewind(checkpoint) });
    assert_eq!(log.take().len(), 1003);
    assert_eq!(region.usage().live_bytes, older.live_bytes);
    assert!(older.live_bytes > before.live_bytes);

    panics(|| region.nested(fill));
    assert_eq!(log.take().len(), 1003);
    panics(|| region.nested(|scope| fill_and_panic(scope, &log)));
    assert_eq!(log.take(), [1, 0]);

    fill(&region);
    panics(|| drop(region));
    assert_eq!(log.take().len(), 1004);
    assert_eq!(usage::<lives::Frame>().committed_bytes, 0);
    check().unwrap();
}

fn fill_and_panic(region: &Dropping, log: &Log) {
    region.alloc(loud(log, 0, false));
    region.alloc(loud(log, 1, false));
    panic!("the work of a scope");
}

#[test]
fn a_panic_while_a_value_is_made_gives_its_room_back() {
    struct Unprintable;
    impl fmt::Display for Unprintable {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("this much was written before")?;
            panic!("a formatting implementation")
        }
    }
    #[derive(Debug)]
    struct Clones(Rc<Cell<u32>>);
    impl Clone for Clones {
        fn clone(&self) -> Self {
            assert!(self.0.get() < 5, "a clone");
            self.0.set(self.0.get() + 1);
            Self(Rc::clone(&self.0))
        }
    }

    let _alone = one_at_a_time();
    let log = Log::default();
    let forgets = Frame::new();
    let region = Dropping::new();
    let tracked = Region::<lives::Frame, Tracked<Drops<'static>>>::new();
    macro_rules! each {
        (|$region:ident| $work:expr) => {
            for before in [false, true] {
                // The second time it is not the latest object when the panic comes.
                {
                    let $region = &region;
                    let live = $region.usage().live_bytes;
                    panics(|| {
                        $work;
                    });
                    assert_eq!($region.usage().live_bytes, live, "{before}");
                }
                let $region = &tracked;
                let live = ($region.usage().live_bytes, $region.objects());
                panics(|| {
                    $work;
                });
                assert_eq!(($region.usage().live_bytes, $region.objects()), live);
                let $region = &forgets;
                let live = $region.usage().live_bytes;
                panics(|| {
                    $work;
                });
                assert_eq!($region.usage().live_bytes, live);
            }
        };
    }
    fn make<T>() -> T {
        panic!("a constructor")
    }
    each!(|region| region.alloc_with(make::<u64>));
    each!(|region| region.alloc_with(make::<String>));
    each!(|region| region.alloc_with(make::<[u64; 20_000]>));
    each!(|region| region.boxed_with(make::<String>));
    each!(|region| region.alloc_fmt(format_args!("{Unprintable}")));
    let element = |at: u32| {
        assert!(at < 9, "an element");
        loud(&log, at, false)
    };
    each!(|region| region.alloc_slice_fill_with(20, |at| element(at as u32)));
    assert_eq!(log.take().len(), 6 * 9);
    each!(|region| region.alloc_slice_fill_iter((0..).map(element)));
    assert_eq!(log.take().len(), 6 * 9);
    each!(|region| region.boxed_slice((0..).map(element)));
    assert_eq!(log.take().len(), 6 * 9);
    each!(|region| {
        // With an object behind it, which goes too.
        region.alloc_slice_fill_iter((0..).map(|at| {
            drop(region.boxed([at; 3]));
            element(at)
        }))
    });
    log.take();
    for _ in 0..2 {
        let counted = Rc::new(Cell::new(0));
        let source: Vec<_> = (0..9).map(|_| Clones(Rc::clone(&counted))).collect();
        let live = region.usage().live_bytes;
        panics(|| region.alloc_slice_clone(&source));
        assert_eq!((region.usage().live_bytes, Rc::strong_count(&counted)), (live, 10));
        counted.set(0);
        panics(|| region.alloc_slice_fill_clone(9, &source[0]));
        assert_eq!((region.usage().live_bytes, Rc::strong_count(&counted)), (live, 10));
    }
    // An element whose destructor panics on the way out of a failed slice takes nothing with it.
    let limited = Region::<lives::Frame, Drops<'static>>::with_limit(64 << 10);
    panics(|| {
        limited.try_alloc_slice_fill_iter(
            (0..).filter(|_| true).map(|at| (loud(&log, at, at == 3), [0_u64; 9])),
        )
    });
    let mut dropped = log.take();
    dropped.sort_unstable();
    assert!(dropped.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{dropped:?}");
    assert_empty_and_usable(&limited);
}

#[test]
fn a_box_whose_destructor_panics_gives_its_room_back() {
    let _alone = one_at_a_time();
    let log = Log::default();
    let region = Frame::new();
    let boxed = region.boxed(loud(&log, 1, true));
    panics(|| drop(boxed));
    assert_eq!(log.take(), [1]);
    assert_empty_and_usable(&region);
}

#[test]
fn what_is_not_made_for_lack_of_memory_leaves_no_entry() {
    let _alone = one_at_a_time();
    let region = Region::<lives::Frame, Drops<'static>>::with_limit(64 << 10);
    assert!(region.try_alloc_with(|| [const { String::new() }; 4000]).is_err());
    assert!(region.try_alloc_slice_fill_clone(4000, &String::new()).is_err());
    assert_eq!(region.alloc_slice_fill_iter(core::iter::empty::<String>()).len(), 0);
    assert_empty_and_usable(&region);
}

#[test]
fn constructors_destructors_and_iterators_may_use_the_region() {
    struct Reenters(&'static Dropping, Log, u32);
    impl Drop for Reenters {
        fn drop(&mut self) {
            self.1.borrow_mut().push(self.2);
            if self.2 > 0 {
                let next = Self(self.0, Rc::clone(&self.1), self.2 - 1);
                self.0.alloc(next);
                self.0.alloc_slice_fill_copy(5_000, self.2);
            }
        }
    }
    let _alone = one_at_a_time();
    let log = Log::default();
    let region: &'static Dropping = Box::leak(Box::new(Dropping::new()));
    let live = region.usage().live_bytes;
    let checkpoint = region.checkpoint();
    region.alloc(Reenters(region, Rc::clone(&log), 9));
    // SAFETY: nothing that was allocated since is used again.
    unsafe { region.rewind(checkpoint) };
    assert_eq!(log.take(), (0..10).rev().collect::<Vec<_>>());
    assert_eq!(region.usage().live_bytes, live);

    let numbers = region.alloc_slice_fill_iter((0..1000).map(|at| (at, region.alloc(at))));
    assert!(numbers.iter().enumerate().all(|(at, number)| number.0 == at && *number.1 == at));
    let nested = region.alloc_with(|| *region.boxed_with(|| *region.alloc(7) + 1) * 8);
    assert_eq!(*nested, 64);
    let text = region.alloc_fmt(format_args!("{} {}", region.alloc_str("a"), numbers.len()));
    assert_eq!(text, "a 1000");
    check().unwrap();
    // SAFETY: from the leaked box; nothing refers to it any more.
    drop(unsafe { Box::from_raw(core::ptr::from_ref(region).cast_mut()) });
    assert_eq!(usage::<lives::Frame>().committed_bytes, 0);
}

#[test]
fn limits_are_errors_after_which_all_is_usable() {
    let _alone = one_at_a_time();
    let kind = |result: Result<(), famalloc::AllocError>| result.unwrap_err().kind();
    let region = Frame::with_limit(200_000);
    while region.try_alloc([1_u64; 32]).is_ok() {}
    assert!(region.allocated_bytes() <= 200_000 && region.usage().live_bytes > 150_000);
    assert_eq!(kind(region.try_alloc([0_u8; 100_000]).map(drop)), AllocErrorKind::Limit);
    check().unwrap();

    // The region's own limit is above that of its family.
    let tight = Region::<lives::Tight>::new();
    let other = Region::<lives::Tight>::new();
    other.alloc([0_u8; 1000]);
    let error = loop {
        if let Err(error) = tight.try_alloc([1_u64; 32]) {
            break error;
        }
    };
    assert_eq!(error.kind(), AllocErrorKind::Limit);
    assert_eq!(usage::<lives::Tight>().committed_bytes, 1 << 20);
    other.alloc([0_u8; 1000]);
    drop(tight);
    assert_eq!(other.alloc_slice_copy(&[7_u8; 800_000]).len(), 800_000);
    drop(other);
    assert_eq!(usage::<lives::Tight>().committed_bytes, 0);

    // Sizes that no memory would do for.
    let huge = Layout::from_size_align(33 << 30, 8).unwrap();
    assert_eq!(kind(region.alloc_layout(huge).map(drop)), AllocErrorKind::TooLarge);
    let largest = Layout::from_size_align(isize::MAX as usize - 7, 8).unwrap();
    let unlimited = Frame::new();
    for layout in [huge, largest, Layout::from_size_align(8, 1 << 62).unwrap()] {
        assert!(unlimited.alloc_layout(layout).is_err());
    }
    for len in [usize::MAX, usize::MAX / 8 + 1, isize::MAX as usize / 8 + 1] {
        let error = unlimited.try_alloc_slice_fill_copy(len, 0_u64);
        assert_eq!(kind(error.map(drop)), AllocErrorKind::TooLarge);
    }
    let some = unlimited.alloc_layout(Layout::new::<u64>()).unwrap();
    // SAFETY: live, with that layout; it stays so.
    assert!(unsafe { unlimited.resize_layout(some, Layout::new::<u64>(), largest) }.is_err());
    assert_eq!(unlimited.usage().live_bytes, 8);
    check().unwrap();
}

#[test]
fn the_limit_of_a_region_holds_for_its_scopes_together() {
    let _alone = one_at_a_time();
    let region = Frame::with_limit(1 << 20);
    let fill = |region: &Frame| while region.try_alloc([0_u8; 4096]).is_ok() {};
    region.alloc(1);
    for _ in 0..3 {
        region.nested(|scope| {
            scope.alloc(1);
            scope.nested(|inner| {
                fill(inner);
                // What a scope keeps for itself counts, too.
                let checkpoint = inner.checkpoint();
                // SAFETY: nothing was allocated since.
                unsafe { inner.rewind(checkpoint) };
                assert!(usage::<lives::Frame>().committed_bytes <= 1 << 20);
                assert!(usage::<lives::Frame>().committed_bytes > 900 << 10);
                assert!(region.try_alloc([0_u8; 100_000]).is_err());
            });
            fill(scope);
            assert!(usage::<lives::Frame>().committed_bytes <= 1 << 20);
        });
    }
    drop(region);
    // A spare chunk that is too short makes way.
    let mut region = Frame::with_limit(1 << 20);
    region.nested(|scope| assert!(scope.try_alloc([0_u8; 20_000]).is_ok()));
    region.nested(|scope| assert!(scope.try_alloc_slice_copy(&[0_u8; 1 << 20]).is_ok()));
    // And a chunk that a rewound scope keeps is one that the others cannot have.
    region.reset();
    region.shrink();
    region.nested(|scope| {
        let checkpoint = scope.checkpoint();
        for _ in 0..400 {
            scope.alloc([0_u64; 100]);
        }
        assert!(scope.allocated_bytes() > 300 << 10);
        // SAFETY: what was allocated since is not used again.
        unsafe { scope.rewind(checkpoint) };
        fill(&region);
        assert!(usage::<lives::Frame>().committed_bytes <= 1 << 20);
    });
}

#[test]
fn a_source_that_refuses_is_an_error_wherever_it_does() {
    static PAGES: Faulty = Faulty::new(1 << 40);
    #[alloc_family(source = PAGES)]
    enum Lives {
        A,
    }
    let _alone = one_at_a_time();
    let script = || {
        let mut refused = 0;
        let mut region = Region::<lives::A, Tracked>::new();
        for size in [10, 5_000, 70_000, 300_000, 5 << 20, 12, 40_000, 9 << 20] {
            for _ in 0..6 {
                let before = region.objects();
                let made = region.alloc_layout(Layout::array::<u8>(size).unwrap());
                // SAFETY: that many bytes.
                let _ = made.map(|start| unsafe { start.add(size - 1).write(3) });
                refused += usize::from(made.is_err());
                assert_eq!(region.objects(), before + usize::from(made.is_ok()));
            }
            let scoped = region.nested(|scope| scope.try_alloc([0_u8; 100_000]).is_err());
            refused += usize::from(scoped);
            check().unwrap();
            if size == 300_000 {
                region.reset();
            }
        }
        assert_eq!(usage::<lives::A>().committed_bytes, region.allocated_bytes());
        drop(region);
        assert_eq!(usage::<lives::A>().committed_bytes, 0);
        famalloc::reclaim(usize::MAX);
        refused
    };
    for lasting in [false, true] {
        for n in 1.. {
            PAGES.fail_at(Call::Commit, n, lasting);
            let errors = script();
            let refused = PAGES.refused();
            PAGES.recover();
            assert!(!lasting || refused == 0 || errors > 0);
            assert_eq!(script(), 0, "still refused after call {n} had failed");
            if refused == 0 {
                assert!(n > 5, "the script commits {n} times");
                break;
            }
        }
    }
}

#[test]
fn types_of_every_size_and_alignment_have_their_place() {
    #[repr(align(4096))]
    struct Page([u8; 100]);
    #[repr(align(131072))]
    struct Far(u8);
    struct Empty(Log);
    thread_local!(static DROPPED: Cell<u32> = const { Cell::new(0) });
    struct Nothing;
    impl Drop for Nothing {
        fn drop(&mut self) {
            DROPPED.set(DROPPED.get() + 1);
        }
    }
    fn all<K>(mut region: Region<lives::Frame, K>)
    where
        K: famalloc::region::Accept<Page>
            + famalloc::region::Accept<Far>
            + famalloc::region::Accept<[u8; 65_536]>
            + famalloc::region::Accept<Nothing>,
    {
        for _ in 0..3 {
            for round in 0..20_u8 {
                let page = region.alloc(Page([round; 100]));
                assert!(core::ptr::from_ref(page).addr() % 4096 == 0 && page.0 == [round; 100]);
                let far = region.boxed(Far(round));
                assert!(core::ptr::from_ref(&*far).addr() % 131_072 == 0 && far.0 == round);
                let large = region.alloc([round; 65_536]);
                assert!(large.iter().all(|&byte| byte == round));
                drop((region.boxed([round; 65_536]), far));
            }
            check().unwrap();
            DROPPED.set(0);
            let live = region.usage().live_bytes;
            region.alloc(Nothing);
            region.alloc_slice_fill_with(10, |_| Nothing);
            drop(region.boxed(Nothing));
            drop(region.boxed_slice([Nothing, Nothing]));
            assert_eq!(DROPPED.get(), 3);
            let entries = if K::DROPS { 64 } else { 0 };
            assert_eq!(region.usage().live_bytes, live + entries);
            region.reset();
            assert_eq!(DROPPED.get(), if K::DROPS { 14 } else { 3 });
        }
    }
    let _alone = one_at_a_time();
    let log = Log::default();
    all(Frame::new());
    all(Dropping::new());
    all(Region::<lives::Frame, Tracked>::new());
    let emptied = Frame::new().boxed(Empty(Rc::clone(&log))).0.take();
    assert!(emptied.is_empty());
    assert_eq!(usage::<lives::Frame>().committed_bytes, 0);
}

/// Runs in a process of its own: one misuse by its name, which must not come to its end.
#[test]
fn freed_wrongly() {
    let Some(case) = case() else { return };
    let region = Frame::new();
    let layout = Layout::new::<[u64; 6]>();
    let [first, second, third] = [(); 3].map(|()| region.alloc_layout(layout).unwrap());
    let large_layout = Layout::new::<[u8; 500_000]>();
    let large = region.alloc_layout(large_layout).unwrap();
    let mut local = [0_u64; 6];
    let local = NonNull::from(&mut local).cast::<u8>();
    // SAFETY: none; that is what is tested, in a process that ends here.
    unsafe {
        match case.as_str() {
            "twice" => (0..2).for_each(|_| region.free_layout(first, layout)),
            "twice with another between" => {
                [first, second, first].iter().for_each(|&at| region.free_layout(at, layout));
            }
            "twice, the latest" => (0..2).for_each(|_| region.free_layout(third, layout)),
            "twice, with another kept near" => {
                region.free_layout(second, layout);
                region.free_layout(first, layout);
                region.free_layout(second, layout);
            }
            "a long one twice" => {
                let long = Layout::new::<[u64; 100]>();
                let [first, _second] = [(); 2].map(|()| region.alloc_layout(long).unwrap());
                (0..2).for_each(|_| region.free_layout(first, long));
            }
            "stack" => region.free_layout(local, layout),
            "unused" => region.free_layout(third.add(4096), layout),
            "front" => region.free_layout(first.sub(48), layout),
            "inside a large one" => region.free_layout(large.add(4096), layout),
            "another length of a large one" => region.free_layout(large, layout),
            "a large one twice" => (0..2).for_each(|_| region.free_layout(large, large_layout)),
            "a box twice" => {
                let boxed = region.boxed(7_u64);
                let raw = RegionBox::into_raw(boxed);
                region.alloc(8_u64);
                drop(RegionBox::from_raw_in(raw, region.allocator()));
                drop(RegionBox::from_raw_in(raw, region.allocator()));
            }
            _ => unreachable!(),
        }
    }
    eprintln!("not noticed");
}

#[test]
fn wrong_frees_abort_and_say_why() {
    for case in [
        "twice",
        "twice with another between",
        "twice, the latest",
        "twice, with another kept near",
        "a long one twice",
        "stack",
        "unused",
        "front",
        "inside a large one",
        "another length of a large one",
        "a large one twice",
        "a box twice",
    ] {
        let said = assert_aborted(child("misuse::freed_wrongly", case));
        assert!(!said.contains("not noticed"), "{case}: {said}");
        assert!(said.contains(" bytes in a region of family Lives::Frame: "), "{case}: {said}");
        assert!(said.contains("no live object of this size starts there"), "{case}: {said}");
    }
}
