//! Threads, families, regions, pools, limits and forks that come and go, for as long as one likes:
//!
//! ```sh
//! cargo run --release -p famalloc-soak -- --minutes 60
//! ```
//!
//! One round after the other does the same, in another order: a few threads that make, pass on and free
//! memory of every size in several families, and end; a phase that fills a family and gives it up; regions
//! and pools; a family at its limit; children of a fork, which use everything and exit. After each round
//! nothing is live that was not before. Resident memory is measured there, and its highest value in each
//! tenth of the time told; the program fails where it goes on rising after the warm-up, the first two fifths.

mod work;

use std::time::{Duration, Instant};

use famalloc::{Snapshot, check, reclaim};

use work::Lives;

/// How much higher than after the warm-up resident memory may be at the end: a twentieth and so much.
const SLACK: usize = 4 << 20;

fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: usize = statm.split(' ').nth(1).and_then(|it| it.parse().ok()).expect("a number");
    // SAFETY: no preconditions.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    pages * usize::try_from(page).unwrap_or(4096)
}

fn mappings() -> usize {
    std::fs::read_to_string("/proc/self/maps").expect("Linux").lines().count()
}

fn minutes() -> f64 {
    let arguments: Vec<_> = std::env::args().collect();
    let value =
        arguments.iter().position(|it| it == "--minutes").and_then(|at| arguments.get(at + 1));
    value.map_or(1.0, |value| value.parse().expect("--minutes has a number"))
}

fn main() {
    let whole = Duration::from_secs_f64(minutes() * 60.0);
    let begin = Instant::now();
    let tenth = |at: Duration| (at.as_secs_f64() / whole.as_secs_f64() * 10.0) as usize;
    let mut highest = [0_usize; 10];
    let mut rounds = 0_u64;
    println!("{:>8}  {:>8}  {:>12}  {:>8}", "seconds", "rounds", "resident", "mappings");
    while begin.elapsed() < whole {
        let at = tenth(begin.elapsed()).min(9);
        work::round(rounds);
        rounds += 1;
        // In every other round what is unused stays warm.
        if rounds % 2 == 0 {
            reclaim(usize::MAX);
            for family in Snapshot::of::<Lives>().families {
                assert_eq!(
                    family.live_objects,
                    0,
                    "left in {}\n{}",
                    family.name,
                    Snapshot::of::<Lives>()
                );
            }
        }
        check().expect("all is whole");
        highest[at] = highest[at].max(resident_bytes());
        if tenth(begin.elapsed()) > at {
            println!(
                "{:>8}  {rounds:>8}  {:>8} KiB  {:>8}",
                begin.elapsed().as_secs(),
                highest[at] >> 10,
                mappings()
            );
        }
    }
    let known = |range: std::ops::Range<usize>| highest[range].iter().copied().max().unwrap_or(0);
    let (warm, last) = (known(0..4), known(7..10));
    println!(
        "{rounds} rounds; resident {} KiB after the warm-up, {} KiB at the end",
        warm >> 10,
        last >> 10
    );
    assert!(rounds > 20, "too few rounds to say anything");
    assert!(last <= warm + warm / 20 + SLACK, "resident memory goes on rising");
}
