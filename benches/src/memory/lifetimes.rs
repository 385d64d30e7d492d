//! Programs that know their lifetimes: what is resident after each phase beside what is alive.

use super::ratios::json_line;
use super::{Phase, Program, Weighing};
use crate::finding::Finding;
use crate::peers::HEAPS;
use crate::table::{Table, met};

/// For a quick look, the programs are one part in so many of what they are.
const QUICK_DIVISOR: usize = 10;

/// How each allocator did with a program.
#[derive(Clone, Debug)]
pub struct Residency {
    /// The program.
    pub program: &'static Program,
    /// The allocators that came to a good end, and how it was after each phase.
    pub phases: Vec<(&'static str, Vec<Phase>)>,
}

/// Runs a program over every heap, and makes its table.
#[must_use]
pub fn lifetimes(program: &'static Program, quick: bool) -> Finding {
    let divisor = if quick { QUICK_DIVISOR } else { 1 };
    let phases = HEAPS.iter().filter_map(|heap| {
        let numbers = Weighing::Program(program, divisor).in_child(*heap)?;
        let phase = |pair: &[usize]| Phase { live: pair[0], resident: pair[1] };
        Some((heap.name(), numbers.chunks_exact(2).map(phase).collect()))
    });
    let residency = Residency { program, phases: phases.collect() };
    let lines = residency.phases.iter().flat_map(|(allocator, phases)| {
        phases.iter().enumerate().map(move |(number, phase)| {
            let workload = format!("lifetimes: {}, phase {}", program.name, number + 1);
            json_line(&workload, allocator, phase.resident, phase.live)
        })
    });
    let lines = lines.collect();
    let text = format!(
        "{}: resident bytes for each live byte after a phase, when asked to give back (target: at \
         most 1.10, and 1 MiB)\n\n{}",
        program.name,
        residency.table()
    );
    Finding { text, lines, residency: Some(residency) }
}

impl Residency {
    fn table(&self) -> Table {
        let numbers = (1..=self.program.phases).map(|number| format!("phase {number}"));
        let head = ["allocator".to_owned()].into_iter().chain(numbers).chain(["target".to_owned()]);
        let mut table = Table::new(head);
        for (allocator, phases) in &self.phases {
            let ratios = phases.iter().map(|phase| format!("{:.2}", phase.ratio()));
            let met = met(phases.iter().all(|phase| phase.is_met()));
            table.row([(*allocator).to_owned()].into_iter().chain(ratios).chain([met]));
        }
        // What lives is the same in all of them.
        if let Some((_, phases)) = self.phases.first() {
            let allowed = phases.iter().map(|phase| format!("{:.2}", phase.allowed()));
            let live = phases.iter().map(|phase| format!("{:.2}", phase.live as f64 / 1e6));
            let none = || [String::new()];
            table.row(["(target)".to_owned()].into_iter().chain(allowed).chain(none()));
            table.row(["(live, MB)".to_owned()].into_iter().chain(live).chain(none()));
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::super::PROGRAMS;
    use super::*;

    #[test]
    fn the_target_is_met_when_every_phase_meets_it() {
        let phases = |residents: [usize; 3]| {
            residents.map(|resident| Phase { live: 10_000_000, resident }).to_vec()
        };
        let residency = Residency {
            program: PROGRAMS[1],
            phases: vec![
                ("good", phases([11_000_000, 11_500_000, 12_000_000])),
                ("bad", phases([11_000_000, 13_000_000, 11_000_000])),
            ],
        };
        let expected = "\
| allocator  | phase 1 | phase 2 | phase 3 |  target |
| ---------- | ------: | ------: | ------: | ------: |
| good       |    1.10 |    1.15 |    1.20 |     met |
| bad        |    1.10 |    1.30 |    1.10 | NOT met |
| (target)   |    1.20 |    1.20 |    1.20 |         |
| (live, MB) |   10.00 |   10.00 |   10.00 |         |
";
        assert_eq!(residency.table().to_string(), expected);
    }
}
