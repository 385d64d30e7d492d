//! A race: the same workload over all allocators, interleaved.
//!
//! A machine has slow minutes. When one allocator is measured after another, such a minute falls on
//! one of them; when they take turns in short heats, it falls on all, and the medians pass over it.
//! So in each round every entrant of every event runs one heat, and the one that begins changes
//! from round to round.

use core::fmt;

use crate::allocator::Allocator;
use crate::peers::{Arena, Famalloc, Jemalloc, Mimalloc, Rallocator, System};
use crate::stats::Summary;
use crate::workloads::{OPERATIONS, Workload};

/// The names of all entrants, in the order of the columns: ours, the peers, and the arena, which
/// is no peer.
pub const NAMES: [&str; 6] =
    [Famalloc::NAME, System::NAME, Mimalloc::NAME, Jemalloc::NAME, Rallocator::NAME, Arena::NAME];

/// How many rounds of the workload make a heat.
const HEAT: u32 = 50;

/// One allocator in an event.
pub struct Entrant {
    name: &'static str,
    heat: Box<dyn FnMut() -> f64>,
}

impl Entrant {
    /// The allocator of this name, at this workload.
    pub fn new(name: &'static str, mut workload: impl Workload) -> Self {
        let heat = move || workload.time(HEAT).as_secs_f64() * 1e9 / f64::from(HEAT * OPERATIONS);
        Self { name, heat: Box::new(heat) }
    }
}

impl fmt::Debug for Entrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entrant").field("name", &self.name).finish_non_exhaustive()
    }
}

/// One workload and size.
#[derive(Debug)]
pub struct Event {
    /// What the reports call the workload.
    pub workload: &'static str,
    /// The size of its objects.
    pub size: usize,
    /// Who takes part.
    pub entrants: Vec<Entrant>,
}

/// An [`Event`] with a workload for each allocator: `event!("name", SIZE, Workload::new(..))`, and
/// `; arena` where the arena can take part.
#[macro_export]
macro_rules! event {
    ($name:expr, $size:expr, $workload:ident::new $arguments:tt) => {{
        let mut event = $crate::race::Event { workload: $name, size: $size, entrants: Vec::new() };
        $crate::enter!(event, Famalloc, $size, $workload $arguments);
        $crate::enter!(event, System, $size, $workload $arguments);
        $crate::enter!(event, Mimalloc, $size, $workload $arguments);
        $crate::enter!(event, Jemalloc, $size, $workload $arguments);
        $crate::enter!(event, Rallocator, $size, $workload $arguments);
        event
    }};
    ($name:expr, $size:expr, $workload:ident::new $arguments:tt; arena) => {{
        let mut event = $crate::event!($name, $size, $workload::new $arguments);
        $crate::enter!(event, Arena, $size, $workload $arguments);
        event
    }};
}

/// One line of [`event!`](crate::event).
#[doc(hidden)]
#[macro_export]
macro_rules! enter {
    ($event:ident, $peer:ident, $size:expr, $workload:ident $arguments:tt) => {
        $event.entrants.push($crate::race::Entrant::new(
            <$crate::peers::$peer as $crate::allocator::Allocator>::NAME,
            $workload::<$crate::peers::$peer, { $size }>::new $arguments,
        ));
    };
}

/// What came out of an event: nanoseconds for each allocate and free.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The workload.
    pub workload: &'static str,
    /// The size of its objects.
    pub size: usize,
    /// Each entrant's name and time.
    pub times: Vec<(&'static str, Summary)>,
}

impl Outcome {
    /// The time of the entrant of this name.
    #[must_use]
    pub fn of(&self, name: &str) -> Option<Summary> {
        self.times.iter().find(|(entrant, _)| *entrant == name).map(|&(_, time)| time)
    }

    /// famalloc's time.
    ///
    /// # Panics
    ///
    /// Panics when it did not take part.
    #[must_use]
    pub fn ours(&self) -> Summary {
        self.of(Famalloc::NAME).expect("famalloc takes part in every event")
    }

    /// The fastest peer and its time.
    ///
    /// # Panics
    ///
    /// Panics when there was no peer.
    #[must_use]
    pub fn best_peer(&self) -> (&'static str, Summary) {
        let rivals =
            self.times.iter().filter(|(name, _)| ![Famalloc::NAME, Arena::NAME].contains(name));
        let best = rivals.min_by(|(_, one), (_, other)| one.median.total_cmp(&other.median));
        *best.expect("peers take part in every event")
    }

    /// famalloc's time over that of the fastest peer.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.ours().median / self.best_peer().1.median
    }
}

/// Runs events together for so many rounds.
#[must_use]
pub fn run(mut events: Vec<Event>, rounds: usize) -> Vec<Outcome> {
    let mut times: Vec<Vec<Vec<f64>>> =
        events.iter().map(|event| vec![Vec::with_capacity(rounds); event.entrants.len()]).collect();
    for round in 0..rounds {
        for (event, times) in events.iter_mut().zip(&mut times) {
            let count = event.entrants.len();
            for turn in 0..count {
                let turn = (turn + round) % count;
                times[turn].push((event.entrants[turn].heat)());
            }
        }
    }
    let outcome = |(event, times): (&Event, &Vec<Vec<f64>>)| Outcome {
        workload: event.workload,
        size: event.size,
        times: event
            .entrants
            .iter()
            .zip(times)
            .map(|(entrant, times)| (entrant.name, Summary::of(times)))
            .collect(),
    };
    events.iter().zip(&times).map(outcome).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workloads::Pair;

    fn outcome(times: [(&'static str, f64); 4]) -> Outcome {
        let times = times.map(|(name, median)| (name, Summary { median, spread: 0.0 }));
        Outcome { workload: "pair", size: 48, times: times.to_vec() }
    }

    #[test]
    fn neither_famalloc_nor_the_arena_is_a_peer() {
        let outcome =
            outcome([("famalloc", 2.0), ("system", 8.0), ("jemalloc", 4.0), ("bump", 1.0)]);
        assert_eq!(outcome.best_peer().0, "jemalloc");
        assert_eq!(outcome.ratio(), 0.5);
        assert_eq!(outcome.of("nobody"), None);
    }

    #[test]
    fn every_entrant_is_timed() {
        let events = vec![event!("pair", 16, Pair::new()), event!("pair", 48, Pair::new(); arena)];
        let outcomes = run(events, 3);
        assert_eq!(outcomes[0].times.len(), NAMES.len() - 1);
        let names: Vec<_> = outcomes[1].times.iter().map(|&(name, _)| name).collect();
        assert_eq!(names, NAMES);
        assert!(
            outcomes.iter().flat_map(|outcome| &outcome.times).all(|(_, time)| time.median > 0.0)
        );
    }
}
