//! A thread's two magazines of a cell: what they hold, when they change places, when the lane adds to
//! them, and what is known of slots that lie idle in them. Counted, not timed.

mod common;

use core::ptr::NonNull;
use std::collections::{BTreeSet, VecDeque};
use std::sync::mpsc::channel;

use common::{Sent, assert_all_given_back, one_at_a_time, usage};
use famalloc::{AllocErrorKind, Family, alloc_family, alloc_in, flush, free_in, query};

/// The most slots of a magazine, and the most that are few.
const FULL: usize = 126;
const FEW: usize = FULL / 4;
const SIZE: usize = 40;

/// Live objects of a family, all of one size, the latest last.
struct Objects<F: Family> {
    live: VecDeque<NonNull<u8>>,
    family: core::marker::PhantomData<F>,
}

impl<F: Family> Objects<F> {
    fn new(count: usize) -> Self {
        let mut objects = Self { live: VecDeque::new(), family: core::marker::PhantomData };
        objects.take(count);
        objects
    }

    fn take(&mut self, count: usize) {
        self.live.extend((0..count).map(|_| alloc_in::<F>(SIZE).unwrap()));
    }

    /// Frees the earliest.
    fn give(&mut self, count: usize) {
        for slot in self.live.drain(..count) {
            // SAFETY: live, of this size, and not used again.
            unsafe { free_in::<F>(slot, SIZE) };
        }
    }
}

impl<F: Family> Drop for Objects<F> {
    fn drop(&mut self) {
        self.give(self.live.len());
    }
}

/// The peak of a family, all of whose objects are of one size.
fn peak<F: Family>() -> usize {
    usage::<F>().classes[0].peak_objects
}

/// The slots that wait in magazines and depots.
fn parked<F: Family>() -> usize {
    usage::<F>().classes[0].parked_objects
}

fn locks<F: Family>() -> u64 {
    usage::<F>().lock_acquisitions
}

#[test]
fn magazines_and_depots_hold_as_many_as_is_said() {
    #[alloc_family]
    enum Lives {
        A,
    }
    let _alone = one_at_a_time();
    for size in [1, 8, 64, 504, 520, 576, 640, 1024, 1025, 4096, 20_480, 32_768] {
        let start = alloc_in::<lives::A>(size).unwrap();
        let class = |size| usage::<lives::A>().classes.into_iter().find(|it| it.slot_bytes >= size);
        let used = class(size).unwrap();
        let capacity = ((16 << 10) / used.slot_bytes).clamp(2, FULL);
        let block = query(start.as_ptr()).unwrap();
        let in_block = (block.block + block.block_bytes - start.addr().get()) / used.slot_bytes;
        assert_eq!(used.parked_objects + 1, capacity.min(in_block), "a magazine of {size} bytes");
        let more: Vec<_> =
            (0..capacity * 20).map(|_| alloc_in::<lives::A>(size).unwrap()).collect();
        for slot in more.into_iter().chain([start]) {
            // SAFETY: live, each once.
            unsafe { free_in::<lives::A>(slot, size) };
        }
        // The depot is full, and there is something in the magazines.
        let depot = ((64 << 10) / (used.slot_bytes * capacity)).clamp(2, 8);
        let parked = class(size).unwrap().parked_objects;
        let range = depot * capacity + 1..=(depot + 2) * capacity;
        assert!(range.contains(&parked), "{parked} of {size} bytes are parked, not {range:?}");
        flush();
    }
    assert_all_given_back::<Lives>();
}

/// A program that allocates and frees in turn, with few slots in reach, gets more of them, each time
/// that they have become few.
#[test]
fn few_slots_become_more() {
    #[alloc_family]
    enum Lives {
        A,
    }
    let _alone = one_at_a_time();
    let mut objects = Objects::<lives::A>::new(FULL - 5);
    for _ in 0..3 {
        // Five are left in the one; they go round until both have changed places or been added to.
        assert_eq!(parked::<lives::A>(), 5);
        for _ in 0..6 {
            objects.give(1);
            objects.take(1);
        }
        assert_eq!(parked::<lives::A>(), FULL + 5);
        let before = locks::<lives::A>();
        for _ in 0..10 * FULL {
            objects.give(1);
            objects.take(1);
        }
        assert_eq!(locks::<lives::A>(), before, "one exchange is enough");
        objects.take(FULL);
    }
    drop(objects);
    assert_all_given_back::<Lives>();
}

/// What was freed is had again before a second magazine is, however little it is.
#[test]
fn a_program_that_only_allocates_comes_to_what_it_freed() {
    #[alloc_family]
    enum Lives {
        A,
    }
    let _alone = one_at_a_time();
    for freed in [1, FEW, FEW + 1, FULL] {
        let mut objects = Objects::<lives::A>::new(3 * FULL);
        let given: BTreeSet<_> = objects.live.iter().copied().take(freed).collect();
        objects.give(freed);
        let (live, before) = (objects.live.len(), locks::<lives::A>());
        let added = if freed <= FEW { FULL } else { 0 };
        objects.take(added + freed);
        let taken: BTreeSet<_> = objects.live.iter().copied().skip(live).collect();
        assert!(given.is_subset(&taken), "{freed} were freed");
        assert_eq!(locks::<lives::A>() - before, u64::from(added > 0));
        assert_eq!(parked::<lives::A>(), 0);
        drop(objects);
        flush();
    }
    assert_all_given_back::<Lives>();
}

