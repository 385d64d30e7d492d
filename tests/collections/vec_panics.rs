//! Panics in clones, destructors, closures and iterators: whatever happens, every value that is alive
//! is in the vector, each is dropped once in the end, and the family has no live object.

use std::iter;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use famalloc::collections::vec::{Inline, Spilled, VecInner, VecStorage};
use famalloc::collections::{SmallVec, Vec as FamilyVec};
use famalloc::{AnyFamily, RawAlloc, Region, alloc_family};

use crate::common::{Random, times, usage};
use crate::ledger::{Ledger, Tracked, panic_of};

#[alloc_family]
enum Lives {
    Random,
    Destructors,
    Iterators,
    Forgotten,
}

const NEVER: usize = usize::MAX;

fn random_step<S: VecStorage<Tracked>, A: RawAlloc + Clone>(
    vec: &mut VecInner<Tracked, S, A>,
    ledger: &Ledger,
    random: &mut Random,
) {
    let len = vec.len();
    let at = random.below(len + 1);
    let home = vec.allocator().clone();
    match random.below(16) {
        0 => vec.push(ledger.value()),
        1 => drop(vec.pop()),
        2 => vec.insert(at, ledger.value()),
        3 if at < len => drop(vec.remove(at)),
        4 if at < len => drop(vec.swap_remove(at)),
        5 => vec.truncate(at),
        6 => drop(vec.clone()),
        7 => {
            let more = VecInner::<_, Inline<_, 3>, A>::from_slice_in(&vec[at..], home);
            // The values of `more` are dropped here, after they were cloned.
            vec.extend_from_slice(&more);
        }
        8 => vec.resize(at + 3, ledger.value()),
        9 => {
            let mut range = vec.drain(at..);
            drop((range.next(), range.next_back()));
        }
        10 => drop(mem::replace(vec, VecInner::new_in(home)).into_iter().nth(at)),
        11 => {
            let stop = random.below(2 * len + 1);
            let mut seen = 0;
            vec.retain(|value| {
                assert!(seen != stop, "closure");
                seen += 1;
                value.index % 3 != 0
            });
        }
        12 => vec.dedup_by(|a, b| a.index % 2 == b.index % 2),
        13 => {
            let other = VecInner::from_iter_in(ledger.values(random.below(6)), home);
            vec.clone_from(&other);
        }
        14 => {
            let stop = random.below(8);
            let mut made = 0;
            vec.extend(
                iter::repeat_with(|| {
                    assert!(made != stop, "iterator");
                    made += 1;
                    ledger.value()
                })
                .take(5),
            );
        }
        _ => *vec = mem::replace(vec, VecInner::new_in(home)).into_boxed_slice().into(),
    }
}

fn random_steps<S: VecStorage<Tracked>>(seed: u64) {
    type F = lives::Random;
    let live = || usage::<F>().live_objects;
    random_steps_in::<S, F>(lives::Random, &|spilled| live() == usize::from(spilled), seed);
    let family = AnyFamily::from(Lives::Random);
    random_steps_in::<S, _>(family, &|spilled| live() == usize::from(spilled), seed + 10);

    let region = Region::<F>::new();
    let live = || region.usage().live_bytes;
    let home = region.allocator();
    random_steps_in::<S, _>(home, &|spilled| (live() > 0) == spilled, seed + 20);
}

/// `is_live` says whether there is one live object, or none.
fn random_steps_in<S: VecStorage<Tracked>, A: RawAlloc + Clone>(
    home: A,
    is_live: &dyn Fn(bool) -> bool,
    seed: u64,
) {
    let ledger = Ledger::default();
    let mut random = Random::new(seed);
    let mut vec = VecInner::<Tracked, S, A>::new_in(home);
    let mut panics = 0;
    for _ in 0..times(4000, 6) {
        // One bomb at a time: a panic while another one unwinds would abort.
        match random.below(4) {
            0 => ledger.clone_fails_after(random.below(8)),
            1 if !vec.is_empty() => ledger.drop_fails_at(vec[random.below(vec.len())].index),
            _ => {}
        }
        let step = AssertUnwindSafe(|| random_step(&mut vec, &ledger, &mut random));
        if let Err(payload) = catch_unwind(step) {
            let message = payload.downcast_ref::<&str>().copied().unwrap_or("formatted");
            assert!(["clone", "drop", "closure", "iterator"].contains(&message), "{message}");
            panics += 1;
        }
        ledger.clone_fails_after(NEVER);
        ledger.drop_fails_at(NEVER);
        assert_eq!(ledger.live(), vec.len());
        assert!(is_live(vec.spilled()));
        if vec.len() > 60 {
            vec.clear();
        }
    }
    assert!(panics >= times(100, 0), "only {panics} panics");
    drop(vec);
    assert!(ledger.live() == 0 && is_live(false));
}

