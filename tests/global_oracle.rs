//! Random calls of the global allocator, beside a list of what must be where: allocations do not
//! overlap, are aligned, keep their contents, are in the family of the scope they were made in, and
//! stay there when they are reallocated.

mod common;

use std::alloc::{GlobalAlloc, Layout};
use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::Mutex;
use std::thread;

use common::{Random, Watchdog, one_at_a_time};
use famalloc::{FamAlloc, ScopeGuard, Snapshot, alloc_family, check, flush, query, raw};

#[alloc_family]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lives {
    General,
    Plain,
    #[family(zero_on_free)]
    Zeroed,
    #[family(isolate)]
    Alone,
    #[family(align = "natural", block = "1 MiB")]
    Wide,
    /// What the oracle itself needs.
    Notes,
}

#[global_allocator]
static GLOBAL: FamAlloc<Lives> = FamAlloc::new();

const FAMILIES: [Lives; 4] = [Lives::Plain, Lives::Zeroed, Lives::Alone, Lives::Wide];

/// One allocation, as it must be.
struct Held {
    start: NonNull<u8>,
    layout: Layout,
    family: Lives,
    pattern: u64,
}

// SAFETY: it owns its memory, which any thread may free.
unsafe impl Send for Held {}

impl Held {
    /// Positions that are written and looked at: all of what is small, the ends and some of what is not.
    fn positions(size: usize) -> impl Iterator<Item = usize> {
        let step = if size <= 600 { 1 } else { 1 + size / 150 };
        (0..size).step_by(step).chain(size.saturating_sub(40)..size)
    }

    fn byte(&self, at: usize) -> u8 {
        (self.pattern.rotate_left(at as u32 % 64) ^ at as u64) as u8
    }

    fn fill(&self) {
        for at in Self::positions(self.layout.size()) {
            // SAFETY: within the allocation.
            unsafe { self.start.add(at).write(self.byte(at)) };
        }
    }

    fn verify(&self) {
        for at in Self::positions(self.layout.size()) {
            // SAFETY: within the allocation, and written.
            let byte = unsafe { self.start.add(at).read() };
            assert_eq!(byte, self.byte(at), "byte {at} of {:?} at {:p}", self.layout, self.start);
        }
    }

    /// What does not depend on the contents.
    fn verify_place(&self) {
        let Self { start, layout, family, .. } = self;
        assert_eq!(start.addr().get() % layout.align(), 0, "{layout:?} at {start:p}");
        let found = query(start.as_ptr()).unwrap_or_else(|| panic!("{layout:?} is nobody's"));
        assert_eq!((found.set, found.offset), ("Lives", 0), "{layout:?}");
        assert_eq!(found.family, format!("{family:?}"), "{layout:?}");
        assert!(found.slot_bytes >= layout.size(), "{layout:?} in {found:?}");
        assert_eq!(raw::usable_size(start.as_ptr()), Some(found.slot_bytes));
    }
}

/// The allocations of all threads, by address.
#[derive(Default)]
struct Oracle(BTreeMap<usize, usize>);

impl Oracle {
    fn insert(&mut self, held: &Held) {
        let (start, size) = (held.start.addr().get(), held.layout.size());
        if let Some((before, bytes)) = self.0.range(..start).next_back() {
            assert!(before + bytes <= start, "{start:#x} lies in {before:#x}, of {bytes} bytes");
        }
        if let Some((after, _)) = self.0.range(start..).next() {
            assert!(start + size <= *after, "{size} bytes at {start:#x} run into {after:#x}");
        }
        self.0.insert(start, size);
    }

    fn remove(&mut self, held: &Held) {
        assert_eq!(self.0.remove(&held.start.addr().get()), Some(held.layout.size()));
    }
}

fn random_size(random: &mut Random) -> usize {
    let bits = match random.below(1000) {
        0..850 => random.below(10),
        850..970 => random.below(17),
        _ => random.below(23),
    };
    1 + random.below(2 << bits).min((8 << 20) - 1)
}

