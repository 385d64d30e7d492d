//! Tests of the handshake, apart from it: models are made of that file.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::ThreadCache;
use super::handshake::{REST, unload_all, unload_idle};
use crate::os;
use crate::table::FamilyTable;
use famalloc::FamilySet;

#[famalloc::alloc_family]
enum Lives {
    Work,
}

/// Allocates and frees so many at once.
fn use_slots(count: usize) {
    let slots: Vec<_> =
        (0..count).map(|_| famalloc::alloc_in::<lives::Work>(48).unwrap()).collect();
    // SAFETY: allocated above, each freed once.
    slots.into_iter().for_each(|slot| unsafe { famalloc::free_in::<lives::Work>(slot, 48) });
}

/// How many slots of a family are in magazines.
fn in_magazines(family: &FamilyTable) -> usize {
    let list = family.caches.lock();
    // SAFETY: caches in the list stay valid while the list is locked.
    let caches = list.iter().map(|links| unsafe { ThreadCache::of_links(links) });
    let of_cache = |cache: &ThreadCache| {
        cache.classes().map(|class| cache.heads[class].len(class)).sum::<usize>()
    };
    caches.map(of_cache).sum()
}

/// Who has been in its slow path since the last look keeps what it has; who has not for a while, loses it.
#[test]
fn threads_at_work_are_left_alone() {
    if !os::barrier_all_threads() {
        return;
    }
    let (order, orders) = mpsc::channel();
    let (answer, answers) = mpsc::channel();
    let worker = thread::spawn(move || {
        for count in orders {
            use_slots(count);
            answer.send(()).unwrap();
        }
    });
    let work = |count| {
        order.send(count).unwrap();
        answers.recv().unwrap();
    };
    work(10);
    let family = Lives::table().used(0).unwrap();
    assert!(in_magazines(family) >= 10);
    unload_idle(family);
    assert_eq!(in_magazines(family), 1, "nobody had looked");
    for _ in 0..3 {
        // More than a magazine holds.
        work(500);
        let before = in_magazines(family);
        assert!(before >= 10, "{before}");
        unload_idle(family);
        assert_eq!(in_magazines(family), before, "it was at work");
        thread::sleep(Duration::from_millis(3 * u64::from(REST)));
        unload_idle(family);
        assert_eq!(in_magazines(family), 1, "it was not");
    }
    work(500);
    assert!(in_magazines(family) >= 10);
    unload_all(family);
    assert_eq!(in_magazines(family), 1, "at work or not");
    drop(order);
    worker.join().unwrap();
}
