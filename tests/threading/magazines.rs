//! A thread's magazines of a cell: what they hold, what is handed out first, when the lane is asked, and how
//! they count in the peak. Counted, not timed.

use core::ptr::NonNull;
use std::collections::VecDeque;
use std::sync::mpsc::channel;

use crate::common::{Sent, assert_all_given_back, one_at_a_time, times, usage};
use famalloc::{AllocErrorKind, Family, alloc_family, alloc_in, flush, free_in, query};

/// The most slots of a magazine, and how many it gets first.
const FULL: usize = 126;
const FIRST: usize = 4;
const SIZE: usize = 40;

/// Live objects of a family, all of one size, the latest last.
struct Objects<F: Family, const BYTES: usize = SIZE> {
    live: VecDeque<NonNull<u8>>,
    family: core::marker::PhantomData<F>,
}

impl<F: Family, const BYTES: usize> Objects<F, BYTES> {
    fn new(count: usize) -> Self {
        let mut objects = Self { live: VecDeque::new(), family: core::marker::PhantomData };
        objects.take(count);
        objects
    }

    fn take(&mut self, count: usize) {
        self.live.extend((0..count).map(|_| alloc_in::<F>(BYTES).unwrap()));
    }

    /// Takes all that the magazines and depots have.
    fn take_parked(&mut self) {
        while let count @ 1.. = parked::<F>() {
            self.take(count);
        }
    }

    /// Frees the latest, the last first.
    fn give_back(&mut self, count: usize) {
        for slot in self.live.drain(self.live.len() - count..).rev() {
            // SAFETY: live, of this size, and not used again.
            unsafe { free_in::<F>(slot, BYTES) };
        }
    }

    /// Frees the earliest.
    fn give(&mut self, count: usize) {
        for slot in self.live.drain(..count) {
            // SAFETY: live, of this size, and not used again.
            unsafe { free_in::<F>(slot, BYTES) };
        }
    }
}

