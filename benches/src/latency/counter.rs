//! The processor's counter: the finest clock there is for a single operation.
//!
//! What is timed stands between [`before`] and [`after`]. Both hold the processor back as far as
//! they must: the counter is not read before what stands above it is done, and what stands below it
//! does not begin before the counter has been read.

use std::time::{Duration, Instant};

/// For how long the counter is compared with the clock.
const COMPARED: Duration = Duration::from_millis(20);
/// How often the counter is looked at to see in which steps it moves.
const LOOKS: usize = 100_000;

#[cfg(target_arch = "x86_64")]
mod read {
    use core::arch::x86_64::{__rdtscp, _mm_lfence, _rdtsc};

    #[inline(always)]
    pub(in super::super) fn before() -> u64 {
        // SAFETY: every processor of this architecture has these instructions, and they touch no
        // memory. The first fence waits for what comes before, the second holds back what comes
        // after.
        unsafe {
            _mm_lfence();
            let count = _rdtsc();
            _mm_lfence();
            count
        }
    }

    #[inline(always)]
    pub(in super::super) fn after() -> u64 {
        let mut processor = 0;
        // SAFETY: as above; `processor` is a place to write to. The reading itself waits for what
        // comes before, the fence holds back what comes after.
        unsafe {
            let count = __rdtscp(&raw mut processor);
            _mm_lfence();
            count
        }
    }
}

#[cfg(target_arch = "aarch64")]
mod read {
    use core::arch::asm;

    #[inline(always)]
    pub(in super::super) fn before() -> u64 {
        let count;
        // SAFETY: reads a register that programs may read. It is no `nomem`, so that the compiler
        // moves no access to memory across.
        unsafe { asm!("isb", "mrs {}, cntvct_el0", "isb", out(reg) count, options(nostack)) };
        count
    }

    #[inline(always)]
    pub(in super::super) fn after() -> u64 {
        before()
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod read {
    use std::sync::LazyLock;
    use std::time::Instant;

    static START: LazyLock<Instant> = LazyLock::new(Instant::now);

    #[inline(always)]
    pub(in super::super) fn before() -> u64 {
        START.elapsed().as_nanos() as u64
    }

    #[inline(always)]
    pub(in super::super) fn after() -> u64 {
        before()
    }
}

pub(super) use read::{after, before};

/// How many nanoseconds a tick of the counter is, by comparison with the clock.
pub(super) fn nanoseconds_per_tick() -> f64 {
    let (start, first) = (Instant::now(), before());
    while start.elapsed() < COMPARED {
        core::hint::spin_loop();
    }
    let (time, ticks) = (start.elapsed(), after() - first);
    time.as_secs_f64() * 1e9 / ticks as f64
}

/// By how many ticks the counter moves when it moves: on some machines in coarser steps than its
/// unit says.
pub(super) fn step() -> u64 {
    let differences = (0..LOOKS).map(|_| {
        let first = before();
        after().saturating_sub(first)
    });
    differences.fold(0, greatest_common_divisor).max(1)
}

fn greatest_common_divisor(one: u64, other: u64) -> u64 {
    if other == 0 { one } else { greatest_common_divisor(other, one % other) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_runs_as_the_clock_does() {
        let tick = nanoseconds_per_tick();
        let (start, first) = (Instant::now(), before());
        std::thread::sleep(Duration::from_millis(30));
        let (last, time) = (after(), start.elapsed());
        let ratio = (last - first) as f64 * tick / (time.as_secs_f64() * 1e9);
        assert!((0.9..1.1).contains(&ratio), "{tick} ns for a tick makes {ratio} of the time");
    }

    #[test]
    fn divisors_are_common_and_greatest() {
        let differences = [0, 60, 24, 36, 0];
        assert_eq!(differences.into_iter().fold(0, greatest_common_divisor), 12);
    }

    #[test]
    fn all_differences_are_whole_steps() {
        let step = step();
        assert!(step >= 1);
        for _ in 0..1000 {
            let first = before();
            assert!((after() - first).is_multiple_of(step), "steps of {step}");
        }
    }

    #[test]
    fn the_counter_does_not_go_back() {
        let mut last = before();
        for _ in 0..1000 {
            let now = after();
            assert!(now >= last);
            last = now;
        }
    }
}