#[test]
fn random_operations_with_bombs() {
    random_steps::<Spilled<_>>(1);
    random_steps::<Inline<_, 1>>(2);
    random_steps::<Inline<_, 4>>(3);
    random_steps::<Inline<_, 30>>(4);
}

fn destructors<S: VecStorage<Tracked>>() {
    type F = lives::Destructors;
    for failing in (0..5).step_by(times(1, 2)) {
        let new = |ledger: &Ledger| {
            let vec = VecInner::<Tracked, S, F>::from(ledger.values(5));
            ledger.drop_fails_at(failing);
            vec
        };

        let ledger = Ledger::default();
        let vec = new(&ledger);
        assert_eq!(panic_of(|| drop(vec)), "drop");
        assert_eq!((ledger.live(), usage::<F>().live_objects), (0, 0));

        let ledger = Ledger::default();
        let vec = new(&ledger);
        assert_eq!(panic_of(|| drop(vec.into_iter())), "drop");
        assert_eq!((ledger.live(), usage::<F>().live_objects), (0, 0));

        let ledger = Ledger::default();
        let mut vec = new(&ledger);
        assert_eq!(panic_of(|| vec.clear()), "drop");
        assert_eq!((ledger.live(), vec.len()), (0, 0));

        // Those behind a range move up, whatever happens in it.
        let ledger = Ledger::default();
        let mut vec = new(&ledger);
        if (1..4).contains(&failing) {
            assert_eq!(panic_of(|| drop(vec.drain(1..4))), "drop");
            assert!(vec.iter().map(|value| value.index).eq([0, 4]));
        }
        ledger.drop_fails_at(NEVER);
    }
    assert_eq!(usage::<F>().live_objects, 0);
}

#[test]
fn in_the_destructor_of_an_element() {
    destructors::<Spilled<_>>();
    destructors::<Inline<_, 2>>();
    destructors::<Inline<_, 5>>();
}

#[test]
fn in_an_iterator_that_is_collected() {
    type F = lives::Iterators;
    for failing in [0, 1, 3, 4, 5, 20] {
        let ledger = Ledger::default();
        let mut made = 0;
        let values = iter::from_fn(|| {
            assert!(made < failing, "iterator");
            made += 1;
            Some(ledger.value())
        });
        if failing % 2 == 0 {
            assert_eq!(panic_of(|| values.collect::<SmallVec<_, 4, F>>()), "iterator");
        } else {
            assert_eq!(panic_of(|| values.collect::<FamilyVec<_, F>>()), "iterator");
        }
        assert_eq!((ledger.made(), ledger.live()), (failing, 0));
        assert_eq!(usage::<F>().live_objects, 0);
    }
    // What came before the panic is there.
    let ledger = Ledger::default();
    let mut vec = SmallVec::<_, 4, F>::from(ledger.values(2));
    let values = (0..9).map(|at| if at < 5 { ledger.value() } else { panic!("iterator") });
    assert_eq!(panic_of(|| vec.extend(values)), "iterator");
    assert!(vec.iter().map(|value| value.index).eq(0..7));
}

#[test]
fn a_range_whose_iterator_is_forgotten_is_lost_and_nothing_else() {
    let ledger = Ledger::default();
    let mut vec = SmallVec::<Tracked, 2, lives::Forgotten>::from(ledger.values(5));
    let lost: Vec<Tracked> = {
        let mut range = vec.drain(1..3);
        let mut lost: Vec<_> = range.by_ref().collect();
        mem::forget(range);
        // The tail is lost too; it is dropped here so that the ledger closes.
        let tail = vec.as_ptr().wrapping_add(3);
        // SAFETY: elements 3 and 4 are still there, and no vector knows them any more.
        lost.extend((0..2).map(|index| unsafe { tail.add(index).read() }));
        lost
    };
    assert_eq!(vec.len(), 1);
    assert_eq!(lost.len(), 4);
}
