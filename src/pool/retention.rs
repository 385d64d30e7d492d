//! How many idle objects a pool keeps: the policy, and the arithmetic of the working set.
//!
//! The least number of objects that were idle at any time of a period is the number that nobody needed:
//! with so many fewer, the pool would have called its constructor no more often. They are *due* when the
//! period ends. This is the rule of the depot in Bonwick and Adams, "Magazines and Vmem" (USENIX 2001),
//! section 3.6, with objects in place of magazines.
//!
//! ```text
//!  idle
//!   9 |  __                 __
//!   6 | |  |__          ___|  |        low = 3: three objects lay idle from the first moment of
//!   3 |_|     |________|      |        the period to its last, and are due when it ends
//!     +------------------------> time
//! ```

/// How many idle objects a pool keeps: all, a fixed number, or its working set.
///
/// [`Pool::end_period`](crate::Pool::end_period) ends a period of the working set: call it once for each
/// frame, request or second. With [`every`](Self::every) a period also ends by itself after a number of
/// returned objects.
///
/// # Examples
///
/// ```
/// use famalloc::pool::Retention;
///
/// /// The working set of the last 1,000 hand-backs, and never more than 64 idle objects.
/// const BRUSHES: Retention = Retention::working_set().every(1000).at_most(64);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a policy does nothing until a pool uses it"]
pub struct Retention {
    /// No more idle objects than this.
    pub(super) most: usize,
    /// One in so many of those that lay idle for a period is due at its end; none if 0.
    one_in: usize,
    /// A period ends by itself after so many hand-backs; never if 0.
    period: usize,
    /// How many objects one call of `end_period` releases at most.
    pub(super) step: usize,
}

/// How many objects the end of a period releases if nothing else is said.
const STEP: usize = 64;

impl Retention {
    /// Keeps all objects.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::pool::Retention;
    /// assert_eq!(Retention::everything(), Retention::default());
    /// ```
    pub const fn everything() -> Self {
        Self { most: usize::MAX, one_in: 0, period: 0, step: STEP }
    }

    /// Keeps what was needed in the last period: objects that were idle throughout a period are destroyed
    /// at its end.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, pool::Retention, Pool};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// # use famalloc::FamilyBox;
    /// let pool = Pool::<u32, _>::new_in(u32::default, lives::Frame)
    ///     .with_retention(Retention::working_set());
    /// let three = [pool.get(), pool.get(), pool.get()];
    /// drop(three);
    /// pool.end_period(); // all three were in use
    /// drop([pool.get(), pool.get()]);
    /// pool.end_period(); // one of the three was not
    /// assert_eq!(pool.len(), 2);
    /// ```
    pub const fn working_set() -> Self {
        Self { one_in: 1, ..Self::everything() }
    }

    /// Keeps at most `most` idle objects: an object that returns to a full pool is destroyed.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, pool::Retention, Pool};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let retention = Retention::everything().at_most(2);
    /// let pool = Pool::<u32, _>::new_in(u32::default, lives::Frame).with_retention(retention);
    /// drop([pool.get(), pool.get(), pool.get()]);
    /// assert_eq!(pool.len(), 2);
    /// ```
    pub const fn at_most(self, most: usize) -> Self {
        Self { most, ..self }
    }

    /// Destroys only one in `n` of the objects that were idle throughout a period, rounded up: so a pool
    /// whose need varies shrinks more slowly.
    ///
    /// # Panics
    ///
    /// If `n` is 0; in a constant that is a compile error.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::pool::Retention;
    /// const HALVES: Retention = Retention::working_set().one_in(2);
    /// ```
    pub const fn one_in(self, n: usize) -> Self {
        assert!(n > 0, "`n` must not be 0");
        Self { one_in: n, ..self }
    }

    /// Ends a period by itself after `hand_backs` objects have returned to the pool (a
    /// [front](crate::pool::PoolFront) returns them by the dozen). 0, the default, means never.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::pool::Retention;
    /// const SLOW: Retention = Retention::working_set().every(10_000);
    /// ```
    pub const fn every(self, hand_backs: usize) -> Self {
        Self { period: hand_backs, ..self }
    }

