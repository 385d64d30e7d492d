//! Children of forks in the midst of the allocator: they start over.
//!
//! A page source of the program's own stands for a signal handler: it is called where locks are held and
//! tables half changed, always at the same place.

use std::alloc::Layout;
use std::any::Any;
use std::cell::UnsafeCell;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::Duration;

use famalloc::{
    AllocErrorKind, FamilyBox, FixedBuffer, PageError, PageSource, RawAlloc, Region, System,
    alloc_family, alloc_in, check, flush, free_in, raw, realloc_in, walk,
};

use crate::common::{Parcel, Watchdog, assert_success, case, child, usage};
use crate::handlers::register;
use crate::kit::{Busy, Child, lives, on_a_thread, some, use_everything};

/// The system's pages, and something that is done when memory is next committed.
struct Gated {
    system: System,
    armed: AtomicBool,
    work: fn(),
}

// SAFETY: every call is passed on unchanged, and the work changes nothing.
unsafe impl PageSource for Gated {
    fn page_size(&self) -> usize {
        self.system.page_size()
    }
    fn reserve(&self, size: usize, align: usize) -> Result<NonNull<u8>, PageError> {
        self.system.reserve(size, align)
    }
    unsafe fn commit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError> {
        if self.armed.swap(false, Ordering::SeqCst) {
            (self.work)();
        }
        // SAFETY: passed on.
        unsafe { self.system.commit(start, size) }
    }
    unsafe fn decommit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError> {
        // SAFETY: passed on.
        unsafe { self.system.decommit(start, size) }
    }
    unsafe fn release(&self, start: NonNull<u8>, size: usize) {
        // SAFETY: passed on.
        unsafe { self.system.release(start, size) }
    }
}

impl Gated {
    const fn new(work: fn()) -> Self {
        Self { system: System::new(), armed: AtomicBool::new(false), work }
    }

    /// Has the work done by the next allocation that takes memory, of a family of this source.
    fn pass(&self, allocate: impl FnOnce()) {
        self.armed.store(true, Ordering::SeqCst);
        allocate();
        assert!(!self.armed.load(Ordering::SeqCst), "no memory was taken");
    }
}

static FORKING: Gated = Gated::new(|| FORK.lock().unwrap().take().unwrap()());
type Work = Box<dyn FnOnce() + Send>;
static FORK: Mutex<Option<Work>> = Mutex::new(None);

#[alloc_family(source = FORKING)]
enum Forking {
    Slots,
    Large,
}

static BUFFER: FixedBuffer<{ 4 << 20 }> = FixedBuffer::new();

#[alloc_family(source = BUFFER)]
enum Buffered {
    Any,
}

/// Objects of all sorts, which a child inherits.
struct Inherited {
    parcels: Vec<Parcel>,
    number: FamilyBox<u64, lives::Any>,
    freed_first: [(NonNull<u8>, Layout); 3],
    untyped: NonNull<u8>,
    grown: NonNull<u8>,
}

impl Inherited {
    fn new() -> Self {
        let layout = |size| Layout::from_size_align(size, 8).unwrap();
        let mut parcels = some();
        parcels.extend((1..200).map(|at| Parcel::new::<forking::Slots>(at * 7, 1)));
        parcels
            .extend([70_000, 500_000, 5 << 20].map(|size| Parcel::new::<forking::Large>(size, 2)));
        parcels.extend([70_000, 500_000, 5 << 20].map(|size| Parcel::new::<lives::Any>(size, 3)));
        parcels.push(Parcel::new::<buffered::Any>(24, 3));
        let looked_at = [48, 80_000, 4 << 20].map(layout);
        let grown = alloc_in::<lives::Any>(3 << 20).unwrap();
        // SAFETY: so many bytes were allocated.
        unsafe { grown.write_bytes(5, 3 << 20) };
        Self {
            parcels,
            number: FamilyBox::new_in(7, lives::Any),
            freed_first: looked_at.map(|layout| (lives::Any.alloc(layout).unwrap(), layout)),
            untyped: crate::kit::lives::Small.alloc(layout(400)).unwrap(),
            grown,
        }
    }

