//! `fork` in the midst of everything: a child of busy threads can use all of the allocator.

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use common::{
    Parcel, Random, Watchdog, assert_success, case, child, on_a_thread, one_at_a_time, usage,
};
use famalloc::{
    ClassUse, Family, FixedBuffer, InUseElsewhere, alloc_family, alloc_in, check, flush,
    free_all_in, free_in, walk_in,
};

#[alloc_family]
enum Lives {
    Small,
    Any,
    #[family(isolate)]
    Apart,
    Unused,
}

/// The sizes that a child tries: every class, some large ones, a huge one.
fn sizes() -> impl Iterator<Item = usize> {
    (0..24).map(|size| 1 + size * 21).chain((1..24).map(|size| size * 1400 + 500)).chain([
        100_000,
        300_000,
        3 << 20,
    ])
}

/// What every child does.
fn use_everything(inherited: &mut Vec<Parcel>) {
    inherited.drain(..).for_each(drop);
    let mut made: Vec<_> = sizes().map(|size| Parcel::new::<lives::Any>(size, 1)).collect();
    made.extend(sizes().step_by(5).map(|size| Parcel::new::<lives::Small>(size, 2)));
    made.extend(sizes().step_by(5).map(|size| Parcel::new::<lives::Apart>(size, 3)));
    made.extend(sizes().take(8).map(|size| Parcel::new::<lives::Unused>(size, 4)));
    check().unwrap();
    made.iter_mut().step_by(3).for_each(|parcel| parcel.try_resize_any());
    drop(made);
    check().unwrap();
}

trait ResizeAny {
    fn try_resize_any(&mut self);
}

impl ResizeAny for Parcel {
    /// To twice the size, where it is in the family of all sizes.
    fn try_resize_any(&mut self) {
        if self.bytes()[0] == 1 {
            self.try_resize::<lives::Any>(self.size * 2).unwrap();
        }
    }
}

/// A child on its way.
struct Child(libc::pid_t);

impl Child {
    /// Forks. The child does `work` and is gone: without what a process does at its end, and within
    /// so many seconds.
    fn new(work: impl FnOnce()) -> Self {
        // SAFETY: what the child does is what is tested.
        match unsafe { libc::fork() } {
            -1 => panic!("no more processes"),
            0 => {
                // SAFETY: no handler is set: the signal ends the child.
                unsafe { libc::alarm(120) };
                let done = catch_unwind(AssertUnwindSafe(work));
                // SAFETY: has no preconditions.
                unsafe { libc::_exit(if done.is_ok() { 0 } else { 101 }) }
            }
            pid => Self(pid),
        }
    }

    /// Waits, and asserts that all went well.
    fn wait(self) {
        let mut status = 0;
        loop {
            // SAFETY: `status` is valid for writes.
            let pid = unsafe { libc::waitpid(self.0, &raw mut status, 0) };
            if pid == self.0 {
                break;
            }
            // SAFETY: this thread's own.
            assert_eq!(unsafe { *libc::__errno_location() }, libc::EINTR);
        }
        assert_ne!(status, libc::SIGALRM, "the child hung");
        assert_eq!(status, 0, "the child failed");
    }
}

/// Threads that allocate, free and hand over as long as this lives.
struct Busy {
    stop: &'static AtomicBool,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Busy {
    fn threads(count: usize) -> Self {
        let stop: &AtomicBool = Box::leak(Box::new(AtomicBool::new(false)));
        let handed: &Mutex<Vec<Parcel>> = Box::leak(Box::new(Mutex::new(Vec::new())));
        let threads = (0..count).map(|seed| thread::spawn(move || be_busy(seed, stop, handed)));
        Self { stop, threads: threads.collect() }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let ended = thread.join();
            if !thread::panicking() {
                ended.unwrap();
            }
        }
    }
}

fn be_busy(seed: usize, stop: &AtomicBool, handed: &Mutex<Vec<Parcel>>) {
    let mut random = Random::new(seed as u64);
    let mut own: Vec<Parcel> = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        // There are few cores, and the children need some time as well.
        if random.below(4) == 0 {
            thread::sleep(Duration::from_micros(200));
        }
        match random.below(100) {
            0 => own.push(Parcel::new::<lives::Any>(70_000 + random.below(200_000), 5)),
            1 if own.len() < 300 => own.push(Parcel::new::<lives::Any>(2_200_000, 6)),
            2 => own.clear(),
            3 => {
                let mut handed = handed.lock().unwrap();
                let keep = handed.len().min(500);
                let old = handed.split_off(keep);
                handed.append(&mut own);
                drop(handed);
                drop(old);
            }
            4 => own.append(&mut handed.lock().unwrap()),
            // A thread comes and goes.
            5 if random.below(20) == 0 => on_a_thread(|| {
                let parcels = (0..200).map(|_| Parcel::new::<lives::Small>(24, 9));
                drop(parcels.collect::<Vec<_>>());
            }),
            6 if random.below(20) == 0 => drop(flush()),
            _ => {
                for _ in 0..random.below(200) {
                    own.push(match random.below(4) {
                        0 => Parcel::new::<lives::Any>(random.size(), 1),
                        1 => Parcel::new::<lives::Apart>(1 + random.below(200), 3),
                        _ => Parcel::new::<lives::Small>(1 + random.below(100), 2),
                    });
                }
                for _ in 0..random.below(own.len() + 1).min(300) {
                    let at = random.below(own.len());
                    own.swap_remove(at);
                }
            }
        }
    }
}

