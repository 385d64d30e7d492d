//! A race: the same workload over all allocators, interleaved.
//!
//! A machine has slow minutes. When one allocator is measured after another, such a minute falls on
//! one of them; when they take turns in short heats, it falls on all, and the medians pass over it.
//! So in each round every entrant of every event runs one heat, and the one that begins changes
//! from round to round. All entrants of an event run the same number of workload rounds in a heat.
//! The first round of the race is not counted.

use core::fmt;
use std::time::{Duration, Instant};

use crate::allocator::Allocator;
use crate::peers::Famalloc;
use crate::stats::Summary;
use crate::workloads::Workload;

/// A heat is at least about this long, where the workload's rounds are shorter.
const HEAT: Duration = Duration::from_micros(400);
/// A heat has at most this many rounds of the workload.
const MOST_IN_HEAT: u32 = 1000;

/// What part an entrant has in the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// famalloc.
    Ours,
    /// An allocator that a user would take instead: the best of these counts.
    Peer,
    /// A physical limit: it shows what is possible, and counts in no ratio.
    Limit,
}

/// Runs so many rounds of a workload and tells how long each lap took in them.
type Heat = Box<dyn FnMut(u32, &mut [Duration])>;

/// One allocator in an event.
pub struct Entrant {
    name: &'static str,
    role: Role,
    operations: f64,
    heat: Heat,
}

impl Entrant {
    /// The entrant of this name, at this workload.
    pub fn new(name: &'static str, role: Role, mut workload: impl Workload) -> Self {
        let operations = workload.operations() as f64;
        let heat = move |rounds: u32, laps: &mut [Duration]| workload.time(rounds, laps);
        Self { name, role, operations, heat: Box::new(heat) }
    }
}

impl fmt::Debug for Entrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("Entrant");
        fields.field("name", &self.name).field("role", &self.role).finish_non_exhaustive()
    }
}

/// One workload, and everybody at it.
#[derive(Debug)]
pub struct Event {
    name: String,
    threads: usize,
    laps: &'static [&'static str],
    entrants: Vec<Entrant>,
}

impl Event {
    /// An event without entrants. `threads` is how many threads the workload has.
    #[must_use]
    pub fn new(name: impl Into<String>, threads: usize) -> Self {
        Self { name: name.into(), threads, laps: &[], entrants: Vec::new() }
    }

    /// Adds an allocator at its workload.
    pub fn enter<A: Allocator, W: Workload>(&mut self, role: Role, workload: W) {
        self.enter_as(A::NAME, role, workload);
    }

    /// Adds something that has a name and a workload, such as a limit that is no allocator.
    pub fn enter_as<W: Workload>(&mut self, name: &'static str, role: Role, workload: W) {
        self.laps = W::LAPS;
        self.entrants.push(Entrant::new(name, role, workload));
    }
}

/// An [`Event`] with famalloc and all its peers:
/// `event!("pair 48 B", 1, A => Pair::<A, 48>::new())`, where `A` stands for the allocator.
/// `; Arena` behind it adds that allocator as a limit.
#[macro_export]
macro_rules! event {
    ($name:expr, $threads:expr, $a:ident => $workload:expr $(; $limit:ident)*) => {{
        let mut event = $crate::race::Event::new($name, $threads);
        $crate::enter!(event, Ours, $a => $workload; Famalloc);
        $crate::enter!(
            event, Peer, $a => $workload;
            System, Mimalloc, Jemalloc, Snmalloc, Rpmalloc, Rallocator
        );
        $($crate::enter!(event, Limit, $a => $workload; $limit);)*
        event
    }};
}

/// Lines of [`event!`](crate::event): enters the named allocators in one role.
#[macro_export]
macro_rules! enter {
    ($event:ident, $role:ident, $a:ident => $workload:expr; $peer:ident) => {{
        type $a = $crate::peers::$peer;
        $event.enter::<$a, _>($crate::race::Role::$role, $workload);
    }};
    ($event:ident, $role:ident, $a:ident => $workload:expr; $peer:ident, $($more:ident),+) => {
        $crate::enter!($event, $role, $a => $workload; $peer);
        $crate::enter!($event, $role, $a => $workload; $($more),+);
    };
}

