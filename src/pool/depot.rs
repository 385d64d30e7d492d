//! What the threads that use a pool share: the idle objects, how many were needed, and the lock.
//!
//! Nothing that runs under the lock knows a type. What is to be destroyed comes out of it first: no constructor,
//! destructor or hook of a user's ever runs under it. How to destroy an object, each pool says by an `own`, which
//! takes charge of one that has left the depot: dropping what it returns destroys the object and frees its slot. Memory for addresses is taken under it; the
//! locks of the allocator come after the pool's.

use core::fmt;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;

use super::retention::{Retention, Tide};
use super::stash::Stash;
use crate::family_key::FamilyKey;
use crate::sync::{AtomicUsize, Guard, Lock, Ordering};

/// How many objects at most one hand-back has destroyed: itself, or so many that are due. More than
/// one, so that what is due comes to an end.
const DUE_WITH_EACH: usize = 2;

/// How many objects come back at once at most.
pub(super) const BATCH: usize = 16;

/// The counts of a pool.
///
/// # Examples
///
/// ```
/// # use famalloc::{alloc_family, Pool};
/// # #[alloc_family]
/// # enum Lives { Frame }
/// let pool = Pool::<u32, _>::new_in(|| 7, lives::Frame);
/// drop(pool.get());
/// drop(pool.get());
/// let counts = pool.counts();
/// assert_eq!((counts.made, counts.reused), (1, 1));
/// pool.clear();
/// assert_eq!((pool.counts().idle, pool.counts().released), (0, 1));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolCounts {
    /// Idle objects in the pool, without those in fronts.
    pub idle: usize,
    /// How often the constructor was called, and returned.
    pub made: usize,
    /// How often an existing object was handed out. A front reports its own count when it next takes
    /// objects from the pool or returns some.
    pub reused: usize,
    /// Objects that the pool has destroyed: by its retention, by [`trim`](crate::Pool::trim) or
    /// [`clear`](crate::Pool::clear), or because no memory was available to store their addresses.
    pub released: usize,
}

/// What the lock guards.
struct Idle<F: FamilyKey> {
    stash: Stash<F>,
    tide: Tide,
    reused: usize,
    released: usize,
}

impl<F: FamilyKey> Idle<F> {
    fn take(&mut self) -> Option<NonNull<u8>> {
        let object = self.stash.pop()?;
        self.tide.fell_to(self.stash.len());
        Some(object)
    }

    /// Takes one that is to be destroyed, the one that has been idle for longest.
    fn release_one(&mut self) -> Option<NonNull<u8>> {
        let object = self.stash.pop_oldest()?;
        self.tide.released_one();
        self.released += 1;
        Some(object)
    }

    fn release_due(&mut self) -> Option<NonNull<u8>> {
        if self.tide.due() > 0 { self.release_one() } else { None }
    }

    /// Takes an object back. Returns what is to be destroyed.
    fn put(
        &mut self,
        object: NonNull<u8>,
        retention: &Retention,
    ) -> [Option<NonNull<u8>>; DUE_WITH_EACH] {
        let mut out = [None; DUE_WITH_EACH];
        if self.stash.len() >= retention.most || self.stash.push(object).is_err() {
            self.released += 1;
            out[0] = Some(object);
        }
        if self.tide.handed_back_one(retention) {
            self.tide.turn(retention, self.stash.len());
        }
        if out[0].is_none() {
            out = out.map(|_| self.release_due());
        }
        out
    }
}

/// See the [file](self).
pub(super) struct Depot<F: FamilyKey> {
    idle: Lock<Idle<F>>,
    made: AtomicUsize,
    pub(super) retention: Retention,
    pub(super) family: F,
}

impl<F: FamilyKey> Depot<F> {
    pub(super) const fn new(family: F) -> Self {
        let idle = Idle { stash: Stash::new(family), tide: Tide::new(), reused: 0, released: 0 };
        Self {
            idle: Lock::new(idle),
            made: AtomicUsize::new(0),
            retention: Retention::everything(),
            family,
        }
    }

