//! Pools that threads share.

use std::cell::Cell;
use std::collections::HashSet;
use std::panic;
use std::rc::Rc;
use std::sync::MutexGuard;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use famalloc::pool::{PoolFront, Pooled, RawPool, Retention};
use famalloc::{FamilyBox, Pool, alloc_family};

use crate::common::{Random, Watchdog, assert_all_given_back, one_at_a_time, times};
use crate::lives;

static MADE: AtomicUsize = AtomicUsize::new(0);
static DROPPED: AtomicUsize = AtomicUsize::new(0);

/// An object that notices a second user.
struct Claimed {
    in_use: AtomicBool,
    number: usize,
}

impl Claimed {
    fn new() -> Self {
        Self { in_use: AtomicBool::new(false), number: MADE.fetch_add(1, Ordering::Relaxed) }
    }

    fn claim(&self) {
        assert!(!self.in_use.swap(true, Ordering::Relaxed), "{} has two users", self.number);
    }

    fn reset(&mut self) {
        assert!(self.in_use.swap(false, Ordering::Relaxed), "{} had no user", self.number);
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        assert!(!self.in_use.swap(true, Ordering::Relaxed), "{} was in use", self.number);
        DROPPED.fetch_add(1, Ordering::Relaxed);
    }
}

type Claims = Pool<Claimed, lives::Threads>;

/// One thread's share of the stress: keeps some, sends some to the next thread, detaches a few.
fn work<'p>(
    pool: &'p Claims,
    seed: u64,
    next: &std::sync::mpsc::Sender<Pooled<'p, Claimed, lives::Threads>>,
    mail: &std::sync::mpsc::Receiver<Pooled<'p, Claimed, lives::Threads>>,
) {
    let mut random = Random::new(seed);
    let front = pool.front();
    let (mut fronted, mut pooled) = (Vec::new(), Vec::new());
    for round in 0..times(20_000, 25) {
        match random.below(64) {
            0..24 if fronted.len() < 100 => {
                let object = front.get();
                object.claim();
                fronted.push(object);
            }
            0..48 if !fronted.is_empty() => {
                drop(fronted.swap_remove(random.below(fronted.len())));
            }
            48..54 => {
                let object = pool.get();
                object.claim();
                pooled.push(object);
            }
            54..60 if !pooled.is_empty() => {
                let object = pooled.swap_remove(random.below(pooled.len()));
                match round % 3 {
                    0 => drop(object),
                    1 => next.send(object).unwrap(),
                    _ => {
                        let object: FamilyBox<_, _> = Pooled::detach(object);
                        front.put(object);
                    }
                }
            }
            60 => drop(mail.try_recv()),
            61 => _ = pool.end_period(),
            62 if round % 100 == 0 => _ = pool.trim(10),
            _ => {}
        }
    }
}

