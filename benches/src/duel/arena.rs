//! Everything dies at once. The peers are arenas, so no mean counts these rows.
//!
//! famalloc has no regions yet: it frees one object after the other.

use super::{Contest, Group, Scale, thousands};
use crate::peers::Famalloc;
use crate::peers::bulk::{BulkFree, BumpScope, Bumpalo, Multitude, OneByOne, TypedArena};
use crate::race::{Event, Role};
use crate::workloads::AllAtOnce;

/// The contests of this group.
pub(super) fn contests(_: Scale) -> Vec<Contest> {
    let contest = |count: usize| {
        let name = format!("all at once {} 48 B", thousands(count as u64));
        Contest::new(Group::Arena, name, move |name| {
            let mut event = Event::new(name, 1);
            enter::<OneByOne<Famalloc>>(&mut event, Role::Ours, count);
            enter::<Bumpalo>(&mut event, Role::Peer, count);
            enter::<BumpScope>(&mut event, Role::Peer, count);
            enter::<TypedArena>(&mut event, Role::Peer, count);
            enter::<Multitude>(&mut event, Role::Peer, count);
            event
        })
    };
    vec![contest(1_000), contest(100_000)]
}

fn enter<B: BulkFree>(event: &mut Event, role: Role, count: usize) {
    event.enter_as(B::NAME, role, AllAtOnce::<B>::new(count));
}
