//! Two threads at once, each with batches of its own of the same size: in famalloc, in one cell.

use std::hint;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::AcqRel, Ordering::Acquire};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{Batch, OPERATIONS, Order, Workload};
use crate::allocator::Allocator;

/// A batch on the calling thread and one on a thread beside it.
#[derive(Debug)]
pub struct TwoThreads<A, const SIZE: usize> {
    here: Batch<A, SIZE>,
    gate: Arc<Gate>,
    /// How many rounds the other thread is to do; it ends when this is gone.
    orders: Option<Sender<u32>>,
    times: Receiver<Duration>,
    there: Option<JoinHandle<()>>,
}

impl<A: Allocator, const SIZE: usize> TwoThreads<A, SIZE> {
    /// On the calling thread and a new one, which sleeps between measurements.
    #[must_use]
    pub fn new(order: Order) -> Self {
        let gate = Arc::new(Gate::default());
        let (orders, received) = mpsc::channel();
        let (measured, times) = mpsc::channel();
        let other_gate = Arc::clone(&gate);
        let there = thread::spawn(move || {
            let mut batch = Batch::<A, SIZE>::new(OPERATIONS, order);
            for rounds in received {
                let time = together(&mut batch, &other_gate, rounds);
                if measured.send(time).is_err() {
                    break;
                }
            }
        });
        Self {
            here: Batch::new(OPERATIONS, order),
            gate,
            orders: Some(orders),
            times,
            there: Some(there),
        }
    }
}

/// Does the rounds of one thread, beginning when the other does.
fn together(batch: &mut impl Workload, gate: &Gate, rounds: u32) -> Duration {
    batch.round();
    gate.pass();
    let start = Instant::now();
    for _ in 0..rounds {
        batch.round();
    }
    start.elapsed()
}

impl<A: Allocator, const SIZE: usize> Workload for TwoThreads<A, SIZE> {
    fn round(&mut self) {
        self.time(1, &mut [Duration::ZERO]);
    }

    /// The time of the slower of the two.
    fn time(&mut self, rounds: u32, laps: &mut [Duration]) {
        let orders = self.orders.as_ref().expect("present until dropped");
        orders.send(rounds).expect("the other thread listens until dropped");
        let here = together(&mut self.here, &self.gate, rounds);
        let there = self.times.recv().expect("the other thread answers every order");
        laps[0] = here.max(there);
    }
}

impl<A, const SIZE: usize> Drop for TwoThreads<A, SIZE> {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(there) = self.there.take() {
            // A panic there has been reported there, and shows here as a missing answer.
            let _ = there.join();
        }
    }
}

/// Lets two threads through at the same moment. It spins: to be woken takes longer than a round.
#[derive(Debug, Default)]
struct Gate {
    arrivals: AtomicU32,
}

impl Gate {
    fn pass(&self) {
        let place = self.arrivals.fetch_add(1, AcqRel);
        // The first of a pair waits for the second.
        while self.arrivals.load(Acquire) == place + 1 && place.is_multiple_of(2) {
            hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::System;

    #[test]
    fn both_threads_work_and_stop() {
        let mut two = TwoThreads::<System, 48>::new(Order::Random);
        for rounds in [3, 1] {
            let mut time = [Duration::ZERO];
            two.time(rounds, &mut time);
            assert!(time[0] > Duration::ZERO);
        }
    }
}
