//! What is wrong with a program, before it runs.
//!
//! Three passes find errors: the parser, the resolver, and the compiler. The reader of the messages
//! should not notice: they come in the order of the source. After an error the parser is lost until
//! the next statement; what the resolver finds in the part between is as doubtful as what the
//! parser would, so the parser marks such parts as [`Diagnostics::silence`]d.

use std::fmt;
use std::ops::Range;

use crate::token::Span;

/// The longest piece of source that a message quotes, in bytes.
const LONGEST_QUOTE: usize = 120;

/// Where a message points.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    At(String),
    AtEnd,
    Nowhere,
}

/// One error.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Diagnostic {
    offset: u32,
    line: u32,
    place: Place,
    message: &'static str,
}

/// The errors of one program.
#[derive(Debug)]
pub(crate) struct Diagnostics<'s> {
    source: &'s str,
    found: Vec<Diagnostic>,
    silent: Vec<Range<u32>>,
}

impl<'s> Diagnostics<'s> {
    pub(crate) fn new(source: &'s str) -> Self {
        Self { source, found: Vec::new(), silent: Vec::new() }
    }

    pub(crate) fn source(&self) -> &'s str {
        self.source
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// An error at a piece of the source, which the message quotes.
    pub(crate) fn error_at(&mut self, span: Span, message: &'static str) {
        let text = span.of(self.source);
        let place = if span.start as usize == self.source.len() {
            Place::AtEnd
        } else {
            Place::At(quoted(text))
        };
        self.push(span, place, message);
    }

    /// An error in text that is no token: the message says it all.
    pub(crate) fn error(&mut self, span: Span, message: &'static str) {
        self.push(span, Place::Nowhere, message);
    }

    fn push(&mut self, span: Span, place: Place, message: &'static str) {
        self.found.push(Diagnostic { offset: span.start, line: span.line, place, message });
    }

    /// Nothing that later passes find in this part of the source counts.
    pub(crate) fn silence(&mut self, part: Range<u32>) {
        self.silent.push(part);
    }

    /// Whether an error there counts. Parts are silenced in order, so a search will do.
    pub(crate) fn is_silent(&self, offset: u32) -> bool {
        let next = self.silent.partition_point(|part| part.start <= offset);
        next.checked_sub(1).is_some_and(|index| self.silent[index].contains(&offset))
    }
}

fn quoted(text: &str) -> String {
    if text.len() <= LONGEST_QUOTE {
        return text.to_owned();
    }
    let mut end = LONGEST_QUOTE;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}...", &text[..end])
}

impl fmt::Display for Diagnostics<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut ordered = self.found.iter().collect::<Vec<_>>();
        ordered.sort_by_key(|diagnostic| diagnostic.offset);
        for Diagnostic { line, place, message, .. } in ordered {
            match place {
                Place::At(text) => writeln!(f, "[line {line}] Error at '{text}': {message}")?,
                Place::AtEnd => writeln!(f, "[line {line}] Error at end: {message}")?,
                Place::Nowhere => writeln!(f, "[line {line}] Error: {message}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: u32, length: u32) -> Span {
        Span { start, length, line: start + 1 }
    }

    #[test]
    fn messages_come_in_the_order_of_the_source() {
        let mut diagnostics = Diagnostics::new("abc def");
        diagnostics.error_at(span(7, 0), "Third.");
        diagnostics.error_at(span(4, 3), "Second.");
        diagnostics.error(span(0, 1), "First.");
        let expected = "[line 1] Error: First.\n[line 5] Error at 'def': Second.\n[line 8] Error at end: Third.\n";
        assert_eq!(diagnostics.to_string(), expected);
    }

    #[test]
    fn long_quotes_are_cut_between_characters() {
        let text = "\u{e9}".repeat(100);
        assert_eq!(quoted(&text), format!("{}...", "\u{e9}".repeat(60)));
        let odd = format!("x{text}");
        assert_eq!(quoted(&odd), format!("x{}...", "\u{e9}".repeat(59)));
        assert_eq!(quoted("short"), "short");
    }

    #[test]
    fn silence_covers_its_part_alone() {
        let mut diagnostics = Diagnostics::new("");
        diagnostics.silence(3..5);
        diagnostics.silence(9..10);
        let silent = (0..12).filter(|offset| diagnostics.is_silent(*offset)).collect::<Vec<_>>();
        assert_eq!(silent, [3, 4, 9]);
    }
}
