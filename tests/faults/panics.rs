//! A panic at the n-th event, for every n: whatever a handle, a region, a pool or a collection calls of the
//! user's (a constructor, `Clone`, `Drop`, `Default`, a comparison, a hash, a step of an iterator, a
//! closure) panics once. Then no value has been dropped twice and none is lost, no slot is, and everything
//! is whole.

use std::cell::{Cell, RefCell};
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};

use famalloc::collections::{FamilyCollection, HashMap, SmallVec, String as Text};
use famalloc::pool::Retention;
use famalloc::region::{Drops, Tracked};
use famalloc::{
    FamilyArc, FamilyBox, FamilyRc, Pool, Region, RegionBox, ThinSlice, alloc_family, check,
};

use crate::common::{one_at_a_time, usage};

#[alloc_family]
enum Lives {
    A,
    B,
}

type A = lives::A;

#[derive(Default)]
struct Ledger {
    /// How often each value was dropped.
    drops: RefCell<Vec<u32>>,
    events: Cell<usize>,
    /// At which event there is a panic.
    fuse: Cell<usize>,
}

thread_local! {
    static LEDGER: Ledger = Ledger::default();
}

/// Something of the user's is called.
fn event() {
    LEDGER.with(|ledger| {
        ledger.events.set(ledger.events.get() + 1);
        // A second panic while one unwinds would be the end of the process, and is the user's affair.
        assert!(ledger.events.get() != ledger.fuse.get(), "event");
    });
}

/// A value whose every use is an event.
struct Touchy(usize);

impl Touchy {
    fn new() -> Self {
        event();
        LEDGER.with(|ledger| {
            let mut drops = ledger.drops.borrow_mut();
            drops.push(0);
            Self(drops.len() - 1)
        })
    }
}

impl Drop for Touchy {
    fn drop(&mut self) {
        LEDGER.with(|ledger| ledger.drops.borrow_mut()[self.0] += 1);
        event();
    }
}

impl Clone for Touchy {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl Default for Touchy {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Touchy {
    fn eq(&self, other: &Self) -> bool {
        event();
        self.0 % 3 == other.0 % 3
    }
}

impl Eq for Touchy {}

impl Hash for Touchy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        event();
        (self.0 % 3).hash(state);
    }
}

/// So many values, of an iterator that does not know how many.
fn some(count: usize) -> impl Iterator<Item = Touchy> {
    (0..count).map(|_| Touchy::new()).filter(|_| {
        event();
        true
    })
}

fn keep(value: &Touchy) -> bool {
    event();
    value.0 % 3 > 0
}

fn boxes() {
    let one = FamilyBox::new_with_in(Touchy::new, A::default());
    let two = one.clone();
    drop(FamilyBox::<Touchy, A>::default());
    let mapped = FamilyBox::map(two, |value| {
        event();
        (value, Touchy::new())
    });
    let slice: FamilyBox<[Touchy], A> = some(5).collect();
    let copy = slice.clone();
    let from = FamilyBox::<[Touchy], A>::from(&copy[1..]);
    assert!(from.len() == 4 && PartialEq::eq(&one, &one));
    let mut iter = slice.into_iter();
    drop((iter.next(), iter.next_back()));
    drop(iter.collect::<FamilyBox<[Touchy], A>>());
    drop(FamilyBox::into_inner(mapped));
}

fn shared() {
    let mut one = FamilyRc::new_in(Touchy::new(), A::default());
    let other = FamilyRc::clone(&one);
    FamilyRc::make_mut(&mut one);
    drop(FamilyRc::unwrap_or_clone(other));
    let slice: FamilyArc<[Touchy], A> = some(4).collect();
    let copy = FamilyArc::<[Touchy], A>::from(&slice[..3]);
    let weak = FamilyArc::downgrade(&copy);
    drop((copy, slice));
    assert!(weak.upgrade().is_none());
    drop(FamilyRc::<Touchy, _>::new_cyclic_in(|_| Touchy::new(), A::default()));
}

fn thin() {
    let slice: ThinSlice<Touchy, A> = some(5).collect();
    let copy = slice.clone();
    let from = ThinSlice::<Touchy, A>::from(&copy[1..]);
    let boxed = FamilyBox::<[Touchy], A>::from(from);
    drop(ThinSlice::<Touchy, A>::from(boxed));
    assert!(slice.len() == copy.len());
}

fn small_vectors() {
    let mut vec: SmallVec<Touchy, 2, A> = some(3).collect();
    vec.extend(some(4));
    vec.insert(1, Touchy::new());
    let copy = vec.clone();
    vec.extend_from_slice(&copy[..3]);
    drop(vec.drain(2..4));
    {
        let mut drain = vec.drain(1..5);
        drop((drain.next(), drain.next_back()));
    }
    vec.retain(keep);
    vec.resize(9, Touchy::new());
    vec.resize_with(12, Touchy::new);
    vec.dedup();
    drop((vec.remove(0), vec.swap_remove(0), vec.pop()));
    let mut tail = vec.split_off(vec.len() / 2);
    tail.append(&mut vec);
    tail.truncate(2);
    drop(tail.into_iter());
    let mut into = copy.into_iter();
    drop((into.next(), into.next_back(), into.clone()));
    let boxed = some(5).collect::<SmallVec<_, 2, A>>().into_boxed_slice();
    let mut vec = SmallVec::<_, 2, A>::from(boxed);
    vec.shrink_to_fit();
    // With all that is in it, in a slot and without one.
    drop((vec.clone(), some(2).collect::<SmallVec<_, 2, A>>()));
    vec.clear();
}

