//! Growth: cost against the number of live objects, of families and of threads.
//!
//! The rows are named alike, but for the number, so that [`notes`](super::notes) can tell what grows.

use super::{Contest, Group, Scale, thousands};
use crate::event;
use crate::peers::FAMILIES;
use crate::race::Event;
use crate::workloads::{
    Churn, ChurnInFamilies, Pair, PairInCrowd, PairInOneFamily, PairRoundFamilies, Threads,
};

/// How many objects live in churn where it is not them that grow.
const LIVE: u32 = 1_000;

/// The contests of this group.
pub(super) fn contests(scale: Scale) -> Vec<Contest> {
    let mut contests = Vec::new();
    let most = if scale.quick { 1_000_000 } else { 10_000_000 };
    for live in [1_000, 10_000, 100_000, 1_000_000, 10_000_000] {
        if live <= most {
            contests.extend(among_live_objects(live));
        }
    }
    // Fewer first: a family that was in use leaves something.
    for families in [1, 8, 64, FAMILIES] {
        contests.extend(in_families(families));
    }
    contests.push(Contest::together(Group::Growth, "pair by thread count", move || {
        (counts(scale.threads))
            .map(|threads| {
                let name = format!("pair, {threads} threads");
                event!(name, threads, A => Threads::<A>::alike(threads, |_| Pair::<A, 48>::new()))
            })
            .collect()
    }));
    contests.push(Contest::together(Group::Growth, "churn by thread count", move || {
        (counts(scale.threads))
            .map(|threads| {
                let name = format!("churn, {threads} threads");
                event!(name, threads, A => {
                    Threads::<A>::alike(threads, |_| Churn::<A, 48>::new(LIVE))
                })
            })
            .collect()
    }));
    contests
}

fn contest(name: String, make: impl FnOnce(String) -> Event + 'static) -> Contest {
    Contest::new(Group::Growth, name, make)
}

fn among_live_objects(live: u32) -> [Contest; 2] {
    let number = thousands(live.into());
    [
        contest(
            format!("pair, {number} live 48 B"),
            move |name| event!(name, 1, A => PairInCrowd::<A, 48>::new(live)),
        ),
        contest(
            format!("churn, {number} live 48 B"),
            move |name| event!(name, 1, A => Churn::<A, 48>::new(live)),
        ),
    ]
}

fn in_families(families: usize) -> [Contest; 3] {
    [
        contest(
            format!("pair in one of {families} families"),
            move |name| event!(name, 1, A => PairInOneFamily::<A, 48>::new(families)),
        ),
        contest(
            format!("pair round {families} families"),
            move |name| event!(name, 1, A => PairRoundFamilies::new::<A, 48>(families); CallsAlone),
        ),
        contest(
            format!("churn in {families} families"),
            move |name| event!(name, 1, A => ChurnInFamilies::new::<A, 48>(families); CallsAlone),
        ),
    ]
}

/// The powers of two up to this number.
fn counts(most: usize) -> impl Iterator<Item = usize> {
    core::iter::successors(Some(1), |count| Some(2 * count)).take_while(move |&count| count <= most)
}
