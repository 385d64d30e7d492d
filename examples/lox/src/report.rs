//! The heap by families, as a table for people and as JSON for programs.

use std::fmt::{self, Write};

/// What one family holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FamilyUse {
    /// The family's name.
    pub name: String,
    /// How many objects are alive.
    pub live_objects: u64,
    /// The bytes they take.
    pub live_bytes: u64,
    /// The most bytes that were ever alive at once.
    pub peak_bytes: u64,
    /// How many blocks the family holds.
    pub blocks: u64,
    /// The bytes of memory it holds, whether in use or not.
    pub committed_bytes: u64,
    /// How often its locks were taken.
    pub lock_acquisitions: u64,
}

/// The whole heap at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeapReport {
    /// What the interpreter has just done.
    pub phase: &'static str,
    /// Each family.
    pub families: Vec<FamilyUse>,
}

const HEADINGS: [&str; 7] = ["family", "objects", "live", "peak", "blocks", "committed", "locks"];

impl HeapReport {
    /// The report as one line of JSON, without the line's end.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json = format!("{{\"phase\":{},\"families\":[", quoted(self.phase));
        for (index, family) in self.families.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let _ = write!(
                json,
                "{comma}{{\"name\":{},\"live_objects\":{},\"live_bytes\":{},\"peak_bytes\":{},\
                 \"blocks\":{},\"committed_bytes\":{},\"lock_acquisitions\":{}}}",
                quoted(&family.name),
                family.live_objects,
                family.live_bytes,
                family.peak_bytes,
                family.blocks,
                family.committed_bytes,
                family.lock_acquisitions,
            );
        }
        json + "]}"
    }

    /// The sums of all columns. That of the peaks is an upper bound: they may be of different times.
    fn total(&self) -> FamilyUse {
        let sum = |column: fn(&FamilyUse) -> u64| self.families.iter().map(column).sum();
        FamilyUse {
            name: "total".to_owned(),
            live_objects: sum(|family| family.live_objects),
            live_bytes: sum(|family| family.live_bytes),
            peak_bytes: sum(|family| family.peak_bytes),
            blocks: sum(|family| family.blocks),
            committed_bytes: sum(|family| family.committed_bytes),
            lock_acquisitions: sum(|family| family.lock_acquisitions),
        }
    }
}

/// The table: names to the left, numbers to the right, the totals last.
impl fmt::Display for HeapReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows = vec![HEADINGS.map(str::to_owned)];
        rows.extend(self.families.iter().map(cells));
        rows.push(cells(&self.total()));
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
        let widths: [usize; 7] = std::array::from_fn(|column| width(column).unwrap_or(0));
        writeln!(f, "heap, {}", self.phase)?;
        for row in &rows {
            write!(f, "  {:<1$}", row[0], widths[0])?;
            for (cell, width) in row.iter().zip(widths).skip(1) {
                write!(f, "  {cell:>width$}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

fn cells(family: &FamilyUse) -> [String; 7] {
    [
        family.name.clone(),
        family.live_objects.to_string(),
        bytes(family.live_bytes),
        bytes(family.peak_bytes),
        family.blocks.to_string(),
        bytes(family.committed_bytes),
        family.lock_acquisitions.to_string(),
    ]
}

/// A number of bytes in the largest unit of which there is at least one.
fn bytes(count: u64) -> String {
    let mut unit = "B";
    let mut amount = count as f64;
    for larger in ["KiB", "MiB", "GiB", "TiB"] {
        if amount < 1023.95 {
            break;
        }
        amount /= 1024.0;
        unit = larger;
    }
    if unit == "B" { format!("{count} B") } else { format!("{amount:.1} {unit}") }
}

fn quoted(text: &str) -> String {
    let mut json = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            control if control < ' ' => {
                let _ = write!(json, "\\u{:04x}", u32::from(control));
            }
            other => json.push(other),
        }
    }
    json + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> HeapReport {
        let family = |name: &str, factor| FamilyUse {
            name: name.to_owned(),
            live_objects: factor,
            live_bytes: 48 * factor,
            peak_bytes: 100 * factor,
            blocks: 1,
            committed_bytes: 65536,
            lock_acquisitions: 2,
        };
        HeapReport { phase: "ran", families: vec![family("Ast", 0), family("Object", 100_000)] }
    }

    #[test]
    fn the_table_is_aligned_and_totalled() {
        let expected = "\
heap, ran
  family  objects     live     peak  blocks  committed  locks
  Ast           0      0 B      0 B       1   64.0 KiB      2
  Object   100000  4.6 MiB  9.5 MiB       1   64.0 KiB      2
  total    100000  4.6 MiB  9.5 MiB       2  128.0 KiB      4
";
        assert_eq!(report().to_string(), expected);
    }

    #[test]
    fn json_is_one_line() {
        let expected = "{\"phase\":\"ran\",\"families\":[\
            {\"name\":\"Ast\",\"live_objects\":0,\"live_bytes\":0,\"peak_bytes\":0,\"blocks\":1,\
            \"committed_bytes\":65536,\"lock_acquisitions\":2},\
            {\"name\":\"Object\",\"live_objects\":100000,\"live_bytes\":4800000,\
            \"peak_bytes\":10000000,\"blocks\":1,\"committed_bytes\":65536,\
            \"lock_acquisitions\":2}]}";
        assert_eq!(report().to_json(), expected);
    }

    #[test]
    fn json_strings_are_escaped() {
        assert_eq!(quoted("a\"b\\c\n\u{e9}"), "\"a\\\"b\\\\c\\u000a\u{e9}\"");
    }

    #[test]
    fn bytes_are_given_in_the_largest_unit_that_fits() {
        let shown = [0, 1023, 1024, 1536, 1024 * 1024 - 1, 5 << 30, u64::MAX].map(bytes);
        let expected =
            ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 MiB", "5.0 GiB", "16777216.0 TiB"];
        assert_eq!(shown, expected);
    }
}
