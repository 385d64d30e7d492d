//! Latency: how long single operations take, and above all the slow ones.
//!
//! A mean hides what happens once in ten thousand calls: an exchange with a shared list, a lock, a
//! new block. Here each call is timed by itself with the processor's counter, which costs some
//! nanoseconds that are in all numbers; a row without a call between the readings shows them. The
//! allocators take turns, as in a [race](crate::race).
//!
//! The longest times of all are mostly the machine's: a thread that had to make way. So after each
//! block of operations the kernel's counts of interruptions are read, and the longest time is told
//! a second time for the blocks without any. Of these counts, the waits and the faults may be the
//! allocator's own doing; what an interrupt or a hypervisor takes is not counted anywhere.

mod churn;
mod counter;
mod giver;
mod histogram;
mod interruptions;
mod report;

use churn::{Churn, Nothing, Of, Plan, Record};
use giver::Giver;

use crate::allocator::{Allocator, Heap};
use crate::finding::Finding;
use crate::peers::{Famalloc, Jemalloc, Mimalloc, Rallocator, Rpmalloc, Snmalloc, System};

/// How many turns each allocator has, ...
const TURNS: usize = 200;
/// ... and for a quick look.
const QUICK_TURNS: usize = 30;

/// Takes the turn of this number.
type Turn = Box<dyn FnMut(&Plan, usize, &mut Record)>;

/// One allocator, or none.
struct Entrant {
    name: &'static str,
    /// What is asked to give back beside it.
    heap: Option<&'static dyn Heap>,
    can_be_asked: bool,
    /// How often it was.
    asked: u64,
    record: Record,
    turn: Turn,
}

impl Entrant {
    fn of<A: Allocator>(heap: &'static dyn Heap, plan: &Plan) -> Self {
        let mut churn = Churn::new(Of(A::new()), plan);
        Self {
            name: A::NAME,
            heap: Some(heap),
            can_be_asked: heap.give_back(),
            asked: 0,
            record: Record::new(),
            turn: Box::new(move |plan, number, record| churn.turn(plan, number, record)),
        }
    }

    fn counter_alone(plan: &Plan) -> Self {
        let mut churn = Churn::new(Nothing::new(), plan);
        Self {
            name: "(counter alone)",
            heap: None,
            can_be_asked: false,
            asked: 0,
            record: Record::new(),
            turn: Box::new(move |plan, number, record| churn.turn(plan, number, record)),
        }
    }
}

/// Everybody, the bare counter last.
fn entrants(plan: &Plan) -> Vec<Entrant> {
    vec![
        Entrant::of::<Famalloc>(&Famalloc, plan),
        Entrant::of::<System>(&System, plan),
        Entrant::of::<Mimalloc>(&Mimalloc, plan),
        Entrant::of::<Jemalloc>(&Jemalloc, plan),
        Entrant::of::<Snmalloc>(&Snmalloc, plan),
        Entrant::of::<Rpmalloc>(&Rpmalloc, plan),
        Entrant::of::<Rallocator>(&Rallocator, plan),
        Entrant::counter_alone(plan),
    ]
}

/// With nothing beside it.
#[must_use]
pub fn alone(quick: bool) -> Finding {
    let turns = turns(quick);
    report::finding("latency", 1, turns, &run(turns, None))
}

/// While another thread asks the allocator to give back what is unused.
#[must_use]
pub fn beside(quick: bool) -> Finding {
    let turns = turns(quick);
    report::finding("latency beside giving back", 2, turns, &run(turns, Some(&Giver::new())))
}

const fn turns(quick: bool) -> usize {
    if quick { QUICK_TURNS } else { TURNS }
}

fn run(turns: usize, giver: Option<&Giver>) -> Vec<Entrant> {
    let plan = Plan::new();
    let mut entrants = entrants(&plan);
    let count = entrants.len();
    for number in 0..turns {
        for turn in 0..count {
            let entrant = &mut entrants[(turn + number) % count];
            // Those that cannot be asked run all the same, with nothing beside them.
            let beside = giver.zip(entrant.heap.filter(|_| entrant.can_be_asked));
            if let Some((giver, heap)) = beside {
                giver.begin(heap);
            }
            (entrant.turn)(&plan, number, &mut entrant.record);
            if let Some((giver, _)) = beside {
                entrant.asked += giver.finish();
            }
        }
    }
    entrants
}
