//! [`RegionPool`]: regions for worker threads.

use core::fmt;
use core::ops::{Deref, DerefMut};

use crate::boxed::FamilyBox;
use crate::error::AllocError;
use crate::family::Family;
use crate::family_key::FamilyKey;
use crate::sync::Lock;

use super::{Forget, Kind, Region, SendDrops};

/// Regions that threads take when they start a task and return when it is done, empty but with their
/// memory.
///
/// # Examples
///
/// Any thread serves a request in a region:
///
/// ```
/// use famalloc::{alloc_family, RegionPool};
///
/// #[alloc_family]
/// enum Lives {
///     Request,
/// }
///
/// static REGIONS: RegionPool<lives::Request> = RegionPool::new();
///
/// fn serve(request: &str) -> usize {
///     let region = REGIONS.get();
///     let words = region.alloc_slice_fill_iter(request.split(' '));
///     words.len()
/// }
///
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| assert_eq!(serve("GET / HTTP/1.1"), 3));
///     }
/// });
/// assert!((1..=4).contains(&REGIONS.idle()));
/// assert_eq!(REGIONS.shrink(0), 0);
/// ```
pub struct RegionPool<F: FamilyKey, K: Kind = Forget> {
    idle: Lock<Idle<F, K>>,
    family: F,
    limit: usize,
    keeps: usize,
}

/// Regions that nobody uses, the latest first.
struct Idle<F: FamilyKey, K: Kind> {
    first: Option<FamilyBox<Node<F, K>, F>>,
    count: usize,
}

struct Node<F: FamilyKey, K: Kind> {
    region: Region<F, K>,
    next: Option<FamilyBox<Node<F, K>, F>>,
}

/// A region of a [`RegionPool`] for one thread. When it is dropped it is reset and returns to the pool.
///
/// Objects in it cannot outlive it:
///
/// ```compile_fail,E0505
/// # use famalloc::{alloc_family, RegionPool};
/// # #[alloc_family]
/// # enum Lives { Request }
/// static REGIONS: RegionPool<lives::Request> = RegionPool::new();
/// let region = REGIONS.get();
/// let text = region.alloc_str("hello");
/// drop(region);
/// println!("{text}");
/// ```
pub struct PooledRegion<'p, F: FamilyKey, K: Kind = Forget>
where
    Region<F, K>: Send,
{
    pool: &'p RegionPool<F, K>,
    /// There until the region is given back.
    node: Option<FamilyBox<Node<F, K>, F>>,
}

impl<F: Family> RegionPool<F, Forget> {
    /// A pool of regions without limits, which keeps all returned regions.
    ///
    /// # Examples
    ///
    /// See [`RegionPool`].
    #[must_use]
    pub const fn new() -> Self {
        Self::with_limits(usize::MAX, usize::MAX)
    }
}

impl<F: Family> RegionPool<F, SendDrops<'static>> {
    /// A pool of regions that run destructors when they return.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use famalloc::{alloc_family, region::SendDrops, RegionPool};
    ///
    /// #[alloc_family]
    /// enum Lives {
    ///     Request,
    /// }
    ///
    /// static REGIONS: RegionPool<lives::Request, SendDrops> = RegionPool::with_drops();
    /// let counted = Arc::new(());
    /// let region = REGIONS.get();
    /// region.alloc(Arc::clone(&counted));
    /// drop(region);
    /// assert_eq!(Arc::strong_count(&counted), 1);
    /// ```
    #[must_use]
    pub const fn with_drops() -> Self {
        Self::with_limits(usize::MAX, usize::MAX)
    }
}

impl<F: Family, K: Kind> RegionPool<F, K> {
    /// A pool of regions that have at most `limit` bytes of chunks. It keeps at most `keeps` idle ones.
    ///
    /// # Examples
    ///
    /// ```
    /// use famalloc::{alloc_family, region::Forget, RegionPool};
    ///
    /// #[alloc_family]
    /// enum Lives {
    ///     Request,
    /// }
    ///
    /// static REGIONS: RegionPool<lives::Request, Forget> = RegionPool::with_limits(1 << 20, 1);
    /// let (one, other) = (REGIONS.get(), REGIONS.get());
    /// assert!(one.try_alloc_slice_fill_copy(2 << 20, 0_u8).is_err());
    /// drop((one, other));
    /// assert_eq!(REGIONS.idle(), 1);
    /// # REGIONS.shrink(0);
    /// ```
    #[must_use]
    pub const fn with_limits(limit: usize, keeps: usize) -> Self {
        Self::with_limits_in(limit, keeps, F::MARKER)
    }
}

impl<F: FamilyKey, K: Kind> RegionPool<F, K> {
    /// [`with_limits`](RegionPool::with_limits) in a family that is given as a value: a marker, or one known only
    /// at run time. `usize::MAX` is no limit.
    ///
    /// # Examples
    ///
    /// ```
    /// use famalloc::{alloc_family, AnyFamily, RegionPool};
    ///
    /// #[alloc_family]
    /// enum Lives {
    ///     Request,
    /// }
    ///
    /// let family = AnyFamily::from(Lives::Request);
    /// let regions = RegionPool::<AnyFamily<Lives>>::with_limits_in(1 << 20, 1, family);
    /// assert_eq!(regions.get().alloc_str("GET"), "GET");
    /// assert_eq!(regions.idle(), 1);
    /// ```
    #[must_use]
    pub const fn with_limits_in(limit: usize, keeps: usize, family: F) -> Self {
        Self { idle: Lock::new(Idle { first: None, count: 0 }), family, limit, keeps }
    }

