//! The report: a table for each group, the numbers as JSON, and the last line.

use std::io::{self, Write};

use super::{Group, notes};
use crate::json::Json;
use crate::race::{Outcome, Role};
use crate::stats::Summary;
use crate::table::Table;

/// What came out of the duel, collected while it runs.
#[derive(Debug, Default)]
pub struct Report {
    outcomes: Vec<(Group, Outcome)>,
}

impl Report {
    /// Adds the outcomes of a contest.
    pub fn add(&mut self, group: Group, outcomes: impl IntoIterator<Item = Outcome>) {
        self.outcomes.extend(outcomes.into_iter().map(|outcome| (group, outcome)));
    }

    /// All outcomes, in the order in which they were run.
    pub fn outcomes(&self) -> impl Iterator<Item = &Outcome> {
        self.outcomes.iter().map(|(_, outcome)| outcome)
    }

    /// The table of one group, or `None` when nothing of it was run.
    ///
    /// The limits stand to the right of the ratio, in which they do not count.
    #[must_use]
    pub fn table(&self, group: Group) -> Option<Table> {
        let outcomes = || self.outcomes.iter().filter(|(of, _)| *of == group).map(|(_, it)| it);
        let names = |limit: bool| {
            let mut names = Vec::new();
            for &(name, role, _) in outcomes().flat_map(|outcome| &outcome.times) {
                if (role == Role::Limit) == limit && !names.contains(&name) {
                    names.push(name);
                }
            }
            names
        };
        let (racing, limits) = (names(false), names(true));
        if racing.is_empty() {
            return None;
        }
        let mut table = Table::new(
            ["workload"].iter().chain(&racing).chain(&["ratio", "spread"]).chain(&limits).copied(),
        );
        for outcome in outcomes() {
            let time = |name: &&str| match outcome.of(name) {
                Some(time) => format!("{:.2}", time.median),
                None => "-".to_owned(),
            };
            let spread = |summary: Option<Summary>| match summary {
                Some(summary) => format!("{:.0}%", 100.0 * summary.relative_spread()),
                None => "-".to_owned(),
            };
            let best = outcome.best_peer().map(|(_, time)| time);
            let ratio = outcome.ratio().map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
            let mut row = vec![outcome.workload.clone()];
            row.extend(racing.iter().map(time));
            row.extend([ratio, format!("{}, {}", spread(outcome.ours()), spread(best))]);
            row.extend(limits.iter().map(time));
            table.row(row);
        }
        Some(table)
    }

    /// What the table of one group amounts to, a line each.
    #[must_use]
    pub fn notes(&self, group: Group) -> Vec<String> {
        let outcomes = self.outcomes.iter().filter(|(of, _)| *of == group).map(|(_, it)| it);
        notes::of(group, &outcomes.collect::<Vec<_>>())
    }

    /// Writes one JSON object a line.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn write_json(&self, mut writer: impl Write) -> io::Result<()> {
        for (_, outcome) in &self.outcomes {
            for &(allocator, _, time) in &outcome.times {
                let line = Json::Object(vec![
                    ("workload", (&*outcome.workload).into()),
                    ("threads", (outcome.threads as f64).into()),
                    ("allocator", allocator.into()),
                    ("ns_per_op", time.median.into()),
                    ("mad", time.spread.into()),
                    ("rounds", (outcome.rounds as f64).into()),
                ]);
                writeln!(writer, "{line}")?;
            }
        }
        Ok(())
    }

    /// The line that the duel ends with.
    ///
    /// The means and the worst row count each event once, by its total; [`Self::worst_lap`] tells of
    /// the laps. Among the threads, the events of one thread are there to be compared with, and do not count.
    #[must_use]
    pub fn verdict(&self) -> String {
        let mean = |of: fn(Group) -> bool| {
            let counted = self.outcomes.iter().filter(|(group, it)| of(*group) && !it.is_lap);
            let counted = counted.filter(|(group, it)| !group.is_threaded() || it.threads > 1);
            let ratios: Vec<f64> = counted.filter_map(|(_, outcome)| outcome.ratio()).collect();
            match geometric_mean(&ratios) {
                Some(mean) => format!("{mean:.2}"),
                None => "not run".to_owned(),
            }
        };
        format!(
            "geomean vs best peer: {} (single-thread), {} (threads), worst row: {}",
            mean(Group::is_single_threaded),
            mean(Group::is_threaded),
            self.worst(false).unwrap_or_else(|| "none".to_owned()),
        )
    }

    /// The lap in which famalloc is furthest behind the best peer, or least ahead.
    #[must_use]
    pub fn worst_lap(&self) -> Option<String> {
        self.worst(true)
    }

    /// The worst row, among those that are laps or those that are not, and its ratio.
    fn worst(&self, laps: bool) -> Option<String> {
        let ranked = |group: Group| group.is_single_threaded() || group.is_threaded();
        let rows = self.outcomes.iter().filter(|(group, it)| ranked(*group) && it.is_lap == laps);
        let rows = rows.filter_map(|(_, outcome)| Some((&outcome.workload, outcome.ratio()?)));
        let (name, ratio) = rows.max_by(|(_, one), (_, other)| one.total_cmp(other))?;
        Some(format!("{name} {ratio:.2}"))
    }
}

