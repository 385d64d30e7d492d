//! Errors, collected rather than thrown.
//!
//! A mistake in one attribute says nothing about the next, so the parsers below go on after each
//! and the user sees all of an item's errors in one compilation. Every message stands at the
//! user's own token and says what to write instead.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// The errors found so far in one item.
#[derive(Debug, Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    /// Adds an error.
    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            none => *none = Some(error),
        }
    }

    /// Adds an error that stands at `tokens`.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, message: impl core::fmt::Display) {
        self.push(syn::Error::new_spanned(tokens, message));
    }

    /// Adds an error that stands at `span`.
    pub(crate) fn at_span(&mut self, span: Span, message: impl core::fmt::Display) {
        self.push(syn::Error::new(span, message));
    }

    /// How many errors there are.
    pub(crate) fn count(&self) -> usize {
        self.0.iter().flatten().count()
    }

    /// One `compile_error!` for each error.
    pub(crate) fn into_compile_errors(self) -> TokenStream {
        self.0.map(syn::Error::into_compile_error).unwrap_or_default()
    }

    /// The messages, for tests.
    #[cfg(test)]
    pub(crate) fn messages(self) -> Vec<String> {
        self.0.into_iter().flatten().map(|error| error.to_string()).collect()
    }
}

/// The candidate that was probably meant: the nearest within two edits, letter case aside.
pub(crate) fn nearest<'c>(written: &str, candidates: &[&'c str]) -> Option<&'c str> {
    let written = written.to_lowercase();
    candidates
        .iter()
        .map(|candidate| (edits(&written, &candidate.to_lowercase()), *candidate))
        .filter(|(distance, candidate)| *distance <= 2 && *distance < candidate.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be put in, taken out or changed to turn `from` into `to`.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, left) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in to.iter().enumerate() {
            let changed = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_edits() {
        assert_eq!(edits("", ""), 0);
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("abc", ""), 3);
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("limit", "limit"), 0);
    }

    #[test]
    fn finds_what_was_meant() {
        let candidates = ["isolate", "zero_on_free", "limit", "align", "block"];
        assert_eq!(nearest("isolated", &candidates), Some("isolate"));
        assert_eq!(nearest("Limit", &candidates), Some("limit"));
        assert_eq!(nearest("zero_of_free", &candidates), Some("zero_on_free"));
        assert_eq!(nearest("frobnicate", &candidates), None);
        assert_eq!(nearest("x", &["B", "KB"]), None);
    }

    #[test]
    fn keeps_every_error() {
        let mut errors = Errors::default();
        assert_eq!(errors.count(), 0);
        errors.at_span(Span::call_site(), "one");
        errors.at_span(Span::call_site(), "two");
        assert_eq!(errors.count(), 2);
        assert_eq!(errors.messages(), ["one", "two"]);
    }
}
