//! Freed slots on their way back to their blocks: in whatever order they come, each is free in its
//! block afterwards, is handed out again once, the lowest first, and a block that has room or is
//! empty is known to be.

use core::ptr::NonNull;
use std::collections::BTreeSet;

use crate::common::{
    Random, Sent, assert_aborted, assert_all_given_back, case, child, one_at_a_time, usage,
};
use famalloc::{
    AllocErrorKind, Family, System, alloc_family, alloc_in, check, flush, free_in, query, sweep,
};

fn take<F: Family>(size: usize) -> NonNull<u8> {
    let slot = alloc_in::<F>(size).unwrap();
    // SAFETY: live.
    unsafe { slot.write(0xA5) };
    slot
}

fn give<F: Family>(size: usize, slot: NonNull<u8>) {
    // SAFETY: live, of this size, and not used again.
    unsafe { free_in::<F>(slot, size) };
}

/// The orders in which slots are freed.
#[derive(Clone, Copy, Debug)]
enum Way {
    Ascending,
    Descending,
    /// Runs of up to this many, ascending and descending by turns, in any order.
    Runs(usize),
    Scattered,
    /// Ascending, by turns with slots of another class of the family.
    Mixed,
}

const WAYS: [Way; 7] = [
    Way::Ascending,
    Way::Descending,
    Way::Runs(7),
    Way::Runs(100),
    Way::Runs(1000),
    Way::Scattered,
    Way::Mixed,
];

fn shuffle<T>(random: &mut Random, items: &mut [T]) {
    for at in (1..items.len()).rev() {
        items.swap(at, random.below(at + 1));
    }
}

/// These slots, which are in ascending order, in another.
fn arrange(way: Way, random: &mut Random, mut slots: Vec<NonNull<u8>>) -> Vec<NonNull<u8>> {
    match way {
        Way::Ascending | Way::Mixed => {}
        Way::Descending => slots.reverse(),
        Way::Scattered => shuffle(random, &mut slots),
        Way::Runs(most) => {
            let mut runs = Vec::new();
            while !slots.is_empty() {
                let len = 1 + random.below(most);
                let mut run = slots.split_off(slots.len().saturating_sub(len));
                if random.below(2) == 0 {
                    run.reverse();
                }
                runs.push(run);
            }
            shuffle(random, &mut runs);
            slots = runs.concat();
        }
    }
    slots
}

/// Fills some blocks, frees most of it in the given order, and has the same slots again, the lowest
/// first.
fn round<F: Family>(size: usize, count: usize, way: Way, random: &mut Random) {
    let what = format!("{size} bytes, {way:?}");
    let mut live: Vec<_> = (0..count).map(|_| take::<F>(size)).collect();
    live.sort_unstable();
    // Now and then a slot stays, so that every block does; and the last, so that none is carved anew.
    let mut next = random.below(10);
    let (mut kept, mut gone) = (Vec::new(), Vec::new());
    for (at, &slot) in live.iter().enumerate() {
        if at == next || at + 1 == count {
            kept.push(slot);
            next = at + 1 + random.below(300.min(30_000 / size));
        } else {
            gone.push(slot);
        }
    }
    let blocks = usage::<F>().blocks;
    let freed = arrange(way, random, gone.clone());
    let other = size * 2;
    for &slot in &freed {
        if matches!(way, Way::Mixed) {
            give::<F>(other, take::<F>(other));
        }
        give::<F>(size, slot);
    }
    check().unwrap();
    flush();
    check().unwrap();
    let used = usage::<F>();
    assert_eq!(used.live_objects, kept.len(), "{what}");
    let again: Vec<_> = gone.iter().map(|_| take::<F>(size)).collect();
    assert!(again == gone, "not the same slots again in order: {what}");
    let used = usage::<F>();
    assert_eq!((used.live_objects, used.blocks), (count, blocks), "{what}");
    check().unwrap();
    // All go; blocks that are empty go at once, but for what is still parked of them.
    let mut all = live;
    if let Way::Runs(_) | Way::Scattered = way {
        // A block at a time, each in this order.
        let of_block = count.div_ceil(blocks);
        let parts = all.chunks(of_block).map(|part| arrange(way, random, part.to_vec()));
        all = parts.collect::<Vec<_>>().concat();
    } else {
        all = arrange(way, random, all);
    }
    all.into_iter().for_each(|slot| give::<F>(size, slot));
    // Two magazines and a depot may hold slots of some blocks, and two in part.
    let parked = 10 * 126 * size / (64 << 10) + 3;
    let left = usage::<F>().blocks;
    assert!(left <= parked, "{left} of {blocks} blocks are left: {what}");
    check().unwrap();
    assert_all_given_back::<F::Set>();
}

