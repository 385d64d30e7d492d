//! What comes out of a measurement that is no race.

use std::io::{self, Write};

use crate::json::Json;
use crate::memory::Residency;

/// The findings of one study.
#[derive(Debug, Default)]
pub struct Finding {
    /// Its tables, as they are printed.
    pub text: String,
    /// Its numbers, one JSON object for each.
    pub lines: Vec<Json>,
    /// What its plot shows, where it has one.
    pub residency: Option<Residency>,
}

impl Finding {
    /// Writes one JSON object a line.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn write_json(&self, mut writer: impl Write) -> io::Result<()> {
        self.lines.iter().try_for_each(|line| writeln!(writer, "{line}"))
    }
}