fn some() -> Vec<Parcel> {
    let mut random = Random::new(7);
    let small = (0..40).map(|at| Parcel::new::<lives::Small>(1 + at % 100, 2));
    let mut some: Vec<_> = small.collect();
    some.extend((0..10).map(|_| Parcel::new::<lives::Any>(random.size(), 1)));
    some
}

#[test]
fn a_child_of_busy_threads_can_use_everything() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(300);
    let _busy = Busy::threads(3);
    for turn in 0..100 {
        let mut inherited = some();
        let child = Child::new(|| {
            use_everything(&mut inherited);
            match turn % 3 {
                0 => {
                    let own = Busy::threads(2);
                    thread::sleep(Duration::from_millis(2));
                    drop(own);
                }
                1 => drop(flush()),
                _ => return,
            }
            check().unwrap();
        });
        inherited.truncate(turn % 50);
        child.wait();
    }
    check().unwrap();
}

#[test]
fn several_threads_fork_at_once() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(300);
    let _busy = Busy::threads(2);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..15 {
                    let mut inherited = some();
                    Child::new(|| use_everything(&mut inherited)).wait();
                }
            });
        }
    });
    check().unwrap();
}

#[test]
fn children_have_children() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(300);
    let _busy = Busy::threads(2);
    for _ in 0..5 {
        let mut inherited = some();
        Child::new(|| {
            let busy = Busy::threads(2);
            let mut own = some();
            for _ in 0..3 {
                Child::new(|| {
                    use_everything(&mut own);
                    use_everything(&mut inherited);
                    // With nobody else there.
                    Child::new(|| use_everything(&mut some())).wait();
                })
                .wait();
            }
            drop(busy);
            use_everything(&mut inherited);
        })
        .wait();
    }
}

#[test]
fn a_child_may_do_nothing() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(300);
    let _busy = Busy::threads(2);
    for _ in 0..50 {
        Child::new(|| ()).wait();
    }
}

#[alloc_family]
enum Left {
    Behind,
}

/// How a class of the family is used.
fn class_use(bytes: usize) -> ClassUse {
    ClassUse::of::<left::Behind>().find(|class| class.slot_bytes == bytes).unwrap()
}

#[test]
fn what_other_threads_had_is_forgotten_in_the_child_and_theirs_in_the_parent() {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(300);
    const BYTES: usize = 48;
    let own: Vec<_> = (0..10).map(|_| Parcel::new::<left::Behind>(BYTES, 1)).collect();
    thread::scope(|scope| {
        let (made, wait) = channel();
        let mut gates = Vec::new();
        for _ in 0..2 {
            let (open, gate) = channel::<()>();
            let made = made.clone();
            gates.push(open);
            scope.spawn(move || {
                let some: Vec<_> = (0..5).map(|_| Parcel::new::<left::Behind>(BYTES, 2)).collect();
                made.send(()).unwrap();
                // Nothing comes: the gate goes.
                gate.recv().unwrap_err();
                drop(some);
            });
        }
        wait.recv().unwrap();
        wait.recv().unwrap();
        let before = class_use(BYTES);
        assert_eq!(before.live_objects, 20);
        for _ in 0..3 {
            Child::new(|| {
                let after = class_use(BYTES);
                // One thread's two magazines at the most, and what lies in lanes: nothing.
                assert!(after.parked_objects < before.parked_objects);
                let all = before.live_objects + before.parked_objects;
                assert_eq!(after.live_objects + after.parked_objects, all);
                assert_eq!(walk_in::<left::Behind>(|_, _| {}), Err(InUseElsewhere));
                // The threads to come get the lanes of those that went.
                let (begun, wait) = channel();
                thread::scope(|scope| {
                    let (open, gate) = channel::<()>();
                    let new = scope.spawn(move || {
                        drop(Parcel::new::<left::Behind>(BYTES, 3));
                        begun.send(()).unwrap();
                        gate.recv().unwrap_err();
                    });
                    wait.recv().unwrap();
                    assert_eq!(class_use(BYTES).lanes, before.lanes);
                    // A fork of the child forgets the child's thread.
                    Child::new(|| assert!(class_use(BYTES).parked_objects < before.parked_objects))
                        .wait();
                    drop(open);
                    new.join().unwrap();
                });
                check().unwrap();
                // SAFETY: nothing of the family is used any more in this process.
                let freed = unsafe { free_all_in::<left::Behind>() }.unwrap();
                assert!(freed >= 20, "{freed}");
                assert_eq!(usage::<left::Behind>().live_objects, 0);
                let parcel = Parcel::new::<left::Behind>(BYTES, 4);
                let mut visited = 0;
                walk_in::<left::Behind>(|_, _| visited += 1).unwrap();
                assert_eq!(visited, 1);
                drop(parcel);
                flush();
                check().unwrap();
                assert_eq!(usage::<left::Behind>().committed_bytes, 0);
            })
            .wait();
        }
        assert_eq!(class_use(BYTES), before);
        assert_eq!(walk_in::<left::Behind>(|_, _| {}), Err(InUseElsewhere));
        drop(gates);
    });
    drop(own);
}

