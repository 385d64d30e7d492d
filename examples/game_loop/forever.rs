//! What lives as long as the program: names and scores.

use famalloc::{FamilyBox, alloc_family};

// `Lives::Forever` in an attribute stands for `lives::Forever`: the module is what has to be in scope.
use crate::lives;

/// A name that is stored once. Handles are two bytes, and comparing names is comparing handles.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Name(u16);

/// All names. A slice of bytes has no family of its own, so the type says which: `FamilyBox<str, F>`.
#[derive(Default)]
pub(crate) struct Names(Vec<FamilyBox<str, lives::Forever>>);

impl Names {
    pub(crate) fn intern(&mut self, text: &str) -> Name {
        let known = self.0.iter().position(|name| **name == *text);
        let index = known.unwrap_or_else(|| {
            self.0.push(FamilyBox::from(text));
            self.0.len() - 1
        });
        Name(index as u16)
    }

    pub(crate) fn text(&self, name: Name) -> &str {
        &self.0[usize::from(name.0)]
    }
}

/// What is left of a level when it has ended. The attribute makes the type a member of its family, so
/// `FamilyBox::new(Score { .. })` needs no other hint.
#[alloc_family(Lives::Forever)]
pub(crate) struct Score {
    pub(crate) level: Name,
    pub(crate) shot: u32,
    pub(crate) escaped: u32,
    pub(crate) frames: u32,
    /// Of all pictures that were drawn: the game is deterministic.
    pub(crate) checksum: u32,
    pub(crate) before: Option<FamilyBox<Score>>,
}