/// Making room in one magazine needs no lock while there is little in the other.
#[test]
fn a_full_magazine_takes_the_place_of_one_with_few() {
    #[alloc_family]
    enum Lives {
        A,
    }
    let _alone = one_at_a_time();
    for (loaded, parks) in [(0, false), (FEW, false), (FEW + 1, true)] {
        let mut objects = Objects::<lives::A>::new(4 * FULL - loaded);
        let before = locks::<lives::A>();
        objects.give(FULL);
        assert_eq!(locks::<lives::A>(), before);
        objects.give(1);
        assert_eq!(locks::<lives::A>() - before, u64::from(parks), "with {loaded} in the other");
        assert_eq!(parked::<lives::A>(), loaded + FULL + 1);
        drop(objects);
        flush();
    }
    assert_all_given_back::<Lives>();
}

/// At its limit a family serves what lies in the other magazine, and does no deferred work for it.
#[test]
fn at_the_limit_a_few_freed_slots_are_served_from_the_magazine() {
    #[alloc_family]
    enum Lives {
        #[family(limit = "64 KiB")]
        A,
    }
    let _alone = one_at_a_time();
    let mut objects = Objects::<lives::A>::new(1000);
    let error = loop {
        match alloc_in::<lives::A>(SIZE) {
            Ok(slot) => objects.live.push_back(slot),
            Err(error) => break error,
        }
    };
    assert_eq!((error.kind(), parked::<lives::A>()), (AllocErrorKind::Limit, 0));
    for freed in [1, 5, FEW] {
        objects.give(freed);
        let before = locks::<lives::A>();
        objects.take(freed);
        // The lane's and the family's.
        assert_eq!(locks::<lives::A>() - before, 2, "{freed} were freed");
        assert_eq!(alloc_in::<lives::A>(SIZE).unwrap_err().kind(), AllocErrorKind::Limit);
    }
    drop(objects);
    assert_all_given_back::<Lives>();
}

/// Slots that lie in a magazine all the while have not been the program's.
#[test]
fn idle_slots_are_not_in_the_peak() {
    #[alloc_family]
    enum Lives {
        Parks,
        Unloads,
        Exchanges,
    }
    let _alone = one_at_a_time();
    const LIVE: usize = 4 * FULL - 30;
    // The other magazine takes the place of one with 30 slots, and these lie idle below what is freed.
    let mut objects = Objects::<lives::Parks>::new(LIVE);
    objects.give(3 * FULL);
    assert_eq!(peak::<lives::Parks>(), LIVE, "when a magazine is parked");
    drop(objects);
    let mut objects = Objects::<lives::Unloads>::new(LIVE);
    objects.give(FULL + 1);
    objects.take(FULL - 6);
    flush();
    assert_eq!(peak::<lives::Unloads>(), LIVE, "when both are emptied");
    drop(objects);
    let mut objects = Objects::<lives::Exchanges>::new(LIVE);
    objects.give(FULL + 1);
    objects.take(FULL);
    // One lies above the 30: few, so the lane adds to them.
    objects.take(1);
    assert_eq!(parked::<lives::Exchanges>(), FULL - 1 + 31);
    assert_eq!(peak::<lives::Exchanges>(), LIVE, "when slots are added");
    objects.give(3);
    flush();
    assert_eq!(peak::<lives::Exchanges>(), LIVE, "after slots were added");
    drop(objects);
    assert_all_given_back::<Lives>();
}

/// Slots that have been the program's in between are in the peak, wherever they lie when it is noted.
#[test]
fn the_peak_is_never_too_low() {
    #[alloc_family]
    enum Lives {
        Swaps,
        Mails,
        Fills,
    }
    let _alone = one_at_a_time();
    const LIVE: usize = 4 * FULL - 30;
    let mut objects = Objects::<lives::Swaps>::new(LIVE);
    // Places are changed, with 30 idle ones in the magazine that is freed into since; ...
    objects.give(FULL + 1);
    // ... they come back with what was freed after them, and all are the program's.
    objects.give(9);
    objects.take(FULL);
    objects.take(40);
    assert_eq!((objects.live.len(), parked::<lives::Swaps>()), (4 * FULL, 0));
    // After two more changes some lie in the other magazine when one is parked.
    objects.give(FULL + 1);
    objects.take(100);
    objects.give(FULL);
    objects.give(FULL);
    assert_eq!(peak::<lives::Swaps>(), 4 * FULL);
    drop(objects);
    // What another thread freed comes home by mail, before its lane has noted that it was out.
    let (send, receive) = channel::<Vec<Sent>>();
    let mine = (0..10 * FULL).map(|_| Sent::new(alloc_in::<lives::Mails>(SIZE).unwrap())).collect();
    let thread = std::thread::spawn(move || {
        for slot in receive.recv().unwrap() {
            // SAFETY: live, of this size, each once.
            unsafe { free_in::<lives::Mails>(slot.get(), SIZE) };
        }
        flush();
    });
    send.send(mine).unwrap();
    thread.join().unwrap();
    assert_eq!(usage::<lives::Mails>().live_objects, 0);
    assert!(peak::<lives::Mails>() >= 10 * FULL, "{} is too low", peak::<lives::Mails>());
    // The lane's own exchanges, the last of which nothing has followed.
    let objects = Objects::<lives::Fills>::new(5 * FULL);
    assert_eq!(peak::<lives::Fills>(), 5 * FULL);
    drop(objects);
    assert_all_given_back::<Lives>();
}
