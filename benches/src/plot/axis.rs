//! An axis: from values to places along it, and the values that are written beside it.

use crate::duel::thousands;

/// With more ticks than this, only the powers of ten are written.
const MOST_TICKS: usize = 10;
/// Where a decade can be cut.
const CUTS: [f64; 3] = [1.0, 2.0, 5.0];

/// An axis.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    /// What its values are.
    pub(super) label: String,
    /// The values that are marked.
    pub(super) ticks: Vec<f64>,
    is_logarithmic: bool,
    from: f64,
    to: f64,
}

impl Axis {
    /// A logarithmic axis with room for these values, which are above 0.
    pub(super) fn logarithmic(label: &str, values: impl IntoIterator<Item = f64>) -> Self {
        let bounds =
            |(least, greatest): (f64, f64), value: f64| (least.min(value), greatest.max(value));
        let (least, greatest) = values.into_iter().fold((f64::INFINITY, 0.0), bounds);
        let (least, greatest) = if least <= greatest { (least, greatest) } else { (1.0, 10.0) };
        let mut cuts = cuts_around(least, greatest);
        let (from, to) = (cuts[0], cuts[cuts.len() - 1]);
        if cuts.len() > MOST_TICKS {
            cuts.retain(|cut| (cut.log10() - cut.log10().round()).abs() < 1e-9);
        }
        Self { label: label.to_owned(), ticks: cuts, is_logarithmic: true, from, to }
    }

    /// An axis of the numbers from 1 to `count`, with room on both sides.
    pub(super) fn numbers(label: &str, count: usize) -> Self {
        let ticks = (1..=count).map(|number| number as f64).collect();
        let (from, to) = (0.75, count as f64 + 0.25);
        Self { label: label.to_owned(), ticks, is_logarithmic: false, from, to }
    }

    /// Where a value is: 0 at the beginning of the axis, 1 at its end.
    pub(super) fn place(&self, value: f64) -> f64 {
        if self.is_logarithmic {
            (value / self.from).ln() / (self.to / self.from).ln()
        } else {
            (value - self.from) / (self.to - self.from)
        }
    }
}

/// The cuts of decades from the last that is not above `least` to the first that is not below
/// `greatest`, and at least two.
fn cuts_around(least: f64, greatest: f64) -> Vec<f64> {
    let decade = least.log10().floor() as i32;
    let cut = |index: usize| CUTS[index % 3] * 10_f64.powi(decade + (index / 3) as i32);
    // A little more than the bounds, for what rounding makes of a bound that is a cut.
    let first = (0..3).rev().find(|&index| cut(index) <= least * 1.000_001).unwrap_or(0);
    let mut cuts = vec![cut(first), cut(first + 1)];
    for index in first + 2.. {
        if cut(index - 1) >= greatest * 0.999_999 {
            break;
        }
        cuts.push(cut(index));
    }
    cuts
}

/// A tick's value, as it is written: short enough for neighbours that have as many digits.
pub(super) fn tick_text(value: f64) -> String {
    if value >= 1e6 {
        format!("{} million", thousands((value / 1e6).round() as u64))
    } else if value >= 1.0 {
        thousands(value.round() as u64)
    } else {
        format!("{value}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logarithmic_axis_begins_and_ends_at_cuts() {
        let ticks = |values: &[f64]| Axis::logarithmic("", values.iter().copied()).ticks;
        assert_eq!(ticks(&[1.0, 4.9]), [1.0, 2.0, 5.0]);
        assert_eq!(ticks(&[5.0, 1.5, 21.0]), [1.0, 2.0, 5.0, 10.0, 20.0, 50.0]);
        assert_eq!(ticks(&[3.0]), [2.0, 5.0]);
        assert_eq!(ticks(&[2.0]), [2.0, 5.0]);
        assert_eq!(ticks(&[]), [1.0, 2.0, 5.0, 10.0]);
        let small = ticks(&[0.3, 0.6]);
        assert_eq!(small.len(), 3);
        assert!((small[0] - 0.2).abs() < 1e-9 && (small[2] - 1.0).abs() < 1e-9, "{small:?}");
    }

    #[test]
    fn many_decades_have_a_tick_each() {
        let axis = Axis::logarithmic("", [1e3, 1e7]);
        let expected = [1e3, 1e4, 1e5, 1e6, 1e7];
        assert_eq!(axis.ticks.len(), expected.len());
        assert!(axis.ticks.iter().zip(expected).all(|(tick, it)| (tick / it - 1.0).abs() < 1e-9));
    }

    #[test]
    fn values_lie_where_their_logarithms_do() {
        let axis = Axis::logarithmic("", [1e3, 1e7]);
        for (value, place) in [(1e3, 0.0), (1e4, 0.25), (1e5, 0.5), (1e7, 1.0)] {
            assert!((axis.place(value) - place).abs() < 1e-9, "{value}");
        }
    }

    #[test]
    fn numbers_are_evenly_apart() {
        let axis = Axis::numbers("", 5);
        assert_eq!(axis.ticks, [1.0, 2.0, 3.0, 4.0, 5.0]);
        assert!((axis.place(3.0) - 0.5).abs() < 1e-9);
        assert!((axis.place(1.0) - 0.25 / 4.5).abs() < 1e-9);
    }

    #[test]
    fn ticks_are_short() {
        let texts = [0.2, 0.5, 1.0, 50.0, 200_000.0, 1e7].map(tick_text);
        assert_eq!(texts, ["0.2", "0.5", "1", "50", "200,000", "10 million"]);
    }
}
