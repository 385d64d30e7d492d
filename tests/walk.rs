//! Walking and sweeping a family: exact against a model, in address order, and refused while
//! another thread's magazines could hide free slots.

mod common;

use core::alloc::Layout;
use core::ptr::NonNull;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;

use common::times;
use famalloc::{
    Family, FamilyBox, InUseError, RawAlloc, Snapshot, alloc_family, alloc_in, check, flush,
    free_in, query, sweep, walk,
};

/// One small step of a generator (xorshift64).
fn next(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 12) as usize
}

#[test]
fn agrees_with_a_model_over_random_lives() {
    #[alloc_family]
    enum Lives {
        Object,
        #[family(zero_on_free)]
        Other,
    }

    const OTHERS: u64 = times(100, 10) as u64;
    let mut random = 0x9E37_79B9_7F4A_7C15;
    let mut model: BTreeMap<usize, (NonNull<u8>, Layout)> = BTreeMap::new();
    let others: Vec<_> =
        (0..OTHERS).map(|value| FamilyBox::<u64, _>::new_in(value, lives::Other)).collect();
    for round in 0..times(40, 2) {
        for _ in 0..times(500, 10) {
            let bits = if next(&mut random) % 100 == 0 { 22 } else { next(&mut random) % 12 };
            let size = next(&mut random) % (1 << bits) + 1;
            let mut layout = Layout::from_size_align(size, 1 << (next(&mut random) % 5)).unwrap();
            if cfg!(miri) {
                // Few fill a magazine, each slot of which is looked at.
                let size = [500, 700, 5_000, 100_000][next(&mut random) % 4];
                layout = Layout::from_size_align(size, 8).unwrap();
            }
            let start = lives::Object.alloc(layout).unwrap();
            assert!(model.insert(start.addr().get(), (start, layout)).is_none());
        }
        // Some die by hand, so that free slots are parked in every place there is.
        let by_hand: Vec<_> =
            model.keys().copied().filter(|_| next(&mut random) % 5 == 0).collect();
        for address in by_hand {
            let (start, layout) = model.remove(&address).unwrap();
            // SAFETY: live in the model, and taken out of it.
            unsafe { lives::Object.free(start, layout) };
        }
        let mut walked = Vec::new();
        walk(lives::Object, |object, bytes| {
            let address = object.addr().get();
            assert!(model[&address].1.size() <= bytes);
            assert_eq!(query(object.as_ptr()).map(|it| it.slot_bytes), Some(bytes));
            walked.push(address);
        })
        .unwrap();
        let huge_last = |&address: &usize| model[&address].1.size() > 2 << 20;
        assert!(walked.is_sorted_by_key(|address| (huge_last(address), *address)));
        walked.sort_unstable();
        assert!(walked.iter().copied().eq(model.keys().copied()), "round {round}");
        // And some are swept.
        let doomed = |address: usize| (address >> 4) * 31 % 7 < 3;
        // SAFETY: what is declined is taken out of the model.
        let freed =
            unsafe { sweep(lives::Object, |object, _| !doomed(object.addr().get())).unwrap() };
        let before = model.len();
        model.retain(|&address, _| !doomed(address));
        assert_eq!(freed, before - model.len());
        assert_eq!(Snapshot::of::<Lives>().families[0].live_objects, model.len());
        check().unwrap();
    }
    // SAFETY: nothing is used again.
    unsafe { sweep(lives::Object, |_, _| false).unwrap() };
    assert_eq!(others.iter().map(|it| **it).sum::<u64>(), OTHERS * (OTHERS - 1) / 2);
    flush();
    let [object, other] = &Snapshot::of::<Lives>().families[..] else { panic!() };
    assert_eq!((object.live_objects, object.committed_bytes), (0, 0));
    assert_eq!(other.live_objects as u64, OTHERS);
}

#[test]
fn a_family_nobody_used_has_nothing() {
    #[alloc_family]
    enum Lives {
        Object,
    }

    assert_eq!(walk(lives::Object, |_, _| panic!()), Ok(()));
}

#[test]
fn a_sweep_may_use_other_families() {
    const EACH: usize = times(2500, 40);
    #[alloc_family]
    enum Lives {
        Object,
        Part,
    }

    let objects: Vec<_> = (0..2 * EACH as u64)
        .map(|value| {
            let part = FamilyBox::<u64, _>::new_in(value, lives::Part);
            FamilyBox::into_raw(FamilyBox::new_in(part, lives::Object))
        })
        .collect();
    let mut made = Vec::new();
    // SAFETY: objects with even parts are not used again; they are moved out here.
    let freed = unsafe {
        sweep(lives::Object, |object, _| {
            let part = object.cast::<FamilyBox<u64, lives::Part>>();
            let odd = **part.as_ref() % 2 == 1;
            if !odd {
                made.push(FamilyBox::<u64, _>::new_in(*part.read(), lives::Part));
            }
            odd
        })
        .unwrap()
    };
    assert_eq!((freed, made.len()), (EACH, EACH));
    check().unwrap();
    let live: Vec<_> = Snapshot::of::<Lives>().families.iter().map(|it| it.live_objects).collect();
    assert_eq!(live, [EACH, 2 * EACH]);
    for (value, &object) in objects.iter().enumerate().skip(1).step_by(2) {
        // SAFETY: the odd ones were kept.
        assert_eq!(**unsafe { &*object }, value as u64);
    }
}

