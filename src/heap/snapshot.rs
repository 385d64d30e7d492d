//! The use of a whole family set, and its table for people.

use core::fmt;

use crate::any_family::AnyFamily;
use crate::family_set::FamilySet;

use super::usage::FamilyUse;
use super::used;

/// The use of a family set, family by family.
///
/// A snapshot takes the lock of each lane, and asks the page source for each extent; it touches no object.
/// Its `Display` is a table for people. Live bytes, committed bytes and [resident
/// bytes](FamilyUse::resident_bytes) are three different numbers: committed memory that was never touched
/// is not resident, and free memory may be.
///
/// If the global allocator is one over the set, the lists in the snapshot are objects too, in the family
/// of the present scope: one, and one for each family, each allocated after that family was counted. To
/// keep them out of the counts of the other families, take the snapshot in the scope of a family of its
/// own.
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
    /// The present use of the set `S`.
    #[must_use]
    pub fn of<S: FamilySet>() -> Self {
        let families = (0..S::FAMILIES.len())
            .map(|family| match used(AnyFamily::<S>::new(family)) {
                Some(used) => FamilyUse::of_table(used),
                None => FamilyUse::unused(S::FAMILIES[family].name()),
            })
            .collect();
        Self { set: S::NAME, families }
    }

    /// The family with this name.
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
