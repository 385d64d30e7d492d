//! Untyped: layouts that only the run knows, as a `GlobalAlloc` gets them.
//!
//! The loops are those of the typed group, but each layout comes out of an array.

use super::{Contest, Group, Scale, thousands};
use crate::event;
use crate::order::Random;
use crate::power_law::PowerLaw;
use crate::workloads::shaped::{ShapedBatch, ShapedChurn, ShapedPair, Unseen};

/// The contests of this group. Their names have "layout" in them, so that they are not mistaken for
/// those of the typed group.
pub(super) fn contests(_: Scale) -> Vec<Contest> {
    let mut contests = vec![
        contest(
            "layout pair 48 B".to_owned(),
            |name| event!(name, 1, A => ShapedPair::<A, _>::new(plain); Arena),
        ),
        contest(
            "layout batch 1,000 random 48 B".to_owned(),
            |name| event!(name, 1, A => ShapedBatch::<A, _, false>::new(1_000, plain); Arena),
        ),
        contest(
            "layout batch 1,000 random mixed".to_owned(),
            |name| event!(name, 1, A => ShapedBatch::<A, _, false>::new(1_000, mixed()); Arena),
        ),
        contest(
            "layout batch 1,000 random mixed, zeroed".to_owned(),
            |name| event!(name, 1, A => ShapedBatch::<A, _, true>::new(1_000, mixed()); Arena),
        ),
    ];
    for live in [1_000, 100_000] {
        contests.push(contest(
            format!("layout churn {} 48 B", thousands(live.into())),
            move |name| event!(name, 1, A => ShapedChurn::<A, _>::new(live, plain)),
        ));
    }
    contests
}

fn contest(name: String, make: impl FnOnce(String) -> crate::race::Event + 'static) -> Contest {
    Contest::new(Group::Untyped, name, make)
}

/// 48 bytes, aligned to 8.
fn plain() -> Unseen {
    Unseen::new(48, 8)
}

/// 1 to 1,024 bytes by a power law, aligned to a power of two of 1 to 64, each as likely.
fn mixed() -> impl FnMut() -> Unseen {
    let sizes = PowerLaw::over(1..=1024);
    let mut random = Random::new(7);
    move || Unseen::new(sizes.draw(&mut random), 1 << random.below(7))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workloads::shaped::Shape;

    #[test]
    fn mixed_layouts_have_every_alignment_and_any_size() {
        let mut aligned = [0; 7];
        let mut sizes: Vec<usize> = core::iter::repeat_with(mixed())
            .take(1000)
            .map(|shape| {
                aligned[shape.layout().align().trailing_zeros() as usize] += 1;
                shape.layout().size()
            })
            .collect();
        assert!(aligned.iter().all(|count| (100..200).contains(count)), "{aligned:?}");
        sizes.sort_unstable();
        assert!(sizes[0] == 1 && sizes[500] < 8 && sizes[999] > 512, "{sizes:?}");
    }
}
