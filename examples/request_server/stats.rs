//! What the server tells when it stops.

use std::collections::BTreeMap;
use std::fmt;

/// Counts of what was served.
#[derive(Default)]
pub(crate) struct Stats {
    by_status: BTreeMap<u16, u64>,
    requests: u64,
    bytes: usize,
    most: usize,
    /// Requests whose region held from 2^n bytes on, for each n.
    by_size: BTreeMap<u32, u64>,
}

impl Stats {
    /// A request was answered, and its region held so many bytes then.
    pub(crate) fn count(&mut self, status: u16, bytes: usize) {
        *self.by_status.entry(status).or_default() += 1;
        *self.by_size.entry(bytes.max(1).ilog2()).or_default() += 1;
        self.requests += 1;
        self.bytes += bytes;
        self.most = self.most.max(bytes);
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "served {} requests", self.requests)?;
        for (status, count) in &self.by_status {
            writeln!(f, "  {status}  {count:>6}")?;
        }
        let average = self.bytes as f64 / self.requests.max(1) as f64;
        writeln!(f, "bytes in a request's region: {average:.0} on average, {} at most", self.most)?;
        let widest = self.by_size.values().max().copied().unwrap_or(1);
        for (size, count) in &self.by_size {
            let bar = "#".repeat((count * 50).div_ceil(widest) as usize);
            writeln!(f, "  from {:>6} B  {count:>6} {bar}", 1_u64 << size)?;
        }
        Ok(())
    }
}
