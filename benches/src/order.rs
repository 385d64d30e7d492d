//! Pseudo-random numbers and permutations: the same in every run, so that runs can be compared.

/// A xorshift generator (Marsaglia, "Xorshift RNGs", 2003): good enough to scatter, and fast.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator; equal seeds give equal numbers.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        // The state must not be 0, and seeds that differ little should not start alike.
        Self((seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)).max(1))
    }

    /// The next number below `bound`, which is not 0.
    #[inline]
    pub fn below(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        // The upper half of a 32 by 32 bit product: below the bound without a division.
        (((self.0 >> 32) * u64::from(bound)) >> 32) as u32
    }

    /// The numbers below `count` in random order.
    #[must_use]
    pub fn permutation(&mut self, count: u32) -> Vec<u32> {
        let mut order: Vec<u32> = (0..count).collect();
        for last in (1..count).rev() {
            order.swap(last as usize, self.below(last + 1) as usize);
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permutation_has_every_number_once() {
        for count in [0, 1, 2, 3, 1000] {
            let order = Random::new(7).permutation(count);
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert!(sorted.into_iter().eq(0..count));
        }
    }

    #[test]
    fn a_permutation_is_not_in_order() {
        let order = Random::new(7).permutation(1000);
        let in_place = order.iter().zip(0..).filter(|&(&number, place)| number == place).count();
        let ascending = order.windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!(in_place < 10, "{in_place} numbers did not move");
        assert!((400..600).contains(&ascending), "{ascending} of 999 steps ascend");
    }

    #[test]
    fn equal_seeds_give_equal_orders() {
        assert_eq!(Random::new(3).permutation(50), Random::new(3).permutation(50));
        assert_ne!(Random::new(3).permutation(50), Random::new(4).permutation(50));
    }

    #[test]
    fn numbers_stay_below_the_bound_and_reach_all_of_it() {
        let mut random = Random::new(1);
        let mut seen = [false; 10];
        for _ in 0..1000 {
            seen[random.below(10) as usize] = true;
        }
        assert_eq!(seen, [true; 10]);
    }
}
