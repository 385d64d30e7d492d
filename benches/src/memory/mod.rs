//! What is weighed.
//!
//! Each weighing is done in a process of its own that does nothing else, so that no allocator
//! inherits what another one left, and what one size leaves does not serve the next. That process is
//! this program again, started with `--child`.

mod child;
mod lifetimes;
mod live;
mod programs;
mod ratios;
mod resident;

pub use child::{Weighing, child};
pub use lifetimes::{Residency, lifetimes};
pub use live::{Weight, objects, weigh};
pub use programs::{PROGRAMS, Phase, Program};
pub use ratios::{live_objects, many_small};
pub use resident::resident;
