//! Several threads at once: any workloads, each on a thread of its own.
//!
//! The threads are started once and sleep between measurements. In a measurement each does a round
//! that does not count, passes a [`Gate`] together with the others, and does its rounds. The time is
//! that from the first one's start to the last one's end, so that threads which had to take turns on a
//! processor do not pass for threads that worked at once. It is divided by the operations of one
//! thread: where threads do not hinder each other, the result is the same for any number of them.

use core::fmt;
use core::marker::PhantomData;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::Workload;
use super::gate::Gate;
use crate::allocator::Allocator;

/// What one of the threads does.
pub struct Part {
    operations: u64,
    rounds: Box<dyn FnMut(u32)>,
}

impl Part {
    /// The rounds of this workload.
    pub fn new(mut workload: impl Workload) -> Self {
        let operations = workload.operations();
        let rounds = move |rounds| (0..rounds).for_each(|_| workload.round());
        Self { operations, rounds: Box::new(rounds) }
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part").field("operations", &self.operations).finish_non_exhaustive()
    }
}

/// Makes a part on the thread that is going to do it.
pub type Maker = Box<dyn FnOnce() -> Part + Send>;

/// Workloads that run at the same time.
#[derive(Debug)]
pub struct Threads<A> {
    operations: u64,
    /// How many rounds each thread is to do; it ends when this is gone.
    orders: Vec<Sender<u32>>,
    times: Receiver<(Instant, Instant)>,
    crew: Vec<JoinHandle<()>>,
    allocator: PhantomData<A>,
}

impl<A: Allocator> Threads<A> {
    /// One thread for each maker. All parts have equally many operations.
    #[must_use]
    pub fn new(makers: Vec<Maker>) -> Self {
        // An allocator that sets itself up when it is first used need not survive that several
        // threads are the first.
        let allocator = A::new();
        // SAFETY: allocated just now.
        unsafe { allocator.free::<48>(allocator.alloc::<48>()) };

        let gate = Arc::new(Gate::new(makers.len() as u64));
        let (ready, operations) = mpsc::channel();
        let (measured, times) = mpsc::channel();
        let (mut orders, mut crew) = (Vec::new(), Vec::new());
        for make in makers {
            let (order, received) = mpsc::channel();
            let member = Member { gate: Arc::clone(&gate), measured: measured.clone() };
            let ready = ready.clone();
            orders.push(order);
            crew.push(thread::spawn(move || member.work::<A>(make, ready, received)));
        }
        drop(ready);
        let operations: Vec<u64> = operations.iter().collect();
        assert_eq!(operations.len(), crew.len(), "every thread gets ready");
        assert!(operations.windows(2).all(|pair| pair[0] == pair[1]), "all do equally much");
        Self { operations: operations[0], orders, times, crew, allocator: PhantomData }
    }

    /// So many threads that do the same; `make` is told which of them it is called on.
    #[must_use]
    pub fn alike<W: Workload>(
        count: usize,
        make: impl Fn(usize) -> W + Send + Sync + 'static,
    ) -> Self {
        Self::of_parts(count, move |number| Part::new(make(number)))
    }

    /// So many threads, each with a part of its own.
    #[must_use]
    pub fn of_parts(count: usize, make: impl Fn(usize) -> Part + Send + Sync + 'static) -> Self {
        let make = Arc::new(make);
        let maker = |number| -> Maker {
            let make = Arc::clone(&make);
            Box::new(move || make(number))
        };
        Self::new((0..count).map(maker).collect())
    }
}

impl<A: Allocator> Workload for Threads<A> {
    /// Those of one thread.
    fn operations(&self) -> u64 {
        self.operations
    }

    fn round(&mut self) {
        self.time(1, &mut [Duration::ZERO]);
    }

    /// The time from the first one's start to the last one's end.
    fn time(&mut self, rounds: u32, laps: &mut [Duration]) {
        for order in &self.orders {
            order.send(rounds).expect("threads listen until their orders are dropped");
        }
        let times = self.times.iter().take(self.orders.len());
        let (starts, ends): (Vec<_>, Vec<_>) = times.unzip();
        let (start, end) = (starts.into_iter().min(), ends.into_iter().max());
        laps[0] = end.expect("each answers every order") - start.expect("there are threads");
    }
}

impl<A> Drop for Threads<A> {
    fn drop(&mut self) {
        self.orders.clear();
        for member in self.crew.drain(..) {
            // A panic there has ended the process.
            let _ = member.join();
        }
    }
}

/// One of the threads, as it sees itself.
struct Member {
    gate: Arc<Gate>,
    measured: Sender<(Instant, Instant)>,
}

impl Member {
    fn work<A: Allocator>(self, make: Maker, ready: Sender<u64>, orders: Receiver<u32>) {
        let alone = NoneAlone;
        let mut part = make();
        // Whoever is not there any more to hear it needs no answer, here and below.
        let _ = ready.send(part.operations);
        drop(ready);
        for rounds in orders {
            (part.rounds)(1);
            self.gate.pass();
            let start = Instant::now();
            (part.rounds)(rounds);
            let _ = self.measured.send((start, Instant::now()));
        }
        drop(part);
        A::new().leave();
        core::mem::forget(alone);
    }
}

/// Ends the process when a thread panics: the others would wait for it for ever.
struct NoneAlone;

impl Drop for NoneAlone {
    fn drop(&mut self) {
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    use super::*;
    use crate::peers::System;
    use crate::workloads::counting::Counting;

    /// Counts its rounds, and takes its time in each.
    struct Known {
        rounds: Arc<AtomicU32>,
        time: Duration,
    }

    impl Workload for Known {
        fn round(&mut self) {
            self.rounds.fetch_add(1, Relaxed);
            thread::sleep(self.time);
        }
    }

    #[test]
    fn all_do_their_rounds_and_the_slowest_counts() {
        const SLOW: Duration = Duration::from_millis(5);
        for slow in 0..3 {
            let rounds: [Arc<AtomicU32>; 3] = core::array::from_fn(|_| Arc::default());
            let seen = rounds.clone();
            let mut threads = Threads::<System>::alike(3, move |number| Known {
                rounds: Arc::clone(&rounds[number]),
                time: if number == slow { SLOW } else { Duration::ZERO },
            });
            let mut laps = [Duration::ZERO];
            threads.time(4, &mut laps);
            assert!(laps[0] >= 4 * SLOW, "a sleep is never too short");
            threads.round();
            assert_eq!(seen.map(|rounds| rounds.load(Relaxed)), [4 + 1 + 1 + 1; 3]);
            assert_eq!(threads.operations(), 1000);
        }
    }

    #[test]
    fn who_ends_says_so_when_nothing_of_it_lives() {
        type A = Counting<13>;
        let mut threads = Threads::<A>::alike(2, |_| crate::workloads::Churn::<A, 48>::new(500));
        threads.round();
        assert_eq!((A::counts().live, A::counts().left), (1000, 0));
        drop(threads);
        assert_eq!((A::counts().live, A::counts().left, A::counts().wrong), (0, 2, 0));
        assert_eq!(A::counts().freed_by_others, 0);
    }
}
