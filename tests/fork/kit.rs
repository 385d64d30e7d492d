//! What the tests of `fork` share: children with a deadline, busy threads, and what a child tries.
//!
//! The standard library takes a lock of its own where a thread begins and where it ends. A child may find that
//! lock held, by a thread that it does not have, and so threads of a child are the system's own here.

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use famalloc::{alloc_family, check, flush};

use crate::common::{Parcel, Random};

#[alloc_family]
pub(crate) enum Lives {
    Small,
    Any,
    #[family(isolate)]
    Apart,
    Unused,
}

/// The sizes that a child tries: every class, some large ones, a huge one.
pub(crate) fn sizes() -> impl Iterator<Item = usize> {
    (0..24).map(|size| 1 + size * 21).chain((1..24).map(|size| size * 1400 + 500)).chain([
        100_000,
        300_000,
        3 << 20,
    ])
}

/// What every child does.
pub(crate) fn use_everything(inherited: &mut Vec<Parcel>) {
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

pub(crate) trait ResizeAny {
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
pub(crate) struct Child(pub(crate) libc::pid_t);

impl Child {
    /// Forks. The child does `work` and is gone: without what a process does at its end, and within
    /// so many seconds.
    pub(crate) fn new(work: impl FnOnce()) -> Self {
        // SAFETY: what the child does is what is tested.
        match unsafe { libc::fork() } {
            -1 => panic!("no more processes"),
            0 => Self::be(work),
            pid => Self(pid),
        }
    }

    /// [`Self::new`] by the system's own call: nobody calls any handlers.
    pub(crate) fn unnoticed(work: impl FnOnce()) -> Self {
        // SAFETY: as a fork, of which only the C library does not know; the child uses little of that.
        match unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) } {
            -1 => panic!("no more processes"),
            0 => Self::be(work),
            pid => Self(pid as libc::pid_t),
        }
    }

    /// The child's part.
    fn be(work: impl FnOnce()) -> ! {
        // SAFETY: no handler is set: the signal ends the child.
        unsafe { libc::alarm(120) };
        let done = catch_unwind(AssertUnwindSafe(work));
        // SAFETY: has no preconditions.
        unsafe { libc::_exit(if done.is_ok() { 0 } else { 101 }) }
    }

    /// Waits, and asserts that all went well.
    pub(crate) fn wait(self) {
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

/// The process that the test began in; 0 for none.
static FIRST: AtomicU32 = AtomicU32::new(0);

/// Notes that the test began in this process.
pub(crate) fn begin() {
    FIRST.store(std::process::id(), Ordering::Relaxed);
}

/// Whether this is a child of the process that [began](begin).
pub(crate) fn is_child() -> bool {
    let first = FIRST.load(Ordering::Relaxed);
    first != 0 && first != std::process::id()
}

/// A thread that the standard library does not know.
pub(crate) struct Thread(libc::pthread_t);

impl Thread {
    pub(crate) fn spawn(work: impl FnOnce() + Send + 'static) -> Self {
        // SAFETY: what it uses lives for as long as it likes.
        unsafe { Self::spawn_scoped(work) }
    }

    /// # Safety
    ///
    /// It is joined before anything goes that `work` uses.
    unsafe fn spawn_scoped<F: FnOnce() + Send>(work: F) -> Self {
        extern "C" fn run<F: FnOnce()>(work: *mut c_void) -> *mut c_void {
            // SAFETY: made below, for this thread.
            let work = unsafe { Box::from_raw(work.cast::<F>()) };
            match catch_unwind(AssertUnwindSafe(work)) {
                Ok(()) => ptr::null_mut(),
                Err(_) => ptr::without_provenance_mut(1),
            }
        }
        let mut thread = std::mem::MaybeUninit::uninit();
        let work = Box::into_raw(Box::new(work)).cast();
        // SAFETY: a place for the thread, and a function that takes what is handed on.
        let error =
            unsafe { libc::pthread_create(thread.as_mut_ptr(), ptr::null(), run::<F>, work) };
        assert_eq!(error, 0, "no more threads");
        // SAFETY: written by the call.
        Self(unsafe { thread.assume_init() })
    }

    /// Waits for its end; returns whether it went well.
    fn join(&self) -> bool {
        let mut failed = ptr::null_mut();
        // SAFETY: made above, and joined once.
        assert_eq!(unsafe { libc::pthread_join(self.0, &raw mut failed) }, 0);
        failed.is_null()
    }
}

/// Does something on a thread of its own, and waits for it.
pub(crate) fn on_a_thread(work: impl FnOnce() + Send) {
    // SAFETY: joined at once.
    assert!(unsafe { Thread::spawn_scoped(work) }.join(), "the thread panicked");
}

/// Threads that allocate, free and hand over as long as this lives.
pub(crate) struct Busy {
    stop: Arc<AtomicBool>,
    threads: Vec<Thread>,
}

impl Busy {
    pub(crate) fn threads(count: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let handed = Arc::new(Mutex::new(Vec::new()));
        let threads = (0..count).map(|seed| {
            let (stop, handed) = (Arc::clone(&stop), Arc::clone(&handed));
            Thread::spawn(move || be_busy(seed, &stop, &handed))
        });
        let threads = threads.collect();
        Self { stop, threads }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let ended = thread.join();
            assert!(ended || thread::panicking(), "a busy thread panicked");
        }
    }
}

pub(crate) fn be_busy(seed: usize, stop: &AtomicBool, handed: &Mutex<Vec<Parcel>>) {
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

pub(crate) fn some() -> Vec<Parcel> {
    let mut random = Random::new(7);
    let small = (0..40).map(|at| Parcel::new::<lives::Small>(1 + at % 100, 2));
    let mut some: Vec<_> = small.collect();
    some.extend((0..10).map(|_| Parcel::new::<lives::Any>(random.size(), 1)));
    some
}