fn random_layout(random: &mut Random) -> Layout {
    let bits = match random.below(100) {
        0..70 => random.below(5),
        70..95 => random.below(13),
        95..99 => random.below(18),
        _ => random.below(23),
    };
    Layout::from_size_align(random_size(random), 1 << bits).unwrap()
}

/// What a thread does. `shared` is where allocations are left for others to free.
fn work(seed: u64, steps: usize, oracle: &Mutex<Oracle>, shared: &Mutex<Vec<Held>>) {
    let mut random = Random::new(seed);
    // Lists of the test's own, in a family that is not looked at.
    let notes = || ScopeGuard::enter(&Lives::Notes);
    let outermost = notes();
    let mut own: Vec<Held> = Vec::with_capacity(600);
    for step in 0..steps {
        let scope = FAMILIES[random.below(4)];
        match random.below(10) {
            0..4 => {
                let layout = random_layout(&mut random);
                let zeroed = random.below(3) == 0;
                let in_scope = ScopeGuard::enter(&scope);
                // SAFETY: no layout is of size 0.
                let start = unsafe {
                    if zeroed { GLOBAL.alloc_zeroed(layout) } else { GLOBAL.alloc(layout) }
                };
                drop(in_scope);
                let start = NonNull::new(start).expect("there is memory");
                let held = Held { start, layout, family: scope, pattern: random.next() };
                held.verify_place();
                oracle.lock().unwrap().insert(&held);
                if zeroed {
                    let mut bytes = Held::positions(layout.size());
                    // SAFETY: within the allocation.
                    assert!(bytes.all(|at| unsafe { start.add(at).read() } == 0), "{layout:?}");
                }
                held.fill();
                own.push(held);
            }
            4..6 if !own.is_empty() => {
                let at = random.below(own.len());
                let held = &mut own[at];
                held.verify();
                let size = if random.below(2) == 0 {
                    random_size(&mut random)
                } else {
                    // A little more or less, as vectors and boxed slices do it.
                    (held.layout.size() * (2 + random.below(7)) / 4).clamp(1, 8 << 20)
                };
                let kept = held.layout.size().min(size);
                // What is given up may be another's the moment it is.
                oracle.lock().unwrap().remove(held);
                let in_scope = ScopeGuard::enter(&scope);
                // SAFETY: live, of this layout; the new size is not 0.
                let start = unsafe { GLOBAL.realloc(held.start.as_ptr(), held.layout, size) };
                drop(in_scope);
                held.start = NonNull::new(start).expect("there is memory");
                for at in Held::positions(held.layout.size()).filter(|&at| at < kept) {
                    // SAFETY: within the allocation, and written before.
                    let byte = unsafe { held.start.add(at).read() };
                    assert_eq!(byte, held.byte(at), "byte {at}, {:?} to {size}", held.layout);
                }
                held.layout = Layout::from_size_align(size, held.layout.align()).unwrap();
                held.verify_place();
                oracle.lock().unwrap().insert(held);
                held.fill();
            }
            6 if !own.is_empty() => {
                let at = random.below(own.len());
                shared.lock().unwrap().push(own.swap_remove(at));
            }
            _ => {
                let theirs = if random.below(3) == 0 { shared.lock().unwrap().pop() } else { None };
                let mine = (!own.is_empty()).then(|| random.below(own.len()));
                let Some(held) = theirs.or_else(|| mine.map(|at| own.swap_remove(at))) else {
                    continue;
                };
                held.verify();
                oracle.lock().unwrap().remove(&held);
                let in_scope = ScopeGuard::enter(&scope);
                // SAFETY: live, of this layout, and not used again.
                unsafe { GLOBAL.dealloc(held.start.as_ptr(), held.layout) };
                drop(in_scope);
            }
        }
        if own.len() > 500 {
            let most = own.len() - 200;
            shared.lock().unwrap().extend(own.drain(most..));
        }
        if step % 2_000 == 0 {
            check().unwrap();
        }
    }
    own.iter().for_each(Held::verify);
    shared.lock().unwrap().append(&mut own);
    drop(own);
    drop(outermost);
}

