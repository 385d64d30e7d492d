//! The sequence of laps over hundreds of MiB, for objects of each power of two from 1 to 8,192
//! bytes.

use std::time::Duration;

use super::{Contest, Group, Scale};
use crate::event;
use crate::race::Effort;
use crate::workloads::Sequence;

/// A quick duel has such a part of the objects.
const QUICK_PART: usize = 16;

/// The contests of this group.
pub(super) fn contests(scale: Scale) -> Vec<Contest> {
    vec![
        contest::<1>(1, scale),
        contest::<2>(2, scale),
        contest::<4>(4, scale),
        contest::<8>(8, scale),
        contest::<16>(8, scale),
        contest::<32>(16, scale),
        contest::<64>(32, scale),
        contest::<128>(64, scale),
        contest::<256>(64, scale),
        contest::<512>(128, scale),
        contest::<1024>(256, scale),
        contest::<2048>(512, scale),
        contest::<4096>(512, scale),
        contest::<8192>(1024, scale),
    ]
}

/// Objects of `SIZE` bytes, as many as fill so many MiB.
fn contest<const SIZE: usize>(mebibytes: usize, scale: Scale) -> Contest {
    let count = (mebibytes << 20) / SIZE / if scale.quick { QUICK_PART } else { 1 };
    Contest::new(
        Group::Sequence,
        format!("sequence {SIZE} B"),
        move |name| event!(name, 1, A => Sequence::<A, SIZE>::new(count)),
    )
    .with_effort(effort(scale))
}

/// Rounds are long, and each has as many allocations as a whole contest of small workloads.
fn effort(scale: Scale) -> Effort {
    if scale.quick {
        Effort { time: Duration::from_millis(400), least: 3, most: 101 }
    } else {
        Effort { time: Duration::from_secs(4), least: 5, most: 301 }
    }
}
