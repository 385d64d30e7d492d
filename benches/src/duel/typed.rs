//! Typed and sized: the size is a constant, or is said again where the object is freed.

use super::{Contest, Group, Scale, thousands};
use crate::event;
use crate::workloads::{Batch, Churn, Order, Pair};

/// The contests of this group.
pub(super) fn contests(_: Scale) -> Vec<Contest> {
    let mut contests = Vec::new();
    contests.extend(small_objects::<16>());
    contests.extend(small_objects::<48>());
    contests.extend(small_objects::<256>());
    contests
}

fn contest(name: String, make: impl FnOnce(String) -> crate::race::Event + 'static) -> Contest {
    Contest::new(Group::Typed, name, make)
}

/// The workloads that are run with objects of several sizes.
fn small_objects<const SIZE: usize>() -> Vec<Contest> {
    let mut contests = vec![contest(
        format!("pair {SIZE} B"),
        |name| event!(name, 1, A => Pair::<A, SIZE>::new(); Arena),
    )];
    for (count, order, title) in [
        (1_000, Order::Lifo, "LIFO"),
        (1_000, Order::Fifo, "FIFO"),
        (1_000, Order::Random, "random"),
        (10_000, Order::Fifo, "FIFO"),
        (100_000, Order::Random, "random"),
    ] {
        let name = format!("batch {} {title} {SIZE} B", thousands(count.into()));
        contests.push(contest(
            name,
            move |name| event!(name, 1, A => Batch::<A, SIZE>::new(count, order); Arena),
        ));
    }
    for live in [1_000, 100_000] {
        contests.push(contest(
            format!("churn {} {SIZE} B", thousands(live.into())),
            move |name| event!(name, 1, A => Churn::<A, SIZE>::new(live)),
        ));
    }
    contests
}
