//! A global allocator with another behind it: what a family declines the next one serves, and takes
//! back; nothing is lost on the way from the one to the other.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicUsize, Ordering};
use std::thread;

use common::{Random, Watchdog, one_at_a_time, usage};
use famalloc::{FamAlloc, Family, ScopeGuard, alloc_family, check, flush, query};

#[alloc_family]
#[derive(Clone, Copy, Debug)]
enum Lives {
    General,
    #[family(limit = "1 MiB")]
    Small,
    #[family(limit = "256 KiB")]
    Tiny,
    /// What the test itself needs.
    Notes,
}

/// The system's, which is counted and may decline.
struct Counted {
    live: AtomicIsize,
    calls: AtomicUsize,
    declines: AtomicBool,
}

impl Counted {
    const fn new() -> Self {
        Self {
            live: AtomicIsize::new(0),
            calls: AtomicUsize::new(0),
            declines: AtomicBool::new(false),
        }
    }

    fn served(&self, start: *mut u8, change: isize) -> *mut u8 {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if !start.is_null() {
            self.live.fetch_add(change, Ordering::Relaxed);
        }
        start
    }
}

// SAFETY: all of it is the system's.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if self.declines.load(Ordering::Relaxed) {
            return self.served(ptr::null_mut(), 0);
        }
        // SAFETY: passed on.
        self.served(unsafe { System.alloc(layout) }, 1)
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if self.declines.load(Ordering::Relaxed) {
            return self.served(ptr::null_mut(), 0);
        }
        // SAFETY: passed on.
        self.served(unsafe { System.alloc_zeroed(layout) }, 1)
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        assert!(query(start).is_none());
        self.served(start, -1);
        // SAFETY: passed on.
        unsafe { System.dealloc(start, layout) };
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if self.declines.load(Ordering::Relaxed) {
            return self.served(ptr::null_mut(), 0);
        }
        // SAFETY: passed on.
        self.served(unsafe { System.realloc(start, layout, new_size) }, 0)
    }
}

static NEXT: Counted = Counted::new();

/// [`NEXT`], which the test looks at from outside.
struct Static;

// SAFETY: passed on.
unsafe impl GlobalAlloc for Static {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: passed on.
        unsafe { NEXT.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: passed on.
        unsafe { NEXT.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: passed on.
        unsafe { NEXT.dealloc(start, layout) };
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: passed on.
        unsafe { NEXT.realloc(start, layout, new_size) }
    }
}

#[global_allocator]
static GLOBAL: FamAlloc<Lives, Static> = FamAlloc::with_next(Static);

fn of<T: ?Sized>(value: &T) -> Option<&'static str> {
    query(value).map(|found| found.family)
}

fn next_live() -> isize {
    NEXT.live.load(Ordering::Relaxed)
}

fn assert_all_gone() {
    flush();
    check().unwrap();
    assert_eq!(next_live(), 0, "the next allocator has not got everything back");
    for used in [usage::<lives::Small>(), usage::<lives::Tiny>()] {
        assert_eq!((used.live_objects, used.committed_bytes), (0, 0), "left in {}", used.name);
    }
}

#[test]
fn a_family_at_its_limit_leaves_the_rest_to_the_next() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    let strings: Vec<Box<[u8; 100]>> = {
        let mut strings = Vec::with_capacity(20_000);
        let _scope = lives::Small::enter();
        (0..20_000u32).for_each(|at| strings.push(Box::new([at as u8; 100])));
        strings
    };
    let ours = strings.iter().filter(|it| of(&***it) == Some("Small")).count();
    assert!((8_000..10_486).contains(&ours), "{ours}");
    assert_eq!(next_live(), (20_000 - ours) as isize);
    assert_eq!(usage::<lives::Small>().live_objects, ours);
    assert!(usage::<lives::Small>().committed_bytes <= 1 << 20);
    for (at, string) in strings.iter().enumerate() {
        assert_eq!(**string, [at as u8; 100]);
    }
    // Freed by another thread, in any order.
    thread::spawn(move || drop(strings)).join().unwrap();
    // There is room again.
    lives::Small::scope(|| {
        assert_eq!(of(&*Box::new([7u8; 100])), Some("Small"));
        assert_eq!(of(vec![0u8; 500_000].as_slice()), Some("Small"));
        let large = vec![0u8; (1 << 20) + 1];
        assert!(large.iter().all(|&byte| byte == 0));
        assert_eq!(of(large.as_slice()), None);
    });
    assert_all_gone();
}

#[test]
fn what_grows_beyond_its_family_moves_and_keeps_its_contents() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    for step in [1, 3, 100] {
        let mut numbers: Vec<u64> = lives::Tiny::scope(|| Vec::with_capacity(4));
        assert_eq!(of(numbers.as_slice()), Some("Tiny"));
        let mut left = None;
        while numbers.len() < 200_000 {
            let len = numbers.len() as u64;
            // In no scope, and in one with room: it is the vector's family that counts.
            lives::Notes::scope(|| numbers.extend(len..len + step));
            match of(numbers.as_slice()) {
                Some(family) => assert_eq!((family, left), ("Tiny", None)),
                None => left = left.or(Some(numbers.len() * 8)),
            }
        }
        let most = (256 << 10) + 8 * step as usize;
        assert!((64 << 10..=most).contains(&left.unwrap()), "{left:?}");
        assert!(numbers.iter().copied().eq(0..numbers.len() as u64));
        assert_eq!((next_live(), usage::<lives::Tiny>().live_objects), (1, 0));
        // It is the next one's now, also where it would fit again.
        numbers.truncate(10);
        numbers.shrink_to_fit();
        assert_eq!(
            (of(numbers.as_slice()), numbers.as_slice()),
            (None, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9][..])
        );
        // What is made from it comes back.
        let copy = lives::Tiny::scope(|| numbers.clone());
        assert_eq!((of(copy.as_slice()), copy), (Some("Tiny"), numbers));
    }
    assert_all_gone();
}