#[test]
fn no_object_has_two_users_and_none_is_lost() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(120);
    let retentions = [
        Retention::everything(),
        Retention::working_set().every(200).at_most(150),
        Retention::everything().at_most(0),
    ];
    for (run, retention) in retentions.into_iter().enumerate() {
        MADE.store(0, Ordering::Relaxed);
        DROPPED.store(0, Ordering::Relaxed);
        let pool = Claims::new_in(Claimed::new, lives::Threads)
            .with_reset(Claimed::reset)
            .with_retention(retention);
        let (mut senders, receivers): (Vec<_>, Vec<_>) = (0..4).map(|_| channel()).unzip();
        senders.rotate_left(1);
        thread::scope(|scope| {
            let share = |(seed, (next, mail)): (usize, (_, _))| {
                let pool = &pool;
                scope.spawn(move || {
                    work(pool, (run * 4 + seed) as u64, &next, &mail);
                    drop(next);
                    mail.iter().for_each(drop);
                })
            };
            let shares = senders.into_iter().zip(receivers).enumerate();
            let threads: Vec<_> = shares.map(share).collect();
            // The scope would not wait for a thread's magazines to be emptied.
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
        let counts = pool.counts();
        assert_eq!(counts.made, MADE.load(Ordering::Relaxed));
        assert_eq!(counts.released, DROPPED.load(Ordering::Relaxed));
        assert_eq!(counts.idle, counts.made - counts.released, "all came back");
        assert!(counts.reused > times(1000, 0) || retention == retentions[2], "{counts:?}");
        let idle: Vec<_> = (0..counts.idle).map(|_| pool.get()).collect();
        let numbers: HashSet<_> = idle.iter().map(|object| object.number).collect();
        assert_eq!((numbers.len(), pool.len()), (counts.idle, 0), "each of them once");
        idle.iter().for_each(|object| object.claim());
        drop(idle);
        drop(pool);
        assert_eq!(DROPPED.load(Ordering::Relaxed), MADE.load(Ordering::Relaxed));
    }
    assert_all_given_back::<crate::Lives>();
}

#[test]
fn a_thread_that_ends_gives_its_front_back() {
    #[alloc_family]
    enum Own {
        Line,
    }
    static LINES: Pool<String, own::Line> =
        Pool::new_in(|| String::from("made"), own::Line).with_reset(|line| line.push('.'));
    thread_local! {
        static FRONT: PoolFront<'static, String, own::Line> = LINES.front();
    }
    let work = || {
        FRONT.with(|front| {
            let three = [front.get(), front.get(), front.get()];
            assert!(three.iter().all(|line| line.starts_with("made")));
        });
    };
    thread::spawn(work).join().unwrap();
    assert_eq!((LINES.len(), LINES.counts().made), (3, 3));
    thread::spawn(work).join().unwrap();
    let counts = LINES.counts();
    assert_eq!((counts.idle, counts.made, counts.reused), (3, 3, 3));
    // By a panic, with objects in use.
    let ended = thread::spawn(|| {
        let front = LINES.front();
        let _used = (LINES.get(), front.get(), front.get());
        panic::resume_unwind(Box::new("the thread's end"));
    });
    assert!(ended.join().is_err());
    assert_eq!((LINES.len(), LINES.counts().made), (3, 3));
    // One goes to another thread and comes home.
    let line = LINES.get();
    thread::spawn(move || drop(line)).join().unwrap();
    assert_eq!(LINES.len(), 3);
    LINES.clear();
    assert_all_given_back::<Own>();
}

#[test]
fn user_code_may_use_the_pool_it_is_called_by() {
    #[alloc_family]
    enum Own {
        Nested,
    }
    thread_local! {
        static DEPTH: Cell<usize> = const { Cell::new(0) };
        static CALLS: Cell<usize> = const { Cell::new(0) };
    }
    /// Takes two objects and gives them back, unless it is doing so.
    fn nest() {
        if DEPTH.get() == 0 {
            DEPTH.set(1);
            let front = NESTED.front();
            drop([NESTED.get(), NESTED.get()]);
            drop([front.get(), front.get()]);
            NESTED.end_period();
            NESTED.trim(1);
            CALLS.set(CALLS.get() + 1);
            DEPTH.set(0);
        }
    }
    struct Nested;
    impl Drop for Nested {
        fn drop(&mut self) {
            nest();
        }
    }
    fn make() -> Nested {
        nest();
        Nested
    }
    static NESTED: Pool<Nested, own::Nested> = Pool::new_in(make, own::Nested)
        .with_reset(|_| nest())
        .with_retention(Retention::working_set().at_most(20));
    let _watchdog = Watchdog::of_seconds(60);
    for _ in 0..3 {
        drop((0..40).map(|_| NESTED.get()).collect::<Vec<_>>());
        let front = NESTED.front();
        drop((0..100).map(|_| front.get()).collect::<Vec<_>>());
        drop(front);
        assert!(NESTED.len() <= 20);
    }
    assert!(CALLS.get() > 500, "{}", CALLS.get());
    DEPTH.set(1);
    NESTED.clear();
    assert_all_given_back::<Own>();
}

/// Fails to compile when the type has the trait: then there are two candidates for `of`.
macro_rules! lacks {
    ($type:ty: $trait:path) => {{
        trait Ambiguous<Marker> {
            fn of() {}
        }
        impl<T: ?Sized> Ambiguous<()> for T {}
        struct Has;
        impl<T: ?Sized + $trait> Ambiguous<Has> for T {}
        <$type as Ambiguous<_>>::of();
    }};
}

#[test]
fn marker_traits_follow_the_object() {
    fn send<T: Send>() {}
    fn sync<T: Sync>() {}
    type Of<T> = Pool<T, lives::Threads>;
    type In<T> = Pooled<'static, T, lives::Threads>;
    type Front<T> = PoolFront<'static, T, lives::Threads>;
    send::<Of<Cell<u32>>>();
    sync::<Of<Cell<u32>>>();
    lacks!(Of<Rc<u32>>: Send);
    lacks!(Of<Rc<u32>>: Sync);
    // Shared access to the pool gives an object away, so it takes more than `Sync` objects.
    lacks!(Of<MutexGuard<'static, u32>>: Sync);
    send::<In<Cell<u32>>>();
    lacks!(In<Cell<u32>>: Sync);
    lacks!(In<Rc<u32>>: Send);
    lacks!(In<MutexGuard<'static, u32>>: Send);
    sync::<In<u32>>();
    send::<Front<Cell<u32>>>();
    lacks!(Front<u32>: Sync);
    lacks!(Front<Rc<u32>>: Send);
    lacks!(famalloc::object_alloc::Lent<'static, u32, Front<u32>>: Send);
    send::<RawPool<lives::Threads>>();
    sync::<RawPool<lives::Threads>>();
}
