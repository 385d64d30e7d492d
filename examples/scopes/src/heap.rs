//! Who owns the heap, as a table.

use famalloc::{Snapshot, flush};

use crate::Lives;

/// Prints what each family has.
pub(crate) fn print(when: &str) {
    let snapshot = Snapshot::of::<Lives>();
    let all: usize = snapshot.families.iter().map(|family| family.live_bytes).sum();
    println!("\n{when}:");
    println!(
        "  {:10}{:>10}{:>12}{:>14}{:>8}",
        "family", "objects", "live KiB", "committed KiB", "share"
    );
    for family in &snapshot.families {
        let share = family.live_bytes as f64 / all as f64 * 100.0;
        println!(
            "  {:10}{:>10}{:>12}{:>14}{share:>7.1}%",
            family.name,
            family.live_objects,
            family.live_bytes >> 10,
            family.committed_bytes >> 10,
        );
    }
}

/// Gives back what is not used any more, and says how much that was.
pub(crate) fn print_what_came_back(when: &str) {
    let bytes = flush();
    print(&format!("{when}; {} KiB went back to the system", bytes >> 10));
}