    /// What a child does that has started over.
    fn use_all(mut self) {
        // Nobody looks at these before the first allocation.
        for (start, layout) in self.freed_first {
            // SAFETY: live, and not used again.
            assert_eq!(unsafe { raw::try_free(lives::Any, start, layout) }, Ok(()));
        }
        let fresh: Vec<_> = (0..2000)
            .map(|at| Parcel::new::<lives::Any>(1 + at % 700, 8))
            .chain((0..2000).map(|at| Parcel::new::<forking::Slots>(1 + at % 700, 9)))
            .chain((0..6).map(|at| Parcel::new::<lives::Any>(50_000 << at, 10)))
            .collect();
        // None of it is where something was.
        self.parcels.iter().for_each(Parcel::verify);
        assert_eq!(*self.number, 7);
        assert_eq!(usage::<forking::Slots>().live_objects, 2000);
        assert_eq!(usage::<forking::Large>().live_objects, 0);
        let mut seen = 0;
        walk(forking::Slots, |_, _| seen += 1).unwrap();
        assert_eq!(seen, 2000);
        check().unwrap();
        for parcel in self.parcels.iter_mut().rev().step_by(2) {
            match parcel.bytes()[0] {
                1 if parcel.size > 1400 => parcel.try_resize::<lives::Any>(40).unwrap(),
                2 if parcel.size > 70_000 => parcel.try_resize::<forking::Large>(100).unwrap(),
                _ => {}
            }
        }
        // SAFETY: allocated with this size, and used by the new address only.
        let grown = unsafe { realloc_in::<lives::Any>(self.grown, 3 << 20, 9 << 20).unwrap() };
        // SAFETY: the bytes were written before they were moved.
        assert_eq!(unsafe { grown.add((3 << 20) - 1).read() }, 5);
        // SAFETY: as above; shrunk, it is moved as well.
        let grown = unsafe { realloc_in::<lives::Any>(grown, 9 << 20, 1 << 20).unwrap() };
        // SAFETY: allocated with this size.
        unsafe { free_in::<lives::Any>(grown, 1 << 20) };
        assert_eq!(raw::usable_size(self.untyped.as_ptr()), Some(416));
        // SAFETY: live, and not used by its old address again.
        let moved = unsafe {
            let layout = Layout::from_size_align(4000, 8).unwrap();
            raw::realloc::<crate::kit::Lives>(self.untyped, layout, 400).unwrap()
        };
        // SAFETY: live, and not used again.
        unsafe { raw::free::<crate::kit::Lives>(moved).unwrap() };
        drop(fresh);
        use_everything(&mut self.parcels);
        drop(self.number);
        flush();
        check().unwrap();
        assert_eq!(alloc_in::<buffered::Any>(24).unwrap_err().kind(), AllocErrorKind::AddressSpace);
        drop(Busy::threads(2));
        on_a_thread(|| use_everything(&mut some()));
        Child::new(|| use_everything(&mut some())).wait();
        check().unwrap();
    }
}

/// Forks where a family of the source takes memory, while its locks are held. `work` is done by the
/// child, there.
fn fork_inside(work: impl FnOnce() + Send + 'static, allocate: impl FnOnce()) {
    static CHILD: Mutex<Option<Child>> = Mutex::new(None);
    // The parent must not free there what its child has; it keeps that in sight of who looks for leaks.
    static KEPT: Mutex<Vec<Box<dyn Any + Send>>> = Mutex::new(Vec::new());
    let mut work = Some(work);
    *FORK.lock().unwrap() = Some(Box::new(move || {
        *CHILD.lock().unwrap() = Some(Child::new(|| work.take().unwrap()()));
        KEPT.lock().unwrap().push(Box::new(work));
    }));
    FORKING.pass(allocate);
    // Not there: a child that fails would be a panic with locks held.
    CHILD.lock().unwrap().take().unwrap().wait();
}

// SAFETY: a thread's own, and each is the only user of what it refers to.
unsafe impl Send for Inherited {}

fn take_block() {
    let many: Vec<_> = (0..300).map(|_| Parcel::new::<forking::Slots>(30_000, 4)).collect();
    drop(many);
}

#[test]
fn a_fork_inside_the_allocator() {
    let Some(case) = case() else {
        for case in ["slots", "large", "busy", "first"] {
            assert_success(child("over::a_fork_inside_the_allocator", case));
        }
        return;
    };
    let _watchdog = Watchdog::of_seconds(300);
    let busy = (case == "busy").then(|| Busy::threads(2));
    if case == "first" {
        // The space itself is being reserved.
        let kept = some();
        fork_inside(move || use_everything(&mut { kept }), take_block);
    } else {
        let inherited = Inherited::new();
        let take_large = || drop(Parcel::new::<forking::Large>(30 << 20, 4));
        let allocate = if case == "large" { take_large } else { take_block };
        fork_inside(move || inherited.use_all(), allocate);
    }
    // The parent goes on as if nothing had been.
    check().unwrap();
    Child::new(|| use_everything(&mut some())).wait();
    use_everything(&mut some());
    take_block();
    drop(busy);
    check().unwrap();
}

