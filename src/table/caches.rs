//! The caches of magazines that threads have for a family: a list from which any of them can be taken out,
//! and through which several can go step by step while it changes.

use core::ptr::{self, NonNull};

use crate::sync::{AtomicPtr, Ordering};

/// The links of a thread's cache in the list of its family's caches.
#[derive(Debug)]
pub(crate) struct CacheLinks {
    previous: AtomicPtr<CacheLinks>,
    next: AtomicPtr<CacheLinks>,
}

impl CacheLinks {
    pub(crate) const fn new() -> Self {
        Self { previous: AtomicPtr::new(ptr::null_mut()), next: AtomicPtr::new(ptr::null_mut()) }
    }
}

/// The caches of a family.
#[derive(Debug)]
pub(crate) struct CacheList {
    first: *mut CacheLinks,
    /// Which cache comes next, for each of those that go through the list a few caches at a time: null past the
    /// last, `None` before they begin.
    places: [Option<*mut CacheLinks>; PLACES],
}

/// How many different ones do so.
const PLACES: usize = 2;

// SAFETY: the caches in the list stay valid until they are taken out, under the list's lock.
unsafe impl Send for CacheList {}

impl CacheList {
    pub(super) const fn new() -> Self {
        Self { first: ptr::null_mut(), places: [None; PLACES] }
    }

    /// # Safety
    ///
    /// The cache is in no list, and stays valid until it is removed.
    pub(crate) unsafe fn insert(&mut self, cache: NonNull<CacheLinks>) {
        // SAFETY: valid (contract).
        let links = unsafe { cache.as_ref() };
        // In front: a thread on its way through the list is past that place, so new ones do not keep
        // it going.
        links.previous.store(ptr::null_mut(), Ordering::Relaxed);
        links.next.store(self.first, Ordering::Relaxed);
        // SAFETY: caches in the list are valid.
        if let Some(first) = unsafe { self.first.as_ref() } {
            first.previous.store(cache.as_ptr(), Ordering::Relaxed);
        }
        self.first = cache.as_ptr();
    }

    /// Takes a cache out, if it is there: a thread may have ended before it had put its cache in.
    ///
    /// # Safety
    ///
    /// The cache is in this list or in none, where it has no links; it is valid.
    pub(crate) unsafe fn remove(&mut self, cache: NonNull<CacheLinks>) {
        // SAFETY: caches in the list are valid.
        let links = unsafe { cache.as_ref() };
        let previous = links.previous.load(Ordering::Relaxed);
        let next = links.next.load(Ordering::Relaxed);
        // SAFETY: as above, for both neighbours.
        match unsafe { previous.as_ref() } {
            Some(previous) => previous.next.store(next, Ordering::Relaxed),
            None if self.first == cache.as_ptr() => self.first = next,
            // Without this all others would be lost with it.
            None => return,
        }
        // SAFETY: as above.
        if let Some(next) = unsafe { next.as_ref() } {
            next.previous.store(previous, Ordering::Relaxed);
        }
        // The thread cache is about to be given back: whoever stopped there goes on behind it.
        for place in self.places.iter_mut().flatten().filter(|place| **place == cache.as_ptr()) {
            *place = next;
        }
    }

    /// The next cache for the one with this number; `None` past the last, and then the first again.
    pub(crate) fn advance(&mut self, number: usize) -> Option<NonNull<CacheLinks>> {
        let cache = NonNull::new(self.places[number].unwrap_or(self.first));
        // SAFETY: caches in the list are valid, and none that is removed is a place.
        let next = cache.map(|cache| unsafe { cache.as_ref() }.next.load(Ordering::Relaxed));
        self.places[number] = next;
        cache
    }

    /// Lets the one with this number begin at the first cache.
    pub(crate) fn restart(&mut self, number: usize) {
        self.places[number] = None;
    }

    /// The caches in the list.
    pub(crate) fn iter(&self) -> impl Iterator<Item = NonNull<CacheLinks>> {
        let mut next = self.first;
        core::iter::from_fn(move || {
            let cache = NonNull::new(next)?;
            // SAFETY: caches in the list are valid, and the list is borrowed.
            next = unsafe { cache.as_ref() }.next.load(Ordering::Relaxed);
            Some(cache)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows that have been put in and taken out, in every order of three, beside one that never was.
    #[test]
    fn what_was_never_put_in_takes_nothing_out() {
        let caches = [(); 4].map(|()| CacheLinks::new());
        let at = |number: usize| NonNull::from(&caches[number]);
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let mut list = CacheList::new();
            // SAFETY: valid for as long as the list; each is put in once, and the last not at all.
            unsafe {
                (0..3).for_each(|number| list.insert(at(number)));
                for (taken, number) in order.into_iter().enumerate() {
                    list.remove(at(3));
                    assert_eq!(list.iter().count(), 3 - taken);
                    list.remove(at(number));
                    assert!(list.iter().all(|cache| cache != at(number)));
                }
            }
            assert_eq!(list.iter().next(), None);
        }
    }
}