/// Where a smaller slot is not to be had, memory that is to be smaller stays where it is.
#[test]
fn shrinking_succeeds_at_the_limit() {
    let _alone = one_at_a_time();
    let mut fill = Vec::with_capacity(1_000);
    let (mut slot, mut large) = lives::Tiny::scope(|| {
        let slot = vec![5u8; 9_000];
        let large = vec![6u8; 100_000];
        assert_eq!((of(slot.as_slice()), of(large.as_slice())), (Some("Tiny"), Some("Tiny")));
        // All that is left.
        while next_live() == 0 {
            fill.push(vec![1u8; 9_000]);
        }
        (slot, large)
    });
    NEXT.declines.store(true, Ordering::Relaxed);
    slot.truncate(100);
    large.truncate(100);
    let before = (slot.as_ptr(), large.as_ptr());
    slot.shrink_to_fit();
    large.shrink_to_fit();
    NEXT.declines.store(false, Ordering::Relaxed);
    assert_eq!((slot.as_ptr(), large.as_ptr()), before);
    assert_eq!((slot.as_slice(), large.as_slice()), (&[5u8; 100][..], &[6u8; 100][..]));
    assert!(slot.capacity() < 9_000 && large.capacity() < 9_000);
    drop((slot, large, fill));
    assert_all_gone();
}

#[test]
fn where_the_next_declines_too_nothing_is_lost() {
    let _alone = one_at_a_time();
    let mut text = lives::Small::scope(|| vec![3u8; 1_000]);
    let mut next = lives::Small::scope(|| vec![4u8; 2 << 20]);
    assert_eq!((of(text.as_slice()), of(next.as_slice())), (Some("Small"), None));
    NEXT.declines.store(true, Ordering::Relaxed);
    let calls = NEXT.calls.load(Ordering::Relaxed);
    assert!(text.try_reserve(2 << 20).is_err());
    assert!(next.try_reserve(2 << 20).is_err());
    assert!(lives::Small::scope(|| Vec::<u8>::new().try_reserve(2 << 20).is_err()));
    assert_eq!(NEXT.calls.load(Ordering::Relaxed), calls + 3);
    NEXT.declines.store(false, Ordering::Relaxed);
    assert_eq!(text, [3; 1_000]);
    assert_eq!(next, vec![4; 2 << 20]);
    assert_eq!((text.capacity(), next.capacity()), (1_000, 2 << 20));
    // Afterwards it can go on.
    text.resize(3 << 20, 3);
    assert_eq!((of(text.as_slice()), text.iter().all(|&byte| byte == 3)), (None, true));
    drop((text, next));
    assert_all_gone();
}

#[test]
fn random_work_across_the_border() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    let _notes = lives::Notes::enter();
    let families = [Lives::Small, Lives::Tiny];
    let mut random = Random::new(11);
    let mut held: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
    let (mut ours, mut theirs) = (0, 0);
    for step in 0..8_000usize {
        let key = random.below(400);
        let bits = random.below(16);
        let size = 1 + random.below(2 << bits);
        let _scope = ScopeGuard::enter(&families[step % 2]);
        let Some(vector) = held.get_mut(&key) else {
            let vector = vec![key as u8; size];
            let _notes = lives::Notes::enter();
            held.insert(key, vector);
            continue;
        };
        assert!(vector.iter().step_by(7).all(|&byte| usize::from(byte) == key % 256));
        match of(vector.as_slice()) {
            Some(_) => ours += 1,
            None => theirs += 1,
        }
        if random.below(3) == 0 {
            drop(held.remove(&key));
        } else {
            vector.truncate(size);
            vector.reserve_exact(size - vector.len());
            vector.resize(size, key as u8);
            vector.shrink_to_fit();
        }
        if step % 1_000 == 0 {
            check().unwrap();
        }
    }
    assert!(ours > 200 && theirs > 200, "{ours} {theirs}");
    drop(held);
    assert_all_gone();
}

#[test]
fn memory_of_the_next_is_told_apart_by_its_address() {
    let _alone = one_at_a_time();
    let layout = Layout::from_size_align(48, 16).unwrap();
    // SAFETY: the size is not 0, and what comes from next is its own, whoever hands it there.
    unsafe {
        let foreign = NEXT.alloc(layout);
        foreign.write_bytes(9, 48);
        let foreign = lives::Small::scope(|| GLOBAL.realloc(foreign, layout, 4_800));
        assert!(query(foreign).is_none());
        assert_eq!(foreign.add(47).read(), 9);
        let layout = Layout::from_size_align(4_800, 16).unwrap();
        assert_eq!(next_live(), 1);
        GLOBAL.dealloc(foreign, layout);
    }
    assert_all_gone();
    assert_eq!(lives::Small::SPEC.limit_bytes(), Some(1 << 20));
}
