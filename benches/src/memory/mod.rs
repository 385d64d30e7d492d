//! What is weighed.
//!
//! Each weighing is done in a process of its own that does nothing else, so that no allocator
//! inherits what another one left, and what one size leaves does not serve the next.

mod live;
mod phases;
mod resident;

pub use live::{Weight, objects, weigh};
pub use phases::{PHASES, Phase, run_phases};
pub use resident::resident;
