//! A barrier that every thread passes, as a system has it and no checker does: a protocol of its own.
//!
//! Who wants one asks each thread. A thread that is asked passes it between two of its accesses, and says so;
//! one that waits for a lock, or has ended, or has not begun, does nothing, and passes it by that. So each thread has a
//! *point*, before which all is seen by whoever asked, and after which it sees all that was done before. Where
//! nobody asks, nothing is ordered by this.
//!
//! The atomics of this module are the checker's, with a point before each access. Threads that do not
//! [come in](come_in) have no points.

use std::cell::Cell;

use super::sync as raw;
pub(crate) use super::sync::Ordering;

/// So many threads have points at most.
const THREADS: usize = 3;

/// Whether a thread has been asked, ...
const ASKED: u32 = 1;
/// ... and whether it does nothing just now.
const AWAY: u32 = 2;

raw::lazy_static! {
    static ref WORDS: [raw::AtomicU32; THREADS] =
        std::array::from_fn(|_| raw::AtomicU32::new(AWAY));
}

raw::thread_local! {
    /// Which word is the calling thread's.
    static OWN: Cell<Option<usize>> = Cell::new(None);
}

fn own_word() -> Option<&'static raw::AtomicU32> {
    OWN.with(Cell::get).map(|own| &WORDS[own])
}

/// From here on the calling thread has points.
pub(crate) fn come_in(own: usize) {
    OWN.with(|it| it.set(Some(own)));
    come_back();
}

/// Ends that.
pub(crate) fn go() {
    go_away();
    OWN.with(|it| it.set(None));
}

fn go_away() {
    if let Some(word) = own_word() {
        answer(word.swap(AWAY, Ordering::AcqRel));
    }
}

fn come_back() {
    if let Some(word) = own_word() {
        word.swap(0, Ordering::AcqRel);
    }
}

fn answer(before: u32) {
    if before & ASKED != 0 {
        raw::futex_wake_one();
    }
}

/// A place between two accesses.
fn point() {
    if let Some(word) = own_word() {
        // It sees the latest value, and orders nothing.
        if word.fetch_add(0, Ordering::Relaxed) & ASKED != 0 {
            answer(word.swap(0, Ordering::AcqRel));
        }
    }
}

/// Has every thread pass.
pub(crate) fn barrier_all_threads() -> bool {
    for word in WORDS.iter() {
        word.fetch_or(ASKED, Ordering::AcqRel);
    }
    for word in WORDS.iter() {
        while word.fetch_add(0, Ordering::AcqRel) == ASKED {
            raw::futex_wait(word, ASKED);
        }
    }
    true
}

/// A lock, of which the model is the checker's: how it works has a model of its own.
#[derive(Debug)]
pub(crate) struct Lock<T>(raw::Mutex<T>);

pub(crate) type Guard<'a, T> = raw::MutexGuard<'a, T>;

impl<T> Lock<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(raw::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> Guard<'_, T> {
        go_away();
        let guard = self.0.lock().unwrap();
        come_back();
        guard
    }

    pub(crate) fn try_lock(&self) -> Option<Guard<'_, T>> {
        self.0.try_lock().ok()
    }
}

/// What keeps the compiler from moving accesses: here nobody does.
pub(crate) fn light_barrier() {}

pub(crate) use raw::{lazy_static, thread_local};

/// The calling thread's name.
pub(crate) fn this_thread() -> usize {
    super::thread::name()
}

macro_rules! atomics {
    ($($name:ident($value:ty),)*) => {
        $(
            #[derive(Debug)]
            pub(crate) struct $name(raw::$name);

            #[allow(dead_code, reason = "of each a part is used")]
            impl $name {
                pub(crate) fn new(value: $value) -> Self {
                    Self(raw::$name::new(value))
                }

                pub(crate) fn load(&self, order: Ordering) -> $value {
                    point();
                    self.0.load(order)
                }

                pub(crate) fn store(&self, value: $value, order: Ordering) {
                    point();
                    self.0.store(value, order);
                }

                pub(crate) fn swap(&self, value: $value, order: Ordering) -> $value {
                    point();
                    self.0.swap(value, order)
                }
            }
        )*
    };
}

atomics! {
    AtomicBool(bool),
    AtomicU8(u8),
    AtomicU32(u32),
    AtomicU64(u64),
    AtomicUsize(usize),
}

impl AtomicU8 {
    pub(crate) fn fetch_add(&self, value: u8, order: Ordering) -> u8 {
        point();
        self.0.fetch_add(value, order)
    }
}

pub(crate) struct AtomicPtr<T>(raw::AtomicPtr<T>);

impl<T> std::fmt::Debug for AtomicPtr<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AtomicPtr")
    }
}

#[allow(dead_code, reason = "in one protocol or the other")]
impl AtomicUsize {
    pub(crate) fn compare_exchange(
        &self,
        current: usize,
        new: usize,
        order: Ordering,
        fail: Ordering,
    ) -> Result<usize, usize> {
        point();
        self.0.compare_exchange(current, new, order, fail)
    }
}

#[allow(dead_code, reason = "in one protocol or the other")]
impl<T> AtomicPtr<T> {
    pub(crate) fn swap(&self, value: *mut T, order: Ordering) -> *mut T {
        point();
        self.0.swap(value, order)
    }

    pub(crate) fn compare_exchange(
        &self,
        current: *mut T,
        new: *mut T,
        order: Ordering,
        fail: Ordering,
    ) -> Result<*mut T, *mut T> {
        point();
        self.0.compare_exchange(current, new, order, fail)
    }

    /// Where it fails for no reason, it is tried again.
    pub(crate) fn compare_exchange_weak(
        &self,
        current: *mut T,
        new: *mut T,
        order: Ordering,
        fail: Ordering,
    ) -> Result<*mut T, *mut T> {
        self.compare_exchange(current, new, order, fail)
    }

    pub(crate) fn new(value: *mut T) -> Self {
        Self(raw::AtomicPtr::new(value))
    }

    pub(crate) fn load(&self, order: Ordering) -> *mut T {
        point();
        self.0.load(order)
    }

    pub(crate) fn store(&self, value: *mut T, order: Ordering) {
        point();
        self.0.store(value, order);
    }
}
