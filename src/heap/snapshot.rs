//! How much every family uses.
//!
//! Live objects are not counted where they are made and freed: they are the slots that bump
//! cursors have passed, less those that are free in blocks, parked in lanes, and in the magazines
//! of threads. So the counts cost the fast path nothing; they are exact while the threads that use
//! the family rest, and off by at most the magazines' contents while they run.

use core::fmt;

use crate::class;
use crate::family::FamilySet;
use crate::table::FamilyTable;
use crate::thread::Row;

/// How much one size class of a family uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClassUse {
    /// The size of a slot in bytes.
    pub slot_bytes: usize,
    /// Slots in the program's hands.
    pub live_objects: usize,
    /// Their bytes, as slots.
    pub live_bytes: usize,
    /// At least the most slots that were ever in the program's hands at once. How far above depends
    /// on how they came and went: what was out of the blocks counts, but for slots known to have
    /// stayed in magazines; with several lanes, it is the sum of what each of them saw.
    pub peak_objects: usize,
    /// Free slots that wait in magazines, depots and mailboxes.
    pub parked_objects: usize,
    /// Blocks, in use or empty.
    pub blocks: usize,
    /// The bytes of these blocks.
    pub committed_bytes: usize,
    /// Lanes, one for each thread that was at work here at the same time, at the most.
    pub lanes: usize,
    /// How often a lane's lock was taken.
    pub lock_acquisitions: u64,
}

/// How much a family uses.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FamilyUse {
    /// The family's name.
    pub name: &'static str,
    /// Objects in the program's hands, large ones included.
    pub live_objects: usize,
    /// Their bytes, as slots and pages.
    pub live_bytes: usize,
    /// The sum of every class's peak, in bytes: at least what was ever live at once.
    pub peak_bytes: usize,
    /// Large and huge allocations among the live objects.
    pub large_objects: usize,
    /// Blocks, in use or empty.
    pub blocks: usize,
    /// Bytes of blocks and of large and huge allocations: what counts against the limit.
    pub committed_bytes: usize,
    /// The most bytes that were ever committed at once.
    pub peak_committed_bytes: usize,
    /// Extents that belong to the family.
    pub extents: usize,
    /// How often a lock of this family was taken.
    pub lock_acquisitions: u64,
    /// The classes that were ever used, by size.
    pub classes: Vec<ClassUse>,
}

/// How much a family set uses: its table, family by family.
///
/// Taking one costs a lock for each lane and touches no object. Its `Display` is a table for
/// people.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, FamilyBox, Snapshot};
///
/// #[alloc_family]
/// enum Lives {
///     Ast,
///     Code,
/// }
///
/// #[alloc_family(Lives::Ast)]
/// struct Node([u64; 4]);
///
/// let nodes: Vec<_> = (0..10).map(|i| FamilyBox::new(Node([i; 4]))).collect();
/// let snapshot = Snapshot::of::<Lives>();
/// assert_eq!(snapshot.families[0].live_objects, 10);
/// assert_eq!(snapshot.families[0].live_bytes, 320);
/// assert_eq!(snapshot.families[1].live_objects, 0);
/// println!("{snapshot}");
/// # drop(nodes);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// The name of the family set.
    pub set: &'static str,
    /// Its families in order of declaration, used or not.
    pub families: Vec<FamilyUse>,
}

impl Snapshot {
    /// What the set `S` uses now.
    #[must_use]
    pub fn of<S: FamilySet>() -> Self {
        let table = S::table();
        let families = (0..S::FAMILIES.len())
            .map(|family| match table.used(family) {
                Some(used) => FamilyUse::of(used),
                None => FamilyUse::unused(S::FAMILIES[family].name()),
            })
            .collect();
        Self { set: S::NAME, families }
    }

    /// The family of this name.
    ///
    /// # Examples
    ///
    /// ```
    /// use famalloc::{alloc_family, Snapshot};
    ///
    /// #[alloc_family]
    /// enum Lives {
    ///     Ast,
    /// }
    ///
    /// assert_eq!(Snapshot::of::<Lives>().family("Ast").map(|ast| ast.live_objects), Some(0));
    /// assert!(Snapshot::of::<Lives>().family("Asr").is_none());
    /// ```
    #[must_use]
    pub fn family(&self, name: &str) -> Option<&FamilyUse> {
        self.families.iter().find(|family| family.name == name)
    }
}

impl FamilyUse {
    fn unused(name: &'static str) -> Self {
        Self {
            name,
            live_objects: 0,
            live_bytes: 0,
            peak_bytes: 0,
            large_objects: 0,
            blocks: 0,
            committed_bytes: 0,
            peak_committed_bytes: 0,
            extents: 0,
            lock_acquisitions: 0,
            classes: Vec::new(),
        }
    }