/// The child comes back from where it was forked, into what it was in the midst of.
#[test]
fn a_child_goes_on_with_what_was_interrupted() {
    let Some(case) = case() else {
        for case in ["at once", "after allocating"] {
            assert_success(child("over::a_child_goes_on_with_what_was_interrupted", case));
        }
        return;
    };
    static CHILD: AtomicI32 = AtomicI32::new(0);
    let _watchdog = Watchdog::of_seconds(300);
    let mut kept = some();
    kept.extend((1..200).map(|at| Parcel::new::<forking::Slots>(at * 7, 1)));
    let parent = std::process::id();
    let allocates = case == "after allocating";
    *FORK.lock().unwrap() = Some(Box::new(move || {
        // SAFETY: what the child does is what is tested.
        match unsafe { libc::fork() } {
            0 if allocates => use_everything(&mut some()),
            pid => CHILD.store(pid, Ordering::Relaxed),
        }
    }));
    FORKING.pass(take_block);
    let is_child = std::process::id() != parent;
    if !is_child {
        Child(CHILD.load(Ordering::Relaxed)).wait();
    }
    kept.iter().for_each(Parcel::verify);
    take_block();
    if !allocates || !is_child {
        // Nothing was lost.
        assert_eq!(usage::<forking::Slots>().live_objects, 199);
    }
    use_everything(&mut kept);
    check().unwrap();
    on_a_thread(|| use_everything(&mut some()));
    if is_child {
        // SAFETY: the other process goes on with the test.
        unsafe { libc::_exit(0) };
    }
}

#[test]
fn a_region_keeps_what_it_has() {
    if case().is_none() {
        return assert_success(child("over::a_region_keeps_what_it_has", "alone"));
    }
    let _watchdog = Watchdog::of_seconds(300);
    let region = Region::<lives::Any>::new();
    let number = &raw const *region.alloc(7_u64) as usize;
    let region_at = &raw const region as usize;
    fork_inside(
        move || {
            drop(Parcel::new::<lives::Any>(3 << 20, 1));
            // SAFETY: this process's own: the parent's are others.
            let (region, number) = unsafe {
                ((region_at as *const Region<lives::Any>).read(), *(number as *const u64))
            };
            assert_eq!(number, 7);
            let more = (0..100_000).map(|_| region.try_alloc(7_u64));
            assert!(more.last().unwrap().is_err(), "it has grown");
            drop(region);
            let other = Region::<lives::Any>::new();
            assert!((0..100_000_u64).all(|number| *other.alloc(number) == number));
            drop(other);
            check().unwrap();
        },
        take_block,
    );
    region.alloc([0_u8; 500_000]);
}

/// Where a thread is that is in the midst of something while another forks.
static INSIDE: Mutex<bool> = Mutex::new(false);
static CHANGED: Condvar = Condvar::new();
/// How many threads have got something.
static SERVED: AtomicUsize = AtomicUsize::new(0);
static POLLS: AtomicBool = AtomicBool::new(false);

fn set_inside(inside: bool) {
    *INSIDE.lock().unwrap() = inside;
    CHANGED.notify_all();
}

fn wait_until_inside(inside: bool, polls: bool) {
    let mut now = INSIDE.lock().unwrap();
    while *now != inside {
        if polls {
            drop(now);
            thread::sleep(Duration::from_micros(200));
            now = INSIDE.lock().unwrap();
        } else {
            now = CHANGED.wait(now).unwrap();
        }
    }
}

static WAITING: Gated = Gated::new(|| {
    set_inside(true);
    wait_until_inside(false, false);
});

#[alloc_family(source = WAITING)]
enum Waiting {
    Slots,
}

