//! Names that stand below each other without touching.

/// Heights as near to the wanted ones as they can be when they are to be `gap` apart, in the same
/// order, and between the bounds if there is room.
pub(super) fn spread(wanted: &[f64], gap: f64, top: f64, bottom: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|&one, &other| wanted[one].total_cmp(&wanted[other]));
    let mut heights = wanted.to_vec();
    // Downwards as far as the one above asks for; then upwards again from the bottom.
    let mut least = top;
    for &place in &order {
        heights[place] = heights[place].max(least);
        least = heights[place] + gap;
    }
    let mut most = bottom;
    for &place in order.iter().rev() {
        heights[place] = heights[place].min(most);
        most = heights[place] - gap;
    }
    heights
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::Random;

    const GAP: f64 = 14.0;

    #[test]
    fn names_do_not_overlap() {
        let mut random = Random::new(8);
        for count in [1, 2, 7, 20] {
            for _ in 0..200 {
                let wanted: Vec<_> = (0..count).map(|_| f64::from(random.below(280))).collect();
                let heights = spread(&wanted, GAP, 0.0, 280.0);
                let mut order: Vec<_> = (0..count).collect();
                order.sort_by(|&one, &other| wanted[one].total_cmp(&wanted[other]));
                for pair in order.windows(2) {
                    assert!(heights[pair[1]] - heights[pair[0]] > GAP - 1e-9);
                }
                assert!(heights.iter().all(|height| (0.0..=280.0).contains(height)));
            }
        }
        assert_eq!(spread(&[100.0, 40.0], GAP, 0.0, 280.0), [100.0, 40.0]);
    }
}
