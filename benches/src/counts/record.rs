//! What was counted before, as it is kept: famalloc's rows, and what they were counted with.
//!
//! A text, in which each change of a figure is a changed line:
//!
//! ```text
//! # a comment
//! tool rustc 1.95.0
//!    56.00  0.000  0.000  pair 48 B
//! ```

use core::fmt;

use super::Figures;

/// A row of famalloc's.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What it is called.
    pub name: String,
    /// What was counted.
    pub figures: Figures,
}

/// A table to compare with.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The compilers and what else the figures depend on, as [`tools`](super::tools) says.
    pub tools: Vec<String>,
    /// The rows, in the order of the report.
    pub rows: Vec<Row>,
}

impl Record {
    /// Reads one.
    ///
    /// # Errors
    ///
    /// A line is none of a record. Which.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut record = Self { tools: Vec::new(), rows: Vec::new() };
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some(tool) = line.strip_prefix("tool ") {
                record.tools.push(tool.to_owned());
            } else {
                record.rows.push(row(line).ok_or_else(|| format!("what is {line}?"))?);
            }
        }
        Ok(record)
    }
}

/// Three numbers and a name.
fn row(line: &str) -> Option<Row> {
    let mut rest = line;
    let mut number = || {
        let (number, after) = rest.trim_start().split_once(' ')?;
        rest = after;
        number.parse::<f64>().ok().filter(|number| number.is_finite())
    };
    let figures = Figures { instructions: number()?, first: number()?, second: number()? };
    let name = rest.trim();
    (!name.is_empty()).then(|| Row { name: name.to_owned(), figures })
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "# For each operation: instructions, misses of the first level, of the second.\n\
             # Written by: cargo bench -p famalloc-bench --bench counts -- --ours --record\n",
        )?;
        self.tools.iter().try_for_each(|tool| writeln!(f, "tool {tool}"))?;
        self.rows.iter().try_for_each(|Row { name, figures }| {
            let Figures { instructions, first, second } = figures;
            writeln!(f, "{instructions:8.2} {first:6.3} {second:6.3}  {name}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let row = |name: &str, instructions, first, second| Row {
            name: name.to_owned(),
            figures: Figures { instructions, first, second },
        };
        Record {
            tools: vec!["rustc 1.95.0 (59807616e 2026-04-14)".to_owned(), "cc 12".to_owned()],
            rows: vec![
                row("pair 48 B", 56.0, 0.0, 0.0),
                row("realloc 40 <-> 48 B", 12_345.67, 12.5, 0.001),
            ],
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        assert_eq!(Record::parse(&record().to_string()), Ok(record()));
    }

    #[test]
    fn it_is_written_like_this() {
        let text = record().to_string();
        let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let expected = [
            "tool rustc 1.95.0 (59807616e 2026-04-14)",
            "tool cc 12",
            "   56.00  0.000  0.000  pair 48 B",
            "12345.67 12.500  0.001  realloc 40 <-> 48 B",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn nothing_is_guessed() {
        for line in [
            "56.00 0.000 pair",
            "56.00 0.000 0.000",
            "56.00 0.000 0.000 ",
            "pair 48 B",
            "NaN 0.0 0.0 pair",
        ] {
            assert_eq!(Record::parse(line), Err(format!("what is {line}?")));
        }
    }
}