fn assert_counts(held: &[Held]) {
    check().unwrap();
    let snapshot = Snapshot::of::<Lives>();
    for family in FAMILIES {
        let name = format!("{family:?}");
        let expected = held.iter().filter(|held| held.family == family).count();
        assert_eq!(snapshot.family(&name).unwrap().live_objects, expected, "{name}");
    }
}

fn rounds(seeds: core::ops::Range<u64>, threads: u64, steps: usize) {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(55);
    for seed in seeds {
        let (oracle, shared) = (Mutex::default(), Mutex::default());
        for _ in 0..2 {
            // Joined, so that their magazines are gone.
            thread::scope(|scope| {
                let start = |thread| {
                    let (oracle, shared) = (&oracle, &shared);
                    scope.spawn(move || work(seed * 16 + thread, steps, oracle, shared))
                };
                let handles: Vec<_> = (0..threads).map(start).collect();
                handles.into_iter().for_each(|handle| handle.join().unwrap());
            });
            assert_counts(&shared.lock().unwrap());
        }
        let left: Vec<Held> = shared.into_inner().unwrap();
        assert_eq!(left.len(), oracle.into_inner().unwrap().0.len());
        for held in left {
            held.verify();
            // SAFETY: live, of this layout, and not used again.
            unsafe { GLOBAL.dealloc(held.start.as_ptr(), held.layout) };
        }
        assert_counts(&[]);
        flush();
        assert_counts(&[]);
        for used in &Snapshot::of::<Lives>().families[1..5] {
            assert_eq!((used.blocks, used.committed_bytes), (0, 0), "{}", used.name);
        }
    }
}

#[test]
fn one_thread_against_the_oracle() {
    rounds(0..3, 1, 5_000);
}

#[test]
fn two_threads_against_the_oracle() {
    rounds(3..5, 2, 5_000);
}

#[test]
fn layouts_at_the_ends_of_their_ranges() {
    let _alone = one_at_a_time();
    let _scope = ScopeGuard::enter(&Lives::Plain);
    for align in (0..=22).map(|bits| 1usize << bits) {
        for size in [1, align - 1, align, align + 1, 2 * align, 3 * align, 8 << 20] {
            let Ok(layout) = Layout::from_size_align(size.max(1), align) else { continue };
            let held = |start| Held { start, layout, family: Lives::Plain, pattern: 7 };
            // SAFETY: the size is not 0.
            let both = unsafe { [GLOBAL.alloc(layout), GLOBAL.alloc_zeroed(layout)] };
            for start in both {
                let held = held(NonNull::new(start).unwrap());
                held.verify_place();
                held.fill();
                held.verify();
            }
            assert_ne!(both[0], both[1]);
            for start in both {
                // SAFETY: live, of this layout, and not used again.
                unsafe { GLOBAL.dealloc(start, layout) };
            }
        }
    }
    // More than there can be is refused.
    // (Where Wine may stand in for Windows, it keeps a byte for each page that is reserved.)
    let much = if cfg!(windows) { 1 << 50 } else { 1 << 46 };
    for size in [isize::MAX as usize, isize::MAX as usize / 2, much] {
        let layout = Layout::from_size_align(size, 1).unwrap();
        // SAFETY: the size is not 0.
        assert!(unsafe { GLOBAL.alloc(layout) }.is_null(), "{size}");
        // SAFETY: as above.
        assert!(unsafe { GLOBAL.alloc_zeroed(layout) }.is_null(), "{size}");
        let mut text = vec![1u8; 10];
        assert!(text.try_reserve_exact(size - 10).is_err(), "{size}");
        assert_eq!(text, [1; 10]);
    }
    check().unwrap();
}
