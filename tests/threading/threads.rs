//! Threads that allocate and free each other's objects: contents, counts and the structure hold
//! whatever road the slots take (magazine, depot, remote batch, mailbox), and nothing waits for anyone.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::system::cores;
use crate::common::{Parcel, Random, Watchdog, assert_all_given_back, one_at_a_time, times, usage};
use famalloc::{Family, Snapshot, alloc_family, check, flush, query, reclaim};

#[alloc_family]
enum Lives {
    Short,
    Long,
    #[family(zero_on_free)]
    Secret,
    #[family(block = "128 KiB")]
    Bulk,
}

fn parcel_in(family: usize, size: usize, pattern: u8) -> Parcel {
    match family {
        0 => Parcel::new::<lives::Short>(size, pattern),
        1 => Parcel::new::<lives::Long>(size, pattern),
        2 => Parcel::new::<lives::Secret>(size, pattern),
        _ => Parcel::new::<lives::Bulk>(size, pattern),
    }
}

/// Threads in a full mesh of channels, each of which makes parcels, keeps some, sends some to the
/// others, and frees what it gets.
fn trade(
    threads: usize,
    steps: usize,
    make: impl Fn(&mut Random) -> Parcel + Send + Copy + 'static,
) {
    let (senders, receivers): (Vec<Sender<Parcel>>, Vec<Receiver<Parcel>>) =
        (0..threads).map(|_| channel()).unzip();
    let handles: Vec<_> = receivers
        .into_iter()
        .enumerate()
        .map(|(seed, inbox)| {
            let peers = senders.clone();
            thread::spawn(move || {
                let mut random = Random::new(seed as u64);
                let mut kept = Vec::new();
                for step in 0..steps {
                    let parcel = make(&mut random);
                    match random.below(10) {
                        0..5 => peers[random.below(threads)].send(parcel).unwrap(),
                        5..9 => kept.push(parcel),
                        _ => drop(parcel),
                    }
                    if kept.len() > 200 {
                        let at = random.below(kept.len());
                        kept.swap_remove(at);
                    }
                    if step % 5 == 0 {
                        inbox.try_iter().for_each(drop);
                    }
                }
                drop(peers);
                drop(kept);
                inbox.iter().for_each(drop);
            })
        })
        .collect();
    drop(senders);
    handles.into_iter().for_each(|handle| handle.join().unwrap());
}

#[test]
fn objects_of_one_cell_survive_being_traded() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    trade(times(6, 3), times(20_000, 25), |random| {
        Parcel::new::<lives::Short>(41 + random.below(8), random.next() as u8)
    });
    assert!(usage::<lives::Short>().classes.iter().any(|class| class.lanes > 1) || cfg!(miri));
    assert_all_given_back::<Lives>();
}

#[test]
fn objects_of_all_sizes_and_families_survive_being_traded() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    trade(times(5, 3), times(10_000, 10), |random| {
        parcel_in(random.below(4), random.size(), random.next() as u8)
    });
    assert_all_given_back::<Lives>();
}

/// One thread allocates, another frees: slots come home a magazine at a time, so the cell grows
/// neither in memory nor in lock acquisitions beyond what is on the way.
#[test]
fn a_producer_and_its_consumer_reuse_the_same_memory() {
    const BATCH: usize = times(200, 70);
    const BATCHES: usize = times(1_500, 3);
    #[alloc_family]
    enum Pipe {
        Message,
    }
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    let (batches, inbox) = sync_channel::<Vec<Parcel>>(4);
    let producer = thread::spawn(move || {
        for batch in 0..BATCHES {
            let parcels = (0..BATCH).map(|_| Parcel::new::<pipe::Message>(48, batch as u8));
            batches.send(parcels.collect()).unwrap();
        }
    });
    let consumer = thread::spawn(move || inbox.iter().map(|batch| batch.len()).sum::<usize>());
    producer.join().unwrap();
    assert_eq!(consumer.join().unwrap(), BATCH * BATCHES);
    let used = usage::<pipe::Message>();
    assert_eq!(used.live_objects, 0);
    let class = &used.classes[0];
    assert!(class.lanes >= 2 || cfg!(miri), "the two threads worked in one lane");
    // At most 6 batches are alive; depots, mailboxes and remote batches hold 45 magazines or so. That
    // is 6,000 slots, or 5 blocks; what was traded would fill 220.
    assert!(used.peak_committed_bytes <= 12 << 16, "{} bytes", used.peak_committed_bytes);
    // Each side takes its lock once for a magazine, the producer's is taken for mail now and then.
    let operations = 2 * BATCH * BATCHES;
    let bound = (operations / 126 * 3 / 2 + 200) as u64;
    let locks = used.lock_acquisitions;
    assert!(locks <= bound, "{locks} locks for {operations} operations");
    assert!(locks >= (operations / 128) as u64, "{locks} locks are too few to be true");
    assert_all_given_back::<Pipe>();
}