    fn of(family: &'static FamilyTable) -> Self {
        let in_magazines = magazines(family);
        let held = family.holding.usage();
        let mut whole = Self {
            live_objects: held.large_objects,
            live_bytes: held.large_bytes,
            peak_bytes: held.large_bytes_peak,
            large_objects: held.large_objects,
            committed_bytes: held.committed,
            peak_committed_bytes: held.committed_peak,
            extents: held.extents as usize,
            lock_acquisitions: held.locks,
            ..Self::unused(family.holding.spec.name())
        };
        for (class, in_magazines) in in_magazines.into_iter().enumerate() {
            if let Some(used) = ClassUse::of(family, class, in_magazines) {
                whole.live_objects += used.live_objects;
                whole.live_bytes += used.live_bytes;
                whole.peak_bytes += used.peak_objects * used.slot_bytes;
                whole.blocks += used.blocks;
                whole.lock_acquisitions += used.lock_acquisitions;
                whole.classes.push(used);
            }
        }
        whole
    }
}

impl ClassUse {
    fn of(family: &'static FamilyTable, class: usize, magazines: InMagazines) -> Option<Self> {
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
        let parked = parked as usize + magazines.slots;
        let now = out.saturating_sub(in_depots + magazines.idle as u64);
        let peak = u64::max(peak, now);
        let live_objects = (out as usize).saturating_sub(parked);
        (lanes > 0).then_some(Self {
            slot_bytes,
            live_objects,
            live_bytes: live_objects * slot_bytes,
            peak_objects: peak as usize,
            parked_objects: parked,
            blocks,
            committed_bytes: granules << crate::space::map::GRANULE_SHIFT,
            lanes,
            lock_acquisitions: locks,
        })
    }
}

/// What the magazines of all threads hold of one class.
#[derive(Clone, Copy, Default)]
struct InMagazines {
    slots: usize,
    /// Those that have been there since their lanes last noted the peak.
    idle: usize,
}

/// What the magazines of all threads hold of each class.
fn magazines(family: &FamilyTable) -> [InMagazines; class::COUNT] {
    let mut counts = [InMagazines::default(); class::COUNT];
    let rows = family.rows.lock();
    for links in rows.iter() {
        // SAFETY: rows in the list stay valid while the list is locked.
        let row = unsafe { Row::of_links(links) };
        for (class, head) in row.heads().iter().enumerate() {
            counts[class].slots += head.len(class);
            counts[class].idle += head.idle();
        }
    }
    counts
}

/// Bytes as people read them.
struct Bytes(usize);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0;
        let (unit, name) = match bytes {
            0..1024 => return f.pad(&format!("{bytes} B")),
            1024..0x10_0000 => (1024.0, "KiB"),
            0x10_0000..0x4000_0000 => (1_048_576.0, "MiB"),
            _ => (1_073_741_824.0, "GiB"),
        };
        f.pad(&format!("{:.1} {name}", bytes as f64 / unit))
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.families.iter().map(|family| family.name.len());
        let width = names.max().unwrap_or(0).max(self.set.len()).max("total".len());
        writeln!(
            f,
            "{:width$}  {:>10}  {:>10}  {:>10}  {:>7}  {:>10}  {:>10}",
            self.set, "objects", "live", "peak", "blocks", "committed", "locks"
        )?;
        let mut row = |name: &str, family: &FamilyUse| {
            writeln!(
                f,
                "{name:width$}  {:>10}  {:>10}  {:>10}  {:>7}  {:>10}  {:>10}",
                family.live_objects,
                Bytes(family.live_bytes),
                Bytes(family.peak_bytes),
                family.blocks,
                Bytes(family.committed_bytes),
                family.lock_acquisitions
            )
        };
        let mut total = FamilyUse::unused("total");
        for family in &self.families {
            row(family.name, family)?;
            total.live_objects += family.live_objects;
            total.live_bytes += family.live_bytes;
            total.peak_bytes += family.peak_bytes;
            total.blocks += family.blocks;
            total.committed_bytes += family.committed_bytes;
            total.lock_acquisitions += family.lock_acquisitions;
        }
        row(total.name, &total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_readable_and_aligned() {
        assert_eq!(Bytes(0).to_string(), "0 B");
        assert_eq!(Bytes(1023).to_string(), "1023 B");
        assert_eq!(Bytes(1536).to_string(), "1.5 KiB");
        assert_eq!(Bytes(3 << 20).to_string(), "3.0 MiB");
        assert_eq!(Bytes(5 << 30).to_string(), "5.0 GiB");
        assert_eq!(format!("{:>8}", Bytes(7)), "     7 B");
    }
}
