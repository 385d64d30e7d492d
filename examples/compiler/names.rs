//! Identifiers, each stored once.

use std::collections::HashMap;

use famalloc::FamilyBox;

use crate::lives;

/// An identifier: to compare two is to compare numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Name(u32);

/// All identifiers of all units. Their texts never die, so they are leaked: a plain `&'static str` each,
/// and both tables can have it. They still count for their family, and lie between nothing that goes.
#[derive(Default)]
pub(crate) struct Names {
    texts: Vec<&'static str>,
    known: HashMap<&'static str, Name>,
}

impl Names {
    pub(crate) fn intern(&mut self, text: &str) -> Name {
        if let Some(&name) = self.known.get(text) {
            return name;
        }
        let name = Name(self.texts.len() as u32);
        let text = FamilyBox::leak(FamilyBox::<str, lives::Name>::from(text));
        self.texts.push(text);
        self.known.insert(text, name);
        name
    }

    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    pub(crate) fn text(&self, name: Name) -> &'static str {
        self.texts[name.0 as usize]
    }
}
