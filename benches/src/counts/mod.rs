//! Instructions and cache misses of an operation: what a machine does, not how long it takes.
//!
//! A [`Cell`] is a probe and the allocator that it is run with: a program that does one thing so many
//! times, under valgrind's cachegrind, which simulates two levels of cache. It is run twice, short and
//! long, and the difference is divided by that of the operations: starting, drawing and warming up cancel
//! out. What comes out are the same [`Figures`] every time, on a busy machine as on an idle one, so
//! that a change can be seen that no clock would show, and a [`Record`] kept to compare with.
//!
//! What could move them is held still:
//! - the caches are given ([`cachegrind`]), whatever the machine has;
//! - the clock stands, so that nothing is due because a run took longer than another;
//! - the environment is made for the run and padded, together with the command line, to one length,
//!   since the stack begins below them. Addresses are valgrind's own, and no more random than it is.
//!
//! Two groups of rows: programs in C, in front of which a library is [`preloaded`], and the workloads of
//! the duel over the peers in Rust, [`in_process`], of which each is this program again.

mod cachegrind;
mod comparison;
mod in_process;
mod preloaded;
mod record;
mod report;
mod tools;

pub use cachegrind::{Program, Totals, Valgrind};
pub use comparison::{Comparison, compare};
pub use in_process::child;
pub use preloaded::Preloads;
pub use record::{Record, Row};
pub use report::tables;
pub use tools::tools;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// How many operations the short run has, ...
pub const SHORT: u64 = 256_000;
/// ... and the long one. Both, and their difference, are whole turns of what the churns draw
/// beforehand.
pub const LONG: u64 = 1_280_000;

/// For one operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    /// Instructions; two digits after the point.
    pub instructions: f64,
    /// Data that was not in the first level; three digits.
    pub first: f64,
    /// Data that was not in the second level either; three digits.
    pub second: f64,
}

impl Figures {
    /// What the operations cost that a long run has more than a short one.
    #[must_use]
    pub fn between(short: &Totals, long: &Totals, operations: u64) -> Self {
        // Fewer misses in the longer run are none.
        let each = |short: u64, long: u64, scale: f64| {
            (long.saturating_sub(short) as f64 / operations as f64 * scale).round() / scale
        };
        Self {
            instructions: each(short.instructions, long.instructions, 1e2),
            first: each(short.first, long.first, 1e3),
            second: each(short.second, long.second, 1e3),
        }
    }
}

/// A part of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Programs in C and C++, with a library preloaded.
    Preloaded,
    /// Rust, the allocator within the program.
    InProcess,
}

impl Group {
    /// Both, in the order of the report.
    pub const ALL: [Self; 2] = [Self::Preloaded, Self::InProcess];

    /// What stands above its table.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Preloaded => "C and C++, the library preloaded",
            Self::InProcess => "Rust, in process",
        }
    }
}

/// What a cell came to: figures, or none where the allocator does not have the call; or how the run
/// failed.
pub type Outcome = Result<Option<Figures>, String>;

/// A probe and the allocator that it is run with.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Where it stands.
    pub group: Group,
    /// The row: the probe. No two rows are called the same.
    pub row: &'static str,
    /// The column: the allocator.
    pub peer: &'static str,
    program: Program,
}

impl Cell {
    /// Runs it.
    fn count(&self, valgrind: &Valgrind) -> Outcome {
        let Some(short) = valgrind.run(&self.program, SHORT)? else { return Ok(None) };
        let long = valgrind.run(&self.program, LONG)?;
        Ok(long.map(|long| Figures::between(&short, &long, LONG - SHORT)))
    }
}

/// All cells for which there is a library or a peer, row by row, famalloc first in each.
#[must_use]
pub fn cells(preloads: &Preloads) -> Vec<Cell> {
    preloads.cells().into_iter().chain(in_process::cells(&preloads.clock())).collect()
}

/// Runs the cells, as many at a time as there are processors: counts do not mind.
#[must_use]
pub fn count(valgrind: &Valgrind, cells: &[Cell]) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let counted = Mutex::new(vec![Ok(None); cells.len()]);
    let work = || {
        while let Some((place, cell)) = take(&next, cells) {
            let outcome = cell.count(valgrind);
            counted.lock().unwrap_or_else(PoisonError::into_inner)[place] = outcome;
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, Into::into) {
            scope.spawn(work);
        }
    });
    counted.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// The next cell that nobody has taken.
fn take<'a>(next: &AtomicUsize, cells: &'a [Cell]) -> Option<(usize, &'a Cell)> {
    let place = next.fetch_add(1, Ordering::Relaxed);
    cells.get(place).map(|cell| (place, cell))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_runs_have_cancels_out() {
        let short = Totals { instructions: 1_000_500, first: 700, second: 300 };
        let long = Totals { instructions: 1_060_617, first: 1_991, second: 312 };
        let figures = Figures::between(&short, &long, 1000);
        assert_eq!(figures, Figures { instructions: 60.12, first: 1.291, second: 0.012 });
    }

    #[test]
    fn no_figure_is_below_zero() {
        let short = Totals { instructions: 5000, first: 70, second: 30 };
        let long = Totals { instructions: 6000, first: 69, second: 30 };
        let figures = Figures::between(&short, &long, 1000);
        assert_eq!(figures, Figures { instructions: 1.0, first: 0.0, second: 0.0 });
    }
}
