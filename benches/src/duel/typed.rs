//! Typed and sized: the size is a constant, or is said again where the object is freed.

use super::{Contest, Group, Scale, thousands};
use crate::event;
use crate::order::Random;
use crate::power_law::PowerLaw;
use crate::workloads::shaped::{ShapedChurn, Text, Words};
use crate::workloads::{Batch, Churn, CountedPair, MapOf, Order, Pair, Trees, Vectors};

/// The contests of this group.
pub(super) fn contests(scale: Scale) -> Vec<Contest> {
    let mut contests = Vec::new();
    contests.extend(small_objects::<16>());
    contests.extend(small_objects::<48>());
    contests.extend(small_objects::<256>());
    contests.extend(programs(scale));
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

/// Objects of many sizes, trees, vectors and strings: what programs are made of.
fn programs(scale: Scale) -> Vec<Contest> {
    let mut contests = Vec::new();
    for live in [1_000, 100_000] {
        contests.push(contest(
            format!("churn {} mixed 8..512 B", thousands(live.into())),
            move |name| event!(name, 1, A => ShapedChurn::<A, _>::new(live, mixed())),
        ));
    }
    let depth = if scale.quick { 14 } else { 18 };
    contests.push(contest(
        format!("binary trees of depth {depth}"),
        move |name| event!(name, 1, A => Trees::<A>::new(depth); Arena),
    ));
    contests.push(contest(
        "counted pair 48 B".to_owned(),
        |name| event!(name, 1, A => CountedPair::<A>::new()),
    ));
    let entries = if scale.quick { 100_000 } else { 1_000_000 };
    contests.push(contest(
        format!("map of {}", thousands(entries)),
        move |name| event!(name, 1, A => MapOf::<A>::new(entries)),
    ));
    contests.push(contest(
        "vectors that grow by pushing".to_owned(),
        |name| event!(name, 1, A => Vectors::<A>::new(1_000)),
    ));
    contests.push(contest(
        "strings of 8 to 64 bytes".to_owned(),
        |name| event!(name, 1, A => ShapedChurn::<A, _>::new(10_000, strings())),
    ));
    contests
}

/// 8 to 512 bytes, whole words, by a power law.
pub(crate) fn mixed() -> impl FnMut() -> Words {
    let sizes = PowerLaw::over((8..=512).step_by(8));
    let mut random = Random::new(8);
    move || Words::new(sizes.draw(&mut random))
}

/// 8 to 64 bytes, each length as likely.
fn strings() -> impl FnMut() -> Text {
    let mut random = Random::new(9);
    move || Text::new(8 + random.below(57))
}

#[cfg(test)]
mod tests {
    use core::iter::repeat_with;
    use std::collections::BTreeSet;

    use super::*;
    use crate::workloads::shaped::Shape;

    #[test]
    fn strings_have_8_to_64_bytes() {
        let lengths: BTreeSet<_> =
            repeat_with(strings()).take(5000).map(|text| text.layout().size()).collect();
        assert!(lengths.into_iter().eq(8..=64));
    }

    #[test]
    fn mixed_sizes_are_mostly_small() {
        let mut sizes: Vec<_> =
            repeat_with(mixed()).take(100_000).map(|words| words.layout().size()).collect();
        sizes.sort_unstable();
        assert_eq!((sizes[0], sizes[99_999]), (8, 512));
        assert!(sizes[50_000] <= 16 && sizes[95_000] >= 64, "{} {}", sizes[50_000], sizes[95_000]);
    }
}
