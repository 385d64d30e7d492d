//! Statistics of families and size classes.
//!
//! Live objects are not counted when they are allocated and freed. They are the slots that bump cursors
//! have passed, less those that are free in blocks, in lanes, and in the magazines of threads. So the
//! counts cost the fast path nothing. They are exact while the threads that use the family rest, and off
//! by at most the contents of the magazines while they run.

use crate::class;
use crate::family_key::FamilyKey;
use crate::table::FamilyTable;
use crate::thread::ThreadCache;

use super::used;

/// The use of one size class of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClassUse {
    /// The size of a slot in bytes.
    pub slot_bytes: usize,
    /// Live objects: slots that are allocated and not freed.
    pub live_objects: usize,
    /// Their bytes, in whole slots.
    pub live_bytes: usize,
    /// An upper bound of the most live objects at any time. Slots in the magazines of threads count, slots
    /// in depots do not. Where threads free what they allocated themselves, the bound is too high by at
    /// most one magazine for each thread, and by no more than about what the thread had itself. A slot
    /// that one thread frees for another counts until it has returned. With several lanes it is the sum of
    /// the peaks of each.
    pub peak_objects: usize,
    /// Free slots in magazines, depots and mailboxes.
    pub parked_objects: usize,
    /// Blocks, in use or empty.
    pub blocks: usize,
    /// The size of these blocks in bytes.
    pub committed_bytes: usize,
    /// Lanes: at most one for each thread that was at work here at the same time.
    pub lanes: usize,
    /// How often a lane's lock was taken.
    pub lock_acquisitions: u64,
}

/// The use of a family.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FamilyUse {
    /// The name of the family.
    pub name: &'static str,
    /// Live objects, large ones included.
    pub live_objects: usize,
    /// Their bytes, in whole slots and pages.
    pub live_bytes: usize,
    /// The sum of the peaks of all size classes in bytes: an upper bound of the peak of live bytes.
    pub peak_bytes: usize,
    /// Large and huge allocations among the live objects.
    pub large_objects: usize,
    /// Their bytes, in whole pages.
    pub large_bytes: usize,
    /// Blocks, in use or empty.
    pub blocks: usize,
    /// The chunks of [regions](crate::Region) in bytes. Objects in regions are not among the live objects
    /// here.
    pub region_bytes: usize,
    /// Blocks, large and huge allocations, and chunks of regions in bytes: this counts against the limit.
    pub committed_bytes: usize,
    /// The peak of `committed_bytes`.
    pub peak_committed_bytes: usize,
    /// Extents that belong to the family.
    pub extents: usize,
    /// The estimated resident bytes of the family's extents: what was touched and not purged since, live
    /// or not, and all of a huge page of which any part was touched. `None` if the page source [does not
    /// know](crate::PageSource::resident), and in [`totals`](Self::totals), which does not ask: that takes
    /// time in proportion to the memory, about a millisecond for a gibibyte.
    pub resident_bytes: Option<usize>,
    /// How often a lock of this family was taken.
    pub lock_acquisitions: u64,
    /// The classes that were ever used, by size.
    #[cfg(feature = "std")]
    pub classes: Vec<ClassUse>,
}

impl FamilyUse {
    /// The present use of a family. Takes the lock of each of its lanes, and asks the page source for
    /// the resident memory. Touches no object.
    ///
    /// If the global allocator is one over the set, the list of classes is allocated in it too, after
    /// everything has been counted.
    ///
    /// # Examples
    ///
    /// ```
    /// use famalloc::{alloc_family, FamilyBox, FamilyUse};
    ///
    /// #[alloc_family]
    /// enum Lives {
    ///     Ast,
    /// }
    ///
    /// let number = FamilyBox::<u64, _>::new_in(7, lives::Ast);
    /// let used = FamilyUse::of(lives::Ast);
    /// assert_eq!((used.live_objects, used.live_bytes), (1, 8));
    /// # drop(number);
    /// ```
    #[must_use]
    pub fn of(family: impl FamilyKey) -> Self {
        match used(family) {
            Some(used) => Self::of_table(used),
            None => Self::unused(family.spec().name()),
        }
    }

    /// The present use of a family, all classes together. Does not
    /// allocate, leaves `classes` empty, and does not ask for the resident memory.
    ///
    /// # Examples
    ///
    /// ```
    /// use famalloc::{alloc_family, FamilyBox, FamilyUse};
    ///
    /// #[alloc_family]
    /// enum Lives {
    ///     Ast,
    /// }
    ///
    /// let number = FamilyBox::<u64, _>::new_in(7, lives::Ast);
    /// assert_eq!(FamilyUse::totals(lives::Ast).live_bytes, 8);
    /// # drop(number);
    /// ```
    #[must_use]
    pub fn totals(family: impl FamilyKey) -> Self {
        match used(family) {
            Some(used) => Self::sum(used).0,
            None => Self::unused(family.spec().name()),
        }
    }

    pub(super) fn unused(name: &'static str) -> Self {
        Self {
            name,
            live_objects: 0,
            live_bytes: 0,
            peak_bytes: 0,
            large_objects: 0,
            large_bytes: 0,
            blocks: 0,
            region_bytes: 0,
            committed_bytes: 0,
            peak_committed_bytes: 0,
            extents: 0,
            resident_bytes: Some(0),
            lock_acquisitions: 0,
            #[cfg(feature = "std")]
            classes: Vec::new(),
        }
    }