/// A thread that ends while others fork is forgotten at whatever stage it is, and a child of a
/// single thread may walk.
#[test]
fn a_child_of_one_thread_may_walk() {
    #[alloc_family]
    enum Alone {
        Object,
    }
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(300);
    let parcels: Vec<_> = (0..10).map(|_| Parcel::new::<alone::Object>(32, 1)).collect();
    Child::new(|| {
        let mut visited = 0;
        walk_in::<alone::Object>(|_, _| visited += 1).unwrap();
        assert_eq!(visited, 10);
    })
    .wait();
    drop(parcels);
}

/// Sets that come into being one by one: half of them over a buffer of their own.
macro_rules! sets {
    ($($set:ident $module:ident $buffer:ident),*) => {
        $(
            static $buffer: FixedBuffer<{ 2 << 20 }> = FixedBuffer::new();
            #[alloc_family(source = $buffer)]
            enum $set { One, Two }
        )*
        /// Uses a family of the set of this number, perhaps for the first time.
        fn use_set(number: usize) {
            let uses = [$(use_family::<$module::One>, use_family::<$module::Two>),*, use_family::<system::A>,
                use_family::<system::B>, use_family::<system::C>, use_family::<system::D>];
            uses[number % uses.len()]();
        }
    };
}

#[alloc_family]
enum System {
    A,
    B,
    C,
    D,
}

sets!(
    Set0 set0 PAGES_0, Set1 set1 PAGES_1, Set2 set2 PAGES_2, Set3 set3 PAGES_3,
    Set4 set4 PAGES_4, Set5 set5 PAGES_5, Set6 set6 PAGES_6, Set7 set7 PAGES_7
);

const FAMILIES: usize = 20;

fn use_family<F: Family>() {
    let slots: Vec<_> =
        [8, 24].into_iter().map(|size| (alloc_in::<F>(size).unwrap(), size)).collect();
    for (slot, size) in slots {
        // SAFETY: allocated above with this size.
        unsafe { free_in::<F>(slot, size) };
    }
}

#[test]
fn families_come_into_being_meanwhile() {
    if case().is_none() {
        for turn in 0..40 {
            assert_success(child("families_come_into_being_meanwhile", &turn.to_string()));
        }
        return;
    }
    let turn: usize = case().unwrap().parse().unwrap();
    let _watchdog = Watchdog::of_seconds(300);
    // So that the handlers are there before the threads.
    if turn % 4 != 0 {
        use_set(turn);
    } else {
        drop(Parcel::new::<lives::Unused>(8, 1));
    }
    let gate = AtomicBool::new(false);
    thread::scope(|scope| {
        for thread in 0..3 {
            let gate = &gate;
            scope.spawn(move || {
                while !gate.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
                for number in 0..FAMILIES {
                    use_set(number * (2 * thread + 1) + turn);
                }
            });
        }
        gate.store(true, Ordering::Relaxed);
        for _ in 0..6 {
            Child::new(|| {
                (0..FAMILIES).for_each(use_set);
                check().unwrap();
                on_a_thread(|| (0..FAMILIES).for_each(use_set));
            })
            .wait();
        }
    });
    check().unwrap();
}

/// What handlers keep from one to the next.
static KEPT: Mutex<Vec<Parcel>> = Mutex::new(Vec::new());
/// How many families the program has begun to use.
static PROGRESS: AtomicUsize = AtomicUsize::new(0);
/// How often the handlers may still fork, in this process.
static FORKS_LEFT: AtomicI32 = AtomicI32::new(0);
/// Whether this process is the child of a fork in a handler, in the midst of the outer fork.
static FORKED_INSIDE: AtomicBool = AtomicBool::new(false);
static CALLS: AtomicUsize = AtomicUsize::new(0);