/// At addresses that nobody had: blocks are where they are in order.
macro_rules! every_way {
    ($name:ident, $($attributes:tt)*) => {
        #[test]
        fn $name() {
            static PAGES: System = System::new();
            #[alloc_family(source = PAGES)]
            enum Lives {
                $($attributes)*
                A,
            }
            let _alone = one_at_a_time();
            let mut random = Random::new(3);
            for way in WAYS {
                for (size, count) in [(8, 9_000), (40, 3_500), (48, 3_000), (1000, 300)] {
                    round::<lives::A>(size, count, way, &mut random);
                }
            }
        }
    };
}

every_way!(slots_of_short_blocks_come_back_in_every_order,);
every_way!(slots_of_long_blocks_come_back_in_every_order, #[family(block = "128 KiB")]);

/// A byte each, two million of them in one block, of which the last word is the 32,768th.
#[test]
fn the_longest_bitmap_is_searched_to_its_end() {
    static PAGES: System = System::new();
    #[alloc_family(source = PAGES)]
    enum Lives {
        #[family(block = "2 MiB")]
        Byte,
    }
    let _alone = one_at_a_time();
    let mut live: Vec<_> = (0..(2 << 20) + 10).map(|_| take::<lives::Byte>(1)).collect();
    live.sort_unstable();
    let first = query(live[0].as_ptr()).unwrap();
    let of_first = live.partition_point(|slot| slot.addr().get() < first.block + first.block_bytes);
    assert_eq!((first.block_bytes, of_first), (2 << 20, 2 << 20));
    // Full to its end; a few of its last slots are freed, alone and as a run.
    let places = [of_first - 1, of_first - 70, of_first - 1000].into_iter();
    let places = places.chain(of_first - 400_000..of_first - 399_000).chain([5000, 3]);
    let mut gone: Vec<_> = places.map(|at| live[at]).collect();
    gone.iter().for_each(|&slot| give::<lives::Byte>(1, slot));
    flush();
    check().unwrap();
    gone.sort_unstable();
    let again: Vec<_> = gone.iter().map(|_| take::<lives::Byte>(1)).collect();
    assert!(again == gone);
    assert_eq!(usage::<lives::Byte>().blocks, 2);
    // SAFETY: nobody uses any of them again.
    let freed = unsafe { sweep(lives::Byte, |_, _| false) };
    assert_eq!(freed, Ok(live.len()));
    assert_eq!(usage::<lives::Byte>().blocks, 1, "the last with room is kept for what comes next");
    assert_all_given_back::<Lives>();
}

/// A limit of one granule leaves room for a block of two of the largest slots, which is full, half
/// full and empty by turns.
#[test]
fn a_block_of_two_slots_counts_to_two() {
    #[alloc_family]
    enum Lives {
        #[family(limit = "64 KiB")]
        Two,
    }
    const SIZE: usize = 32 << 10;
    let _alone = one_at_a_time();
    for round in 0..40 {
        let (one, two) = (take::<lives::Two>(SIZE), take::<lives::Two>(SIZE));
        assert!(one.addr().get().abs_diff(two.addr().get()) == SIZE);
        let error = alloc_in::<lives::Two>(SIZE).unwrap_err();
        assert_eq!((error.kind(), usage::<lives::Two>().live_objects), (AllocErrorKind::Limit, 2));
        let (first, second) = if round % 2 == 0 { (one, two) } else { (two, one) };
        give::<lives::Two>(SIZE, first);
        if round % 4 < 2 {
            flush();
            check().unwrap();
            assert_eq!(usage::<lives::Two>().live_objects, 1);
            assert_eq!(take::<lives::Two>(SIZE), first);
            give::<lives::Two>(SIZE, first);
        }
        give::<lives::Two>(SIZE, second);
        if round % 8 < 4 {
            flush();
        }
        check().unwrap();
        assert_eq!(usage::<lives::Two>().live_objects, 0);
    }
    assert_all_given_back::<Lives>();
}

/// Two threads with blocks of several granules, each of which frees what the other made.
#[test]
fn slots_of_another_lanes_long_blocks_find_home() {
    #[alloc_family]
    enum Lives {
        #[family(block = "512 KiB")]
        Long,
        Short,
    }
    fn swap_and_free<F: Family>() {
        const COUNT: usize = 20_000;
        let mut random = Random::new(8);
        let mut ours: Vec<_> = (0..COUNT).map(|_| Sent::new(take::<F>(48))).collect();
        let (send, receive) = std::sync::mpsc::channel();
        let (back, done) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            let theirs: Vec<_> = (0..COUNT).map(|_| Sent::new(take::<F>(48))).collect();
            send.send(theirs).unwrap();
            // Ends when the other has freed them.
            done.recv().unwrap();
        });
        let theirs = receive.recv().unwrap();
        ours.extend(theirs);
        ours[..COUNT].sort_unstable();
        shuffle(&mut random, &mut ours[COUNT / 2..]);
        for slot in ours {
            give::<F>(48, slot.get());
        }
        check().unwrap();
        assert_eq!(usage::<F>().live_objects, 0);
        back.send(()).unwrap();
        thread.join().unwrap();
    }
    let _alone = one_at_a_time();
    swap_and_free::<lives::Long>();
    swap_and_free::<lives::Short>();
    assert_all_given_back::<Lives>();
}

