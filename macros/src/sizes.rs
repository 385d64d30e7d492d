//! Sizes as people write them: `"64 MiB"`, `"2 GB"`, `"65536"`.
//!
//! A whole number, an optional unit, spaces between the two as one likes. `KiB`, `MiB` and `GiB`
//! count in powers of 1,024; `KB`, `MB` and `GB` in powers of 1,000, as the units' names say. Letter
//! case matters, because in a unit it means something.

use crate::errors::nearest;

const UNITS: [(&str, u64); 7] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
];

/// The size in bytes, or what is wrong with the text.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("the size is empty; write a whole number and a unit, such as \"64 MiB\"".into());
    }
    if text.starts_with(['-', '−']) {
        return Err(format!("`{text}` is negative; a size is a whole number and a unit"));
    }
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(format!(
            "`{text}` does not begin with a number; write a whole number and a unit, such as \"64 MiB\""
        ));
    }
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(text.len());
    let (number, unit) = (&text[..digits], text[digits..].trim_start());
    if unit.starts_with(['.', ',']) {
        return Err(format!(
            "`{text}` is not a whole number; use a smaller unit, such as \"1536 KiB\" for one and a half MiB"
        ));
    }
    let factor = factor_of(unit)?;
    number
        .replace('_', "")
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .filter(|bytes| *bytes <= i64::MAX.unsigned_abs())
        .ok_or_else(|| format!("`{text}` is larger than any address space"))
}

/// The size as people write it, in the largest unit that divides it.
pub(crate) fn display_size(bytes: u64) -> String {
    let (unit, factor) = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
        .into_iter()
        .find(|(_, factor)| bytes >= *factor && bytes % factor == 0)
        .unwrap_or(("B", 1));
    format!("{} {unit}", bytes / factor)
}

fn factor_of(unit: &str) -> Result<u64, String> {
    if unit.is_empty() {
        return Ok(1);
    }
    if let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) {
        return Ok(*factor);
    }
    let names = UNITS.map(|(name, _)| name);
    // One letter is the binary unit's: of "K", "M" and "G", memory means powers of two.
    let meant = match unit {
        "K" | "k" | "Ki" => Some("KiB"),
        "M" | "m" | "Mi" => Some("MiB"),
        "G" | "g" | "Gi" => Some("GiB"),
        _ if unit.len() <= 4 => nearest(unit, &names),
        _ => None,
    };
    Err(match meant {
        Some(meant) => format!("unknown unit `{unit}`; did you mean `{meant}`?"),
        None => format!("unknown unit `{unit}`; the units are {}", names.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_unit() {
        for (text, bytes) in [
            ("0", 0),
            ("65536", 65_536),
            ("65_536", 65_536),
            ("7 B", 7),
            ("64 KiB", 64 << 10),
            ("64KiB", 64 << 10),
            ("64   MiB", 64 << 20),
            ("2 GiB", 2 << 30),
            ("64 KB", 64_000),
            ("64 MB", 64_000_000),
            (" 3 GB ", 3_000_000_000),
            ("9223372036854775807", i64::MAX as u64),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, part) in [
            ("", "empty"),
            ("   ", "empty"),
            ("-1 MiB", "negative"),
            ("1.5 MiB", "not a whole number"),
            ("1,5 MiB", "not a whole number"),
            ("MiB", "does not begin with a number"),
            ("_", "does not begin with a number"),
            ("64 mib", "did you mean `MiB`?"),
            ("64 kB", "did you mean `KB`?"),
            ("64 M", "did you mean `MiB`?"),
            ("64 parsecs", "the units are B, KiB"),
            ("64 TiB of it", "the units are B, KiB"),
            ("9223372036854775808", "larger than any address space"),
            ("99999999999999999999999", "larger than any address space"),
            ("9000000000 GiB", "larger than any address space"),
        ] {
            let error = parse_size(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn writes_sizes_in_their_largest_unit() {
        assert_eq!(display_size(64 << 10), "64 KiB");
        assert_eq!(display_size(2 << 20), "2 MiB");
        assert_eq!(display_size(3 << 30), "3 GiB");
        assert_eq!(display_size(1_000_000), "1000000 B");
        assert_eq!(display_size(1536), "1536 B");
        for bytes in [1, 1 << 10, 64 << 10, 5 << 20, 7 << 30, 12_345] {
            assert_eq!(parse_size(&display_size(bytes)), Ok(bytes));
        }
    }
}
