//! The tables: a row for each probe, a column for each allocator.

use core::fmt::Write;

use super::{Cell, Figures, Group};
use crate::table::Table;

/// The tables of both groups. Where an allocator has no such call stands a line;
/// one that has no figure at all has no column.
#[must_use]
pub fn tables(counted: &[(Cell, Option<Figures>)]) -> String {
    let mut text =
        "for each operation: instructions / first-level misses / second-level misses; the \
                    loop's own are in all of them\n"
            .to_owned();
    for group in Group::ALL {
        let of_group: Vec<_> = counted.iter().filter(|(cell, _)| cell.group == group).collect();
        let counted = of_group.iter().filter(|(_, figures)| figures.is_some());
        let peers = in_order(counted.map(|(cell, _)| cell.peer));
        let rows = in_order(of_group.iter().map(|(cell, _)| cell.row));
        if rows.is_empty() {
            continue;
        }
        let mut table = Table::new(["operation"].into_iter().chain(peers.iter().copied()));
        for row in rows {
            let figures = |peer: &&str| {
                let of_cell = |(cell, _): &&&(Cell, _)| cell.row == row && cell.peer == *peer;
                of_group.iter().find(of_cell).and_then(|(_, figures)| *figures)
            };
            let cells = peers.iter().map(|peer| figures(peer).map_or("-".to_owned(), text_of));
            table.row([row.to_owned()].into_iter().chain(cells));
        }
        write!(text, "\n{}\n\n{table}", group.title()).expect("a string takes everything");
    }
    text
}

fn text_of(Figures { instructions, first, second }: Figures) -> String {
    format!("{instructions:.1} / {first:.2} / {second:.3}")
}

/// Each once, where it first comes.
fn in_order<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut once = Vec::new();
    for name in names {
        if !once.contains(&name) {
            once.push(name);
        }
    }
    once
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counts::Program;

    fn cell(row: &'static str, peer: &'static str) -> Cell {
        let program = Program { path: "/".into(), arguments: Vec::new(), preloads: Vec::new() };
        Cell { group: Group::InProcess, row, peer, program }
    }

    #[test]
    fn each_figure_has_its_place() {
        let figures = |instructions| Some(Figures { instructions, first: 1.305, second: 0.0 });
        let counted = [
            (cell("pair", "famalloc"), figures(56.0)),
            (cell("pair", "glibc"), figures(70.25)),
            (cell("pair", "broken"), None),
            (cell("churn", "famalloc"), None),
            (cell("churn", "glibc"), figures(101.0)),
        ];
        let text = tables(&counted);
        let lines: Vec<_> = text.lines().collect();
        let expected = [
            "Rust, in process",
            "",
            "| operation |            famalloc |                glibc |",
            "| --------- | ------------------: | -------------------: |",
            "| pair      | 56.0 / 1.30 / 0.000 |  70.2 / 1.30 / 0.000 |",
            "| churn     |                   - | 101.0 / 1.30 / 0.000 |",
        ];
        assert_eq!(lines[2..], expected);
    }
}