/// A handler: it frees what the last one made, and makes some more.
extern "C" fn handle() {
    CALLS.fetch_add(1, Ordering::Relaxed);
    let mut kept = std::mem::take(&mut *KEPT.lock().unwrap());
    use_everything(&mut kept);
    // A family that nobody has used before; the busy threads are soon to follow.
    use_set(PROGRESS.fetch_add(1, Ordering::Relaxed));
    kept.extend(some());
    *KEPT.lock().unwrap() = kept;
    if FORKS_LEFT.fetch_sub(1, Ordering::Relaxed) > 0 {
        Child::new(|| use_everything(&mut some())).wait();
    }
}

/// A handler that forks, and lets both processes go on with the outer fork.
extern "C" fn fork_inside() {
    if FORKS_LEFT.fetch_sub(1, Ordering::Relaxed) != 1 {
        return;
    }
    // SAFETY: what the child does is what is tested.
    match unsafe { libc::fork() } {
        0 => FORKED_INSIDE.store(true, Ordering::Relaxed),
        pid => Child(pid).wait(),
    }
    use_everything(&mut some());
}

fn register(handler: extern "C" fn(), stages: [bool; 3]) {
    let [prepare, parent, child] = stages.map(|wanted| {
        // The two types differ in that a call of the one is unsafe.
        wanted.then_some(handler as unsafe extern "C" fn())
    });
    // SAFETY: functions of the type asked for.
    assert_eq!(unsafe { libc::pthread_atfork(prepare, parent, child) }, 0);
}

/// Forks with handlers, while others are busy.
fn fork_with_handlers(turns: usize, forks_inside: i32) {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for thread in 0..2 {
            let stop = &stop;
            scope.spawn(move || {
                let mut random = Random::new(thread);
                while !stop.load(Ordering::Relaxed) {
                    use_set(random.below(PROGRESS.load(Ordering::Relaxed) + 1));
                }
            });
        }
        let _busy = Busy::threads(2);
        for _ in 0..turns {
            FORKS_LEFT.store(forks_inside, Ordering::Relaxed);
            let child = Child::new(|| {
                use_everything(&mut some());
                on_a_thread(|| use_everything(&mut some()));
            });
            child.wait();
            if FORKED_INSIDE.load(Ordering::Relaxed) {
                use_everything(&mut some());
                // SAFETY: the other process goes on with the test.
                unsafe { libc::_exit(0) };
            }
            check().unwrap();
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(CALLS.load(Ordering::Relaxed) >= 2 * turns || forks_inside > 0);
}

const ALL: [bool; 3] = [true; 3];

#[test]
fn handlers_use_the_allocator() {
    let cases = [
        "before",
        "after",
        "both",
        "first",
        "prepare forks",
        "parent forks",
        "child forks",
        "after forks",
        "prepare goes on",
        "child goes on",
        "after goes on",
    ];
    let Some(case) = case() else {
        for case in cases {
            assert_success(child("handlers_use_the_allocator", case));
        }
        return;
    };
    let _watchdog = Watchdog::of_seconds(300);
    // What makes the first use of a family, and so has the allocator's handlers registered.
    let begin = || drop(some());
    match case.as_str() {
        "before" => {
            register(handle, ALL);
            begin();
            fork_with_handlers(4, 0);
        }
        "after" => {
            begin();
            register(handle, ALL);
            fork_with_handlers(4, 0);
        }
        "both" => {
            register(handle, ALL);
            begin();
            register(handle, ALL);
            fork_with_handlers(3, 0);
        }
        "first" => {
            // The first allocation of all is in a handler of a fork.
            register(handle, ALL);
            Child::new(|| use_everything(&mut some())).wait();
            fork_with_handlers(4, 0);
        }
        "prepare forks" => {
            register(handle, [true, false, false]);
            begin();
            fork_with_handlers(3, 1);
        }
        "parent forks" => {
            register(handle, [false, true, false]);
            begin();
            fork_with_handlers(3, 1);
        }
        "child forks" => {
            register(handle, [false, false, true]);
            begin();
            fork_with_handlers(3, 1);
        }
        "after forks" => {
            begin();
            register(handle, ALL);
            fork_with_handlers(3, 2);
        }
        "prepare goes on" => {
            register(fork_inside, [true, false, false]);
            begin();
            fork_with_handlers(3, 1);
        }
        "child goes on" => {
            register(fork_inside, [false, false, true]);
            begin();
            fork_with_handlers(3, 1);
        }
        "after goes on" => {
            begin();
            register(fork_inside, [true, false, false]);
            fork_with_handlers(3, 1);
        }
        _ => panic!("no such case"),
    }
}
