//! The counters: how many strong and weak handles a value has, in one word.
//!
//! ```text
//!  63            32 31             0
//! +----------------+----------------+
//! | weak           | strong         |      weak: the weak handles, and one for all strong ones together
//! +----------------+----------------+
//! ```
//!
//! The strong handles own the value; the last of them drops it. All strong handles together own one
//! weak count; who gives up the last weak count frees the slot. This is the scheme of Boost's
//! `shared_ptr` (`sp_counted_base`) and of the standard library's `Rc` and `Arc`.
//!
//! # One word instead of two
//!
//! Those keep two counters. That both lie in one word here has three reasons:
//!
//! - *Alone* is one comparison. A word of exactly one strong handle and no weak one says that nobody
//!   else has a handle, so nobody can make one. The handle that sees it may take the value or free
//!   the slot without counting down, and among threads without an atomic change of the word, which is
//!   what makes counting slow.
//! - `get_mut` needs both counts at one moment. With two counters the weak one has to be locked for
//!   that, and `downgrade` has to wait for the lock; one word is read at once.
//! - It is 8 bytes in front of the value, not 16.
//!
//! # Overflow
//!
//! A count may reach 2^31 - 1; the handle after that ends the process, as it does in the standard
//! library at `isize::MAX`: to have so many handles without forgetting them would take 16 GiB of
//! them. [`Shared`] counts first and looks then, so between the bound and the neighbouring count
//! there is room for 2^31 threads that all do this at once.
//!
//! # Memory orderings of [`Shared`]
//!
//! The algorithm and its reasons are those of the Boost.Atomic documentation ("Reference counting")
//! and of the documentation of Rust's `Arc`; the word changes only by read-modify-write operations,
//! so each change continues the release sequences of those before it.
//!
//! | operation | ordering | because |
//! |---|---|---|
//! | one more strong or weak | relaxed | who adds has a handle, so the word cannot vanish, and however that handle came to this thread has ordered the value with it |
//! | one strong or weak less | release | what was done through the handle happens before the value is dropped or the slot freed |
//! | ... and it was the last | then a load, acquire | it reads this change or a later one, so it synchronises with every release before. (Not a fence: ThreadSanitizer does not know them, and where fences are cheaper than such a load it is only once in a value's life.) |
//! | *alone*: to drop, to free, to borrow mutably | a load, acquire | synchronises with the release of every handle that went before. It cannot be stale: a handle that exists was added before in this thread's order, so the load reads that change or a later one |
//! | weak to strong | compare-exchange, acquire | pairs with the release by which `new_cyclic` makes its value known; for all others a relaxed one would do |
//! | the only strong count taken (`try_unwrap`, `make_mut`) | compare-exchange, acquire | as when it was the last |
//! | the value of `new_cyclic` is there | release | the value is written before the count says so |
//! | the counts, to look at | relaxed | they may have changed before the caller sees them, whatever the ordering |

use core::cell::Cell;
use core::fmt;

use crate::abort;
use crate::sync::{AtomicU64, Ordering};

/// How handles are counted: by [`Local`] or by [`Shared`]. Sealed.
///
/// See [`Counted`](super::Counted) for code that is generic over it.
pub trait Counter: Count {}

impl Counter for Local {}
impl Counter for Shared {}

/// A counter for one thread: a plain word.
#[derive(Debug)]
pub struct Local(Cell<u64>);

/// A counter for all threads: an atomic word.
#[derive(Debug)]
pub struct Shared(AtomicU64);

const STRONG: u64 = 1;
const WEAK: u64 = 1 << 32;

/// One strong handle and, beside the count that stands for it, no weak one.
const ALONE: u64 = STRONG + WEAK;

/// The most that is counted.
const MOST: u32 = u32::MAX >> 1;

const fn strong(word: u64) -> u32 {
    (word & (WEAK - 1)) as u32
}

const fn weak(word: u64) -> u32 {
    (word >> 32) as u32
}

/// What is left of a value's handles when a strong one is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Other strong ones: the value stays.
    Strong,
    /// Weak ones: the value is the caller's, and one weak count to give up after it.
    Weak,
    /// None at all: value and slot are the caller's, and nobody will read the word again.
    Nothing,
}

/// What the handles do with their counter.
///
/// Each method but the constructors and `counts` is called with a count in hand: that of the
/// handle through which the caller got here.
pub trait Count: Sized + fmt::Debug {
    /// For a value that is there, with one strong handle.
    fn alone() -> Self;

    /// For a value in the making, with one weak handle, whose count will be that of all strong ones.
    fn unborn() -> Self;

    /// The value is there: the first strong handle.
    fn bear(&self);

    /// Strong and weak count.
    fn counts(&self) -> (u32, u32);

