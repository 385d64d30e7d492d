//! What a [`Pool`] does with its idle objects: counting them, and destroying those that it need not
//! keep.

use super::{Pool, PoolCounts};
use crate::family_key::FamilyKey;

impl<T, F: FamilyKey> Pool<T, F> {
    /// Ends a period of the working set: objects that were idle throughout it become due, and as many due
    /// objects are destroyed as [`Retention::step`] allows. Returns the number of destroyed objects.
    ///
    /// Call it regularly: once for each frame, request, or second. Does nothing if the [`Retention`] has
    /// no working set. O(destroyed).
    ///
    /// # Panics
    ///
    /// If a destructor panics; the others are destroyed before.
    ///
    /// # Examples
    ///
    /// See [`Retention::working_set`].
    ///
    /// [`Retention`]: crate::pool::Retention
    /// [`Retention::step`]: crate::pool::Retention::step
    /// [`Retention::working_set`]: crate::pool::Retention::working_set
    pub fn end_period(&self) -> usize {
        self.depot.end_period(self.owner())
    }

    /// Destroys idle objects until at most `keep` are left, those first that have been idle the longest.
    /// Returns the number of destroyed objects. O(destroyed).
    ///
    /// # Panics
    ///
    /// If a destructor panics; the others are destroyed before.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Pool};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let pool = Pool::<u32, _>::new_in(|| 7, lives::Frame);
    /// drop([pool.get(), pool.get(), pool.get()]);
    /// assert_eq!(pool.trim(1), 2);
    /// assert_eq!(pool.len(), 1);
    /// ```
    pub fn trim(&self, keep: usize) -> usize {
        self.depot.trim(keep, self.owner())
    }

    /// Destroys all idle objects and frees the memory for their addresses.
    ///
    /// # Panics
    ///
    /// As for [`trim`](Self::trim).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Pool, Snapshot};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// let pool = Pool::<u32, _>::new_in(|| 7, lives::Frame);
    /// drop(pool.get());
    /// pool.clear();
    /// assert_eq!(Snapshot::of::<Lives>().family("Frame").unwrap().live_objects, 0);
    /// ```
    pub fn clear(&self) {
        self.depot.clear(self.owner());
    }

    /// The number of idle objects, without those in fronts.
    ///
    /// # Examples
    ///
    /// See [`trim`](Self::trim).
    #[must_use]
    pub fn len(&self) -> usize {
        self.depot.len()
    }

    /// Whether no object is idle.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, Pool};
    /// # #[alloc_family]
    /// # enum Lives { Frame }
    /// assert!(Pool::<u32, _>::new_in(|| 7, lives::Frame).is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The counts of the pool.
    ///
    /// # Examples
    ///
    /// See [`PoolCounts`].
    #[must_use]
    pub fn counts(&self) -> PoolCounts {
        self.depot.counts()
    }
}

impl<T, F: FamilyKey> Drop for Pool<T, F> {
    /// Destroys the idle objects. None is in use: they borrow the pool.
    fn drop(&mut self) {
        self.clear();
    }
}
