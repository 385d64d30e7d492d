//! Sizes as programs have them: many small ones, few large ones.
//!
//! A size is drawn with a probability in proportion to its power of -1.5: one four times as large is
//! eight times as rare, and each doubling of the size has less of the objects but more of the bytes.

use crate::order::Random;

/// Sizes, and how often each is drawn.
#[derive(Clone, Debug)]
pub struct PowerLaw {
    sizes: Vec<u32>,
    /// The weights of each size and all before it.
    sums: Vec<f64>,
}

impl PowerLaw {
    /// Over these sizes, none of which is 0.
    ///
    /// # Panics
    ///
    /// Panics when there are none.
    pub fn over(sizes: impl IntoIterator<Item = u32>) -> Self {
        let sizes: Vec<u32> = sizes.into_iter().collect();
        assert!(!sizes.is_empty(), "there is nothing to draw from");
        let mut sum = 0.0;
        let sums = sizes.iter().map(|&size| {
            // A root and a division are exact everywhere; `powf` differs between machines.
            sum += 1.0 / (f64::from(size) * f64::from(size).sqrt());
            sum
        });
        let sums = sums.collect();
        Self { sizes, sums }
    }

    /// The next size.
    pub fn draw(&self, random: &mut Random) -> u32 {
        let part = f64::from(random.below(u32::MAX)) / f64::from(u32::MAX);
        let at = part * self.sums[self.sums.len() - 1];
        self.sizes[self.sums.partition_point(|&sum| sum <= at)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: u32 = 200_000;

    #[test]
    fn sizes_come_as_often_as_the_law_says() {
        let law = PowerLaw::over([8, 32, 128]);
        let mut random = Random::new(5);
        let mut counts = [0_u32; 3];
        for _ in 0..DRAWS {
            counts[match law.draw(&mut random) {
                8 => 0,
                32 => 1,
                128 => 2,
                other => panic!("{other} is none of the sizes"),
            }] += 1;
        }
        // Weights of 64, 8 and 1.
        let expected = [64, 8, 1].map(|weight| DRAWS * weight / 73);
        for (count, expected) in counts.into_iter().zip(expected) {
            assert!(count.abs_diff(expected) < expected / 20, "{counts:?}");
        }
    }

    #[test]
    fn the_smallest_and_the_largest_are_drawn() {
        let law = PowerLaw::over((8..=512).step_by(8));
        let mut random = Random::new(5);
        let drawn: Vec<u32> = (0..DRAWS).map(|_| law.draw(&mut random)).collect();
        assert_eq!(drawn.iter().min(), Some(&8));
        assert_eq!(drawn.iter().max(), Some(&512));
        assert!(drawn.iter().all(|size| size.is_multiple_of(8)));
    }
}