/// What came out of one lap of an event: nanoseconds for each operation.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The workload, and the lap where it has several.
    pub workload: String,
    /// Whether this is a part of an event whose total is another outcome.
    pub is_lap: bool,
    /// How many threads it has.
    pub threads: usize,
    /// How many heats were counted.
    pub rounds: usize,
    /// Each entrant's name, role and time.
    pub times: Vec<(&'static str, Role, Summary)>,
}

impl Outcome {
    /// The time of the entrant of this name.
    #[must_use]
    pub fn of(&self, name: &str) -> Option<Summary> {
        self.times.iter().find(|(entrant, ..)| *entrant == name).map(|&(.., time)| time)
    }

    /// famalloc's time, where it takes part.
    #[must_use]
    pub fn ours(&self) -> Option<Summary> {
        self.of(Famalloc::NAME)
    }

    /// The fastest peer and its time, where there is one.
    #[must_use]
    pub fn best_peer(&self) -> Option<(&'static str, Summary)> {
        let peers = self.times.iter().filter(|(_, role, _)| *role == Role::Peer);
        let best = peers.min_by(|(.., one), (.., other)| one.median.total_cmp(&other.median));
        best.map(|&(name, _, time)| (name, time))
    }

    /// famalloc's time over that of the fastest peer.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        Some(self.ours()?.median / self.best_peer()?.1.median)
    }
}

/// For how long events are run.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// About how long each event may take, ...
    pub time: Duration,
    /// ... but it has at least this many counted rounds, ...
    pub least: usize,
    /// ... and at most this many.
    pub most: usize,
}

/// Runs events together, so that their outcomes can be compared with each other.
///
/// An event with several laps has an outcome for the mean of all and then one for each.
#[must_use]
pub fn run(mut events: Vec<Event>, effort: Effort) -> Vec<Outcome> {
    let heats: Vec<u32> = events.iter_mut().map(calibrate).collect();
    let mut times: Vec<Times> = events.iter().map(Times::of).collect();
    let end = Instant::now() + effort.time * events.len() as u32;
    let mut round = 0;
    while round < effort.least || (round < effort.most && Instant::now() < end) {
        for ((event, times), &heat) in events.iter_mut().zip(&mut times).zip(&heats) {
            let count = event.entrants.len();
            for turn in 0..count {
                let turn = (turn + round) % count;
                times.add(turn, &mut event.entrants[turn], heat);
            }
        }
        round += 1;
    }
    events.iter().zip(&times).flat_map(|(event, times)| times.outcomes(event)).collect()
}

/// Runs a heat that is not counted, and finds out how many rounds the counted ones have.
fn calibrate(event: &mut Event) -> u32 {
    let mut laps = vec![Duration::ZERO; event.laps.len()];
    let mut fastest = Duration::MAX;
    for entrant in &mut event.entrants {
        (entrant.heat)(1, &mut laps);
        fastest = fastest.min(laps.iter().sum());
    }
    let fitting = HEAT.as_nanos() / fastest.as_nanos().max(1) + 1;
    u32::try_from(fitting).unwrap_or(MOST_IN_HEAT).min(MOST_IN_HEAT)
}

/// The times of an event: for each entrant, for each lap, for each round.
struct Times(Vec<Vec<Vec<f64>>>);

impl Times {
    fn of(event: &Event) -> Self {
        Self(vec![vec![Vec::new(); event.laps.len()]; event.entrants.len()])
    }

    fn add(&mut self, turn: usize, entrant: &mut Entrant, heat: u32) {
        let mut laps = vec![Duration::ZERO; self.0[turn].len()];
        (entrant.heat)(heat, &mut laps);
        for (times, lap) in self.0[turn].iter_mut().zip(laps) {
            times.push(lap.as_secs_f64() * 1e9 / (f64::from(heat) * entrant.operations));
        }
    }