    /// Whether there is no handle but the caller's strong one.
    fn is_alone(&self) -> bool;

    /// One more strong handle.
    fn add_strong(&self);

    /// One strong handle less.
    fn drop_strong(&self) -> Left;

    /// One strong handle less if it is the only one. Where `Nothing` is left the word stays as it
    /// was.
    fn drop_only_strong(&self) -> Option<Left>;

    /// One more weak handle.
    fn add_weak(&self);

    /// One weak handle less; whether it was the last of all, so that the slot is the caller's.
    fn drop_weak(&self) -> bool;

    /// One more strong handle if there is one; whether there was.
    fn upgrade(&self) -> bool;
}

#[cold]
#[inline(never)]
fn overflow() -> ! {
    abort::too_many_handles(MOST)
}

impl Count for Local {
    #[inline(always)]
    fn alone() -> Self {
        Self(Cell::new(ALONE))
    }

    fn unborn() -> Self {
        Self(Cell::new(WEAK))
    }

    fn bear(&self) {
        self.0.set(self.0.get() + STRONG);
    }

    #[inline]
    fn counts(&self) -> (u32, u32) {
        (strong(self.0.get()), weak(self.0.get()))
    }

    #[inline(always)]
    fn is_alone(&self) -> bool {
        self.0.get() == ALONE
    }

    #[inline(always)]
    fn add_strong(&self) {
        let word = self.0.get();
        if strong(word) == MOST {
            overflow();
        }
        self.0.set(word + STRONG);
    }

    #[inline(always)]
    fn drop_strong(&self) -> Left {
        let word = self.0.get();
        if word == ALONE {
            return Left::Nothing;
        }
        self.0.set(word - STRONG);
        if strong(word) == 1 { Left::Weak } else { Left::Strong }
    }

    #[inline]
    fn drop_only_strong(&self) -> Option<Left> {
        if strong(self.0.get()) == 1 { Some(self.drop_strong()) } else { None }
    }

    #[inline]
    fn add_weak(&self) {
        let word = self.0.get();
        if weak(word) == MOST {
            overflow();
        }
        self.0.set(word + WEAK);
    }

    #[inline]
    fn drop_weak(&self) -> bool {
        let word = self.0.get() - WEAK;
        self.0.set(word);
        weak(word) == 0
    }

    #[inline]
    fn upgrade(&self) -> bool {
        let there = strong(self.0.get()) != 0;
        if there {
            self.add_strong();
        }
        there
    }
}

impl Count for Shared {
    #[inline(always)]
    fn alone() -> Self {
        Self(AtomicU64::new(ALONE))
    }

    fn unborn() -> Self {
        Self(AtomicU64::new(WEAK))
    }

    fn bear(&self) {
        self.0.fetch_add(STRONG, Ordering::Release);
    }

    #[inline]
    fn counts(&self) -> (u32, u32) {
        let word = self.0.load(Ordering::Relaxed);
        (strong(word), weak(word))
    }

    #[inline(always)]
    fn is_alone(&self) -> bool {
        self.0.load(Ordering::Acquire) == ALONE
    }

    #[inline(always)]
    fn add_strong(&self) {
        if strong(self.0.fetch_add(STRONG, Ordering::Relaxed)) >= MOST {
            overflow();
        }
    }

    #[inline(always)]
    fn drop_strong(&self) -> Left {
        if self.is_alone() {
            return Left::Nothing;
        }
        let before = self.0.fetch_sub(STRONG, Ordering::Release);
        if strong(before) != 1 {
            return Left::Strong;
        }
        self.0.load(Ordering::Acquire);
        // The others went in the meantime.
        if before == ALONE { Left::Nothing } else { Left::Weak }
    }

    #[inline]
    fn drop_only_strong(&self) -> Option<Left> {
        let mut word = self.0.load(Ordering::Acquire);
        loop {
            if strong(word) != 1 {
                return None;
            }
            if word == ALONE {
                return Some(Left::Nothing);
            }
            match self.0.compare_exchange_weak(
                word,
                word - STRONG,
                Ordering::Acquire,
                Ordering::Acquire,
            ) {
                Ok(_) => return Some(Left::Weak),
                Err(now) => word = now,
            }
        }
    }

    #[inline]
    fn add_weak(&self) {
        if weak(self.0.fetch_add(WEAK, Ordering::Relaxed)) >= MOST {
            overflow();
        }
    }

    #[inline]
    fn drop_weak(&self) -> bool {
        // The last count of a value that is gone: nobody else can add one.
        if self.0.load(Ordering::Acquire) == WEAK {
            return true;
        }
        if weak(self.0.fetch_sub(WEAK, Ordering::Release)) != 1 {
            return false;
        }
        self.0.load(Ordering::Acquire);
        true
    }

