//! Walking and sweeping a region.

use core::ptr::NonNull;

use crate::family_key::FamilyKey;

use super::{Kind, Region, Tracked};

impl<F: FamilyKey, K: Kind> Region<F, Tracked<K>> {
    /// Calls `visit` with the address of every live object, in address order, and with its size in whole
    /// words of 8 bytes. Skips zero-sized objects.
    ///
    /// O(objects + chunks). The walk is exact: it visits no freed object and every live one. `visit` may
    /// allocate and free in the region: objects that it frees before their turn are not visited, nor are
    /// objects that it allocates; free memory is reused only after the walk. A walk is a
    /// [checkpoint](Region::checkpoint) that is forgotten at its end: during the walk do not rewind to an
    /// earlier one, and afterwards not to one made during the walk. An object that is being made
    /// ([`alloc_with`](Self::alloc_with)) is live, and not yet initialised.
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, region::Tracked, Region};
    /// # #[alloc_family]
    /// # enum Lives { Unit }
    /// let unit = Region::<lives::Unit, Tracked>::new();
    /// unit.alloc(7_u32);
    /// drop(unit.boxed([0_u64; 2]));
    /// unit.alloc_str("nineteen characters");
    /// let mut sizes = Vec::new();
    /// unit.walk(|_, bytes| sizes.push(bytes));
    /// assert_eq!(sizes, [8, 24]);
    /// ```
    pub fn walk(&self, visit: impl FnMut(NonNull<u8>, usize)) {
        self.arena.walk(visit);
    }

    /// The number of live objects, without zero-sized ones. O(objects).
    ///
    /// # Examples
    ///
    /// ```
    /// # use famalloc::{alloc_family, region::Tracked, Region};
    /// # #[alloc_family]
    /// # enum Lives { Unit }
    /// let unit = Region::<lives::Unit, Tracked>::new();
    /// let one = unit.boxed(1);
    /// unit.alloc(2);
    /// assert_eq!(unit.objects(), 2);
    /// drop(one);
    /// assert_eq!(unit.objects(), 1);
    /// ```
    #[must_use]
    pub fn objects(&self) -> usize {
        let mut count = 0;
        self.walk(|_, _| count += 1);
        count
    }

    /// Frees every object for which `keep` returns `false`, and visits them like [`walk`](Self::walk).
    /// Returns how many were freed.
    ///
    /// Empty chunks return to the family, except one. O(objects + chunks). Destructors do not run: `keep`
    /// can run them.
    ///
    /// # Safety
    ///
    /// - Objects for which `keep` returns `false` are not used again, and no destructor of the region is
    ///   pending for them (see [`Kind`]);
    /// - `keep` does not use the region, and no [checkpoint](Self::checkpoint) from before is rewound
    ///   to.
    ///
    /// # Examples
    ///
    /// The sweep of a mark-sweep collector:
    ///
    /// ```
    /// use std::cell::Cell;
    /// use std::ptr::NonNull;
    /// use famalloc::{alloc_family, region::Tracked, Region};
    ///
    /// #[alloc_family]
    /// enum Lives {
    ///     Object,
    /// }
    ///
    /// struct Object {
    ///     marked: Cell<bool>,
    ///     name: [u8; 20],
    /// }
    ///
    /// let mut heap = Region::<lives::Object, Tracked>::new();
    /// let objects: Vec<NonNull<Object>> = (0..1000)
    ///     .map(|i| NonNull::from(heap.alloc(Object { marked: Cell::new(i % 10 == 0), name: [0; 20] })))
    ///     .collect();
    /// // SAFETY: all objects are `Object`s; the unmarked ones are not used again.
    /// let freed = unsafe {
    ///     heap.sweep(|object, _| object.cast::<Object>().as_ref().marked.replace(false))
    /// };
    /// assert_eq!((freed, heap.objects()), (900, 100));
    /// # let _ = (objects, |object: Object| object.name);
    /// ```
    pub unsafe fn sweep(&mut self, keep: impl FnMut(NonNull<u8>, usize) -> bool) -> usize {
        // SAFETY: passed on; the region is borrowed mutably, so nothing in it is borrowed.
        unsafe { self.arena.sweep(keep) }
    }
}
