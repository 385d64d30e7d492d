//! What the duel measures in another way than by a race: memory, and latencies. Each study has
//! tables of its own, which are printed after those of the races, and counts in no mean.

use core::fmt;

use super::{Group, Scale};
use crate::finding::Finding;
use crate::latency;
use crate::memory::{self, PROGRAMS};

/// Something that is measured by itself.
pub struct Study {
    /// The part it belongs to.
    pub group: Group,
    /// What `--only` calls it.
    pub name: String,
    run: Box<dyn FnOnce() -> Finding>,
}

impl Study {
    fn new(group: Group, name: impl Into<String>, run: impl FnOnce() -> Finding + 'static) -> Self {
        Self { group, name: name.into(), run: Box::new(run) }
    }

    /// Does it.
    #[must_use]
    pub fn run(self) -> Finding {
        (self.run)()
    }

    /// Whether `--only` means this study: its group by name, or a part of its own name.
    #[must_use]
    pub fn is_meant_by(&self, only: &str) -> bool {
        self.group.name() == only || self.name.contains(only)
    }
}

impl fmt::Debug for Study {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("Study");
        fields.field("group", &self.group).field("name", &self.name).finish_non_exhaustive()
    }
}

/// All studies of the duel, in the order of the report.
#[must_use]
pub fn studies(scale: Scale) -> Vec<Study> {
    let quick = scale.quick;
    let mut studies = vec![
        Study::new(Group::Memory, "live objects of one size", move || memory::live_objects(quick)),
        Study::new(Group::Memory, "many live objects of 24 B", move || memory::many_small(quick)),
    ];
    studies.extend(PROGRAMS.map(|program| {
        Study::new(Group::Lifetimes, program.name, move || memory::lifetimes(program, quick))
    }));
    studies.extend([
        Study::new(Group::Latency, "single operations", move || latency::alone(quick)),
        Study::new(Group::Latency, "single operations beside giving back", move || {
            latency::beside(quick)
        }),
    ]);
    studies
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::duel::contests;

    #[test]
    fn names_are_unique_and_no_contest_has_them() {
        let scale = Scale { quick: true, threads: 2 };
        let mut names: Vec<_> = studies(scale).into_iter().map(|study| study.name).collect();
        names.extend(contests(scale).into_iter().map(|contest| contest.name));
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    }

    #[test]
    fn only_means_a_group_or_a_part_of_a_name() {
        let meant = |only: &str| {
            let studies = studies(Scale { quick: true, threads: 2 });
            studies.iter().filter(|study| study.is_meant_by(only)).count()
        };
        assert_eq!(["memory", "lifetimes", "latency", "game", "typed"].map(meant), [2, 4, 2, 1, 0]);
    }

    #[test]
    fn studies_count_in_no_mean() {
        for study in studies(Scale { quick: false, threads: 2 }) {
            assert!(!study.group.is_single_threaded() && !study.group.is_threaded());
        }
    }
}
