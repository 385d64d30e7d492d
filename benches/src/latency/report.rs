//! The table of the latencies, and its numbers.

use super::counter;
use super::{Entrant, Record};
use crate::duel::thousands;
use crate::finding::Finding;
use crate::json::Json;
use crate::table::Table;

/// What is told of the times of an allocator.
const TOLD: [&str; 5] = ["p50", "p99", "p99.99", "max", "max undisturbed"];

/// The values of [`TOLD`], in ticks.
fn told(record: &Record) -> [u64; TOLD.len()] {
    let [middle, slow, slowest] = [0.5, 0.99, 0.9999].map(|part| record.all.quantile(part));
    [middle, slow, slowest, record.all.greatest(), record.undisturbed.greatest()]
}

/// The finding of this name, of entrants that have had so many turns each.
pub(super) fn finding(name: &str, threads: usize, turns: usize, entrants: &[Entrant]) -> Finding {
    let tick = counter::nanoseconds_per_tick();
    let mut table = Table::new(["allocator"].into_iter().chain(TOLD).chain([
        "preempted",
        "waited",
        "faulted",
        "asked",
    ]));
    let mut lines = Vec::new();
    for entrant in entrants {
        let record = &entrant.record;
        let times = told(record).map(|ticks| ticks as f64 * tick);
        let disturbed = record.disturbed;
        let counts = [disturbed.preempted, disturbed.waited, disturbed.faulted].map(thousands);
        let asked = match entrant.heap {
            Some(_) if threads > 1 && entrant.can_be_asked => thousands(entrant.asked),
            Some(_) if threads > 1 => "no way".to_owned(),
            _ => "-".to_owned(),
        };
        table.row(
            [entrant.name.to_owned()]
                .into_iter()
                .chain(times.map(time))
                .chain(counts)
                .chain([asked]),
        );
        lines.extend(TOLD.iter().zip(times).map(|(told, time)| {
            Json::Object(vec![
                ("workload", format!("{name}: {told}").as_str().into()),
                ("threads", (threads as f64).into()),
                ("allocator", entrant.name.into()),
                ("ns_per_op", time.into()),
                ("mad", 0.0.into()),
                ("rounds", (turns as f64).into()),
            ])
        }));
    }
    let record = &entrants[0].record;
    let text = format!(
        "{name}: ns of single operations, {} of each allocator; undisturbed: without the blocks \
         (of {}) in which the thread was preempted, waited or had a page fault; the counter moves \
         in steps of {:.1} ns\n\n{table}",
        thousands(record.all.count()),
        thousands(record.blocks),
        counter::step() as f64 * tick,
    );
    Finding { text, lines, residency: None }
}

/// Nanoseconds, as a table shows them.
fn time(nanoseconds: f64) -> String {
    if nanoseconds < 100.0 { format!("{nanoseconds:.1}") } else { thousands(nanoseconds as u64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_stands_where_its_name_does() {
        let mut record = Record::new();
        (1..=100).for_each(|value| record.all.add(value));
        record.all.add(100_000);
        record.undisturbed.add(77);
        assert_eq!(told(&record), [51, 100, 100_000, 100_000, 77]);
    }

    #[test]
    fn times_are_short() {
        assert_eq!(
            [9.96, 99.94, 100.4, 1_234_567.8].map(time),
            ["10.0", "99.9", "100", "1,234,567"]
        );
    }

    #[test]
    fn every_entrant_has_a_row_and_five_lines() {
        let entrant = |name, can_be_asked| Entrant {
            name,
            heap: Some(&crate::peers::System),
            can_be_asked,
            asked: 12,
            record: Record::new(),
            turn: Box::new(|_, _, _| {}),
        };
        let entrants = [entrant("one", true), entrant("other", false)];
        let finding = finding("latency", 2, 7, &entrants);
        let rows: Vec<_> = finding.text.lines().skip(4).collect();
        assert!(rows[0].starts_with("| one ") && rows[0].ends_with(" 12 |"), "{}", rows[0]);
        assert!(rows[1].starts_with("| other ") && rows[1].ends_with("no way |"), "{}", rows[1]);
        assert_eq!(finding.lines.len(), 10);
        let expected = r#"{"workload":"latency: p99.99","threads":2,"allocator":"one","ns_per_op":0,"mad":0,"rounds":7}"#;
        assert_eq!(finding.lines[2].to_string(), expected);
    }
}
