//! Everything dies at once. The peers are arenas, so no mean counts these rows.
//!
//! famalloc takes part with a region; with its other calls, which free one object after the other, it
//! is a column to the right. And a region's pair beside that of the shared table.

use super::{Contest, Group, Scale, thousands};
use crate::allocator::Allocator;
use crate::peers::Famalloc;
use crate::peers::bulk::{
    BulkFree, BumpScope, Bumpalo, FamilyRegion, Multitude, OneByOne, TypedArena,
};
use crate::race::{Event, Role};
use crate::workloads::{AllAtOnce, EndOfAll, Pair, RegionPair, Workload};

/// What the shared table is called beside a region, and famalloc's calls for single objects.
const TABLE: &str = "one by one";

/// The contests of this group.
pub(super) fn contests(_: Scale) -> Vec<Contest> {
    vec![
        all_at_once::<1>(1_000),
        all_at_once::<2>(1_000),
        all_at_once::<3>(1_000),
        all_at_once::<6>(1_000),
        all_at_once::<6>(100_000),
        all_at_once::<6>(1_000_000),
        end_of_all::<6>(1_000_000),
        pair::<1, 8>(),
        pair::<6, 48>(),
    ]
}

fn contest(name: String, make: impl FnOnce(&mut Event) + 'static) -> Contest {
    Contest::new(Group::Arena, name, move |name| {
        let mut event = Event::new(name, 1);
        make(&mut event);
        event
    })
}

fn all_at_once<const WORDS: usize>(count: usize) -> Contest {
    let name = format!("all at once {} {} B", thousands(count as u64), WORDS * 8);
    contest(name, move |event| {
        enter::<FamilyRegion, _, WORDS>(
            event,
            Role::Ours,
            AllAtOnce::<FamilyRegion, WORDS>::new(count),
        );
        enter::<Bumpalo, _, WORDS>(event, Role::Peer, AllAtOnce::<Bumpalo, WORDS>::new(count));
        enter::<BumpScope, _, WORDS>(event, Role::Peer, AllAtOnce::<BumpScope, WORDS>::new(count));
        let typed = AllAtOnce::<TypedArena<WORDS>, WORDS>::new(count);
        enter::<TypedArena<WORDS>, _, WORDS>(event, Role::Peer, typed);
        enter::<Multitude, _, WORDS>(event, Role::Peer, AllAtOnce::<Multitude, WORDS>::new(count));
        let one_by_one = AllAtOnce::<OneByOne<Famalloc>, WORDS>::new(count);
        event.enter_as(TABLE, Role::Limit, one_by_one);
    })
}

fn end_of_all<const WORDS: usize>(count: usize) -> Contest {
    let name = format!("end of {} {} B", thousands(count as u64), WORDS * 8);
    contest(name, move |event| {
        enter::<FamilyRegion, _, WORDS>(
            event,
            Role::Ours,
            EndOfAll::<FamilyRegion, WORDS>::new(count),
        );
        enter::<Bumpalo, _, WORDS>(event, Role::Peer, EndOfAll::<Bumpalo, WORDS>::new(count));
        enter::<BumpScope, _, WORDS>(event, Role::Peer, EndOfAll::<BumpScope, WORDS>::new(count));
        let typed = EndOfAll::<TypedArena<WORDS>, WORDS>::new(count);
        enter::<TypedArena<WORDS>, _, WORDS>(event, Role::Peer, typed);
        enter::<Multitude, _, WORDS>(event, Role::Peer, EndOfAll::<Multitude, WORDS>::new(count));
        event.enter_as(TABLE, Role::Limit, EndOfAll::<OneByOne<Famalloc>, WORDS>::new(count));
    })
}

/// `SIZE` is `WORDS` in bytes.
fn pair<const WORDS: usize, const SIZE: usize>() -> Contest {
    const { assert!(SIZE == WORDS * 8) };
    contest(format!("pair in a region {SIZE} B"), |event| {
        event.enter_as(Famalloc::NAME, Role::Ours, RegionPair::<WORDS>::new());
        event.enter_as(TABLE, Role::Peer, Pair::<Famalloc, SIZE>::new());
    })
}

fn enter<B: BulkFree<WORDS>, W: Workload, const WORDS: usize>(
    event: &mut Event,
    role: Role,
    workload: W,
) {
    event.enter_as(B::NAME, role, workload);
}