#[test]
fn a_panic_in_the_callback_leaves_the_family_whole() {
    #[alloc_family]
    enum Lives {
        Object,
    }

    const COUNT: usize = times(1000, 150);
    let boxes: Vec<_> =
        (0..COUNT as u64).map(|value| FamilyBox::<u64, _>::new_in(value, lives::Object)).collect();
    let mut calls = 0;
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        walk(lives::Object, |_, _| {
            calls += 1;
            assert!(calls < 100, "enough");
        })
    }));
    assert!(panicked.is_err());
    check().unwrap();
    assert_eq!(Snapshot::of::<Lives>().families[0].live_objects, COUNT);
    drop(boxes);
    assert_eq!(Snapshot::of::<Lives>().families[0].live_objects, 0);
}

#[test]
fn refused_while_another_thread_has_magazines() {
    #[alloc_family]
    enum Lives {
        Object,
    }

    let (made, wait) = channel();
    let (go_on, gate) = channel::<()>();
    let other = std::thread::spawn(move || {
        made.send(FamilyBox::<u64, _>::new_in(7, lives::Object)).unwrap();
        gate.recv().unwrap();
    });
    let object = wait.recv().unwrap();
    assert_eq!(walk(lives::Object, |_, _| panic!()), Err(InUseError));
    go_on.send(()).unwrap();
    other.join().unwrap();
    let mut visited = 0;
    walk(lives::Object, |_, _| visited += 1).unwrap();
    assert_eq!((visited, *object), (1, 7));
}

/// An extent that a sweep empties may be another family's before the sweep has gone through it.
#[test]
fn a_sweep_stays_in_its_family() {
    const SIZE: usize = 100_000;

    #[alloc_family]
    enum Lives {
        Swept,
        North,
        East,
        South,
        West,
    }

    /// Takes an extent and gives it back, again and again.
    fn come_and_go<F: Family>(done: &AtomicBool) {
        while !done.load(Ordering::Relaxed) {
            let pair = [(); 2].map(|()| alloc_in::<F>(SIZE).unwrap());
            // SAFETY: live.
            pair.into_iter().for_each(|it| unsafe { free_in::<F>(it, SIZE) });
        }
    }

    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| come_and_go::<lives::North>(&done));
        scope.spawn(|| come_and_go::<lives::East>(&done));
        if !cfg!(miri) {
            scope.spawn(|| come_and_go::<lives::South>(&done));
            scope.spawn(|| come_and_go::<lives::West>(&done));
        }
        let mut strangers = 0;
        for _ in 0..times(200_000, 5) {
            let own = alloc_in::<lives::Swept>(SIZE).unwrap();
            // SAFETY: the one object there is is not used again; any other is kept.
            let freed = unsafe {
                sweep(lives::Swept, |object, _| {
                    strangers += usize::from(object != own);
                    object != own
                })
            };
            if freed != Ok(1) || strangers > 0 {
                break;
            }
        }
        done.store(true, Ordering::Relaxed);
        assert_eq!(strangers, 0);
    });
    check().unwrap();
}

/// What is visited may be freed by the visit, its block with it, and the block's place be taken by
/// one of another class.
#[test]
fn a_visit_may_free_everything() {
    #[alloc_family]
    enum Lives {
        Object,
    }

    const COUNT: usize = times(1000, 130);
    let mut objects: Vec<_> =
        (0..COUNT as u64).map(|value| FamilyBox::<u64, _>::new_in(value, lives::Object)).collect();
    let mut others = Vec::new();
    let mut gone = 0;
    walk(lives::Object, |object, bytes| {
        gone += usize::from(bytes == 8);
        if others.is_empty() {
            objects.clear();
            flush();
            others.extend(
                (0..COUNT).map(|_| FamilyBox::<[u64; 2], _>::new_in([7; 2], lives::Object)),
            );
        }
        if bytes == 16 {
            assert_eq!(query(object.as_ptr()).map(|found| found.offset), Some(0));
        }
    })
    .unwrap();
    // Those of one bitmap word had been looked up before.
    assert!(gone <= 64, "{gone} visits");
    check().unwrap();
    assert!(others.iter().all(|it| **it == [7; 2]));
}
