//! A text table that is also Markdown, so that it can be read where it is printed and pasted where
//! it is wanted.

use core::fmt;

/// A table: the first column to the left, the others to the right.
#[derive(Clone, Debug)]
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new(head: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { head: head.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    ///
    /// # Panics
    ///
    /// Panics when it has not one cell for each column.
    pub fn row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        let cells: Vec<String> = cells.into_iter().map(Into::into).collect();
        assert_eq!(cells.len(), self.head.len(), "a cell for each column");
        self.rows.push(cells);
    }

    fn widths(&self) -> Vec<usize> {
        let width = |column: usize| {
            let cells = self.rows.iter().chain([&self.head]).map(|row| row[column].chars().count());
            cells.max().unwrap_or(0).max(3)
        };
        (0..self.head.len()).map(width).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        let mut line = |cells: &[String]| {
            f.write_str("|")?;
            for (column, (cell, &width)) in cells.iter().zip(&widths).enumerate() {
                match column {
                    0 => write!(f, " {cell:<width$} |")?,
                    _ => write!(f, " {cell:>width$} |")?,
                }
            }
            f.write_str("\n")
        };
        line(&self.head)?;
        let rule = |(column, &width): (usize, &usize)| match column {
            0 => "-".repeat(width),
            _ => format!("{}:", "-".repeat(width - 1)),
        };
        line(&widths.iter().enumerate().map(rule).collect::<Vec<_>>())?;
        self.rows.iter().try_for_each(|row| line(row))
    }
}

/// How a table says whether a target is met.
#[must_use]
pub fn met(met: bool) -> String {
    if met { "met" } else { "NOT met" }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(["what", "ns"]);
        table.row(["pair", "1.25"]);
        table.row(["batch of µ", "10.00"]);
        let expected = "\
| what       |    ns |
| ---------- | ----: |
| pair       |  1.25 |
| batch of µ | 10.00 |
";
        assert_eq!(table.to_string(), expected);
    }

    #[test]
    fn narrow_columns_still_have_a_rule() {
        let mut table = Table::new(["a", "b"]);
        table.row(["1", "2"]);
        assert_eq!(table.to_string(), "| a   |   b |\n| --- | --: |\n| 1   |   2 |\n");
    }

    #[test]
    #[should_panic(expected = "a cell for each column")]
    fn a_row_that_is_too_short_is_refused() {
        Table::new(["a", "b"]).row(["1"]);
    }
}
