//! Counts of values, by size: exact for small ones, and within one part in 128 for large ones, in
//! room that does not depend on how many there are.
//!
//! Values below 256 have a bucket each. Above, every power of two is cut into 128 buckets of the
//! same width.
//!
//! ```text
//!  0 1 2 ... 255 | 256 258 260 ... 510 | 512 516 520 ... 1020 | 1024 ...
//!     width 1    |       width 2       |        width 4       |
//! ```

/// The bits of a value that tell its bucket, besides how large it is.
const BITS: u32 = 7;
/// How many buckets a power of two has.
const BUCKETS: usize = 1 << BITS;

/// Counts of values.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    counts: Vec<u64>,
    count: u64,
    greatest: u64,
}

impl Histogram {
    /// Without values. All memory that it will need is written here.
    pub(super) fn new() -> Self {
        let mut counts = vec![1; bucket(u64::MAX) + 1];
        counts.fill(0);
        Self { counts, count: 0, greatest: 0 }
    }

    pub(super) fn add(&mut self, value: u64) {
        self.counts[bucket(value)] += 1;
        self.count += 1;
        self.greatest = self.greatest.max(value);
    }

    /// How many values there are.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The greatest value, exactly; 0 when there are none.
    pub(super) fn greatest(&self) -> u64 {
        self.greatest
    }

    /// The least value that this part of the values does not exceed, to the end of its bucket.
    pub(super) fn quantile(&self, part: f64) -> u64 {
        let rank = ((part * self.count as f64).ceil() as u64).clamp(1, self.count.max(1));
        let mut below = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            below += count;
            if below >= rank {
                return last(bucket).min(self.greatest);
            }
        }
        self.greatest
    }
}

/// The bucket of a value.
fn bucket(value: u64) -> usize {
    // Below this, values are buckets: the first two powers of two above `BUCKETS` share a width.
    let power = value.checked_ilog2().unwrap_or(0).max(BITS);
    let shift = power - BITS;
    shift as usize * BUCKETS + (value >> shift) as usize
}

/// The greatest value of a bucket.
fn last(bucket: usize) -> u64 {
    let shift = (bucket / BUCKETS).saturating_sub(1);
    let start = (bucket - shift * BUCKETS) as u64;
    // The shifted bits are the bucket's width: all of them set is its end.
    (start << shift) | ((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::Random;

    /// Values of all sizes.
    fn values() -> Vec<u64> {
        let mut random = Random::new(6);
        (0..20_000)
            .map(|_| {
                let bits = random.below(45);
                u64::from(random.below(u32::MAX)) << 13 >> (44 - bits)
            })
            .collect()
    }

    #[test]
    fn every_value_lies_in_its_bucket_and_buckets_follow_each_other() {
        for bucket in 0..super::bucket(u64::MAX) {
            let end = last(bucket);
            assert_eq!(super::bucket(end), bucket);
            assert_eq!(super::bucket(end + 1), bucket + 1);
        }
        assert_eq!(last(super::bucket(u64::MAX)), u64::MAX);
        assert_eq!(super::bucket(0), 0);
    }

    #[test]
    fn buckets_are_narrow() {
        for value in values() {
            let end = last(bucket(value));
            assert!(end >= value && (end - value) as f64 <= value as f64 / 128.0, "{value} {end}");
            assert!(value >= 256 || end == value, "{value} is small, and exact");
        }
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_values() {
        let mut sorted = values();
        let mut histogram = Histogram::new();
        sorted.iter().for_each(|&value| histogram.add(value));
        sorted.sort_unstable();
        assert_eq!(histogram.count(), sorted.len() as u64);
        assert_eq!(histogram.greatest(), sorted[sorted.len() - 1]);
        for part in [0.0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.9999, 1.0] {
            let rank = ((part * sorted.len() as f64).ceil() as usize).max(1);
            let exact = sorted[rank - 1];
            let told = histogram.quantile(part);
            assert!(told >= exact, "{part}: {told} for {exact}");
            assert!((told - exact) as f64 <= exact as f64 / 128.0, "{part}: {told} for {exact}");
        }
    }

    #[test]
    fn small_values_have_exact_quantiles() {
        let mut histogram = Histogram::new();
        (1..=200).for_each(|value| histogram.add(value));
        let told = [0.0, 0.005, 0.0051, 0.5, 0.99, 1.0].map(|part| histogram.quantile(part));
        assert_eq!(told, [1, 1, 2, 100, 198, 200]);
    }

    #[test]
    fn without_values_all_is_nothing() {
        let histogram = Histogram::new();
        assert_eq!((histogram.quantile(0.5), histogram.greatest(), histogram.count()), (0, 0, 0));
    }
}