impl<F: Family, const BYTES: usize> Drop for Objects<F, BYTES> {
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
    // Miri has the last three, of which few fill a magazine.
    let sizes = [1, 8, 64, 504, 520, 576, 640, 1024, 1025, 4096, 20_480, 32_768];
    for size in sizes.into_iter().skip(times(0, 9)) {
        let start = alloc_in::<lives::A>(size).unwrap();
        let class = |size| usage::<lives::A>().classes.into_iter().find(|it| it.slot_bytes >= size);
        let used = class(size).unwrap();
        let capacity = ((16 << 10) / used.slot_bytes).clamp(2, FULL);
        let block = query(start.as_ptr()).unwrap();
        let in_block = (block.block + block.block_bytes - start.addr().get()) / used.slot_bytes;
        let first = FIRST.min(capacity).min(in_block);
        assert_eq!(used.parked_objects + 1, first, "a magazine of {size} bytes");
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

/// A magazine is filled with a few slots at first, and with more each time; and with few again once a thread's
/// magazines were emptied.
#[test]
fn magazines_fill_slowly_at_first() {
    #[alloc_family]
    enum Lives {
        A,
    }
    let _alone = one_at_a_time();
    for _ in 0..2 {
        let mut objects = Objects::<lives::A>::new(0);
        for fill in [FIRST, 2 * FIRST, 4 * FIRST, 8 * FIRST, 16 * FIRST, FULL, FULL] {
            objects.take(1);
            assert_eq!(parked::<lives::A>() + 1, fill);
            objects.take(fill - 1);
            assert_eq!(parked::<lives::A>(), 0);
        }
        drop(objects);
        flush();
    }
    assert_all_given_back::<Lives>();
}

/// What was freed last is handed out first, through both magazines and what is parked of them.
#[test]
fn what_is_freed_last_is_handed_out_first() {
    #[alloc_family]
    enum Lives {
        A,
    }
    let _alone = one_at_a_time();
    let counts = [1, 2, FIRST, FULL, FULL + 1, 2 * FULL, 4 * FULL];
    for count in counts.into_iter().take(times(7, 5)) {
        let mut objects = Objects::<lives::A>::new(count);
        let before = objects.live.clone();
        objects.give_back(count);
        objects.take(count);
        let after: Vec<_> = objects.live.iter().copied().collect();
        assert_eq!(after, Vec::from(before), "{count} objects");
        drop(objects);
        flush();
    }
    assert_all_given_back::<Lives>();
}

/// A magazine's worth of operations lies between two visits to the lane, in whatever order they come.
#[test]
fn the_lane_is_asked_once_for_a_magazine_of_operations() {
    #[alloc_family]
    enum Lives {
        A,
    }
    let _alone = one_at_a_time();
    // So many in the magazines at first, wherever between the two they begin to go up and down.
    let all = [FULL - 1, 0, 1, FULL / 2, FULL, FULL + 1, 2 * FULL - 1, 2 * FULL];
    for held in all.into_iter().take(times(8, 1)) {
        let mut objects = Objects::<lives::A>::new(times(10, 3) * FULL);
        objects.take_parked();
        objects.give(held);
        assert_eq!(parked::<lives::A>(), held);
        for step in [1, 2, FULL / 2, FULL].into_iter().take(times(4, 2)) {
            let before = locks::<lives::A>();
            for _ in 0..times(20, 5) {
                objects.give(step);
                objects.take(step);
                objects.take(step);
                objects.give(step);
            }
            let visits = (locks::<lives::A>() - before) as usize;
            // Where the ups and downs fit into the two, they do after a visit or two.
            let most = if 2 * step <= FULL { 4 } else { 20 * 4 * step / FULL };
            assert!(visits <= most, "{visits} visits with {held} and steps of {step}");
        }
        drop(objects);
        flush();
    }
    assert_all_given_back::<Lives>();
}

/// Room is made without a lock as long as one of the two is empty.
#[test]
fn a_full_magazine_waits_behind_an_empty_one() {
    #[alloc_family]
    enum Lives {
        A,
    }
    let _alone = one_at_a_time();
    let mut objects = Objects::<lives::A>::new(times(10, 3) * FULL);
    objects.take_parked();
    let before = locks::<lives::A>();
    objects.give(FULL);
    assert_eq!(locks::<lives::A>(), before);
    // The second comes into being with the next one, which asks the space for a magazine.
    objects.give(FULL);
    let lanes = || usage::<lives::A>().classes[0].lock_acquisitions;
    let before = lanes();
    objects.take(2 * FULL);
    objects.give(2 * FULL);
    assert_eq!(lanes(), before);
    objects.give(1);
    assert_eq!(lanes(), before + 1);
    assert_eq!(parked::<lives::A>(), 2 * FULL + 1);
    drop(objects);
    assert_all_given_back::<Lives>();
}

/// At its limit a family serves what lies in the magazines, and does no deferred work for it.
#[test]
fn at_the_limit_a_few_freed_slots_are_served_from_the_magazine() {
    #[alloc_family]
    enum Lives {
        #[family(limit = "64 KiB")]
        A,
    }
    let _alone = one_at_a_time();
    // Large ones under Miri, so that fewer fit.
    const SIZE: usize = times(40, 120);
    let mut objects = Objects::<lives::A, SIZE>::new(times(1000, 400));
    let error = loop {
        match alloc_in::<lives::A>(SIZE) {
            Ok(slot) => objects.live.push_back(slot),
            Err(error) => break error,
        }
    };
    assert_eq!((error.kind(), parked::<lives::A>()), (AllocErrorKind::Limit, 0));
    for freed in [1, 5, FULL, 2 * FULL] {
        objects.give(freed);
        let before = locks::<lives::A>();
        objects.take(freed);
        assert_eq!(locks::<lives::A>() - before, 0, "{freed} were freed");
        assert_eq!(alloc_in::<lives::A>(SIZE).unwrap_err().kind(), AllocErrorKind::Limit);
    }
    drop(objects);
    assert_all_given_back::<Lives>();
}

/// Of what lies in a magazine, no more than one magazine is in the peak.
#[test]
fn the_peak_is_hardly_too_high() {
    #[alloc_family]
    enum Lives {
        Parks,
        Unloads,
        Exchanges,
        Few,
    }
    let _alone = one_at_a_time();
    const LIVE: usize = 4 * FULL - 30;
    const LESS: usize = times(LIVE, 2 * FULL - 30);
    let about = |live| live..=live + FULL;
    let mut objects = Objects::<lives::Parks>::new(LIVE);
    objects.give(3 * FULL);
    objects.take(3 * FULL);
    objects.give(3 * FULL);
    assert!(about(LIVE).contains(&peak::<lives::Parks>()), "when magazines are parked");
    drop(objects);
    let mut objects = Objects::<lives::Unloads>::new(LESS);
    for _ in 0..times(5, 1) {
        objects.give(FULL + 1);
        objects.take(FULL - 6);
        flush();
        objects.take(7);
        assert!(about(LESS).contains(&peak::<lives::Unloads>()), "when both are emptied");
    }
    drop(objects);
    let mut objects = Objects::<lives::Exchanges>::new(LESS);
    for _ in 0..times(5, 1) {
        objects.give(FULL + 1);
        objects.take(FULL + 1);
        assert!(about(LESS).contains(&peak::<lives::Exchanges>()), "when slots are added");
    }
    drop(objects);
    let mut objects = Objects::<lives::Few>::new(1);
    for _ in 0..times(1000, 20) {
        objects.give(1);
        objects.take(1);
    }
    assert!(peak::<lives::Few>() <= FIRST, "when there was only one");
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
    const MAILED: usize = times(10, 3) * FULL;
    let mut objects = Objects::<lives::Swaps>::new(LIVE);
    objects.give(FULL + 10);
    // What the two had before and what was freed since, to the last.
    objects.take(FULL + 10);
    objects.take_parked();
    let most = objects.live.len();
    // Some lie in the previous magazine when one is parked.
    objects.give(FULL + 1);
    objects.take(100);
    objects.give(FULL);
    objects.give(FULL);
    assert!((most..=most + FULL).contains(&peak::<lives::Swaps>()));
    drop(objects);
    // What another thread freed comes home by mail, before its lane has noted that it was out.
    let (send, receive) = channel::<Vec<Sent>>();
    let mine = (0..MAILED).map(|_| Sent::new(alloc_in::<lives::Mails>(SIZE).unwrap())).collect();
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
    assert!(peak::<lives::Mails>() >= MAILED, "{} is too low", peak::<lives::Mails>());
    // The lane's own exchanges, the last of which nothing has followed.
    let objects = Objects::<lives::Fills>::new(5 * FULL);
    assert!((5 * FULL..=6 * FULL).contains(&peak::<lives::Fills>()));
    drop(objects);
    assert_all_given_back::<Lives>();
}