    /// Destroys at most `objects` objects in one call of `end_period`; the default is 64. The rest is
    /// destroyed by later returns, two by each, and at the next end of a period.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::pool::Retention;
    /// const GENTLE: Retention = Retention::working_set().step(4);
    /// ```
    pub const fn step(self, objects: usize) -> Self {
        Self { step: objects, ..self }
    }
}

impl Default for Retention {
    /// Keeps every object.
    fn default() -> Self {
        Self::everything()
    }
}

/// How low the number of idle objects fell in this period, and how many of them are due.
///
/// Always: `due <= low <=` the number of idle objects.
#[derive(Debug, Default)]
pub(super) struct Tide {
    /// The least number of idle objects in this period.
    low: usize,
    /// How many are to be released.
    due: usize,
    /// How many have come back in this period.
    hand_backs: usize,
}

impl Tide {
    pub(super) const fn new() -> Self {
        Self { low: 0, due: 0, hand_backs: 0 }
    }

    /// How many objects are to be released.
    pub(super) fn due(&self) -> usize {
        self.due
    }

    /// Objects were taken to be used; so many are left. Those that were due were needed after all.
    pub(super) fn fell_to(&mut self, idle: usize) {
        self.low = self.low.min(idle);
        self.due = self.due.min(idle);
    }

    /// One object that was idle was released. Nobody needed it: the others count as before.
    pub(super) fn released_one(&mut self) {
        self.low = self.low.saturating_sub(1);
        self.due = self.due.saturating_sub(1);
    }

    /// One came back; whether a period ends with that.
    pub(super) fn handed_back_one(&mut self, retention: &Retention) -> bool {
        self.hand_backs += 1;
        retention.period > 0 && self.hand_backs >= retention.period
    }

    /// The period ends, and another begins with so many idle.
    pub(super) fn turn(&mut self, retention: &Retention, idle: usize) {
        if retention.one_in > 0 {
            self.due = self.due.max(self.low.div_ceil(retention.one_in));
        }
        self.low = idle;
        self.hand_backs = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_idle_all_the_period_is_due_at_its_end() {
        let mut tide = Tide::new();
        tide.turn(&Retention::working_set(), 9);
        assert_eq!(tide.due(), 0, "nothing was there when the first period began");
        tide.fell_to(6);
        tide.fell_to(3);
        tide.fell_to(5);
        tide.turn(&Retention::working_set(), 9);
        assert_eq!(tide.due(), 3);
        tide.released_one();
        assert_eq!((tide.due(), tide.low), (2, 8));
        tide.fell_to(1);
        assert_eq!(tide.due(), 1, "one of the two was needed after all");
    }

    #[test]
    fn what_is_due_stays_due_until_it_is_released_or_needed() {
        let mut tide = Tide { low: 10, due: 10, hand_backs: 0 };
        tide.turn(&Retention::everything(), 10);
        assert_eq!(tide.due(), 10);
        tide.turn(&Retention::working_set().one_in(3), 10);
        assert_eq!(tide.due(), 10);
    }

    #[test]
    fn a_part_is_rounded_up() {
        for (low, n, due) in [(0, 2, 0), (1, 2, 1), (7, 2, 4), (8, 2, 4), (7, 100, 1), (7, 1, 7)] {
            let mut tide = Tide { low, due: 0, hand_backs: 0 };
            tide.turn(&Retention::working_set().one_in(n), 20);
            assert_eq!(tide.due(), due, "one in {n} of {low}");
        }
    }

    #[test]
    fn a_period_ends_by_itself_after_so_many_hand_backs() {
        let mut tide = Tide::new();
        let ends = |tide: &mut Tide, retention: Retention| {
            let ends = tide.handed_back_one(&retention);
            if ends {
                tide.turn(&retention, 0);
            }
            ends
        };
        let three = Retention::working_set().every(3);
        let ended: Vec<_> = (0..7).map(|_| ends(&mut tide, three)).collect();
        assert_eq!(ended, [false, false, true, false, false, true, false]);
        assert!(!(0..100).any(|_| ends(&mut tide, Retention::working_set())));
    }
}