    /// The number of idle regions.
    ///
    /// # Examples
    ///
    /// See [`RegionPool`].
    #[must_use]
    pub fn idle(&self) -> usize {
        self.idle.lock().count
    }

    /// Drops idle regions until at most so many are left, those first that have been idle the longest.
    /// Returns the number of regions left.
    ///
    /// # Examples
    ///
    /// See [`RegionPool`].
    pub fn shrink(&self, keep: usize) -> usize {
        let (gone, left) = {
            let mut idle = self.idle.lock();
            idle.count = idle.count.min(keep);
            let count = idle.count;
            let mut link = &mut idle.first;
            for _ in 0..count {
                match link {
                    Some(node) => link = &mut node.next,
                    None => break,
                }
            }
            (link.take(), count)
        };
        drop_one_by_one(gone);
        left
    }
}

/// A long list must not take as deep a stack.
fn drop_one_by_one<F: FamilyKey, K: Kind>(mut first: Option<FamilyBox<Node<F, K>, F>>) {
    while let Some(mut node) = first {
        first = node.next.take();
    }
}

impl<F: FamilyKey, K: Kind> RegionPool<F, K>
where
    Region<F, K>: Send,
{
    /// Takes the region that was returned last, or creates one.
    ///
    /// Holds a lock for a moment.
    ///
    /// # Examples
    ///
    /// See [`RegionPool`].
    #[must_use]
    pub fn get(&self) -> PooledRegion<'_, F, K> {
        match self.try_get() {
            Ok(region) => region,
            Err(error) => super::failed(error, core::alloc::Layout::new::<Node<F, K>>()),
        }
    }

    /// [`get`](Self::get) that returns an error.
    ///
    /// # Errors
    ///
    /// If the family has no memory for another region.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, RegionPool};
    /// # #[alloc_family]
    /// # enum Lives { Request }
    /// static REGIONS: RegionPool<lives::Request> = RegionPool::new();
    /// let region = REGIONS.try_get()?;
    /// assert_eq!(*region.alloc(7), 7);
    /// # drop(region);
    /// # REGIONS.shrink(0);
    /// # Ok::<(), famalloc::AllocError>(())
    /// ```
    pub fn try_get(&self) -> Result<PooledRegion<'_, F, K>, AllocError> {
        let node = {
            let mut idle = self.idle.lock();
            let first = idle.first.take();
            first.map(|mut node| {
                idle.first = node.next.take();
                idle.count -= 1;
                node
            })
        };
        let node = match node {
            Some(node) => node,
            None => {
                let make = || {
                    let mut region = Region::new_in(self.family);
                    region.set_limit(Some(self.limit));
                    Node { region, next: None }
                };
                FamilyBox::try_new_with_in(make, self.family)?
            }
        };
        Ok(PooledRegion { pool: self, node: Some(node) })
    }
}

impl<F: FamilyKey, K: Kind> Drop for RegionPool<F, K> {
    fn drop(&mut self) {
        self.shrink(0);
    }
}

impl<F: Family> Default for RegionPool<F, Forget> {
    fn default() -> Self {
        Self::new()
    }
}

impl<F: FamilyKey, K: Kind> fmt::Debug for RegionPool<F, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegionPool")
            .field("family", &self.family.spec().name())
            .field("idle", &self.idle())
            .finish_non_exhaustive()
    }
}

impl<F: FamilyKey, K: Kind> Deref for PooledRegion<'_, F, K>
where
    Region<F, K>: Send,
{
    type Target = Region<F, K>;

    #[inline]
    fn deref(&self) -> &Region<F, K> {
        match &self.node {
            Some(node) => &node.region,
            None => unreachable!("a region that was given back"),
        }
    }
}

impl<F: FamilyKey, K: Kind> DerefMut for PooledRegion<'_, F, K>
where
    Region<F, K>: Send,
{
    #[inline]
    fn deref_mut(&mut self) -> &mut Region<F, K> {
        match &mut self.node {
            Some(node) => &mut node.region,
            None => unreachable!("a region that was given back"),
        }
    }
}

impl<F: FamilyKey, K: Kind> Drop for PooledRegion<'_, F, K>
where
    Region<F, K>: Send,
{
    /// Resets the region and gives it back to the pool, or drops it if that has enough. One whose
    /// destructors panic is dropped.
    fn drop(&mut self) {
        let Some(mut node) = self.node.take() else { return };
        node.region.reset();
        // Whoever had it may have changed that.
        node.region.set_limit(Some(self.pool.limit));
        let mut idle = self.pool.idle.lock();
        if idle.count >= self.pool.keeps {
            // Let go of the lock first.
            drop(idle);
            return;
        }
        node.next = idle.first.take();
        idle.first = Some(node);
        idle.count += 1;
    }
}

impl<F: FamilyKey, K: Kind> fmt::Debug for PooledRegion<'_, F, K>
where
    Region<F, K>: Send,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
