//! What is wrong with a source, and where.

use std::fmt;

use crate::ast::Place;

#[derive(Debug, Default)]
pub(crate) struct Diagnostics(Vec<(Place, String)>);

impl Diagnostics {
    pub(crate) fn report(&mut self, place: Place, message: String) {
        self.0.push((place, message));
    }

    /// Ends the compilation if anything was reported.
    pub(crate) fn check(&mut self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(std::mem::take(self)) }
    }

    /// The messages with lines and columns, each with the line it is about.
    pub(crate) fn display<'a>(&'a self, file: &'a str, source: &'a str) -> impl fmt::Display + 'a {
        Displayed { diagnostics: self, file, source }
    }
}

struct Displayed<'a> {
    diagnostics: &'a Diagnostics,
    file: &'a str,
    source: &'a str,
}

impl fmt::Display for Displayed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, message) in &self.diagnostics.0 {
            let before = &self.source[..*place as usize];
            let start = before.rfind('\n').map_or(0, |end| end + 1);
            let text = self.source[start..].lines().next().unwrap_or("");
            let (line, column) =
                (before.matches('\n').count() + 1, before[start..].chars().count());
            writeln!(f, "{}:{line}:{}: error: {message}", self.file, column + 1)?;
            // A tab is as wide in the line below as in the one above.
            let indent = before[start..].chars().map(|c| if c == '\t' { c } else { ' ' });
            writeln!(f, "  {text}\n  {}^", String::from_iter(indent))?;
        }
        Ok(())
    }
}