    #[cfg(feature = "std")]
    pub(super) fn of_table(family: &'static FamilyTable) -> Self {
        // All of it is counted before anything is allocated, which may be in this very family.
        let (mut whole, classes) = Self::sum(family);
        whole.resident_bytes = family.heap.resident();
        whole.classes = classes.used().to_vec();
        whole
    }

    #[cfg(not(feature = "std"))]
    fn of_table(family: &'static FamilyTable) -> Self {
        Self { resident_bytes: family.heap.resident(), ..Self::sum(family).0 }
    }

    /// The sum over all classes, and those.
    fn sum(family: &'static FamilyTable) -> (Self, ClassUses) {
        let in_magazines = magazines(family);
        let held = family.heap.usage();
        let mut whole = Self {
            live_objects: held.large_objects,
            live_bytes: held.large_bytes,
            peak_bytes: held.large_bytes_peak,
            large_objects: held.large_objects,
            large_bytes: held.large_bytes,
            region_bytes: held.chunk_bytes,
            committed_bytes: held.committed,
            peak_committed_bytes: held.committed_peak,
            extents: held.extents as usize,
            resident_bytes: None,
            lock_acquisitions: held.locks,
            ..Self::unused(family.heap.spec.name())
        };
        let classes = ClassUses::of_all(family, in_magazines);
        for used in classes.used() {
            whole.live_objects += used.live_objects;
            whole.live_bytes += used.live_bytes;
            whole.peak_bytes += used.peak_objects * used.slot_bytes;
            whole.blocks += used.blocks;
            whole.lock_acquisitions += used.lock_acquisitions;
        }
        (whole, classes)
    }
}

impl ClassUse {
    /// That of no class.
    const NONE: Self = Self {
        slot_bytes: 0,
        live_objects: 0,
        live_bytes: 0,
        peak_objects: 0,
        parked_objects: 0,
        blocks: 0,
        committed_bytes: 0,
        lanes: 0,
        lock_acquisitions: 0,
    };

    /// The present use of each class of a family that was ever used, by size. Does not allocate.
    ///
    /// # Examples
    ///
    /// ```
    /// use famalloc::{alloc_family, ClassUse, FamilyBox};
    ///
    /// #[alloc_family]
    /// enum Lives {
    ///     Ast,
    /// }
    ///
    /// let number = FamilyBox::<u64, _>::new_in(7, lives::Ast);
    /// let triple = FamilyBox::<[u64; 3], _>::new_in([7; 3], lives::Ast);
    /// let sizes = ClassUse::of(lives::Ast).map(|class| class.slot_bytes);
    /// assert!(sizes.eq([8, 24]));
    /// # drop((number, triple));
    /// ```
    pub fn of(family: impl FamilyKey) -> impl Iterator<Item = Self> {
        let classes = used(family).map(|family| ClassUses::of_all(family, magazines(family)));
        classes.into_iter().flat_map(|ClassUses { all, count }| all.into_iter().take(count))
    }

    fn of_class(family: &'static FamilyTable, class: usize, in_magazines: usize) -> Self {
        let mut lanes = 0;
        let (mut out, mut parked, mut peak, mut locks) = (0, 0, 0, 0);
        let mut in_depots = 0;
        let (mut blocks, mut granules) = (0, 0);
        for counts in family.lanes(class).map(|lane| lane.counts()) {
            lanes += 1;
            out += counts.carved - counts.free;
            parked += counts.parked;
            peak += counts.peak;
            in_depots += counts.depot;
            locks += counts.locks;
            blocks += counts.blocks as usize;
            granules += counts.granules as usize;
        }
        let slot_bytes = class::slot_size(class);
        let parked = parked as usize + in_magazines;
        let now = out.saturating_sub(in_depots);
        // Lanes note their peaks when a magazine comes or goes. What is out just now may be above the
        // last note.
        let peak = u64::max(peak, now);
        // Threads go on meanwhile: a slot that was in a magazine a moment ago may be counted in a depot
        // as well.
        let live_objects = (out as usize).saturating_sub(parked);
        Self {
            slot_bytes,
            live_objects,
            live_bytes: live_objects * slot_bytes,
            peak_objects: peak as usize,
            parked_objects: parked,
            blocks,
            committed_bytes: granules << crate::space::map::GRANULE_SHIFT,
            lanes,
            lock_acquisitions: locks,
        }
    }
}

/// The classes that were ever used, by size: without allocating, and all at once, so that nothing that the caller
/// does comes between looking at the magazines and looking at the lanes.
struct ClassUses {
    all: [ClassUse; class::COUNT],
    /// How many of them these are; the others are zeros.
    count: usize,
}

impl ClassUses {
    fn of_all(family: &'static FamilyTable, in_magazines: [usize; class::COUNT]) -> Self {
        let mut uses = Self { all: [ClassUse::NONE; class::COUNT], count: 0 };
        for class in family.classes() {
            uses.all[uses.count] = ClassUse::of_class(family, class, in_magazines[class]);
            uses.count += 1;
        }
        uses
    }

    fn used(&self) -> &[ClassUse] {
        &self.all[..self.count]
    }
}

/// What the magazines of all threads hold of each class.
fn magazines(family: &FamilyTable) -> [usize; class::COUNT] {
    let mut counts = [0; class::COUNT];
    let caches = family.caches.lock();
    for links in caches.iter() {
        // SAFETY: caches in the list stay valid while the list is locked.
        let cache = unsafe { ThreadCache::of_links(links) };
        let heads = cache.heads();
        for class in cache.classes() {
            counts[class] += heads[class].len(class);
        }
    }
    counts
}