/// The n-th root of the product of n numbers, where there is any.
fn geometric_mean(numbers: &[f64]) -> Option<f64> {
    let logarithms: f64 = numbers.iter().map(|number| number.ln()).sum();
    (!numbers.is_empty()).then(|| (logarithms / numbers.len() as f64).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(workload: &str, is_lap: bool, ours: f64, peers: [f64; 2]) -> Outcome {
        let summary = |median: f64| Summary { median, spread: median / 10.0 };
        Outcome {
            workload: workload.to_owned(),
            is_lap,
            threads: 1,
            rounds: 7,
            times: vec![
                ("famalloc", Role::Ours, summary(ours)),
                ("one", Role::Peer, summary(peers[0])),
                ("other", Role::Peer, summary(peers[1])),
                ("bump", Role::Limit, summary(0.5)),
            ],
        }
    }

    fn report() -> Report {
        let mut report = Report::default();
        report.add(
            Group::Typed,
            [
                outcome("pair", false, 1.0, [2.0, 4.0]),
                outcome("batch", false, 1.0, [16.0, 8.0]),
                outcome("batch: free", true, 9.0, [10.0, 12.0]),
            ],
        );
        report
    }

    #[test]
    fn the_verdict_is_over_events_and_laps_are_told_apart() {
        let expected = "geomean vs best peer: 0.25 (single-thread), not run (threads), \
                        worst row: pair 0.50";
        assert_eq!(report().verdict(), expected);
        assert_eq!(report().worst_lap().as_deref(), Some("batch: free 0.90"));
        assert_eq!(Report::default().worst_lap(), None);
    }

    #[test]
    fn one_thread_among_the_threads_does_not_count() {
        let mut report = Report::default();
        let mut two = outcome("churn, 2 threads in one cell", false, 1.0, [4.0, 5.0]);
        two.threads = 2;
        report.add(Group::Threads, [outcome("churn, one thread", false, 1.0, [1.0, 1.0]), two]);
        // Growth counts nowhere.
        report.add(Group::Growth, [outcome("pair, 1,000 live 48 B", false, 9.0, [1.0, 1.0])]);
        let expected = "geomean vs best peer: not run (single-thread), 0.25 (threads), \
                        worst row: churn, one thread 1.00";
        assert_eq!(report.verdict(), expected);
        let expected =
            "churn: 2 threads do 2.00 times the work of one (famalloc; best peer 0.50, one)";
        assert_eq!(report.notes(Group::Threads), [expected]);
        assert!(report.notes(Group::Growth).is_empty());
    }

    #[test]
    fn the_table_has_limits_behind_the_ratio() {
        let table = report().table(Group::Typed).unwrap().to_string();
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(
            lines[0],
            "| workload    | famalloc |   one | other | ratio |   spread | bump |"
        );
        assert_eq!(
            lines[2],
            "| pair        |     1.00 |  2.00 |  4.00 |  0.50 | 10%, 10% | 0.50 |"
        );
        assert!(Report::default().table(Group::Typed).is_none());
    }

    #[test]
    fn json_has_one_object_a_line() {
        let mut text = Vec::new();
        report().write_json(&mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        let first = text.lines().next().unwrap();
        let expected = r#"{"workload":"pair","threads":1,"allocator":"famalloc","ns_per_op":1,"mad":0.1,"rounds":7}"#;
        assert_eq!(first, expected);
        assert_eq!(text.lines().count(), 12);
    }
}
