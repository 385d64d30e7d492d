//! The rows of the duel, by group. Each group is a file that lists its contests; what is timed in
//! them is in [`workloads`](crate::workloads).

mod arena;
mod growth;
mod locality;
mod notes;
mod report;
mod sequence;
mod study;
mod threads;
mod typed;
mod untyped;

pub use report::Report;
pub use study::{Study, studies};
pub(crate) use typed::mixed;

use core::fmt;
use std::time::Duration;

use crate::race::{self, Effort, Event, Outcome};

/// A part of the duel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Objects whose size is a constant, or known where they are freed.
    Typed,
    /// Objects whose layout only the run knows.
    Untyped,
    /// All objects of one size, allocated and freed in one order after the other.
    Sequence,
    /// Where objects lie: how fast they are to read.
    Locality,
    /// Several threads at once.
    Threads,
    /// Cost against the number of live objects, families and threads. It counts in no mean.
    Growth,
    /// Objects that die all at once, beside arenas. It counts in no mean.
    Arena,
    /// Memory of live objects. No race: a [`Study`].
    Memory,
    /// Memory of programs with lifetimes. No race: a [`Study`].
    Lifetimes,
    /// The times of single operations. No race: a [`Study`].
    Latency,
}

impl Group {
    /// All groups, in the order of the report.
    pub const ALL: [Self; 10] = [
        Self::Typed,
        Self::Untyped,
        Self::Sequence,
        Self::Locality,
        Self::Threads,
        Self::Growth,
        Self::Arena,
        Self::Memory,
        Self::Lifetimes,
        Self::Latency,
    ];

    /// What `--only` and the report call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Typed => "typed",
            Self::Untyped => "untyped",
            Self::Sequence => "sequence",
            Self::Locality => "locality",
            Self::Threads => "threads",
            Self::Growth => "growth",
            Self::Arena => "arena",
            Self::Memory => "memory",
            Self::Lifetimes => "lifetimes",
            Self::Latency => "latency",
        }
    }

    /// Whether its rows count in the mean over rows of one thread.
    #[must_use]
    pub const fn is_single_threaded(self) -> bool {
        matches!(self, Self::Typed | Self::Untyped | Self::Sequence | Self::Locality)
    }

    /// Whether its rows count in the mean over rows with threads.
    #[must_use]
    pub const fn is_threaded(self) -> bool {
        matches!(self, Self::Threads)
    }
}

/// How large the duel is.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// Whether it has to be over soon: fewer rounds, and smaller workloads where a single round is
    /// long.
    pub quick: bool,
    /// How many threads the rows with threads have.
    pub threads: usize,
}

impl Scale {
    /// For how long the events of a contest are run.
    #[must_use]
    pub const fn effort(self) -> Effort {
        if self.quick {
            Effort { time: Duration::from_millis(600), least: 5, most: 101 }
        } else {
            Effort { time: Duration::from_secs(4), least: 11, most: 301 }
        }
    }
}

/// One or more events that run in the same rounds, made when it is their turn.
pub struct Contest {
    /// The part it belongs to.
    pub group: Group,
    /// What `--only` calls it.
    pub name: String,
    /// Where it is not that of the scale.
    effort: Option<Effort>,
    make: Box<dyn FnOnce() -> Vec<Event>>,
}

impl Contest {
    /// A contest of one event, which has the contest's name.
    pub fn new(
        group: Group,
        name: impl Into<String>,
        make: impl FnOnce(String) -> Event + 'static,
    ) -> Self {
        let name = name.into();
        let event = name.clone();
        Self { group, name, effort: None, make: Box::new(|| vec![make(event)]) }
    }

    /// A contest of events that are to be compared with each other.
    pub fn together(
        group: Group,
        name: impl Into<String>,
        make: impl FnOnce() -> Vec<Event> + 'static,
    ) -> Self {
        Self { group, name: name.into(), effort: None, make: Box::new(make) }
    }

    /// With an effort of its own.
    #[must_use]
    pub fn with_effort(self, effort: Effort) -> Self {
        Self { effort: Some(effort), ..self }
    }

    /// Runs it.
    #[must_use]
    pub fn run(self, scale: Scale) -> Vec<Outcome> {
        race::run((self.make)(), self.effort.unwrap_or(scale.effort()))
    }

    /// Whether `--only` means this contest: its group by name, or a part of its own name.
    #[must_use]
    pub fn is_meant_by(&self, only: &str) -> bool {
        self.group.name() == only || self.name.contains(only)
    }
}

impl fmt::Debug for Contest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("Contest");
        fields.field("group", &self.group).field("name", &self.name).finish_non_exhaustive()
    }
}

/// All contests of the duel, in the order of the report.
#[must_use]
pub fn contests(scale: Scale) -> Vec<Contest> {
    let groups = [
        typed::contests,
        untyped::contests,
        sequence::contests,
        locality::contests,
        threads::contests,
        growth::contests,
        arena::contests,
    ];
    groups.into_iter().flat_map(|contests| contests(scale)).collect()
}

/// A number with a comma between the thousands.
#[must_use]
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workloads::Pair;

    #[test]
    fn thousands_are_set_apart() {
        let texts = [0, 999, 1_000, 100_000, 10_000_000].map(thousands);
        assert_eq!(texts, ["0", "999", "1,000", "100,000", "10,000,000"]);
    }

    #[test]
    fn a_contest_can_have_an_effort_of_its_own() {
        let rounds = |effort: Option<usize>| {
            let make = |name| crate::event!(name, 1, A => Pair::<A, 16>::new());
            let mut contest = Contest::new(Group::Typed, "pair", make);
            if let Some(most) = effort {
                contest = contest.with_effort(Effort { time: Duration::ZERO, least: 1, most });
            }
            contest.run(Scale { quick: true, threads: 2 })[0].rounds
        };
        assert_eq!(rounds(Some(1)), 1);
        assert!(rounds(None) >= 5);
    }

    #[test]
    fn names_of_contests_are_unique() {
        for quick in [false, true] {
            let contests = contests(Scale { quick, threads: 2 });
            let mut names: Vec<_> = contests.iter().map(|contest| &contest.name).collect();
            names.sort_unstable();
            assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
        }
    }
}
