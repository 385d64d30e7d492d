//! Median, and spread around it. Both shrug off the rounds in which something else had the
//! processor.

/// A median and how far the values lie from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// The middle value.
    pub median: f64,
    /// The median absolute deviation: half of the values lie at most this far from the median.
    pub spread: f64,
}

impl Summary {
    /// Of these values.
    ///
    /// # Panics
    ///
    /// Panics when there are none.
    #[must_use]
    pub fn of(values: &[f64]) -> Self {
        let median = median(values);
        let distances: Vec<f64> = values.iter().map(|value| (value - median).abs()).collect();
        Self { median, spread: self::median(&distances) }
    }

    /// The spread as a part of the median.
    #[must_use]
    pub fn relative_spread(&self) -> f64 {
        if self.median == 0.0 { 0.0 } else { self.spread / self.median }
    }
}

/// The middle value, or the mean of the middle two.
///
/// # Panics
///
/// Panics when there are no values.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    assert!(!values.is_empty(), "nothing was measured");
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0]), 3.0);
        assert_eq!(median(&[9.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 100.0]), 3.0);
    }

    #[test]
    fn one_wild_value_does_not_move_the_summary() {
        let calm = Summary::of(&[10.0, 11.0, 12.0, 13.0, 14.0]);
        let wild = Summary::of(&[10.0, 11.0, 12.0, 13.0, 9000.0]);
        assert_eq!(calm, Summary { median: 12.0, spread: 1.0 });
        assert_eq!(wild, calm);
        assert_eq!(calm.relative_spread(), 1.0 / 12.0);
    }
}
