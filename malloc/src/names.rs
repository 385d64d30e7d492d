//! The names of families, for C: strings that end with a null byte.
//!
//! Families that the set declares have their names from the start, written one behind the other by the
//! compiler. From a position on, a set may leave its families unnamed: then programs name them, each in
//! turn, the first time that they ask for a name. A name is a pointer from null to a copy of the text,
//! once: no lock, so a fork cannot come at a bad time.

use core::ffi::{CStr, c_char};
use core::fmt;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

use famalloc::FamilySet;

/// The names of the families of a set.
pub struct Names {
    /// What the set calls them, each ended by a null byte.
    declared: &'static [u8],
    /// What programs call those from `unnamed` on; null as long as none does.
    given: &'static [AtomicPtr<c_char>],
    unnamed: usize,
}

/// What comes of asking for a name that no family has.
pub(crate) enum Vacancy {
    /// The family at this position can have it.
    At(usize),
    /// All have names.
    None,
}

impl Names {
    /// The names of a set whose families have names up to the position `unnamed`.
    #[must_use]
    pub const fn new(
        declared: &'static [u8],
        given: &'static [AtomicPtr<c_char>],
        unnamed: usize,
    ) -> Self {
        Self { declared, given, unnamed }
    }

    /// The name of the family at a position.
    pub(crate) fn get(&self, position: usize) -> Option<&CStr> {
        if position < self.unnamed {
            return self.declared(position);
        }
        let name = self.given.get(position - self.unnamed)?.load(Ordering::Acquire);
        // SAFETY: null, or a string that stays.
        (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) })
    }

    /// What the set calls the family at a position.
    pub(crate) fn declared(&self, position: usize) -> Option<&CStr> {
        let mut rest = self.declared;
        for _ in 0..position {
            let name = CStr::from_bytes_until_nul(rest).ok()?;
            rest = &rest[name.count_bytes() + 1..];
        }
        CStr::from_bytes_until_nul(rest).ok()
    }

    /// The family of a name, or where there is room for it.
    pub(crate) fn find(&self, name: &CStr) -> Result<usize, Vacancy> {
        for position in 0..self.unnamed + self.given.len() {
            match self.get(position) {
                Some(other) if other == name => return Ok(position),
                Some(_) => {}
                // They are named in turn, so there is no name behind it.
                None => return Err(Vacancy::At(position)),
            }
        }
        Err(Vacancy::None)
    }

    /// Names a family that has no name yet; `false` if it has one by now.
    pub(crate) fn give(&self, position: usize, name: &'static CStr) -> bool {
        let given = &self.given[position - self.unnamed];
        let name = name.as_ptr().cast_mut();
        given.compare_exchange(ptr::null_mut(), name, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = 0..self.unnamed + self.given.len();
        f.debug_list().entries(all.map_while(|position| self.get(position))).finish()
    }
}

/// How many families a set leaves unnamed from a position on.
#[must_use]
pub const fn unnamed<S: FamilySet>(from: usize) -> usize {
    assert!(from <= S::FAMILIES.len(), "the first number is beyond the families of the set");
    S::FAMILIES.len() - from
}

/// How many bytes the names of a set take, each ended by a null byte.
#[must_use]
pub const fn len<S: FamilySet>() -> usize {
    let (mut len, mut position) = (0, 0);
    while position < S::FAMILIES.len() {
        len += S::FAMILIES[position].name().len() + 1;
        position += 1;
    }
    len
}

/// The names of a set, each ended by a null byte: `N` is their [`len`].
#[must_use]
pub const fn text<S: FamilySet, const N: usize>() -> [u8; N] {
    let mut text = [0; N];
    let (mut len, mut position) = (0, 0);
    while position < S::FAMILIES.len() {
        let name = S::FAMILIES[position].name().as_bytes();
        let mut at = 0;
        while at < name.len() {
            text[len + at] = name[at];
            at += 1;
        }
        len += name.len() + 1;
        position += 1;
    }
    text
}