/// A thread is let into the allocator although another forks, and is there when the child comes to be.
#[test]
fn a_child_that_sees_a_guest() {
    let Some(case) = case() else {
        for case in ["late", "early", "polls"] {
            assert_success(child("over::a_child_that_sees_a_guest", case));
        }
        return;
    };
    extern "C" fn prepare() {
        wait_until_inside(true, POLLS.load(Ordering::Relaxed));
    }
    extern "C" fn parent() {
        set_inside(false);
    }
    extern "C" fn begin_child() {
        // Before the allocator's own handler.
        use_everything(&mut some());
    }
    let _watchdog = Watchdog::of_seconds(300);
    POLLS.store(case == "polls", Ordering::Relaxed);
    // Registered first, so this waits while all locks are held.
    register(prepare, [true, false, false]);
    register(parent, [false, true, false]);
    if case != "late" {
        register(begin_child, [false, false, true]);
    }
    let mut kept = Vec::new();
    set_inside(true);
    for turn in 0..4 {
        kept.extend((1..200).map(|at| Parcel::new::<waiting::Slots>(at * 7, 1)));
        set_inside(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                // Not before the fork has begun: other threads do not allocate then.
                thread::sleep(Duration::from_millis(20));
                WAITING.pass(|| {
                    let many = (0..100).map(|_| Parcel::new::<waiting::Slots>(32_000, 4));
                    drop(many.collect::<Vec<_>>());
                });
                SERVED.fetch_add(1, Ordering::Relaxed);
            });
            Child::new(|| {
                kept.iter().for_each(Parcel::verify);
                use_everything(&mut kept);
                // Here there was nobody who was let in.
                let many = (0..100).map(|_| Parcel::new::<waiting::Slots>(32_000, 4));
                assert_eq!(many.collect::<Vec<_>>().len(), 100);
                assert_eq!(usage::<waiting::Slots>().live_objects, 0);
                check().unwrap();
                // Nobody will be inside here.
                set_inside(true);
                Child::new(|| use_everything(&mut some())).wait();
            })
            .wait();
        });
        assert_eq!(SERVED.load(Ordering::Relaxed), turn + 1);
        assert_eq!(usage::<waiting::Slots>().live_objects, kept.len());
        set_inside(true);
        use_everything(&mut some());
    }
    check().unwrap();
}

/// A family over the system's pages comes into being, as the first of all, by a thread that is let in.
#[test]
fn a_guest_is_the_first_to_use_the_system() {
    if case().is_none() {
        return assert_success(child("over::a_guest_is_the_first_to_use_the_system", "alone"));
    }
    extern "C" fn prepare() {
        wait_until_inside(true, false);
    }
    let _watchdog = Watchdog::of_seconds(300);
    register(prepare, [true, false, false]);
    drop(Parcel::new::<buffered::Any>(24, 3));
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(20));
            drop(some());
            set_inside(true);
        });
        Child::new(|| use_everything(&mut some())).wait();
    });
    Child::new(|| use_everything(&mut some())).wait();
    use_everything(&mut some());
    check().unwrap();
}

/// A lock of the program's, which it holds while it allocates, and which it keeps from a fork by taking it
/// in a handler.
#[test]
fn a_handler_waits_for_a_thread_that_allocates() {
    if case().is_none() {
        return assert_success(child("over::a_handler_waits_for_a_thread_that_allocates", "alone"));
    }
    struct Mine(UnsafeCell<libc::pthread_mutex_t>);
    // SAFETY: it is a lock.
    unsafe impl Sync for Mine {}
    static MINE: Mine = Mine(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER));
    static TURNS: AtomicUsize = AtomicUsize::new(0);
    fn take() {
        // SAFETY: initialised, and never moved.
        assert_eq!(unsafe { libc::pthread_mutex_lock(MINE.0.get()) }, 0);
    }
    extern "C" fn prepare() {
        take();
    }
    extern "C" fn let_go() {
        // SAFETY: taken by this thread, or the one that it is a copy of.
        assert_eq!(unsafe { libc::pthread_mutex_unlock(MINE.0.get()) }, 0);
    }
    let _watchdog = Watchdog::of_seconds(300);
    register(prepare, [true, false, false]);
    register(let_go, [false, true, true]);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    take();
                    use_everything(&mut some());
                    let_go();
                    TURNS.fetch_add(1, Ordering::Relaxed);
                    // It is not a fair lock.
                    thread::sleep(Duration::from_millis(1));
                }
            });
        }
        for _ in 0..20 {
            Child::new(|| use_everything(&mut some())).wait();
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(TURNS.load(Ordering::Relaxed) > 0);
    check().unwrap();
}
