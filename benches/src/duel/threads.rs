//! Threads: several at once, each for itself or with each other's objects.

use super::{Contest, Group, Scale};
use crate::allocator::Allocator;
use crate::event;
use crate::peers::{Nothing, OfLife, System};
use crate::race::{Event, Role};
use crate::workloads::{Batch, Churn, Order, Part, Server, Threads, circle, hand_over};

/// How many objects live in churn, or are in a batch.
const OBJECTS: u32 = 1_000;

/// The contests of this group.
pub(super) fn contests(scale: Scale) -> Vec<Contest> {
    let threads = scale.threads;
    let pairs = threads / 2;
    vec![
        churn_in_one_cell::<16>(threads),
        churn_in_one_cell::<48>(threads),
        churn_in_one_cell::<256>(threads),
        contest(
            format!("churn 1,000, {threads} threads, each in a cell of its own"),
            move |name| event!(name, threads, A => Threads::<A>::of_parts(threads, churn_in_own_cell::<A>)),
        ),
        contest(format!("batch 1,000 random 48 B, {threads} threads in one cell"), move |name| {
            event!(name, threads, A => Threads::<A>::alike(threads, |_| {
                Batch::<A, 48>::new(OBJECTS, Order::Random)
            }))
        }),
        contest(format!("hand-over 48 B, pairs of threads: {pairs}"), move |name| {
            let mut event = event!(name, 2 * pairs, A => hand_over::<A, 48>(pairs));
            event.enter_as("ring alone", Role::Limit, hand_over::<Nothing, 48>(pairs));
            event
        }),
        contest(format!("handed round a circle 48 B, {threads} threads"), move |name| {
            let mut event = event!(name, threads, A => circle::<A, 48>(threads));
            event.enter_as("ring alone", Role::Limit, circle::<Nothing, 48>(threads));
            event
        }),
        contest(format!("server 48 B, {threads} threads that die"), move |name| {
            let mut event = event!(name, threads, A => Server::<A, 48>::new(threads));
            let idle = Server::<System, 48>::idle(threads);
            event.enter_as("threads alone", Role::Limit, idle);
            event
        }),
    ]
}

fn contest(name: String, make: impl FnOnce(String) -> Event + 'static) -> Contest {
    Contest::new(Group::Threads, name, make)
}

/// Churn on several threads and on one, in the same rounds, so that it shows what they gain. The
/// names are known to [`notes`](super::notes).
fn churn_in_one_cell<const SIZE: usize>(threads: usize) -> Contest {
    let name = format!("churn 1,000 {SIZE} B, {threads} threads in one cell");
    Contest::together(Group::Threads, name.clone(), move || {
        let one = format!("churn 1,000 {SIZE} B, one thread");
        [(one, 1), (name, threads)]
            .map(|(name, threads)| {
                event!(name, threads, A => {
                    Threads::<A>::alike(threads, |_| Churn::<A, SIZE>::new(OBJECTS))
                })
            })
            .into()
    })
}

/// Churn of the thread with this number: 16 threads differ in their sizes, and neighbours in their
/// lifetimes too.
fn churn_in_own_cell<A: Allocator>(number: usize) -> Part {
    fn part<A: Allocator, const LIFE: usize, const SIZE: usize>() -> Part {
        Part::new(Churn::<OfLife<A, LIFE>, SIZE>::new(OBJECTS))
    }
    let parts = [
        part::<A, 0, 48>,
        part::<A, 1, 64>,
        part::<A, 2, 80>,
        part::<A, 3, 96>,
        part::<A, 0, 112>,
        part::<A, 1, 128>,
        part::<A, 2, 144>,
        part::<A, 3, 160>,
        part::<A, 0, 176>,
        part::<A, 1, 192>,
        part::<A, 2, 208>,
        part::<A, 3, 224>,
        part::<A, 0, 240>,
        part::<A, 1, 256>,
        part::<A, 2, 272>,
        part::<A, 3, 288>,
    ];
    parts[number % parts.len()]()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workloads::counting::Counting;

    #[test]
    fn sixteen_threads_have_sixteen_cells() {
        type A = Counting<15>;
        let parts: Vec<Part> = (0..16).map(churn_in_own_cell::<A>).collect();
        assert_eq!(A::live_cells().len(), 16);
        drop(parts);
        assert_eq!((A::counts().live, A::counts().wrong), (0, 0));
    }
}
