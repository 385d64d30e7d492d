//! The word of a lock: who holds it, and whether somebody waits.
//!
//! Free, held, or held and perhaps awaited (the second mutex of Drepper, "Futexes Are Tricky", 2011).
//! Taking it is one compare-and-exchange, letting it go one exchange; the system is called when there is
//! somebody to wait for or to wake. Who has to wait looks a few times more first, as most locks here are
//! held for less than it takes to fall asleep.
//!
//! A thread is named by bits of the address that the system keeps for it, so that whoever forks in a
//! signal handler can tell the locks that it interrupted from those that others hold. The name is in
//! the word itself: there is no moment at which a lock is held and its holder not known. Two threads whose
//! addresses are a multiple of 64 GiB apart have the same name; all that comes of it is that the child of
//! a fork starts over that need not have.

use core::hint;

use super::{AtomicU32, Ordering};
use crate::platform;
pub(crate) use crate::platform::this_thread;

const FREE: u32 = 0;
/// Somebody may be asleep until the lock is let go.
const AWAITED: u32 = 1;
/// Beside the holder's name.
const HELD: u32 = 2;

/// How often a waiter looks again before it sleeps.
const LOOKS: u32 = 100;

/// How long a waiter sleeps, unless it is woken, before it asks itself whether to go on waiting.
const SLEEP_NANOSECONDS: u64 = 2_000_000;

/// What the word is while the calling thread holds it and nobody waits.
#[inline(always)]
fn held_by_me() -> u32 {
    // The lowest six bits are the same for all.
    (this_thread() >> 4) as u32 & !(HELD | AWAITED) | HELD
}

#[derive(Default)]
pub(super) struct Word(AtomicU32);

impl Word {
    pub(super) const fn new() -> Self {
        Self(AtomicU32::new(FREE))
    }

    #[inline]
    pub(super) fn take(&self) -> bool {
        let held = held_by_me();
        self.0.compare_exchange(FREE, held, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[inline]
    pub(super) fn unlock(&self) {
        if self.0.swap(FREE, Ordering::Release) & AWAITED != 0 {
            self.wake_one();
        }
    }

    pub(super) fn is_held(&self) -> bool {
        self.0.load(Ordering::Acquire) != FREE
    }

    pub(super) fn is_mine(&self) -> bool {
        self.0.load(Ordering::Relaxed) & !AWAITED == held_by_me()
    }

    /// Makes it free, whoever holds it.
    pub(super) fn reset(&self) {
        self.0.store(FREE, Ordering::Release);
    }

    /// Waits for the lock and takes it; returns `false` if `give_up` said so instead. That is asked before
    /// each sleep, and told whether the last one was as long as can be.
    #[cold]
    #[inline(never)]
    pub(super) fn wait(&self, mut give_up: impl FnMut(bool) -> bool) -> bool {
        self.look();
        if self.take() {
            return true;
        }
        let mut overslept = false;
        loop {
            let word = self.0.load(Ordering::Relaxed);
            let (order, fail) = (Ordering::Acquire, Ordering::Relaxed);
            if word == FREE {
                // Taken as awaited: who has slept does not know who else sleeps.
                let held = held_by_me() | AWAITED;
                if self.0.compare_exchange(FREE, held, order, fail).is_ok() {
                    return true;
                }
                continue;
            }
            if give_up(overslept) {
                return false;
            }
            let awaited = word | AWAITED;
            overslept = (word == awaited
                || self.0.compare_exchange(word, awaited, fail, fail).is_ok())
                && self.sleep(awaited);
            self.look();
        }
    }

    /// Looks a few times whether the lock is let go, unless others have given up looking.
    fn look(&self) {
        for _ in 0..LOOKS {
            let word = self.0.load(Ordering::Relaxed);
            if word == FREE || word & AWAITED != 0 {
                break;
            }
            hint::spin_loop();
        }
    }

    /// Sleeps for a while, unless the word changes; returns whether it slept all the while. May wake for
    /// no reason.
    fn sleep(&self, word: u32) -> bool {
        // SAFETY: the word is valid.
        unsafe { platform::sleep_while(self.0.as_ptr(), word, SLEEP_NANOSECONDS) }
    }

    #[cold]
    fn wake_one(&self) {
        // SAFETY: as above. Nobody need be asleep.
        unsafe { platform::wake_one(self.0.as_ptr()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn the_last_error_is_left_alone() {
        let word = Word::new();
        platform::set_last_error(1234);
        // It is free, so the system refuses to let anyone sleep.
        assert!(!word.sleep(HELD | AWAITED));
        assert!(word.sleep(FREE) || cfg!(miri), "it was woken");
        word.wake_one();
        assert_eq!(std::io::Error::last_os_error().raw_os_error(), Some(1234));
    }

    #[test]
    fn who_holds_it_is_known() {
        let word = Word::new();
        assert!(!word.is_held() && !word.is_mine());
        assert!(word.take());
        assert!(word.is_held() && word.is_mine());
        assert!(thread::scope(|scope| scope
            .spawn(|| word.is_held() && !word.is_mine())
            .join()
            .unwrap()));
        // Whether somebody waits makes no difference.
        thread::scope(|scope| {
            let waits = scope.spawn(|| word.wait(|_| false) && word.is_mine());
            while word.0.load(Ordering::Relaxed) & AWAITED == 0 {
                thread::yield_now();
            }
            assert!(word.is_mine());
            word.unlock();
            assert!(waits.join().unwrap());
        });
        assert!(word.is_held() && !word.is_mine());
        word.reset();
        assert!(!word.is_held());
    }

    #[test]
    fn who_waits_can_give_up() {
        let word = Word::new();
        assert!(word.take());
        let mut sleeps = 0;
        let taken = word.wait(|overslept| {
            sleeps += u32::from(overslept);
            sleeps == 3
        });
        assert!(!taken && word.is_mine());
    }
}
