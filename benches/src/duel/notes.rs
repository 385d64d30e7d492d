//! What a table amounts to: lines below it that set its rows against each other.

use super::Group;
use crate::allocator::Allocator;
use crate::peers::Famalloc;
use crate::race::{Outcome, Role};

/// The lines below the table of a group.
pub(super) fn of(group: Group, outcomes: &[&Outcome]) -> Vec<String> {
    match group {
        Group::Threads => {
            outcomes.iter().filter_map(|outcome| scaling(outcome, outcomes)).collect()
        }
        Group::Growth => SERIES.iter().filter_map(|series| series.note(outcomes)).collect(),
        _ => Vec::new(),
    }
}

/// How much more threads do than one, where the same was run on one.
fn scaling(together: &Outcome, outcomes: &[&Outcome]) -> Option<String> {
    let (what, _) = together.workload.split_once(", ")?;
    let threads = together.threads;
    let alone = format!("{what}, one thread");
    let alone = outcomes.iter().find(|it| it.workload == alone).filter(|_| threads > 1)?;
    let expected = format!("{what}, {threads} threads in one cell");
    if together.workload != expected {
        return None;
    }
    let times_the_work = |name: &str| {
        let time = |outcome: &Outcome| Some(outcome.of(name)?.median);
        Some(threads as f64 * time(alone)? / time(together)?)
    };
    let ours = times_the_work(Famalloc::NAME)?;
    let peers = together.times.iter().filter(|(_, role, _)| *role == Role::Peer);
    let peers = peers.filter_map(|&(name, ..)| Some((name, times_the_work(name)?)));
    let best = peers.max_by(|(_, one), (_, other)| one.total_cmp(other));
    let best = best.map_or(String::new(), |(name, it)| format!("; best peer {it:.2}, {name}"));
    Some(format!("{what}: {threads} threads do {ours:.2} times the work of one (famalloc{best})"))
}

/// Rows whose names differ in a number.
struct Series {
    /// What the names begin with, ...
    before: &'static str,
    /// ... and what follows the number.
    after: &'static str,
    /// What the note says before the larger number, ...
    larger: &'static str,
    /// ... between it and the quotient, ...
    unit: &'static str,
    /// ... and before the smaller number.
    smaller: &'static str,
}

const SERIES: [Series; 7] = [
    Series::new(["pair, ", " live 48 B"], ["pair at ", " live objects", "at "]),
    Series::new(["churn, ", " live 48 B"], ["churn at ", " live objects", "at "]),
    Series::new(["pair in one of ", " families"], ["pair with ", " families", "with "]),
    Series::new(["pair round ", " families"], ["pair round ", " families", "round "]),
    Series::new(["churn in ", " families"], ["churn in ", " families", "in "]),
    Series::new(["pair, ", " threads"], ["pair on each of ", " threads", "on "]),
    Series::new(["churn, ", " threads"], ["churn on each of ", " threads", "on "]),
];

impl Series {
    const fn new(names: [&'static str; 2], note: [&'static str; 3]) -> Self {
        let ([before, after], [larger, unit, smaller]) = (names, note);
        Self { before, after, larger, unit, smaller }
    }

    /// The text and the value of the number in a name, where it is one of these.
    fn number<'a>(&self, name: &'a str) -> Option<(&'a str, u64)> {
        let text = name.strip_prefix(self.before)?.strip_suffix(self.after)?;
        Some((text, text.replace(',', "").parse().ok()?))
    }

    /// famalloc at the largest number and at the smallest, where there are two.
    fn note(&self, outcomes: &[&Outcome]) -> Option<String> {
        let mut points: Vec<_> = outcomes
            .iter()
            .filter_map(|it| Some((self.number(&it.workload)?, it.ours()?.median)))
            .collect();
        points.sort_by_key(|&((_, number), _)| number);
        let (&((smallest, least), small), &((largest, most), large)) =
            (points.first()?, points.last()?);
        let smallest = if least == 1 { "one" } else { smallest };
        let Self { larger, unit, smaller, .. } = self;
        (least < most).then(|| {
            format!("{larger}{largest}{unit}: {:.2} times that {smaller}{smallest}", large / small)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Summary;

    fn outcome(workload: &str, threads: usize, ours: f64, peers: [f64; 2]) -> Outcome {
        let summary = |median: f64| Summary { median, spread: 0.0 };
        Outcome {
            workload: workload.to_owned(),
            is_lap: false,
            threads,
            rounds: 3,
            times: vec![
                ("famalloc", Role::Ours, summary(ours)),
                ("one", Role::Peer, summary(peers[0])),
                ("other", Role::Peer, summary(peers[1])),
                ("limit", Role::Limit, summary(0.001)),
            ],
        }
    }

    #[test]
    fn threads_are_compared_with_one() {
        let outcomes = [
            outcome("churn 48 B, one thread", 1, 2.0, [6.0, 9.0]),
            outcome("churn 48 B, 4 threads in one cell", 4, 2.5, [8.0, 9.0]),
            outcome("churn 48 B, 4 threads, each in a cell of its own", 4, 1.0, [1.0, 1.0]),
            outcome("batch, 4 threads in one cell", 4, 1.0, [1.0, 1.0]),
        ];
        let notes = of(Group::Threads, &outcomes.iter().collect::<Vec<_>>());
        let expected = "churn 48 B: 4 threads do 3.20 times the work of one \
                        (famalloc; best peer 4.00, other)";
        assert_eq!(notes, [expected]);
    }

    #[test]
    fn growth_is_from_the_smallest_number_to_the_largest() {
        let outcomes = [
            outcome("pair, 1,000 live 48 B", 1, 2.0, [1.0; 2]),
            outcome("pair, 10,000,000 live 48 B", 1, 3.0, [1.0; 2]),
            outcome("pair, 100,000 live 48 B", 1, 9.0, [1.0; 2]),
            outcome("churn, 1,000 live 48 B", 1, 9.0, [1.0; 2]),
            outcome("pair in one of 1 families", 1, 2.0, [1.0; 2]),
            outcome("pair in one of 256 families", 1, 2.5, [1.0; 2]),
            outcome("pair, 1 threads", 1, 4.0, [1.0; 2]),
            outcome("pair, 2 threads", 2, 5.0, [1.0; 2]),
        ];
        let notes = of(Group::Growth, &outcomes.iter().collect::<Vec<_>>());
        let expected = [
            "pair at 10,000,000 live objects: 1.50 times that at 1,000",
            "pair with 256 families: 1.25 times that with one",
            "pair on each of 2 threads: 1.25 times that on one",
        ];
        assert_eq!(notes, expected);
        assert!(of(Group::Typed, &outcomes.iter().collect::<Vec<_>>()).is_empty());
    }
}
