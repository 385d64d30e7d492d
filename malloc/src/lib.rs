//! A C `malloc` over a famalloc family set.

mod errno;
pub mod exports;
mod families;
mod next;
pub mod operators;
mod replaced;
pub mod standard;

pub use exports::{Exports, initialize};
pub use families::Families;