/// After far more was freed than a depot holds, here and there, allocation goes in order again; and
/// no more than once: what is freed after that is handed out again from the depot.
#[test]
fn much_scattered_freeing_is_followed_by_order() {
    static PAGES: System = System::new();
    #[alloc_family(source = PAGES)]
    enum Lives {
        A,
    }
    let _alone = one_at_a_time();
    let mut random = Random::new(4);
    let mut live: Vec<_> = (0..20_000).map(|_| take::<lives::A>(48)).collect();
    shuffle(&mut random, &mut live);
    let kept = live.split_off(19_000);
    live.into_iter().for_each(|slot| give::<lives::A>(48, slot));
    // What the thread has in its own magazines comes first.
    let before: Vec<_> = (0..2 * 126).map(|_| take::<lives::A>(48)).collect();
    let ordered: Vec<_> = (0..3000).map(|_| take::<lives::A>(48)).collect();
    assert!(ordered.is_sorted());
    // Five magazines of scattered slots, parked and had again.
    let mut latest = ordered[..630].to_vec();
    shuffle(&mut random, &mut latest);
    latest.iter().for_each(|&slot| give::<lives::A>(48, slot));
    let mut again: Vec<_> = (0..630).map(|_| take::<lives::A>(48)).collect();
    // Not from the blocks: there they would have been put in order.
    assert!(!again[2 * 126..].is_sorted());
    let (mut same, all) = (0, BTreeSet::from_iter(latest));
    again.iter().for_each(|slot| same += usize::from(all.contains(slot)));
    assert!(same >= 500, "{same} of 630 are the same again");
    again.extend(&ordered[630..]);
    [before, kept, again].concat().into_iter().for_each(|slot| give::<lives::A>(48, slot));
    assert_all_given_back::<Lives>();
}

