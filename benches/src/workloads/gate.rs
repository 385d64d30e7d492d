//! Waiting for other threads: a gate that lets several through at once, and the wait that it and the
//! [ring](super::ring) share.

use std::hint;
use std::sync::atomic::{AtomicU64, Ordering::AcqRel, Ordering::Acquire};
use std::thread;

/// How often a waiting thread looks before it lets others have its processor.
const LOOKS: u32 = 100;

/// Returns when the condition holds.
///
/// It spins at first, because to be woken takes longer than most of what is timed, but soon yields,
/// because what it waits for may need this very processor: where there are fewer processors than
/// threads, what is spun away here counts.
#[inline]
pub(super) fn wait_until(mut holds: impl FnMut() -> bool) {
    for _ in 0..LOOKS {
        if holds() {
            return;
        }
        hint::spin_loop();
    }
    while !holds() {
        thread::yield_now();
    }
}

/// Lets all its threads through when the last of them has come, again and again.
#[derive(Debug)]
pub(super) struct Gate {
    threads: u64,
    arrivals: AtomicU64,
}

impl Gate {
    /// For so many threads.
    pub(super) const fn new(threads: u64) -> Self {
        Self { threads, arrivals: AtomicU64::new(0) }
    }

    /// Waits for the others.
    pub(super) fn pass(&self) {
        let place = self.arrivals.fetch_add(1, AcqRel);
        let all = (place / self.threads + 1) * self.threads;
        // More than all have come when some have passed and are back already.
        wait_until(|| self.arrivals.load(Acquire) >= all);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

    use super::*;

    #[test]
    fn nobody_passes_before_all_have_come() {
        const THREADS: u64 = 3;
        let gate = Gate::new(THREADS);
        let came = AtomicU64::new(0);
        let early = AtomicU64::new(0);
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for time in 1..=200 {
                        came.fetch_add(1, Relaxed);
                        gate.pass();
                        early.fetch_add(u64::from(came.load(Relaxed) < time * THREADS), Relaxed);
                    }
                });
            }
        });
        assert_eq!((came.into_inner(), early.into_inner()), (200 * THREADS, 0));
    }
}
