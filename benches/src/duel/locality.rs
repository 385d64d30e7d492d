//! Locality: what the allocator's choice of addresses costs whoever reads the objects.

use super::{Contest, Group, Scale, thousands};
use crate::event;
use crate::race::{Event, Role};
use crate::workloads::{ArrayWalk, BumpListWalk, ListWalk, Tree};

/// How deep the tree is.
const DEPTH: u32 = 16;

/// The contests of this group.
pub(super) fn contests(_: Scale) -> Vec<Contest> {
    let walk = |nodes: u32| {
        let name = format!("walk of a list of {} nodes after churn", thousands(nodes.into()));
        contest(name, move |name| {
            let mut event = event!(name, 1, A => ListWalk::<A>::new(nodes));
            event.enter_as("bump list", Role::Limit, BumpListWalk::new(nodes));
            event.enter_as("array", Role::Limit, ArrayWalk::new(nodes));
            event
        })
    };
    let tree = contest(
        "tree among three other lifetimes".to_owned(),
        |name| event!(name, 1, A => Tree::<A>::new(DEPTH)),
    );
    vec![walk(100_000), walk(1_000_000), tree]
}

fn contest(name: String, make: impl FnOnce(String) -> Event + 'static) -> Contest {
    Contest::new(Group::Locality, name, make)
}