fn regions() {
    let mut region = Region::<A, Tracked<Drops<'_>>>::new();
    region.alloc_with(Touchy::new);
    let boxed = region.boxed_with(Touchy::new);
    let copy = boxed.clone();
    region.alloc_slice_fill_clone(3, &Touchy::new());
    region.alloc_slice_fill_with(3, |_| Touchy::new());
    let slice = region.alloc_slice_fill_iter(some(4));
    region.alloc_slice_clone(slice);
    drop(region.boxed_slice(some(4)));
    drop(RegionBox::into_inner(boxed));
    region.nested(|scope| {
        scope.alloc(Touchy::new());
        drop(scope.boxed(Touchy::new()));
        scope.alloc_slice_fill_iter(some(2));
    });
    drop(copy);
    region.reset();
    region.alloc(Touchy::new());
}

fn pools() {
    let reset = |value: &mut Touchy| {
        event();
        assert!(value.0 < usize::MAX);
    };
    let pool = Pool::<Touchy, _>::new_in(Touchy::new, A::default()).with_reset(reset);
    let pool = pool.with_retention(Retention::working_set().every(4));
    for _ in 0..3 {
        let (one, two) = (pool.get(), pool.get());
        drop(famalloc::pool::Pooled::detach(one));
        drop(two);
    }
    let front = pool.front();
    drop((front.get(), front.get()));
    front.flush();
    pool.put(FamilyBox::new_in(Touchy::new(), lives::A));
    pool.end_period();
    drop((0..6).map(|_| pool.get()).collect::<Vec<_>>());
    pool.trim(2);
    drop(pool.get_with(Touchy::new));
}

fn text() {
    let mut text = Text::<A>::from("some words");
    text.retain(|character| {
        event();
        character != 'o'
    });
    text.extend("more".chars().inspect(|_| event()));
    text.extend(["a", "b"].into_iter().inspect(|_| event()));
    let other: Text<A> = "even more".chars().inspect(|_| event()).collect();
    text.push_str(&other);
    assert!(std::str::from_utf8(text.as_bytes()).is_ok());
}

/// What is not of this crate: it may leave values and memory behind when a destructor panics.
fn maps() {
    let mut map = HashMap::<Touchy, Touchy, A>::new_in_family();
    for _ in 0..9 {
        map.insert(Touchy::new(), Touchy::new());
    }
    let copy = map.clone();
    map.retain(|key, _| keep(key));
    map.remove(&Touchy::new());
    assert!(copy.len() <= 3);
    map.shrink_to_fit();
}

/// Runs something, with a panic at the n-th event, for every n until there is none.
fn at_every_event(name: &str, work: fn(), ours: bool) {
    let _alone = one_at_a_time();
    let before = usage::<lives::A>().live_objects;
    let mut n = 1;
    loop {
        LEDGER.with(|ledger| {
            ledger.drops.borrow_mut().clear();
            ledger.events.set(0);
            ledger.fuse.set(n);
        });
        let ended = catch_unwind(AssertUnwindSafe(work));
        let (events, drops) = LEDGER.with(|ledger| {
            ledger.fuse.set(0);
            (ledger.events.get(), ledger.drops.take())
        });
        check().unwrap();
        assert!(
            drops.iter().all(|&times| times <= 1),
            "{name}: dropped twice, event {n}: {drops:?}"
        );
        let used = usage::<lives::A>();
        if ours || ended.is_ok() {
            let lost = drops.iter().filter(|&&times| times == 0).count();
            assert_eq!(lost, 0, "{name}: lost at event {n} of {events}: {drops:?}");
        }
        if ours {
            assert_eq!(used.live_objects, before, "{name}: slots lost at event {n} of {events}");
            assert_eq!(used.region_bytes, 0, "{name}: chunks lost at event {n} of {events}");
        }
        if let Err(panic) = ended {
            assert_eq!(panic.downcast_ref::<&str>(), Some(&"event"), "{name}, event {n}");
        } else {
            assert!(n > events && n > 10, "{name}: only {events} events");
            break;
        }
        n += 1;
    }
}

macro_rules! at_every_event {
    ($($name:ident $ours:expr;)*) => {
        $(mod $name {
            #[test]
            fn survives_a_panic_at_every_event() {
                super::at_every_event(stringify!($name), super::$name, $ours);
            }
        })*
    };
}

at_every_event! {
    boxes true;
    shared true;
    thin true;
    small_vectors true;
    regions true;
    pools true;
    text true;
    maps false;
}
