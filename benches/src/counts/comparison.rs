//! What was counted now beside what was counted before.

use super::record::{Record, Row};

/// How much a figure may grow: this part of it, ...
const TOLERANCE: f64 = 0.02;
/// ... and of misses this many more, since a part of almost none is nothing.
const MISSES: f64 = 0.01;

/// What came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// What must not be: one line for each.
    pub failures: Vec<String>,
    /// What is worth knowing.
    pub hints: Vec<String>,
}

/// Compares rows with a record. `whole` says that all rows were counted, so that one that the record
/// has besides is lost.
///
/// Other compilers write other instructions: where the record was made with other tools, what would be
/// failures are hints.
#[must_use]
pub fn compare(record: &Record, now: &Record, whole: bool) -> Comparison {
    let mut found = Comparison::default();
    for row in &now.rows {
        match record.rows.iter().find(|recorded| recorded.name == row.name) {
            Some(recorded) => found.compare_row(recorded, row),
            None => found.failures.push(format!("{}: not in the record; record again", row.name)),
        }
    }
    let is_counted = |recorded: &Row| now.rows.iter().any(|row| row.name == recorded.name);
    if whole {
        for lost in record.rows.iter().filter(|recorded| !is_counted(recorded)) {
            found.failures.push(format!("{}: in the record, but not counted now", lost.name));
        }
    }
    if record.tools != now.tools {
        let explanation = format!(
            "the record is of other tools, so nothing below is a failure: recorded with {}; now {}",
            record.tools.join(", "),
            now.tools.join(", "),
        );
        let softened = std::mem::take(&mut found.failures);
        found.hints.splice(0..0, [explanation].into_iter().chain(softened));
    }
    found
}

impl Comparison {
    fn compare_row(&mut self, recorded: &Row, row: &Row) {
        let (was, is) = (recorded.figures, row.figures);
        for (what, was, is, more) in [
            ("instructions", was.instructions, is.instructions, 0.0),
            ("first-level misses", was.first, is.first, MISSES),
            ("second-level misses", was.second, is.second, MISSES),
        ] {
            let digits = if more > 0.0 { 3 } else { 2 };
            let tolerance = was * TOLERANCE + more;
            let change = format!("{}: {is:.digits$} {what}, recorded {was:.digits$}", row.name);
            if is > was + tolerance {
                self.failures.push(change);
            } else if is < was - tolerance {
                self.hints.push(format!("{change}: less; record again"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counts::Figures;

    fn record(rows: &[(&str, [f64; 3])]) -> Record {
        let row = |&(name, [instructions, first, second]): &(&str, [f64; 3])| Row {
            name: name.to_owned(),
            figures: Figures { instructions, first, second },
        };
        let tools = vec!["rustc 1".to_owned(), "cc 2".to_owned()];
        Record { tools, rows: rows.iter().map(row).collect() }
    }

    /// Failures and hints of one row that was recorded as the first, and is now the second.
    fn of_row(was: [f64; 3], is: [f64; 3]) -> Comparison {
        compare(&record(&[("pair", was)]), &record(&[("pair", is)]), true)
    }

    #[test]
    fn a_little_is_tolerated() {
        let was = [50.0, 1.0, 0.0];
        for is in [was, [50.9, 1.02, 0.009], [49.1, 0.98, 0.0]] {
            assert_eq!(of_row(was, is), Comparison::default(), "{is:?}");
        }
    }

    #[test]
    fn growth_is_a_failure() {
        let was = [50.0, 1.0, 0.0];
        for (is, failure) in [
            ([51.1, 1.0, 0.0], "pair: 51.10 instructions, recorded 50.00"),
            ([50.0, 1.031, 0.0], "pair: 1.031 first-level misses, recorded 1.000"),
            ([50.0, 1.0, 0.011], "pair: 0.011 second-level misses, recorded 0.000"),
        ] {
            let found = of_row(was, is);
            assert_eq!(found.failures, [failure]);
            assert!(found.hints.is_empty());
        }
        assert_eq!(of_row(was, [60.0, 2.0, 1.0]).failures.len(), 3);
    }

    #[test]
    fn what_shrinks_is_to_be_recorded() {
        let found = of_row([50.0, 1.0, 0.2], [48.9, 0.96, 0.18]);
        assert!(found.failures.is_empty());
        let hints = [
            "pair: 48.90 instructions, recorded 50.00: less; record again",
            "pair: 0.960 first-level misses, recorded 1.000: less; record again",
            "pair: 0.180 second-level misses, recorded 0.200: less; record again",
        ];
        assert_eq!(found.hints, hints);
    }

    #[test]
    fn the_record_has_the_rows_that_there_are() {
        let figures = [50.0, 1.0, 0.0];
        let one = record(&[("pair", figures)]);
        let both = record(&[("pair", figures), ("churn", figures)]);
        let found = compare(&one, &both, true);
        assert_eq!(found.failures, ["churn: not in the record; record again"]);
        let found = compare(&both, &one, true);
        assert_eq!(found.failures, ["churn: in the record, but not counted now"]);
        assert_eq!(compare(&both, &one, false), Comparison::default());
    }

    #[test]
    fn other_compilers_are_no_failure() {
        let was = record(&[("pair", [50.0, 1.0, 0.0]), ("lost", [1.0, 0.0, 0.0])]);
        let mut now = record(&[("pair", [60.0, 1.0, 0.0])]);
        assert_eq!(compare(&was, &now, true).failures.len(), 2);
        now.tools[1] = "cc 3".to_owned();
        let found = compare(&was, &now, true);
        assert!(found.failures.is_empty());
        assert!(found.hints[0].contains("recorded with rustc 1, cc 2; now rustc 1, cc 3"));
        assert_eq!(found.hints[1], "pair: 60.00 instructions, recorded 50.00");
        assert_eq!(found.hints.len(), 3);
    }
}
