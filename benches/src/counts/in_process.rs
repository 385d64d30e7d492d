//! Rust: the workloads of the duel, over the allocators that this program contains.
//!
//! Each run is this program again, which then does one workload with one allocator.

use std::path::Path;

use super::{Cell, Group, Program};
use crate::allocator::Allocator;
use crate::command::complain;
use crate::duel::mixed;
use crate::peers::{Famalloc, Jemalloc, Mimalloc, Rallocator, Rpmalloc, Snmalloc, System};
use crate::workloads::shaped::{ShapedChurn, ShapedPair, Unseen};
use crate::workloads::{Batch, Churn, OPERATIONS, Order, Pair, Workload};

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Probe {
    Pair,
    Lifo,
    Churn,
    Mixed,
    LayoutPair,
    LayoutChurn,
}

/// Each with the name of its row and that by which the child is told.
const PROBES: [(Probe, &str, &str); 6] = [
    (Probe::Pair, "typed pair 48 B", "pair"),
    (Probe::Lifo, "typed 1,000 LIFO 48 B", "lifo"),
    (Probe::Churn, "typed churn 1,000 48 B", "churn"),
    (Probe::Mixed, "typed churn 1,000 mixed 8..512 B, by a power law", "mixed"),
    (Probe::LayoutPair, "layout pair 48 B", "layout-pair"),
    (Probe::LayoutChurn, "layout churn 1,000 48 B", "layout-churn"),
];

/// Runs a probe for so many rounds, with one allocator.
type Run = fn(Probe, u64);

/// The allocators, famalloc first.
const PEERS: [(&str, Run); 7] = [
    (Famalloc::NAME, run::<Famalloc>),
    (System::NAME, run::<System>),
    (Mimalloc::NAME, run::<Mimalloc>),
    (Jemalloc::NAME, run::<Jemalloc>),
    (Snmalloc::NAME, run::<Snmalloc>),
    (Rpmalloc::NAME, run::<Rpmalloc>),
    (Rallocator::NAME, run::<Rallocator>),
];

fn run<A: Allocator>(probe: Probe, rounds: u64) {
    let plain = || Unseen::new(48, 8);
    match probe {
        Probe::Pair => turn(Pair::<A, 48>::new(), rounds),
        Probe::Lifo => turn(Batch::<A, 48>::new(OPERATIONS, Order::Lifo), rounds),
        Probe::Churn => turn(Churn::<A, 48>::new(1_000), rounds),
        Probe::Mixed => turn(ShapedChurn::<A, _>::new(1_000, mixed()), rounds),
        Probe::LayoutPair => turn(ShapedPair::<A, _>::new(plain), rounds),
        Probe::LayoutChurn => turn(ShapedChurn::<A, _>::new(1_000, plain), rounds),
    }
}

/// Out of line, so that a workload is compiled the same whichever others stand beside it.
#[inline(never)]
fn turn(mut workload: impl Workload, rounds: u64) {
    (0..rounds).for_each(|_| workload.round());
}

/// The cells of all peers, row by row.
pub(super) fn cells(clock: &Path) -> Vec<Cell> {
    let this = std::env::current_exe().expect("this program is a file");
    let mut cells = Vec::new();
    for (_, row, told) in PROBES {
        for (peer, _) in PEERS {
            let arguments = ["--child", told, peer].map(str::to_owned).to_vec();
            let preloads = vec![clock.to_owned()];
            let program = Program { path: this.clone(), arguments, preloads };
            cells.push(Cell { group: Group::InProcess, row, peer, program });
        }
    }
    cells
}

/// What a command line asks for: the probe, how the peer runs it, and the rounds.
fn parse(arguments: &[String]) -> Option<(Probe, Run, u64)> {
    let [told, peer, operations] = arguments else { return None };
    let (probe, ..) = PROBES.into_iter().find(|(.., known)| known == told)?;
    let (_, run) = PEERS.into_iter().find(|(known, _)| known == peer)?;
    let operations: u64 = operations.parse().ok()?;
    let each = u64::from(OPERATIONS);
    operations.is_multiple_of(each).then_some((probe, run, operations / each))
}

/// What a process does that was started to be counted.
pub fn child(arguments: &[String]) {
    match parse(arguments) {
        Some((probe, run, rounds)) => run(probe, rounds),
        None => complain(&format!("nothing can be counted that is called {}", arguments.join(" "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn every_cell_can_be_told_to_a_child() {
        let cells = cells(Path::new("/clock.so"));
        assert_eq!(cells.len(), PROBES.len() * PEERS.len());
        for (place, cell) in cells.iter().enumerate() {
            let mut arguments = cell.program.arguments.clone();
            assert_eq!(arguments.remove(0), "--child");
            arguments.push("3000".to_owned());
            let (probe, _, rounds) = parse(&arguments).unwrap();
            assert_eq!(probe, PROBES[place / PEERS.len()].0, "{}", cell.row);
            assert_eq!(cell.peer, PEERS[place % PEERS.len()].0);
            assert_eq!(rounds, 3);
        }
    }

    #[test]
    fn a_child_does_not_guess() {
        assert!(parse(&told("pair famalloc 2000")).is_some());
        for line in [
            "pairs famalloc 2000",
            "pair nobody 2000",
            "pair famalloc 2001",
            "pair famalloc many",
            "pair famalloc",
        ] {
            assert!(parse(&told(line)).is_none(), "{line}");
        }
    }

    #[test]
    fn every_probe_runs() {
        for (probe, ..) in PROBES {
            run::<Famalloc>(probe, 2);
        }
    }
}