/// Granules that were a lane's blocks are later parts of another lane's longer block.
#[test]
fn a_lane_does_not_take_its_former_blocks_for_its_own() {
    static PAGES: System = System::new();
    #[alloc_family(source = PAGES)]
    enum Lives {
        A,
    }
    const SIZE: usize = 4096;
    let _alone = one_at_a_time();
    let former: Vec<_> = (0..6 * 16).map(|_| take::<lives::A>(SIZE)).collect();
    assert!(former.iter().all(|slot| query(slot.as_ptr()).unwrap().block_bytes == 64 << 10));
    let granules: BTreeSet<_> = former.iter().map(|slot| slot.addr().get() >> 16).collect();
    let (send, receive) = std::sync::mpsc::channel();
    let (back, done) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        // So much that the next blocks are longer.
        let mut theirs: Vec<_> = (0..10 * 16).map(|_| take::<lives::A>(SIZE)).collect();
        send.send(Vec::new()).unwrap();
        done.recv().unwrap();
        theirs.extend((0..200).map(|_| take::<lives::A>(SIZE)));
        send.send(theirs.into_iter().map(Sent::new).collect()).unwrap();
        // Ends when the other has freed them.
        done.recv().unwrap();
    });
    receive.recv().unwrap();
    former.iter().for_each(|&slot| give::<lives::A>(SIZE, slot));
    flush();
    back.send(()).unwrap();
    let mut theirs = receive.recv().unwrap();
    let is_later_part = |slot: NonNull<u8>| {
        let (block, slot) = (query(slot.as_ptr()).unwrap().block, slot.addr().get());
        granules.contains(&(slot >> 16)) && slot - block >= 64 << 10
    };
    assert!(theirs.iter().any(|slot| is_later_part(slot.get())));
    shuffle(&mut Random::new(1), &mut theirs);
    for slot in theirs {
        give::<lives::A>(SIZE, slot.get());
    }
    flush();
    assert_eq!(usage::<lives::A>().live_objects, 0);
    back.send(()).unwrap();
    thread.join().unwrap();
    assert_all_given_back::<Lives>();
}

/// Slots of a full magazine of which two threads free the second half, the one after the other, so
/// that it is noticed when the magazine is flushed.
#[test]
fn a_run_that_was_freed_before_is_noticed() {
    const NAME: &str = "magazine_flush::a_run_that_was_freed_before_is_noticed";
    #[alloc_family]
    enum Lives {
        A,
        Other,
    }
    let twice = |step: usize, frees_others: bool| {
        let slots: Vec<_> = (0..3000).map(|_| take::<lives::A>(48)).collect();
        let block = |slot: NonNull<u8>| query(slot.as_ptr()).unwrap().block;
        let middle = block(slots[2000]);
        let slots: Vec<_> = slots.into_iter().filter(|&slot| block(slot) == middle).collect();
        eprintln!("pointer {:p}", slots[64]);
        let (send, receive) = std::sync::mpsc::channel::<()>();
        let (back, done) = std::sync::mpsc::channel::<()>();
        let all: Vec<_> = (0..126).map(|at| Sent::new(slots[at * step % 126])).collect();
        let thread = std::thread::spawn(move || {
            // Who has allocated frees into magazines from the first time on.
            give::<lives::Other>(48, take::<lives::Other>(48));
            for slot in all {
                give::<lives::A>(48, slot.get());
            }
            send.send(()).unwrap();
            // It ends after the same slots have come home from the other thread.
            done.recv().unwrap();
        });
        receive.recv().unwrap();
        let others = if frees_others { slots.len() } else { 126 };
        slots[64..others].iter().for_each(|&slot| give::<lives::A>(48, slot));
        flush();
        back.send(()).unwrap();
        thread.join().unwrap();
        flush();
        eprintln!("never noticed");
    };
    match case().as_deref() {
        None => {
            for case in ["a run", "the rest of a block", "scattered"] {
                let said = assert_aborted(child(NAME, case));
                let slot = said.split("pointer ").nth(1).unwrap().lines().next().unwrap();
                let expected = "as a slot of 48 bytes in family Lives::A: double free";
                assert!(said.contains(expected), "{case}: {said}");
                assert!(case == "scattered" || said.contains(slot), "{case}: {said}");
            }
        }
        Some("a run") => twice(1, false),
        // What is live of the block is freed with the first half of the run.
        Some("the rest of a block") => twice(1, true),
        Some(_) => twice(37, false),
    }
}