#[test]
fn more_threads_than_lanes_share_them() {
    const EACH: usize = times(100, 2);
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    let threads = 2 * cores() + 7;
    let barrier = Arc::new(Barrier::new(threads + 1));
    let handles: Vec<_> = (0..threads)
        .map(|thread| {
            let barrier = Arc::clone(&barrier);
            thread::spawn(move || {
                let mut random = Random::new(thread as u64);
                let mut kept: Vec<_> =
                    (0..EACH).map(|_| Parcel::new::<lives::Bulk>(320, 7)).collect();
                barrier.wait();
                for _ in 0..times(3_000, 5) {
                    let at = random.below(kept.len());
                    kept[at] = Parcel::new::<lives::Bulk>(320, random.next() as u8);
                }
                barrier.wait();
                barrier.wait();
            })
        })
        .collect();
    barrier.wait();
    barrier.wait();
    let used = usage::<lives::Bulk>();
    let class = used.classes.iter().find(|class| class.slot_bytes == 320).unwrap();
    assert_eq!(class.lanes, cores(), "for {threads} threads at once");
    assert_eq!(class.live_objects, EACH * threads);
    check().unwrap();
    barrier.wait();
    handles.into_iter().for_each(|handle| handle.join().unwrap());
    assert_all_given_back::<Lives>();
}

/// What threads hold, as the model counts it, is what a snapshot says whenever they rest.
#[test]
fn counts_are_exact_while_threads_rest() {
    const SIZES: [usize; 6] = [1, 8, 48, 512, 4_096, 20_480];
    const ROUNDS: usize = times(8, 2);
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    flush();
    let barrier = Arc::new(Barrier::new(5));
    let model: Arc<[AtomicUsize; SIZES.len()]> = Arc::default();
    let pool: Arc<std::sync::Mutex<Vec<(usize, Parcel)>>> = Arc::default();
    let handles: Vec<_> = (0..4)
        .map(|thread| {
            let (barrier, model, pool) = (barrier.clone(), model.clone(), pool.clone());
            thread::spawn(move || {
                let mut random = Random::new(thread);
                let mut held = Vec::new();
                for _round in 0..ROUNDS {
                    for _ in 0..times(1_500, 20) {
                        let which = random.below(SIZES.len());
                        if random.below(5) < 3 {
                            model[which].fetch_add(1, Ordering::Relaxed);
                            held.push((which, Parcel::new::<lives::Short>(SIZES[which], 3)));
                        } else if !held.is_empty() {
                            let at = random.below(held.len());
                            let (which, parcel) = held.swap_remove(at);
                            model[which].fetch_sub(1, Ordering::Relaxed);
                            drop(parcel);
                        }
                        // Others free what is left here.
                        let mut pool = pool.lock().unwrap();
                        if !held.is_empty() && random.below(4) == 0 {
                            pool.push(held.swap_remove(0));
                        }
                        if random.below(5) == 0 {
                            if let Some((which, parcel)) = pool.pop() {
                                model[which].fetch_sub(1, Ordering::Relaxed);
                                drop(parcel);
                            }
                        }
                    }
                    barrier.wait();
                    barrier.wait();
                }
            })
        })
        .collect();
    for _round in 0..ROUNDS {
        barrier.wait();
        let used = usage::<lives::Short>();
        let mut total = (0, 0);
        for (which, &size) in SIZES.iter().enumerate() {
            let count = model[which].load(Ordering::Relaxed);
            let class = used.classes.iter().find(|class| class.slot_bytes == size).unwrap();
            assert_eq!(class.live_objects, count, "of {size} bytes");
            assert_eq!(class.live_bytes, count * size);
            assert!(class.peak_objects >= count);
            total = (total.0 + count, total.1 + count * size);
        }
        assert_eq!((used.live_objects, used.live_bytes), total);
        check().unwrap();
        barrier.wait();
    }
    handles.into_iter().for_each(|handle| handle.join().unwrap());
    pool.lock().unwrap().clear();
    assert_all_given_back::<Lives>();
}

/// A thread that sleeps keeps no more from the others than its magazines.
#[test]
fn memory_does_not_wait_for_a_sleeping_thread() {
    // Large ones under Miri, so that fewer fill a block.
    const SIZE: usize = times(64, 512);
    const COUNT: usize = times(50_000, 150);
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    flush();
    let (parcels, inbox) = channel();
    let (wake, sleep) = channel::<()>();
    let sleeper = thread::spawn(move || {
        let all: Vec<_> = (0..COUNT).map(|_| Parcel::new::<lives::Long>(SIZE, 9)).collect();
        parcels.send(all).unwrap();
        sleep.recv().unwrap_err();
    });
    let all = inbox.recv().unwrap();
    assert_eq!(usage::<lives::Long>().live_objects, COUNT);
    let blocks = usage::<lives::Long>().blocks;
    assert!(blocks >= (COUNT * SIZE) >> 16);
    drop(all);
    let used = usage::<lives::Long>();
    assert_eq!((used.live_objects, used.live_bytes), (0, 0), "while the other thread sleeps");
    let gone = reclaim(usize::MAX);
    assert!(gone >= (blocks - 2) << 16, "only {gone} bytes of {blocks} blocks came back");
    let used = usage::<lives::Long>();
    // Of the block that the sleeper carved last, its magazine holds the rest of a refill.
    assert!(used.blocks <= 1, "{} blocks for one magazine", used.blocks);
    let class = used.classes.iter().find(|class| class.slot_bytes == SIZE).unwrap();
    assert!(class.parked_objects < 64, "{} slots wait for the sleeper", class.parked_objects);
    check().unwrap();
    drop(wake);
    sleeper.join().unwrap();
    assert_all_given_back::<Lives>();
}

