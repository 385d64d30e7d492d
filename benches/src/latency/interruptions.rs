//! What came between: how often the kernel had the thread while something was timed.

use core::ops::Sub;

/// Counts of the calling thread, or how many of each there were in between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Interruptions {
    /// It had to make way for another thread.
    pub(super) preempted: u64,
    /// It waited for something, such as a lock.
    pub(super) waited: u64,
    /// It touched a page that was not there.
    pub(super) faulted: u64,
}

impl Interruptions {
    /// So far.
    #[cfg(target_os = "linux")]
    pub(super) fn of_this_thread() -> Self {
        let mut usage = core::mem::MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: a place to write to.
        let failed = unsafe { libc::getrusage(libc::RUSAGE_THREAD, usage.as_mut_ptr()) };
        debug_assert_eq!(failed, 0, "every thread has its counts");
        // SAFETY: zeroed, and every value is a valid number.
        let usage = unsafe { usage.assume_init() };
        let count = |number: libc::c_long| u64::try_from(number).unwrap_or(0);
        Self {
            preempted: count(usage.ru_nivcsw),
            waited: count(usage.ru_nvcsw),
            faulted: count(usage.ru_minflt) + count(usage.ru_majflt),
        }
    }

    /// Nothing is known here.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn of_this_thread() -> Self {
        Self::default()
    }

    /// Whether there were none.
    pub(super) fn is_none(self) -> bool {
        self == Self::default()
    }
}

impl Sub for Interruptions {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            preempted: self.preempted - earlier.preempted,
            waited: self.waited - earlier.waited,
            faulted: self.faulted - earlier.faulted,
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_is_a_wait_and_a_new_page_is_a_fault() {
        let start = Interruptions::of_this_thread();
        std::thread::sleep(core::time::Duration::from_millis(1));
        let slept = Interruptions::of_this_thread();
        assert!((slept - start).waited >= 1);
        let pages = core::hint::black_box(vec![1_u8; 16 << 20]);
        let touched = Interruptions::of_this_thread() - slept;
        assert!(touched.faulted >= 1, "{} bytes", pages.len());
        assert!(!touched.is_none());
    }
}