    #[inline]
    fn upgrade(&self) -> bool {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            match strong(word) {
                0 => return false,
                MOST.. => overflow(),
                _ => {}
            }
            match self.0.compare_exchange_weak(
                word,
                word + STRONG,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A counter with these counts; the weak one includes that of all strong ones.
    trait With: Count {
        fn with(strong: u32, weak: u32) -> Self;
    }

    impl With for Local {
        fn with(strong: u32, weak: u32) -> Self {
            Self(Cell::new(u64::from(weak) << 32 | u64::from(strong)))
        }
    }

    impl With for Shared {
        fn with(strong: u32, weak: u32) -> Self {
            Self(AtomicU64::new(u64::from(weak) << 32 | u64::from(strong)))
        }
    }

    fn counts_do_not_touch_each_other<C: With>() {
        let counter = C::with(MOST - 1, MOST - 1);
        counter.add_strong();
        counter.add_weak();
        assert_eq!(counter.counts(), (MOST, MOST));
        assert!(!counter.drop_weak());
        assert_eq!(counter.drop_strong(), Left::Strong);
        assert_eq!(counter.counts(), (MOST - 1, MOST - 1));
        assert!(counter.upgrade());
        assert_eq!(counter.counts(), (MOST, MOST - 1));
    }

    fn the_last_is_told_so_once<C: With>() {
        assert_eq!(C::alone().counts(), (1, 1));
        assert_eq!(C::alone().drop_strong(), Left::Nothing);
        let counter = C::with(2, 1);
        assert!(!counter.is_alone());
        assert_eq!(counter.drop_only_strong(), None);
        assert_eq!(counter.drop_strong(), Left::Strong);
        assert!(counter.is_alone());
        assert_eq!(counter.drop_only_strong(), Some(Left::Nothing));
        assert!(counter.is_alone(), "the handle stays usable where nothing is left");
        counter.add_weak();
        assert!(!counter.is_alone());
        assert_eq!(counter.drop_only_strong(), Some(Left::Weak));
        assert_eq!(counter.counts(), (0, 2));
        assert!(!counter.upgrade());
        assert!(!counter.drop_weak());
        assert!(counter.drop_weak());
        let counter = C::with(1, 2);
        assert_eq!(counter.drop_strong(), Left::Weak);
        assert!(!counter.upgrade());
    }

    fn an_unborn_value_has_one_weak_handle<C: With>() {
        let counter = C::unborn();
        assert_eq!(counter.counts(), (0, 1));
        assert!(!counter.upgrade());
        counter.bear();
        assert!(counter.is_alone());
        assert!(C::unborn().drop_weak());
    }

    #[test]
    fn local() {
        counts_do_not_touch_each_other::<Local>();
        the_last_is_told_so_once::<Local>();
        an_unborn_value_has_one_weak_handle::<Local>();
    }

    #[test]
    fn shared() {
        counts_do_not_touch_each_other::<Shared>();
        the_last_is_told_so_once::<Shared>();
        an_unborn_value_has_one_weak_handle::<Shared>();
    }

    fn overflow_by<C: With>(way: &str) {
        match way {
            "strong" => C::with(MOST, 1).add_strong(),
            "weak" => C::with(1, MOST).add_weak(),
            _ => assert!(C::with(MOST, 2).upgrade()),
        }
    }

    const WAY: &str = "FAMALLOC_TEST_OVERFLOW";

    /// Runs in a process of its own, and must not come to its end.
    #[test]
    fn overflowing() {
        match std::env::var(WAY).as_deref().map(|way| way.split_once(' ').unwrap()) {
            Ok(("local", way)) => overflow_by::<Local>(way),
            Ok((_, way)) => overflow_by::<Shared>(way),
            Err(_) => {}
        }
    }

    #[cfg(feature = "std")] // without it the panic handler ends the process, if it does
    #[test]
    #[cfg_attr(miri, ignore = "an interpreter has no processes")]
    fn one_handle_too_many_ends_the_process() {
        for counter in ["local", "shared"] {
            for way in ["strong", "weak", "upgrade"] {
                let mut child = std::process::Command::new(std::env::current_exe().unwrap());
                child.args(["--exact", "rc::counter::tests::overflowing", "--nocapture"]);
                let output = child.env(WAY, format!("{counter} {way}")).output().unwrap();
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(said.contains("more than 2147483647 handles"), "{counter} {way}: {said}");
                // By a signal, or by what Windows calls a fast failure.
                let aborts = [None, Some(0xC000_0409_u32 as i32)];
                let code = output.status.code();
                assert!(aborts.contains(&code), "{counter} {way}: it was to abort, {code:?}");
            }
        }
    }
}