    /// The means of all laps, and each lap where there are several.
    fn outcomes(&self, event: &Event) -> Vec<Outcome> {
        let outcome = |workload: String, is_lap, time: &dyn Fn(&[Vec<f64>]) -> Summary| Outcome {
            workload,
            is_lap,
            threads: event.threads,
            rounds: self.0[0][0].len(),
            times: (event.entrants.iter().zip(&self.0))
                .map(|(entrant, laps)| (entrant.name, entrant.role, time(laps)))
                .collect(),
        };
        let mean = |laps: &[Vec<f64>]| {
            let round = |round: usize| laps.iter().map(|lap| lap[round]).sum::<f64>();
            let means: Vec<f64> =
                (0..laps[0].len()).map(|at| round(at) / laps.len() as f64).collect();
            Summary::of(&means)
        };
        let mut outcomes = vec![outcome(event.name.clone(), false, &mean)];
        if event.laps.len() > 1 {
            outcomes.extend(event.laps.iter().enumerate().map(|(place, lap)| {
                let name = format!("{}: {lap}", event.name);
                outcome(name, true, &|laps| Summary::of(&laps[place]))
            }));
        }
        outcomes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workloads::Pair;

    const BRIEF: Effort = Effort { time: Duration::ZERO, least: 3, most: 3 };

    fn outcome(times: [(&'static str, Role, f64); 4]) -> Outcome {
        let times = times
            .map(|(name, role, median)| (name, role, Summary { median, spread: 0.0 }))
            .to_vec();
        Outcome { workload: "pair".to_owned(), is_lap: false, threads: 1, rounds: 3, times }
    }

    #[test]
    fn neither_famalloc_nor_a_limit_is_a_peer() {
        let outcome = outcome([
            ("famalloc", Role::Ours, 2.0),
            ("system", Role::Peer, 8.0),
            ("jemalloc", Role::Peer, 4.0),
            ("bump", Role::Limit, 1.0),
        ]);
        assert_eq!(outcome.best_peer().unwrap().0, "jemalloc");
        assert_eq!(outcome.ratio(), Some(0.5));
        assert_eq!(outcome.of("nobody"), None);
    }

    #[test]
    fn every_entrant_is_timed() {
        let events = vec![
            event!("pair 16 B", 1, A => Pair::<A, 16>::new()),
            event!("pair 48 B", 1, A => Pair::<A, 48>::new(); Arena),
        ];
        let outcomes = run(events, BRIEF);
        let names = |outcome: &Outcome| -> Vec<_> {
            outcome.times.iter().map(|&(name, ..)| name).collect()
        };
        let mut all = vec![
            "famalloc",
            "system",
            "mimalloc",
            "jemalloc",
            "snmalloc",
            "rpmalloc",
            "rallocator",
        ];
        assert_eq!(names(&outcomes[0]), all);
        all.push("bump");
        assert_eq!(names(&outcomes[1]), all);
        let times = outcomes.iter().flat_map(|outcome| &outcome.times);
        assert!(times.into_iter().all(|(.., time)| time.median > 0.0));
    }

    /// Two laps that take known times.
    struct Known;

    impl Workload for Known {
        const LAPS: &'static [&'static str] = &["first", "second"];

        fn operations(&self) -> u64 {
            10
        }

        fn time(&mut self, rounds: u32, laps: &mut [Duration]) {
            laps[0] = Duration::from_micros(1000) * rounds;
            laps[1] = Duration::from_micros(3000) * rounds;
        }

        fn round(&mut self) {}
    }

    #[test]
    fn laps_have_outcomes_of_their_own_beside_their_mean() {
        let mut event = Event::new("known", 2);
        event.enter_as("somebody", Role::Peer, Known);
        let outcomes = run(vec![event], BRIEF);
        let seen: Vec<_> = outcomes
            .iter()
            .map(|it| (&*it.workload, it.is_lap, it.threads, it.rounds, it.times[0].2.median))
            .collect();
        let expected = [
            ("known", false, 2, 3, 200_000.0),
            ("known: first", true, 2, 3, 100_000.0),
            ("known: second", true, 2, 3, 300_000.0),
        ];
        assert_eq!(seen, expected);
    }
}