    fn lock(&self) -> Guard<'_, Idle<F>> {
        self.idle.lock()
    }

    /// Takes the object that came back last, to be used.
    pub(super) fn take(&self) -> Option<NonNull<u8>> {
        let mut idle = self.lock();
        let object = idle.take()?;
        idle.reused += 1;
        Some(object)
    }

    /// Fills `room` from its start as far as there are objects; returns how far. `reused` were used
    /// by a front in the meantime.
    pub(super) fn take_some(&self, room: &mut [NonNull<u8>], reused: usize) -> usize {
        let mut idle = self.lock();
        idle.reused += reused;
        let mut taken = 0;
        for place in room {
            let Some(object) = idle.take() else { break };
            *place = object;
            taken += 1;
        }
        taken
    }

    /// Takes an object back, and destroys what is not kept.
    pub(super) fn put<T>(&self, object: NonNull<u8>, own: impl Fn(NonNull<u8>) -> T) {
        let out = self.lock().put(object, &self.retention);
        drop(out.map(|object| object.map(&own)));
    }

    /// Takes up to [`BATCH`] objects back, and a front's count. Dropping the result destroys what is not kept.
    pub(super) fn put_some<T>(
        &self,
        objects: &[NonNull<u8>],
        reused: usize,
        own: impl Fn(NonNull<u8>) -> T,
    ) -> [Option<T>; DUE_WITH_EACH * BATCH] {
        let mut out = [None; DUE_WITH_EACH * BATCH];
        let mut idle = self.lock();
        idle.reused += reused;
        for (&object, out) in objects.iter().zip(out.chunks_exact_mut(DUE_WITH_EACH)) {
            out.copy_from_slice(&idle.put(object, &self.retention));
        }
        drop(idle);
        out.map(|object| object.map(&own))
    }

    /// Ends a period of the working set, and destroys as many due objects as go at once; returns how many.
    pub(super) fn end_period<T>(&self, own: impl Fn(NonNull<u8>) -> T) -> usize {
        let mut idle = self.lock();
        let len = idle.stash.len();
        idle.tide.turn(&self.retention, len);
        drop(idle);
        self.destroy(self.retention.step, Idle::release_due, own)
    }

    /// Destroys the oldest objects until at most `keep` are left; returns how many.
    pub(super) fn trim<T>(&self, keep: usize, own: impl Fn(NonNull<u8>) -> T) -> usize {
        // What other threads hand back meanwhile is not chased.
        let most = self.len().saturating_sub(keep);
        let next = |idle: &mut Idle<F>| (idle.stash.len() > keep).then(|| idle.release_one())?;
        self.destroy(most, next, own)
    }

    /// Destroys all objects, and frees the memory for their addresses.
    pub(super) fn clear<T>(&self, own: impl Fn(NonNull<u8>) -> T) {
        self.trim(0, own);
        self.lock().stash.free_spare();
    }

    /// Destroys what `next` takes out, one by one and at most so many; returns how many.
    fn destroy<T>(
        &self,
        mut most: usize,
        next: impl Fn(&mut Idle<F>) -> Option<NonNull<u8>>,
        own: impl Fn(NonNull<u8>) -> T,
    ) -> usize {
        destroy_all(|| {
            most = most.checked_sub(1)?;
            let object = next(&mut self.lock())?;
            Some(own(object))
        })
    }

    pub(super) fn count_made(&self) {
        self.made.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn len(&self) -> usize {
        self.lock().stash.len()
    }

    pub(super) fn counts(&self) -> PoolCounts {
        let idle = self.lock();
        PoolCounts {
            idle: idle.stash.len(),
            made: self.made.load(Ordering::Relaxed),
            reused: idle.reused,
            released: idle.released,
        }
    }

    /// What every pool says of itself.
    pub(super) fn describe(&self, pool: &mut fmt::DebugStruct<'_, '_>) -> fmt::Result {
        pool.field("family", &self.family.spec().name())
            .field("counts", &self.counts())
            .field("retention", &self.retention)
            .finish_non_exhaustive()
    }
}

/// Destroys what `next` returns until it returns none; returns how many that were.
///
/// When a destructor panics the others are destroyed all the same, and the panic goes on.
pub(super) fn destroy_all<T>(next: impl FnMut() -> Option<T>) -> usize {
    struct Destroying<I: FnMut() -> Option<T>, T> {
        next: I,
        destroyed: usize,
    }

    impl<I: FnMut() -> Option<T>, T> Destroying<I, T> {
        fn run(&mut self) {
            while let Some(object) = (self.next)() {
                self.destroyed += 1;
                drop(object);
            }
        }
    }

    impl<I: FnMut() -> Option<T>, T> Drop for Destroying<I, T> {
        fn drop(&mut self) {
            self.run();
        }
    }

    let mut destroying = Destroying { next, destroyed: 0 };
    destroying.run();
    // The guard is for a panic that unwinds, and would ask `next` once more.
    let destroying = ManuallyDrop::new(destroying);
    destroying.destroyed
}