/// The looks from outside neither see damage where there is none, nor stop anyone, nor are stopped.
#[test]
fn looks_and_reclaims_run_beside_the_work() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(50);
    let stop = Arc::new(AtomicBool::new(false));
    let mut handles = Vec::new();
    let (exchange, other_end) = sync_channel::<Parcel>(1_000);
    for seed in 0..2 {
        let (stop, exchange) = (stop.clone(), exchange.clone());
        handles.push(thread::spawn(move || {
            let mut random = Random::new(seed);
            let mut held: Vec<Parcel> = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                // A sawtooth, so that blocks come and go.
                for _ in 0..random.below(times(3_000, 8)) {
                    // Two classes with large slots empty blocks often.
                    let size = [24, 2_000, 30_000, 100_000][random.below(100) / 33];
                    held.push(parcel_in(random.below(2), size, random.next() as u8));
                    if random.below(3) == 0 {
                        let _ = exchange.try_send(held.swap_remove(0));
                    }
                    if held.len() > 600 {
                        held.truncate(20);
                    }
                }
                held.clear();
            }
        }));
    }
    drop(exchange);
    handles.push(thread::spawn(move || other_end.iter().for_each(drop)));
    {
        // Threads that come and go.
        let stop = stop.clone();
        handles.push(thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let visitor = thread::spawn(|| {
                    (0..times(300, 20))
                        .map(|_| Parcel::new::<lives::Short>(24, 1))
                        .collect::<Vec<_>>()
                });
                drop(visitor.join().unwrap());
            }
        }));
    }
    let looks: [fn(); 4] = [
        || check().unwrap(),
        || {
            let used = Snapshot::of::<Lives>();
            assert!(used.families.iter().all(|family| family.live_bytes < 1 << 32));
        },
        || {
            let mine = Parcel::new::<lives::Secret>(100, 5);
            let found = query(mine.start.as_ptr().wrapping_add(50)).unwrap();
            assert_eq!((found.family, found.offset, found.slot), ("Secret", 50, mine.address()));
            // Whatever lies around it, and wherever nothing does.
            for step in 0..times(2_000, 20) {
                query(
                    mine.start
                        .as_ptr()
                        .wrapping_add(step << 14)
                        .wrapping_sub(times(1_000, 10) << 14),
                );
            }
        },
        || {
            reclaim(1 << 20);
        },
    ];
    for look in looks {
        let stop = stop.clone();
        handles.push(thread::spawn(move || {
            let mut looked = 0;
            while !stop.load(Ordering::Relaxed) {
                look();
                looked += 1;
            }
            assert!(looked > times(3, 0));
        }));
    }
    let end = Instant::now() + Duration::from_millis(times(4_000, 300) as u64);
    while Instant::now() < end && handles.iter().all(|handle| !handle.is_finished()) {
        thread::sleep(Duration::from_millis(10));
    }
    stop.store(true, Ordering::Relaxed);
    handles.into_iter().for_each(|handle| handle.join().unwrap());
    assert_all_given_back::<Lives>();
}

/// Threads that meet at a family's, a cell's and a set's very first use all get the same one.
#[test]
fn first_use_by_many_threads_at_once_makes_one_table() {
    #[alloc_family]
    enum Fresh {
        A,
        B,
    }
    const EACH: usize = times(50, 5);
    const THREADS: usize = times(8, 3);
    let _alone = one_at_a_time();
    let barrier = Arc::new(Barrier::new(THREADS));
    let handles: Vec<_> = (0..THREADS as u8)
        .map(|thread| {
            let barrier = Arc::clone(&barrier);
            thread::spawn(move || {
                barrier.wait();
                let a = (0..EACH).map(|_| Parcel::new::<fresh::A>(56, thread));
                let b = (0..EACH).map(|_| Parcel::new::<fresh::B>(56, thread));
                a.chain(b).collect::<Vec<_>>()
            })
        })
        .collect();
    let parcels: Vec<_> = handles.into_iter().flat_map(|handle| handle.join().unwrap()).collect();
    assert_eq!(usage::<fresh::A>().live_objects, THREADS * EACH);
    assert_eq!(usage::<fresh::B>().live_objects, THREADS * EACH);
    let mut starts: Vec<_> = parcels.iter().map(Parcel::address).collect();
    starts.sort_unstable();
    assert!(starts.windows(2).all(|pair| pair[1] - pair[0] >= 56), "two parcels overlap");
    assert_eq!(<fresh::B as Family>::SPEC.name(), "B");
    drop(parcels);
    assert_all_given_back::<Fresh>();
}
